"""Means and variances, and the normalizations made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.constants import zeros_like
from tideflow._src.ops.array.identity import stop_gradient
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import rank, shape, squeeze
from tideflow._src.ops.math.arithmetic import add, maximum, multiply, squared_difference, subtract
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import one_of, reduce_mean, reduce_sum
from tideflow._src.ops.math.unary import reciprocal, rsqrt, square
from tideflow._src.ops.nn.fused_batch_norm import fused_batch_norm_v3_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

Pair = tuple[Any, Any]


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> Pair:
    """Computes the mean and the variance of a tensor along axes.

    Args:
      x: a tensor of floating-point numbers.
      axes: the axes to reduce, a list of integers.
      shift: accepted for TensorFlow's signature and not used.
      keepdims: whether the reduced axes stay, with size 1.
      name: the name of the scope.

    Returns:
      The mean and the variance.
    """
    del shift
    with name_scope(name, "moments"):
        x = convert_to_tensor(x)
        half = x.dtype.base_dtype is dtypes.float16
        y = cast(x, dtypes.float32) if half else x
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        variance = reduce_mean(squared_difference(y, stop_gradient(mean)), axes, keepdims=True, name="variance")
        if not keepdims:
            mean, variance = squeeze(mean, axes), squeeze(variance, axes)
        if half:
            return cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


def moments_v1(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Pair:
    """Computes mean and variance with TensorFlow 1's arguments; see :func:`moments`."""
    return moments(x, axes, shift, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> Pair:
    """Computes the mean and the variance of a tensor whose elements count as often as weights say.

    Args:
      x: a tensor of floating-point numbers.
      axes: the axes to reduce, a list of integers.
      frequency_weights: weights that broadcast with ``x``.
      keepdims: whether the reduced axes stay, with size 1.
      name: the name of the scope.

    Returns:
      The mean and the variance.
    """
    with name_scope(name, "weighted_moments"):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        half = x.dtype.base_dtype is dtypes.float16
        if half:
            x = cast(x, dtypes.float32)
        if weights.dtype.base_dtype is not x.dtype.base_dtype:
            weights = cast(weights, x.dtype)
        total = reduce_sum(weights * x, axes, name="weighted_input_sum", keepdims=True)
        spread = weights + zeros_like(x)
        count = reduce_sum(spread, axes, name="sum_of_weights", keepdims=True)
        mean = div_no_nan(total, count)
        distances = weights * squared_difference(x, mean)
        variance = div_no_nan(reduce_sum(distances, axes, name="weighted_distsq", keepdims=True), count)
        if not keepdims:
            mean, variance = squeeze(mean, axis=axes), squeeze(variance, axis=axes)
        if half:
            mean, variance = cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


def weighted_moments_v1(
    x: Any, axes: Any, frequency_weights: Any, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Pair:
    """Computes weighted mean and variance with TensorFlow 1's arguments; see :func:`weighted_moments`."""
    kept = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    return weighted_moments(x, axes, frequency_weights, kept, name)


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any, Any, Any]:
    """Computes what :func:`normalize_moments` needs: count, sum, and sum of squares along axes.

    Args:
      x: a tensor of floating-point numbers.
      axes: the axes to reduce, a list of integers.
      shift: a number that is taken from ``x`` first, for precision, or None.
      keepdims: whether the reduced axes stay, with size 1.
      name: the name of the scope.

    Returns:
      The count, the sum, the sum of squares, and ``shift``.
    """
    axes = list(set(axes))
    with name_scope(name, "sufficient_statistics"):
        x = convert_to_tensor(x, name="x")
        known = static_shape(x)
        if known is not None and all(known[axis] is not None for axis in axes):
            count = 1
            for axis in axes:
                count *= known[axis]  # type: ignore[operator]
            counts = convert_to_tensor(count, x.dtype.base_dtype)
        else:
            dimensions = rank(x)
            positive = [axis + dimensions if axis < 0 else axis for axis in axes]
            sizes = raw.GatherV2(cast(shape(x), x.dtype), positive, 0)
            counts = raw.Prod(sizes, [0], keep_dims=False, name="count")
        if shift is not None:
            shift = convert_to_tensor(shift, name="shift")
            values, squares = subtract(x, shift), squared_difference(x, shift)
        else:
            values, squares = x, square(x)
        total = reduce_sum(values, axes, keepdims=keepdims, name="mean_ss")
        total_squares = reduce_sum(squares, axes, keepdims=keepdims, name="var_ss")
    return counts, total, total_squares, shift


def sufficient_statistics_v1(
    x: Any, axes: Any, shift: Any = None, keep_dims: Any = None, name: str | None = None, keepdims: Any = None
) -> tuple[Any, Any, Any, Any]:
    """Computes sufficient statistics with TensorFlow 1's arguments; see :func:`sufficient_statistics`."""
    kept = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    return sufficient_statistics(x, axes, shift, kept, name)


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None) -> Pair:
    """Computes mean and variance from sufficient statistics.

    Args:
      counts: the number of elements.
      mean_ss: their sum, less ``shift`` each.
      variance_ss: the sum of squares, less ``shift`` each.
      shift: what was taken from each element, or None.
      name: the name of the scope.

    Returns:
      The mean and the variance.
    """
    with name_scope(name, "normalize"):
        divisor = reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = multiply(mean_ss, divisor, name="shifted_mean")
            mean = add(shifted, shift, name="mean")
        else:
            shifted = mean = multiply(mean_ss, divisor, name="mean")
        variance = subtract(multiply(variance_ss, divisor), square(shifted), name="variance")
    return mean, variance


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Any:
    """Normalizes a tensor by a mean and a variance, then scales and shifts it (https://arxiv.org/abs/1502.03167).

    Args:
      x: a tensor.
      mean: a mean that broadcasts with ``x``.
      variance: a variance that broadcasts with ``x``.
      offset: what is added in the end, or None.
      scale: what the normalized tensor is multiplied by, or None.
      variance_epsilon: a small number that keeps the division from zero.
      name: the name of the scope.
    """
    with name_scope(name, "batchnorm"):
        inverse = rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse = inverse * scale
        x = convert_to_tensor(x)
        scaled = x * cast(inverse, x.dtype)
        rest = offset - mean * inverse if offset is not None else -mean * inverse
        return scaled + cast(rest, x.dtype)


def batch_norm_with_global_normalization(
    input: Any,
    mean: Any,
    variance: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: Any,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Any:
    """Normalizes images by a mean and a variance for each channel; see :func:`batch_normalization`.

    Args:
      input: images, the channels in the last dimension.
      mean: the mean of each channel.
      variance: the variance of each channel.
      beta: what is added in the end.
      gamma: what is multiplied by before that, if ``scale_after_normalization`` is set.
      variance_epsilon: a small number that keeps the division from zero.
      scale_after_normalization: whether ``gamma`` counts.
      name: the name of the scope.
    """
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon, name)


def batch_norm_with_global_normalization_v1(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: Any = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Any:
    """Normalizes images with TensorFlow 1's arguments; see :func:`batch_norm_with_global_normalization`."""
    t = one_of("input", input, "t", t)
    m = one_of("mean", mean, "m", m)
    v = one_of("variance", variance, "v", v)
    return batch_norm_with_global_normalization(
        t, m, v, beta, gamma, variance_epsilon, bool(scale_after_normalization), name
    )


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Any, Any, Any]:
    """Normalizes a batch of images in one operation (https://arxiv.org/abs/1502.03167).

    Args:
      x: images, of rank 4 (or 5).
      scale: what each channel is multiplied by.
      offset: what is then added to it.
      mean: the mean of each channel, for inference or a running mean.
      variance: its variance, likewise.
      epsilon: a small number that keeps the division from zero.
      data_format: where the channels are: ``NHWC``, ``NCHW``, ``NDHWC`` or ``NCDHW``.
      is_training: whether the mean and the variance are those of the batch.
      name: the name of the node.
      exponential_avg_factor: the weight of the batch in the running mean and variance.

    Returns:
      The normalized images, the (running) mean and the (running) variance.

    Raises:
      ValueError: mean or variance are missing where they are needed.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be a 1D tensor when `is_training` is False or `exponential_avg_factor` != "
            f"1.0. Received: `mean` {mean!r} and `variance` {variance!r}"
        )
    x = convert_to_tensor(x, name="input")
    scale = convert_to_tensor(scale, name="scale")
    offset = convert_to_tensor(offset, name="offset")
    if mean is None:
        mean = convert_to_tensor(np.zeros(0, np.float32), name="Const")
    if variance is None:
        variance = convert_to_tensor(np.zeros(0, np.float32), name="Const")
    normalized, running_mean, running_variance, *_ = fused_batch_norm_v3_op(
        x,
        scale,
        offset,
        mean,
        variance,
        epsilon=epsilon,
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return normalized, running_mean, running_variance


def l2_normalize(x: Any, axis: Any = None, epsilon: Any = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """Divides a tensor by its Euclidean norm along axes.

    Args:
      x: a tensor of floating-point or complex numbers.
      axis: the axis or axes of the norm; all if None.
      epsilon: the least square of a norm that is divided by.
      name: the name of the node.
      dim: the old name of ``axis``.
    """
    axis = one_of("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize") as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            kind = x.dtype.real_dtype
            real, imaginary = raw.Real(x, Tout=kind), raw.Imag(x, Tout=kind)
            total = reduce_sum(square(real) + square(imaginary), axis, keepdims=True)
            inverse = rsqrt(maximum(total, epsilon))
            return raw.Complex(multiply(real, inverse), multiply(imaginary, inverse), Tout=x.dtype, name=scope)
        total = reduce_sum(square(x), axis, keepdims=True)
        return multiply(x, rsqrt(maximum(total, epsilon)), name=scope)


def l2_normalize_v0(x: Any, dim: Any, epsilon: Any = 1e-12, name: str | None = None) -> Any:
    """Divides a tensor by its norm, with the arguments of TensorFlow 0.x; see :func:`l2_normalize`."""
    return l2_normalize(x, dim, epsilon, name)
