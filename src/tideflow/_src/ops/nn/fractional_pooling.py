"""Fractional pooling (https://arxiv.org/abs/1412.6071): windows of two neighbouring sizes in a random order.

The sequences that say where windows start are TensorFlow's, number for number, for the same seeds.
"""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError, UnimplementedError
from tideflow._src.graph.op_def import StaticValue, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn.window_shapes import shape_given
from tideflow._src.ops.random.seeds import operation_seeds
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox, seed_key_counter

_TYPES = ("float32", "float64", "int32", "int64")
_RATIO = [1.0, 1.44, 1.73, 1.0]


# Sequences.


class _Words:
    """Gives 32-bit random words in parts, each of which starts with a block of its own."""

    def __init__(self, seed: int, seed2: int) -> None:
        self._key, (self._low, self._high) = seed_key_counter(seed, seed2)

    def take(self, count: int) -> list[int]:
        """Returns the next ``count`` words; what is left of the last block is dropped."""
        blocks = (count + 3) // 4
        words = philox(np, self._key, (self._low, self._high), blocks).reshape(-1)[:count].tolist()
        self._low += blocks
        return words


def _pseudo_random_steps(size: int, count: int, words: _Words) -> np.ndarray:
    """Returns the sizes of windows whose starts are a line with a random offset, rounded up."""
    alpha, whole = size / count, size // count
    # Neither the first nor the last window may be larger or smaller than the two sizes that there are.
    largest = min((whole + 2) / alpha - 1, (size + 1 - whole) / alpha - (count - 1))
    high, low = words.take(2)
    offset = (((high & 0xFFFFF) << 32) | low) * 2.0**-52 * largest
    starts = [1, *(ceil(alpha * (index + offset)) for index in range(1, count)), size + 1]
    return np.diff(np.array(starts, np.int64))


def _random_steps(size: int, count: int, words: _Words) -> np.ndarray:
    """Returns the two sizes of windows, as many of each as needed, shuffled."""
    steps = [size // count + (index < size % count) for index in range(count)]
    drawn = words.take(count)
    for index in range(count - 1):
        other = index + drawn[index] % (count - index)
        steps[index], steps[other] = steps[other], steps[index]
    return np.array(steps, np.int64)


def _sequence(size: int, count: int, words: _Words, pseudo_random: bool) -> np.ndarray:
    """Returns where windows start along an axis, and the end of the last one."""
    steps = (_pseudo_random_steps if pseudo_random else _random_steps)(size, count, words)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(steps)])


def _output_size(size: int | None, ratio: float) -> int | None:
    """Returns how many windows a ratio makes of an axis; the division is one of 32-bit floats."""
    if size is None:
        return None
    return int(np.floor(np.float32(size) / np.float32(ratio)))


def _check_ratio(pooling_ratio: list[float]) -> None:
    if len(pooling_ratio) != 4:
        raise ValueError(f"pooling_ratio field must specify 4 dimensions, but has {len(pooling_ratio)}")


def _sequences(
    value: np.ndarray, pooling_ratio: list[float], pseudo_random: bool, deterministic: bool, seed: int, seed2: int
) -> tuple[np.ndarray, np.ndarray]:
    if min(pooling_ratio) < 1:
        raise InvalidArgumentError(
            None, None, f"pooling_ratio cannot be smaller than 1, got: {[float(item) for item in pooling_ratio]}"
        )
    if pooling_ratio[0] != 1 or pooling_ratio[3] != 1:
        raise UnimplementedError(
            None, None, "Fractional pooling is not yet supported on the batch nor channel dimension."
        )
    if not deterministic and (seed or seed2):
        raise InvalidArgumentError(
            None, None, f"Both seed and seed2 should be 0 if deterministic is false, but got {seed} and {seed2}."
        )
    if value.ndim != 4:
        raise InvalidArgumentError(None, None, f"The input must be 4-dimensional, but got {shape_text(value.shape)}")
    for size, ratio in zip(value.shape, pooling_ratio, strict=True):
        if size < ratio:
            raise InvalidArgumentError(
                None,
                None,
                f"Pooling ratio {[float(item) for item in pooling_ratio]} is higher than an input dimension size "
                f"of {shape_text(value.shape)}",
            )
    words = _Words(seed, seed2)
    rows, columns = (_output_size(value.shape[axis], pooling_ratio[axis]) for axis in (1, 2))
    assert rows is not None and columns is not None
    first = _sequence(value.shape[1], rows, words, pseudo_random)
    return first, _sequence(value.shape[2], columns, words, pseudo_random)


# Windows.


class _Axis(NamedTuple):
    """Is the windows along an axis: where each starts, and how many elements it holds."""

    starts: np.ndarray
    lengths: np.ndarray


def _axis(sequence: np.ndarray, size: int, overlapping: bool, name: str) -> _Axis:
    """Reads a sequence; windows that overlap also hold the first element of the next one."""
    if sequence.ndim != 1 or sequence.size < 2:
        raise InvalidArgumentError(
            None, None, f"{name} must be a vector of at least 2 elements, but got shape {shape_text(sequence.shape)}"
        )
    if sequence[0] < 0 or sequence[-1] > size or (np.diff(sequence) <= 0).any():
        raise InvalidArgumentError(
            None, None, f"{name} must increase from at least 0 to at most {size}, but got {sequence.tolist()}"
        )
    ends = np.minimum(sequence[1:] + bool(overlapping), size)
    return _Axis(sequence[:-1], ends - sequence[:-1])


def _reduce(combine: Any, values: np.ndarray, rows: np.ndarray, columns: np.ndarray, overlapping: bool) -> np.ndarray:
    """Combines the elements of every window: first along columns, then along rows."""
    for axis, sequence in ((2, columns), (1, rows)):
        before = (slice(None),) * axis
        result = combine.reduceat(values, sequence[:-1], axis=axis)
        if overlapping and len(sequence) > 2:
            inner = result[(*before, slice(None, -1))]
            combine(inner, values[(*before, sequence[1:-1])], out=inner)
        values = result
    return values


def _forward_shapes(value: Any, pooling_ratio: list[float]) -> tuple[Any, Any, Any]:
    _check_ratio(pooling_ratio)
    value = with_rank(value, 4)
    sizes = []
    for size, ratio in zip(value, pooling_ratio, strict=True):
        found = _output_size(size, ratio)
        if found is not None and found < 1 and size:
            raise ValueError(f"Dimension after fractional pooling is {found}, but must be positive")
        sizes.append(found)
    rows, columns = ((None if size is None else size + 1,) for size in sizes[1:3])
    return tuple(sizes), rows, columns


def _forward_samples(s: Any, **options: Any) -> Any:
    fixed = {"pooling_ratio": _RATIO, "deterministic": True, **options}
    for dtype in s.dtypes("T"):
        yield s(s.distinct((1, 5, 6, 2), dtype), seed=3, seed2=4, **fixed)
    value = s.distinct((2, 7, 9, 2))
    yield s(value, seed=5, seed2=7, pseudo_random=True, **fixed)
    yield s(value, seed=5, seed2=9, overlapping=True, **fixed)
    yield s(value, seed=8, seed2=1, overlapping=True, pseudo_random=True, **fixed)
    yield s(s.distinct((1, 6, 6, 1)), seed=1, **{**fixed, "pooling_ratio": [1.0, 2.0, 3.0, 1.0]})
    bad = {"error": "InvalidArgumentError", "seed": 1, "deterministic": True}
    yield s(s.distinct((1, 2, 6, 1)), pooling_ratio=[1.0, 3.0, 1.0, 1.0], **bad)
    yield s(s.distinct((6, 6, 1)), pooling_ratio=_RATIO, **bad)
    yield s(value, pooling_ratio=[1.0, 0.5, 1.0, 1.0], **bad)


# The maximum.


@op(
    "FractionalMaxPool",
    "value: T -> output: T, row_pooling_sequence: int64, col_pooling_sequence: int64",
    T=_TYPES,
    pooling_ratio=at_least(4),
    tier="host",
)
def fractional_max_pool_op(
    value,
    *,
    pooling_ratio: list[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
):
    """Gives the maximum of each window, and the sequences that say where windows start."""
    rows, columns = _sequences(value, pooling_ratio, pseudo_random, deterministic, seed, seed2)
    return _reduce(np.maximum, value, rows, columns, overlapping), rows, columns


@fractional_max_pool_op.shape
def _fractional_max_pool_shape(value, *, pooling_ratio):
    return _forward_shapes(value, pooling_ratio)


@fractional_max_pool_op.gradient
def _fractional_max_pool_gradient(call, dy, *unused):
    pooled, rows, columns = call.outputs
    overlapping = call.attr("overlapping")
    return fractional_max_pool_grad_op(call.inputs[0], pooled, dy, rows, columns, overlapping=overlapping)


@fractional_max_pool_op.samples
def _fractional_max_pool_samples(s):
    yield from _forward_samples(s)


@op(
    "FractionalMaxPoolGrad",
    "orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64, col_pooling_sequence: int64 "
    "-> output: T",
    T=_TYPES,
    tier="host",
    differentiable="missing",
)
def fractional_max_pool_grad_op(
    orig_input,
    orig_output,
    out_backprop,
    row_pooling_sequence,
    col_pooling_sequence,
    *,
    overlapping: bool = False,
):
    """Gives each gradient to the first element of its window that is the maximum."""
    _check_rank("orig_input", orig_input.ndim)
    rows = _axis(row_pooling_sequence, orig_input.shape[1], overlapping, "row_pooling_sequence")
    columns = _axis(col_pooling_sequence, orig_input.shape[2], overlapping, "col_pooling_sequence")
    pooled = (orig_input.shape[0], len(rows.starts), len(columns.starts), orig_input.shape[3])
    _check_shape("orig_output", orig_output.shape, pooled)
    _check_shape("out_backprop", out_backprop.shape, pooled)
    places = np.zeros(pooled, np.int64)
    found = np.zeros(pooled, bool)
    width, channels = orig_input.shape[2:]
    for i, j in product(range(int(rows.lengths.max())), range(int(columns.lengths.max()))):
        down, across = (
            rows.starts + np.minimum(i, rows.lengths - 1),
            columns.starts + np.minimum(j, columns.lengths - 1),
        )
        # A tap beyond its window reads the window's last element again, where nothing new is found.
        first = (orig_input[:, down[:, None], across] == orig_output) & ~found
        np.copyto(places, ((down[:, None] * width + across) * channels)[:, :, None], where=first)
        found |= first
    if not found.all():
        raise InvalidArgumentError(None, None, "orig_output is not the maximum of each window of orig_input")
    places += np.arange(channels)
    places += (np.arange(pooled[0]) * int(np.prod(orig_input.shape[1:])))[:, None, None, None]
    return _add_at(orig_input.shape, places, out_backprop)


def _add_at(shape: tuple[int, ...], places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns zeros to which values are added at flat indices."""
    count = int(np.prod(shape))
    if values.dtype.kind == "f":
        return np.bincount(places.reshape(-1), values.reshape(-1), count).astype(values.dtype).reshape(shape)
    result = np.zeros(count, values.dtype)
    np.add.at(result, places.reshape(-1), values.reshape(-1))
    return result.reshape(shape)


def _check_rank(name: str, rank: int) -> None:
    if rank != 4:
        raise InvalidArgumentError(None, None, f"{name} must be 4-dimensional, but has rank {rank}")


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise InvalidArgumentError(
            None, None, f"expected {name} of shape {shape_text(expected)}, but got {shape_text(shape)}"
        )


@fractional_max_pool_grad_op.shape
def _fractional_max_pool_grad_shape(orig_input, orig_output, out_backprop, row_pooling_sequence, col_pooling_sequence):
    return with_rank(orig_input, 4)


def _pooled(s: Any, value: np.ndarray, overlapping: bool) -> Any:
    """Returns a pooling and its two sequences."""
    words = _Words(5, 6)
    rows, columns = _sequence(value.shape[1], 3, words, False), _sequence(value.shape[2], 4, words, False)
    return _reduce(np.maximum, value, rows, columns, overlapping), rows, columns


@fractional_max_pool_grad_op.samples
def _fractional_max_pool_grad_samples(s):
    for dtype in s.dtypes("T"):
        value = s.distinct((1, 5, 6, 2), dtype)
        pooled, rows, columns = _pooled(s, value, False)
        yield s(value, pooled, s.array(pooled.shape, dtype), rows, columns, gradient=False)
    value = s.distinct((2, 5, 6, 2))
    pooled, rows, columns = _pooled(s, value, True)
    yield s(value, pooled, s.normal(*pooled.shape), rows, columns, overlapping=True, gradient=False)
    tied = np.zeros((1, 5, 6, 1), np.float32)
    pooled, rows, columns = _pooled(s, tied, False)
    yield s(tied, pooled, s.normal(*pooled.shape), rows, columns, gradient=False)


# The average.


@op(
    "FractionalAvgPool",
    "value: T -> output: T, row_pooling_sequence: int64, col_pooling_sequence: int64",
    T=_TYPES,
    pooling_ratio=at_least(4),
    tier="host",
)
def fractional_avg_pool_op(
    value,
    *,
    pooling_ratio: list[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
):
    """Gives the mean of each window, and the sequences that say where windows start."""
    rows, columns = _sequences(value, pooling_ratio, pseudo_random, deterministic, seed, seed2)
    total = _reduce(np.add, value, rows, columns, overlapping)
    down = _axis(rows, value.shape[1], overlapping, "row_pooling_sequence")
    across = _axis(columns, value.shape[2], overlapping, "col_pooling_sequence")
    counts = (down.lengths[:, None] * across.lengths)[:, :, None].astype(value.dtype)
    if value.dtype.kind == "f":
        return total / counts, rows, columns
    return np.trunc(total / counts).astype(value.dtype), rows, columns


@fractional_avg_pool_op.shape
def _fractional_avg_pool_shape(value, *, pooling_ratio):
    return _forward_shapes(value, pooling_ratio)


@fractional_avg_pool_op.gradient
def _fractional_avg_pool_gradient(call, dy, *unused):
    _, rows, columns = call.outputs
    sizes = raw.Shape(call.inputs[0], out_type=dtypes.int64)
    return fractional_avg_pool_grad_op(sizes, dy, rows, columns, overlapping=call.attr("overlapping"))


@fractional_avg_pool_op.samples
def _fractional_avg_pool_samples(s):
    yield from _forward_samples(s)


@op(
    "FractionalAvgPoolGrad",
    "orig_input_tensor_shape: static int64, out_backprop: T, row_pooling_sequence: int64, "
    "col_pooling_sequence: int64 -> output: T",
    T=_TYPES,
    tier="host",
    differentiable="missing",
)
def fractional_avg_pool_grad_op(
    orig_input_tensor_shape,
    out_backprop,
    row_pooling_sequence,
    col_pooling_sequence,
    *,
    overlapping: bool = False,
):
    """Spreads each gradient evenly over its window."""
    if orig_input_tensor_shape.shape != (4,):
        raise InvalidArgumentError(
            None,
            None,
            "original input tensor shape must be 1-dimensional and 4 elements, but got shape "
            f"{shape_text(orig_input_tensor_shape.shape)}",
        )
    shape = tuple(int(size) for size in orig_input_tensor_shape)
    _check_rank("out_backprop", out_backprop.ndim)
    rows = _axis(row_pooling_sequence, shape[1], overlapping, "row_pooling_sequence")
    columns = _axis(col_pooling_sequence, shape[2], overlapping, "col_pooling_sequence")
    _check_shape("out_backprop", out_backprop.shape, (shape[0], len(rows.starts), len(columns.starts), shape[3]))
    share = out_backprop / (rows.lengths[:, None] * columns.lengths)[:, :, None]
    for axis, along in ((1, rows), (2, columns)):
        wide = np.zeros((*share.shape[:axis], shape[axis], *share.shape[axis + 1 :]))
        before = (slice(None),) * axis
        for index in range(int(along.lengths.max())):
            reached = np.flatnonzero(along.lengths > index)
            # Along one index no element is read twice, so that the sum sees each.
            wide[(*before, along.starts[reached] + index)] += share[(*before, reached)]
        share = wide
    return share.astype(out_backprop.dtype)


@fractional_avg_pool_grad_op.shape
def _fractional_avg_pool_grad_shape(
    orig_input_tensor_shape: StaticValue, out_backprop, row_pooling_sequence, col_pooling_sequence
):
    return shape_given(orig_input_tensor_shape, 4)


@fractional_avg_pool_grad_op.samples
def _fractional_avg_pool_grad_samples(s):
    for overlapping in (False, True):
        for dtype in s.dtypes("T"):
            value = s.array((1, 5, 6, 2), dtype)
            pooled, rows, columns = _pooled(s, value, overlapping)
            sizes = np.int64(value.shape)
            dy = s.array(pooled.shape, dtype)
            yield s(sizes, dy, rows, columns, overlapping=overlapping, gradient=False)


# The functions.


def _ratios(pooling_ratio: Any) -> list[float]:
    """Returns the four ratios for one number, two for rows and columns, or four.

    Raises:
      ValueError: there are other numbers of them, or one is less than one, or batch or channels would shrink.
    """
    numbers = [float(item) for item in np.asarray(pooling_ratio, np.float64).reshape(-1)]
    if not numbers or min(numbers) < 1:
        raise ValueError(f"`pooling_ratio` should be >= 1.0. Received: pooling_ratio={pooling_ratio}")
    if len(numbers) == 1:
        numbers = numbers * 2
    if len(numbers) == 2:
        return [1.0, *numbers, 1.0]
    if len(numbers) != 4:
        raise ValueError(
            f"`pooling_ratio` should be of length 1, 2 or 4. Received: pooling_ratio={pooling_ratio} of length "
            f"{len(numbers)}"
        )
    if numbers[0] != 1 or numbers[3] != 1:
        raise ValueError(
            f"`pooling_ratio` should have first and last elements with value 1.0. Received: "
            f"pooling_ratio={pooling_ratio}"
        )
    return numbers


def _pool(operation: Any, value: Any, pooling_ratio: Any, seed: Any, name: str | None, **options: Any) -> Any:
    """Calls an operation with seeds, or without where ``seed`` is zero."""
    if seed:
        options.update(operation_seeds(seed), deterministic=True)
    return operation(value, pooling_ratio=_ratios(pooling_ratio), name=name, **options)


def fractional_max_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """Takes the maximum of windows of two neighbouring sizes, so that an image shrinks by any ratio.

    Args:
      value: images of shape ``[batch, height, width, channels]``.
      pooling_ratio: by how much height and width shrink: one number, two, or four.
      pseudo_random: whether window starts are a line with a random offset, rather than independent.
      overlapping: whether windows share the elements at their boundaries.
      seed: makes the sequences repeatable if it is not zero.
      name: the name of the node.

    Returns:
      The maxima, and the sequences that say where windows start along rows and along columns.
    """
    options = {"pseudo_random": pseudo_random, "overlapping": overlapping}
    return _pool(fractional_max_pool_op, value, pooling_ratio, seed, name, **options)


def fractional_avg_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """Takes the mean of windows of two neighbouring sizes; see :func:`fractional_max_pool` for the arguments."""
    options = {"pseudo_random": pseudo_random, "overlapping": overlapping}
    return _pool(fractional_avg_pool_op, value, pooling_ratio, seed, name, **options)


def fractional_max_pool_v1(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Takes maxima of fractional windows, with the operation's own seeds; see :func:`fractional_max_pool`.

    Args:
      value: images.
      pooling_ratio: four numbers.
      pseudo_random: whether window starts are a line with a random offset.
      overlapping: whether windows share the elements at their boundaries.
      deterministic: whether the seeds count; without it they must be zero.
      seed: the first seed.
      seed2: the second seed.
      name: the name of the node.
    """
    return fractional_max_pool_op(
        value,
        pooling_ratio=[float(item) for item in pooling_ratio],
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


def fractional_avg_pool_v1(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Takes means of fractional windows; see :func:`fractional_max_pool_v1` for the arguments."""
    return fractional_avg_pool_op(
        value,
        pooling_ratio=[float(item) for item in pooling_ratio],
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )
