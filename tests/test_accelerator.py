"""Runs the tests of ``tests/devices`` in a process of their own, where there is an accelerator.

Two CPU devices of the engine play GPUs. With ``TIDEFLOW_TEST_ACCELERATOR=real`` the machine's own accelerator is used.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST = 1800


@pytest.mark.timeout(LONGEST + 60)
def test_the_tests_of_devices_pass_on_an_accelerator() -> None:
    environment = dict(os.environ)
    environment.pop("PYTEST_XDIST_WORKER", None)
    if os.environ.get("TIDEFLOW_TEST_ACCELERATOR") != "real":
        environment["TIDEFLOW_VIRTUAL_ACCELERATORS"] = "2"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(HERE / "devices")]
    done = subprocess.run(
        command, cwd=HERE.parent, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None and int(passed.group(1)) > 700, done.stdout[-2000:]
