"""Convolution of images that are padded by their mirror image first, or resized and padded."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image import resizing_kernels, resizing_weights
from tideflow._src.ops.image.resizing import sized
from tideflow._src.ops.nn.window_shapes import convolution_shape
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

_NHWC = "NHWC"
_UNDILATED = [1, 1, 1, 1]


def _kernel(xp: Any, operation: str) -> Any:
    """Returns the kernel of another operation for a tier."""
    definition = OpDef.registry[operation]
    special = definition.host_kernel if xp is np else definition.xla_kernel
    if special is not None:
        return special
    return lambda *inputs, **attributes: definition.kernel(xp, *inputs, **attributes)


def _padded_convolution(xp: Any, image: Any, paddings: Any, filter: Any, mode: str, strides: Any, padding: str) -> Any:
    if image.ndim != 4:
        raise invalid_argument(f"input must be 4-dimensional, got shape {list(image.shape)}")
    if not image.size:
        raise invalid_argument(f"input must not be empty, got shape {list(image.shape)}")
    if filter.ndim != 4:
        raise invalid_argument(f"filter must be 4-dimensional, got shape {list(filter.shape)}")
    if paddings.shape != (4, 2):
        raise invalid_argument(f"paddings must be a matrix with 4 rows and 2 columns, got shape {list(paddings.shape)}")
    most = 1 if mode == "REFLECT" else 0
    for axis, (before, after) in enumerate(paddings.tolist()):
        if before < 0 or after < 0:
            raise invalid_argument(f"paddings must be non-negative, got {before}, {after} for dimension {axis}")
        if max(before, after) > image.shape[axis] - most and max(before, after) > 0:
            raise invalid_argument(
                f"paddings must be no greater than the dimension size{' less 1' if most else ''}: {before}, {after} "
                f"for dimension {axis} of size {image.shape[axis]}"
            )
    if len(strides) != 4 or strides[0] != 1 or strides[3] != 1:
        raise invalid_argument(f"strides must be 4 numbers, and not step over images or channels, got {list(strides)}")
    if paddings.any():
        image = xp.pad(image, paddings.tolist(), mode="reflect" if mode == "REFLECT" else "symmetric")
    # The shape rule of the convolution knows what does not fit.
    convolution_shape("Conv2D", image.shape, filter.shape, strides, padding, (), _NHWC, _UNDILATED, False)
    return _kernel(xp, "Conv2D")(image, filter, strides=list(strides), padding=padding)


@op(
    "FusedPadConv2D",
    "input: T, paddings: static int32, filter: T -> output: T",
    T=("half", "bfloat16", "float", "double"),
    differentiable="missing",
)
def fused_pad_conv2d_op(
    xp,
    input,
    paddings,
    filter,
    *,
    mode: Literal["REFLECT", "SYMMETRIC"],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
):
    """Pads images by their mirror image, and convolves them with filters."""
    return _padded_convolution(xp, input, paddings, filter, mode, strides, padding)


@op(
    "FusedResizeAndPadConv2D",
    "input: T, size: static int32, paddings: static int32, filter: T -> output: T",
    T=("half", "float", "double"),
    differentiable="missing",
)
def fused_resize_and_pad_conv2d_op(
    xp,
    input,
    size,
    paddings,
    filter,
    *,
    resize_align_corners: bool = False,
    mode: Literal["REFLECT", "SYMMETRIC"],
    strides: list[int],
    padding: Literal["SAME", "VALID"],
):
    """Resizes images like ``ResizeBilinear``, pads them by their mirror image, and convolves them with filters."""
    height, width = resizing_kernels.new_size(input, size)
    # The weights are as large as a line and a column, even where there are no images.
    require_memory((height, width), 4)
    rows = resizing_weights.linear(input.shape[1], height, resize_align_corners, False)
    columns = resizing_weights.linear(input.shape[2], width, resize_align_corners, False)
    linear = resizing_kernels.linear_host if xp is np else resizing_kernels.linear_xla
    resized = linear(input, rows, columns).astype(input.dtype)
    return _padded_convolution(xp, resized, paddings, filter, mode, strides, padding)


def _shape(image: Any, paddings: Any, filter: Any, strides: Any, padding: str) -> Any:
    image, filter = with_rank(image, 4), with_rank(filter, 4)
    rows, columns = with_rank(paddings.shape, 2)
    merge_dimensions(rows, 4)
    merge_dimensions(columns, 2)
    value = paddings.value
    if value is None:
        padded: Any = (None,) * 4
    else:
        pairs = np.asarray(value).tolist()
        if min(min(pair) for pair in pairs) < 0:
            raise ValueError(f"Paddings must be non-negative, got {pairs}")
        padded = tuple(None if n is None else n + sum(pair) for n, pair in zip(image, pairs, strict=True))
    return convolution_shape("FusedPadConv2D", padded, filter, strides, padding, (), _NHWC, _UNDILATED, False)


@fused_pad_conv2d_op.shape
def _fused_pad_conv2d_shape(input, paddings, filter, *, strides, padding):
    return _shape(input, paddings, filter, strides, padding)


@fused_resize_and_pad_conv2d_op.shape
def _fused_resize_and_pad_conv2d_shape(input, size, paddings, filter, *, strides, padding):
    return _shape(sized(input, size), paddings, filter, strides, padding)


_PADDINGS = np.int32([[0, 0], [1, 2], [2, 0], [0, 0]])


def _samples(s: Any, more: tuple[Any, ...]) -> Any:
    ones = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        options: dict[str, Any] = {"mode": "REFLECT", "strides": ones, "padding": "VALID"}
        tolerance = 5e-2 if dtype.size == 2 else 1e-5
        image, kernel = s.array((1, 5, 6, 2), dtype), s.array((2, 3, 2, 3), dtype)
        yield s(image, *more, _PADDINGS, kernel, tolerance=tolerance, **options)
    for mode in ("REFLECT", "SYMMETRIC"):
        for padding in ("SAME", "VALID"):
            options = {"mode": mode, "strides": [1, 2, 2, 1], "padding": padding, "tolerance": 1e-5}
            # With several images, TensorFlow's kernel reads beside the second one.
            yield s(s.normal(1, 5, 6, 2), *more, _PADDINGS, s.normal(2, 3, 2, 3), **options)
    bad = {"mode": "REFLECT", "strides": ones, "padding": "VALID", "error": "InvalidArgumentError"}
    yield s(s.normal(5, 6, 2), *more, _PADDINGS, s.normal(2, 3, 2, 3), **bad)
    yield s(s.normal(1, 5, 6, 2), *more, _PADDINGS, s.normal(2, 3, 1, 3, 1), **bad)
    yield s(s.normal(1, 5, 6, 2), *more, _PADDINGS - 1, s.normal(2, 3, 2, 3), **bad)
    yield s(s.normal(1, 5, 6, 2), *more, _PADDINGS * 9, s.normal(2, 3, 2, 3), **bad)


@fused_pad_conv2d_op.samples
def _fused_pad_conv2d_samples(s):
    yield from _samples(s, ())


@fused_resize_and_pad_conv2d_op.samples
def _fused_resize_and_pad_conv2d_samples(s):
    yield from _samples(s, ([7, 5],))
