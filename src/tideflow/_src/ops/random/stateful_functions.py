"""Random numbers with a state: ``tf.random.uniform`` and the others that draw on with every call.

A call has two seeds: that of the program, ``tf.random.set_seed``, and its own (:mod:`.seeds`). The nodes of a
graph have TensorFlow's names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add, multiply, subtract
from tideflow._src.ops.random.output_shape import broadcast_with, shape_tensor
from tideflow._src.ops.random.seeds import operation_seeds
from tideflow._src.ops.random.stateful_ops import (
    multinomial_op,
    random_gamma_op,
    random_poisson_v2,
    random_shuffle_op,
    random_standard_normal,
    random_uniform_int,
    random_uniform_op,
    truncated_normal_op,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "categorical",
    "multinomial",
    "random_gamma",
    "random_normal",
    "random_poisson",
    "random_poisson_v1",
    "random_shuffle",
    "random_uniform",
    "truncated_normal",
]

_UNIFORM_TYPES = (
    dtypes.float16,
    dtypes.bfloat16,
    dtypes.float32,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
)


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns numbers from normal distributions.

    Args:
      shape: the shape of the result: a vector of integers.
      mean: the mean, of a shape that broadcasts with ``shape``.
      stddev: the standard deviation, of a shape that broadcasts with ``shape``.
      dtype: float16, bfloat16, float32 or float64.
      seed: the seed of this call, an integer.
      name: the name of the result's node; ``random_normal`` by default.

    Returns:
      A tensor of ``dtype`` and the shape that ``shape``, ``mean`` and ``stddev`` broadcast to.
    """
    with name_scope(name, "random_normal") as scope:
        return _scaled(random_standard_normal, "RandomStandardNormal", shape, mean, stddev, dtype, seed, scope)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns numbers from normal distributions, none two standard deviations or more from the mean.

    Args:
      shape: the shape of the result: a vector of integers.
      mean: the mean before truncation, of a shape that broadcasts with ``shape``.
      stddev: the standard deviation before truncation, of a shape that broadcasts with ``shape``.
      dtype: float16, bfloat16, float32 or float64.
      seed: the seed of this call, an integer.
      name: the name of the result's node; ``truncated_normal`` by default.

    Returns:
      A tensor of ``dtype`` and the shape that ``shape``, ``mean`` and ``stddev`` broadcast to.
    """
    with name_scope(name, "truncated_normal") as scope:
        return _scaled(truncated_normal_op, "TruncatedNormal", shape, mean, stddev, dtype, seed, scope)


def _scaled(operation: Any, name: str, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: Any, scope: str) -> Any:
    """Draws from a standard distribution, and scales and shifts what it got."""
    shape = shape_tensor(shape)
    dtype = dtypes.as_dtype(dtype)
    if context.current_graph() is None and mean.__class__ is float and stddev.__class__ is float:
        draws = operation(shape, dtype=dtype, **operation_seeds(seed))
        return draws if mean == 0.0 and stddev == 1.0 else add(multiply(draws, stddev), mean)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    draws = operation(shape, dtype=dtype, name=name, **operation_seeds(seed))
    return add(multiply(draws, stddev, name="mul"), mean, name=scope)


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns numbers from uniform distributions on [minval, maxval).

    Args:
      shape: the shape of the result: a vector of integers.
      minval: the smallest possible number; of floats, of a shape that broadcasts with ``shape``.
      maxval: what no number reaches; 1 for floats by default. Integers need it.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      seed: the seed of this call, an integer.
      name: the name of the result's node; ``random_uniform`` by default.

    Returns:
      A tensor of ``dtype`` and the shape that ``shape``, ``minval`` and ``maxval`` broadcast to.

    Raises:
      ValueError: the dtype is none of these, or is one of integers and ``maxval`` is missing.
      InvalidArgumentError: when it runs, integers are wanted and ``minval`` is not less than ``maxval``.
    """
    dtype = dtypes.as_dtype(dtype)
    if dtype not in _UNIFORM_TYPES:
        accepted = ", ".join(repr(item) for item in _UNIFORM_TYPES)
        raise ValueError(f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are ({accepted}).")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with name_scope(name, "random_uniform") as scope:
        shape = shape_tensor(shape)
        from_zero = isinstance(minval, int) and minval == 0
        to_one = isinstance(maxval, int) and maxval == 1
        if dtype.is_integer or not (from_zero and to_one):
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
        seeds = operation_seeds(seed)
        if dtype.is_integer:
            return random_uniform_int(shape, minval, maxval, name=scope, **seeds)
        draws = random_uniform_op(shape, dtype=dtype, name="RandomUniform", **seeds)
        if not from_zero:
            span = subtract(maxval, minval, name="sub")
            return add(multiply(draws, span, name="mul"), minval, name=scope)
        return draws if to_one else multiply(draws, maxval)


def random_shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """Returns a tensor with its rows, that is, the slices along its first dimension, in a random order.

    Args:
      value: a tensor of any type and shape.
      seed: the seed of this call, an integer.
      name: the node's name; ``RandomShuffle`` by default.
    """
    return random_shuffle_op(value, name=name, **operation_seeds(seed))


def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Returns classes drawn from categorical distributions.

    Args:
      logits: unnormalized log-probabilities, shape ``[batch_size, num_classes]``.
      num_samples: how many classes to draw for each row, a scalar.
      dtype: int32 or int64, which is the default.
      seed: the seed of this call, an integer.
      name: the name of the scope; ``categorical`` by default.

    Returns:
      The numbers of the classes, shape ``[batch_size, num_samples]``.

    Raises:
      ValueError: the dtype is neither int32 nor int64.
    """
    with name_scope(name, "categorical"):
        return _categorical(logits, num_samples, dtype, seed)


def multinomial(
    logits: Any, num_samples: Any, seed: Any = None, name: str | None = None, output_dtype: Any = None
) -> Any:
    """Returns classes drawn from categorical distributions: the name of ``categorical`` in TF 0.x and 1.x.

    Args:
      logits: unnormalized log-probabilities, shape ``[batch_size, num_classes]``.
      num_samples: how many classes to draw for each row, a scalar.
      seed: the seed of this call, an integer.
      name: the name of the scope; ``multinomial`` by default.
      output_dtype: int32 or int64, which is the default.
    """
    with name_scope(name, "multinomial"):
        return _categorical(logits, num_samples, output_dtype, seed)


def _categorical(logits: Any, num_samples: Any, dtype: Any, seed: Any) -> Any:
    logits = convert_to_tensor(logits, name="logits")
    return multinomial_op(
        logits, num_samples, output_dtype=categorical_type(dtype), name="Multinomial", **operation_seeds(seed)
    )


def categorical_type(dtype: Any) -> DType:
    """Returns the dtype of the classes that the caller wants: int64 by default."""
    chosen = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if chosen not in (dtypes.int32, dtypes.int64):
        raise ValueError(f"Argument `dtype` got invalid value {chosen}. Accepted dtypes are (tf.int32, tf.int64).")
    return chosen


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns numbers from gamma distributions.

    The result is differentiable with respect to ``alpha`` and ``beta``.

    Args:
      shape: the shape of what is drawn from each distribution: a vector of integers.
      alpha: the shapes of the distributions.
      beta: their rates (inverse scales), of a shape that broadcasts with that of ``alpha``; 1 by default.
      dtype: float16, float32 or float64.
      seed: the seed of this call, an integer.
      name: the name of the scope; ``random_gamma`` by default.

    Returns:
      A tensor of ``dtype`` whose shape is ``shape`` followed by that of ``alpha + beta``.
    """
    with name_scope(name, "random_gamma"):
        dtype = dtypes.as_dtype(dtype)
        shape = shape_tensor(shape, int32_only=True)
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        alpha = broadcast_with(alpha, beta)
        draws = random_gamma_op(shape, alpha, name="RandomGamma", **operation_seeds(seed))
        return at_rate(draws, beta)


def at_rate(draws: Any, beta: Any) -> Any:
    """Divides draws from gamma distributions by their rates, and keeps them above zero."""
    scaled = raw.RealDiv(draws, beta, name="truediv")
    tiny = np.finfo(np.dtype(scaled.dtype.as_numpy_dtype)).tiny
    return raw.Maximum(tiny, scaled, name="Maximum")


def random_poisson(shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None) -> Any:
    """Returns numbers from Poisson distributions.

    Args:
      shape: the shape of what is drawn from each distribution: a vector of integers.
      lam: the rates of the distributions.
      dtype: float16, float32, float64, int32 or int64.
      seed: the seed of this call, an integer.
      name: the name of the scope; ``random_poisson`` by default.

    Returns:
      A tensor of ``dtype`` whose shape is ``shape`` followed by that of ``lam``.
    """
    with name_scope(name, "random_poisson"):
        shape = shape_tensor(shape, int32_only=True)
        return random_poisson_v2(
            shape, lam, dtype=dtypes.as_dtype(dtype), name="RandomPoissonV2", **operation_seeds(seed)
        )


def random_poisson_v1(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Returns numbers from Poisson distributions: ``random_poisson`` with TF 1.x's order of arguments."""
    return random_poisson(shape, lam, dtype, seed, name)
