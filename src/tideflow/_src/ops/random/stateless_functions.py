"""Random numbers without a state: the same seed gives the same numbers, whatever was drawn before.

Every function takes ``seed``, two integers, and most take ``alg``, the algorithm: on a CPU it is Philox.
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add, multiply, subtract
from tideflow._src.ops.random.output_shape import broadcast_with, shape_tensor
from tideflow._src.ops.random.stateful_functions import at_rate, categorical_type
from tideflow._src.ops.random.stateless_ops import (
    stateless_multinomial_op,
    stateless_random_gamma_v3,
    stateless_random_get_key_counter,
    stateless_random_normal_v2,
    stateless_random_poisson_op,
    stateless_random_uniform_full_int_v2,
    stateless_random_uniform_int_v2,
    stateless_random_uniform_v2,
    stateless_shuffle_op,
    stateless_truncated_normal_v2,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "Algorithm",
    "fold_in",
    "random_index_shuffle",
    "split",
    "stateless_categorical",
    "stateless_multinomial",
    "stateless_parameterized_truncated_normal",
    "stateless_random_binomial",
    "stateless_random_gamma",
    "stateless_random_normal",
    "stateless_random_poisson",
    "stateless_random_uniform",
    "stateless_shuffle",
    "stateless_truncated_normal",
]


class Algorithm(enum.Enum):
    """Is an algorithm that makes random numbers."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


def algorithm_number(alg: Any) -> Any:
    """Returns the number of an algorithm that is given by name, by number or as an ``Algorithm``.

    Raises:
      ValueError: there is no such algorithm.
      TypeError: ``alg`` is of another type.
    """
    if isinstance(alg, Tensor):
        return alg
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, str):
        if alg.upper() in Algorithm.__members__:
            return Algorithm[alg.upper()].value
        choices = "philox for the Philox algorithm, threefry for the ThreeFry algorithm, and auto_select for"
    elif isinstance(alg, int | np.integer):
        if any(alg == item.value for item in Algorithm):
            return int(alg)
        choices = "1 for the Philox algorithm, 2 for the ThreeFry algorithm, and 3 for"
    else:
        raise TypeError(
            f"Can't convert argument `alg` (of value {alg} and type {type(alg)}) to int: it must be a "
            "name, a number, an Algorithm or a tensor."
        )
    raise ValueError(f"Argument `alg` got unsupported value {alg}. Supported values are {choices} auto-selection.")


def _key_counter_alg(seed: Any, alg: Any) -> tuple[Any, Any, Any]:
    number = algorithm_number(alg)
    key, counter = stateless_random_get_key_counter(seed, name="StatelessRandomGetKeyCounter")
    return key, counter, number


_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)
_UNIFORM_TYPES = (*_FLOATS, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64)


def stateless_random_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Returns numbers from uniform distributions on [minval, maxval) that follow from the seed.

    Args:
      shape: the shape of the result: a vector of integers.
      seed: two integers.
      minval: the smallest possible number; None, together with ``maxval``, for integers of which every bit
        is random.
      maxval: what no number reaches; 1 for floats by default.
      dtype: a float type, int32 or int64; uint32 and uint64 only without bounds.
      name: the name of the result's node; ``stateless_random_uniform`` by default.
      alg: the algorithm: ``"philox"`` or ``"auto_select"``, its number, or an ``Algorithm``.

    Raises:
      ValueError: the dtype is none of these, or one of integers that does not fit the bounds.
    """
    dtype = dtypes.as_dtype(dtype)
    if dtype not in _UNIFORM_TYPES:
        accepted = ", ".join(repr(item) for item in _UNIFORM_TYPES)
        raise ValueError(f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are ({accepted}).")
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {dtype}, argument `minval` and `maxval` must be both "
                f"None or not None. Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is not None and dtype in (dtypes.uint32, dtypes.uint64):
            raise ValueError(
                f"Argument `dtype` got invalid value {dtype} when argument `minval` is not None. "
                "Unsigned integers are drawn without bounds only."
            )
    elif maxval is None:
        maxval = 1
    with name_scope(name, "stateless_random_uniform") as scope:
        shape = shape_tensor(shape)
        if dtype.is_integer and minval is None:
            return stateless_random_uniform_full_int_v2(shape, *_key_counter_alg(seed, alg), dtype=dtype, name=scope)
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        key, counter, number = _key_counter_alg(seed, alg)
        if dtype.is_integer:
            return stateless_random_uniform_int_v2(shape, key, counter, number, minval, maxval, name=scope)
        draws = stateless_random_uniform_v2(shape, key, counter, number, dtype=dtype, name="StatelessRandomUniformV2")
        return add(multiply(draws, subtract(maxval, minval, name="sub"), name="mul"), minval, name=scope)


def stateless_random_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Returns numbers from normal distributions that follow from the seed.

    Args:
      shape: the shape of the result: a vector of integers.
      seed: two integers.
      mean: the mean, of a shape that broadcasts with ``shape``.
      stddev: the standard deviation, of a shape that broadcasts with ``shape``.
      dtype: float16, bfloat16, float32 or float64.
      name: the name of the result's node; ``stateless_random_normal`` by default.
      alg: the algorithm: ``"philox"`` or ``"auto_select"``, its number, or an ``Algorithm``.
    """
    with name_scope(name, "stateless_random_normal") as scope:
        operation = stateless_random_normal_v2
        return _scaled(operation, shape, seed, mean, stddev, dtype, alg, scope)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Returns numbers from truncated normal distributions that follow from the seed.

    Args:
      shape: the shape of the result: a vector of integers.
      seed: two integers.
      mean: the mean before truncation, of a shape that broadcasts with ``shape``.
      stddev: the standard deviation before truncation, of a shape that broadcasts with ``shape``.
      dtype: float16, bfloat16, float32 or float64.
      name: the name of the result's node; ``stateless_truncated_normal`` by default.
      alg: the algorithm: ``"philox"`` or ``"auto_select"``, its number, or an ``Algorithm``.
    """
    with name_scope(name, "stateless_truncated_normal") as scope:
        operation = stateless_truncated_normal_v2
        return _scaled(operation, shape, seed, mean, stddev, dtype, alg, scope)


def _scaled(operation: Any, shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any, alg: Any, scope: str) -> Any:
    """Draws from a standard distribution, and scales and shifts what it got."""
    dtype = dtypes.as_dtype(dtype)
    shape = shape_tensor(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    draws = operation(shape, *_key_counter_alg(seed, alg), dtype=dtype, name=operation.name)
    return add(multiply(draws, stddev, name="mul"), mean, name=scope)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Returns classes drawn from categorical distributions that follow from the seed.

    Args:
      logits: unnormalized log-probabilities, shape ``[batch_size, num_classes]``.
      num_samples: how many classes to draw for each row, a scalar.
      seed: two integers.
      dtype: int32 or int64.
      name: the name of the scope; ``stateless_categorical`` by default.
    """
    with name_scope(name, "stateless_categorical"):
        return _categorical(logits, num_samples, seed, dtype)


def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Returns classes drawn from categorical distributions: TF 1.x's name of ``stateless_categorical``."""
    with name_scope(name, "stateless_multinomial"):
        return _categorical(logits, num_samples, seed, output_dtype)


def _categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any) -> Any:
    logits = convert_to_tensor(logits, name="logits")
    return stateless_multinomial_op(
        logits, num_samples, seed, output_dtype=categorical_type(dtype), name="StatelessMultinomial"
    )


def stateless_random_gamma(
    shape: Any,
    seed: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Returns numbers from gamma distributions that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that of ``alpha + beta``.
      seed: two integers.
      alpha: the shapes of the distributions.
      beta: their rates (inverse scales); 1 by default.
      dtype: float16, float32 or float64.
      name: the name of the scope; ``stateless_random_gamma`` by default.

    Raises:
      InvalidArgumentError: when it runs, ``shape`` does not end with the shape of ``alpha + beta``.
    """
    with name_scope(name, "stateless_random_gamma"):
        dtype = dtypes.as_dtype(dtype)
        shape = shape_tensor(shape)
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        alpha = broadcast_with(alpha, beta)
        key, counter, number = _key_counter_alg(seed, "auto_select")
        draws = stateless_random_gamma_v3(shape, key, counter, number, alpha, name="StatelessRandomGammaV3")
        return at_rate(draws, beta)


def stateless_random_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Returns numbers from Poisson distributions that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that of ``lam``.
      seed: two integers.
      lam: the rates of the distributions.
      dtype: float16, float32, float64, int32 or int64.
      name: the name of the scope; ``stateless_random_poisson`` by default.

    Raises:
      InvalidArgumentError: when it runs, ``shape`` does not end with the shape of ``lam``.
    """
    with name_scope(name, "stateless_random_poisson"):
        shape = shape_tensor(shape)
        return stateless_random_poisson_op(
            shape, seed, lam, dtype=dtypes.as_dtype(dtype), name="StatelessRandomPoisson"
        )


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Any:
    """Returns a tensor with its rows in an order that follows from the seed.

    Args:
      value: a tensor of any type and shape.
      seed: two integers.
      alg: the algorithm: ``"philox"`` or ``"auto_select"``, its number, or an ``Algorithm``.
      name: the name of the scope; ``stateless_shuffle`` by default.
    """
    with name_scope(name, "stateless_shuffle"):
        key, counter, number = _key_counter_alg(seed, alg)
        return stateless_shuffle_op(value, key, counter, number, name="StatelessShuffle")


def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Any:
    """Returns seeds made of a seed, as independent of each other as of the seed.

    Args:
      seed: two integers, of type int32 or int64.
      num: how many seeds to make.
      alg: the algorithm.

    Returns:
      A tensor of the type of ``seed`` and shape ``[num, 2]``.
    """
    seed = convert_to_tensor(seed)
    return stateless_random_uniform([num, 2], seed, None, None, seed.dtype, alg=alg)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Any:
    """Returns a seed made of a seed and a number, such as that of a step.

    Args:
      seed: two integers.
      data: a scalar of type int32 or int64.
      alg: the algorithm.

    Returns:
      A tensor of the type of ``data`` and shape ``[2]``.
    """
    data = convert_to_tensor(data)
    first = stateless_random_uniform([], seed, None, None, data.dtype, alg=alg)
    return raw.Pack([first, data], axis=0, name="stack")


def stateless_random_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Returns numbers from binomial distributions that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that which ``counts`` and ``probs`` broadcast to.
      seed: two integers.
      counts: how many trials.
      probs: the probability that one succeeds; both float16, float32, float64, int32 or int64.
      output_dtype: one of these, too.
      name: the name of the result's node.

    Raises:
      InvalidArgumentError: when it runs, ``shape`` does not end with the parameters' shape.
    """
    with name_scope(name, "stateless_random_binomial"):
        shape = shape_tensor(shape)
        probs = convert_to_tensor(probs, dtype_hint=dtypes.float32, name="probs")
        counts = convert_to_tensor(counts, dtype_hint=probs.dtype, name="counts")
        return raw.StatelessRandomBinomial(shape, seed, counts, probs, dtype=dtypes.as_dtype(output_dtype))


def stateless_parameterized_truncated_normal(
    shape: Any,
    seed: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    name: str | None = None,
) -> Any:
    """Returns normal numbers between bounds that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that which the parameters broadcast to.
      seed: two integers.
      means: the means before truncation.
      stddevs: the standard deviations before truncation.
      minvals: the least numbers.
      maxvals: the largest numbers.
      name: the name of the result's node.

    Raises:
      InvalidArgumentError: when it runs, there is nothing between the bounds, or a standard deviation is not positive.
    """
    with name_scope(name, "stateless_parameterized_truncated_normal"):
        shape = shape_tensor(shape)
        parameters = zip(("means", "stddevs", "minvals", "maxvals"), (means, stddevs, minvals, maxvals), strict=True)
        tensors = [convert_to_tensor(value, name=label) for label, value in parameters]
        return raw.StatelessParameterizedTruncatedNormal(shape, seed, *tensors)


def random_index_shuffle(index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None) -> Any:
    """Returns where a pseudorandom permutation of 0, 1, ..., ``max_index`` puts an index.

    Args:
      index: the index, a scalar, or a vector of several.
      seed: three integers, or a matrix with three for each index.
      max_index: the largest index, a scalar or a vector.
      rounds: how often the cipher mixes: even, and at least 4.
      name: the node's name.

    Returns:
      An index, or a vector of them, of the dtype of ``index``.
    """
    return raw.RandomIndexShuffle(index, seed, max_index, rounds=rounds, name=name)
