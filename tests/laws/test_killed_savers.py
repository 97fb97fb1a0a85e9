"""Some processes of each kind that are killed while they save, of the thousand that `killed_savers.py` can run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).with_name("killed_savers.py")


@pytest.mark.parametrize(("kind", "count"), [("checkpoint", 12), ("manager", 25), ("saved_model", 6), ("events", 25)])
def test_what_was_whole_is_there_after_a_kill(kind: str, count: int, tmp_path: Path) -> None:
    command = [sys.executable, str(_PROGRAM), kind, str(count)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} processes killed" in done.stdout


_SHOWN = """
import sys
sys.path.insert(0, sys.argv[1])
import killed_savers

def saver(folder):  # writes a file in its place, byte by byte
    def save(number):
        with open(folder / "file", "wb", buffering=0) as file:
            for _ in range(20):
                file.write(bytes([number]))
    return save

def read(folder):
    content = (folder / "file").read_bytes() if (folder / "file").exists() else b""
    assert len(content) in (0, 20) and len(set(content)) <= 1, "a part of a state"
    return content[0] if content else 0

killed_savers.KINDS = {"shown": killed_savers.Kind(saver, read)}
print(*killed_savers.run("shown", 10), sep="\\n")
"""


def test_a_saver_that_overwrites_what_was_whole_is_found_out(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SHOWN, str(_PROGRAM.parent)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.count("AssertionError: a part of a state") > 3, done.stdout + done.stderr
