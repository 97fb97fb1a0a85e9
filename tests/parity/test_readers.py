"""Tests that other readers of graphs compute what we do from what we export: TensorFlow, OpenVINO, tf2onnx."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from . import exported_programs
from .exported_programs import Program
from .oracle import ENVIRONMENT_VARIABLE

_WORKER = pathlib.Path(__file__).with_name("reader_worker.py")
_SECONDS = 600
#: Programs that a reader cannot read, whoever wrote them, and why: it fails on what TensorFlow exports of them, too.
UNREADABLE: dict[str, dict[str, str]] = {
    "tensorflow": {},
    "openvino": {
        "switch": "it has no rule for Case",
        "gradient of a loop": "it has no rule for TensorListPopBack",
        "gradient of a branch": "it has no rules for the values that a branch keeps",
    },
    "onnx": {
        "switch": "it has no rule for Case",
        "gradient of a loop": "it has no rule for lists that grow",
        "gradient of a branch": "it has no rules for the values that a branch keeps",
    },
}


def read(reader: str, programs: Mapping[str, Program], folder: pathlib.Path) -> dict[str, list[str]]:
    """Returns, for each program, in what a reader differs: nothing where it computes the same."""
    for name, program in programs.items():
        if isinstance(program.graph_def, bytes):
            (folder / f"{name}.pb").write_bytes(program.graph_def)
        else:
            program.graph_def.rename(folder / f"{name}.pb")
        np.savez(folder / f"{name}.feeds.npz", *program.feeds)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), str(_WORKER), reader, str(folder)]
    while True:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS)
        if done.returncode == 0:
            break
        at = (folder / "at").read_text() if (folder / "at").exists() else ""
        assert at and not (folder / f"{at}.error").exists(), done.stderr[-4000:]
        (folder / f"{at}.error").write_text(f"the process ended with {done.returncode}: {done.stderr[-300:]}")
    return {name: differences(program, folder, name) for name, program in programs.items()}


def differences(program: Program, folder: pathlib.Path, name: str) -> list[str]:
    """Returns how what a reader left in a folder differs from what a program gives."""
    error = folder / f"{name}.error"
    if error.exists():
        return [error.read_text()]
    answers: Any = np.load(folder / f"{name}.results.npz")
    found = []
    for expected, key in zip(program.results, answers.files, strict=True):
        answer = answers[key]
        if answer.shape != expected.shape or answer.dtype != expected.dtype:
            found.append(f"{answer.dtype}{answer.shape} for {expected.dtype}{expected.shape}")
            continue
        # The programs are some hundred operations deep, on values around 1, each off by some units of the last place.
        scale = np.max(np.abs(expected))
        error_found = np.max(np.abs(answer - expected)) / scale if scale else np.max(np.abs(answer))
        if not error_found <= 256 * np.finfo(np.float32).eps:
            found.append(f"off by {error_found:.1e} of the largest value")
    return found


@pytest.fixture(scope="module")
def programs() -> dict[str, Program]:
    """The programs, exported."""
    return {
        name: exported_programs.export(name) for name in [*exported_programs.PROGRAMS, *exported_programs.FUNCTIONS]
    }


@pytest.mark.parametrize("reader", list(UNREADABLE))
def test_readers_compute_what_we_do(reader: str, programs: dict[str, Program], tmp_path: pathlib.Path) -> None:
    known = UNREADABLE[reader]
    wanted = {name: program for name, program in programs.items() if name not in known}
    found = read(reader, wanted, tmp_path)
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("reader", list(UNREADABLE))
def test_readers_take_saved_models(reader: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "read").mkdir()
    programs = {name: exported_programs.save(name, tmp_path / "made") for name in exported_programs.SAVED}
    found = read(reader, programs, tmp_path / "read")
    assert {name: what for name, what in found.items() if what} == {}


def test_a_wrong_answer_is_seen(programs: dict[str, Program], tmp_path: pathlib.Path) -> None:
    right = programs["mlp"]
    wrong = Program(right.graph_def, right.feeds, [right.results[0] + np.float32(1e-4), right.results[1]])
    unknown = Program(right.graph_def.replace(b"Softmax", b"Sortmax"), right.feeds, right.results)
    found = read("openvino", {"right": right, "wrong": wrong, "unknown": unknown}, tmp_path)
    assert found["right"] == []
    assert len(found["wrong"]) == 1 and found["wrong"][0].startswith("off by")
    assert len(found["unknown"]) == 1 and "Sortmax" in found["unknown"][0]
