"""Runs Keras's own tests on Tideflow and on TensorFlow, folder by folder, and prints how many pass on each.

It fetches nothing: it is given a checkout of Keras's sources at the installed version, and for each side a Python with
pytest, Keras's dependencies, and Tideflow or TensorFlow:

    python tests/keras/run_keras_tests.py CHECKOUT --tideflow .venv/bin/python --tensorflow .venv-tf/bin/python ops

A folder is one below `keras/src`; all of them by default. Tests that fail on Tideflow and not on TensorFlow are listed
after the table, and the exit status tells whether there are any.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

FOLDERS = (
    "ops backend layers initializers optimizers losses metrics models trainers callbacks saving utils random "
    "regularizers constraints activations export applications datasets legacy quantizers visualization tree "
    "dtype_policies distribution"
).split()

#: What a side runs before Keras is imported.
_PREPARE = {"tideflow": "import tideflow; tideflow.install_as_tensorflow()", "tensorflow": ""}
_RUN = "import sys; sys.path.insert(0, '.'); {prepare}\nimport pytest; sys.exit(pytest.main(sys.argv[1:]))"


def outcomes(python: str, side: str, checkout: pathlib.Path, folder: str, seconds: float) -> dict[str, str]:
    """Returns ``passed``, ``failed`` or ``skipped`` for each test of a folder, by its name.

    Args:
      python: the interpreter.
      side: ``"tideflow"`` or ``"tensorflow"``.
      checkout: the folder that holds `keras`.
      folder: the folder below `keras/src`.
      seconds: how long a test may take.

    Raises:
      RuntimeError: the tests did not run.
    """
    with tempfile.TemporaryDirectory() as place:
        report = os.path.join(place, "report.xml")
        options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--tb=no", "--continue-on-collection-errors"]
        command = [python, "-c", _RUN.format(prepare=_PREPARE[side]), f"keras/src/{folder}", *options]
        command += [f"--junitxml={report}", f"--timeout={seconds}"]
        done = subprocess.run(
            command, cwd=checkout, env={**os.environ, "KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True
        )
        if not os.path.exists(report):
            raise RuntimeError(f"{folder} did not run on {side}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return read(report)


def read(report: str) -> dict[str, str]:
    """Returns the outcome of each test in a report of pytest's."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return found


def main(arguments: list[str] | None = None) -> int:
    """Runs the folders that the command line names, and returns whether a test fails on Tideflow alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--tideflow", default=sys.executable)
    parser.add_argument("--tensorflow")
    parser.add_argument("--seconds", type=float, default=300.0)
    options = parser.parse_args(arguments)
    pythons = {"tideflow": options.tideflow, "tensorflow": options.tensorflow}
    pythons = {side: python for side, python in pythons.items() if python}
    alone: list[str] = []
    print(f"{'folder':24}" + "".join(f"{side + ' passed':>20}{'failed':>8}" for side in pythons), flush=True)
    for folder in options.folders:
        found = {
            side: outcomes(os.path.abspath(python), side, options.checkout, folder, options.seconds)
            for side, python in pythons.items()
        }
        counts = [[list(each.values()).count(outcome) for outcome in ("passed", "failed")] for each in found.values()]
        print(f"{folder:24}" + "".join(f"{passed:20}{failed:8}" for passed, failed in counts), flush=True)
        reference = found.get("tensorflow", {})
        alone += [
            name
            for name, outcome in found["tideflow"].items()
            if outcome == "failed" and reference.get(name, "passed") == "passed"
        ]
    for name in alone:
        print(f"fails on Tideflow alone: {name}")
    return int(bool(alone))


if __name__ == "__main__":
    sys.exit(main())
