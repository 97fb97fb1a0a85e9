"""The programs of courses run as their slides print them, and print what the slides show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DECKS = sorted(path.stem for path in HERE.glob("*.txt"))


def agrees(printed: str, shown: str) -> bool:
    """Says whether a cell printed what its slide shows.

    Spaces are not compared, nor the ids that TensorFlow 2.0 showed in a tensor and no longer shows. Where
    the slide shows nothing, anything but an error will do.
    """
    if not shown:
        return "Traceback" not in printed
    shown = re.sub(r"id=\d+, ", "", shown)
    pattern = ".*".join(re.escape("".join(part.split())) for part in shown.split("[...]"))
    return re.fullmatch(pattern, "".join(printed.split()), re.DOTALL) is not None


#: How many prompts each deck has, so that a deck that is cut short is noticed.
CELLS = {"course_2024": 80, "lecture_2016": 63, "tutorial_2019": 18, "workshop_2017": 23}


def test_the_decks_are_here():
    assert DECKS == ["course_2024", "lecture_2016", "tutorial_2019", "workshop_2017"]


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_runs_as_printed(name, tmp_path):
    deck, results = HERE / f"{name}.txt", tmp_path / "results.json"
    dialect = re.findall(r"^# dialect: (v\d)$", deck.read_text(encoding="utf-8"), re.MULTILINE)
    command = ["-m", "tideflow", f"--{dialect[0]}", str(HERE / "play.py"), str(deck), str(results)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    cells = json.loads(results.read_text())
    assert len(cells) == CELLS[name]
    differing = [cell for cell in cells if not agrees(cell["printed"], cell["shown"])]
    assert not differing, "\n\n".join(
        "{slide}\n{source}\n-- shown:\n{shown}\n-- printed:\n{printed}".format(**cell) for cell in differing
    )


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("[[ 0.  0.]\n [ 0.  0.]]\n", "[[ 0.  0.]\n [ 0.  0.]]", True),
        ("[[ 0.  1.]]\n", "[[ 0.  0.]]", False),
        ("<tf.Tensor: shape=(), numpy=5.0>\n", "<tf.Tensor: id=46, shape=(), numpy=5.0>", True),
        ("anything\n", "", True),
        ("Traceback (most recent call last):\nValueError: no\n", "", False),
        ("Traceback (most recent call last):\nValueError: no\n", "Traceback[...]ValueError[...]", True),
        ("Traceback (most recent call last):\nTypeError: no\n", "Traceback[...]ValueError[...]", False),
        ("", "30.0", False),
    ],
)
def test_the_comparison_sees_a_difference(printed, shown, same):
    assert agrees(printed, shown) == same
