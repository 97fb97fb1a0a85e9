"""Pooling over windows of images, its gradients and the gradients of those.

The kernels are in :mod:`.pooling_kernels`, the public functions in :mod:`.pooling_functions`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import FLOATING, REAL
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn import pooling_kernels as kernels
from tideflow._src.ops.nn.convolution import UNPADDED
from tideflow._src.ops.nn.pooling_plan import Window
from tideflow._src.ops.nn.window_gradients import differentiate_average, differentiate_maximum
from tideflow._src.ops.nn.window_shapes import pooling_shape, shape_given
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.op import op

_MAX_TYPES = (*FLOATING, "int32", "int64", "uint8", "int16", "int8", "uint16", "qint8")
#: Types that the definitions of the gradients allow, but not the forward operation, nor the kernels.
_NEVER = ("uint32", "uint64")

_TWO = [1, 2, 2, 1]
_THREE = [1, 3, 3, 1]
#: Windows side by side, overlapping, with gaps, padded, and the other layout.
_CASES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 6, 2), {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}),
    ((1, 5, 5, 2), {"ksize": _THREE, "strides": _TWO, "padding": "SAME"}),
    ((1, 5, 4, 1), {"ksize": [1, 2, 1, 1], "strides": [1, 3, 2, 1], "padding": "VALID"}),
)
_EXPLICIT = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]}


def _pooled(image: tuple[int, ...], attributes: dict[str, Any]) -> tuple[int, ...]:
    """Returns the shape of a sample's pooling."""
    shape = pooling_shape("", image, data_format="NHWC", **attributes)
    return tuple(size for size in shape if size is not None)


def _sample_dtypes(s: Any) -> Any:
    return (dtype for dtype in s.dtypes("T") if dtype.name not in _NEVER)


# The maximum.


@op(
    "MaxPool",
    "input: T -> output: T",
    T=default("float", _MAX_TYPES),
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_op(
    xp,
    input,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC",
):
    """Gives the maximum of each window."""
    return kernels.max_pool(xp, input, Window(ksize, strides, padding, explicit_paddings, data_format))


@max_pool_op.shape
def _max_pool_shape(input, *, ksize, strides, padding, explicit_paddings, data_format):
    return pooling_shape("MaxPool", input, ksize, strides, padding, data_format, explicit_paddings, True)


@max_pool_op.samples
def _max_pool_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((1, 4, 4, 2), dtype), ksize=_TWO, strides=_TWO, padding="VALID")
    for image, attributes in _CASES:
        yield s(s.distinct(image), **attributes)
    # As in TensorFlow, there is no second gradient with explicit padding.
    yield s(s.distinct((1, 4, 3, 2)), ksize=_TWO, strides=[1, 1, 1, 1], gradient=False, **_EXPLICIT)
    depth = [1, 1, 1, 2]
    yield s(s.distinct((1, 2, 2, 4)), ksize=depth, strides=depth, padding="VALID", gradient=False)
    yield s(np.zeros((1, 4, 4, 1), np.float32), ksize=_THREE, strides=_TWO, padding="SAME", gradient=False)
    yield s(s.empty(0, 4, 4, 2), ksize=_TWO, strides=_TWO, padding="VALID")
    yield s(s.normal(4, 4, 2), ksize=_TWO, strides=_TWO, padding="VALID", error="InvalidArgumentError")


@op(
    "MaxPoolV2",
    "input: T, ksize: static int32, strides: static int32 -> output: T",
    T=default("float", _MAX_TYPES),
)
def max_pool_v2_op(
    xp,
    input,
    ksize,
    strides,
    *,
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC",
):
    """Gives the maximum of each window, the size and the steps of which are inputs."""
    return kernels.max_pool(xp, input, _window(ksize, strides, padding, data_format))


def _v2_shape(operation: str, image: Any, ksize: Any, strides: Any, padding: str, data_format: str) -> Any:
    if ksize.value is None or strides.value is None:
        return None
    return pooling_shape(operation, image, ksize.integers(), strides.integers(), padding, data_format, (), True)


@max_pool_v2_op.shape
def _max_pool_v2_shape(input, ksize, strides, *, padding, data_format):
    return _v2_shape("MaxPool", input, ksize, strides, padding, data_format)


def _window(ksize: Any, strides: Any, padding: str, data_format: str) -> Window:
    """Returns the window whose size and steps are inputs."""
    sizes, steps = vector(ksize, "ksize").tolist(), vector(strides, "strides").tolist()
    return Window(sizes, steps, padding, (), data_format)


@max_pool_v2_op.samples
def _max_pool_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((1, 4, 4, 2), dtype), np.int32(_TWO), np.int32(_TWO), padding="VALID")
    yield s(s.distinct((1, 5, 5, 2)), np.int32(_THREE), np.int32(_TWO), padding="SAME")


# The gradient of the maximum.


@op(
    "MaxPoolGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    T=default("float", REAL),
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_grad_op(
    xp,
    orig_input,
    orig_output,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Gives each gradient to the element that is the maximum of its window."""
    return kernels.max_pool_grad(
        xp, orig_input, orig_output, grad, Window(ksize, strides, padding, explicit_paddings, data_format)
    )


@max_pool_grad_op.shape
def _max_pool_grad_shape(orig_input, orig_output, grad):
    return with_rank(orig_input, 4)


def _maxima(image: Any, attributes: dict[str, Any]) -> Any:
    return kernels.max_pool.host(image, Window(**attributes))


@max_pool_grad_op.samples
def _max_pool_grad_samples(s):
    window = {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}
    for dtype in _sample_dtypes(s):
        image = s.distinct((1, 4, 4, 2), dtype)
        yield s(image, _maxima(image, window), s.array((1, 2, 2, 2), dtype), differences=False, **window)
    for shape, attributes in _CASES:
        image = s.distinct(shape)
        yield s(
            image,
            _maxima(image, attributes),
            s.normal(*_pooled(shape, attributes)),
            differences=False,
            **attributes,
        )
    explicit = {"ksize": _TWO, "strides": [1, 1, 1, 1], **_EXPLICIT}
    image = s.distinct((1, 4, 3, 2))
    yield s(image, _maxima(image, explicit), s.normal(1, 4, 3, 2), gradient=False, **explicit)
    tied = np.zeros((1, 4, 4, 1), np.float32)
    wide = {"ksize": _THREE, "strides": _TWO, "padding": "SAME"}
    yield s(tied, tied[:, :2, :2], s.normal(1, 2, 2, 1), gradient=False, **wide)
    yield s(tied, tied[:, :2, :2], s.normal(1, 3, 2, 1), error="InvalidArgumentError", **wide)


@op(
    "MaxPoolGradV2",
    "orig_input: T, orig_output: T, grad: T, ksize: static int32, strides: static int32 -> output: T",
    T=default("float", REAL),
)
def max_pool_grad_v2_op(
    xp,
    orig_input,
    orig_output,
    grad,
    ksize,
    strides,
    *,
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Gives each gradient to the maximum of its window, the size and the steps of which are inputs."""
    return kernels.max_pool_grad(xp, orig_input, orig_output, grad, _window(ksize, strides, padding, data_format))


@max_pool_grad_v2_op.shape
def _max_pool_grad_v2_shape(orig_input, orig_output, grad, ksize, strides):
    return with_rank(orig_input, 4)


def _v2_samples(s: Any, gradient_of_input: bool) -> Any:
    for dtype in _sample_dtypes(s):
        image = s.distinct((1, 4, 4, 2), dtype)
        pooled = _maxima(image, {"ksize": _TWO, "strides": _TWO, "padding": "VALID"})
        gradient = s.array(image.shape if gradient_of_input else pooled.shape, dtype)
        yield s(image, pooled, gradient, np.int32(_TWO), np.int32(_TWO), padding="VALID", differences=False)


@max_pool_grad_v2_op.samples
def _max_pool_grad_v2_samples(s):
    yield from _v2_samples(s, False)


# The gradient of that gradient.


@op(
    "MaxPoolGradGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    T=REAL,
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_grad_grad_op(
    xp,
    orig_input,
    orig_output,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Reads ``grad`` at the maximum of each window."""
    return kernels.max_pool_grad_grad(
        xp, orig_input, orig_output, grad, Window(ksize, strides, padding, (), data_format)
    )


@max_pool_grad_grad_op.shape
def _max_pool_grad_grad_shape(orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
    return pooling_shape("MaxPoolGradGrad", orig_input, ksize, strides, padding, data_format, (), True)


@max_pool_grad_grad_op.samples
def _max_pool_grad_grad_samples(s):
    window = {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}
    for dtype in _sample_dtypes(s):
        image = s.distinct((1, 4, 4, 2), dtype)
        yield s(image, _maxima(image, window), s.array(image.shape, dtype), differences=False, **window)
    for shape, attributes in _CASES:
        image = s.distinct(shape)
        yield s(image, _maxima(image, attributes), s.normal(*shape), differences=False, **attributes)


@op(
    "MaxPoolGradGradV2",
    "orig_input: T, orig_output: T, grad: T, ksize: static int32, strides: static int32 -> output: T",
    T=REAL,
)
def max_pool_grad_grad_v2_op(
    xp,
    orig_input,
    orig_output,
    grad,
    ksize,
    strides,
    *,
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Reads ``grad`` at the maximum of each window, the size and the steps of which are inputs."""
    return kernels.max_pool_grad_grad(xp, orig_input, orig_output, grad, _window(ksize, strides, padding, data_format))


@max_pool_grad_grad_v2_op.shape
def _max_pool_grad_grad_v2_shape(orig_input, orig_output, grad, ksize, strides, *, padding, data_format):
    return _v2_shape("MaxPoolGradGrad", orig_input, ksize, strides, padding, data_format)


@max_pool_grad_grad_v2_op.samples
def _max_pool_grad_grad_v2_samples(s):
    yield from _v2_samples(s, True)


differentiate_maximum(
    max_pool_op,
    max_pool_grad_op,
    max_pool_grad_grad_op,
    ("ksize", "strides", "padding", "data_format"),
    only_first=("explicit_paddings",),
)
differentiate_maximum(max_pool_v2_op, max_pool_grad_v2_op, max_pool_grad_grad_v2_op, ("padding", "data_format"))


# The average.


@op("AvgPool", "value: T -> output: T", T=FLOATING, ksize=at_least(4), strides=at_least(4))
def avg_pool_op(
    xp,
    value,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Gives the mean of each window; padding does not count."""
    return kernels.avg_pool(xp, value, Window(ksize, strides, padding, (), data_format))


@avg_pool_op.shape
def _avg_pool_shape(value, *, ksize, strides, padding, data_format):
    return pooling_shape("AvgPool", value, ksize, strides, padding, data_format)


@avg_pool_op.samples
def _avg_pool_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.normal(1, 4, 4, 2, dtype=dtype), ksize=_TWO, strides=_TWO, padding="VALID")
    for image, attributes in _CASES:
        yield s(s.normal(*image), **attributes)
    yield s(s.empty(0, 4, 4, 2), ksize=_TWO, strides=_TWO, padding="VALID")
    yield s(s.normal(4, 4, 2), ksize=_TWO, strides=_TWO, padding="VALID", error="InvalidArgumentError")


@op(
    "AvgPoolGrad",
    "orig_input_shape: static int32, grad: T -> output: T",
    T=FLOATING,
    ksize=at_least(4),
    strides=at_least(4),
)
def avg_pool_grad_op(
    xp,
    orig_input_shape,
    grad,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
):
    """Spreads each gradient evenly over its window."""
    return kernels.avg_pool_grad(xp, orig_input_shape, grad, Window(ksize, strides, padding, (), data_format))


@avg_pool_grad_op.shape
def _avg_pool_grad_shape(orig_input_shape, grad):
    return shape_given(orig_input_shape, 4)


@avg_pool_grad_op.samples
def _avg_pool_grad_samples(s):
    window = {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}
    for dtype in s.dtypes("T"):
        yield s(np.int32([1, 4, 4, 2]), s.normal(1, 2, 2, 2, dtype=dtype), **window)
    for image, attributes in _CASES:
        yield s(np.int32(image), s.normal(*_pooled(image, attributes)), **attributes)
    yield s(np.int32([1, 4, 4]), s.normal(1, 2, 2, 2), error="InvalidArgumentError", **window)


differentiate_average(avg_pool_op, avg_pool_grad_op, ("ksize", "strides", "padding", "data_format"))
