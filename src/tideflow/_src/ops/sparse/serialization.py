"""Sparse tensors as three serialized tensors, or by numbers in a map, and back."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, invalid_argument
from tideflow._src.core.variant_array import Variant, items_of, variants
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.parsing.tensors import serialized
from tideflow._src.ops.queues.shared import resource_handle
from tideflow._src.ops.sparse.dense import check_positions
from tideflow._src.ops.sparse.positions import check_lengths, check_sizes
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op
from tideflow._src.runtime.optional_value import tensor_text

_INPUTS = "sparse_indices: int64, sparse_values: T, sparse_shape: int64"
_OUTPUTS = "sparse_indices: int64, sparse_values: dtype, sparse_shape: int64"
_FORMS = default("string", ("string", "variant"))


class _Part(Variant):
    """Is one part of a sparse tensor as the value of a variant."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __repr__(self) -> str:
        return f"<{tensor_text(self.array)}>"

    def zeros_like(self) -> _Part:
        """Returns the part with zeros in the place of its numbers."""
        return _Part(np.full(self.array.shape, b"" if self.array.dtype == object else 0, self.array.dtype))


def _check_ranks(indices: Any, values: Any, shape: Any) -> None:
    if indices.ndim != 2:
        raise invalid_argument(f"Input indices should be a matrix but received shape {text(indices.shape)}")
    if values.ndim != 1:
        raise invalid_argument(f"Input values should be a vector but received shape {text(values.shape)}")
    if shape.ndim != 1:
        raise invalid_argument(f"Input shape should be a vector but received shape {text(shape.shape)}")


def serialized_parts(items: list[Any], out_type: DType, shape: tuple[int, ...]) -> Any:
    """Returns the parts as a tensor of strings or variants."""
    if out_type is dtypes.variant:
        return variants([_Part(item) for item in items], shape)
    result = np.empty(len(items), object)
    result[:] = [serialized(item, compact=True) for item in items]
    return result.reshape(shape)


@op(
    "SerializeSparse",
    f"{_INPUTS} -> serialized_sparse: out_type",
    tier="host",
    out_type=_FORMS,
    differentiable="missing",
)
def serialize_sparse_op(sparse_indices, sparse_values, sparse_shape, *, out_type: DType):
    """Serializes the three parts of a sparse tensor."""
    _check_ranks(sparse_indices, sparse_values, sparse_shape)
    return serialized_parts([sparse_indices, sparse_values, sparse_shape], out_type, (3,))


@serialize_sparse_op.shape
def _serialize_sparse_shape(sparse_indices, sparse_values, sparse_shape):
    with_rank(sparse_indices, 2)
    with_rank(sparse_values, 1)
    with_rank(sparse_shape, 1)
    return (3,)


def _rows(indices: Any, values: Any, shape: Any) -> tuple[Any, int]:
    """Checks a batch of sparse tensors; returns where the elements of each begin and end, and their number."""
    _check_ranks(indices, values, shape)
    if len(shape) < 2:
        raise invalid_argument(f"Rank of input SparseTensor should be > 1, but saw rank: {len(shape)}")
    check_sizes(shape)
    check_lengths(indices, values, shape)
    check_positions(indices, shape)
    count = int(shape[0])
    require_memory((count,), 200)
    return np.searchsorted(indices[:, 0], np.arange(count + 1)), count


@op(
    "SerializeManySparse",
    f"{_INPUTS} -> serialized_sparse: out_type",
    tier="host",
    out_type=_FORMS,
    differentiable="missing",
)
def serialize_many_sparse_op(sparse_indices, sparse_values, sparse_shape, *, out_type: DType):
    """Serializes each row of a sparse tensor as a sparse tensor of its own."""
    cuts, count = _rows(sparse_indices, sparse_values, sparse_shape)
    places, rest = sparse_indices[:, 1:], sparse_shape[1:]
    parts: list[Any] = []
    for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        parts += (places[begin:end], sparse_values[begin:end], rest)
    return serialized_parts(parts, out_type, (count, 3))


@serialize_many_sparse_op.shape
def _serialize_many_sparse_shape(sparse_indices, sparse_values, sparse_shape):
    with_rank(sparse_indices, 2)
    with_rank(sparse_values, 1)
    with_rank(sparse_shape, 1)
    return (None, 3)


# Back.


def _parsed(item: Any) -> Any:
    """Returns the array of a serialized tensor, or of a variant."""
    if isinstance(item, _Part):
        return item.array
    if not isinstance(item, bytes):
        raise invalid_argument(f"Expected a serialized tensor, got the variant of a {type(item).__name__}")
    from tideflow._src.graph import protos, tensor_proto  # protobuf is heavy
    from tideflow._src.graph.protos.text import from_bytes

    try:
        return tensor_proto.make_ndarray(from_bytes(item, protos.get("TensorProto")()))
    except (TypeError, ValueError, OverflowError):
        raise invalid_argument("Could not parse serialized proto") from None


def _joined(sets: list[tuple[Any, Any, Any]], dtype: DType, outer: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Stacks sparse tensors along new dimensions of the given sizes, which may be none."""
    rank = -1
    sizes = np.zeros(0, np.int64)
    for place, (indices, values, shape) in enumerate(sets):
        for number, (kind, part, wanted) in enumerate(
            (("an index matrix", indices, 2), ("a values vector", values, 1), ("a shape vector", shape, 1))
        ):
            if np.ndim(part) != wanted:
                raise invalid_argument(
                    f"Expected serialized_sparse[{place}, {number}] to represent {kind} but received shape "
                    f"{text(np.shape(part))}"
                )
        found = dtypes.of_numpy[values.dtype]
        if found is not dtype:
            raise invalid_argument(
                f"Requested SparseTensor of type {dtype.name} but SparseTensor[{place}].values.dtype() == "
                f"{'float' if found.name == 'float32' else found.name}"
            )
        if indices.dtype != np.int64 or shape.dtype != np.int64:
            raise invalid_argument(f"Expected int64 indices and shape in serialized_sparse[{place}]")
        if len(indices) != len(values):
            raise invalid_argument(
                f"Expected row counts of SparseTensor[{place}].indices and SparseTensor[{place}].values to match but "
                f"they do not: {len(indices)} vs. {len(values)}"
            )
        if indices.shape[1] != len(shape):
            raise invalid_argument(
                f"Expected column counts of SparseTensor[{place}].indices to match size of SparseTensor[{place}].shape "
                f"but they do not: {indices.shape[1]} vs. {len(shape)}"
            )
        if rank not in (-1, len(shape)):
            raise invalid_argument(
                f"Inconsistent shape across SparseTensors: rank prior to SparseTensor[{place}] was: {rank} but rank of "
                f"SparseTensor[{place}] is: {len(shape)}"
            )
        rank = len(shape)
        sizes = shape if not place else np.maximum(sizes, shape)
    indices = np.concatenate([part[0] for part in sets])
    values = np.concatenate([part[1] for part in sets])
    if not outer:
        return indices, values, np.array(sizes, np.int64)
    numbers = np.repeat(np.arange(len(sets)), [len(part[0]) for part in sets])
    places = np.stack(np.unravel_index(numbers, outer), 1).astype(np.int64) if len(numbers) else None
    if places is None:
        places = np.zeros((0, len(outer)), np.int64)
    return np.concatenate([places, indices], 1), values, np.array([*outer, *sizes.tolist()], np.int64)


def _deserialized(serialized_sparse: Any, dtype: DType) -> tuple[Any, Any, Any]:
    if serialized_sparse.ndim == 0:
        raise invalid_argument("Serialized sparse should have non-zero rank []")
    if serialized_sparse.shape[-1] != 3:
        raise invalid_argument(f"Serialized sparse should have 3 as the last dimension {text(serialized_sparse.shape)}")
    if not serialized_sparse.size:
        raise invalid_argument(
            "Serialized sparse should have at least 1 serialized tensor, but has a zero dimension "
            f"{text(serialized_sparse.shape)}"
        )
    parts = [_parsed(item) for item in items_of(serialized_sparse)]
    sets = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    return _joined(sets, dtype, serialized_sparse.shape[:-1])


@op("DeserializeManySparse", f"serialized_sparse: string -> {_OUTPUTS}", tier="host", differentiable="missing")
def deserialize_many_sparse_op(serialized_sparse, *, dtype: DType):
    """Makes one sparse tensor of many, with a row for each."""
    return _deserialized(serialized_sparse, dtype)


@deserialize_many_sparse_op.shape
def _deserialize_many_sparse_shape(serialized_sparse):
    merge_dimensions(with_rank(serialized_sparse, 2)[1], 3)
    return (None, None), (None,), (None,)


@op(
    "DeserializeSparse",
    f"serialized_sparse: Tserialized -> {_OUTPUTS}",
    tier="host",
    Tserialized=_FORMS,
    differentiable="missing",
)
def deserialize_sparse_op(serialized_sparse, *, dtype: DType):
    """Makes a sparse tensor of its parts, or one of many, with dimensions for those before the parts."""
    return _deserialized(serialized_sparse, dtype)


@deserialize_sparse_op.shape
def _deserialize_sparse_shape(serialized_sparse):
    if serialized_sparse is not None:
        if not serialized_sparse:
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        merge_dimensions(serialized_sparse[-1], 3)
    return (None, None), (None,), (None,)


_PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
_SIZES = np.int64([2, 3])


def _serialize_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SIZES)
    yield s(_PLACES, s.normal(3), _SIZES, out_type="variant")
    yield s(_PLACES[:0], s.empty(0), _SIZES)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES[0], s.normal(3), _SIZES, **bad)
    yield s(_PLACES, s.normal(3, 1), _SIZES, **bad)
    yield s(_PLACES, s.normal(3), _SIZES[None], **bad)


serialize_sparse_op.samples(_serialize_samples)


@serialize_many_sparse_op.samples
def _serialize_many_samples(s):
    yield from _serialize_samples(s)
    yield s(_PLACES[:0], s.empty(0), _SIZES * [0, 1])
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES[:, :1], s.normal(3), _SIZES[:1], **bad)
    yield s(_PLACES[::-1].copy(), s.normal(3), _SIZES, **bad)
    yield s(_PLACES + 1, s.normal(3), _SIZES, **bad)
    yield s(_PLACES, s.normal(2), _SIZES, **bad)
    yield s(_PLACES, s.normal(3), -_SIZES, **bad)


def _sampled(values: Any, shape: Any = _SIZES, indices: Any = _PLACES) -> Any:
    return serialized_parts([indices, values, shape], dtypes.string, (3,))


def _deserialize_samples(s: Any) -> Any:
    first = s.normal(3)
    yield s(np.stack([_sampled(first), _sampled(first + 1, _SIZES + 2)]), dtype="float32")
    yield s(np.stack([_sampled(s.strings((3,)))]), dtype="string")
    yield s(np.stack([_sampled(first[:0], _SIZES, _PLACES[:0])]), dtype="float32")
    bad = {"error": "InvalidArgumentError"}
    yield s(np.stack([_sampled(first)]), dtype="int32", **bad)
    yield s(np.stack([_sampled(first)])[:, :2], dtype="float32", **bad)
    yield s(np.array([[b"x", b"y", b"z"]], object), dtype="float32", **bad)
    yield s(np.stack([_sampled(first), _sampled(first, _SIZES[:1], _PLACES[:, :1])]), dtype="float32", **bad)
    yield s(np.stack([_sampled(first)])[:, [1, 0, 2]], dtype="float32", **bad)
    yield s(np.zeros((0, 3), object), dtype="float32", **bad)


deserialize_many_sparse_op.samples(_deserialize_samples)


@deserialize_sparse_op.samples
def _deserialize_sparse_samples(s):
    first = _sampled(s.normal(3))
    yield s(first, dtype="float32")
    yield s(np.stack([[first, first]] * 2), dtype="float32")
    yield s(s.produced("SerializeSparse", _PLACES, s.normal(3), _SIZES, out_type="variant"), dtype="float32")
    yield s(s.produced("SerializeManySparse", _PLACES, s.normal(3), _SIZES, out_type="variant"), dtype="float32")
    yield from _deserialize_samples(s)


# By numbers in a map.


class SparseTensorsMap:
    """Keeps sparse tensors by their numbers until they are taken."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._held: dict[int, tuple[Any, Any, Any]] = {}
        self._next = 0

    def add(self, parts: tuple[Any, Any, Any]) -> int:
        """Keeps a sparse tensor and returns its number."""
        with self._lock:
            number = self._next
            self._next += 1
            self._held[number] = parts
        return number

    def take(self, numbers: list[int]) -> list[tuple[Any, Any, Any]]:
        """Returns sparse tensors, and keeps them no longer.

        Raises:
          InvalidArgumentError: one is not there.
        """
        with self._lock:
            for number in numbers:
                if number not in self._held:
                    raise InvalidArgumentError(None, None, f"Unable to find SparseTensor: {number} in map: {self.name}")
            return [self._held.pop(number) for number in numbers]


def _map(container: str, shared_name: str) -> SparseTensorsMap:
    handle = resource_handle(container, shared_name, SparseTensorsMap, lambda: SparseTensorsMap(shared_name))
    return handle.resource  # type: ignore[no-any-return]


_STATEFUL: dict[str, Any] = {"tier": "host", "stateful": True, "differentiable": "missing"}


@op("AddSparseToTensorsMap", f"{_INPUTS} -> sparse_handle: int64", **_STATEFUL)
def add_sparse_to_tensors_map_op(
    sparse_indices, sparse_values, sparse_shape, *, container: str = "", shared_name: str = ""
):
    """Puts a sparse tensor into a map, and returns its number there."""
    _check_ranks(sparse_indices, sparse_values, sparse_shape)
    check_sizes(sparse_shape)
    check_lengths(sparse_indices, sparse_values, sparse_shape)
    return np.int64(_map(container, shared_name).add((sparse_indices, sparse_values, sparse_shape)))


@add_sparse_to_tensors_map_op.shape
def _add_sparse_shape(sparse_indices, sparse_values, sparse_shape):
    _serialize_sparse_shape(sparse_indices, sparse_values, sparse_shape)
    return ()


@op("AddManySparseToTensorsMap", f"{_INPUTS} -> sparse_handles: int64", **_STATEFUL)
def add_many_sparse_to_tensors_map_op(
    sparse_indices, sparse_values, sparse_shape, *, container: str = "", shared_name: str = ""
):
    """Puts each row of a sparse tensor into a map, and returns their numbers there."""
    cuts, count = _rows(sparse_indices, sparse_values, sparse_shape)
    held = _map(container, shared_name)
    places, rest = sparse_indices[:, 1:], sparse_shape[1:]
    numbers = [
        held.add((places[begin:end], sparse_values[begin:end], rest))
        for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    ]
    return np.array(numbers, np.int64).reshape(count)


@add_many_sparse_to_tensors_map_op.shape
def _add_many_sparse_shape(sparse_indices, sparse_values, sparse_shape):
    _serialize_sparse_shape(sparse_indices, sparse_values, sparse_shape)
    return (None,)


@op("TakeManySparseFromTensorsMap", f"sparse_handles: int64 -> {_OUTPUTS}", **_STATEFUL)
def take_many_sparse_from_tensors_map_op(sparse_handles, *, dtype: DType, container: str = "", shared_name: str = ""):
    """Takes sparse tensors out of a map, and makes one of them, with a row for each."""
    if sparse_handles.ndim != 1:
        raise invalid_argument(f"sparse_handles should be a vector but received shape {text(sparse_handles.shape)}")
    if not len(sparse_handles):
        raise invalid_argument("Must have at least 1 element in handles")
    sets = _map(container, shared_name).take(sparse_handles.tolist())
    return _joined(sets, dtype, (len(sets),))


@take_many_sparse_from_tensors_map_op.shape
def _take_many_sparse_shape(sparse_handles):
    with_rank(sparse_handles, 1)
    return (None, None), (None,), (None,)


@add_sparse_to_tensors_map_op.samples
def _add_sparse_samples(s):
    yield s(_PLACES, s.normal(3), _SIZES)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES[0], s.normal(3), _SIZES, **bad)
    yield s(_PLACES, s.normal(3), _SIZES[None], **bad)


@add_many_sparse_to_tensors_map_op.samples
def _add_many_sparse_samples(s):
    yield s(_PLACES, s.normal(3), _SIZES)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES[:, :1], s.normal(3), _SIZES[:1], **bad)
    yield s(_PLACES + 1, s.normal(3), _SIZES, **bad)


@take_many_sparse_from_tensors_map_op.samples
def _take_many_sparse_samples(s):
    yield s(np.int64([7]), dtype="float32", error="InvalidArgumentError")
