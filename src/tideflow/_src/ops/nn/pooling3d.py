"""Pooling over windows of volumes, its gradients and the gradients of those."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import FLOATING, REAL
from tideflow._src.ops.dimensions import merge, with_rank
from tideflow._src.ops.nn import pooling_kernels as kernels
from tideflow._src.ops.nn.pooling_plan import Window
from tideflow._src.ops.nn.window_gradients import differentiate_average, differentiate_maximum
from tideflow._src.ops.nn.window_shapes import pooling_shape, shape_given
from tideflow._src.runtime.op import op

_TYPES = ("float16", "bfloat16", "float32")
_WINDOW = ("ksize", "strides", "padding", "data_format")

_TWO = [1, 2, 2, 2, 1]
_THREE = [1, 3, 2, 3, 1]
_STEP = [1, 2, 1, 2, 1]
#: Windows side by side, and overlapping ones with padding.
_CASES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 4, 4, 2), {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}),
    ((1, 5, 4, 3, 2), {"ksize": _THREE, "strides": _STEP, "padding": "SAME"}),
)
_PLAIN = _CASES[0][1]


def _pooled(volume: tuple[int, ...], attributes: dict[str, Any]) -> tuple[int, ...]:
    """Returns the shape of a sample's pooling."""
    shape = pooling_shape("", volume, data_format="NDHWC", rank=5, **attributes)
    return tuple(size for size in shape if size is not None)


def _shape_rule(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any) -> Any:
    return pooling_shape("Pool3D", input, ksize, strides, padding, data_format, over_channels=True, rank=5)


# The maximum.


@op("MaxPool3D", "input: T -> output: T", T=_TYPES, ksize=at_least(5), strides=at_least(5))
def max_pool3d_op(
    xp,
    input,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
):
    """Gives the maximum of each window."""
    return kernels.max_pool3d(xp, input, Window(ksize, strides, padding, (), data_format))


@max_pool3d_op.shape
def _max_pool3d_shape(input, *, ksize, strides, padding, data_format):
    return _shape_rule(input, ksize, strides, padding, data_format)


@max_pool3d_op.samples
def _max_pool3d_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((1, 4, 2, 4, 2), dtype), differences=False, **_PLAIN)
    for volume, attributes in _CASES:
        yield s(s.distinct(volume), differences=False, **attributes)
    yield s(np.zeros((1, 4, 4, 4, 1), np.float32), ksize=_THREE, strides=_STEP, padding="SAME", gradient=False)
    yield s(s.empty(0, 4, 4, 4, 2), differences=False, **_PLAIN)
    yield s(s.normal(4, 4, 4, 2), error="InvalidArgumentError", **_PLAIN)


@op(
    "MaxPool3DGrad",
    "orig_input: TInput, orig_output: TInput, grad: T -> output: T",
    T=default("float", _TYPES),
    TInput=default("float", _TYPES),
    ksize=at_least(5),
    strides=at_least(5),
)
def max_pool3d_grad_op(
    xp,
    orig_input,
    orig_output,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
):
    """Gives each gradient to the maximum of its window: unlike ``MaxPoolGrad``, to each element that equals it."""
    return kernels.max_pool3d_grad(xp, orig_input, orig_output, grad, Window(ksize, strides, padding, (), data_format))


@max_pool3d_grad_op.shape
def _max_pool3d_grad_shape(orig_input, orig_output, grad):
    return with_rank(orig_input, 5)


def _maxima(volume: Any, attributes: dict[str, Any]) -> Any:
    return kernels.max_pool3d.host(volume, Window(data_format="NDHWC", **attributes))


@max_pool3d_grad_op.samples
def _max_pool3d_grad_samples(s):
    for dtype in s.dtypes("T"):
        volume = s.distinct((1, 4, 2, 4, 2), dtype)
        yield s(volume, _maxima(volume, _PLAIN), s.array((1, 2, 1, 2, 2), dtype), differences=False, **_PLAIN)
    for shape, attributes in _CASES:
        volume = s.distinct(shape)
        dy = s.normal(*_pooled(shape, attributes))
        yield s(volume, _maxima(volume, attributes), dy, differences=False, **attributes)
    tied = np.zeros((1, 4, 4, 4, 1), np.float32)
    yield s(tied, tied[:, :2, :2, :2], s.normal(1, 2, 2, 2, 1), gradient=False, **_PLAIN)
    yield s(tied, tied[:, :2, :2, :2], s.normal(1, 2, 3, 2, 1), error="InvalidArgumentError", **_PLAIN)


@op(
    "MaxPool3DGradGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    T=REAL,
    ksize=at_least(5),
    strides=at_least(5),
)
def max_pool3d_grad_grad_op(
    xp,
    orig_input,
    orig_output,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
):
    """Reads ``grad`` at the maximum of each window."""
    return kernels.max_pool3d_grad_grad(
        xp, orig_input, orig_output, grad, Window(ksize, strides, padding, (), data_format)
    )


@max_pool3d_grad_grad_op.shape
def _max_pool3d_grad_grad_shape(orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
    merge(orig_input, grad)
    pooled = _shape_rule(orig_input, ksize, strides, padding, data_format)
    merge(orig_output, pooled)
    return pooled


@max_pool3d_grad_grad_op.samples
def _max_pool3d_grad_grad_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.name in _TYPES:  # TensorFlow has no kernel for the others
            volume = s.distinct((1, 4, 2, 4, 2), dtype)
            yield s(volume, _maxima(volume, _PLAIN), s.array(volume.shape, dtype), differences=False, **_PLAIN)
    for shape, attributes in _CASES:
        volume = s.distinct(shape)
        yield s(volume, _maxima(volume, attributes), s.normal(*shape), differences=False, **attributes)


differentiate_maximum(max_pool3d_op, max_pool3d_grad_op, max_pool3d_grad_grad_op, _WINDOW)


# The average.


@op("AvgPool3D", "input: T -> output: T", T=FLOATING, ksize=at_least(5), strides=at_least(5))
def avg_pool3d_op(
    xp,
    input,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
):
    """Gives the mean of each window; padding does not count."""
    return kernels.avg_pool3d(xp, input, Window(ksize, strides, padding, (), data_format))


@avg_pool3d_op.shape
def _avg_pool3d_shape(input, *, ksize, strides, padding, data_format):
    return _shape_rule(input, ksize, strides, padding, data_format)


@avg_pool3d_op.samples
def _avg_pool3d_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.normal(1, 4, 2, 4, 2, dtype=dtype), **_PLAIN)
    for volume, attributes in _CASES:
        yield s(s.normal(*volume), **attributes)
    yield s(s.empty(0, 4, 4, 4, 2), differences=False, **_PLAIN)


@op(
    "AvgPool3DGrad",
    "orig_input_shape: static int32, grad: T -> output: T",
    T=FLOATING,
    ksize=at_least(5),
    strides=at_least(5),
)
def avg_pool3d_grad_op(
    xp,
    orig_input_shape,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
):
    """Spreads each gradient evenly over its window."""
    return kernels.avg_pool3d_grad(xp, orig_input_shape, grad, Window(ksize, strides, padding, (), data_format))


@avg_pool3d_grad_op.shape
def _avg_pool3d_grad_shape(orig_input_shape, grad):
    return shape_given(orig_input_shape, 5)


@avg_pool3d_grad_op.samples
def _avg_pool3d_grad_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.int32([1, 4, 2, 4, 2]), s.normal(1, 2, 1, 2, 2, dtype=dtype), **_PLAIN)
    for shape, attributes in _CASES:
        yield s(np.int32(shape), s.normal(*_pooled(shape, attributes)), **attributes)


differentiate_average(avg_pool3d_op, avg_pool3d_grad_op, _WINDOW)
