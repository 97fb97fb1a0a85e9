"""Gathering: the slices of a tensor at given positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.static_value import static_value
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import expand_dims, rank, reshape, shape, size
from tideflow._src.ops.dimensions import merge
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

#: From this number of indices on they are checked before, not by NumPy.
_MANY = 4096
#: The least of all, without what ``min`` does besides.
_LOWEST = np.minimum.reduce

_INDEX_TYPES = ("int16", "int32", "int64")


def check_range(indices: Any, extent: int) -> None:
    """Raises an InvalidArgumentError that names the first index which is not in ``[0, extent)``."""
    if not indices.size:
        return
    if int(indices.min()) < 0 or int(indices.max()) >= extent:
        place = np.argwhere((indices < 0) | (indices >= extent))[0]
        where = f"indices[{','.join(map(str, place))}]" if len(place) else "indices"
        raise invalid_argument(f"{where} = {indices[tuple(place)]} is not in [0, {extent})")


def _batch_gather(xp: Any, params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    """Gathers along ``axis``; the leading ``batch_dims`` dimensions of both tensors go together."""
    batch = params.shape[:batch_dims]
    if indices.shape[:batch_dims] != batch:
        for place, (mine, its) in enumerate(zip(batch, indices.shape, strict=False)):
            if mine != its:
                raise invalid_argument(
                    f"params.shape[{place}]: {mine} should be equal to indices.shape[{place}]: {its}"
                )
    moved = xp.moveaxis(params, axis, batch_dims)
    grids = [
        np.arange(extent).reshape((1,) * place + (extent,) + (1,) * (len(indices.shape) - place - 1))
        for place, extent in enumerate(batch)
    ]
    taken = moved[(*grids, indices)]
    # The result is batch + indices + outer + inner; the outer dimensions belong before those of the indices.
    count, outer = len(indices.shape), axis - batch_dims
    order = [
        *range(batch_dims),
        *range(count, count + outer),
        *range(batch_dims, count),
        *range(count + outer, len(taken.shape)),
    ]
    return xp.transpose(taken, order)


def _places(params: Any, indices: Any, axis: Any, batch_dims: int) -> tuple[int, int]:
    count = len(params.shape)
    place = int(axis)
    if not count:
        raise invalid_argument("params must be at least 1 dimensional")
    if not -count <= place < count:
        raise invalid_argument(f"Shape must be at least rank {place + 1 if place >= 0 else -place} but is rank {count}")
    place %= count
    batch = batch_dims + len(indices.shape) if batch_dims < 0 else batch_dims
    if not 0 <= batch <= len(indices.shape):
        raise invalid_argument(
            f"batch_dims should be in [{-len(indices.shape)}, {len(indices.shape)}], got {batch_dims}"
        )
    if batch > place:
        raise invalid_argument(f"batch_dims ({batch}) should be less than or equal to axis ({place})")
    return place, batch


@op(
    "GatherV2",
    "params: Tparams, indices: Tindices, axis: static Taxis -> output: Tparams",
    Tindices=_INDEX_TYPES,
    Taxis=INDEX,
    structural=True,
)
def gather_v2(xp, params, indices, axis, *, batch_dims: int = 0):
    """Takes the slices of ``params`` along ``axis`` at ``indices``."""
    place, batch = _places(params, indices, axis, batch_dims)
    if batch:
        check_range(indices, params.shape[place])
        return _batch_gather(np, params, indices, place, batch)
    if indices.size > _MANY:  # NumPy's own check makes it several times slower
        check_range(indices, params.shape[place])
        return np.take(params, indices, axis=place, mode="clip")
    try:
        taken = params.take(indices, place)
    except IndexError:
        check_range(indices, params.shape[place])
        raise
    if indices.size and _LOWEST(indices, None) < 0:  # NumPy counts these from the end
        check_range(indices, params.shape[place])
    return np.asarray(taken, object) if taken.__class__ is bytes else taken


@gather_v2.partly_known
def _gather_partly_known(params, indices, axis, *, batch_dims):
    taken = np.take(params, np.asarray(indices).astype(np.int64), axis=int(axis))
    result = np.empty(np.shape(taken), object)
    result[...] = taken
    return result


@gather_v2.xla
def _gather_xla(params, indices, axis, *, batch_dims):
    place, batch = _places(params, indices, axis, batch_dims)
    extent = params.shape[place]
    if not indices.size:
        shape = (*params.shape[:place], *indices.shape[batch:], *params.shape[place + 1 :])
        return jnp.zeros(shape, params.dtype)
    require(jnp.all((indices >= 0) & (indices < extent)), f"indices are not all in [0, {extent})")
    if batch:
        inside = jnp.clip(indices, 0, max(extent - 1, 0))
        return _batch_gather(jnp, jnp.asarray(params), inside, place, batch)
    return jnp.take(params, indices, axis=place, mode="clip")


@gather_v2.shape
def _gather_v2_shape(params, indices, axis, *, batch_dims):
    known = axis.integers()
    if axis.shape:
        raise ValueError(f"Shape must be rank 0 but is rank {len(axis.shape)}")
    if params is not None and not params:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if not known or known[0] is None:
        if params is None or indices is None:
            return None
        batch = batch_dims + len(indices) if batch_dims < 0 else batch_dims
        return (None,) * (len(params) + len(indices) - 1 - batch)
    place = known[0]
    if params is not None:
        least = place + 1 if place >= 0 else -place
        if len(params) < least:
            raise ValueError(f"Shape must be at least rank {least} but is rank {len(params)}")
    if params is None or indices is None:
        return None
    place %= len(params)
    batch = batch_dims + len(indices) if batch_dims < 0 else batch_dims
    if not 0 <= batch <= len(indices):
        raise ValueError(f"Shape must be at least rank {abs(batch_dims)} but is rank {len(indices)}")
    if batch > place:
        raise ValueError(f"Shape must be at least rank {batch + 1} but is rank {len(params)}")
    shared = merge(params[:batch], indices[:batch])
    return (*shared, *params[batch:place], *indices[batch:], *params[place + 1 :])


def _dense(gradient: Any) -> Any:
    return convert_to_tensor(gradient) if isinstance(gradient, IndexedSlices) else gradient


def _row_gradient(dy: Any, params: Any, indices: Any) -> IndexedSlices:
    """Returns the gradient of gathering rows: sparse slices, one for each index."""
    sizes, wanted = static_shape(params), static_shape(indices)
    dy = _dense(dy)
    if fully_known(sizes) and fully_known(wanted):
        count = int(np.prod(wanted, dtype=np.int64))
        values = reshape(dy, [count, *sizes[1:]])
        return IndexedSlices(values, reshape(indices, [count]), convert_to_tensor(np.array(sizes, np.int32)))
    params_shape = shape(params)
    count = expand_dims(size(indices), 0)
    values = reshape(dy, raw.ConcatV2([count, params_shape[1:]], 0))
    return IndexedSlices(values, reshape(indices, count), params_shape)


def _along_axis_gradient(dy: Any, params: Any, indices: Any, axis: Any, batch_dims: int) -> Any:
    """Returns the gradient of gathering along an inner dimension: dense, summed over repeated indices."""
    params_shape = shape(params)
    indices_shape = shape(indices)
    place = static_value(axis)
    count = static_shape(params)
    if place is not None and count is not None:
        axis = int(place) % len(count)
    else:
        axis = raw.FloorMod(raw.Cast(axis, DstT=dtypes.int32), rank(params))
    batch = _product(params_shape[:batch_dims])
    outer = _product(params_shape[batch_dims:axis])
    extent = params_shape[axis]
    inner = _product(params_shape[axis + 1 :])
    taken = _product(indices_shape[batch_dims:])
    pieces = reshape(_dense(dy), raw.Pack([batch, outer, taken, inner], axis=0))
    rows = reshape(raw.Transpose(pieces, [0, 2, 1, 3]), raw.Pack([batch * taken, outer, inner], axis=0))
    flat = reshape(indices, raw.Pack([batch, taken], axis=0))
    offsets = raw.Cast(raw.Range(0, batch, 1) * extent, DstT=indices.dtype)
    flat = reshape(flat + expand_dims(offsets, 1), raw.Pack([batch * taken, 1], axis=0))
    total = raw.Cast(raw.Pack([batch * extent, outer, inner], axis=0), DstT=indices.dtype)
    summed = raw.ScatterNd(flat, rows, total)
    summed = reshape(summed, raw.Pack([batch, extent, outer, inner], axis=0))
    return reshape(raw.Transpose(summed, [0, 2, 1, 3]), params_shape)


def _product(sizes: Any) -> Any:
    return raw.Prod(sizes, [0], keep_dims=False)


@gather_v2.gradient
def _gather_v2_gradient(call, dy):
    params, indices, axis = call.inputs
    place = static_value(axis)
    batch_dims = call.attr("batch_dims")
    if place is not None and int(place) == 0:
        return _row_gradient(dy, params, indices), None, None
    if batch_dims < 0:
        wanted = static_shape(indices)
        if wanted is None:
            raise ValueError(
                "Currently, it is unsupported to take the gradient of tf.gather with batch_dims < 0 "
                "if the rank of indices is unknown."
            )
        batch_dims += len(wanted)
    if indices.dtype.name == "int16":
        indices = raw.Cast(indices, DstT=dtypes.int32)
    return _along_axis_gradient(dy, params, indices, axis, batch_dims), None, None


@gather_v2.samples
def _gather_v2_samples(s):
    for dtype in s.dtypes("Tparams"):
        yield s(s.array((4, 3), dtype), [2, 0, 2], 0)
    for dtype in s.dtypes("Tindices"):
        yield s(s.normal(4, 3), np.array([[2, 0], [1, 1]], dtype.as_numpy_dtype), 1)
    yield s(s.normal(4, 3, 2), 2, np.int64(-1 + 1))
    yield s(s.normal(4, 3, 2), [1, 1, 0], -1)
    yield s(s.normal(2, 3, 4), [[0, 2], [1, 1]], 1, batch_dims=1)
    yield s(s.normal(2, 3, 4), [[0, 2], [1, 1]], 2, batch_dims=1)
    yield s(s.normal(2, 3, 4), [[[0], [2], [1]], [[1], [1], [3]]], 2, batch_dims=2)
    yield s(s.normal(2, 3), [0, 1], 1, batch_dims=-1)
    yield s(s.strings((3,)), 1, 0)
    yield s(s.normal(3, 2), np.zeros([0], np.int32), 0)
    yield s(s.normal(2, 3), [5], 0, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [[-1]], 0, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0], 5, error="InvalidArgumentError")
    yield s(s.normal(), [0], 0, error="InvalidArgumentError")


@op("Gather", "params: Tparams, indices: Tindices -> output: Tparams", Tindices=INDEX, structural=True)
def gather_op(xp, params, indices, *, validate_indices: bool = True):
    """Takes the slices of ``params`` along its first dimension at ``indices``."""
    if xp is np:
        return gather_v2.kernel(np, params, indices, 0)
    return _gather_xla(params, indices, 0, batch_dims=0)


@gather_op.shape
def _gather_op_shape(params, indices):
    if params is not None and not params:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if params is None or indices is None else (*indices, *params[1:])


@gather_op.gradient
def _gather_op_gradient(call, dy):
    params, indices = call.inputs
    return _row_gradient(dy, params, indices), None


@gather_op.samples
def _gather_op_samples(s):
    for dtype in s.dtypes("Tparams"):
        yield s(s.array((4, 3), dtype), [2, 0, 2])
    yield s(s.normal(4, 3), np.array([[2, 0], [1, 1]], np.int64), validate_indices=False)
    yield s(s.normal(4), 1)
    yield s(s.normal(2, 3), [5], error="InvalidArgumentError")
    yield s(s.normal(), [0], error="InvalidArgumentError")


# GatherNd.


def check_policy(policy: str) -> None:
    """Raises an InvalidArgumentError for a policy on bad indices that is not known."""
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise invalid_argument(f"bad_indices_policy must be DEFAULT, ERROR or IGNORE, got {policy!r}")


def _nd_depth(params: Any, indices: Any) -> int:
    if not indices.shape:
        raise invalid_argument("indices must be at least a vector")
    if not params.shape:
        raise invalid_argument("params must be at least a vector")
    depth = indices.shape[-1]
    if depth > len(params.shape):
        raise invalid_argument(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(params.shape)}"
        )
    return depth


@op("GatherNd", "params: Tparams, indices: Tindices -> output: Tparams", Tindices=_INDEX_TYPES)
def gather_nd_op(xp, params, indices, *, bad_indices_policy: str = ""):
    """Takes the slices of ``params`` at the coordinates in the last dimension of ``indices``."""
    check_policy(bad_indices_policy)
    depth = _nd_depth(params, indices)
    extents = np.array(params.shape[:depth], np.int64)
    rest = params.shape[depth:]
    lead = indices.shape[:-1]
    if 0 in lead:
        return np.zeros((*lead, *rest), params.dtype)
    if 0 in params.shape and not bad_indices_policy and 0 in params.shape[:depth]:
        raise invalid_argument(
            f"Requested more than 0 entries, but params is empty.  Params shape: {shape_text(params.shape)}"
        )
    bad = ((indices < 0) | (indices >= extents)).any(-1)
    ignored = None
    if bad.any():
        if bad_indices_policy != "IGNORE":
            place = np.argwhere(bad)[0]
            where = f"indices[{','.join(map(str, place))}]" if len(place) else "indices"
            raise invalid_argument(
                f"{where} = {indices[tuple(place)].tolist()} does not index into param shape {shape_text(params.shape)}"
            )
        ignored, indices = bad, np.where(bad[..., None], 0, indices)
    if not depth:
        return np.broadcast_to(params, (*lead, *rest))
    taken = params[(*(indices[..., place] for place in range(depth)), ...)]
    if ignored is not None:
        taken = np.array(taken)
        taken[ignored] = b"" if taken.dtype == object else 0
    return taken


@gather_nd_op.xla
def _gather_nd_xla(params, indices, *, bad_indices_policy):
    check_policy(bad_indices_policy)
    depth = _nd_depth(params, indices)
    rest = params.shape[depth:]
    lead = indices.shape[:-1]
    if 0 in lead:
        return jnp.zeros((*lead, *rest), params.dtype)
    if not depth:
        return jnp.broadcast_to(params, (*lead, *rest))
    extents = np.array(params.shape[:depth], np.int64)
    if 0 in extents:
        raise invalid_argument(
            f"Requested more than 0 entries, but params is empty.  Params shape: {shape_text(params.shape)}"
        )
    good = jnp.all((indices >= 0) & (indices < extents), -1)
    if bad_indices_policy != "IGNORE":
        require(jnp.all(good), f"some indices do not index into param shape {shape_text(params.shape)}")
    inside = jnp.clip(indices, 0, extents - 1)
    taken = jnp.asarray(params)[tuple(inside[..., place] for place in range(depth))]
    if bad_indices_policy == "IGNORE":
        taken = jnp.where(good.reshape((*lead, *(1,) * len(rest))), taken, jnp.zeros((), taken.dtype))
    return taken


@gather_nd_op.shape
def _gather_nd_shape(params, indices):
    if indices is not None and not indices:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if params is None or indices is None or indices[-1] is None:
        return None
    if indices[-1] > len(params):
        raise ValueError(
            f"indices.shape[-1] must be <= params.rank, but saw indices shape: {shape_text(indices)} and params shape: "
            f"{shape_text(params)}"
        )
    return (*indices[:-1], *params[indices[-1] :])


@gather_nd_op.gradient
def _gather_nd_gradient(call, dy):
    params, indices = call.inputs
    wanted = static_shape(indices)
    policy = call.attr("bad_indices_policy")
    if wanted is not None and len(wanted) == 2 and wanted[-1] == 1 and policy != "IGNORE":
        return IndexedSlices(dy, raw.Squeeze(indices, squeeze_dims=[-1]), shape(params)), None
    return raw.ScatterNd(indices, dy, shape(params, indices.dtype), bad_indices_policy=policy), None


@gather_nd_op.samples
def _gather_nd_samples(s):
    for dtype in s.dtypes("Tparams"):
        yield s(s.array((4, 3), dtype), [[2, 0], [1, 1]])
    for dtype in s.dtypes("Tindices"):
        yield s(s.normal(4, 3), np.array([[2], [0], [2]], dtype.as_numpy_dtype), gradient=dtype.name != "int16")
    yield s(s.normal(2, 3), [1, 2], gradient=False)
    yield s(s.normal(2, 3, 4), [[[1, 2]], [[0, 0]]])
    yield s(s.normal(2, 3), np.zeros([2, 0], np.int32), gradient=False)
    yield s(s.empty(0, 3), np.zeros([0, 1], np.int32))
    yield s(s.normal(2, 3), [[0, 5], [1, 1]], bad_indices_policy="IGNORE")
    yield s(s.normal(2, 3), [[0, 5]], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [[0, 1, 2]], error="InvalidArgumentError")
    yield s(s.normal(2, 3), 1, error="InvalidArgumentError")


# Public functions.


def _gathered_rows(params: Any, indices: Any) -> Any:
    """Returns the rows at a few indices; raises IndexError if one is not a row's number."""
    taken = params.take(indices, 0)
    # NumPy counts negative numbers from the end. Of a few, Python finds the least sooner.
    if indices.size and (min(indices.tolist()) if indices.size < 32 and indices.ndim == 1 else indices.min()) < 0:
        raise IndexError
    return taken


@fast_path(
    gather_v2,
    tensors=("params", "indices"),
    when=(
        "(axis is None or axis.__class__ is int and axis == 0) and batch_dims.__class__ is int and batch_dims == 0"
        " and v_params.__class__ is ndarray and v_indices.__class__ is ndarray and v_indices.ndim"
        " and v_indices.dtype.char in 'hilq' and v_indices.size <= MANY"
    ),
    value="ROWS(v_params, v_indices)",
    inputs="(params, indices, WRAP(np.int32(0)))",
    attrs="{'batch_dims': 0}",
    ROWS=_gathered_rows,
    MANY=_MANY,
)
def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Returns the slices of a tensor along one dimension at given positions.

    Args:
      params: the tensor, or a variable, of which only those slices are then read.
      indices: the positions, integers in ``[0, params.shape[axis])``, in a tensor of any shape.
      validate_indices: has no effect; indices are always checked.
      axis: the dimension; by default ``batch_dims``.
      batch_dims: how many leading dimensions ``params`` and ``indices`` share.
      name: the node's name.

    Returns:
      A tensor of shape ``params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]``.

    Raises:
      InvalidArgumentError: an index is out of range.
    """
    del validate_indices
    if axis is None:
        axis = batch_dims
    if axis.__class__ is int and axis == 0:
        batch_dims = 0  # as in TensorFlow, which gathers whole rows then
        sparse_read = getattr(params, "sparse_read", None)
        if sparse_read is not None:
            try:
                return sparse_read(indices, name=name)
            except AttributeError:
                pass  # a reference variable, which is read whole
    if params.__class__ is EagerTensor and axis.__class__ is int and not context.SPECIAL:
        return gather_v2.call(
            params, convert_to_tensor(indices), wrap(np.int32(axis)), batch_dims=batch_dims, name=name
        )
    return gather_v2(params, indices, axis, batch_dims=batch_dims, name=name)


def gather_v1(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Any:
    """Returns the slices of a tensor along one dimension; :func:`gather` with TensorFlow 1.x's argument order."""
    return gather(params, indices, validate_indices, axis, batch_dims, name)


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """Returns the slices of a tensor at given coordinates.

    Args:
      params: the tensor.
      indices: integer coordinates in the last dimension: ``[..., k]`` with ``k`` at most the rank of ``params``.
      batch_dims: how many leading dimensions ``params`` and ``indices`` share.
      name: the node's name.
      bad_indices_policy: ``"IGNORE"`` gives zeros for coordinates that are out of range, which is else an error.
    """
    batch = static_value(convert_to_tensor(batch_dims)) if not isinstance(batch_dims, int) else batch_dims
    if batch is not None and int(batch) != 0:
        return _batch_gather_nd(params, indices, int(batch), name)
    if hasattr(params, "gather_nd") and not bad_indices_policy:
        try:
            return params.gather_nd(indices, name=name)
        except AttributeError:
            pass  # a reference variable, which is read whole
    return gather_nd_op(params, indices, bad_indices_policy=bad_indices_policy, name=name)


def gather_nd_v1(
    params: Any, indices: Any, name: str | None = None, batch_dims: int = 0, bad_indices_policy: str = ""
) -> Any:
    """Returns the slices of a tensor at given coordinates, with TensorFlow 1.x's argument order."""
    return gather_nd(params, indices, batch_dims, name, bad_indices_policy)


def _batch_gather_nd(params: Any, indices: Any, batch_dims: int, name: str | None) -> Any:
    """Gathers by coordinates below shared leading dimensions: puts their own coordinates before those given."""
    with name_scope(name, "BatchGatherND"):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        count, mine = static_shape(indices), static_shape(params)
        if count is None:
            raise ValueError("tf.gather_nd does not allow indices with unknown shape.")
        if batch_dims < 0:
            batch_dims += len(count)
        if not 0 <= batch_dims < len(count):
            raise ValueError(f"batch_dims = {batch_dims} must be in [0, {len(count)}), the rank of indices.")
        if mine is not None and batch_dims >= len(mine):
            raise ValueError(f"batch_dims = {batch_dims} must be less than rank(params) = {len(mine)}")
        sizes = shape(indices)
        lead = sizes[:-1]
        parts = []
        for place in range(batch_dims):
            extent = [1] * (len(count) - 1)
            extent[place] = -1
            grid = reshape(raw.Range(0, sizes[place], 1), extent)
            parts.append(expand_dims(raw.Cast(raw.BroadcastTo(grid, lead), DstT=indices.dtype), -1))
        return gather_nd_op(params, raw.ConcatV2([*parts, indices], -1))


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """Returns the slices of a tensor along the last dimension of ``indices``, all others shared.

    Args:
      params: the tensor.
      indices: the positions.
      name: the scope of the nodes.
    """
    with name_scope(name, "BatchGather"):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        count = static_shape(indices)
        if count is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return gather(params, indices, batch_dims=len(count) - 1)
