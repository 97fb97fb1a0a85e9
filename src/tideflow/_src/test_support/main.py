"""Runs the tests of a program from its command line."""

from __future__ import annotations

import sys
from typing import Any

from absl.testing import absltest

from tideflow._src.test_support import benchmark


def main(argv: Any = None) -> Any:
    """Runs all tests of the program, or its benchmarks if ``--benchmarks=<regular expression>`` is given.

    Args:
      argv: the command line; that of the process by default.
    """
    arguments = list(sys.argv if argv is None else argv)
    for position, argument in enumerate(arguments[1:], 1):
        if argument.startswith(("--benchmarks", "--benchmark_filter")):
            pattern = argument.partition("=")[2] or (arguments[position + 1 :] or [""])[0]
            return benchmark.run_benchmarks(pattern)
    return absltest.main(argv=argv)
