"""Kills processes that save, again and again, and looks at what is left each time.

    python tests/laws/killed_savers.py KIND COUNT [SEED]

Kinds: checkpoint, manager, saved_model, events. A process saves state after state, and says when each is whole; at the
line of Python that the seed chooses, it is killed with signal 9. Then the last state that was whole must be there, or
the next one, and all of it.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tideflow as tf


class Kind(NamedTuple):
    """How states of one kind are saved and read."""

    #: Makes what saves: a function that saves state number n, and returns when it is whole.
    saver: Callable[[Path], Callable[[int], None]]
    #: Returns the number of the state that is there, 0 for none; fails if it is there in part.
    read: Callable[[Path], int]


def _objects() -> dict[str, Any]:
    return {"a": tf.Variable(np.zeros(3000)), "b": [tf.Variable(np.zeros((3, 7)))], "text": tf.Variable("0")}


def _assign(objects: dict[str, Any], number: int) -> None:
    for variable in (objects["a"], objects["b"][0]):
        variable.assign(np.full(variable.shape, float(number)))
    objects["text"].assign(str(number))


def _number(objects: dict[str, Any]) -> int:
    values = {float(value) for variable in (objects["a"], objects["b"][0]) for value in np.ravel(variable)}
    values.add(float(objects["text"].numpy()))
    assert len(values) == 1, f"parts of several states: {values}"
    return int(values.pop())


def _checkpoint(folder: Path) -> Callable[[int], None]:
    objects = _objects()
    checkpoint = tf.train.Checkpoint(**objects)

    def save(number: int) -> None:
        _assign(objects, number)
        checkpoint.write(folder / "ckpt")

    return save


def _read_checkpoint(folder: Path) -> int:
    objects = _objects()
    if not (folder / "ckpt.index").exists():
        return 0
    tf.train.Checkpoint(**objects).read(str(folder / "ckpt")).assert_consumed()
    return _number(objects)


def _manager(folder: Path) -> Callable[[int], None]:
    objects = _objects()
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(**objects), str(folder), max_to_keep=2)

    def save(number: int) -> None:
        _assign(objects, number)
        manager.save(checkpoint_number=number)

    return save


def _read_manager(folder: Path) -> int:
    objects = _objects()
    checkpoint = tf.train.Checkpoint(**objects)
    manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)
    path = manager.restore_or_initialize()
    if path is None:
        return 0
    number = _number(objects)
    assert path.endswith(f"-{number}"), f"{path} holds {number}"
    for other in manager.checkpoints:
        tf.train.Checkpoint(**_objects()).read(other).expect_partial().assert_existing_objects_matched()
    return number


def _saved_model(folder: Path) -> Callable[[int], None]:
    module: Any = tf.Module()
    module.objects = _objects()
    module.f = tf.function(lambda: module.objects["a"][0] + 1.0, input_signature=[])

    def save(number: int) -> None:
        _assign(module.objects, number)
        tf.saved_model.save(module, str(folder / "model"))

    return save


def _read_saved_model(folder: Path) -> int:
    if not tf.saved_model.contains_saved_model(str(folder / "model")):
        return 0
    loaded: Any = tf.saved_model.load(str(folder / "model"))
    number = _number(loaded.objects)
    assert float(loaded.f()) == number + 1.0
    return number


def _events(folder: Path) -> Callable[[int], None]:
    writer = tf.summary.create_file_writer(str(folder / "logs"))

    def save(number: int) -> None:
        with writer.as_default():
            tf.summary.scalar("loss", float(number), step=number)
            tf.summary.text("words", f"word {number} " * 50, step=number)
        writer.flush()

    return save


def _read_events(folder: Path) -> int:
    found = []
    for path in (folder / "logs").glob("*"):
        try:
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                found += [(event.step, value.tag) for value in event.summary.value]
        except tf.errors.DataLossError as error:  # the last record, cut off
            assert "truncated" in str(error), error
    expected = [(number, tag) for number in range(1, len(found) // 2 + 2) for tag in ("loss", "words")]
    assert found == expected[: len(found)], "not the beginning of what was written"
    return len(found) // 2


KINDS = {
    "checkpoint": Kind(_checkpoint, _read_checkpoint),
    "manager": Kind(_manager, _read_manager),
    "saved_model": Kind(_saved_model, _read_saved_model),
    "events": Kind(_events, _read_events),
}


def _die_after(lines: int) -> None:
    """Kills this process when Python has run so many more lines."""
    left = lines

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def _lines_of(kind: Kind) -> int:
    """Returns how many lines Python runs to save two states, the first of them included."""
    lines = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += 1
        return trace

    with tempfile.TemporaryDirectory() as folder:
        save = kind.saver(Path(folder))
        sys.settrace(trace)
        try:
            save(1)
            save(2)
        finally:
            sys.settrace(None)
    return lines


def _save_on(kind: Kind, folder: Path, number: int, lines: int, report: int) -> None:
    """Saves states from a number on, and tells which are whole, until it is killed."""
    save = kind.saver(folder)
    _die_after(lines)
    while True:
        save(number)
        os.write(report, struct.pack("<q", number))
        number += 1


def run(name: str, count: int, seed: int = 0) -> list[str]:
    """Kills so many processes, and returns what was wrong."""
    kind, chance = KINDS[name], random.Random(seed)
    faults = []
    lines = _lines_of(kind)
    with tempfile.TemporaryDirectory() as root:
        number = 0
        for attempt in range(count):
            # A writer of events begins a file of its own; others go on where one was killed.
            if name == "events" or attempt % 50 == 0:
                folder, number = Path(root) / str(attempt), 0
                folder.mkdir()
            line = chance.randrange(lines * 2)
            status, number = _killed(kind, folder, number, line)
            try:
                assert status == -signal.SIGKILL, f"the process ended with {status}"
                found = kind.read(folder)
                assert found in (number, number + 1), f"state {found} is there, but {number} was whole"
                number = found
            except (Exception, AssertionError) as error:
                faults.append(f"attempt {attempt}, line {line} of {lines}: {type(error).__name__}: {error}")
    return faults


def _killed(kind: Kind, folder: Path, number: int, line: int) -> tuple[int, int]:
    """Lets a process go on from a state until it is killed; returns how it ended, and its last whole state."""
    receive, send = os.pipe()
    with warnings.catch_warnings():  # of threads, which have ended
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        os.close(receive)
        try:
            _save_on(kind, folder, number + 1, line, send)
        finally:
            os._exit(1)
    os.close(send)
    with open(receive, "rb") as whole:
        said = whole.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, struct.unpack("<q", said[-8:])[0] if said else number


def main() -> int:
    """Runs what the command line asks for; the status says whether there were faults."""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    faults = run(sys.argv[1], int(sys.argv[2]), seed)
    print(f"{sys.argv[2]} processes killed, {len(faults)} faults", *faults[:20], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
