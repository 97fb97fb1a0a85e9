"""Tensor bundles, the format of checkpoints since TensorFlow 0.12 ("V2"): an index, and the bytes of tensors in shards.

``model.index`` is a sorted table from names to `BundleEntryProto`; its first entry, whose name is empty, is a
`BundleHeaderProto`. ``model.data-00000-of-00001`` has the tensors one behind the other. The parts of a partitioned
variable have entries of their own, and that of the whole lists them.

Both files are written under temporary names and renamed when they are complete, so that a full disk or the end of the
process leaves an older checkpoint of the same name as it was.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
from collections.abc import Iterable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import shape_to_proto
from tideflow._src.ops.checkpoint import element_bytes, tensor_slice
from tideflow._src.ops.checkpoint.sorted_table import SortedTable, table_bytes
from tideflow._src.ops.checkpoint.tensor_slice import Slice
from tideflow._src.ops.files import file_system

Array = np.ndarray[Any, Any]
_HEADER_KEY = b""
_VERSION = 1
_ENTRY = "BundleEntryProto"
_MOST_AT_ONCE = 1 << 26


def index_name(prefix: str) -> str:
    """Returns the name of the index of the bundle ``prefix``."""
    return f"{prefix}.index"


def data_name(prefix: str, shard: int, shards: int) -> str:
    """Returns the name of a shard of the bundle ``prefix``."""
    return f"{prefix}.data-{shard:05d}-of-{shards:05d}"


class BundleWriter:
    """Writes a bundle of one shard; nothing is there under its name before `finish`.

    Args:
      prefix: the name without ``.index``; the folder that it is in is made.
    """

    def __init__(self, prefix: Any) -> None:
        self._prefix = file_system.local(prefix)
        self._entries: dict[bytes, Any] = {}
        self._offset = 0
        suffix = f".tempstate{secrets.randbits(63)}"
        self._data_name = data_name(self._prefix, 0, 1)
        self._temporary_data = self._data_name + suffix
        self._temporary_index = index_name(self._prefix) + suffix
        folder = os.path.dirname(self._prefix)
        if folder:
            file_system.make_folder(folder)
        with file_system.translated(self._temporary_data):
            self._file: Any = open(self._temporary_data, "wb", 1 << 18)  # noqa: SIM115 - `finish` closes it

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self.abandon()

    def abandon(self) -> None:
        """Removes what was written so far."""
        with contextlib.suppress(OSError):
            self._file.close()
        for name in (self._temporary_data, self._temporary_index):
            with contextlib.suppress(OSError):
                os.unlink(name)

    def add(self, name: bytes, array: Any) -> None:
        """Adds a tensor.

        Raises:
          InvalidArgumentError: there is one of that name already.
          UnimplementedError: no checkpoint can hold its dtype.
        """
        array = np.asarray(array)
        dtype = dtypes.of_numpy[array.dtype]
        entry = self._new_entry(name, dtype, array.shape)
        content, crc = element_bytes.encode(array, dtype)
        entry.offset, entry.size, entry.crc32c = self._offset, len(content), crc
        with file_system.translated(self._temporary_data):
            self._file.write(content)
        self._offset += len(content)

    def add_slice(self, name: bytes, full_shape: tuple[int, ...], part: Slice, array: Any) -> None:
        """Adds a part of a tensor.

        Args:
          name: the name of the whole.
          full_shape: the shape of the whole.
          part: which part it is.
          array: the part.
        """
        if part.is_all_of(full_shape):
            self.add(name, array)
            return
        array = np.asarray(array)
        dtype = dtypes.of_numpy[array.dtype]
        entry = self._entries.get(name)
        if entry is None:
            entry = self._new_entry(name, dtype, full_shape)
        elif not entry.slices or entry.dtype != dtype.as_datatype_enum or _sizes(entry) != full_shape:
            raise InvalidArgumentError(
                None, None, f"The part {part} of {name.decode()} does not fit what was added under that name before."
            )
        entry.slices.append(part.to_proto())
        self.add(tensor_slice.key_of(name, part), array)

    def _new_entry(self, name: bytes, dtype: DType, shape: tuple[int, ...]) -> Any:
        if name == _HEADER_KEY:
            raise InvalidArgumentError(None, None, "A tensor in a checkpoint must have a name.")
        if name in self._entries:
            raise InvalidArgumentError(None, None, f"Adding duplicate key: {name.decode(errors='replace')}")
        if dtype._numpy_dtype is None:
            raise UnimplementedError(None, None, f"A tensor of dtype {dtype.name} cannot be saved in a checkpoint.")
        entry = self._entries[name] = protos.get(_ENTRY)()
        entry.dtype = dtype.as_datatype_enum
        entry.shape.CopyFrom(shape_to_proto(shape))
        return entry

    def finish(self) -> None:
        """Completes the bundle and puts it in its place."""
        with file_system.translated(self._temporary_data):
            self._file.close()
        _write_index(self._temporary_index, self._entries, 1)
        with file_system.translated(self._data_name):
            os.replace(self._temporary_data, self._data_name)
            os.replace(self._temporary_index, index_name(self._prefix))


def _write_index(path: str, entries: dict[bytes, Any], shards: int) -> None:
    header = protos.get("BundleHeaderProto")(num_shards=shards)
    header.version.producer = _VERSION
    pairs = [(_HEADER_KEY, header.SerializeToString())]
    pairs += [(name, entries[name].SerializeToString()) for name in sorted(entries)]
    with file_system.translated(path), open(path, "wb") as file:
        file.write(table_bytes(iter(pairs)))


def _sizes(entry: Any) -> tuple[int, ...]:
    return tuple(dimension.size for dimension in entry.shape.dim)


class BundleReader:
    """Reads a bundle.

    Args:
      prefix: the name without ``.index``.

    Raises:
      NotFoundError: there is no index.
      DataLossError: the index is damaged.
    """

    def __init__(self, prefix: Any) -> None:
        self.prefix = file_system.local(prefix)
        path = index_name(self.prefix)
        content = file_system.read(path)
        try:
            self._table = SortedTable(content)
            header = self._message("BundleHeaderProto", self._table.get(_HEADER_KEY))
        except DataLossError as error:
            raise DataLossError(
                None, None, f"Unable to read file ({path}): it is damaged, or no index of a checkpoint: {error.message}"
            ) from None
        if header.endianness != 0:
            raise UnimplementedError(None, None, f"The checkpoint {self.prefix} was written on a big-endian machine.")
        if header.version.min_consumer > _VERSION:
            raise InvalidArgumentError(
                None,
                None,
                f"The checkpoint {self.prefix} needs a reader of version {header.version.min_consumer}; this is "
                f"version {_VERSION}.",
            )
        self.shards = header.num_shards

    def _message(self, kind: str, content: bytes | None) -> Any:
        if content is None:
            raise DataLossError(None, None, f"{self.prefix} has no header")
        message = protos.get(kind)()
        try:
            message.ParseFromString(content)
        except Exception as error:  # protobuf's own, which this floor does not import
            raise DataLossError(None, None, f"{self.prefix} holds a damaged {kind}: {error}") from None
        return message

    # What there is.

    def entries(self) -> Iterable[tuple[bytes, Any]]:
        """Yields the names and entries of tensors and of parts of tensors, sorted."""
        for name, content in self._table.items():
            if name != _HEADER_KEY:
                yield name, self._message(_ENTRY, content)

    def variables(self) -> dict[str, tuple[DType, tuple[int, ...]]]:
        """Returns the dtype and shape of each tensor, by name."""
        return {
            name.decode(errors="replace"): (self._dtype(entry), _sizes(entry))
            for name, entry in self.entries()
            if not name.startswith(b"\x00")
        }

    def has(self, name: bytes) -> bool:
        """Tells whether there is a tensor of this name."""
        return name != _HEADER_KEY and self._table.get(name) is not None

    def _entry(self, name: bytes) -> Any:
        content = self._table.get(name) if name != _HEADER_KEY else None
        if content is None:
            raise NotFoundError(None, None, f"Key {name.decode(errors='replace')} not found in checkpoint")
        return self._message(_ENTRY, content)

    def _dtype(self, entry: Any) -> DType:
        try:
            return attr_value.read_type(entry.dtype)
        except (TypeError, ValueError):
            raise DataLossError(None, None, f"{self.prefix} holds a tensor of unknown type {entry.dtype}.") from None

    def described(self, name: bytes) -> tuple[DType, tuple[int, ...]]:
        """Returns the dtype and shape of a tensor."""
        entry = self._entry(name)
        return self._dtype(entry), _sizes(entry)

    # Values.

    def read(self, name: bytes, part: tuple[tuple[int, ...], Slice] | None = None) -> Array:
        """Returns a tensor, or a part of it.

        Args:
          name: the tensor's name.
          part: the shape that the whole must have, and the part to read; None for all of it.

        Raises:
          NotFoundError: there is no such tensor, or a file of the bundle is missing.
          DataLossError: it is damaged.
          InvalidArgumentError: the whole has another shape, or the bundle has not all of the part.
        """
        entry = self._entry(name)
        shape = _sizes(entry)
        if part is None:
            wanted = tensor_slice.whole(len(shape))
        else:
            if part[0] != shape:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Shape in shape_and_slice spec {list(part[0])} does not match the shape stored in checkpoint: "
                    f"{list(shape)} (tensor {name.decode(errors='replace')})",
                )
            wanted = part[1]
        if not entry.slices:
            whole = self._values(name, entry)
            return whole[tuple(slice(begin, end) for begin, end in wanted.bounds(shape))]

        def read_part(stored: Slice) -> Array:
            key = tensor_slice.key_of(name, stored)
            return self._values(key, self._entry(key))

        parts = map(tensor_slice.from_proto, entry.slices)
        joined = tensor_slice.assembled(wanted, shape, self._dtype(entry)._numpy_dtype, parts, read_part)
        if joined is None:
            raise InvalidArgumentError(
                None,
                None,
                f"Does not have sufficient slices for partitioned tensor {name.decode(errors='replace')} to restore in "
                f"slice_spec: {wanted}",
            )
        return joined

    def _values(self, name: bytes, entry: Any) -> Array:
        dtype, shape = self._dtype(entry), _sizes(entry)
        described = f"TensorBundle at {self.prefix} shard {entry.shard_id} ({entry.size} bytes)"
        size = math.prod(shape)
        if dtype._numpy_dtype is None:
            raise UnimplementedError(None, None, f"{name.decode(errors='replace')} is of dtype {dtype.name}.")
        if min(shape, default=0) < 0 or (
            entry.size != size * dtype.size if dtype is not dtypes.string else entry.size < size + 4
        ):
            raise DataLossError(
                None, None, f"{described}: {dtype.name} of shape {list(shape)} does not take that many bytes"
            )
        path = data_name(self.prefix, entry.shard_id, self.shards)
        with file_system.translated(path), open(path, "rb", 0) as file:
            have = os.fstat(file.fileno()).st_size
            if entry.offset < 0 or entry.offset + entry.size > have:
                raise DataLossError(
                    None,
                    None,
                    f"{path} is truncated: it has {have} bytes, and {name.decode(errors='replace')} is "
                    f"{entry.size} bytes at {entry.offset}",
                )
            content = bytearray(entry.size)
            view = memoryview(content)
            file.seek(entry.offset)
            filled = 0
            while filled < entry.size:
                count = file.readinto(view[filled : filled + _MOST_AT_ONCE])
                if not count:
                    raise DataLossError(None, None, f"{path} ended while it was read")
                filled += count
        return element_bytes.decode(content, dtype, shape, entry.crc32c, described)


def merge(prefixes: list[str], destination: Any, allow_missing_files: bool = False) -> None:
    """Makes one bundle of several: their shards are renamed, and one index is written.

    Args:
      prefixes: the bundles, which are gone afterwards.
      destination: the prefix of the new one.
      allow_missing_files: whether some of the bundles may be missing.

    Raises:
      InvalidArgumentError: a bundle is missing, or two hold tensors of one name.
    """
    destination = file_system.local(destination)
    readers = []
    for prefix in prefixes:
        try:
            readers.append(BundleReader(prefix))
        except NotFoundError as error:
            if not allow_missing_files:
                raise InvalidArgumentError(
                    None, None, f"allow_missing_files was set to false and {prefix} did not exist. {error.message}"
                ) from None
    if not readers:
        raise InvalidArgumentError(None, None, "At least one prefix checkpoint file must exist, but none existed.")
    entries: dict[bytes, Any] = {}
    shards: list[str] = []
    for reader in readers:
        first = len(shards)
        shards += [data_name(reader.prefix, shard, reader.shards) for shard in range(reader.shards)]
        for name, entry in reader.entries():
            entry.shard_id += first
            known = entries.get(name)
            if known is None:
                entries[name] = entry
            elif known.slices and entry.slices and known.shape == entry.shape and known.dtype == entry.dtype:
                known.slices.extend(entry.slices)
            else:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Duplicate tensor keyed by {name.decode(errors='replace')} encountered, when merging "
                    f"prefix: {reader.prefix}",
                )
    folder = os.path.dirname(destination)
    if folder:
        file_system.make_folder(folder)
    temporary = f"{index_name(destination)}.tempstate{secrets.randbits(63)}"
    try:
        _write_index(temporary, entries, len(shards))
        with file_system.translated(destination):
            for number, path in enumerate(shards):
                os.replace(path, data_name(destination, number, len(shards)))
            os.replace(temporary, index_name(destination))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    for reader in readers:
        if index_name(reader.prefix) != index_name(destination):
            with contextlib.suppress(OSError):
                os.unlink(index_name(reader.prefix))
