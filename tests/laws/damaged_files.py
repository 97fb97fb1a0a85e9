"""Reads files of each kind with a few bytes changed, by the thousand, and says what comes of it.

    python tests/laws/damaged_files.py [--first FIRST] KIND:COUNT ...

Number n of a kind is always the same change. Each must give what was written, where the format has checksums, or an
exception that is named here, in a second of the processor and in bounded memory. A change that kills the process, or
takes longer, is counted too: the reader is a process of its own, which another takes the place of.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tideflow as tf
import tideflow.compat.v1 as v1
from tideflow._src.graph import protos
from tideflow._src.io.graph_files import import_graph_def
from tideflow._src.ops.checkpoint.bundle import BundleReader, BundleWriter

SECONDS = 1.0  # of the processor, for one file
MEMORY = 1 << 30  # more than before
FAULT = "FAULT"  # begins what is said of a file that was not read as it should be


class Kind(NamedTuple):
    """How files of one kind are made, changed and read."""

    #: Writes whole files below a folder and returns them.
    write: Callable[[Path], list[Path]]
    #: Reads what a changed file belongs to; what it returns is the same for equal content.
    read: Callable[[Path], Any]
    #: Exceptions that a reader may raise.
    errors: tuple[type[BaseException], ...]
    #: Whether the format finds every change: then what is read is what was written, or some records of it, each whole.
    checked: bool
    #: The message that a file consists of, whose fields are changed, too.
    message: str = ""
    #: Whether what is read is a list of records.
    records: bool = False


TENSORFLOWS = (tf.errors.OpError, ValueError, TypeError)


# --- Checkpoints ----------------------------------------------------------------------------------------------------


def _objects(value: float) -> dict[str, Any]:
    iterator = iter(tf.data.Dataset.range(int(value), 20).shuffle(5, seed=1))
    next(iterator)
    return {
        "list": [tf.Variable(value), {"a": tf.Variable([value] * 20)}],
        "text": tf.Variable(["text", "more"] if value else ["", ""]),
        "iterator": iterator,
    }


def _write_checkpoint(folder: Path) -> Path:
    return Path(tf.train.Checkpoint(**_objects(3.0)).write(folder / "ckpt"))


def _values(objects: dict[str, Any]) -> list[Any]:
    return [objects["list"][0].numpy(), *objects["list"][1]["a"].numpy(), *objects["text"].numpy()]


def _read_checkpoint(path: Path) -> Any:
    objects = _objects(0.0)
    try:
        tf.train.Checkpoint(**objects).read(str(path.with_suffix(""))).expect_partial()
    except BaseException:
        assert _values(objects) == _values(_objects(0.0)), "a part was restored"
        raise
    return _values(objects)


_GRAPH = b"_CHECKPOINTABLE_OBJECT_GRAPH"


def _write_object_graph(folder: Path) -> list[Path]:
    reader = BundleReader(str(_write_checkpoint(folder)))
    path = folder / "graph"
    path.write_bytes(reader.read(_GRAPH).item())
    return [path]


def _read_object_graph(path: Path) -> Any:
    reader = BundleReader(str(path.parent / "ckpt"))
    changed = path.parent / "changed"
    with BundleWriter(str(changed)) as writer:
        writer.add(_GRAPH, np.array(path.read_bytes(), object))
        for name in reader.variables():
            if (key := name.encode()) != _GRAPH:
                writer.add(key, reader.read(key))
        writer.finish()
    objects = _objects(0.0)
    tf.train.Checkpoint(**objects).read(str(changed)).expect_partial()
    return _values(objects)


# --- SavedModels and graphs -----------------------------------------------------------------------------------------


def _write_saved_model(folder: Path) -> list[Path]:
    (folder / "words.txt").write_text("b\na\n")
    module: Any = tf.Module()
    module.w = tf.Variable([[1.0, 2.0]])
    module.parts = [tf.Variable(3.0), {"a": (tf.Variable(1), "text")}]
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(str(folder / "words.txt"), tf.string, line, tf.int64, number)
    module.table = tf.lookup.StaticHashTable(words, -1)

    def loop(x: Any) -> Any:
        turns = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2.0), [tf.constant(0), x])
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: turns[1] * module.w, lambda: x - module.w)

    module.loop = tf.function(loop, input_signature=[tf.TensorSpec([None, 2], name="x")])
    module.find = tf.function(module.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(folder / "model"), signatures={"loop": module.loop, "find": module.find})
    return [folder / "model" / "saved_model.pb"]


def _read_saved_model(path: Path) -> Any:
    loaded = tf.saved_model.load(str(path.parent))
    signatures = getattr(loaded, "signatures", None)
    for name, signature in signatures.items() if isinstance(signatures, Mapping) else ():
        if callable(signature):  # a change of kinds may have made it something else
            signature(tf.constant(["a"]) if name == "find" else tf.ones([1, 2]))
    return loaded


def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], "x")
        w = v1.get_variable("w", [4, 3], initializer=v1.ones_initializer(), use_resource=False)
        r = v1.get_variable("r", [3], initializer=v1.zeros_initializer(), use_resource=True)
        y = tf.nn.softmax(x @ w + r, name="y")
        z = tf.function(lambda value: tf.concat([value, value], 1)[:, ::2])(y)
        tf.cond(tf.reduce_sum(z) > 0.0, lambda: tf.reduce_max(z), lambda: tf.constant(0.0), name="choice")
        v1.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
        v1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(z))
    return graph


def _write_graph(folder: Path) -> list[Path]:
    path = folder / "graph.pb"
    path.write_bytes(_graph().as_graph_def().SerializeToString(deterministic=True))
    return [path]


def _read_graph(path: Path) -> Any:
    with tf.Graph().as_default() as graph:
        message = v1.GraphDef()
        try:
            message.ParseFromString(path.read_bytes())
        except Exception as error:  # protobuf's own, raised by the program's own call
            raise ValueError(str(error)) from error
        import_graph_def(message)
        return graph.as_graph_def()


def _write_text_graph(folder: Path) -> list[Path]:
    tf.io.write_graph(_graph(), folder, "graph.pbtxt")
    return [folder / "graph.pbtxt"]


def _read_text_graph(path: Path) -> Any:
    from google.protobuf import text_format

    with tf.Graph().as_default() as graph:
        message = v1.GraphDef()
        try:
            text_format.Parse(path.read_bytes(), message)
        except text_format.ParseError as error:  # protobuf's own, raised by the program's own call
            raise ValueError(str(error)) from error
        import_graph_def(message)
        return graph.as_graph_def()


# --- Records --------------------------------------------------------------------------------------------------------

_RECORDS = [b"first", b"", b"x" * 300, b"last"]


def _write_records(folder: Path) -> list[Path]:
    paths = [folder / f"records{name}" for name in ("", ".GZIP", ".ZLIB")]
    for path in paths:
        with tf.io.TFRecordWriter(str(path), path.suffix[1:]) as writer:
            for record in _RECORDS:
                writer.write(record)
    return paths


def _read_records(path: Path) -> Any:
    compression = path.suffix[1:]
    found, datasets = [], []
    errors = []
    try:
        for record in v1.io.tf_record_iterator(str(path), v1.io.TFRecordOptions(compression)):
            found.append(record)
    except tf.errors.OpError as error:
        errors.append(error)
    try:
        for element in tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator():
            datasets.append(element)
    except tf.errors.OpError as error:
        errors.append(error)
    assert found == datasets, "two readers differ"
    assert len(errors) in (0, 2), "two readers differ"
    return found


def _write_events(folder: Path) -> list[Path]:
    with tf.summary.create_file_writer(str(folder / "logs")).as_default():
        for step in range(4):
            tf.summary.scalar("loss", 1.0 / (step + 1), step=step)
        tf.summary.histogram("weights", np.linspace(0, 1, 50), step=1)
        tf.summary.text("words", "some words", step=1)
    return list((folder / "logs").iterdir())


def _read_events(path: Path) -> Any:
    found = []
    try:
        for event in v1.train.summary_iterator(str(path)):
            found.append(event.SerializeToString(deterministic=True))
    except tf.errors.OpError:
        pass
    return found


# --- Keras ----------------------------------------------------------------------------------------------------------


def _model() -> Any:
    keras = tf.keras
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
    for weight in model.weights:
        weight.assign(tf.ones(weight.shape))
    model.compile("adam", "mse")
    return model


def _write_keras(folder: Path) -> list[Path]:
    _model().save(folder / "model.keras")
    return [folder / "model.keras"]


def _read_keras(path: Path) -> Any:
    model = tf.keras.models.load_model(path, compile=False)
    return [weight.numpy().tolist() for weight in model.weights]


def _write_weights(folder: Path) -> list[Path]:
    _model().save_weights(folder / "model.weights.h5")
    _model().save(folder / "whole.h5")
    return [folder / "model.weights.h5", folder / "whole.h5"]


def _read_weights(path: Path) -> Any:
    if path.name == "whole.h5":
        model = tf.keras.models.load_model(path, compile=False)
    else:
        model = _model()
        model.load_weights(path)
    return [weight.numpy().tolist() for weight in model.weights]


KINDS = {
    "index": Kind(
        lambda folder: [_write_checkpoint(folder).with_name("ckpt.index")], _read_checkpoint, TENSORFLOWS, True
    ),
    "data": Kind(
        lambda folder: [_write_checkpoint(folder).with_name("ckpt.data-00000-of-00001")],
        _read_checkpoint,
        TENSORFLOWS,
        True,
    ),
    "object_graph": Kind(_write_object_graph, _read_object_graph, TENSORFLOWS, False, "TrackableObjectGraph"),
    "saved_model": Kind(
        _write_saved_model, _read_saved_model, (*TENSORFLOWS, OSError, AssertionError), False, "SavedModel"
    ),
    "graph": Kind(_write_graph, _read_graph, TENSORFLOWS, False, "GraphDef"),
    "text_graph": Kind(_write_text_graph, _read_text_graph, TENSORFLOWS, False),
    "records": Kind(_write_records, _read_records, TENSORFLOWS, True, records=True),
    "events": Kind(_write_events, _read_events, TENSORFLOWS, True, records=True),
    # These two are read by Keras and h5py, whose exceptions are what they are.
    "keras": Kind(_write_keras, _read_keras, (Exception,), False),
    "hdf5": Kind(_write_weights, _read_weights, (Exception,), False),
}


# --- Changes --------------------------------------------------------------------------------------------------------


def changed(chance: random.Random, content: bytes, message: str) -> bytes:
    """Returns the content with other bytes, or the message that it is with other fields."""
    if message and chance.random() < 0.7:
        whole = protos.get(message).FromString(content)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            _change_field(chance, whole)
        return bytes(whole.SerializeToString())
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        if data:
            _change_bytes(chance, data)
    return bytes(data)


def _change_bytes(chance: random.Random, data: bytearray) -> None:
    place = chance.randrange(len(data))
    other = chance.randrange(len(data))
    kind = chance.randrange(8)
    if kind == 0:
        data[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    elif kind == 2:
        del data[place:]
    elif kind == 3:
        del data[place : place + chance.randrange(1, 40)]
    elif kind == 4:
        data[place:place] = data[other : other + chance.randrange(1, 40)]
    elif kind == 5:
        data[place : place + 8] = data[other : other + 8]
    elif kind == 6:
        data[place:place] = chance.randbytes(chance.randrange(1, 9))
    else:
        number = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF))
        data[place : place + 8] = struct.pack("<Q", number)[: len(data) - place]


_NUMBERS = (0, 1, -1, 2, 3, 7, -2, 64, 255, 1 << 20, (1 << 31) - 1, -(1 << 31), 1 << 40, 1 << 62, -(1 << 62))


def _fields(message: Any) -> Iterator[tuple[Any, Any]]:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is None:
            continue
        if hasattr(value, "keys"):
            below = [value[key] for key in value] if field.message_type.fields_by_name["value"].message_type else []
        else:
            below = value if hasattr(value, "extend") else [value]
        for each in below:
            yield from _fields(each)


def _change_field(chance: random.Random, whole: Any) -> None:
    """Changes one field, somewhere below a message: it goes, comes twice, or has another value of its type."""
    fields = list(_fields(whole))
    if not fields:
        return
    message, field = chance.choice(fields)
    donors = [getattr(each, same.name) for each, same in fields if same.full_name == field.full_name]
    donor, value = chance.choice(donors), getattr(message, field.name)
    if hasattr(value, "extend"):
        place, kind = chance.randrange(len(value)), chance.randrange(5)
        if kind == 0:
            del value[place:]
        elif kind == 1:
            del value[place]
        elif kind == 2:
            value.extend([value[place]])
        elif field.message_type is not None:
            value[place].CopyFrom(chance.choice(donor))
        else:
            value[place] = _other(chance, value[place], chance.choice(donor))
    elif hasattr(value, "keys"):
        key = chance.choice(sorted(value))
        if chance.random() < 0.5 or field.message_type.fields_by_name["value"].message_type is None:
            value.pop(key)
        else:
            value[key].CopyFrom(donor[chance.choice(sorted(donor))])
    elif field.message_type is not None:
        if chance.random() < 0.5:
            message.ClearField(field.name)
        else:
            value.CopyFrom(donor)
    else:
        setattr(message, field.name, _other(chance, value, donor))


def _other(chance: random.Random, value: Any, donor: Any) -> Any:
    if chance.random() < 0.5:
        return donor
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice([number for number in _NUMBERS if -(1 << 31) <= number < 1 << 31])
    if isinstance(value, float):
        return chance.choice((0.0, -1.0, float("nan"), float("inf")))
    if isinstance(value, bytes):
        return chance.choice((b"", b"\xff", value + b"x", value[:-1], value * 3))
    return chance.choice(("", "x", value + "x", value[:-1], "^" + value, value + ":1", "../" + value))


# --- The run --------------------------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """Says that a file took more than its time."""


def _stop(*_: object) -> None:
    raise TooSlow


def _outcome(kind: Kind, path: Path, whole: Any) -> str:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        found = kind.read(path)
    except TooSlow:
        return f"{FAULT} too slow"
    except MemoryError as error:
        return f"{FAULT} memory: {error}"
    except kind.errors as error:
        return f"refused: {type(error).__name__}"
    except Exception as error:
        return f"{FAULT} {type(error).__name__}: {str(error)[:150]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if not kind.checked:
        return "read"
    if found == whole:
        return "as it was written"
    if kind.records and all(record in whole for record in found):  # a change may leave one out, or double it
        return "whole records"
    return f"{FAULT} wrong value"


def _read_many(kind: Kind, files: list[Path], first: int, last: int, at: mmap.mmap, report: int) -> None:
    """Reads some changed files, in this process, and writes a line of JSON for each."""
    whole = [path.read_bytes() for path in files]
    expected = [kind.read(path) for path in files]
    signal.signal(signal.SIGPROF, _stop)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    for number in range(first, last):
        at[:8] = struct.pack("<q", number)
        chance = random.Random(number)
        place = number % len(files)
        files[place].write_bytes(changed(chance, whole[place], kind.message))
        line = json.dumps([number, _outcome(kind, files[place], expected[place])]) + "\n"
        os.write(report, line.encode())
    files[0].write_bytes(whole[0])
    at[:8] = struct.pack("<q", last)


def run(name: str, count: int, first: int = 0) -> dict[str, list[int]]:
    """Returns what came of so many changed files of a kind, with the numbers of the changes."""
    kind = KINDS[name]
    at = mmap.mmap(-1, 8)
    outcomes: dict[str, list[int]] = {}
    last, next_one = first + count, first
    while next_one < last:
        with tempfile.TemporaryDirectory() as folder:
            files = kind.write(Path(folder))
            receive, send = os.pipe()
            with warnings.catch_warnings():  # of threads, which do not matter to readers
                warnings.simplefilter("ignore")
                child = os.fork()
            if not child:
                os.close(receive)
                status = 1
                try:
                    warnings.simplefilter("ignore")
                    tf.get_logger().setLevel("ERROR")
                    os.environ["TIDEFLOW_TIER"] = "host"
                    _read_many(kind, files, next_one, last, at, send)
                    status = 0
                finally:
                    os._exit(status)
            os.close(send)
            with open(receive, encoding="utf-8") as lines:
                for line in lines:
                    number, outcome = json.loads(line)
                    outcomes.setdefault(outcome, []).append(number)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            (reached,) = struct.unpack("<q", at[:8])
            if status:
                outcomes.setdefault(f"{FAULT} the process ended with {status}", []).append(reached)
                reached += 1
            next_one = reached
    return outcomes


def main() -> int:
    """Runs what the command line asks for; the status says whether there were faults."""
    parser = argparse.ArgumentParser(description="Reads damaged files.")
    parser.add_argument("kinds", nargs="+", metavar="KIND:COUNT", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--first", type=int, default=0, help="the number of the first change")
    options = parser.parse_args()
    faults = False
    for asked in options.kinds:
        name, _, count = asked.partition(":")
        print(f"{name}:")
        for outcome, numbers in sorted(run(name, int(count), options.first).items()):
            fault = outcome.startswith(FAULT)
            faults |= fault
            print(f"{len(numbers):8} {outcome}", *([numbers[:5]] if fault else []))
    return faults


if __name__ == "__main__":
    sys.exit(main())
