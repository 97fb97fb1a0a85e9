"""Maps from tensors to tensors, as values of dtype ``variant``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.variant_array import Variant
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.op import op


class TensorMap(Variant):
    """Is an immutable map: each change makes another one."""

    __slots__ = ("items",)

    def __init__(self, items: dict[Any, tuple[Any, Any]]) -> None:
        self.items = items

    def zeros_like(self) -> TensorMap:
        """Returns a map of the same keys to zeros."""
        return TensorMap({identity: (key, np.zeros_like(value)) for identity, (key, value) in self.items.items()})

    def __repr__(self) -> str:
        return "<TensorMap>"


def _identity(key: Any) -> Any:
    """Returns what tells keys apart: dtype, shape and elements."""
    array = np.asarray(key)
    content = tuple(array.reshape(-1).tolist()) if array.dtype == object else array.tobytes()
    return array.dtype.str, array.shape, content


def _items(handle: Any) -> dict[Any, tuple[Any, Any]]:
    if not isinstance(handle, TensorMap):
        raise InvalidArgumentError(None, None, f"The input is not a map of tensors, but {type(handle).__name__}.")
    return handle.items


def _found(handle: Any, key: Any, purpose: str) -> Any:
    try:
        return _items(handle)[_identity(key)][1]
    except KeyError:
        raise InvalidArgumentError(None, None, f"Trying to {purpose} non-existent key: {key}.") from None


@op("EmptyTensorMap", "-> handle: variant", tier="host", differentiable=False)
def empty_tensor_map():
    """Makes an empty map."""
    return TensorMap({})


@op(
    "TensorMapInsert",
    "input_handle: variant, key: key_dtype, value: value_dtype -> output_handle: variant",
    tier="host",
    differentiable="missing",
)
def tensor_map_insert(input_handle, key, value):
    """Returns the map with a value for a key."""
    return TensorMap({**_items(input_handle), _identity(key): (key, value)})


@op(
    "TensorMapLookup",
    "input_handle: variant, key: key_dtype -> value: value_dtype",
    tier="host",
    differentiable="missing",
)
def tensor_map_lookup(input_handle, key, *, value_dtype: DType):
    """Returns the value of a key."""
    value = _found(input_handle, key, "lookup")
    if value.dtype is not dtypes.variant and dtypes.of_numpy[value.dtype] is not value_dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"The value of the key is of type {dtypes.of_numpy[value.dtype].name}, not {value_dtype.name}.",
        )
    return value


@op(
    "TensorMapErase",
    "input_handle: variant, key: key_dtype -> output_handle: variant",
    tier="host",
    differentiable="missing",
)
def tensor_map_erase(input_handle, key, *, value_dtype: DType):
    """Returns the map without a key."""
    _found(input_handle, key, "erase")
    items = dict(_items(input_handle))
    del items[_identity(key)]
    return TensorMap(items)


@op("TensorMapHasKey", "input_handle: variant, key: key_dtype -> has_key: bool", tier="host", differentiable=False)
def tensor_map_has_key(input_handle, key):
    """Tells whether a map has a key."""
    return np.bool_(_identity(key) in _items(input_handle))


@op("TensorMapSize", "input_handle: variant -> size: int32", tier="host", differentiable=False)
def tensor_map_size(input_handle):
    """Tells how many keys a map has."""
    return np.int32(len(_items(input_handle)))


@op("TensorMapStackKeys", "input_handle: variant -> keys: key_dtype", tier="host", differentiable=False)
def tensor_map_stack_keys(input_handle, *, key_dtype: DType):
    """Stacks the keys of a map."""
    keys = [key for key, _ in _items(input_handle).values()]
    if not keys:
        raise InvalidArgumentError(None, None, "TensorMapStackKeys cannot be called on an empty map.")
    if any(np.shape(key) != np.shape(keys[0]) or dtypes.of_numpy[key.dtype] is not key_dtype for key in keys):
        raise InvalidArgumentError(
            None, None, f"The keys of the map are not all of type {key_dtype.name} and one shape."
        )
    return np.stack([np.asarray(key) for key in keys])


for _name in ("EmptyTensorMap", "TensorMapInsert", "TensorMapErase", "TensorMapHasKey", "TensorMapSize"):

    @OpDef.registry[_name].shape
    def _scalar_shape(*inputs):
        return ()


for _name in ("TensorMapLookup", "TensorMapStackKeys"):

    @OpDef.registry[_name].shape
    def _unknown_shape(*inputs):
        return None


# Samples.


def _of_two(s: Any) -> Any:
    one = s.produced("TensorMapInsert", s.produced("EmptyTensorMap"), np.float32(1), np.float32([1, 2]))
    return s.produced("TensorMapInsert", one, np.float32(2), np.float32([3, 4]))


@empty_tensor_map.samples
def _empty_samples(s):
    yield s()


@tensor_map_insert.samples
def _insert_samples(s):
    yield s(s.produced("EmptyTensorMap"), "key", s.normal(2))
    yield s(_of_two(s), np.float32(1), s.normal(3))


@tensor_map_lookup.samples
def _lookup_samples(s):
    yield s(_of_two(s), np.float32(2), value_dtype="float32")
    yield s(_of_two(s), np.float32(3), value_dtype="float32", error="InvalidArgumentError")
    yield s(_of_two(s), np.float32(2), value_dtype="int32", error="InvalidArgumentError")


@tensor_map_erase.samples
def _erase_samples(s):
    yield s(_of_two(s), np.float32(2), value_dtype="float32")
    yield s(_of_two(s), np.float32(3), value_dtype="float32", error="InvalidArgumentError")


@tensor_map_has_key.samples
def _has_key_samples(s):
    yield s(_of_two(s), np.float32(2))
    yield s(_of_two(s), np.float32(3))


@tensor_map_size.samples
def _size_samples(s):
    yield s(_of_two(s))


@tensor_map_stack_keys.samples
def _stack_keys_samples(s):
    yield s(_of_two(s), key_dtype="float32")
    yield s(_of_two(s), key_dtype="int32", error="InvalidArgumentError")
    yield s(s.produced("EmptyTensorMap"), key_dtype="int32", error="InvalidArgumentError")
