"""Initializers and regularizers of ``tf.contrib.layers``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_n
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.random.stateful_functions import random_uniform, truncated_normal
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys

Regularizer = Callable[[Any], Any]


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = dtypes.float32,
) -> Callable[..., Any]:
    """Returns an initializer whose variance is ``factor`` over the number of inputs, outputs, or the mean of both.

    Args:
      factor: the factor.
      mode: ``"FAN_IN"``, ``"FAN_OUT"`` or ``"FAN_AVG"``.
      uniform: whether the distribution is uniform; otherwise it is a truncated normal one.
      seed: makes the numbers repeatable.
      dtype: the dtype, a floating one.

    Raises:
      TypeError: the dtype is not floating, or the mode is none of these.
    """
    if not dtypes.as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")

    def initializer(shape: Any, dtype: Any = dtype, partition_info: Any = None) -> Any:
        if not dtypes.as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        sizes = list(partition_info.full_shape if partition_info is not None else shape)
        fan_in = float(sizes[-2]) if len(sizes) > 1 else float(sizes[-1]) if sizes else 1.0
        fan_out = float(sizes[-1]) if sizes else 1.0
        field = math.prod(float(size) for size in sizes[:-2])
        count = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode] * field
        if uniform:
            limit = math.sqrt(3.0 * factor / count)
            return random_uniform(shape, -limit, limit, dtype, seed=seed)
        # A normal distribution cut off at two deviations has 1.3 times less variance.
        return truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / count), dtype, seed=seed)

    return initializer


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = dtypes.float32) -> Any:
    """Returns an initializer that keeps the scale of gradients the same in all layers (Glorot and Bengio, 2010)."""
    return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


xavier_initializer_conv2d = xavier_initializer


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Returns a function that adds up absolute weights, times ``scale``."""
    _check_scale(scale)

    def l1(weights: Any, name: str | None = None) -> Any:
        with name_scope(name, scope or "l1_regularizer"):
            return raw.Mul(convert_to_tensor(scale, convert_to_tensor(weights).dtype), reduce_sum(raw.Abs(weights)))

    return l1 if scale else lambda _: None


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Returns a function that adds up half the squares of weights, times ``scale``."""
    _check_scale(scale)

    def l2(weights: Any) -> Any:
        with name_scope(None, scope or "l2_regularizer"):
            weights = convert_to_tensor(weights)
            return raw.Mul(convert_to_tensor(scale, weights.dtype), raw.L2Loss(weights))

    return l2 if scale else lambda _: None


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """Returns a function that adds up what both give."""
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer")


def sum_regularizer(regularizer_list: Sequence[Regularizer | None], scope: str | None = None) -> Regularizer:
    """Returns a function that adds up what several regularizers give."""
    kept = [regularizer for regularizer in regularizer_list if regularizer is not None]

    def both(weights: Any) -> Any:
        with name_scope(None, scope or "sum_regularizer"):
            found = [value for value in (regularizer(weights) for regularizer in kept) if value is not None]
            return add_n(found) if found else None

    return both


def apply_regularization(regularizer: Regularizer, weights_list: Any = None) -> Any:
    """Returns the sum of penalties of weights, by default those of the collection, and adds it to the losses.

    Raises:
      ValueError: a penalty is no scalar.
    """
    graph = context.default_graph()
    weights = weights_list or graph.get_collection(GraphKeys.WEIGHTS)
    with name_scope(None, "get_regularization_penalty"):
        penalties = [penalty for penalty in (regularizer(each) for each in weights) if penalty is not None]
        if any(penalty.shape.ndims != 0 for penalty in penalties):
            raise ValueError("regularizer must return a scalar Tensor instead of a Tensor with rank")
        total = add_n(penalties) if penalties else convert_to_tensor(0.0)
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total


def _check_scale(scale: Any) -> None:
    if isinstance(scale, int) and not isinstance(scale, bool) and scale != 0:
        raise ValueError(f"scale cannot be an integer: {scale}")
    if scale < 0.0:
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}")
