"""The random operations without a state: the numbers follow from a seed, or from a key and a counter, alone.

The first operations of TensorFlow of this kind take a seed of two integers; the later ones, whose names end
with V2 or V3, take what ``StatelessRandomGetKeyCounter`` makes of such a seed and the number of an algorithm.
Philox is the only algorithm on a CPU: 1, or 3, which leaves the choice to the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, INDEX, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.random import direct_sampling, rejection_sampling
from tideflow._src.ops.random.output_shape import (
    categorical_shape,
    count_of,
    dimensions,
    known_dimensions,
    require_rank,
    require_scalar,
    require_vector,
)
from tideflow._src.ops.random.stateful_ops import (
    check_categorical,
    check_integer_range,
    gradient_of_shapes,
    numpy_type,
    shuffled,
)
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import stateless_key_counter

PHILOX, THREEFRY, AUTO_SELECT = 1, 2, 3
_FULL_INTEGERS = ("int32", "int64", "uint32", "uint64")
_GAMMA_TYPES = ("half", "float", "double")
_RATE_TYPES = ("half", "float", "double", "int32", "int64")
_KEY_COUNTER = "key: uint64, counter: uint64, alg: static int32"


def key_counter(xp: Any, seed: Any) -> tuple[Any, Any]:
    """Returns the key and the counter of a seed."""
    if np.shape(seed) != (2,):
        raise InvalidArgumentError(None, None, f"seed must have shape [2], not {list(np.shape(seed))}")
    if seed.dtype.kind == "u":
        raise InvalidArgumentError(None, None, f"Invalid seed type: {seed.dtype}")
    return stateless_key_counter(xp, seed)


def _checked(key: Any, counter: Any, alg: Any) -> tuple[Any, Any]:
    """Returns a key and a counter that were given, after a look at them and at the algorithm."""
    problem = ""
    if np.ndim(alg) != 0:
        problem = f"input 3 (0-based) must have shape [], not {list(np.shape(alg))}"
    elif int(alg) not in (PHILOX, AUTO_SELECT):
        problem = f"Unsupported algorithm id: {int(alg)}"
    elif np.shape(key) != (1,):
        problem = f"key must have shape [1], not {list(np.shape(key))}: no batches of keys"
    elif np.ndim(counter) != 1 or counter.shape[0] < 2:
        problem = f"counter must be a vector with length at least 2; got shape: {list(np.shape(counter))}"
    if problem:
        raise InvalidArgumentError(None, None, problem)
    return key, counter[:2]


def _seed_shape(shape, seed):
    require_vector(seed, 2)
    return known_dimensions(shape)


def _seed_range_shape(shape, seed, minval, maxval):
    require_vector(seed, 2)
    require_scalar(minval, "minval")
    require_scalar(maxval, "maxval")
    return known_dimensions(shape)


def _seed_parameter_shape(shape, seed, parameter):
    require_vector(seed, 2)
    return known_dimensions(shape)


def _require_key_counter(key, counter, alg):
    require_rank(alg.shape, 0)
    require_vector(key, 1)
    require_rank(counter, 1)


def _key_shape(shape, key, counter, alg):
    _require_key_counter(key, counter, alg)
    return known_dimensions(shape)


def _key_range_shape(shape, key, counter, alg, minval, maxval):
    _require_key_counter(key, counter, alg)
    require_scalar(minval, "minval")
    require_scalar(maxval, "maxval")
    return known_dimensions(shape)


def _key_parameter_shape(shape, key, counter, alg, parameter):
    _require_key_counter(key, counter, alg)
    return known_dimensions(shape)


def _key(low: int = 7) -> Any:
    return np.array([low], np.uint64)


def _counter(*words: int) -> Any:
    return np.array(words or (3, 1 << 63), np.uint64)


def _seed_samples(s: Any) -> Any:
    """Every dtype, seed dtype, shape dtype; negative seeds; empty; scalar; what is no seed, no shape."""
    for dtype in s.dtypes("dtype"):
        yield s([2, 3], [1, 2], dtype=dtype)
    for dtype in s.dtypes("Tseed"):
        error = "InvalidArgumentError" if dtype.is_unsigned else None
        yield s(np.array([7], np.int64), np.array([5, 1 << 20], numpy_type(dtype)), error=error)
    yield s([3], [-1, -2])
    yield s([0, 3], [1, 2])
    yield s(np.zeros(0, np.int32), [1, 2])
    yield s([2], [1, 2, 3], error="InvalidArgumentError")
    yield s([-2], [1, 2], error="InvalidArgumentError")


def _key_samples(s: Any) -> Any:
    """Every dtype; both numbers of Philox; a long counter; empty; what is no key, counter, algorithm."""
    for dtype in s.dtypes("dtype"):
        yield s([2, 3], _key(), _counter(), 1, dtype=dtype)
    yield s(np.array([7], np.int64), _key((1 << 64) - 1), _counter((1 << 64) - 1, 0, 5), 3)
    yield s([0, 3], _key(), _counter(), 1)
    yield s([2], np.array([1, 2], np.uint64), _counter(), 1, error="InvalidArgumentError")
    yield s([2], _key(), _counter()[:0], 1, error="InvalidArgumentError")
    yield s([2], _key(), _counter(), 2, error="InvalidArgumentError")
    yield s([2], _key(), _counter(), [1], error="InvalidArgumentError")
    yield s([-2], _key(), _counter(), 1, error="InvalidArgumentError")


def _fill(draw: Callable[..., Any], xp: Any, key: Any, counter: Any, shape: Any, dtype: DType) -> Any:
    """Returns a tensor of the given shape, filled by one of the functions of ``direct_sampling``."""
    sizes = dimensions(shape)
    return draw(xp, key, counter, count_of(shape), numpy_type(dtype)).reshape(sizes)


def _define_filling(
    name: str,
    draw: Callable[..., Any],
    allowed: tuple[str, ...],
    implied: str,
    seeds: tuple[str, ...],
    text: str,
) -> tuple[Any, Any]:
    """Defines the two operations, from a seed and from a key, of a distribution without parameters."""
    choice = default(implied, allowed)

    @op(
        f"Stateless{name}",
        "shape: static T, seed: Tseed -> output: dtype",
        dtype=choice,
        T=default("int32", INDEX),
        Tseed=default("int64", seeds),
        differentiable=False,
    )
    def from_seed(xp, shape, seed, *, dtype: DType = implied):
        return _fill(draw, xp, *key_counter(xp, seed), shape, dtype)

    @op(
        f"Stateless{name}V2",
        f"shape: static Tshape, {_KEY_COUNTER} -> output: dtype",
        dtype=choice,
        Tshape=default("int32", INDEX),
        differentiable=False,
    )
    def from_key(xp, shape, key, counter, alg, *, dtype: DType = implied):
        return _fill(draw, xp, *_checked(key, counter, alg), shape, dtype)

    from_seed.kernel.__doc__ = f"{text} The numbers follow from the seed."
    from_key.kernel.__doc__ = f"{text} The numbers follow from the key and the counter."
    from_seed.shape(_seed_shape)
    from_key.shape(_key_shape)
    from_seed.samples(_seed_samples)
    from_key.samples(_key_samples)
    return from_seed, from_key


stateless_random_uniform, stateless_random_uniform_v2 = _define_filling(
    "RandomUniform",
    direct_sampling.uniform,
    FLOATING,
    "float32",
    INDEX,
    "Draws from the uniform distribution on [0, 1).",
)
stateless_random_normal, stateless_random_normal_v2 = _define_filling(
    "RandomNormal",
    direct_sampling.normal,
    FLOATING,
    "float32",
    INDEX,
    "Draws from the normal distribution with mean 0 and variance 1.",
)
stateless_truncated_normal_op, stateless_truncated_normal_v2 = _define_filling(
    "TruncatedNormal",
    rejection_sampling.truncated_normal,
    FLOATING,
    "float32",
    INDEX,
    "Draws from the standard normal distribution within two standard deviations of 0.",
)
stateless_random_uniform_full_int, stateless_random_uniform_full_int_v2 = _define_filling(
    "RandomUniformFullInt",
    direct_sampling.uniform_full_int,
    _FULL_INTEGERS,
    "uint64",
    _FULL_INTEGERS,
    "Draws integers of which every bit is random.",
)


def _fill_range(xp: Any, key: Any, counter: Any, shape: Any, minval: Any, maxval: Any) -> Any:
    sizes = dimensions(shape)
    count = count_of(shape)
    check_integer_range(minval, maxval, count)
    if not count:
        return xp.zeros(sizes, minval.dtype)
    return direct_sampling.uniform_int(xp, key, counter, count, minval, maxval, minval.dtype).reshape(sizes)


@op(
    "StatelessRandomUniformInt",
    "shape: static T, seed: Tseed, minval: dtype, maxval: dtype -> output: dtype",
    dtype=INDEX,
    T=INDEX,
    Tseed=default("int64", INDEX),
    differentiable=False,
)
def stateless_random_uniform_int(xp, shape, seed, minval, maxval):
    """Draws integers from ``minval`` up to, but not including, ``maxval``, from the seed."""
    return _fill_range(xp, *key_counter(xp, seed), shape, minval, maxval)


@stateless_random_uniform_int.samples
def _stateless_random_uniform_int_samples(s):
    for dtype in s.dtypes("dtype"):
        numpy = numpy_type(dtype).type
        yield s([2, 3], [1, 2], numpy(-3), numpy(9))
    yield s(np.array([3], np.int64), np.array([1, 2], np.int64), 0, 2)
    yield s([0], [1, 2], 3, 3)
    yield s([2], [1, 2], 3, 3, error="InvalidArgumentError")
    yield s([2], [1, 2], [3], 5, error="InvalidArgumentError")
    yield s([2], [1, 2, 3], 3, 5, error="InvalidArgumentError")


@op(
    "StatelessRandomUniformIntV2",
    f"shape: static Tshape, {_KEY_COUNTER}, minval: dtype, maxval: dtype -> output: dtype",
    dtype=_FULL_INTEGERS,
    Tshape=default("int32", INDEX),
    differentiable=False,
)
def stateless_random_uniform_int_v2(xp, shape, key, counter, alg, minval, maxval):
    """Draws integers from ``minval`` up to, but not including, ``maxval``, from key and counter."""
    return _fill_range(xp, *_checked(key, counter, alg), shape, minval, maxval)


@stateless_random_uniform_int_v2.samples
def _stateless_random_uniform_int_v2_samples(s):
    for dtype in s.dtypes("dtype"):
        numpy = numpy_type(dtype).type
        yield s([2, 3], _key(), _counter(), 1, numpy(3), numpy(9))
    yield s([0], _key(), _counter(), 1, 3, 3)
    yield s([2], _key(), _counter(), 1, 5, 4, error="InvalidArgumentError")
    yield s([2], _key(), _counter(), 2, 4, 5, error="InvalidArgumentError")


stateless_random_uniform_int.shape(_seed_range_shape)
stateless_random_uniform_int_v2.shape(_key_range_shape)


# Keys, counters and algorithms.


@op(
    "StatelessRandomGetKeyCounter",
    "seed: Tseed -> key: uint64, counter: uint64",
    Tseed=default("int64", INDEX),
    differentiable="missing",
)
def stateless_random_get_key_counter(xp, seed):
    """Returns the key and the counter that a seed stands for."""
    return key_counter(xp, seed)


@stateless_random_get_key_counter.shape
def _stateless_random_get_key_counter_shape(seed):
    require_vector(seed, 2)
    return (1,), (2,)


@op(
    "StatelessRandomGetKeyCounterAlg",
    "seed: Tseed -> key: uint64, counter: uint64, alg: int32",
    Tseed=default("int64", INDEX),
    differentiable="missing",
)
def stateless_random_get_key_counter_alg(xp, seed):
    """Returns the key and the counter that a seed stands for, and the number of the algorithm, Philox."""
    return *key_counter(xp, seed), xp.asarray(PHILOX, np.int32)


@stateless_random_get_key_counter_alg.shape
def _stateless_random_get_key_counter_alg_shape(seed):
    require_vector(seed, 2)
    return (1,), (2,), ()


def _key_counter_samples(s: Any) -> Any:
    for dtype in s.dtypes("Tseed"):
        yield s(np.array([1, 2], numpy_type(dtype)))
    yield s([-1, 5])
    yield s([1, 2, 3], error="InvalidArgumentError")
    yield s(1, error="InvalidArgumentError")


stateless_random_get_key_counter.samples(_key_counter_samples)
stateless_random_get_key_counter_alg.samples(_key_counter_samples)


@op("StatelessRandomGetAlg", "-> alg: int32", stateful=True, differentiable="missing")
def stateless_random_get_alg(xp):
    """Returns the number of the algorithm that the device prefers: Philox."""
    return xp.asarray(PHILOX, np.int32)


@stateless_random_get_alg.shape
def _stateless_random_get_alg_shape():
    return ()


@stateless_random_get_alg.samples
def _stateless_random_get_alg_samples(s):
    yield s()


# Distributions with parameters, and shuffling.


@op(
    "StatelessMultinomial",
    "logits: T, num_samples: static int32, seed: Tseed -> output: output_dtype",
    T=REAL,
    Tseed=default("int64", INDEX),
    output_dtype=default("int64", INDEX),
    differentiable=False,
)
def stateless_multinomial_op(xp, logits, num_samples, seed, *, output_dtype: DType = "int64"):
    """Draws classes from the unnormalized log-probabilities in each row of ``logits``."""
    key, counter = key_counter(xp, seed)
    count = check_categorical(logits, num_samples)
    return direct_sampling.multinomial(xp, key, counter, logits, count, numpy_type(output_dtype))


@stateless_multinomial_op.shape
def _stateless_multinomial_shape(logits, num_samples, seed):
    require_vector(seed, 2)
    return categorical_shape(logits, num_samples)


@stateless_multinomial_op.samples
def _stateless_multinomial_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.is_floating:
            yield s(s.array((2, 4), dtype), 5, [1, 2])
    yield s(s.normal(1, 3), 3, np.array([1, 2], np.int64), output_dtype="int32")
    yield s(s.normal(2, 3), 0, [1, 2])
    yield s(s.normal(3), 2, [1, 2], error="InvalidArgumentError")
    yield s(s.normal(1, 3), -2, [1, 2], error="InvalidArgumentError")
    yield s(s.normal(1, 3), 2, [1, 2, 3], error="InvalidArgumentError")


@op("StatelessShuffle", f"value: T, {_KEY_COUNTER} -> output: T", tier="host", differentiable="missing")
def stateless_shuffle_op(value, key, counter, alg):
    """Shuffles the rows of a tensor, that is, along its first dimension."""
    return shuffled(value, *_checked(key, counter, alg))


@stateless_shuffle_op.shape
def _stateless_shuffle_shape(value, key, counter, alg):
    return value


@stateless_shuffle_op.samples
def _stateless_shuffle_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((5, 2), dtype), _key(), _counter(), 1, gradient=False)
    yield s(s.distinct((9,)), _key(), _counter(), 3, gradient=False)
    yield s(s.distinct((1, 3)), _key(), _counter(), 1, gradient=False)
    yield s(s.distinct((3,)), _key(), _counter(), 2, error="InvalidArgumentError")


def _samples_of_each(shape: Any, parameter: Any) -> tuple[tuple[int, ...], int]:
    """Returns the output's shape, whose last part is the parameter's, and the number of draws for each."""
    sizes = dimensions(shape)
    rank = np.ndim(parameter)
    if sizes[len(sizes) - rank :] != np.shape(parameter) or rank > len(sizes):
        raise InvalidArgumentError(
            None,
            None,
            "Shape passed in must end with broadcasted shape: "
            f"{list(sizes)} does not end with {list(np.shape(parameter))}",
        )
    return sizes, int(np.prod(sizes[: len(sizes) - rank], dtype=np.int64))


def _gamma(key: Any, counter: Any, shape: Any, alpha: Any) -> Any:
    sizes, count = _samples_of_each(shape, alpha)
    return rejection_sampling.gamma(key, counter, np.asarray(alpha), count).reshape(sizes)


@op(
    "StatelessRandomGammaV2",
    "shape: static T, seed: Tseed, alpha: dtype -> output: dtype",
    dtype=_GAMMA_TYPES,
    T=INDEX,
    Tseed=default("int64", INDEX),
    tier="host",
)
def stateless_random_gamma_v2(shape, seed, alpha):
    """Draws from gamma distributions; the output's shape ends with that of ``alpha``, their shapes."""
    return _gamma(*key_counter(np, seed), shape, alpha)


@stateless_random_gamma_v2.gradient
def _stateless_random_gamma_v2_gradient(call, dy):
    shape, _, alpha = call.inputs
    return None, None, _gradient_of_shapes(call, shape, alpha, dy)


def _gradient_of_shapes(call: Any, shape: Any, alpha: Any, dy: Any) -> Any:
    sizes, parameter = known_shape(shape), known_shape(alpha)
    others = None
    if sizes is not None and sizes[0] is not None and parameter is not None:
        others = (sizes[0] - len(parameter),)
    rank = raw.Size(shape) - raw.Rank(alpha)
    return gradient_of_shapes(alpha, call.outputs[0], dy, others, rank)


@stateless_random_gamma_v2.samples
def _stateless_random_gamma_v2_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s([3, 2], [1, 2], s.positive((2,), dtype), gradient=False)
    yield s(np.array([4], np.int64), np.array([1, -2], np.int64), np.float32(0.4), gradient=False)
    yield s([0, 2], [1, 2], s.positive((2,)), gradient=False)
    yield s([3, 3], [1, 2], s.positive((2,)), error="InvalidArgumentError")
    yield s([3, 2], [1, 2, 3], s.positive((2,)), error="InvalidArgumentError")


@op(
    "StatelessRandomGammaV3",
    f"shape: static shape_dtype, {_KEY_COUNTER}, alpha: dtype -> output: dtype",
    dtype=_GAMMA_TYPES,
    shape_dtype=default("int32", INDEX),
    tier="host",
)
def stateless_random_gamma_v3(shape, key, counter, alg, alpha):
    """Draws from gamma distributions; the output's shape ends with that of ``alpha``, their shapes."""
    return _gamma(*_checked(key, counter, alg), shape, alpha)


@stateless_random_gamma_v3.gradient
def _stateless_random_gamma_v3_gradient(call, dy):
    shape, _, _, _, alpha = call.inputs
    return None, None, None, None, _gradient_of_shapes(call, shape, alpha, dy)


@stateless_random_gamma_v3.samples
def _stateless_random_gamma_v3_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s([3, 2], _key(), _counter(), 1, s.positive((2,), dtype), gradient=False)
    yield s([3, 3], _key(), _counter(), 3, s.positive((2,)), error="InvalidArgumentError")
    yield s([3, 2], _key(), _counter(), 2, s.positive((2,)), error="InvalidArgumentError")


@op(
    "StatelessRandomPoisson",
    "shape: static T, seed: Tseed, lam: Rtype -> output: dtype",
    Rtype=_RATE_TYPES,
    dtype=_RATE_TYPES,
    T=INDEX,
    Tseed=default("int64", INDEX),
    tier="host",
    differentiable=False,
)
def stateless_random_poisson_op(shape, seed, lam, *, dtype: DType):
    """Draws from Poisson distributions of the rates ``lam``; the output's shape ends with that of ``lam``."""
    key, counter = key_counter(np, seed)
    sizes, count = _samples_of_each(shape, lam)
    rates = np.asarray(lam)
    return rejection_sampling.poisson(key, counter, rates, count, numpy_type(dtype)).reshape(sizes)


@stateless_random_poisson_op.samples
def _stateless_random_poisson_samples(s):
    for dtype in s.dtypes("Rtype"):
        yield s([3, 2], [1, 2], s.positive((2,), dtype), dtype="int32")
    for dtype in s.dtypes("dtype"):
        yield s([3, 2], [1, -2], np.array([0.5, 22.5], np.float32), dtype=dtype)
    yield s([3, 3], [1, 2], s.positive((2,)), dtype="int32", error="InvalidArgumentError")
    yield s([3, 2], [1, 2, 3], s.positive((2,)), dtype="int32", error="InvalidArgumentError")


stateless_random_gamma_v2.shape(_seed_parameter_shape)
stateless_random_gamma_v3.shape(_key_parameter_shape)
stateless_random_poisson_op.shape(_seed_parameter_shape)
