"""Fixtures that run programs in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest

Result = subprocess.CompletedProcess[str]


@pytest.fixture
def python(tmp_path) -> Callable[..., Result]:
    """Runs the interpreter with arguments, in an empty directory, and returns what it did."""

    def run(*arguments: str, stdin: str = "") -> Result:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


@pytest.fixture
def tideflow(python) -> Callable[..., Result]:
    """Runs `python -m tideflow` with arguments."""
    return lambda *arguments, **options: python("-m", "tideflow", *arguments, **options)


@pytest.fixture
def program(python) -> Callable[[str], str]:
    """Runs Python code, fails if it fails, and returns what it printed, without the last newline."""

    def run(source: str) -> str:
        done = python("-c", textwrap.dedent(source))
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    return run
