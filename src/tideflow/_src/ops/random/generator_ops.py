"""Random operations whose state is a variable: what ``tf.random.Generator`` is made of.

The state is an int64 vector: the two words of Philox's counter, then its key. Drawing n numbers moves the counter on by
256 n, so that those that are rejected never run into the next call's.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, UnimplementedError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.random import direct_sampling, rejection_sampling
from tideflow._src.ops.random.binomial import COUNT_TYPES, binomial, binomial_shape
from tideflow._src.ops.random.output_shape import count_of, dimensions, known_dimensions, require_rank, require_scalar
from tideflow._src.ops.random.stateful_ops import check_integer_range, numpy_type
from tideflow._src.ops.random.stateless_ops import AUTO_SELECT, PHILOX, THREEFRY
from tideflow._src.ops.retirement import retire
from tideflow._src.runtime import rollback
from tideflow._src.runtime.op import op

_RESERVED = 256
_STATE_SIZE = 3
_INTEGERS = ("int32", "int64", "uint32", "uint64")
_FLOATS = ("float16", "bfloat16", "float32", "float64")


def _checked(state: Any, algorithm: Any, name: str = "algorithm") -> Any:
    """Returns the state of a variable as unsigned words, after a look at it and at the algorithm."""
    problem = ""
    if np.ndim(algorithm) != 0:
        problem = f"{name} must be of shape [], not {list(np.shape(algorithm))}"
    elif int(algorithm) == THREEFRY:
        raise UnimplementedError(None, None, "Non-XLA devices don't support the ThreeFry algorithm.")
    elif int(algorithm) not in (PHILOX, AUTO_SELECT):
        problem = f"Unsupported algorithm id: {int(algorithm)}"
    elif state.dtype != np.int64:
        problem = f"dtype of RNG state variable must be int64, not {state.dtype}"
    elif state.ndim != 1:
        problem = f"RNG state must have one and only one dimension, not {state.ndim}"
    elif state.shape[0] < _STATE_SIZE:
        problem = f"For the Philox algorithm, the size of state must be at least {_STATE_SIZE}; got {state.shape[0]}"
    if problem:
        raise InvalidArgumentError(None, None, problem)
    return state.astype(np.uint64)


def _moved(xp: Any, words: Any, outputs: Any) -> Any:
    """Returns the state behind as many outputs, a signed number."""
    low, high = words[0], words[1]
    signed = xp.asarray(outputs).astype(np.int64)
    step = signed.astype(np.uint64) * np.uint64(_RESERVED)
    after = (low + step).astype(np.uint64)
    carry = (after < low).astype(np.uint64) - (signed < 0).astype(np.uint64)
    counter = xp.stack([after, (high + carry).astype(np.uint64)])
    return xp.concatenate([counter, words[2:]]).astype(np.int64)


@op("RngSkip", "resource: resource, algorithm: static int64, delta: int64 ->", updates=("resource",), stateful=True,
    differentiable="missing")  # fmt: skip
def rng_skip(xp, resource, algorithm, delta):
    """Moves the counter on by as much as ``delta`` numbers would."""
    words = _checked(resource, algorithm)
    _require_scalar_value("delta", delta)
    return _moved(xp, words, delta)


def _require_scalar_value(name: str, value: Any) -> None:
    if np.ndim(value) != 0:
        raise InvalidArgumentError(None, None, f"{name} must be of shape [], not {list(np.shape(value))}")


@rng_skip.shape
def _rng_skip_shape(resource, algorithm, delta):
    require_rank(algorithm.shape, 0)
    require_rank(delta, 0)
    return []


@op("RngReadAndSkip", "resource: resource, alg: static int32, delta: uint64 -> value: int64", updates=("resource",),
    stateful=True, differentiable="missing")  # fmt: skip
def rng_read_and_skip(xp, resource, alg, delta):
    """Reads the state, and moves the counter on by as much as ``delta`` numbers would."""
    words = _checked(resource, alg, "alg")
    _require_scalar_value("delta", delta)
    return _moved(xp, words, delta), resource[:_STATE_SIZE]


@rng_read_and_skip.shape
def _rng_read_and_skip_shape(resource, alg, delta):
    require_rank(alg.shape, 0)
    require_rank(delta, 0)
    return (_STATE_SIZE,)


def _state(*words: int) -> Any:
    return np.array(words or (5, 1 << 62, -7), np.int64)


@rng_skip.samples
def _rng_skip_samples(s):
    yield s(s.variable(_state()), np.int64(1), np.int64(5))
    yield s(s.variable(_state()), np.int64(9), np.int64(5), error="InvalidArgumentError")
    yield s(s.variable(_state()), np.int64(2), np.int64(5), error="UnimplementedError")
    yield s(s.variable(_state()[:2]), np.int64(1), np.int64(5), error="InvalidArgumentError")


@rng_read_and_skip.samples
def _rng_read_and_skip_samples(s):
    one = np.uint64(1)
    yield s(s.variable(_state()), 1, 5 * one)
    yield s(s.variable(_state(-1, -1, 3)), 3, one)
    yield s(s.variable(_state()), 4, one, error="InvalidArgumentError")
    yield s(s.variable(_state()), 2, one, error="UnimplementedError")
    yield s(s.variable(_state()[:2]), 1, one, error="InvalidArgumentError")
    yield s(s.variable(_state().astype(np.int32)), 1, one, error="InvalidArgumentError")


def _require_type(dtype: Any, allowed: tuple[str, ...]) -> Any:
    name = dtypes.as_dtype(dtype).name
    if name not in allowed:
        raise InvalidArgumentError(None, None, f"There are no numbers of dtype {name}; there are {', '.join(allowed)}.")
    return numpy_type(dtype)


def _define(name: str, draw: Any, implied: str, allowed: tuple[str, ...], text: str) -> Any:
    """Defines the operation that draws from a distribution without parameters."""

    @op(
        name,
        "resource: resource, algorithm: static int64, shape: static shape_dtype -> output: dtype",
        dtype=default(implied),
        shape_dtype=default("int64"),
        updates=("resource",),
        stateful=True,
        differentiable="missing",
    )
    def stateful(xp, resource, algorithm, shape, *, dtype: DType = implied):
        words = _checked(resource, algorithm)
        kind = _require_type(dtype, allowed)
        sizes, count = dimensions(shape), count_of(shape)
        numbers = draw(xp, words[2:3], words[:2], count, kind)
        return _moved(xp, words, count), numbers.reshape(sizes)

    stateful.kernel.__doc__ = text

    @stateful.samples
    def _samples(s):
        one = np.int64(1)
        for kind in allowed:
            yield s(s.variable(_state()), one, np.array([2, 3], np.int64), dtype=kind)
        yield s(s.variable(_state()), one, [5])
        yield s(s.variable(_state()), one, [0, 5])
        error = {"error": "InvalidArgumentError"}
        yield s(s.variable(_state()), one, [-1], **error)
        yield s(s.variable(_state()), 9 * one, [1], **error)
        yield s(s.variable(_state()[:2]), one, [1], **error)

    stateful.shape(_draw_shape)
    return stateful


def _draw_shape(resource, algorithm, shape):
    require_rank(algorithm.shape, 0)
    return known_dimensions(shape)


stateful_uniform = _define(
    "StatefulUniform", direct_sampling.uniform, "float32", _FLOATS, "Draws from the uniform distribution on [0, 1)."
)
stateful_uniform_full_int = _define(
    "StatefulUniformFullInt",
    direct_sampling.uniform_full_int,
    "uint64",
    _INTEGERS,
    "Draws integers of which every bit is random.",
)
stateful_standard_normal_v2 = _define(
    "StatefulStandardNormalV2",
    direct_sampling.normal,
    "float32",
    _FLOATS,
    "Draws from the standard normal distribution.",
)
stateful_truncated_normal = _define(
    "StatefulTruncatedNormal",
    rejection_sampling.truncated_normal,
    "float32",
    _FLOATS,
    "Draws from the standard normal distribution within two standard deviations of 0.",
)


@op(
    "StatefulStandardNormal",
    "resource: resource, shape: static shape_dtype -> output: dtype",
    dtype=default("float32"),
    shape_dtype=default("int64"),
    updates=("resource",),
    stateful=True,
    differentiable="missing",
)
def stateful_standard_normal(xp, resource, shape, *, dtype: DType = "float32"):
    """Draws from the standard normal distribution; the state begins with the number of the algorithm."""
    if resource.ndim != 1 or resource.shape[0] < 1 + _STATE_SIZE:
        raise InvalidArgumentError(
            None, None, f"The state must be a vector of {1 + _STATE_SIZE}, got shape {list(resource.shape)}"
        )
    words = _checked(resource[1:], np.int64(PHILOX))
    sizes, count = dimensions(shape), count_of(shape)
    numbers = direct_sampling.normal(xp, words[2:3], words[:2], count, _require_type(dtype, _FLOATS))
    return xp.concatenate([resource[:1], _moved(xp, words, count)]), numbers.reshape(sizes)


@stateful_standard_normal.shape
def _stateful_standard_normal_shape(resource, shape):
    return known_dimensions(shape)


@stateful_standard_normal.samples
def _stateful_standard_normal_samples(s):
    yield s(s.variable(_state(1, 5, 6, 7)), [3], error="UnimplementedError")


retire(stateful_standard_normal, 29, "Use StatefulStandardNormalV2 instead")


@op(
    "StatefulUniformInt",
    "resource: resource, algorithm: static int64, shape: static shape_dtype, minval: dtype, maxval: dtype "
    "-> output: dtype",
    dtype=default("int64"),
    shape_dtype=default("int64"),
    tier="host",
    stateful=True,
    differentiable="missing",
)
def stateful_uniform_int(resource, algorithm, shape, minval, maxval):
    """Draws integers from ``minval`` up to, but not including, ``maxval``."""
    _require_type(minval.dtype, _INTEGERS)
    sizes, count = dimensions(shape), count_of(shape)
    buffer = resource.resource
    with buffer.lock:
        words = _checked(buffer.peek(), algorithm)
        check_integer_range(minval, maxval, max(count, 1))
        rollback.replace(buffer, _moved(np, words, count))
    if not count:
        return np.zeros(sizes, minval.dtype)
    return direct_sampling.uniform_int(np, words[2:3], words[:2], count, minval, maxval, minval.dtype).reshape(sizes)


@stateful_uniform_int.shape
def _stateful_uniform_int_shape(resource, algorithm, shape, minval, maxval):
    require_rank(algorithm.shape, 0)
    require_scalar(minval, "minval")
    require_scalar(maxval, "maxval")
    return known_dimensions(shape)


@stateful_uniform_int.samples
def _stateful_uniform_int_samples(s):
    one = np.int64(1)
    for kind in _INTEGERS:
        low, high = np.array([3, 90], kind)
        yield s(s.variable(_state()), one, np.array([2, 3], np.int64), low, high)
    yield s(s.variable(_state()), one, [2], 9, 9, error="InvalidArgumentError")
    yield s(s.variable(_state()), one, [2], [1], 9, error="InvalidArgumentError")
    yield s(s.variable(_state()), 9 * one, [2], 1, 9, error="InvalidArgumentError")


@op(
    "StatefulRandomBinomial",
    "resource: resource, algorithm: static int64, shape: static S, counts: T, probs: T -> output: dtype",
    S=INDEX,
    T=default("double", COUNT_TYPES),
    dtype=default("int64", COUNT_TYPES),
    tier="host",
    stateful=True,
    differentiable="missing",
)
def stateful_random_binomial(resource, algorithm, shape, counts, probs, *, dtype: DType = "int64"):
    """Draws how many of ``counts`` trials succeed; the output's shape ends with that of the parameters."""
    buffer = resource.resource
    words = _checked(buffer.read(), algorithm)
    if int(algorithm) != PHILOX:  # unlike the others, which let the device choose
        raise InvalidArgumentError(None, None, f"Unsupported algorithm id: {int(algorithm)}")
    sizes, count = binomial_shape(shape, counts, probs)
    distributions = int(np.prod(np.broadcast_shapes(counts.shape, probs.shape), dtype=np.int64))
    with buffer.lock:
        words = _checked(buffer.peek(), algorithm)
        rollback.replace(buffer, _moved(np, words, distributions * 2 * 100 * (count + 3) // 4))
    return binomial(words[2:3], words[:2], counts, probs, count, numpy_type(dtype)).reshape(sizes)


@stateful_random_binomial.shape
def _stateful_random_binomial_shape(resource, algorithm, shape, counts, probs):
    require_rank(algorithm.shape, 0)
    return known_dimensions(shape)


@stateful_random_binomial.samples
def _stateful_random_binomial_samples(s):
    one = np.int64(1)
    counts, probs = np.array([10.0, 50.0, 900.0]), np.array([0.9, 0.2, 0.6])
    for kind in ("half", "double", "int64"):
        yield s(s.variable(_state()), one, [4, 3], counts, probs, dtype=kind)
    yield s(s.variable(_state()), one, [2], counts, probs, error="InvalidArgumentError")
    yield s(s.variable(_state()), 9 * one, [3], counts, probs, error="InvalidArgumentError")


@op(
    "NonDeterministicInts",
    "shape: static shape_dtype -> output: dtype",
    dtype=default("int64"),
    shape_dtype=default("int64"),
    tier="host",
    stateful=True,
    differentiable="missing",
)
def non_deterministic_ints(shape, *, dtype: DType = "int64"):
    """Gives integers from the operating system's source of random bits."""
    kind = _require_type(dtype, _INTEGERS)
    sizes = dimensions(shape)
    return np.frombuffer(os.urandom(count_of(shape) * kind.itemsize), kind).reshape(sizes)


@non_deterministic_ints.shape
def _non_deterministic_ints_shape(shape):
    return known_dimensions(shape)


@non_deterministic_ints.samples
def _non_deterministic_ints_samples(s):
    yield s([0, 3])
    yield s([-1], error="InvalidArgumentError")
    yield s([2], dtype="float32", error="InvalidArgumentError")
