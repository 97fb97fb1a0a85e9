"""Runs Keras's own tests on Tideflow and on TensorFlow, folder by folder, and prints how many pass on each.

It fetches nothing: it is given a checkout of Keras's sources at the installed version, and for each side a Python with
pytest, pytest-timeout, Keras's dependencies (and of those of its tests as many as shall count: scipy, scikit-learn,
pandas, dm-tree, torch, grain, orbax, ...), and Tideflow or TensorFlow:

    python tests/keras/run_keras_tests.py CHECKOUT --tideflow .venv/bin/python --tensorflow .venv-tf/bin/python ops

A folder is one below `keras/src`, or a file there (`ops/nn_test.py`); all folders by default. With `--root PATH` it is
one below another folder of the checkout: `--root tensorflow_probability/python bijectors/exp_test.py` runs tests of
TensorFlow Probability, whose files have names of the same form. Only a test that passes
on TensorFlow counts: those that fail on Tideflow are listed after the table, and the exit status tells whether there
are any. With `--only-failures` TensorFlow runs only what fails on Tideflow, which takes a small part of the time: its
column then counts the tests that pass on Tideflow as passed.

With `--reports DIRECTORY` pytest's reports stay there, and what has a report is not run again: an interrupted run goes
on where it was, and removing a report repeats a part. A part whose process dies, or takes longer than
`--seconds-per-part`, is told of in the end and has no report; name its files one by one to find what it dies of.
`--leave-out NAME` leaves out tests whose names hold it, on both sides: those that want a network, say.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import NamedTuple

FOLDERS = (
    "activations applications backend callbacks constraints datasets distillation distribution dtype_policies export "
    "initializers layers legacy losses metrics models ops optimizers quantizers random regularizers saving testing "
    "trainers tree utils wrappers"
).split()

#: Where Keras's folders are in a checkout.
_ROOT = "keras/src"
#: What a side runs before Keras is imported.
_PREPARE = {"tideflow": "import tideflow; tideflow.install_as_tensorflow()", "tensorflow": ""}
_RUN = "import sys; sys.path.insert(0, '.'); {prepare}\nimport pytest; sys.exit(pytest.main(sys.argv[1:]))"
#: Exit statuses of pytest's when all tests have run.
_ENDED = (0, 1)
_OPTIONS = (
    "-q --rootdir=. -p no:cacheprovider -o addopts= -o junit_family=xunit1 --tb=no --continue-on-collection-errors"
).split()


class Limits(NamedTuple):
    """Says what is run: seconds for a test and for a part, and names whose tests are left out."""

    seconds: float = 300.0
    seconds_per_part: float | None = None
    left_out: Sequence[str] = ()


def run_tests(
    python: str, side: str, checkout: pathlib.Path, tests: list[str], report: pathlib.Path, limits: Limits
) -> None:
    """Runs tests of the checkout on a side, and leaves pytest's report.

    Args:
      python: the interpreter.
      side: ``"tideflow"`` or ``"tensorflow"``.
      checkout: the folder that holds `keras`, or the other library.
      tests: folders, files or single tests, as pytest names them.
      report: where the report goes.
      limits: how long it may take, and what is left out.

    Raises:
      RuntimeError: the tests did not run to their end.
    """
    report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        listed = pathlib.Path(place, "tests")  # there may be more than a command line holds
        listed.write_text("\n".join(tests))
        unfinished = pathlib.Path(place, "report.xml")
        command = [python, "-c", _RUN.format(prepare=_PREPARE[side]), f"@{listed}", *_OPTIONS]
        command += [f"--junitxml={unfinished}", f"--timeout={limits.seconds}"]
        if limits.left_out:
            command += ["-k", " and ".join(f"not {name}" for name in limits.left_out)]
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
        try:
            done = subprocess.run(
                command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=limits.seconds_per_part
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{report.stem} took longer than {error.timeout:g} seconds on {side}") from None
        if done.returncode not in _ENDED or not unfinished.exists():
            raise RuntimeError(f"{report.stem} did not run on {side}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        report.write_bytes(unfinished.read_bytes())


def outcomes(reports: pathlib.Path) -> dict[str, str]:
    """Returns ``passed``, ``failed`` or ``skipped`` for each test in a folder of pytest's reports, by its name.

    The name is that by which pytest runs the test. A file that could not be imported is a test that failed.
    """
    found = {}
    for report in sorted(reports.glob("*.xml")):
        for case in ElementTree.parse(report).iter("testcase"):
            kinds = {child.tag for child in case}
            outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            found[_name(case.get("classname", ""), case.get("name", ""), case.get("file"))] = outcome
    return found


def _name(classname: str, name: str, file: str | None) -> str:
    """Returns the name by which pytest runs a test, from what a report tells of it."""
    if not classname:
        return name.replace(".", "/") + ".py"
    file = file or classname.partition("_test.")[0].replace(".", "/") + "_test.py"
    within = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join([file, *within.split("."), name] if within else [file, name])


def table(found: dict[str, dict[str, str]], root: str = _ROOT) -> list[str]:
    """Returns the rows, one for each folder that has tests, that compare two sides.

    Args:
      found: the outcomes of each side. A test without an outcome on TensorFlow was not run there, since it did not fail
        on Tideflow: it counts as it does there.
      root: where the folders are in the checkout.
    """
    rows = [f"| {f'folder of `{root}`':24} | passed on Tideflow | passed on TensorFlow | fail here and not there |"]
    rows.append("|---|---|---|---|")
    sums = [0, 0, 0]
    for folder in sorted({folder_of(name, root) for name in found["tideflow"]}):
        tests = [name for name in found["tideflow"] if folder_of(name, root) == folder]
        counts = [0, 0, 0]
        for name in tests:
            here = found["tideflow"][name]
            there = found["tensorflow"].get(name, here)
            counts[0] += here == "passed"
            counts[1] += there == "passed"
            counts[2] += here != "passed" and there == "passed"
        rows.append(_row(f"`{folder}`", counts))
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
    rows.append(_row("all", sums))
    if sums[1]:
        rows.append(f"\n{1 - sums[2] / sums[1]:.2%} of the tests that pass on TensorFlow pass on Tideflow.")
    return rows


def _row(title: str, counts: list[int]) -> str:
    return f"| {title:24} | " + " | ".join(f"{count}" for count in counts) + " |"


def folder_of(test: str, root: str = _ROOT) -> str:
    """Returns the folder below the root, `keras/src`, that a test belongs to."""
    return test.removeprefix(f"{root}/").partition("/")[0]


def alone(found: dict[str, dict[str, str]]) -> list[str]:
    """Returns the names of the tests that pass on TensorFlow and not on Tideflow."""
    there = found["tensorflow"]
    return sorted(name for name, here in found["tideflow"].items() if here != "passed" and there.get(name) == "passed")


def main(arguments: list[str] | None = None) -> int:
    """Runs the folders that the command line names, and returns whether a test fails on Tideflow alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--tideflow", default=sys.executable)
    parser.add_argument("--tensorflow", required=True)
    parser.add_argument("--root", default=_ROOT)
    parser.add_argument("--only-failures", action="store_true")
    parser.add_argument("--reports", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seconds-per-part", type=float)
    parser.add_argument("--leave-out", action="append", default=[], metavar="NAME")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        reports = options.reports or pathlib.Path(place)
        unfinished = _run_what_is_missing(options, reports)
        found = {side: outcomes(reports / side) for side in ("tideflow", "tensorflow")}
    print("\n".join(table(found, options.root)))
    for name in alone(found):
        print(f"fails on Tideflow alone: {name}")
    for problem in unfinished:
        print(f"not run to its end: {problem}")
    return int(bool(alone(found) or unfinished))


def _run_what_is_missing(options: argparse.Namespace, reports: pathlib.Path) -> list[str]:
    """Runs what has no report yet, and returns what did not run to its end."""
    limits = Limits(options.seconds, options.seconds_per_part, options.leave_out)
    unfinished = []
    for folder in options.folders:
        for side in ("tideflow", "tensorflow"):
            report = reports / side / f"{folder.replace('/', '.')}.xml"
            if report.exists():
                continue
            tests = [f"{options.root}/{folder}"]
            if side == "tensorflow" and options.only_failures:
                here = outcomes(reports / "tideflow")
                within = (f"{tests[0]}/", f"{tests[0]}::")
                tests = [name for name, outcome in here.items() if outcome == "failed" and name.startswith(within)]
            if tests:
                python = os.path.abspath(getattr(options, side))
                try:
                    run_tests(python, side, options.checkout, tests, report, limits)
                except RuntimeError as problem:
                    unfinished.append(str(problem))
                print(f"ran {folder} on {side}", file=sys.stderr, flush=True)
    return unfinished


if __name__ == "__main__":
    sys.exit(main())
