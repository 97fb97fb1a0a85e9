"""Tests that saving is all or nothing, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tideflow as tf

# Saves two variables of one value again and again, and ends without a warning before each step that changes the
# folder. After each end the latest checkpoint must be there, whole, and be the one before or the new one.
_KILLED = """
import os, sys
import numpy as np
import tideflow as tf

folder, way = sys.argv[1:]
values = [tf.Variable(np.zeros(30_000)), tf.Variable(np.zeros((3, 7)))]
policy = tf.train.experimental.MaxShardSizePolicy(200_000)
sharded = tf.train.CheckpointOptions(experimental_sharding_callback=policy)

def save(number):
    checkpoint = tf.train.Checkpoint(values=values)  # as a new process would
    for value in values:
        value.assign(np.full(value.shape, float(number)))
    if way == "manager":
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=1)
        manager.save(checkpoint_number=number)
    elif way == "write":
        checkpoint.write(os.path.join(folder, "ckpt"))
    else:
        checkpoint.write(os.path.join(folder, "ckpt"), sharded)

def found():
    path = tf.train.latest_checkpoint(folder) if way == "manager" else os.path.join(folder, "ckpt")
    tf.train.Checkpoint(values=values).read(path).expect_partial().assert_existing_objects_matched()
    numbers = {float(number) for value in values for number in np.ravel(value)}
    assert len(numbers) == 1, numbers
    return numbers.pop()

def die_before(step):
    left = step
    def counted(function):
        def call(*args, **options):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), 9)
            left -= 1
            return function(*args, **options)
        return call
    for name in ("replace", "unlink", "link", "fsync", "mkdir", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))

save(1)
number, step, died = 2, 0, True
while died:
    before = found()
    child = os.fork()
    if child == 0:
        die_before(step)
        save(number)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -9), status
    died = status == -9
    assert found() in ({before, number} if died else {number}), (before, found(), number, step)
    if way == "manager":  # else there is ever more to delete
        save(number := number + 1)
    number, step = number + 1, step + 1
save(number)
left = [name for name in os.listdir(folder) if way != "manager" or "temp" in name]
print(step, len(left))
"""


@pytest.mark.parametrize(("way", "files"), [("manager", 0), ("write", 2), ("sharded", 3)])
def test_whenever_a_process_is_killed_the_last_whole_state_is_there(tmp_path: Path, way: str, files: int) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path), way]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    steps, left = map(int, result.stdout.split())
    assert steps > 8
    assert left == files  # what the killed ones left is gone, too


def _state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


_TOO_LARGE = """
import resource, signal, sys
import numpy as np
import tideflow as tf

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    tf.train.Checkpoint(v=tf.Variable(np.ones(40_000))).write(sys.argv[1])
except tf.errors.OpError as error:
    print(type(error).__name__, error.message)
"""


@pytest.mark.parametrize("limit", [0, 4096, 100_000])
def test_no_room_for_the_files_leaves_the_old_checkpoint(tmp_path: Path, limit: int) -> None:
    path = tf.train.Checkpoint(v=tf.Variable(np.zeros(40_000))).write(tmp_path / "ckpt")
    before = _state(tmp_path)
    command = [sys.executable, "-c", _TOO_LARGE, path, str(limit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    assert "File too large" in result.stdout
    assert str(tmp_path) in result.stdout
    assert _state(tmp_path) == before


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    (tmp_path / "file").write_text("")
    with pytest.raises(tf.errors.FailedPreconditionError, match="file"):
        checkpoint.save(tmp_path / "file" / "ckpt")
    path = checkpoint.write(tmp_path / "ckpt")
    before = _state(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", path)

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(tf.errors.PermissionDeniedError, match="Read-only file system"):
        checkpoint.write(path)
    assert _state(tmp_path) == before


def test_a_folder_that_vanishes_while_a_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    folder = tmp_path / "folder"
    real = os.fsync

    def vanish(descriptor: int) -> None:
        real(descriptor)
        shutil.rmtree(folder, ignore_errors=True)

    monkeypatch.setattr("os.fsync", vanish)
    with pytest.raises(tf.errors.NotFoundError, match="folder"):
        checkpoint.write(folder / "ckpt")
    monkeypatch.undo()
    checkpoint.read(checkpoint.write(folder / "ckpt")).assert_consumed()


def test_an_error_of_the_disk_is_raised_though_it_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tideflow._src.ops.files.replacement._FLUSHED_MEANWHILE", 1 << 20)
    real, main = os.fsync, threading.get_ident()

    def fail(descriptor: int) -> None:
        if threading.get_ident() != main:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(tf.errors.OpError, match="Input/output error"):
        tf.train.Checkpoint(v=tf.Variable(np.zeros(1_000_000))).write(tmp_path / "ckpt")
    assert os.listdir(tmp_path) == []


_WRITER = """
import sys
import numpy as np
import tideflow as tf

values = [tf.Variable(np.full(20_000, float(sys.argv[2]))), tf.Variable(np.full((3, 5), float(sys.argv[2])))]
checkpoint = tf.train.Checkpoint(values=values)
print("ready", flush=True)
for _ in range(40):
    checkpoint.write(sys.argv[1])
"""


def test_of_two_writers_of_one_name_the_last_one_wins(tmp_path: Path) -> None:
    path = str(tmp_path / "ckpt")
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, path, number], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in "12"
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=600)
        assert writer.returncode == 0, errors.decode()
    values = [tf.Variable(np.zeros(20_000)), tf.Variable(np.zeros((3, 5)))]
    tf.train.Checkpoint(values=values).read(path).assert_consumed()
    assert {float(number) for value in values for number in np.ravel(value)} in ({1.0}, {2.0})
    assert sorted(os.listdir(tmp_path)) == ["ckpt.data-00000-of-00001", "ckpt.index"]
