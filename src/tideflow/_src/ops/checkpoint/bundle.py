"""Tensor bundles, the format of checkpoints since TensorFlow 0.12 ("V2"): an index, and the bytes of tensors in shards.

``model.index`` is a sorted table from names to `BundleEntryProto`; its first entry, whose name is empty, is a
`BundleHeaderProto`. ``model.data-00000-of-00001`` has the tensors one behind the other. The parts of a partitioned
variable have entries of their own, and that of the whole lists them.

Both files are written under temporary names and put in place when they are complete. An older checkpoint of the same
name is replaced in one step (`publish`): whenever the process ends, there is the old one or the new one.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnimplementedError,
)
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import shape_to_proto
from tideflow._src.ops.checkpoint import element_bytes, tensor_slice, variant_bytes
from tideflow._src.ops.checkpoint.sorted_table import SortedTable, table_bytes
from tideflow._src.ops.checkpoint.tensor_slice import Slice
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.ops.files.replacement import Replacement

Array = np.ndarray[Any, Any]
_HEADER_KEY = b""
_VERSION = 1
_ENTRY = "BundleEntryProto"
#: The end of the name of the folder in which a saver collects the shards of a checkpoint, and what stands in it.
FOLDER_SUFFIX = "_temp"
_PART = re.compile(r"part-\d{5}-of-\d{5}\.(index|data-\d{5}-of-\d{5})")


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
        folder = os.path.dirname(self._prefix)
        if folder:
            file_system.make_folder(folder)
        self._data = Replacement(data_name(self._prefix, 0, 1))

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self.abandon()

    def abandon(self) -> None:
        """Removes what was written so far."""
        self._data.abandon()

    def add(self, name: bytes, array: Any) -> None:
        """Adds a tensor.

        Raises:
          InvalidArgumentError: there is one of that name already.
          UnimplementedError: no checkpoint can hold its dtype.
        """
        if getattr(array, "dtype", None) is dtypes.variant:
            content, crc = variant_bytes.encode(array)
            entry = self._new_entry(name, dtypes.variant, array.shape)
            self._data.write(content)
            size = len(content)
        else:
            array = np.asarray(array)
            dtype = dtypes.of_numpy[array.dtype]
            entry = self._new_entry(name, dtype, array.shape)
            size, crc = element_bytes.write(array, dtype, self._data.write)
        entry.offset, entry.size, entry.crc32c = self._offset, size, crc
        self._offset += size

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
        if dtype._numpy_dtype is None and dtype is not dtypes.variant:
            raise UnimplementedError(None, None, f"A tensor of dtype {dtype.name} cannot be saved in a checkpoint.")
        entry = self._entries[name] = protos.get(_ENTRY)()
        entry.dtype = dtype.as_datatype_enum
        entry.shape.CopyFrom(shape_to_proto(shape))
        return entry

    def finish(self) -> None:
        """Completes the bundle and puts it in its place."""
        try:
            self._data.complete()
            publish(self._prefix, self._entries, [self._data.place])
        except BaseException:
            self.abandon()
            raise


def publish(prefix: str, entries: dict[bytes, Any], shards: list[Callable[[str], None]]) -> None:
    """Puts a bundle in its place; a bundle that is there is replaced in one step.

    The name of a shard says how many there are. Where the old bundle has as many, the new shards first get the names
    of a bundle that has one more, whose index replaces the old one: that is the step. Then the old shards go, and the
    new ones and the index get the names that they are to have. Of several that write at once one comes after the other,
    and each step is on the disk before the next begins.

    Args:
      prefix: the name without ``.index``.
      entries: what the index is to say.
      shards: functions that give the files of the shards, complete on the disk, a name.
    """
    folder = os.path.dirname(prefix)
    with file_system.translated(prefix), replacement.alone(folder):
        _publish(prefix, entries, shards)


def _publish(prefix: str, entries: dict[bytes, Any], shards: list[Callable[[str], None]]) -> None:
    count, folder = len(shards), os.path.dirname(prefix)
    names = _shard_names(prefix, count)
    in_the_way = _shards_of(prefix) == count
    with _new_index(prefix, entries, count) as index:
        if in_the_way:
            others = _shard_names(prefix, count + 1)[:count]
            with _new_index(prefix, entries, count + 1) as other_index:
                _place_all(shards, others)
                replacement.remember(folder)
                other_index.place()
            replacement.remember(folder)
            try:
                for other, name in zip(others, names, strict=True):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(name)
                    os.link(other, name)
            except OSError:  # no links on this file system: the names with one more serve as well
                names = others
            else:
                replacement.remember(folder)
                index.place()
        else:
            _place_all(shards, names)
            replacement.remember(folder)
            index.place()
        replacement.remember(folder)
        _clear(prefix, names)


def _shard_names(prefix: str, count: int) -> list[str]:
    return [data_name(prefix, shard, count) for shard in range(count)]


def _shards_of(prefix: str) -> int | None:
    """Returns how many shards the bundle has that is there; None if there is none that can be read."""
    try:
        return BundleReader(prefix).shards
    except OpError:
        return None


def _place_all(shards: list[Callable[[str], None]], names: list[str]) -> None:
    for place, name in zip(shards, names, strict=True):
        place(name)


def _new_index(prefix: str, entries: dict[bytes, Any], shards: int) -> Replacement:
    """Returns an index, complete on the disk, that has yet to be placed."""
    header = protos.get("BundleHeaderProto")(num_shards=shards)
    header.version.producer = _VERSION
    pairs = [(_HEADER_KEY, header.SerializeToString())]
    pairs += [(name, entries[name].SerializeToString()) for name in sorted(entries)]
    content = table_bytes(iter(pairs))
    return replacement.completed(index_name(prefix), content)


def _clear(prefix: str, kept: list[str]) -> None:
    """Removes the shards of a bundle that its index does not name, and what killed processes left of it."""
    names = set(map(os.path.basename, kept))  # glob writes the way to a folder in another way: ``a//b`` as ``a/b``
    for path in glob.glob(f"{glob.escape(prefix)}.data-?????-of-?????"):
        if os.path.basename(path) not in names:
            with contextlib.suppress(OSError):
                os.unlink(path)
    replacement.clear(f"{prefix}.data-")
    replacement.clear(index_name(prefix))


def clear_leftovers(prefix: Any) -> None:
    """Removes what killed processes left of checkpoints of a name, with and without a step behind it.

    Nobody else may be writing such a checkpoint: the folder in which its shards are collected is removed, too.
    """
    text = file_system.local(prefix)
    replacement.clear(text)
    step_and_suffix = re.compile(re.escape(os.path.basename(text)) + r"(-\d+)?" + FOLDER_SUFFIX)
    for folder in glob.glob(f"{glob.escape(text)}*{FOLDER_SUFFIX}"):
        if not step_and_suffix.fullmatch(os.path.basename(folder)) or not os.path.isdir(folder):
            continue
        replacement.clear(os.path.join(folder, ""))
        if all(_PART.fullmatch(name) for name in os.listdir(folder)):
            shutil.rmtree(folder, ignore_errors=True)


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
                yield name, self._checked(name, content)

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
        return self._checked(name, content)

    def _checked(self, name: bytes, content: bytes) -> Any:
        """Returns an entry whose shape and slices are possible."""
        entry = self._message(_ENTRY, content)
        try:
            shape = _sizes(entry)
            tensor_slice.check_shape(shape, entry.shape.unknown_rank)
            for part in entry.slices:
                tensor_slice.from_proto(part).check_within(shape)
            if entry.shard_id not in range(self.shards):
                raise ValueError(f"it is in shard {entry.shard_id} of {self.shards}")
        except ValueError as error:
            described = name.decode(errors="replace")
            raise DataLossError(None, None, f"{self.prefix} holds a damaged entry for {described}: {error}") from None
        return entry

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
            # The dots keep what has no dimensions an array: a string would come out of it.
            return whole[..., *(slice(begin, end) for begin, end in wanted.bounds(shape))]

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

    def size_of(self, name: bytes) -> int:
        """Returns how many bytes a tensor takes in the files of the bundle; of one in parts, about."""
        entry = self._entry(name)
        return int(entry.size) or math.prod(_sizes(entry)) * self._dtype(entry).size

    def verify(self, name: bytes) -> None:
        """Looks through a tensor, without keeping it.

        Raises:
          DataLossError: it is damaged.
        """
        entry = self._entry(name)
        for part in map(tensor_slice.from_proto, entry.slices):
            self.verify(tensor_slice.key_of(name, part))
        if entry.slices:
            return
        if self._dtype(entry) in (dtypes.string, dtypes.variant):
            self._values(name, entry)
            return
        with self._opened(name, entry) as file:
            element_bytes.verify(file.readinto, entry.size, entry.crc32c, self._described(name, entry))

    def _described(self, name: bytes, entry: Any) -> str:
        """Checks the size of a tensor against its shape; returns what messages call it."""
        dtype, shape = self._dtype(entry), _sizes(entry)
        described = f"TensorBundle at {self.prefix} shard {entry.shard_id} ({entry.size} bytes)"
        size = math.prod(shape)
        if dtype is dtypes.variant and min(shape, default=0) >= 0 and entry.size >= 5 * size:
            return described
        if dtype._numpy_dtype is None:
            raise UnimplementedError(None, None, f"{name.decode(errors='replace')} is of dtype {dtype.name}.")
        if min(shape, default=0) < 0 or (
            entry.size != size * dtype.size if dtype is not dtypes.string else entry.size < size + 4
        ):
            raise DataLossError(
                None, None, f"{described}: {dtype.name} of shape {list(shape)} does not take that many bytes"
            )
        return described

    @contextlib.contextmanager
    def _opened(self, name: bytes, entry: Any) -> Iterator[Any]:
        """Opens the shard of a tensor, where it begins."""
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
            file.seek(entry.offset)
            yield file

    def _values(self, name: bytes, entry: Any) -> Array:
        described = self._described(name, entry)
        dtype, shape = self._dtype(entry), _sizes(entry)
        with self._opened(name, entry) as file:
            if dtype not in (dtypes.string, dtypes.variant):
                return element_bytes.read_numbers(file.readinto, entry.size, dtype, shape, entry.crc32c, described)
            content = _exactly(file, entry.size, described)
        if dtype is dtypes.variant:
            return variant_bytes.decode(content, shape, entry.crc32c, described)
        return element_bytes.decode_strings(content, shape, entry.crc32c, described)


def _exactly(file: Any, size: int, described: str) -> bytes:
    parts = []
    while size:
        part = file.read(size)
        if not part:
            raise DataLossError(None, None, f"{described} ended while it was read")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


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
    publish(destination, entries, [functools.partial(os.replace, path) for path in shards])
    for reader in readers:
        if index_name(reader.prefix) != index_name(destination):
            with contextlib.suppress(OSError):
                os.unlink(index_name(reader.prefix))
