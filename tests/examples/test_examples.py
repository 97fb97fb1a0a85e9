"""Every example runs as its docstring says, and prints what TensorFlow prints.

What it should print was recorded from TensorFlow 2.21 (the folder beside this file). Words must be equal;
numbers must be close: both draw the same random numbers, but round differently.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
PRINTED = Path(__file__).with_name("printed_by_tensorflow")
NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?|-?\d+(?:e[-+]\d+)?")


class Tolerance(NamedTuple):
    """How far a number may be from TensorFlow's."""

    relative: float
    absolute: float


SAME = Tolerance(1e-5, 1.5e-6)
DESCENT = Tolerance(1e-3, 1.5e-4)  # gradient descent on a convex loss, or a short one
TRAINED = Tolerance(0.25, 0.03)  # some hundred steps through kinks and dropout amplify rounding

TOLERANCES = {
    "arithmetic": SAME,
    "newton_logistic_regression": SAME,
    "logistic_regression": DESCENT,
    "linear_regression": DESCENT,
    "logic_gates": Tolerance(1e-2, 2e-4),
    "softmax_regression": Tolerance(1e-3, 3e-3),
    "multilayer_perceptron": TRAINED,
    "convolutional_network": TRAINED,
    "recurrent_network": TRAINED,
    "word_vectors": Tolerance(1e-2, 1e-2),
    "digits_demo": TRAINED,
}
ACCURACIES = {
    "softmax_regression": 0.96,
    "multilayer_perceptron": 0.97,
    "convolutional_network": 0.97,
    "recurrent_network": 0.95,
    "word_vectors": 0.85,
    "digits_demo": 0.97,
}
PICTURES = ("linear_regression", "digits_demo")
IN_KERAS = {"mnist_demo": 0.97}
#: Programs of TensorFlow 2 that check their results themselves, and say what these are in their last lines.
CHECKED = (
    "custom_training_loop",
    "files_pipeline",
    "image_classification",
    "mirrored_strategy",
    "text_classification",
    "time_series_forecasting",
    "transfer_learning",
    "variational_autoencoder",
)


def command_in_docstring(name: str) -> list[str]:
    """Returns the arguments after `python` in the example's own instructions."""
    source = (EXAMPLES / f"{name}.py").read_text()
    found = re.search(rf"python (-m tideflow (?:--v\d )?examples/{name}\.py)", source)
    assert found, f"examples/{name}.py does not say how to run it"
    return found[1].split()


def differences(printed: str, expected: str, tolerance: Tolerance) -> list[str]:
    """Compares two outputs: their words exactly, their numbers within the tolerance."""
    found = []
    lines, expected_lines = printed.splitlines(), expected.splitlines()
    if len(lines) != len(expected_lines):
        found.append(f"{len(lines)} lines, expected {len(expected_lines)}")
    for line, expected_line in zip(lines, expected_lines, strict=False):
        # The width of a printed array depends on the digits of its numbers.
        words, expected_words = ("".join(NUMBER.sub("#", text).split()) for text in (line, expected_line))
        close = words == expected_words and all(
            abs(float(a) - float(b)) <= tolerance.absolute + tolerance.relative * abs(float(b))
            for a, b in zip(NUMBER.findall(line), NUMBER.findall(expected_line), strict=True)
        )
        if not close:
            found.append(f"{line!r}, expected {expected_line!r}")
    return found


def without_clock(printed: str) -> str:
    return re.sub(r"[\d.]+ seconds", "some seconds", printed)


def test_every_example_is_tested_and_short():
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {*TOLERANCES, *IN_KERAS, *CHECKED}
    assert set(TOLERANCES) == {path.stem for path in PRINTED.glob("*.txt")}
    for name in names:
        source = (EXAMPLES / f"{name}.py").read_text()
        assert len(source.splitlines()) < 100
        assert "import tensorflow as tf" in source
        assert "import tideflow" not in source


@pytest.mark.parametrize("name", TOLERANCES)
def test_an_example_prints_what_tensorflow_prints(name, tmp_path):
    picture = tmp_path / "picture.png"
    arguments = [sys.executable, *command_in_docstring(name)]
    if name in PICTURES:
        arguments.append(str(picture))
    done = subprocess.run(
        arguments, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    printed = done.stdout.replace(str(picture), f"out/{name}.png")
    expected = (PRINTED / f"{name}.txt").read_text()
    assert not differences(without_clock(printed), without_clock(expected), TOLERANCES[name])
    if name in ACCURACIES:
        accuracy = float(re.findall(r"test accuracy: ([\d.]+)", printed)[-1])
        assert accuracy > ACCURACIES[name]
    if name in PICTURES:
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000


@pytest.mark.parametrize("name", IN_KERAS)
def test_an_example_in_keras_learns(name, tmp_path):
    picture = tmp_path / "picture.png"
    arguments = [sys.executable, *command_in_docstring(name), str(picture)]
    done = subprocess.run(
        arguments, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "Epoch 5/5" in done.stdout
    accuracy = float(re.findall(r"test accuracy ([\d.]+)%", done.stdout)[-1]) / 100
    assert accuracy > IN_KERAS[name]
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000


@pytest.mark.parametrize("name", CHECKED)
def test_an_example_reaches_the_result_that_it_checks(name):
    source = (EXAMPLES / f"{name}.py").read_text()
    last = source.splitlines()[-1].strip()
    assert last.startswith("assert ") and len(source.splitlines()) <= 60
    done = subprocess.run(
        [sys.executable, *command_in_docstring(name)],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"result: .* must be (above|below) .*", done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("printed", "expected", "is_same"),
    [
        ("loss 1.00001\n", "loss 1.0\n", True),
        ("loss 1.1\n", "loss 1.0\n", False),
        ("lost 1.0\n", "loss 1.0\n", False),
        ("[ 1. 12.]\n", "[1.  12.]\n", True),
        ("[1. 12. 3.]\n", "[1. 12.]\n", False),
        ("loss 1.0\nloss 1.0\n", "loss 1.0\n", False),
        ("loss nan\n", "loss 1.0\n", False),
    ],
)
def test_the_comparison_sees_a_difference(printed, expected, is_same):
    assert (not differences(printed, expected, Tolerance(1e-4, 0.0))) == is_same
