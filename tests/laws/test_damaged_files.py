"""Some hundred damaged files of each kind, of the hundred thousand that `damaged_files.py` can make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).with_name("damaged_files.py")

_COUNTS = [
    "index:200 data:200 records:200 events:200 object_graph:200",
    "saved_model:100 graph:100 text_graph:60",
    "keras:50 hdf5:50",
]


@pytest.mark.parametrize("kinds", _COUNTS)
def test_damaged_files_are_read_or_refused(kinds: str, tmp_path: Path) -> None:
    command = [sys.executable, str(_PROGRAM), *kinds.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout


_SHOWN = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import damaged_files

def write(folder):
    (folder / "file").write_bytes(bytes(range(100)))
    return [folder / "file"]

def read(path):
    content = path.read_bytes()
    if content == bytes(range(100)):
        return [1]
    number = len(seen)
    seen.append(number)
    if number == 0:
        raise ValueError("refused")
    if number == 1:
        raise KeyError("of another class")
    if number == 2:
        while True:
            pass
    if number == 3:
        bytearray(1 << 33)
    if number == 4:
        return [2]
    os.kill(os.getpid(), signal.SIGKILL)

seen = []
damaged_files.SECONDS = 0.1
damaged_files.KINDS = {"shown": damaged_files.Kind(write, read, (ValueError,), True)}
outcomes = damaged_files.run("shown", 6)
print(*sorted(outcomes), sep="\\n")
"""


def test_what_is_counted_as_a_fault(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SHOWN, str(_PROGRAM.parent)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == [
        "FAULT KeyError: 'of another class'",
        "FAULT memory: ",
        "FAULT the process ended with -9",
        "FAULT too slow",
        "FAULT wrong value",
        "refused: ValueError",
    ], done.stderr
