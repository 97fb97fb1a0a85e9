"""Scattering: updates put into, or combined with, the slices of a tensor at given coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX, NUMBER
from tideflow._src.ops.array.gathering import check_policy, gather_nd_op
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.row_sums import add_rows, sum_rows
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.dimensions import merge
from tideflow._src.runtime.checks import require, vector
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_INDEX_TYPES = ("int16", "int32", "int64")


def _check(target: tuple[int, ...], indices: Any, updates: Any) -> int:
    """Checks that indices and updates fit the tensor; returns the number of coordinates in an index."""
    if not indices.shape:
        raise invalid_argument(f"Indices shape must have rank at least one. Found:{list(indices.shape)}")
    depth, lead = indices.shape[-1], tuple(indices.shape[:-1])
    count = len(lead)
    if not updates.shape and (count or target[depth:]):
        raise invalid_argument(f"Updates shape must have rank at least one. Found:{list(updates.shape)}")
    if depth > len(target) or tuple(updates.shape) != (*lead, *target[depth:]):
        raise invalid_argument(
            f"Dimensions [0,{count}) of indices[shape={shape_text(indices.shape)}] must match dimensions "
            f"[0,{count}) of updates[shape={shape_text(updates.shape)}], and dimensions [{depth},{len(target)}) of "
            f"input[shape={shape_text(target)}] the rest"
        )
    if 0 in target and 0 not in indices.shape[:-1] and 0 not in updates.shape:
        raise invalid_argument(
            f"Indices and updates specified for empty output.  indices shape: {shape_text(indices.shape)}"
        )
    return depth  # type: ignore[no-any-return]


def _rows(target: tuple[int, ...], indices: Any, updates: Any, policy: str) -> tuple[Any, Any]:
    """Returns the row of each update in the tensor reshaped to ``[rows, ...]``, and the updates as rows."""
    check_policy(policy)
    depth = _check(target, indices, updates)
    extents = np.array(target[:depth], np.int64)
    flat = indices.reshape((-1, depth)) if depth else np.zeros((updates.size and 1, 0), np.int64)
    if not depth:
        flat = np.zeros((int(np.prod(indices.shape[:-1], dtype=np.int64)), 0), np.int64)
    bad = ((flat < 0) | (flat >= extents)).any(1)
    pieces = updates.reshape((len(flat), *target[depth:]))
    if bad.any():
        if policy != "IGNORE":
            place = int(np.argmax(bad))
            lead = np.unravel_index(place, indices.shape[:-1]) if len(indices.shape) > 1 else ()
            where = f"indices[{','.join(map(str, lead))}]" if len(lead) else "indices"
            raise invalid_argument(f"{where} = {flat[place].tolist()} does not index into shape {shape_text(target)}")
        flat, pieces = flat[~bad], pieces[~bad]
    rows = np.zeros(len(flat), np.int64)
    for column, extent in zip(flat.T, extents.tolist(), strict=True):
        rows = rows * extent + column
    return rows, pieces


def _combine(target: Any, rows: Any, pieces: Any, how: str) -> Any:
    """Changes a fresh array in place at the given rows; repeated rows take every update, in order."""
    depth = target.ndim - (pieces.ndim - 1)
    count = int(np.prod(target.shape[:depth], dtype=np.int64))
    flat = target.reshape((count, *target.shape[depth:]))
    if how == "update":
        flat[rows] = pieces
    elif target.dtype == bool:
        if how == "add":
            np.logical_or.at(flat, rows, pieces)
        else:
            flat[rows] = pieces
    elif how == "add" and target.dtype != object:
        add_rows(flat, rows, pieces)
    else:
        _UFUNCS[how].at(flat, rows, _without_nan(np, pieces, how))
    return target


_UFUNCS = {"add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum}


def _without_nan(xp: Any, updates: Any, how: str) -> Any:
    """Returns updates in which not-a-number never becomes an extremum, as in TensorFlow."""
    if how not in ("max", "min") or np.dtype(updates.dtype).kind in "iub":
        return updates
    least = np.array(-np.inf if how == "max" else np.inf, updates.dtype)
    return xp.where(xp.isnan(updates), least, updates)


def _combine_xla(target: Any, indices: Any, updates: Any, how: str, policy: str) -> Any:
    check_policy(policy)
    shape = tuple(target.shape)
    depth = _check(shape, indices, updates)
    if 0 in updates.shape:
        return target
    if not depth:
        lead = tuple(range(len(indices.shape) - 1))
        rows = jnp.zeros(indices.shape[:-1], jnp.int32)
        del lead
        return _at(target[None], (rows,), updates, how)[0]
    extents = np.array(shape[:depth], np.int64)
    good = jnp.all((indices >= 0) & (indices < extents), -1)
    if policy != "IGNORE":
        require(jnp.all(good), f"some indices do not index into shape {shape_text(shape)}")
    # An index beyond the end is dropped; a negative one would count from the end.
    safe = jnp.where(good[..., None], indices, np.asarray(extents, indices.dtype))
    return _at(target, tuple(safe[..., place] for place in range(depth)), updates, how)


def _at(target: Any, index: Any, updates: Any, how: str) -> Any:
    view = target.at[index]
    updates = _without_nan(jnp, updates, how)
    if how == "update":
        return view.set(updates, mode="drop")
    if how == "add" and target.dtype == bool:
        return view.max(updates, mode="drop")
    if how == "sub":
        return view.add(jnp.negative(updates), mode="drop")
    return getattr(view, how)(updates, mode="drop")


def _merge_updates(indices: Any, updates: Any, target: Any) -> None:
    """Raises a ValueError if the static shapes of indices, updates and tensor do not fit together."""
    if indices is not None and not indices:
        raise ValueError("Indices shape must have rank at least one. Found:[]")
    if indices is None or updates is None or indices[-1] is None:
        return
    depth, lead = indices[-1], len(indices) - 1
    try:
        merge(indices[:-1], updates[:lead])
    except ValueError:
        raise ValueError(
            f"Dimensions [0,{lead}) of indices[shape={shape_text(indices)}] must match dimensions [0,{lead}) of "
            f"updates[shape={shape_text(updates)}]"
        ) from None
    if target is None:
        return
    try:
        if depth > len(target):
            raise ValueError
        merge(target[depth:], updates[lead:])
    except ValueError:
        raise ValueError(
            f"Dimensions [{depth},{len(target)}) of input[shape={shape_text(target)}] must match dimensions "
            f"[{lead},{len(updates)}) of updates[shape={shape_text(updates)}]"
        ) from None


# ScatterNd.


@op(
    "ScatterNd",
    "indices: Tindices, updates: T, shape: static Tindices -> output: T",
    Tindices=_INDEX_TYPES,
)
def scatter_nd_op(xp, indices, updates, shape, *, bad_indices_policy: str = ""):
    """Makes a tensor of zeros of ``shape`` and adds updates to its slices at the given coordinates."""
    sizes = tuple(vector(shape, "shape").tolist())
    if any(item < 0 for item in sizes):
        raise invalid_argument(f"Shapes must be at least 0 in every dimension, got {list(sizes)}")
    if xp is not np:
        return _combine_xla(xp.zeros(sizes, updates.dtype), indices, updates, "add", bad_indices_policy)
    rows, pieces = _rows(sizes, indices, updates, bad_indices_policy)
    if updates.dtype.kind in "fciu" and 0 not in sizes:
        count = int(np.prod(sizes[: len(sizes) - (pieces.ndim - 1)], dtype=np.int64))
        return sum_rows(rows, pieces, count).reshape(sizes)
    target = np.full(sizes, b"", object) if updates.dtype == object else np.zeros(sizes, updates.dtype)
    return _combine(target, rows, pieces, "add")


@scatter_nd_op.shape
def _scatter_nd_shape(indices, updates, shape):
    sizes = shape.integers()
    if shape.shape is not None and len(shape.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(shape.shape)}")
    result = None if sizes is None else tuple(None if item == -1 else item for item in sizes)
    _merge_updates(indices, updates, result)
    return result


@scatter_nd_op.gradient
def _scatter_nd_gradient(call, dy):
    policy = call.attr("bad_indices_policy")
    return None, gather_nd_op(dy, call.inputs[0], bad_indices_policy=policy), None


@scatter_nd_op.samples
def _scatter_nd_samples(s):
    for dtype in s.dtypes("T"):
        yield s([[0], [2], [0]], s.array((3, 2), dtype), [4, 2])
    for dtype in ("int32", "int64"):
        kind = np.dtype(dtype).type
        yield s(np.array([[0, 1], [1, 0]], kind), s.normal(2), np.array([2, 2], kind))
    yield s([[[0], [1]], [[1], [1]]], s.normal(2, 2, 3), [2, 3])
    yield s(np.zeros([0, 1], np.int32), s.empty(0), [3])
    yield s([[5], [1]], [1.0, 2.0], [3], bad_indices_policy="IGNORE", gradient=False)
    yield s([[5]], [1.0], [3], error="InvalidArgumentError")
    yield s([[0]], [1.0], [3, 2], error="InvalidArgumentError")
    yield s([[0], [1]], [1.0], [3], error="InvalidArgumentError")
    yield s([[-1]], [1.0], [3], error="InvalidArgumentError")


# Tensors changed at coordinates.


def _changed(xp: Any, tensor: Any, indices: Any, updates: Any, policy: str, how: str) -> Any:
    if xp is not np:
        return _combine_xla(xp.asarray(tensor), indices, updates, how, policy)
    if not tensor.shape:
        raise invalid_argument(f"Tensor must be at least 1-D, got shape {list(tensor.shape)}")
    rows, pieces = _rows(tensor.shape, indices, updates, policy)
    return _combine(np.array(tensor), rows, pieces, how)


def _changed_shape(tensor: Any, indices: Any, updates: Any) -> Any:
    _merge_updates(indices, updates, tensor)
    return tensor


def _changed_samples(s: Any, names: Any = None) -> Any:
    for dtype in s.dtypes("T"):
        if names is None or dtype.name in names:
            yield s(s.array((4, 2), dtype), [[0], [2]], s.array((2, 2), dtype))
    for dtype in s.dtypes("Tindices"):
        if dtype.name != "uint16":
            yield s(s.normal(2, 2), np.array([[0, 1], [1, 0]], dtype.as_numpy_dtype), s.normal(2))
    yield s(s.normal(3, 2), [[[0], [1]]], s.normal(1, 2, 2))
    yield s(s.normal(3), np.zeros([0, 1], np.int32), s.empty(0))
    yield s(s.normal(3), [[5], [1]], [1.0, 2.0], bad_indices_policy="IGNORE", gradient=False)
    yield s(s.normal(2, 3), [[0]], s.normal(1, 2), error="InvalidArgumentError")
    yield s(s.normal(2, 3), [[5]], s.normal(1, 3), error="InvalidArgumentError")


_SUMMED = (
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
)
_ORDERED = tuple(name for name in _SUMMED if not name.startswith("complex"))


@op(
    "TensorScatterUpdate",
    "tensor: T, indices: Tindices, updates: T -> output: T",
    Tindices=("int16", "int32", "int64", "uint16"),
)
def tensor_scatter_update(xp, tensor, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``tensor`` with updates in place of its slices at the given coordinates."""
    return _changed(xp, tensor, indices, updates, bad_indices_policy, "update")


@tensor_scatter_update.gradient
def _tensor_scatter_update_gradient(call, dy):
    _, indices, updates = call.inputs
    policy = call.attr("bad_indices_policy")
    if indices.dtype.name == "uint16":
        indices = raw.Cast(indices, DstT=dtypes.int32)
    kept = tensor_scatter_update(dy, indices, raw.ZerosLike(updates), bad_indices_policy=policy)
    return kept, None, gather_nd_op(dy, indices, bad_indices_policy=policy)


@tensor_scatter_update.samples
def _tensor_scatter_update_samples(s):
    yield from _changed_samples(s)
    yield s(s.normal(2, 3), [[0], [0]], s.normal(2, 3), gradient=False)


@op("TensorScatterAdd", "tensor: T, indices: Tindices, updates: T -> output: T", Tindices=INDEX)
def tensor_scatter_add(xp, tensor, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``tensor`` with updates added to its slices at the given coordinates."""
    return _changed(xp, tensor, indices, updates, bad_indices_policy, "add")


def _add_gradient(call: Any, dy: Any) -> Any:
    policy = call.attr("bad_indices_policy")
    return identity(dy), None, gather_nd_op(dy, call.inputs[1], bad_indices_policy=policy)


tensor_scatter_add.gradient(_add_gradient)


@tensor_scatter_add.samples
def _tensor_scatter_add_samples(s):
    yield from _changed_samples(s, _SUMMED)
    yield s(s.normal(2, 3), [[0], [0]], s.normal(2, 3))


@op("TensorScatterSub", "tensor: T, indices: Tindices, updates: T -> output: T", Tindices=INDEX)
def tensor_scatter_sub(xp, tensor, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``tensor`` with updates subtracted from its slices at the given coordinates."""
    return _changed(xp, tensor, indices, updates, bad_indices_policy, "sub")


@tensor_scatter_sub.gradient
def _tensor_scatter_sub_gradient(call, dy):
    policy = call.attr("bad_indices_policy")
    return identity(dy), None, -gather_nd_op(dy, call.inputs[1], bad_indices_policy=policy)


@tensor_scatter_sub.samples
def _tensor_scatter_sub_samples(s):
    yield from _changed_samples(s, _SUMMED)
    yield s(s.normal(2, 3), [[0], [0]], s.normal(2, 3))


@op("TensorScatterMax", "tensor: T, indices: Tindices, updates: T -> output: T", Tindices=INDEX)
def tensor_scatter_max(xp, tensor, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``tensor`` with the maxima of its slices at the given coordinates and the updates."""
    return _changed(xp, tensor, indices, updates, bad_indices_policy, "max")


def _extremum_gradient(call: Any, dy: Any) -> Any:
    """Divides the gradient of an extremum evenly among all elements that reach it."""
    tensor, indices, updates = call.inputs
    output = call.outputs[0]
    policy = call.attr("bad_indices_policy")
    reaches = raw.Cast(raw.Equal(tensor, output), DstT=dy.dtype)
    taken = gather_nd_op(output, indices, bad_indices_policy=policy)
    updates_reach = raw.Cast(raw.Equal(updates, taken), DstT=dy.dtype)
    sizes = shape(tensor, indices.dtype)
    count = reaches + scatter_nd_op(indices, updates_reach, sizes, bad_indices_policy=policy)
    tensor_gradient = dy * reaches / count
    shared = gather_nd_op(dy / count, indices, bad_indices_policy=policy)
    return tensor_gradient, None, shared * updates_reach


tensor_scatter_max.gradient(_extremum_gradient)


@tensor_scatter_max.samples
def _tensor_scatter_max_samples(s):
    yield from _changed_samples(s, _ORDERED)


@op("TensorScatterMin", "tensor: T, indices: Tindices, updates: T -> output: T", Tindices=INDEX)
def tensor_scatter_min(xp, tensor, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``tensor`` with the minima of its slices at the given coordinates and the updates."""
    return _changed(xp, tensor, indices, updates, bad_indices_policy, "min")


tensor_scatter_min.gradient(_extremum_gradient)


@tensor_scatter_min.samples
def _tensor_scatter_min_samples(s):
    yield from _changed_samples(s, _ORDERED)


@op(
    "ScatterNdNonAliasingAdd",
    "input: T, indices: Tindices, updates: T -> output: T",
    T=(*NUMBER, "bool"),
    Tindices=INDEX,
)
def scatter_nd_non_aliasing_add(xp, input, indices, updates, *, bad_indices_policy: str = ""):
    """Gives ``input`` with updates added to its slices at the given coordinates."""
    return _changed(xp, input, indices, updates, bad_indices_policy, "add")


scatter_nd_non_aliasing_add.gradient(_add_gradient)


@scatter_nd_non_aliasing_add.samples
def _scatter_nd_non_aliasing_add_samples(s):
    yield from _changed_samples(s, _SUMMED)


for _operation in (
    tensor_scatter_update,
    tensor_scatter_add,
    tensor_scatter_sub,
    tensor_scatter_max,
    tensor_scatter_min,
):
    _operation.shape(_changed_shape)


@scatter_nd_non_aliasing_add.shape
def _scatter_nd_non_aliasing_add_shape(input, indices, updates):
    return _changed_shape(input, indices, updates)


# Public functions.


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """Returns ``tensor`` with updates in place of its slices at the given coordinates.

    Args:
      tensor: the tensor, which stays as it is.
      indices: integer coordinates in the last dimension: ``[..., k]``.
      updates: a slice for each index: shape ``indices.shape[:-1] + tensor.shape[k:]``.
      name: the node's name.
    """
    return tensor_scatter_update(tensor, indices, updates, name=name)


def _public(operation: Any, function_name: str) -> Any:
    def function(tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None) -> Any:
        return operation(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)

    function.__name__ = function.__qualname__ = function_name
    function.__doc__ = operation.kernel.__doc__
    return function


tensor_scatter_nd_add = _public(tensor_scatter_add, "tensor_scatter_nd_add")
tensor_scatter_nd_sub = _public(tensor_scatter_sub, "tensor_scatter_nd_sub")
tensor_scatter_nd_max = _public(tensor_scatter_max, "tensor_scatter_nd_max")
tensor_scatter_nd_min = _public(tensor_scatter_min, "tensor_scatter_nd_min")


def scatter_nd(indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None) -> Any:
    """Makes a tensor of zeros and adds updates to its slices at given coordinates.

    Args:
      indices: integer coordinates in the last dimension: ``[..., k]``.
      updates: a slice for each index: shape ``indices.shape[:-1] + shape[k:]``.
      shape: the shape of the result.
      bad_indices_policy: ``"IGNORE"`` drops coordinates that are out of range, which is else an error.
      name: the node's name.
    """
    return scatter_nd_op(indices, updates, shape, bad_indices_policy=bad_indices_policy, name=name)
