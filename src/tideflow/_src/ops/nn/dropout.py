"""Dropout: setting elements to zero at random (https://www.cs.toronto.edu/~hinton/absps/JMLRdropout.pdf)."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.random.seeds import get_seed
from tideflow._src.ops.random.stateful_functions import random_uniform
from tideflow._src.ops.random.stateless_functions import stateless_random_uniform
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Sets elements to zero at random and scales the others up, so that the expected sum stays the same.

    Args:
      x: a tensor of floating-point numbers.
      rate: the probability that an element is dropped, in [0, 1): a number or a scalar tensor.
      noise_shape: the shape of what is drawn at random, which broadcasts to that of ``x``.
      seed: the seed of this call, an integer.
      name: the name of the scope.

    Returns:
      A tensor of the shape and type of ``x``.

    Raises:
      ValueError: ``rate`` is out of range or not a number, or ``x`` does not hold floating-point numbers.

    >>> import tideflow as tf
    >>> tf.nn.dropout(tf.ones([3]), rate=0.0).numpy()
    array([1., 1., 1.], dtype=float32)
    """

    def draw(sizes: Any, dtype: Any) -> Any:
        return random_uniform(sizes, dtype=dtype, seed=seed)

    return _dropout(x, rate, noise_shape, draw, lambda: get_seed(seed), name, "dropout")


def dropout_v1(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    name: str | None = None,
    rate: Any = None,
) -> Any:
    """Sets elements to zero at random, given the probability that one is kept, or dropped; see :func:`dropout`."""
    try:
        from_keep = 1.0 - keep_prob if keep_prob is not None else None
    except TypeError:
        raise ValueError(
            f"`keep_prob` must be a floating point number or Tensor. Received: keep_prob={keep_prob}"
        ) from None
    rate = one_of("rate", rate, "keep_prob", from_keep)
    if rate is None:
        raise ValueError(f"`rate` must be provided. Received: rate={rate}")
    return dropout(x, rate, noise_shape, seed, name)


def stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None, name: str | None = None
) -> Any:
    """Sets the same elements to zero whenever it gets the same seed; see :func:`dropout`.

    Args:
      x: a tensor of floating-point numbers.
      rate: the probability that an element is dropped.
      seed: two integers.
      rng_alg: the algorithm that draws: ``"philox"``, ``"threefry"`` or ``"auto_select"``.
      noise_shape: the shape of what is drawn at random.
      name: the name of the scope.
    """

    def draw(sizes: Any, dtype: Any) -> Any:
        return stateless_random_uniform(sizes, seed, dtype=dtype, alg=rng_alg or "auto_select")

    return _dropout(x, rate, noise_shape, draw, lambda: None, name, "stateless_dropout")


def general_dropout(
    x: Any, rate: Any, uniform_sampler: Callable[..., Any], noise_shape: Any = None, name: str | None = None
) -> Any:
    """Sets elements to zero by numbers that the caller's function draws; see :func:`dropout`.

    Args:
      x: a tensor of floating-point numbers.
      rate: the probability that an element is dropped.
      uniform_sampler: ``uniform_sampler(shape=..., dtype=...)`` draws from [0, 1).
      noise_shape: the shape of what is drawn at random.
      name: the name of the scope.
    """

    def draw(sizes: Any, dtype: Any) -> Any:
        return uniform_sampler(shape=sizes, dtype=dtype)

    return _dropout(x, rate, noise_shape, draw, lambda: None, name, "general_dropout")


def _dropout(
    x: Any,
    rate: Any,
    noise_shape: Any,
    draw: Callable[[Any, Any], Any],
    skip: Callable[[], Any],
    name: str | None,
    default_name: str,
) -> Any:
    with name_scope(name, default_name):
        is_number = isinstance(rate, numbers.Real)
        if is_number and not 0 <= rate < 1:
            raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
        x = convert_to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        if not dtype.is_floating:
            raise ValueError(
                f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received: x_dtype={dtype}"
            )
        if is_number and rate == 0:
            skip()  # so that the calls after this one draw the same whether or not something is dropped here
            return x
        if is_number:
            scaled = raw.Mul(x, convert_to_tensor(1 / (1 - rate), dtype))
        elif isinstance(rate, Tensor) or hasattr(rate, "_dense_var_to_tensor"):
            rate = convert_to_tensor(rate)
            rate.shape.assert_has_rank(0)
            if rate.dtype.base_dtype is not dtype:
                raise ValueError(
                    f"`x.dtype` must be compatible with `rate.dtype`. Received: x.dtype={dtype} and "
                    f"rate.dtype={rate.dtype}"
                )
            one = convert_to_tensor(np.ones((), dtype.as_numpy_dtype), name="Const")
            scaled = raw.RealDiv(x, raw.Sub(one, rate))
        else:
            raise ValueError(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
        kept = draw(_noise_shape(x, noise_shape), dtype) >= rate
        zero = convert_to_tensor(np.zeros((), dtype.as_numpy_dtype), name="Const")
        result = where(kept, scaled, zero)
        if result.__class__ is SymbolicTensor:
            result.set_shape(x.shape)
        return result


def _noise_shape(x: Any, noise_shape: Any) -> Any:
    """Returns the shape to draw; unknown sizes in a given one come from ``x``."""
    if noise_shape is None:
        return shape(x) if context.current_graph() is not None else static_shape(x)
    try:
        given = as_shape(noise_shape)
    except (TypeError, ValueError):
        return noise_shape
    known = static_shape(x)
    if known is not None and given.rank == len(known):
        sizes = given.as_list()
        return TensorShape([mine if size is None else size for size, mine in zip(sizes, known, strict=True)])
    return noise_shape
