"""The first format of checkpoints ("V1"): one sorted table whose values are `SavedTensorSlices` messages.

The entry with the empty key lists names, shapes, types and slices; each other entry is a slice with its values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import make_ndarray, shape_to_proto
from tideflow._src.ops.checkpoint import tensor_slice
from tideflow._src.ops.checkpoint.sorted_table import SortedTable, table_bytes
from tideflow._src.ops.checkpoint.tensor_slice import Slice
from tideflow._src.ops.files import file_system, replacement

Array = np.ndarray[Any, Any]
_META_KEY = b""
_VERSION = 1
_MESSAGE = "SavedTensorSlices"

#: The field of a ``TensorProto`` that has the values of a type.
_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "uint8": "int_val",
    "int16": "int_val",
    "int8": "int_val",
    "uint16": "int_val",
    "string": "string_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "qint8": "int_val",
    "quint8": "int_val",
    "qint32": "int_val",
}


def _fill(message: Any, array: Array, dtype: DType) -> None:
    """Writes values into a ``TensorProto`` that has nothing else."""
    field = _FIELDS.get(dtype.name)
    if field is None:
        raise UnimplementedError(None, None, f"Saving data type {dtype.name} not yet supported")
    flat = np.ravel(array)
    if dtype.is_quantized:
        flat = flat.view(flat.dtype[0])
    elif dtype is dtypes.float16:
        flat = flat.view(np.uint16)
    elif dtype.is_complex:
        flat = flat.view(dtype.real_dtype.as_numpy_dtype)
    getattr(message, field).extend(flat.tolist())


def write(path: Any, tensors: list[tuple[bytes, tuple[int, ...], Slice, Array]]) -> None:
    """Writes a checkpoint; an older file of this name stays until it is complete.

    Args:
      path: the file.
      tensors: the name and shape of the whole, the part, and its values, for each tensor.

    Raises:
      UnimplementedError: this format cannot hold a dtype.
      InvalidArgumentError: two have the same name and part, or parts of one name do not fit.
    """
    path = file_system.local(path)
    head = protos.get(_MESSAGE)()
    head.meta.versions.producer = _VERSION
    by_name: dict[bytes, Any] = {}
    entries: dict[bytes, bytes] = {}
    for name, shape, part, array in tensors:
        array = np.asarray(array)
        dtype = dtypes.of_numpy[array.dtype]
        known = by_name.get(name)
        if known is None:
            known = by_name[name] = protos.get("SavedSliceMeta")(name=name.decode(), type=dtype.as_datatype_enum)
            known.shape.CopyFrom(shape_to_proto(shape))
        elif known.type != dtype.as_datatype_enum or known.shape != shape_to_proto(shape):
            raise InvalidArgumentError(None, None, f"Mismatching shapes or types: existing tensor {name.decode()}")
        key = tensor_slice.key_of(name, part)
        if key in entries:
            raise InvalidArgumentError(None, None, f"Duplicate slice {part} of tensor {name.decode()}")
        known.slice.append(part.to_proto())
        message = protos.get(_MESSAGE)()
        message.data.name = name.decode()
        message.data.slice.CopyFrom(part.to_proto())
        _fill(message.data.data, array, dtype)
        entries[key] = message.SerializeToString()
    head.meta.tensor.extend(by_name[name] for name in sorted(by_name))
    entries[_META_KEY] = head.SerializeToString()
    content = table_bytes(iter(sorted(entries.items())))
    replacement.replace(path, content)
    replacement.clear(path)


class SlicedFileReader:
    """Reads checkpoints of this format.

    Args:
      pattern: a file, or a pattern that matches the shards of one checkpoint.

    Raises:
      NotFoundError: no file matches.
      DataLossError: a file is damaged, or none of this format.
    """

    def __init__(self, pattern: Any) -> None:
        self.prefix = file_system.text_of(pattern)
        names = file_system.matching(pattern)
        if not names:
            raise NotFoundError(
                None,
                None,
                "Unsuccessful TensorSliceReader constructor: Failed to find any matching files for "
                f"{file_system.text_of(pattern)}",
            )
        self._metas: dict[bytes, Any] = {}
        self._tables: dict[bytes, SortedTable] = {}
        for name in sorted(names):
            self._load(name)

    def _load(self, path: str) -> None:
        try:
            table = SortedTable(file_system.read(path))
            head = self._message(table.get(_META_KEY), path)
        except (DataLossError, FailedPreconditionError) as error:
            raise DataLossError(
                None,
                None,
                f"Unable to open table file {path}: {error.message}: perhaps your file is in a different file format "
                "and you need to use a different restore operator?",
            ) from None
        for meta in head.meta.tensor:
            name = meta.name.encode()
            known = self._metas.setdefault(name, meta)
            if known is not meta:
                known.slice.extend(meta.slice)
            try:
                shape = tuple(dimension.size for dimension in known.shape.dim)
                tensor_slice.check_shape(shape, known.shape.unknown_rank)
                for part in meta.slice:
                    tensor_slice.from_proto(part).check_within(shape)
            except ValueError as error:
                raise DataLossError(None, None, f"{path}: the entry for {meta.name} is damaged: {error}") from None
            for part in meta.slice:
                self._tables[tensor_slice.key_of(name, tensor_slice.from_proto(part))] = table

    def _message(self, content: bytes | None, path: str) -> Any:
        if content is None:
            raise DataLossError(None, None, f"{path} lacks an entry")
        message = protos.get(_MESSAGE)()
        try:
            message.ParseFromString(content)
        except Exception as error:  # protobuf's own, which this floor does not import
            raise DataLossError(None, None, f"{path} holds a damaged message: {error}") from None
        return message

    def variables(self) -> dict[str, tuple[DType, tuple[int, ...]]]:
        """Returns the dtype and shape of each tensor, by name."""
        return {name.decode(): self.described(name) for name in sorted(self._metas)}

    def has(self, name: bytes) -> bool:
        """Tells whether there is a tensor of this name."""
        return name in self._metas

    def described(self, name: bytes) -> tuple[DType, tuple[int, ...]]:
        """Returns the dtype and shape of a tensor."""
        meta = self._metas.get(name)
        if meta is None:
            raise NotFoundError(
                None, None, f'Tensor name "{name.decode()}" not found in checkpoint files {self.prefix}'
            )
        try:
            return attr_value.read_type(meta.type), tuple(dimension.size for dimension in meta.shape.dim)
        except (TypeError, ValueError):
            raise DataLossError(None, None, f"{self.prefix} holds a tensor of unknown type {meta.type}.") from None

    def size_of(self, name: bytes) -> int:
        """Returns about how many bytes a tensor takes."""
        dtype, shape = self.described(name)
        return math.prod(shape) * dtype.size

    def verify(self, name: bytes) -> None:
        """Looks through a tensor; raises a DataLossError if it is damaged."""
        self.read(name)

    def read(self, name: bytes, part: tuple[tuple[int, ...], Slice] | None = None) -> Array:
        """Returns a tensor, or a part of it; arguments and errors are those of ``BundleReader.read``."""
        dtype, shape = self.described(name)
        if part is not None and part[0] != shape:
            raise InvalidArgumentError(
                None,
                None,
                f"Shape in shape_and_slice spec {list(part[0])} does not match the shape in the save file: "
                f"{list(shape)}, save file: {self.prefix}",
            )
        wanted = tensor_slice.whole(len(shape)) if part is None else part[1]
        parts = map(tensor_slice.from_proto, self._metas[name].slice)
        joined = tensor_slice.assembled(
            wanted,
            shape,
            dtype._numpy_dtype,
            parts,
            lambda stored: self._values(name, stored, dtype, stored.shape_in(shape)),
        )
        if joined is None:
            raise InvalidArgumentError(
                None, None, f"Error copying slice data: {self.prefix} has not all of {wanted} of {name.decode()}"
            )
        return joined

    def _values(self, name: bytes, stored: Slice, dtype: DType, shape: tuple[int, ...]) -> Array:
        key = tensor_slice.key_of(name, stored)
        message = self._message(self._tables[key].get(key), self.prefix).data.data
        message.dtype = dtype.as_datatype_enum
        message.tensor_shape.CopyFrom(shape_to_proto(shape))
        try:
            return make_ndarray(message)
        except (TypeError, ValueError) as error:
            raise DataLossError(
                None, None, f"{self.prefix}: the values of {name.decode()} are damaged: {error}"
            ) from None
