"""Tests the files of checkpoints."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

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
from tideflow._src.ops.checkpoint import sliced_file, tensor_slice
from tideflow._src.ops.checkpoint.bundle import BundleReader, BundleWriter, merge
from tideflow._src.ops.checkpoint.reading import open_checkpoint

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


_KILLED = """
import os, sys
import numpy as np
from tideflow._src.ops.checkpoint.bundle import BundleWriter
writer = BundleWriter(sys.argv[1])
writer.add(b"value", np.zeros(1_000_000))
os.kill(os.getpid(), 9)
"""


def test_a_kill_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    _write(tmp_path / "a", value=np.arange(3.0))
    assert subprocess.run([sys.executable, "-c", _KILLED, tmp_path / "a"], check=False).returncode == -9
    assert BundleReader(tmp_path / "a").read(b"value").tolist() == [0, 1, 2]


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
