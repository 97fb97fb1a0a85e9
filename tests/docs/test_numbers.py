"""The numbers that the documentation gives of the package are those of the package."""

from __future__ import annotations

import pathlib
import re

from tideflow import raw_ops

ROOT = pathlib.Path(__file__).parents[2]


def test_the_readme_knows_how_many_operations_there_are() -> None:
    (number,) = re.findall(r"\*\*(\d+) operations\*\*", (ROOT / "README.md").read_text())
    assert int(number) == sum(not name.startswith("_") for name in dir(raw_ops))


def test_the_readme_knows_how_many_examples_there_are() -> None:
    words = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty"
    ).split()
    (number,) = re.findall(r"examples/README\.md\): (\w+) TensorFlow programs", (ROOT / "README.md").read_text())
    assert words.index(number) == len(list((ROOT / "examples").glob("*.py")))
