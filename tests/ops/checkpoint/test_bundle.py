"""Tests the files of checkpoints."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tideflow._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnknownError,
)
from tideflow._src.graph import protos
from tideflow._src.ops.checkpoint import sliced_file, tensor_slice
from tideflow._src.ops.checkpoint.bundle import BundleReader, BundleWriter, clear_leftovers, merge
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.checkpoint.sorted_table import SortedTable, table_bytes

_TYPES = "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128 bool".split()


def _write(prefix: Path, **values: np.ndarray) -> None:
    with BundleWriter(prefix) as writer:
        for name, value in values.items():
            writer.add(name.encode(), value)
        writer.finish()


@pytest.mark.parametrize("dtype", [*_TYPES, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
def test_values_come_back(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    value = (np.random.default_rng(0).normal(size=shape) * 40).astype(np.int8).astype(dtype)
    _write(tmp_path / "a", value=value)
    found = BundleReader(tmp_path / "a").read(b"value")
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


def test_strings_come_back(tmp_path: Path) -> None:
    value = np.array([[b"", b"\x00\xff"], [b"x" * 300, b"tide"]], object)
    _write(tmp_path / "a", value=value)
    assert BundleReader(tmp_path / "a").read(b"value").tolist() == value.tolist()


def test_parts_are_joined_and_cut(tmp_path: Path) -> None:
    whole = np.arange(400).reshape(200, 2)
    with BundleWriter(tmp_path / "a") as writer:
        for begin, end in ((0, 70), (70, 200)):
            shape, part = tensor_slice.parse(f"200 2 {begin},{end - begin}:-")
            writer.add_slice(b"w", shape, part, whole[begin:end])
        writer.finish()
    reader = BundleReader(tmp_path / "a")
    np.testing.assert_array_equal(reader.read(b"w"), whole)
    np.testing.assert_array_equal(reader.read(b"w", tensor_slice.parse("200 2 60,20:1,1")), whole[60:80, 1:])
    assert list(reader.variables()) == ["w"]


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    shape, part = tensor_slice.parse("4 1 0,2:-")
    with BundleWriter(tmp_path / "a") as writer:
        writer.add_slice(b"w", shape, part, np.zeros((2, 1)))
        writer.finish()
    with pytest.raises(InvalidArgumentError, match="sufficient slices"):
        BundleReader(tmp_path / "a").read(b"w")


def test_merging(tmp_path: Path) -> None:
    _write(tmp_path / "t" / "a", x=np.ones(2))
    _write(tmp_path / "t" / "b", y=np.zeros(3))
    merge([str(tmp_path / "t" / "a"), str(tmp_path / "t" / "b")], tmp_path / "all")
    reader = BundleReader(tmp_path / "all")
    assert reader.shards == 2
    assert reader.read(b"x").tolist() == [1, 1]
    assert reader.read(b"y").tolist() == [0, 0, 0]
    assert not list((tmp_path / "t").iterdir())
    with pytest.raises(InvalidArgumentError, match="did not exist"):
        merge([str(tmp_path / "t" / "a")], tmp_path / "all")


@pytest.mark.parametrize("length", [0, 1, 10, 23])
def test_truncated_data(tmp_path: Path, length: int) -> None:
    _write(tmp_path / "a", value=np.arange(3.0))
    data = tmp_path / "a.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:length])
    with pytest.raises(DataLossError, match="truncated"):
        BundleReader(tmp_path / "a").read(b"value")


def test_flipped_bit(tmp_path: Path) -> None:
    _write(tmp_path / "a", value=np.arange(3.0), text=np.array([b"tide"], object))
    data = tmp_path / "a.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    for place in (0, 24, 26, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        data.write_bytes(damaged)
        with pytest.raises(DataLossError):
            [BundleReader(tmp_path / "a").read(name) for name in (b"text", b"value")]


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Unsuccessful TensorSliceReader constructor: Failed to find any matching"):
        open_checkpoint(tmp_path / "none")
    _write(tmp_path / "a", value=np.arange(3.0))
    with pytest.raises(NotFoundError, match="Key other not found in checkpoint"):
        BundleReader(tmp_path / "a").read(b"other")
    (tmp_path / "a.data-00000-of-00001").unlink()
    with pytest.raises(NotFoundError):
        BundleReader(tmp_path / "a").read(b"value")
    (tmp_path / "text").write_text("no checkpoint")
    with pytest.raises(DataLossError, match="different file format"):
        open_checkpoint(tmp_path / "text")


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "a", value=np.arange(3.0))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tideflow._src.ops.checkpoint.bundle.table_bytes", full)
    with pytest.raises(ResourceExhaustedError):
        _write(tmp_path / "a", value=np.zeros(100))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_size_limit_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    _write(tmp_path / "a", value=np.arange(3.0))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises((ResourceExhaustedError, UnknownError)):
            _write(tmp_path / "a", value=np.zeros(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# Saves under the names of old checkpoints, ends without a warning before each step that changes the folder, and tells
# what can be read then. The steps are those of the file system: whatever lies between two of them changes nothing.
_KILLED = """
import builtins, glob, os, sys
import numpy as np
from tideflow._src.ops.checkpoint.bundle import BundleReader, BundleWriter, merge

folder = sys.argv[1]

def save(prefix, number):
    with BundleWriter(prefix) as writer:
        writer.add(b"value", np.full(50_000, number))
        writer.finish()

def save_in_shards(prefix, number):
    for shard in range(2):
        with BundleWriter(f"{prefix}_temp/part-0000{shard}-of-00002") as writer:
            writer.add(b"value" if shard else b"other", np.full(50_000, number))
            writer.finish()
    merge([f"{prefix}_temp/part-0000{shard}-of-00002" for shard in range(2)], prefix)

def die_before(step, names):
    left = step
    def counted(function):
        def call(*args, **options):
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            return function(*args, **options)
        return call
    for name in names:
        setattr(os, name, counted(getattr(os, name)))

def killed(function, *args, step):
    child = os.fork()
    if child == 0:
        die_before(step, ("replace", "unlink", "link", "fsync", "mkdir"))
        function(*args)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

for name, function in (("one", save), ("shards", save_in_shards)):
    prefix = os.path.join(folder, name)
    function(prefix, 0)
    number, step, died = 1, 0, True
    while died:
        before = BundleReader(prefix).read(b"value")[0]
        died = killed(function, prefix, number, step=step)
        values = BundleReader(prefix).read(b"value")
        assert (values == values[0]).all(), "new data beside an old index"
        assert values[0] in ({before, number} if died else {number}), (before, values[0], number)
        number, step = number + 1, step + 1
    assert step > 8, step
    function(prefix, number)
    print(name, sorted(os.path.basename(path) for path in glob.glob(prefix + "[._]*")))
"""


def test_whenever_a_process_is_killed_there_is_the_old_checkpoint_or_the_new_one(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _KILLED, tmp_path], capture_output=True, text=True, check=False, timeout=600
    )
    assert result.returncode == 0, result.stderr
    # What the killed ones left is gone, too.
    assert result.stdout.splitlines() == [
        "one ['one.data-00000-of-00001', 'one.index']",
        "shards ['shards.data-00000-of-00002', 'shards.data-00001-of-00002', 'shards.index', 'shards_temp']",
    ]
    assert not list((tmp_path / "shards_temp").iterdir())


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    for number in range(5):
        _write(tmp_path / "a", value=np.full(3, number))
        assert BundleReader(tmp_path / "a").read(b"value").tolist() == [number] * 3
        assert len(list(tmp_path.iterdir())) == 2


def test_what_another_process_writes_stays(tmp_path: Path) -> None:
    (tmp_path / "a.data-00000-of-00001.tempstate17").write_bytes(b"of a process that was killed")
    (tmp_path / "a.data-00000-of-00001.tempstate.txt").write_bytes(b"of a user")
    with BundleWriter(tmp_path / "a") as other:
        other.add(b"value", np.zeros(2))
        _write(tmp_path / "a", value=np.ones(2))
        assert BundleReader(tmp_path / "a").read(b"value").tolist() == [1, 1]
        other.finish()
    assert BundleReader(tmp_path / "a").read(b"value").tolist() == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.data-00000-of-00001",
        "a.data-00000-of-00001.tempstate.txt",
        "a.index",
    ]


def test_leftovers_of_a_name_and_its_steps(tmp_path: Path) -> None:
    for name in ("model_temp", "model-3_temp", "model-x_temp", "model2_temp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part-00000-of-00002.index").write_bytes(b"")
        (tmp_path / name / "part-00001-of-00002.data-00000-of-00001.tempstate5").write_bytes(b"")
    (tmp_path / "model-4_temp").mkdir()
    (tmp_path / "model-4_temp" / "notes").write_bytes(b"of a user")
    (tmp_path / "model-3.index.tempstate12").write_bytes(b"")
    clear_leftovers(tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-4_temp", "model-x_temp", "model2_temp"]


def test_strings_without_dimensions(tmp_path: Path) -> None:
    value = np.array(b"tide", object)
    _write(tmp_path / "a", value=value)
    reader = BundleReader(tmp_path / "a")
    for part in (None, ((), tensor_slice.whole(0))):
        found = reader.read(b"value", part)
        assert (found.dtype, found.shape, found.item()) == (object, (), b"tide")
    sliced_file.write(tmp_path / "b", [(b"value", (), tensor_slice.whole(0), value)])
    found = open_checkpoint(tmp_path / "b").read(b"value")
    assert (found.dtype, found.shape, found.item()) == (object, (), b"tide")


def _dimensions(entry: Any, *sizes: int) -> None:
    del entry.shape.dim[:]
    for size in sizes:
        entry.shape.dim.add(size=size)


@pytest.mark.parametrize(
    "craft",
    [
        lambda entry: _dimensions(entry, -1, 2),
        lambda entry: _dimensions(entry, 1 << 40, 1 << 40),
        lambda entry: _dimensions(entry, *[1] * 100),
        lambda entry: _dimensions(entry, 4),
        lambda entry: setattr(entry.shape, "unknown_rank", True),
        lambda entry: setattr(entry, "shard_id", 1),
        lambda entry: setattr(entry, "shard_id", -1),
        lambda entry: setattr(entry, "dtype", 99),
        lambda entry: setattr(entry.slices[0].extent[0], "start", -1),
        lambda entry: setattr(entry.slices[0].extent[0], "length", 5),
        lambda entry: setattr(entry.slices[0].extent[0], "length", -3),
        lambda entry: entry.slices[0].extent.add(),
    ],
)
@pytest.mark.parametrize("first_format", [False, True])
def test_a_crafted_index_is_data_loss(tmp_path: Path, craft: Any, first_format: bool) -> None:
    shape, part = tensor_slice.parse("4 2 0,2:-")
    if first_format:
        sliced_file.write(tmp_path / "a", [(b"w", shape, part, np.zeros((2, 2)))])
        path, key, kind = tmp_path / "a", b"", "SavedTensorSlices"
    else:
        with BundleWriter(tmp_path / "a") as writer:
            writer.add_slice(b"w", shape, part, np.zeros((2, 2)))
            writer.finish()
        path, key, kind = tmp_path / "a.index", b"w", "BundleEntryProto"
    entries = dict(SortedTable(path.read_bytes()).items())
    message = protos.get(kind).FromString(entries[key])
    entry = message.meta.tensor[0] if first_format else message
    try:
        craft(_FirstFormat(entry) if first_format else entry)
    except AttributeError:
        assert first_format, "the first format has no shards"
        return
    entries[key] = message.SerializeToString()
    path.write_bytes(table_bytes(iter(sorted(entries.items()))))
    with pytest.raises(DataLossError):
        open_checkpoint(tmp_path / "a").variables()


class _FirstFormat:
    """Names the fields of an entry of the first format as those of the second."""

    def __init__(self, entry: Any) -> None:
        object.__setattr__(self, "entry", entry)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, {"slices": "slice"}.get(name, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.entry, {"dtype": "type"}.get(name, name), value)


def test_the_first_format(tmp_path: Path) -> None:
    whole = np.arange(8, dtype=np.float16).reshape(4, 2)
    shape, first = tensor_slice.parse("4 2 0,1:-")
    _, second = tensor_slice.parse("4 2 1,3:-")
    text = np.array([b"a", b""], object)
    complete = tensor_slice.whole(1)
    sliced_file.write(
        tmp_path / "a",
        [(b"w", shape, first, whole[:1]), (b"w", shape, second, whole[1:]), (b"s", (2,), complete, text)],
    )
    reader = open_checkpoint(tmp_path / "a")
    assert reader.read(b"w").tolist() == whole.tolist()
    assert reader.read(b"w", tensor_slice.parse("4 2 0,2:1,1")).tolist() == [[1], [3]]
    assert reader.read(b"s").tolist() == [b"a", b""]
    content = bytearray((tmp_path / "a").read_bytes())
    content[30] ^= 1
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataLossError):
        open_checkpoint(tmp_path / "a").read(b"w")


@pytest.mark.parametrize("text", ["", "x", "2 3 0,1", "2 3 0,1:2,2", "2 3 0,0:-", "2 3 -1,1:-", "-2 0,1", "2 3 a:-"])
def test_malformed_slices(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        tensor_slice.parse(text)


def test_keys_are_ordered_as_their_slices() -> None:
    numbers = [0, 1, 62, 63, 64, 100, 8191, 8192, 2**20, 2**33, 2**40, 2**54, 2**55, 2**62]
    keys = [tensor_slice.key_of(b"n", tensor_slice.Slice(((number, 1),))) for number in numbers]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
