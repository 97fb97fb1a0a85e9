"""Tests that ``saved_model_cli`` prints and writes what TensorFlow's does."""

from __future__ import annotations

import os
import pathlib
import pickle
import re
import subprocess
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.tools import saved_model_cli

from . import saved_model_commands_of as commands_of
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)


def _there(commands: list[list[str]], folder: pathlib.Path) -> list[tuple[str, str]]:
    (folder / "commands").write_bytes(pickle.dumps(commands))
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    program = pathlib.Path(__file__).with_name("saved_model_commands.py")
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), str(program), "commands", "answers"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return pickle.loads((folder / "answers").read_bytes())


def _sets_in_order(text: str) -> str:
    """Sorts what is printed of sets and maps of messages, whose order is another in each process."""
    text = re.sub(r"(?<=choose from: )[\w, ]+$", lambda match: ", ".join(sorted(match[0].split(", "))), text)
    text = re.sub(r"'(\w+(?:,\w+)+)'", lambda match: "'" + ",".join(sorted(match[1].split(","))) + "'", text)
    return re.sub(r"\{('\w+'(?:, '\w+')*)\}", lambda match: "{" + ", ".join(sorted(match[1].split(", "))) + "}", text)


def test_commands_print_the_same(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        commands_of.write_inputs(folder)
    monkeypatch.chdir(here)
    commands_of.write_models(tf, here)
    (there / "models").symlink_to(here / "models")
    commands = commands_of.commands()
    answers = _there(commands, there)
    wrong: list[Any] = []
    for command, (text, error) in zip(commands, answers, strict=True):
        status = saved_model_cli.main(command)
        captured = capsys.readouterr()
        found = captured.err.removeprefix("saved_model_cli: ").rstrip("\n") if status else ""
        if (_sets_in_order(captured.out), _sets_in_order(found)) != (_sets_in_order(text), _sets_in_order(error)):
            wrong.append((command, captured.out, found, text, error))
    assert not wrong, "\n".join(f"{each[0]}\n{each[1]}{each[2]}\n-- for\n{each[3]}{each[4]}" for each in wrong)
    written = sorted(path.relative_to(here) for path in here.glob("out*/*.npy"))
    assert written == sorted(path.relative_to(there) for path in there.glob("out*/*.npy")) and len(written) >= 2
    for path in written:
        np.testing.assert_allclose(np.load(here / path), np.load(there / path), rtol=1e-6)
