"""Pooling that also tells where each maximum is, and the gradients that use that."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn import pooling_kernels as kernels
from tideflow._src.ops.nn.pooling_plan import Window
from tideflow._src.ops.nn.window_shapes import pooling_shape
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.op import op

_TWO = [1, 2, 2, 1]
_WINDOW: dict[str, Any] = {"ksize": _TWO, "strides": _TWO, "padding": "VALID"}


def _attributes(call: Any) -> dict[str, Any]:
    return {name: call.attr(name) for name in ("ksize", "strides", "padding", "include_batch_in_index")}


@op(
    "MaxPoolWithArgmax",
    "input: T -> output: T, argmax: Targmax",
    T=REAL,
    Targmax=default("int64", INDEX),
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_with_argmax_op(
    xp,
    input,
    *,
    ksize: list[int],
    strides: list[int],
    Targmax: DType = "int64",
    padding: Literal["SAME", "VALID"],
    include_batch_in_index: bool = False,
):
    """Gives the maximum of each window and its index in the flattened image, or in the flattened batch."""
    if not input.size:
        raise InvalidArgumentError(None, None, f"input must not be empty, got shape {list(input.shape)}")
    return kernels.max_pool_with_argmax(
        xp,
        input,
        Window(ksize, strides, padding),
        Targmax=Targmax.as_numpy_dtype,
        include_batch_in_index=include_batch_in_index,
    )


@max_pool_with_argmax_op.shape
def _max_pool_with_argmax_shape(input, *, ksize, strides, padding):
    shape = pooling_shape("MaxPoolWithArgmax", input, ksize, strides, padding, "NHWC", (), True)
    return shape, shape


@max_pool_with_argmax_op.gradient
def _max_pool_with_argmax_gradient(call, dy, dargmax):
    return max_pool_grad_with_argmax_op(call.inputs[0], dy, call.outputs[1], **_attributes(call))


@max_pool_with_argmax_op.samples
def _max_pool_with_argmax_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((1, 4, 4, 2), dtype), **_WINDOW)
    yield s(s.distinct((2, 5, 5, 2)), ksize=[1, 3, 3, 1], strides=_TWO, padding="SAME")
    yield s(s.distinct((1, 4, 4, 1)), Targmax="int32", gradient=False, **_WINDOW)
    yield s(s.distinct((2, 4, 4, 1)), include_batch_in_index=True, **_WINDOW)
    yield s(np.zeros((1, 4, 4, 1), np.float32), gradient=False, **_WINDOW)
    yield s(s.normal(4, 4, 2), error="InvalidArgumentError", **_WINDOW)


def _flat_places(xp: Any, argmax: Any, image_shape: Any, include_batch_in_index: bool) -> Any:
    """Returns indices into the flattened batch."""
    if not include_batch_in_index:
        images = xp.arange(argmax.shape[0], dtype=argmax.dtype) * int(np.prod(image_shape[1:]))
        argmax = argmax + images[:, None, None, None]
    if argmax.size:
        size = int(np.prod(image_shape))
        problem = f"argmax holds indices outside [0, {size}), the elements of {shape_text(image_shape)}"
        require((argmax.min() >= 0) & (argmax.max() < size), problem)
    return argmax.reshape(-1)


def _check(name: str, label: str, shape: Any, expected: Any) -> None:
    if tuple(shape) != tuple(expected):
        raise InvalidArgumentError(
            None, None, f"{name}: expected {label} of shape {shape_text(expected)}, but got {shape_text(shape)}"
        )


def _pooled_shape(name: str, input: Any, ksize: Any, strides: Any, padding: str) -> Any:
    return pooling_shape(name, input.shape, ksize, strides, padding, "NHWC", (), True)


@op(
    "MaxPoolGradWithArgmax",
    "input: T, grad: T, argmax: Targmax -> output: T",
    T=REAL,
    Targmax=INDEX,
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_grad_with_argmax_op(
    xp,
    input,
    grad,
    argmax,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    include_batch_in_index: bool = False,
):
    """Gives each gradient to the element whose index is in ``argmax``."""
    expected = _pooled_shape("MaxPoolGradWithArgmax", input, ksize, strides, padding)
    _check("MaxPoolGradWithArgmax", "grad", grad.shape, expected)
    _check("MaxPoolGradWithArgmax", "argmax", argmax.shape, expected)
    places = _flat_places(xp, argmax, input.shape, include_batch_in_index)
    result = xp.zeros(int(np.prod(input.shape)), grad.dtype)
    if xp is np:
        np.add.at(result, places, grad.reshape(-1))
    else:
        result = result.at[places].add(grad.reshape(-1))
    return result.reshape(input.shape)


@max_pool_grad_with_argmax_op.shape
def _max_pool_grad_with_argmax_shape(input, grad, argmax):
    return with_rank(input, 4)


@max_pool_grad_with_argmax_op.gradient
def _max_pool_grad_with_argmax_gradient(call, dy):
    image, _, argmax = call.inputs
    return raw.ZerosLike(image), max_pool_grad_grad_with_argmax_op(image, dy, argmax, **_attributes(call)), None


def _image_and_argmax(s: Any, dtype: Any, index: str = "int64", batch: bool = False) -> Any:
    image = s.distinct((2, 4, 4, 2), dtype)
    _, argmax = kernels.max_pool_with_argmax.host(
        image, Window(**_WINDOW), Targmax=np.dtype(index), include_batch_in_index=batch
    )
    return image, argmax


@max_pool_grad_with_argmax_op.samples
def _max_pool_grad_with_argmax_samples(s):
    for dtype in s.dtypes("T"):
        image, argmax = _image_and_argmax(s, dtype)
        yield s(image, s.array((2, 2, 2, 2), dtype), argmax, **_WINDOW)
    image, argmax = _image_and_argmax(s, "float32", "int32", True)
    yield s(image, s.normal(2, 2, 2, 2), argmax, include_batch_in_index=True, **_WINDOW)


@op(
    "MaxPoolGradGradWithArgmax",
    "input: T, grad: T, argmax: Targmax -> output: T",
    T=REAL,
    Targmax=INDEX,
    ksize=at_least(4),
    strides=at_least(4),
)
def max_pool_grad_grad_with_argmax_op(
    xp,
    input,
    grad,
    argmax,
    *,
    ksize: list[int],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    include_batch_in_index: bool = False,
):
    """Reads ``grad`` at the indices in ``argmax``."""
    expected = _pooled_shape("MaxPoolGradGradWithArgmax", input, ksize, strides, padding)
    _check("MaxPoolGradGradWithArgmax", "grad", grad.shape, input.shape)
    _check("MaxPoolGradGradWithArgmax", "argmax", argmax.shape, expected)
    places = _flat_places(xp, argmax, input.shape, include_batch_in_index)
    return grad.reshape(-1)[places].reshape(argmax.shape)


@max_pool_grad_grad_with_argmax_op.shape
def _max_pool_grad_grad_with_argmax_shape(input, grad, argmax, *, ksize, strides, padding):
    return pooling_shape("MaxPoolGradGradWithArgmax", input, ksize, strides, padding, "NHWC", (), True)


@max_pool_grad_grad_with_argmax_op.gradient
def _max_pool_grad_grad_with_argmax_gradient(call, dy):
    image, _, argmax = call.inputs
    return raw.ZerosLike(image), max_pool_grad_with_argmax_op(image, dy, argmax, **_attributes(call)), None


@max_pool_grad_grad_with_argmax_op.samples
def _max_pool_grad_grad_with_argmax_samples(s):
    for dtype in s.dtypes("T"):
        image, argmax = _image_and_argmax(s, dtype)
        yield s(image, s.array(image.shape, dtype), argmax, **_WINDOW)
