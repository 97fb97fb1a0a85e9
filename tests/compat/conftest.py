"""Fixtures that run programs in processes of their own."""

from __future__ import annotations

import subprocess
import sys
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
            timeout=60,
        )

    return run


@pytest.fixture
def tideflow(python) -> Callable[..., Result]:
    """Runs `python -m tideflow` with arguments."""
    return lambda *arguments, **options: python("-m", "tideflow", *arguments, **options)
