"""The kernels of the random operations with a state: each draws on from where its last call ended.

What they draw from is the runtime's: a kernel gets ``generator``, the key and the counter of a stretch of the
Philox stream, and says through the option ``random=`` how long that stretch is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType, as_dtype
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.graph.types import FLOATING, INDEX, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.math.incomplete_gamma import quantile_slope
from tideflow._src.ops.random import direct_sampling, rejection_sampling
from tideflow._src.ops.random.output_shape import (
    categorical_shape,
    count_of,
    dimensions,
    joined,
    known_dimensions,
    require_scalar,
)
from tideflow._src.ops.retirement import retire
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import blocks_for_multinomial, blocks_for_outputs, blocks_for_shuffle

_GAMMA_TYPES = ("half", "float", "double")
_RATE_TYPES = ("half", "float", "double", "int32", "int64")


def numpy_type(dtype: DType) -> np.dtype[Any]:
    """Returns the NumPy dtype of an attribute."""
    return np.dtype(as_dtype(dtype).as_numpy_dtype)


def _blocks_of_shape(shape: Any, *parameters: Any, **attributes: Any) -> int:
    return blocks_for_outputs(count_of(shape))


def _blocks_of_each(shape: Any, parameter: Any, **attributes: Any) -> int:
    """Blocks for as many draws as ``shape`` has elements from each of the distributions."""
    return blocks_for_outputs(count_of(shape) * int(np.size(parameter)))


def _shape_samples(s: Any) -> Any:
    """Every dtype and shape dtype, more than one block, empty, scalar, no seed, and shapes that are none."""
    for dtype in s.dtypes("dtype"):
        yield s([2, 3], dtype=dtype, seed=3, seed2=5)
    yield s(np.array([7], np.int64), dtype="float32", seed=1)
    yield s([0, 3], dtype="float32", seed2=2)
    yield s(np.zeros(0, np.int32), dtype="float64", seed=1)
    yield s([2], dtype="float32")
    yield s([-1, 2], dtype="float32", seed=1, error="InvalidArgumentError")
    yield s(3, dtype="float32", seed=1, error="InvalidArgumentError")


@op(
    "RandomUniform",
    "shape: static T -> output: dtype",
    T=INDEX,
    dtype=FLOATING,
    random=_blocks_of_shape,
    differentiable=False,
)
def random_uniform_op(xp, shape, *, seed: int = 0, seed2: int = 0, dtype: DType, generator):
    """Draws from the uniform distribution on [0, 1)."""
    sizes = dimensions(shape)
    count = count_of(shape)
    return direct_sampling.uniform(xp, generator.key, generator.counter, count, numpy_type(dtype)).reshape(sizes)


@op(
    "RandomStandardNormal",
    "shape: static T -> output: dtype",
    T=INDEX,
    dtype=FLOATING,
    random=_blocks_of_shape,
    differentiable=False,
)
def random_standard_normal(xp, shape, *, seed: int = 0, seed2: int = 0, dtype: DType, generator):
    """Draws from the normal distribution with mean 0 and variance 1."""
    sizes = dimensions(shape)
    count = count_of(shape)
    return direct_sampling.normal(xp, generator.key, generator.counter, count, numpy_type(dtype)).reshape(sizes)


@op(
    "TruncatedNormal",
    "shape: static T -> output: dtype",
    T=INDEX,
    dtype=FLOATING,
    random=_blocks_of_shape,
    differentiable=False,
)
def truncated_normal_op(xp, shape, *, seed: int = 0, seed2: int = 0, dtype: DType, generator):
    """Draws from the standard normal distribution within two standard deviations of 0."""
    sizes = dimensions(shape)
    count = count_of(shape)
    draws = rejection_sampling.truncated_normal(xp, generator.key, generator.counter, count, numpy_type(dtype))
    return draws.reshape(sizes)


for _operation in (random_uniform_op, random_standard_normal, truncated_normal_op):
    _operation.shape(known_dimensions)
    _operation.samples(_shape_samples)


def check_integer_range(minval: Any, maxval: Any, count: int) -> None:
    """Rejects bounds that are no scalars, or between which there is no integer."""
    for name, bound in (("minval", minval), ("maxval", maxval)):
        if np.ndim(bound) != 0:
            raise InvalidArgumentError(None, None, f"{name} must be 0-D, got shape {list(np.shape(bound))}")
    if count:
        require(minval < maxval, f"Need minval < maxval, got {minval} >= {maxval}")


@op(
    "RandomUniformInt",
    "shape: static T, minval: Tout, maxval: Tout -> output: Tout",
    T=INDEX,
    Tout=INDEX,
    random=_blocks_of_shape,
    differentiable="missing",
)
def random_uniform_int(xp, shape, minval, maxval, *, seed: int = 0, seed2: int = 0, generator):
    """Draws integers from ``minval`` up to, but not including, ``maxval``."""
    sizes = dimensions(shape)
    count = count_of(shape)
    check_integer_range(minval, maxval, count)
    if not count:
        return xp.zeros(sizes, minval.dtype)
    draws = direct_sampling.uniform_int(xp, generator.key, generator.counter, count, minval, maxval, minval.dtype)
    return draws.reshape(sizes)


@random_uniform_int.shape
def _random_uniform_int_shape(shape, minval, maxval):
    require_scalar(minval, "minval")
    require_scalar(maxval, "maxval")
    return known_dimensions(shape)


@random_uniform_int.samples
def _random_uniform_int_samples(s):
    for dtype in s.dtypes("Tout"):
        numpy = numpy_type(dtype)
        limits = np.iinfo(numpy)
        yield s([2, 3], numpy.type(-3), numpy.type(9), seed=3)
        yield s([9], numpy.type(limits.min), numpy.type(limits.max), seed=3, seed2=4)
    yield s(np.array([3], np.int64), 0, 2, seed2=1)
    yield s([0], 3, 3, seed=1)
    yield s([2], 3, 3, seed=1, error="InvalidArgumentError")
    yield s([2], [3], 5, seed=1, error="InvalidArgumentError")


def _shuffle_blocks(value: Any, **attributes: Any) -> int:
    return blocks_for_shuffle(value.shape[0], int(np.prod(value.shape))) if value.shape else 0


@op(
    "RandomShuffle",
    "value: T -> output: T",
    tier="host",
    random=_shuffle_blocks,
    differentiable=False,
)
def random_shuffle_op(value, *, seed: int = 0, seed2: int = 0, generator):
    """Shuffles the rows of a tensor, that is, along its first dimension."""
    return shuffled(value, generator.key, generator.counter)


def shuffled(value: Any, key: Any, counter: Any) -> Any:
    """Returns the rows of ``value`` in the order that the stretch of the stream gives."""
    if np.ndim(value) == 0 or value.shape[0] <= 1 or 0 in value.shape:
        return value
    return value[direct_sampling.permutation(key, counter, value.shape[0])]


@random_shuffle_op.shape
def _random_shuffle_shape(value):
    return value


@random_shuffle_op.samples
def _random_shuffle_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((5, 2), dtype), seed=3)
    yield s(s.distinct((9,)), seed=3, seed2=4)
    yield s(s.distinct((1, 3)), seed=3)
    yield s(s.empty(3, 0), seed=3)
    yield s(s.normal(), seed=3)


def check_categorical(logits: Any, num_samples: Any) -> int:
    """Rejects arguments of a categorical distribution that do not fit; returns how many samples to draw."""
    problem = ""
    if np.ndim(logits) != 2:
        problem = f"logits should be a matrix, got shape {list(np.shape(logits))}"
    elif np.ndim(num_samples) != 0:
        problem = f"num_samples should be a scalar, got shape {list(np.shape(num_samples))}"
    elif int(num_samples) < 0:
        problem = f"num_samples should be non-negative, got {int(num_samples)}"
    elif logits.shape[1] <= 0:
        problem = f"num_classes should be positive, got {logits.shape[1]}"
    if problem:
        raise InvalidArgumentError(None, None, problem)
    return int(num_samples)


def _multinomial_blocks(logits: Any, num_samples: Any, **attributes: Any) -> int:
    if np.ndim(logits) != 2 or np.ndim(num_samples) != 0:
        return 0
    return blocks_for_multinomial(logits.shape[0], max(int(num_samples), 0))


@op(
    "Multinomial",
    "logits: T, num_samples: static int32 -> output: output_dtype",
    T=REAL,
    output_dtype=default("int64", INDEX),
    random=_multinomial_blocks,
    differentiable=False,
)
def multinomial_op(xp, logits, num_samples, *, seed: int = 0, seed2: int = 0, output_dtype: DType = "int64", generator):
    """Draws classes from the unnormalized log-probabilities in each row of ``logits``."""
    count = check_categorical(logits, num_samples)
    return direct_sampling.multinomial(xp, generator.key, generator.counter, logits, count, numpy_type(output_dtype))


@multinomial_op.shape
def _multinomial_shape(logits, num_samples):
    return categorical_shape(logits, num_samples)


@multinomial_op.samples
def _multinomial_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.is_floating:
            yield s(s.array((2, 4), dtype), 5, seed=3)
    yield s(s.normal(1, 3), 3, seed=3, seed2=1, output_dtype="int32")
    yield s(np.array([[0.0, -np.inf, 1.0], [np.nan, 0.0, -np.inf]], np.float32), 6, seed=3)
    yield s(s.normal(2, 3), 0, seed=3)
    yield s(s.empty(0, 3), 2, seed=3)
    yield s(s.normal(3), 2, seed=1, error="InvalidArgumentError")
    yield s(s.normal(1, 3), -2, seed=1, error="InvalidArgumentError")
    yield s(s.normal(1, 3), [2], seed=1, error="InvalidArgumentError")
    yield s(s.empty(2, 0), 2, seed=1, error="InvalidArgumentError")


@op(
    "RandomGamma",
    "shape: static S, alpha: T -> output: T",
    S=INDEX,
    T=_GAMMA_TYPES,
    tier="host",
    random=_blocks_of_each,
)
def random_gamma_op(shape, alpha, *, seed: int = 0, seed2: int = 0, generator):
    """Draws from gamma distributions of the shapes ``alpha``, a tensor of the given shape for each."""
    sizes = dimensions(shape)
    draws = rejection_sampling.gamma(generator.key, generator.counter, alpha, count_of(shape))
    return draws.reshape((*sizes, *alpha.shape))


@random_gamma_op.gradient
def _random_gamma_gradient(call, dy):
    shape, alpha = call.inputs
    return None, gradient_of_shapes(alpha, call.outputs[0], dy, known_shape(shape), raw.Size(shape))


def gradient_of_shapes(alpha: Any, draws: Any, dy: Any, shape: Any, rank: Any) -> Any:
    """Returns the gradient with respect to the shapes of gamma distributions.

    Args:
      alpha: the shapes.
      draws: the draws; the last dimensions are those of ``alpha``.
      dy: the gradient with respect to the draws.
      shape: the static shape of a vector with an element for each of the other dimensions, or None.
      rank: the number of the other dimensions, as a tensor.
    """
    slope = random_gamma_grad(alpha, draws)
    if shape is not None and shape[0] is not None:
        axes: Any = np.arange(shape[0], dtype=np.int32)
    else:
        axes = raw.Range(np.int32(0), rank, np.int32(1))
    return raw.Sum(dy * slope, axes)


@random_gamma_op.samples
def _random_gamma_samples(s):
    for dtype in s.dtypes("T"):
        yield s([2, 3], s.array((2,), dtype) ** 2 + s.positive((2,), dtype), seed=3, gradient=False)
    yield s([7], np.array([0.3, 1.0, 4.0], np.float64), seed=3, seed2=1, gradient=False)
    yield s(np.zeros(0, np.int64), s.positive((2, 2)), seed=3, gradient=False)
    yield s([2, 0], s.positive((2,)), seed=3, gradient=False)
    yield s([2], s.empty(0), seed=3, gradient=False)
    yield s([-2], s.positive((2,)), seed=1, error="InvalidArgumentError")
    yield s(2, s.positive((2,)), seed=1, error="InvalidArgumentError")


@op(
    "RandomPoissonV2",
    "shape: static S, rate: R -> output: dtype",
    S=INDEX,
    R=default("double", _RATE_TYPES),
    dtype=default("int64", _RATE_TYPES),
    tier="host",
    random=_blocks_of_each,
    differentiable="missing",
)
def random_poisson_v2(shape, rate, *, seed: int = 0, seed2: int = 0, dtype: DType = "int64", generator):
    """Draws from Poisson distributions of the given rates, a tensor of the given shape for each."""
    sizes = dimensions(shape)
    draws = rejection_sampling.poisson(
        generator.key, generator.counter, np.asarray(rate), count_of(shape), numpy_type(dtype)
    )
    return draws.reshape((*sizes, *np.shape(rate)))


@random_poisson_v2.samples
def _random_poisson_v2_samples(s):
    for dtype in s.dtypes("R"):
        yield s([2, 3], s.positive((2,), dtype), seed=3)
    for dtype in s.dtypes("dtype"):
        yield s([3], np.array([0.5, 15.0, 2.0], np.float32), seed=3, dtype=dtype)
    yield s([2], np.array([0.0, -1.0], np.float64), seed=3, seed2=1)
    yield s(np.zeros(0, np.int64), s.positive((2, 2)), seed=3)
    yield s(np.zeros(0, np.int64), np.float64(3.0), seed=3)
    yield s([2, 0], s.positive((2,)), seed=3)
    yield s([-2], s.positive((2,)), seed=1, error="InvalidArgumentError")
    yield s(2, s.positive((2,)), seed=1, error="InvalidArgumentError")


@op(
    "RandomPoisson",
    "shape: static S, rate: dtype -> output: dtype",
    S=INDEX,
    dtype=("half", "float", "double"),
    tier="host",
    random=_blocks_of_each,
    differentiable="missing",
)
def random_poisson(shape, rate, *, seed: int = 0, seed2: int = 0, generator):
    """Draws from Poisson distributions, as ``RandomPoissonV2`` does, numbers of the dtype of the rates."""
    sizes = dimensions(shape)
    rates = np.asarray(rate)
    draws = rejection_sampling.poisson(generator.key, generator.counter, rates, count_of(shape), rates.dtype)
    return draws.reshape((*sizes, *rates.shape))


@random_poisson.samples
def _random_poisson_samples(s):
    yield s([2, 3], s.positive((2,)), seed=3, error="UnimplementedError")


retire(random_poisson, 25, "Replaced by RandomPoissonV2")


@random_gamma_op.shape
@random_poisson_v2.shape
@random_poisson.shape
def _shape_of_each(shape, parameter):
    return joined(known_dimensions(shape), parameter)


@op("RandomGammaGrad", "alpha: T, sample: T -> output: T", T=("float", "double"), tier="xla", differentiable="missing")
def random_gamma_grad(alpha, sample):
    """Computes how a draw from a gamma distribution moves with the distribution's shape.

    The derivative is that of the implicit reparametrization (Figurnov, Mohamed, Mnih: "Implicit
    reparameterization gradients", 2018): minus the derivative of the distribution function by ``alpha``, over
    the density.
    """
    return quantile_slope(*_broadcast_together(alpha, sample))


def _broadcast_together(left: Any, right: Any) -> tuple[Any, Any]:
    shape = np.broadcast_shapes(left.shape, right.shape)
    return lax.broadcast_in_dim(left, shape, _last(left, shape)), lax.broadcast_in_dim(
        right, shape, _last(right, shape)
    )


def _last(value: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(len(shape) - value.ndim, len(shape)))


@random_gamma_grad.shape
def _random_gamma_grad_shape(alpha, sample):
    return broadcast(alpha, sample)


@random_gamma_grad.samples
def _random_gamma_grad_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.positive((2, 3), dtype), s.positive((2, 3), dtype), gradient=False)
    yield s(s.positive((3,)), s.positive((2, 1)), gradient=False)
    yield s(s.positive((2,)), s.positive((3,)), error="InvalidArgumentError")
