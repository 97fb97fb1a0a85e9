"""A test that hangs ends, and shows what every thread was doing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_HANGING = """
import threading

never, waits = threading.Event(), threading.Event()


def waits_in_another_thread():
    waits.set()
    never.wait()


threading.Thread(target=waits_in_another_thread, daemon=True).start()
waits.wait()


def test_that_hangs():
    never.wait()
"""


def test_every_test_has_a_time_limit(pytestconfig: pytest.Config) -> None:
    assert 0 < float(pytestconfig.getini("timeout")) <= 900
    assert pytestconfig.getini("timeout_method") == "thread"  # which strikes inside of foreign code, too


def test_a_test_that_hangs_shows_the_stacks_of_all_threads(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(_HANGING)
    settings = Path(__file__).parent.parent / "pyproject.toml"
    command = [
        "-m",
        "pytest",
        "-c",
        settings,
        "-o",
        "timeout=0.5",
        "-o",
        "timeout_func_only=true",  # all that the time must be enough for is to call a function
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        tmp_path,
    ]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=600)
    shown = done.stdout + done.stderr
    assert done.returncode == 1
    assert "in test_that_hangs" in shown
    assert "in waits_in_another_thread" in shown
