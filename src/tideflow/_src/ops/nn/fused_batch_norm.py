"""Fused batch normalization (https://arxiv.org/abs/1502.03167): statistics, normalization and scaling in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge, with_rank
from tideflow._src.ops.math import partial_sums
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op

_TYPES = ("half", "bfloat16", "float")


def _channel(data_format: str, rank: int) -> int:
    return 1 if data_format.startswith("NC") else rank - 1


def _rank(data_format: str) -> int:
    return 5 if "D" in data_format else 4


def _layout(x: Any, data_format: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the axes that statistics are taken over, and the shape that makes a vector of channels fit ``x``."""
    channel = _channel(data_format, x.ndim)
    axes = tuple(axis for axis in range(x.ndim) if axis != channel)
    return axes, tuple(-1 if axis == channel else 1 for axis in range(x.ndim))


def _keep(xp: Any, x: Any) -> Any:
    """Returns a statistic that a compiled program computes once, not again for each element that reads it."""
    return x if xp is np else lax.optimization_barrier(x)


def _check_channels(name: str, x: Any, data_format: str, vectors: dict[str, Any]) -> int:
    rank = _rank(data_format)
    if x.ndim != rank:
        raise InvalidArgumentError(
            None, None, f"{name}: input must be {rank}-dimensional, but got {shape_text(x.shape)}"
        )
    channels = int(x.shape[_channel(data_format, rank)])
    for label, vector in vectors.items():
        if vector.ndim != 1:
            raise InvalidArgumentError(
                None, None, f"{name}: {label} must be 1-dimensional, but got {shape_text(vector.shape)}"
            )
        if vector.shape[0] != channels:
            raise InvalidArgumentError(
                None,
                None,
                f"{name}: {label} must have the same number of elements as the channels of x, got "
                f"{vector.shape[0]} and {channels}",
            )
    return channels


def _normalize(
    xp: Any,
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    epsilon: float,
    factor: float,
    data_format: str,
    is_training: bool,
) -> tuple[Any, ...]:
    """Computes the five outputs that all versions have."""
    vectors = {"scale": scale, "offset": offset}
    if not is_training or factor != 1.0:
        vectors |= {"mean": mean, "variance": variance}
    for label, vector in (("estimated_mean", mean), ("estimated_variance", variance)):
        if vector.ndim != 1:
            problem = f"FusedBatchNorm: {label} must be 1-dimensional, but got {shape_text(vector.shape)}"
            raise InvalidArgumentError(None, None, problem)
    channels = _check_channels("FusedBatchNorm", x, data_format, vectors)
    axes, shape = _layout(x, data_format)
    statistic = scale.dtype
    wide = x.astype(np.float32)
    count = x.size // max(channels, 1)
    if not is_training:
        batch_mean, batch_variance = mean, variance
        running_mean, running_variance = mean, variance
    elif not count:
        nothing = xp.full((channels,), np.nan, statistic)
        zeros = xp.zeros((channels,), statistic)
        return xp.zeros(x.shape, x.dtype), nothing, nothing, zeros, zeros
    else:
        batch_mean = _keep(xp, partial_sums.on_either_tier(xp, wide, axes) / np.float32(count))
        centred = wide - batch_mean.reshape(shape)
        batch_variance = _keep(xp, partial_sums.on_either_tier(xp, centred * centred, axes) / np.float32(count))
        unbiased = batch_variance * np.float32(count / max(count - 1, 1))
        running_mean, running_variance = batch_mean, unbiased
        if factor != 1.0:
            old, new = np.float32(1.0 - factor), np.float32(factor)
            running_mean = old * mean + new * batch_mean
            running_variance = old * variance + new * unbiased
    deviation = xp.sqrt(batch_variance.astype(np.float32) + np.float32(epsilon))
    slope = _keep(xp, scale.astype(np.float32) / deviation)
    y = (wide - batch_mean.astype(np.float32).reshape(shape)) * slope.reshape(shape) + offset.astype(
        np.float32
    ).reshape(shape)
    statistics = (running_mean, running_variance, batch_mean, batch_variance)
    return (y.astype(x.dtype), *(item.astype(statistic) for item in statistics))


def _normalized_shapes(x: Any, vectors: Any, data_format: str) -> tuple[Any, Any]:
    """Returns the shapes of the images and of the statistics, the channels known from whichever input knows them."""
    x = with_rank(x, _rank(data_format))
    channel = _channel(data_format, len(x))
    statistic: Any = (x[channel],)
    for vector in vectors:
        statistic = merge(statistic, with_rank(vector, 1))
    return (*x[:channel], statistic[0], *x[channel + 1 :]), statistic


def _forward_shapes(
    x: Any, scale: Any, offset: Any, mean: Any, variance: Any, is_training: bool, data_format: str
) -> tuple[Any, ...]:
    vectors = [scale, offset] if is_training else [scale, offset, mean, variance]
    images, statistic = _normalized_shapes(x, vectors, data_format)
    return images, statistic, statistic, statistic, statistic


@op(
    "FusedBatchNorm",
    "x: T, scale: T, offset: T, mean: T, variance: T -> "
    "y: T, batch_mean: T, batch_variance: T, reserve_space_1: T, reserve_space_2: T",
    T=("float",),
)
def fused_batch_norm_op(
    xp,
    x,
    scale,
    offset,
    mean,
    variance,
    *,
    epsilon: float = 0.0001,
    exponential_avg_factor: float = 1.0,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    is_training: bool = True,
):
    """Normalizes each channel by its mean and variance: those of the batch in training, the given ones else."""
    return _normalize(xp, x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training)


@fused_batch_norm_op.shape
def _fused_batch_norm_shape(x, scale, offset, mean, variance, *, is_training, data_format):
    return _forward_shapes(x, scale, offset, mean, variance, is_training, data_format)


@op(
    "FusedBatchNormV2",
    "x: T, scale: U, offset: U, mean: U, variance: U -> "
    "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U",
    T=_TYPES,
    U=("float",),
)
def fused_batch_norm_v2_op(
    xp,
    x,
    scale,
    offset,
    mean,
    variance,
    *,
    epsilon: float = 0.0001,
    exponential_avg_factor: float = 1.0,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    is_training: bool = True,
):
    """Normalizes each channel as ``FusedBatchNorm`` does; images of 16-bit floats keep 32-bit statistics."""
    return _normalize(xp, x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training)


@fused_batch_norm_v2_op.shape
def _fused_batch_norm_v2_shape(x, scale, offset, mean, variance, *, is_training, data_format):
    return _forward_shapes(x, scale, offset, mean, variance, is_training, data_format)


@op(
    "FusedBatchNormV3",
    "x: T, scale: U, offset: U, mean: U, variance: U -> "
    "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
    T=_TYPES,
    U=("bfloat16", "float"),
)
def fused_batch_norm_v3_op(
    xp,
    x,
    scale,
    offset,
    mean,
    variance,
    *,
    epsilon: float = 0.0001,
    exponential_avg_factor: float = 1.0,
    data_format: Literal["NHWC", "NCHW", "NDHWC", "NCDHW"] = "NHWC",
    is_training: bool = True,
):
    """Normalizes each channel as ``FusedBatchNormV2`` does; its last output holds nothing."""
    outputs = _normalize(
        xp, x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training
    )
    return *outputs, xp.zeros((0,), scale.dtype)


@fused_batch_norm_v3_op.shape
def _fused_batch_norm_v3_shape(x, scale, offset, mean, variance, *, is_training, data_format):
    return *_forward_shapes(x, scale, offset, mean, variance, is_training, data_format), (0,)


def _forward_samples(s: Any, *, volumes: bool = False) -> Any:
    # The gradient rules count only the first output, as TensorFlow's do: it is not the derivative of all.
    def sample(x: Any, *vectors: Any, **attributes: Any) -> Any:
        tolerance = 5e-2 if x.dtype.itemsize == 2 else 1e-3
        return s(x, *vectors, tolerance=tolerance, differences=False, **attributes)

    unused = s.empty(0)
    for dtype in s.dtypes("T"):
        x = s.normal(2, 3, 2, 3, dtype=dtype)
        yield sample(x, s.positive((3,)), s.normal(3), unused, unused, epsilon=0.01)
    vectors = s.positive((3,)), s.normal(3), s.normal(3), s.positive((3,))
    yield sample(s.normal(2, 2, 2, 3), *vectors, is_training=False)
    x = s.normal(2, 3, 2, 4)
    yield sample(x, *vectors, data_format="NCHW")
    yield sample(x, *vectors, data_format="NCHW", is_training=False)
    yield sample(s.normal(2, 2, 2, 3), *vectors, exponential_avg_factor=0.25)
    if volumes:
        yield sample(s.normal(1, 2, 2, 2, 3), *vectors, data_format="NDHWC")
        yield sample(s.normal(1, 3, 2, 2, 2), *vectors, data_format="NCDHW")
    yield s(s.normal(1, 2, 2, 3), s.positive((2,)), s.normal(3), unused, unused, error="InvalidArgumentError")
    yield s(s.normal(2, 2, 3), s.positive((3,)), s.normal(3), unused, unused, error="InvalidArgumentError")


# Gradients.


def _gradients(
    xp: Any,
    name: str,
    dy: Any,
    x: Any,
    scale: Any,
    mean: Any,
    variance: Any,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> tuple[Any, ...]:
    """Computes the five outputs of a gradient operation from the statistics that the forward operation used."""
    if dy.shape != x.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"{name}: x and y_backprop must have the same shape, got {shape_text(x.shape)} and {shape_text(dy.shape)}",
        )
    vectors = {"scale": scale, "reserve_space_1": mean, "reserve_space_2": variance}
    channels = _check_channels(name, x, data_format, vectors)
    statistic = mean.dtype
    nothing = xp.zeros((0,), statistic)
    count = x.size // max(channels, 1)
    if not count:
        zeros = xp.zeros((channels,), statistic)
        return xp.zeros(x.shape, x.dtype), zeros, zeros, nothing, nothing
    axes, shape = _layout(x, data_format)
    wide_dy, wide_x = dy.astype(np.float32), x.astype(np.float32)
    one = np.float32(1)
    inverse = _keep(xp, one / xp.sqrt(variance.astype(np.float32) + np.float32(epsilon)))
    normalized = (wide_x - mean.astype(np.float32).reshape(shape)) * inverse.reshape(shape)
    of_offset = _keep(xp, partial_sums.on_either_tier(xp, wide_dy, axes))
    of_scale = _keep(xp, partial_sums.on_either_tier(xp, wide_dy * normalized, axes))
    slope = (scale.astype(np.float32) * inverse).reshape(shape)
    if is_training:
        share = one / np.float32(count)
        of_x = slope * (wide_dy - (of_offset * share).reshape(shape) - normalized * (of_scale * share).reshape(shape))
    else:
        of_x = slope * wide_dy
    return of_x.astype(x.dtype), of_scale.astype(statistic), of_offset.astype(statistic), nothing, nothing


def _gradient_shapes(dy: Any, x: Any, vectors: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    rank = _rank(data_format)
    images, statistic = _normalized_shapes(dy, vectors, data_format)
    channel = _channel(data_format, rank)
    merge(statistic, (with_rank(x, rank)[channel],))
    return images, statistic, statistic, (0,), (0,)


@op(
    "FusedBatchNormGrad",
    "y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T -> "
    "x_backprop: T, scale_backprop: T, offset_backprop: T, reserve_space_3: T, reserve_space_4: T",
    T=("float",),
)
def fused_batch_norm_grad_op(
    xp,
    y_backprop,
    x,
    scale,
    reserve_space_1,
    reserve_space_2,
    *,
    epsilon: float = 0.0001,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    is_training: bool = True,
):
    """Gives the gradients of ``FusedBatchNorm`` with respect to images, scale and offset."""
    return _gradients(
        xp,
        "FusedBatchNormGrad",
        y_backprop,
        x,
        scale,
        reserve_space_1,
        reserve_space_2,
        epsilon,
        data_format,
        is_training,
    )


@fused_batch_norm_grad_op.shape
def _fused_batch_norm_grad_shape(y_backprop, x, scale, reserve_space_1, reserve_space_2, *, data_format):
    return _gradient_shapes(y_backprop, x, (scale, reserve_space_1, reserve_space_2), data_format)


@op(
    "FusedBatchNormGradV2",
    "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U -> "
    "x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U",
    T=_TYPES,
    U=("float",),
)
def fused_batch_norm_grad_v2_op(
    xp,
    y_backprop,
    x,
    scale,
    reserve_space_1,
    reserve_space_2,
    *,
    epsilon: float = 0.0001,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    is_training: bool = True,
):
    """Gives the gradients of ``FusedBatchNormV2`` with respect to images, scale and offset."""
    return _gradients(
        xp,
        "FusedBatchNormGradV2",
        y_backprop,
        x,
        scale,
        reserve_space_1,
        reserve_space_2,
        epsilon,
        data_format,
        is_training,
    )


@fused_batch_norm_grad_v2_op.shape
def _fused_batch_norm_grad_v2_shape(y_backprop, x, scale, reserve_space_1, reserve_space_2, *, data_format):
    return _gradient_shapes(y_backprop, x, (scale, reserve_space_1, reserve_space_2), data_format)


@op(
    "FusedBatchNormGradV3",
    "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U -> "
    "x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_4: U, reserve_space_5: U",
    T=_TYPES,
    U=("float",),
)
def fused_batch_norm_grad_v3_op(
    xp,
    y_backprop,
    x,
    scale,
    reserve_space_1,
    reserve_space_2,
    reserve_space_3,
    *,
    epsilon: float = 0.0001,
    data_format: Literal["NHWC", "NCHW", "NDHWC", "NCDHW"] = "NHWC",
    is_training: bool = True,
):
    """Gives the gradients of ``FusedBatchNormV3`` with respect to images, scale and offset."""
    return _gradients(
        xp,
        "FusedBatchNormGradV3",
        y_backprop,
        x,
        scale,
        reserve_space_1,
        reserve_space_2,
        epsilon,
        data_format,
        is_training,
    )


@fused_batch_norm_grad_v3_op.shape
def _fused_batch_norm_grad_v3_shape(
    y_backprop, x, scale, reserve_space_1, reserve_space_2, reserve_space_3, *, data_format
):
    return _gradient_shapes(y_backprop, x, (scale, reserve_space_1, reserve_space_2), data_format)


def _forward_gradient(gradient: Any) -> Any:
    """Returns the gradient rule of a forward operation, which calls the operation ``gradient``."""

    def rule(call: Any, dy: Any, *unused: Any) -> Any:
        x, scale, _, mean, variance = call.inputs
        training = call.attr("is_training")
        if training:
            mean, variance = call.outputs[3:5]
        third = [call.outputs[5]] if len(call.outputs) == 6 else []
        attributes = {name: call.attr(name) for name in ("epsilon", "data_format", "is_training")}
        of_x, of_scale, of_offset, *_ = gradient(dy, x, scale, mean, variance, *third, **attributes)
        return of_x, of_scale, of_offset, None, None

    return rule


def _second_gradient(call: Any, of_x: Any, of_scale: Any, of_offset: Any, *unused: Any) -> Any:
    """Differentiates the gradient operations with respect to output gradients, images and scale.

    With the normalized images h, the reciprocal deviation r, and P(v) = v - mean(v) - h * mean(v * h), which is
    symmetric, the gradient of the images is ``scale * r * P(dy)``, and the derivative of h is r * P.
    """
    dy, x, scale, mean, variance, *third = call.inputs
    kind, wide = x.dtype.base_dtype, dtypes.float32
    if kind is not wide:
        dy, x, of_x = (raw.Cast(item, DstT=wide) for item in (dy, x, of_x))
    data_format, epsilon = call.attr("data_format"), call.attr("epsilon")
    rank = _rank(data_format)
    channel = _channel(data_format, rank)
    axes = [axis for axis in range(rank) if axis != channel]
    shape = [-1 if axis == channel else 1 for axis in range(rank)]
    scale, of_scale, of_offset = (raw.Reshape(item, shape) for item in (scale, of_scale, of_offset))
    if call.attr("is_training"):  # in which the statistics are functions of the images
        mean = raw.Mean(x, axes, keep_dims=True)
        variance = raw.Mean(raw.SquaredDifference(x, mean), axes, keep_dims=True)
    else:
        mean, variance = raw.Reshape(mean, shape), raw.Reshape(variance, shape)
    inverse = raw.Rsqrt(raw.AddV2(variance, epsilon))
    normalized = raw.Mul(raw.Sub(x, mean), inverse)

    def average(item: Any) -> Any:
        return raw.Mean(item, axes, keep_dims=True)

    def projected(item: Any) -> Any:
        along = raw.Mul(normalized, average(raw.Mul(item, normalized)))
        return raw.Sub(raw.Sub(item, average(item)), along)

    slope = raw.Mul(scale, inverse)
    direct = raw.AddV2(raw.Mul(of_scale, normalized), of_offset)
    if call.attr("is_training"):
        product = raw.Mul(of_x, projected(dy))
        to_dy = raw.AddV2(raw.Mul(slope, projected(of_x)), direct)
        crossed = raw.AddV2(
            raw.Mul(average(raw.Mul(dy, normalized)), of_x), raw.Mul(average(raw.Mul(of_x, normalized)), dy)
        )
        to_normalized = raw.Sub(raw.Mul(of_scale, dy), raw.Mul(slope, crossed))
        through_deviation = raw.Mul(raw.Mul(raw.Mul(slope, inverse), normalized), average(product))
        to_x = raw.Sub(raw.Mul(inverse, projected(to_normalized)), through_deviation)
    else:
        product = raw.Mul(of_x, dy)
        to_dy = raw.AddV2(raw.Mul(slope, of_x), direct)
        to_x = raw.Mul(raw.Mul(of_scale, dy), inverse)
    to_scale = raw.Sum(raw.Mul(product, inverse), axes, keep_dims=False)
    if kind is not wide:
        to_dy, to_x = raw.Cast(to_dy, DstT=kind), raw.Cast(to_x, DstT=kind)
    return to_dy, to_x, to_scale, None, None, *[None for _ in third]


for _forward, _backward in (
    (fused_batch_norm_op, fused_batch_norm_grad_op),
    (fused_batch_norm_v2_op, fused_batch_norm_grad_v2_op),
    (fused_batch_norm_v3_op, fused_batch_norm_grad_v3_op),
):
    _forward.gradient(_forward_gradient(_backward))
    _backward.gradient(_second_gradient)


def _backward_samples(s: Any, *, third: bool = False) -> Any:
    # The statistics are inputs of their own: the derivative counts them as functions of the images.
    def sample(shape: tuple[int, ...], dtype: Any = "float32", **attributes: Any) -> Any:
        data_format = attributes.get("data_format", "NHWC")
        axes = tuple(axis for axis in range(len(shape)) if axis != _channel(data_format, len(shape)))
        dy, x = s.normal(*shape, dtype=dtype), s.normal(*shape, dtype=dtype)
        wide = x.astype(np.float32)
        more = [s.empty(0)] if third else []
        tolerance = 5e-2 if x.dtype.itemsize == 2 else 1e-3
        return s(
            dy,
            x,
            s.positive((3,)),
            wide.mean(axes),
            wide.var(axes),
            *more,
            epsilon=0.01,
            differences=False,
            tolerance=tolerance,
            **attributes,
        )

    for dtype in s.dtypes("T"):
        yield sample((2, 2, 3, 3), dtype)
        yield sample((2, 2, 3, 3), dtype, is_training=False)
    yield sample((2, 3, 2, 2), data_format="NCHW")
    yield sample((2, 3, 2, 2), data_format="NCHW", is_training=False)
    if third:
        yield sample((1, 2, 2, 2, 3), data_format="NDHWC")


fused_batch_norm_grad_op.samples(_backward_samples)
fused_batch_norm_grad_v2_op.samples(_backward_samples)
fused_batch_norm_grad_v3_op.samples(lambda s: _backward_samples(s, third=True))
fused_batch_norm_op.samples(_forward_samples)
fused_batch_norm_v2_op.samples(_forward_samples)
fused_batch_norm_v3_op.samples(lambda s: _forward_samples(s, volumes=True))
