"""Normal numbers between bounds of one's own, as TensorFlow's CPU kernels draw them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.direct_sampling import box_muller, unit_from_words
from tideflow._src.ops.random.output_shape import dimensions, known_dimensions, require_vector
from tideflow._src.ops.random.stateless_ops import key_counter
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox_at

#: How far outside of the mean a bound must lie for plain normal numbers to be likely enough inside.
_WIDE = 1.3
_MOST_TRIES = 1000
_BATCH = 100
_CHUNK = 4096


class _Reader:
    """Reads blocks of words off a Philox stream."""

    def __init__(self, key: Any, counter: Any) -> None:
        self._key, self._counter = key, counter
        self.position = 0

    def read(self, blocks: int) -> NDArray[np.uint32]:
        """Returns the next blocks, and does not pass them."""
        offsets = np.arange(self.position, self.position + blocks, dtype=np.uint64)
        words: NDArray[np.uint32] = philox_at(np, self._key, self._counter, offsets)
        return words


def _one(reader: _Reader, mean: Any, deviation: Any, low: Any, high: Any, count: int) -> NDArray[Any]:
    """Draws ``count`` numbers of one distribution.

    The methods are those of Robert ("Simulation of truncated normal variables", Statistics and Computing 5, 1995).

    Raises:
      InvalidArgumentError: no number is between the bounds, or both are infinite.
    """
    dtype = mean.dtype
    if not (deviation > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
        raise InvalidArgumentError(
            None, None, f"Invalid parameters: mean {mean}, stddev {deviation}, minval {low}, maxval {high}"
        )
    if (np.isinf(low) and low < 0) or high < mean:
        low, high, deviation = high, low, -deviation
    lower, upper = (low - mean) / deviation, (high - mean) / deviation
    root = np.sqrt(lower * lower + dtype.type(4))
    cutoff = dtype.type(2) * np.exp(dtype.type(0.5) + (lower * (lower - root)) / dtype.type(4)) / (lower + root)
    span = upper - lower
    if (lower < -_WIDE and upper >= 0) or (upper > _WIDE and lower <= 0):
        width = 1

        def candidates(words: Any) -> tuple[Any, Any]:
            values = box_muller(np, words, dtype)
            return values, (values >= lower) & (values <= upper)

    elif span < cutoff:
        width = 2
        shift = dtype.type(0) if lower < 0 else lower * lower

        def candidates(words: Any) -> tuple[Any, Any]:
            values = unit_from_words(np, words[0::2], dtype) * span + lower
            return values, unit_from_words(np, words[1::2], dtype) <= np.exp((shift - values * values) / dtype.type(2))

    else:
        width = 1
        rate = (lower + root) / dtype.type(2)

        def candidates(words: Any) -> tuple[Any, Any]:
            units = unit_from_words(np, words, dtype)
            values = -np.log(units[:, 0::2]) / rate + lower
            away = rate - values if lower < rate else lower - rate
            return values, (units[:, 1::2] <= np.exp(-away * away / dtype.type(2))) & (values < upper)

    found: list[NDArray[Any]] = []
    missing, refused = count, 0
    while missing:
        blocks = width * min(missing + 8, _CHUNK)
        values, good = candidates(reader.read(blocks))
        per_row = values.shape[1]
        values, places = values.reshape(-1), np.flatnonzero(good.reshape(-1))
        if not places.size:
            refused += values.size
            if refused >= _MOST_TRIES:
                places = np.array([0])
        chosen = places[:missing]
        found.append(values[chosen])
        missing -= chosen.size
        used = values.size // per_row if missing else int(chosen[-1]) // per_row + 1
        reader.position += used * width
    return np.concatenate(found) * deviation + mean


def truncated(key: Any, counter: Any, parameters: Any, count: int) -> NDArray[Any]:
    """Draws ``count`` numbers for each row of ``parameters``: mean, deviation and bounds; ``[rows, count]``."""
    reader = _Reader(key, counter)
    result = np.empty((parameters.shape[0], count), parameters.dtype)
    for row, (mean, deviation, low, high) in enumerate(parameters):
        result[row] = _one(reader, mean, deviation, low, high, count)
    return result


@op(
    "StatelessParameterizedTruncatedNormal",
    "shape: static S, seed: Tseed, means: dtype, stddevs: dtype, minvals: dtype, maxvals: dtype -> output: dtype",
    S=INDEX,
    Tseed=default("int64", INDEX),
    dtype=("half", "float", "double"),
    tier="host",
)
def stateless_parameterized_truncated_normal_op(shape, seed, means, stddevs, minvals, maxvals):
    """Draws normal numbers between bounds; the output's shape ends with that of the parameters."""
    key, counter = key_counter(np, seed)
    sizes = dimensions(shape)
    try:
        each = np.broadcast_arrays(means, stddevs, minvals, maxvals)
    except ValueError:
        raise InvalidArgumentError(
            None,
            None,
            "means, stddevs, minvals and maxvals must have compatible batch dimensions: "
            f"{means.shape}, {stddevs.shape}, {minvals.shape}, {maxvals.shape}",
        ) from None
    inner = each[0].shape
    if len(inner) > len(sizes) or sizes[len(sizes) - len(inner) :] != inner:
        raise InvalidArgumentError(
            None,
            None,
            f"Shape passed in must end with broadcasted shape: {list(sizes)} does not with {list(inner)}",
        )
    count = int(np.prod(sizes[: len(sizes) - len(inner)], dtype=np.int64))
    if not count * each[0].size:
        return np.empty(sizes, means.dtype)
    parameters = np.stack([item.reshape(-1) for item in each], axis=1)
    return truncated(key, counter, parameters, count).T.reshape(sizes)


@stateless_parameterized_truncated_normal_op.shape
def _stateless_parameterized_shape(shape, seed, means, stddevs, minvals, maxvals):
    require_vector(seed, 2)
    return known_dimensions(shape)


@stateless_parameterized_truncated_normal_op.gradient
def _stateless_parameterized_gradient(call, dy):
    """Differentiates implicitly: the value of the distribution function at the number stays what it is.

    The gradients with respect to mean and deviation are those of TensorFlow, where the bounds move along.
    """
    _, _, mean, deviation, low, high = call.inputs
    sample = call.outputs[0]
    dtype = np.dtype(mean.dtype.as_numpy_dtype)
    low_unit, high_unit, unit = ((item - mean) / deviation for item in (low, high, sample))
    chance = (_below(unit) - _below(low_unit)) / (_below(high_unit) - _below(low_unit))
    limits = np.finfo(dtype)
    chance = raw.ClipByValue(chance, limits.tiny, dtype.type(1) - limits.eps)
    half = dtype.type(0.5)
    by_high = raw.Exp(half * (raw.Square(unit) - raw.Square(high_unit)) + raw.Log(chance))
    by_low = raw.Exp(half * (raw.Square(unit) - raw.Square(low_unit)) + raw.Log1p(-chance))
    by_mean, by_deviation = dtype.type(1), unit
    whole = raw.Shape(sample)
    gradients = []
    for parameter, factor in ((mean, by_mean), (deviation, by_deviation), (low, by_low), (high, by_high)):
        own = raw.Shape(parameter)
        _, axes = raw.BroadcastGradientArgs(whole, own)
        gradients.append(raw.Reshape(raw.Sum(dy * factor, axes), own))
    return None, None, *gradients


def _below(unit: Any) -> Any:
    """Returns the normal distribution function."""
    dtype = np.dtype(unit.dtype.as_numpy_dtype).type
    return dtype(0.5) * raw.Erfc(unit * dtype(-np.sqrt(0.5)))


@stateless_parameterized_truncated_normal_op.samples
def _stateless_parameterized_samples(s):
    for dtype in s.dtypes("dtype"):
        kind = np.dtype(dtype.as_numpy_dtype)
        limits = np.array([-2, 3, -1], kind), np.array([2, 9, 20], kind)
        options = {"differences": False, "tolerance": 1e-2 if kind.itemsize == 2 else 1e-4}
        yield s([2, 3], [1, 2], np.array([0, 1, 5], kind), np.array(1, kind), *limits, **options)
    one = np.float32(1)
    limits = np.float32([0.1, -9]), np.float32([0.5, -3])
    yield s([9, 2], [3, 4], np.zeros(2, np.float32), one, *limits, tolerance=1e-4, differences=False)
    yield s([9], [3, 4], one, one, np.float32(-np.inf), np.float32(2), tolerance=1e-4, gradient=False)
    yield s([0, 2], [3, 4], np.zeros(2, np.float32), one, -one, one)
    error = {"error": "InvalidArgumentError"}
    yield s([3], [3, 4], one, one, one, one, **error)
    yield s([3], [3, 4], one, -one, -one, one, **error)
    yield s([3], [3, 4], np.zeros(2, np.float32), one, -one, one, **error)
    yield s([3], [3, 4, 5], one, one, -one, one, **error)


def _blocks(shape: Any, *parameters: Any, **attributes: Any) -> int:
    """Returns how far one call moves the stream on."""
    if np.ndim(shape) != 1 or np.size(shape) == 0:
        return 0
    sizes = np.maximum(np.asarray(shape), 0).tolist()
    batches, samples = _split(sizes, parameters)
    return 2 * _MOST_TRIES * batches * (samples + 3) // 4


def _split(sizes: list[int], parameters: Any) -> tuple[int, int]:
    """Returns how many batches there are, and how many numbers in each, as TensorFlow divides them."""
    size = int(np.prod(sizes, dtype=np.int64))
    if all(np.ndim(item) == 0 for item in parameters):
        return -(-size // _BATCH), _BATCH
    return sizes[0], size // max(sizes[0], 1)


@op(
    "ParameterizedTruncatedNormal",
    "shape: static T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype -> output: dtype",
    dtype=FLOATING,
    T=INDEX,
    tier="host",
    random=_blocks,
    differentiable=False,
)
def parameterized_truncated_normal_op(
    shape, means, stdevs, minvals, maxvals, *, seed: int = 0, seed2: int = 0, generator
):
    """Draws normal numbers between bounds; parameters are single, or one for each element of the first dimension."""
    sizes = dimensions(shape)
    if not sizes:
        raise InvalidArgumentError(None, None, "Shape must not be empty, got []")
    each = (means, stdevs, minvals, maxvals)
    for name, value in zip(("means", "stdevs", "minvals", "maxvals"), each, strict=True):
        if value.ndim > 1 or value.size not in (1, sizes[0]):
            raise InvalidArgumentError(
                None,
                None,
                f"Input {name} should have length 1 or shape[0]: {sizes[0]}, got shape {list(value.shape)}",
            )
    size = int(np.prod(sizes, dtype=np.int64))
    if not size:
        return np.empty(sizes, means.dtype)
    batches, count = _split(list(sizes), each)
    parameters = np.stack([np.broadcast_to(item.reshape(-1), (batches,)) for item in each], axis=1)
    drawn = truncated(generator.key, generator.counter, parameters, count)
    return drawn.reshape(-1)[:size].reshape(sizes).astype(means.dtype)


@parameterized_truncated_normal_op.shape
def _parameterized_shape(shape, means, stdevs, minvals, maxvals):
    for parameter in (means, stdevs, minvals, maxvals):
        if parameter is not None and len(parameter) > 1:
            raise ValueError(f"Shape must be at most rank 1 but is rank {len(parameter)}")
    return known_dimensions(shape)


@parameterized_truncated_normal_op.samples
def _parameterized_samples(s):
    for dtype in s.dtypes("dtype"):
        kind = np.dtype(dtype.as_numpy_dtype)
        two = np.array([0, 2], kind)
        low, high = np.array([-1, 2.5], kind), np.array([1, 6], kind)
        yield s([2, 5], two, np.array([1, 2], kind), low, high, seed=3, tolerance=3e-2 if kind.itemsize == 2 else 1e-4)
    one = np.ones(1, np.float32)
    yield s([250], 0 * one, one, -one, 2 * one, seed=3, seed2=5, tolerance=1e-4)
    single = np.float32(1)
    yield s([250], 0 * single, single, -single, 2 * single, seed=3, seed2=5, tolerance=1e-4)
    yield s([0], 0 * one, one, -one, 2 * one, seed=3)
    error = {"error": "InvalidArgumentError", "seed": 1}
    yield s([2, 5], 0 * one, one, 2 * one, one, **error)
    yield s([2, 5], np.zeros(3, np.float32), one, -one, one, **error)
    yield s(np.zeros(0, np.int32), 0 * one, one, -one, one, **error)
