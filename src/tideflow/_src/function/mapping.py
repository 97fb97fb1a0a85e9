"""``map_fn``, ``scan``, ``foldl`` and ``foldr``: functions applied along the first dimension, with ``while_loop``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, nest
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import BatchableTypeSpec, TypeSpec, type_spec_from_value
from tideflow._src.function import structures
from tideflow._src.function.loops import while_loop
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array.slicing import entry
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.ops.scopes import graph_scope
from tideflow._src.runtime.convert import convert_to_tensor


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """Applies ``fn`` to each slice of ``elems`` along the first dimension, and stacks what it returns.

    Args:
      fn: takes one slice, or a structure of them like ``elems``, and returns a structure of tensors.
      elems: a tensor or structure of tensors whose first dimensions are equal; also ragged and sparse tensors and other
        values with a ``BatchableTypeSpec``, whose slices ``fn`` then takes.
      dtype: the dtypes of what ``fn`` returns; ``fn_output_signature`` is its newer name.
      parallel_iterations: kept for TensorFlow's signature.
      back_prop: whether gradients flow.
      swap_memory: kept for TensorFlow's signature.
      infer_shape: whether all results have one shape.
      name: the name scope.
      fn_output_signature: the dtypes or specs of what ``fn`` returns, in its structure; that of ``elems`` by default.
        With the spec of a ragged or sparse tensor, or of another batchable type, results are stacked to one.

    Raises:
      TypeError: ``fn`` is not callable, or returns another structure or other dtypes than said.
      ValueError: ``elems`` are scalars, empty, or of different lengths.
    """
    _check_callable(fn)
    if fn_output_signature is None:
        fn_output_signature = dtype
    with graph_scope(name, "map"):
        inputs = _Elements(elems)
        signature = inputs.signature() if fn_output_signature is None else fn_output_signature
        specs: list[Any] = [
            item if isinstance(item, TypeSpec) else TensorSpec(None, item) for item in nest.flatten(signature)
        ]
        for spec in specs:
            if not isinstance(spec, BatchableTypeSpec):
                raise TypeError(f"map_fn can not generate {spec} outputs")
        arrays = tuple(
            TensorArray(
                spec.dtype, inputs.count, dynamic_size=False, infer_shape=infer_shape,
                element_shape=spec.shape,
            )
            for item in specs for spec in item._flat_tensor_specs
        )  # fmt: skip

        def body(index: Any, arrays: Any) -> Any:
            result = fn(inputs.at(index))
            nest.assert_same_structure(signature, result)
            parts = [
                part for spec, value in zip(specs, nest.flatten(result), strict=True) for part in _written(spec, value)
            ]
            return index + 1, tuple([array.write(index, part) for array, part in zip(arrays, parts, strict=True)])

        _, arrays = while_loop(
            lambda index, _: index < inputs.count, body, (convert_to_tensor(0), arrays),
            parallel_iterations=parallel_iterations or 10, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=inputs.count,
        )  # fmt: skip
        stacked = iter([_stacked(array, inputs.length) for array in arrays])
        results = [
            spec._batch(inputs.length)._from_compatible_tensor_list([next(stacked) for _ in spec._flat_tensor_specs])
            for spec in specs
        ]
        packed = nest.pack_sequence_as(signature, results) if nest.is_nested(signature) else results[0]
        return _maybe_stopped(packed, back_prop)


def _written(spec: Any, value: Any) -> list[Any]:
    """Returns the tensors that a result of a mapped function is stored as.

    Raises:
      ValueError: it is of another kind than the signature says.
    """
    if isinstance(spec, TensorSpec):
        return [_cast_like(value, spec.dtype)]
    if not spec.is_compatible_with(value):
        raise ValueError(
            f"Error in map_fn:\n  Expected `fn` to return a:\n    {spec}\n  But it returned a:\n    "
            f"{type_spec_from_value(value)}\n    (value={value})\n  To fix, update the `fn_output_signature` (or "
            f"`dtype`) "
            "argument to `map_fn`."
        )
    return list(spec._to_tensor_list(value))


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"The provided function {getattr(fn, '__name__', fn)} is not callable.fn must be callable.")


def _check_types(before: list[Any], after: list[Any]) -> None:
    """Checks that a turn of a loop gives its variables the types that they had."""
    for old, new in zip(before, after, strict=True):
        if old.dtype.base_dtype is not new.dtype.base_dtype:
            raise TypeError(
                f"Loop variable {old.name} enters the loop with type {old.dtype.base_dtype.name} but has type "
                f"{new.dtype.base_dtype.name} after one iteration."
            )


def _cast_like(value: Any, dtype: Any) -> Any:
    tensor = convert_to_tensor(value, dtype_hint=dtype)
    if tensor.dtype.base_dtype is not dtype.base_dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"TensorArray dtype is {dtype.base_dtype.name} but Op is trying to write dtype "
            f"{tensor.dtype.base_dtype.name}: the mapped function returns another type than its signature says. Give "
            "the type with `fn_output_signature`.",
        )
    return tensor


def _stacked(array: TensorArray, length: int | None) -> Any:
    result = array.stack()
    if length is not None and hasattr(result, "_op") and result.shape.rank is not None:
        result.set_shape(TensorShape([length]).concatenate(result.shape[1:]))
    return result


def _maybe_stopped(results: Any, back_prop: bool) -> Any:
    if back_prop:
        return results
    registry: Any = OpDef.registry
    return structures.map_tensors(lambda item: registry["StopGradient"](item), results)


class _Elements:
    """Is the tensors that a function goes through along their first dimension.

    Attributes:
      structure: the tensors, in the structure that they were given in.
      length: how many slices there are, if that is known; ``count``: the same as an integer or a tensor.
    """

    def __init__(self, elems: Any, dense: bool = False) -> None:
        flat = nest.flatten(elems)
        if not flat:
            raise ValueError("elems must be a Tensor or (possibly nested) sequence of Tensors. Got none.")
        self._items = [
            item if _is_composite(item) and not dense else convert_to_tensor(item, name="elem") for item in flat
        ]
        self.structure = nest.pack_sequence_as(elems, self._items) if nest.is_nested(elems) else self._items[0]
        self._specs = [type_spec_from_value(item) for item in self._items]
        tensors: list[Any] = []
        length: Any = TensorShape([None])
        for item, spec in zip(self._items, self._specs, strict=True):
            if not isinstance(spec, BatchableTypeSpec):
                raise TypeError(f"map_fn can not consume {spec} inputs: got {item!r}")
            shape = getattr(item, "shape", None)
            if isinstance(shape, TensorShape) and shape.rank == 0:
                raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
            tensors += [item] if isinstance(spec, TensorSpec) else spec._to_batched_tensor_list(item)
        for tensor in tensors:
            if tensor.shape.rank is not None:
                length = length.merge_with(tensor.shape[:1])
        self.length: int | None = length.as_list()[0]
        registry: Any = OpDef.registry
        self.count: Any = self.length
        if self.length is None:
            shape = registry["Shape"](tensors[0])
            self.count = entry(shape, 0)
        self._rows = [spec._unbatch() for spec in self._specs]
        self._arrays = [
            TensorArray(
                tensor.dtype.base_dtype, self.count, dynamic_size=False, infer_shape=True, clear_after_read=False
            ).unstack(tensor)
            for tensor in tensors
        ]

    def at(self, index: Any) -> Any:
        """Returns the slices at an index, in the structure of the elements."""
        parts = iter([array.read(index) for array in self._arrays])
        return self._pack(
            [spec._from_compatible_tensor_list([next(parts) for _ in spec._flat_tensor_specs]) for spec in self._rows]
        )

    def _pack(self, flat: list[Any]) -> Any:
        return nest.pack_sequence_as(self.structure, flat) if nest.is_nested(self.structure) else flat[0]

    def signature(self) -> Any:
        """Returns the dtypes of slices, or specs where a slice is no tensor, in the structure of the elements."""
        return self._pack([_general_spec(item)._unbatch() for item in self._items])


def _is_composite(item: Any) -> bool:
    return structures.is_composite(item) or isinstance(item, IndexedSlices)


def _general_spec(item: Any) -> Any:
    """Returns the spec of elements without their shape, which results need not share."""
    if isinstance(item, Tensor):
        return TensorSpec(None, item.dtype.base_dtype)
    try:
        return item._shape_invariant_to_type_spec(TensorShape(None))
    except NotImplementedError:
        return type_spec_from_value(item)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combines the slices of ``elems`` along the first dimension, from the first to the last.

    Args:
      fn: takes what has been combined so far and the next slice, and returns both combined.
      elems: a tensor or structure of tensors whose first dimensions are equal.
      initializer: what to begin with; the first slice by default.
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      back_prop: whether gradients flow.
      name: the name scope.

    Raises:
      TypeError: ``fn`` is not callable.
    """
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, "foldl", reverse=False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combines the slices of ``elems`` along the first dimension, from the last to the first; see ``foldl``."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, "foldr", reverse=True)


def _fold(
    fn: Any, elems: Any, initializer: Any, parallel_iterations: int, back_prop: bool, swap_memory: bool,
    name: str | None, default_name: str, *, reverse: bool,
) -> Any:  # fmt: skip
    _check_callable(fn)
    with graph_scope(name, default_name):
        inputs = _Elements(elems, dense=True)
        first, last, step = _range(inputs, initializer is None, reverse)
        if initializer is None:
            start = inputs.at(inputs.count - 1 if reverse else 0)
        else:
            start = structures.map_leaves(convert_to_tensor, initializer)
        _, result = while_loop(
            lambda index, _: index > last if reverse else index < last,
            lambda index, value: (index + step, fn(value, inputs.at(index))),
            (convert_to_tensor(first), start),
            parallel_iterations=parallel_iterations, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=inputs.count,
        )  # fmt: skip
        return _maybe_stopped(result, back_prop)


def _range(inputs: _Elements, skip_first: bool, reverse: bool) -> tuple[Any, Any, int]:
    """Returns where a loop begins, the index behind its last one, and its step."""
    skipped = int(skip_first)
    if reverse:
        return inputs.count - 1 - skipped, np.int32(-1), -1
    return np.int32(skipped), inputs.count, 1


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Combines the slices of ``elems`` as ``foldl`` does, and returns every intermediate result, stacked.

    Args:
      fn: takes the result so far and the next slice, and returns the next result, of the structure of the first.
      elems: a tensor or structure of tensors whose first dimensions are equal.
      initializer: the result to begin with; the first slice by default.
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      back_prop: whether gradients flow.
      infer_shape: whether all results have one shape.
      reverse: whether to go from the last slice to the first.
      name: the name scope.

    Raises:
      TypeError: ``fn`` is not callable.
      ValueError: ``fn`` returns another structure than the first result has.
    """
    _check_callable(fn)
    with graph_scope(name, "scan"):
        inputs = _Elements(elems, dense=True)
        first, last, step = _range(inputs, initializer is None, reverse)
        if initializer is None:
            start = inputs.at(inputs.count - 1 if reverse else 0)
        else:
            start = structures.map_leaves(convert_to_tensor, initializer)
        flat = nest.flatten(start)
        arrays = tuple(
            TensorArray(
                item.dtype.base_dtype, inputs.count, dynamic_size=False, infer_shape=infer_shape,
                element_shape=item.shape if infer_shape else None, clear_after_read=False,
            )
            for item in flat
        )  # fmt: skip
        if initializer is None:
            place = inputs.count - 1 if reverse else 0
            arrays = tuple(array.write(place, item) for array, item in zip(arrays, flat, strict=True))

        def body(index: Any, value: Any, arrays: Any) -> Any:
            value = fn(value, inputs.at(index))
            nest.assert_same_structure(start, value)
            value = structures.map_leaves(convert_to_tensor, value)
            if not context.executing_eagerly():
                _check_types(flat, nest.flatten(value))
            written = [array.write(index, item) for array, item in zip(arrays, nest.flatten(value), strict=True)]
            return index + step, value, tuple(written)

        _, _, arrays = while_loop(
            lambda index, value, arrays: index > last if reverse else index < last,
            body,
            (convert_to_tensor(first), start, arrays),
            parallel_iterations=parallel_iterations, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=inputs.count,
        )  # fmt: skip
        results = [_stacked(array, inputs.length) for array in arrays]
        return _maybe_stopped(nest.pack_sequence_as(start, results) if nest.is_nested(start) else results[0], back_prop)
