"""Takes apart what functions, branches and loops take and return: nested structures of tensors, arrays, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.ops.control.tensor_array import TensorArray, with_new_flow
from tideflow._src.runtime.convert import convert_to_tensor


def components(leaf: Any) -> list[Any]:
    """Returns the tensors that a leaf of a structure consists of: a tensor, or what is made of several."""
    if isinstance(leaf, TensorArray):
        return [leaf.flow]
    if isinstance(leaf, IndexedSlices):
        return [leaf.values, leaf.indices] + ([] if leaf.dense_shape is None else [leaf.dense_shape])
    if is_composite(leaf):
        return nest.flatten(leaf, expand_composites=True)
    return [leaf]


def is_composite(leaf: Any) -> bool:
    """Tells whether a value is made of several tensors, as a sparse tensor is."""
    return hasattr(type(leaf), "_type_spec") and not hasattr(leaf, "_dense_var_to_tensor")


def converted(leaf: Any) -> Any:
    """Returns a leaf as a tensor, or itself where it is made of tensors."""
    if isinstance(leaf, TensorArray | IndexedSlices) or is_composite(leaf):
        return leaf
    return convert_to_tensor(leaf)


def flatten(structure: Any) -> list[Any]:
    """Returns all tensors of a structure, in order."""
    return [tensor for leaf in nest.flatten(structure) for tensor in components(leaf)]


def pack(structure: Any, tensors: Iterable[Any]) -> Any:
    """Returns a structure like another, of other tensors; a spec stands for a value that is made of several."""
    remaining = iter(tensors)
    return map_leaves(lambda leaf: _rebuilt(leaf, remaining), structure)


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Returns a structure with ``function`` applied to each of its leaves; an array or sparse tensor is one leaf."""
    if not nest.is_nested(structure):
        return function(structure)
    return nest.pack_sequence_as(structure, [function(leaf) for leaf in nest.flatten(structure)])


def _rebuilt(leaf: Any, tensors: Iterator[Any]) -> Any:
    if leaf is None:
        return None
    if isinstance(leaf, TensorArray):
        return with_new_flow(leaf, next(tensors))
    if isinstance(leaf, IndexedSlices):
        return IndexedSlices(*[next(tensors) for _ in components(leaf)])
    if is_composite(leaf) or isinstance(leaf, TypeSpec):
        count = len(nest.flatten(leaf, expand_composites=True))
        return nest.pack_sequence_as(leaf, [next(tensors) for _ in range(count)], expand_composites=True)
    return next(tensors)


def map_tensors(function: Callable[[Any], Any], structure: Any) -> Any:
    """Returns a structure with ``function`` applied to every tensor in it, also to those of arrays and slices."""

    def change(leaf: Any) -> Any:
        if isinstance(leaf, TensorArray | IndexedSlices) or is_composite(leaf):
            return _rebuilt(leaf, iter([function(tensor) for tensor in components(leaf)]))
        return function(leaf)

    return map_leaves(change, structure)
