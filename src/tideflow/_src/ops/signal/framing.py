"""Cuts signals into overlapping frames, and adds overlapping frames up to signals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.fourier_engines import zeros_of
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["frame", "overlap_and_add"]


def _known(value: Any) -> int | None:
    """Returns the value of a scalar where it is known."""
    known = static_value(value)
    return None if known is None else int(known)


def _scalar(value: Any, name: str) -> Any:
    value = convert_to_tensor(value, name=name)
    shape = static_shape(value)
    if shape is not None and shape != ():
        raise ValueError(f"{name} must be a scalar, got shape {shape}")
    return value


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: Any = -1,
    name: str | None = None,
) -> Any:
    """Returns the overlapping frames of a signal.

    Args:
      signal: a tensor of any type.
      frame_length: the number of elements of a frame, a scalar.
      frame_step: the number of elements from the start of a frame to that of the next, a scalar.
      pad_end: whether to fill frames up that reach beyond the end; else they are left out.
      pad_value: what to fill them up with.
      axis: the axis along which the signal runs.
      name: the name of the scope; ``frame`` by default.

    Returns:
      A tensor with the dimensions ``[frames, frame_length]`` in place of ``axis``.

    Example:

    >>> frame([1, 2, 3, 4, 5], 3, 2).numpy().tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        signal = convert_to_tensor(signal, name="signal")
        frame_length = raw.Cast(_scalar(frame_length, "frame_length"), DstT=dtypes.int32)
        frame_step = raw.Cast(_scalar(frame_step, "frame_step"), DstT=dtypes.int32)
        shape = static_shape(signal)
        if shape is None:
            raise ValueError("frame needs a signal of known rank.")
        rank = len(shape)
        place = _known(convert_to_tensor(axis, name="axis"))
        if place is None or not -rank <= place < rank:
            raise ValueError(f"axis must be in [{-rank}, {rank}), got {axis}")
        place %= rank
        length, step = _known(frame_length), _known(frame_step)
        if length is not None:
            require(length >= 0, f"frame_length must not be negative, got {length}")
        if step is not None:
            require(step > 0, f"frame_step must be positive, got {step}")
        size = shape[place]
        if size is not None and length is not None and step is not None:
            return _static_frames(signal, shape, place, length, step, pad_end, pad_value)
        return _dynamic_frames(signal, shape, place, (frame_length, frame_step), (length, pad_end, pad_value))


def _static_frames(signal: Any, shape: Any, place: int, length: int, step: int, pad_end: bool, pad_value: Any) -> Any:
    size = shape[place]
    count = -(-size // step) if pad_end else max(0, 1 + (size - length) // step)
    if pad_end:
        missing = max(0, length + step * (count - 1) - size) if count else 0
        signal = _padded(signal, len(shape), place, np.int32(missing), pad_value)
    # Frames are made of blocks of the greatest common divisor's length: to gather those takes fewer indices.
    block = math.gcd(length, step) if length else step
    kept = (size + missing if pad_end else size) // block * block
    blocks = _reshaped(raw.Slice(signal, [0] * len(shape), _sizes(shape, place, kept)), shape, place, [-1, block])
    if not count or not length:
        blocks = _reshaped(signal, shape, place, [-1, 1])
        block = 1
    indices = np.arange(count)[:, None] * (step // block) + np.arange(length // block)
    frames = raw.GatherV2(blocks, indices.astype(np.int32), np.int32(place))
    return _reshaped(frames, shape, place, [count, length], known=True)


def _sizes(shape: Any, place: int, size: int) -> Any:
    """Returns the sizes of a slice that takes everything except along one axis."""
    sizes = [-1] * len(shape)
    sizes[place] = size
    return np.array(sizes, np.int32)


def _padded(signal: Any, rank: int, place: int, count: Any, value: Any) -> Any:
    value = convert_to_tensor(value, signal.dtype)
    if isinstance(count, np.integer):
        if not count:
            return signal
        paddings = np.zeros((rank, 2), np.int32)
        paddings[place, 1] = count
        return raw.PadV2(signal, paddings, value)
    one_hot = np.zeros((rank, 2), np.int32)
    one_hot[place, 1] = 1
    return raw.PadV2(signal, raw.Mul(one_hot, count), value)


def _reshaped(x: Any, shape: Any, place: int, middle: Any, known: bool = False) -> Any:
    """Gives a tensor new dimensions in place of one; of the signal's own dimensions, one at most may be unknown."""
    others = [*shape[:place], *shape[place + 1 :]]
    if None not in others:
        target = np.array([*shape[:place], *middle, *shape[place + 1 :]], np.int32)
        if not known and 0 in others:
            target[place] = static_shape(x)[place] // max(int(middle[-1]), 1)
        return raw.Reshape(x, target)
    sizes = raw.Shape(x)
    before = entries(sizes, 0, place)
    behind = len(static_shape(x)) - (len(shape) - place - 1)
    after = entries(sizes, behind, None)
    result = raw.Reshape(x, raw.ConcatV2([before, np.array(middle, np.int32), after], 0))
    if known:
        result.set_shape([*shape[:place], *middle, *shape[place + 1 :]])
    return result


def _dynamic_frames(signal: Any, shape: Any, place: int, measures: Any, options: Any) -> Any:
    """Cuts frames whose number or length becomes known only when it runs."""
    (frame_length, frame_step), (length, pad_end, pad_value) = measures, options
    rank, zero, one = len(shape), np.int32(0), np.int32(1)
    sizes = raw.Shape(signal)
    size = raw.GatherV2(sizes, np.int32(place), zero)
    if pad_end:
        count = raw.Neg(raw.FloorDiv(raw.Neg(size), frame_step))
        reach = raw.AddV2(frame_length, raw.Mul(frame_step, raw.Sub(count, one)))
        signal = _padded(signal, rank, place, raw.Maximum(zero, raw.Sub(reach, size)), pad_value)
    else:
        count = raw.AddV2(one, raw.FloorDiv(raw.Sub(size, frame_length), frame_step))
        count = raw.Maximum(zero, count)
    starts = raw.Mul(raw.Range(zero, count, one), frame_step)
    indices = raw.AddV2(raw.ExpandDims(starts, one), raw.Range(zero, frame_length, one))
    frames = raw.GatherV2(signal, indices, np.int32(place))
    frames.set_shape([*shape[:place], None, length, *shape[place + 1 :]])
    return frames


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Any:
    """Returns the signal that overlapping frames add up to.

    Args:
      signal: a tensor of shape ``[..., frames, frame_length]``.
      frame_step: the number of elements from the start of a frame to that of the next, an integer scalar.
      name: the name of the scope; ``overlap_and_add`` by default.

    Returns:
      A tensor of shape ``[..., (frames - 1) * frame_step + frame_length]``.

    Raises:
      ValueError: the rank of ``signal`` is less than two, or ``frame_step`` is not an integer.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = convert_to_tensor(signal, name="signal")
        shape = static_shape(signal)
        if shape is not None and len(shape) < 2:
            raise ValueError(f"Shape {shape} must have rank at least 2")
        frame_step = _scalar(frame_step, "frame_step")
        if not frame_step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype!r}")
        step = _known(frame_step)
        if step is not None:
            require(step > 0, f"frame_step must be positive, got {step}")
        one, zero = np.int32(1), np.int32(0)
        step_tensor = raw.Cast(frame_step, DstT=dtypes.int32)
        sizes = raw.Shape(signal)
        outer = entries(sizes, None, -2)
        frames = entries(sizes, -2, -1)
        length = entries(sizes, -1, None)
        # Each frame is cut into segments of a step. Column by column, these lie one behind the other in the result.
        step_vector = raw.Reshape(step_tensor, [1])
        segments = raw.Neg(raw.FloorDiv(raw.Neg(length), step_vector))
        padding = raw.Sub(raw.Mul(segments, step_vector), length)
        rank = raw.Size(sizes)
        before = raw.Fill(raw.Reshape(raw.Sub(rank, np.int32(2)), [1]), zero)
        ends = raw.ConcatV2([before, segments, padding], 0)
        x = raw.Pad(signal, raw.Pack([zeros_of(ends), ends], axis=1))
        rows = raw.AddV2(frames, segments)
        x = raw.Reshape(x, raw.ConcatV2([outer, rows, segments, step_vector], 0))
        # Moving the columns in front, and cutting the last row's worth off, shifts each column by one row.
        order = raw.Range(zero, raw.AddV2(rank, one), one)
        fronts = entries(order, None, -3)
        swapped = raw.ConcatV2([fronts, *_reordered(order)], 0)
        x = raw.Transpose(x, swapped)
        x = raw.Reshape(x, raw.ConcatV2([outer, raw.Mul(rows, segments), step_vector], 0))
        shifted = raw.Mul(raw.Sub(rows, one), segments)
        x = raw.Slice(x, zeros_of(sizes), raw.ConcatV2([outer, shifted, step_vector], 0))
        x = raw.Reshape(x, raw.ConcatV2([outer, segments, raw.Sub(rows, one), step_vector], 0))
        x = raw.Sum(x, raw.Reshape(raw.Sub(rank, np.int32(2)), [1]))
        x = raw.Reshape(x, raw.ConcatV2([outer, raw.Mul(raw.Sub(rows, one), step_vector)], 0))
        whole = raw.AddV2(raw.Mul(raw.Sub(frames, one), step_vector), length)
        start = entries(zeros_of(sizes), None, -1)
        result = raw.Slice(x, start, raw.ConcatV2([outer, whole], 0))
        if shape is not None and result.shape.rank is not None:
            known = step is not None and None not in shape[-2:]
            size = (shape[-2] - 1) * step + shape[-1] if known else None
            result.set_shape([*shape[:-2], size])
        return result


def _reordered(order: Any) -> list[Any]:
    """Returns the last three axes with the first two of them swapped."""
    return [
        entries(order, -2, -1),
        entries(order, -3, -2),
        entries(order, -1, None),
    ]
