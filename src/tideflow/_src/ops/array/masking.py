"""Boolean masks: the elements where a mask is true, and masks of sequences of given lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import all_axes, raw, static_shape
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import expand_dims, reshape, shape, squeeze
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask") -> Any:
    """Returns the elements of a tensor where a mask is true.

    Args:
      tensor: the tensor.
      mask: a boolean tensor of known rank, of the shape of some dimensions of ``tensor``.
      axis: the first of those dimensions; 0 by default.
      name: the scope of the nodes.

    Returns:
      A tensor in which those dimensions are one, with an entry for each true element of the mask.

    Raises:
      ValueError: the mask is a scalar, of unknown rank, or its shape does not fit.
    """
    with name_scope(name, "boolean_mask"):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_shape = TensorShape(mask.shape)
        count = mask_shape.rank
        if count == 0:
            raise ValueError("mask cannot be scalar.")
        if count is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.")
        place = 0 if axis is None else static_value(convert_to_tensor(axis)) if hasattr(axis, "dtype") else axis
        if place is not None:
            axis = int(place)
            _fits(static_shape(tensor), static_shape(mask), axis)
        if not context.SPECIAL and tensor.__class__ is EagerTensor and mask.__class__ is EagerTensor:
            chosen = np.asarray(mask._value)
            chosen = chosen if chosen.dtype == bool else chosen != 0
            if chosen.ndim == 1 and axis == 0:  # NumPy takes three times as long for a mask
                return wrap(np.take(tensor._value, np.flatnonzero(chosen), axis=0, mode="clip"))
            return wrap(np.asarray(tensor._value)[(*(slice(None),) * _from_start(axis, tensor), chosen)])
        leading = raw.Prod(shape(tensor)[axis : axis + count], [0], keep_dims=False)
        before = shape(tensor)[:axis]
        after = shape(tensor)[axis + count :] if axis != -count else shape(tensor)[:0]
        flat = reshape(tensor, concat([before, [leading], after], 0))
        if place is not None:
            _set_shape(flat, static_shape(tensor), axis, count)
        indices = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(flat, indices, axis=axis)


def _from_start(axis: int, tensor: Any) -> int:
    return axis if axis >= 0 else axis + tensor.ndim


def _fits(tensor: Any, mask: Any, axis: int) -> None:
    if tensor is None:
        return
    end = axis + len(mask)
    part = TensorShape(tensor[axis : end if end else None])
    if not part.is_compatible_with(TensorShape(mask)):
        raise ValueError(f"Shapes {part} and {TensorShape(mask)} are incompatible")


def _set_shape(flat: Any, sizes: Any, axis: int, count: int) -> None:
    if sizes is None or flat.__class__ is EagerTensor:
        return
    axis %= len(sizes)
    masked = sizes[axis : axis + count]
    first = None if None in masked else int(np.prod(masked, dtype=np.int64))
    flat.set_shape((*sizes[:axis], first, *sizes[axis + count :]))


def boolean_mask_v1(tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: Any = None) -> Any:
    """Returns the elements of a tensor where a mask is true, with TensorFlow 1.x's argument order."""
    return boolean_mask(tensor, mask, axis, name)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Any:
    """Returns, for each length, a row that is true in its first ``length`` places.

    Args:
      lengths: an integer tensor.
      maxlen: how long the rows are; the greatest length by default.
      dtype: the type of the result.
      name: the scope of the nodes.

    Returns:
      A tensor of shape ``lengths.shape + [maxlen]``.

    Raises:
      ValueError: ``maxlen`` is not a scalar.
    """
    with name_scope(name, "SequenceMask"):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            greatest = raw.Max(lengths, all_axes(lengths), keep_dims=False)
            maxlen = raw.Maximum(convert_to_tensor(0, greatest.dtype), greatest)
        else:
            maxlen = convert_to_tensor(maxlen)
        sizes = static_shape(maxlen)
        if sizes is not None and sizes != ():
            raise ValueError(
                f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen} with shape '{sizes}'"
            )
        places = raw.Range(convert_to_tensor(0, maxlen.dtype), maxlen, convert_to_tensor(1, maxlen.dtype))
        matrix = raw.Cast(expand_dims(lengths, -1), DstT=maxlen.dtype)
        result = raw.Less(places, matrix)
        dtype = dtypes.as_dtype(dtype) if dtype is not None else dtypes.bool
        return result if dtype is dtypes.bool else raw.Cast(result, DstT=dtype)
