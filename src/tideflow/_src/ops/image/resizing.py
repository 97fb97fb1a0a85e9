"""Resizing images: by their nearest, two, four or covered pixels, or under a kernel; and the gradients of that.

The public functions are in :mod:`.resizing_functions`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.array.raw import fully_known, static_shape
from tideflow._src.ops.array.shape import shape as shape_op
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image import resizing_kernels as kernels
from tideflow._src.ops.image import resizing_weights
from tideflow._src.ops.image.banded_product import banded, multiply_host, multiply_xla
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

IMAGE_TYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "int64"),
    *("bfloat16", "half", "float", "double"),
)


def sized(images: Any, size: Any) -> Any:
    """Returns the shape of images resized to a static input of two numbers."""
    images = with_rank(images, 4)
    (length,) = with_rank(size.shape, 1)
    merge_dimensions(length, 2)
    known = size.integers()
    height, width = (None, None) if known is None else (None if n is None or n < 0 else n for n in known)
    return (images[0], height, width, images[3])


def _centers(call: Any) -> dict[str, bool]:
    return {name: call.attr(name) for name in ("align_corners", "half_pixel_centers")}


#: Growing, shrinking, one pixel, the same size.
_SIZES = ((5, 7), (2, 3), (1, 1), (4, 5))
_WAYS: tuple[dict[str, Any], ...] = ({}, {"align_corners": True}, {"half_pixel_centers": True})


def _sized_samples(s: Any, ways: Any, **options: Any) -> Any:
    """Yields the samples that all ways of resizing share."""
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4, 2), dtype), [5, 3], **options)
    for way in ways:
        for size in _SIZES:
            yield s(s.normal(1, 4, 5, 2), list(size), **way, **options)
    yield s(s.normal(2, 1, 1, 3), [3, 2], **options)
    yield s(s.normal(1, 9, 8, 17), [4, 12], **options)
    yield s(s.empty(0, 4, 5, 3), [2, 3], **options)
    yield s(s.normal(4, 5, 2), [2, 3], error="InvalidArgumentError")
    yield s(s.normal(1, 4, 5, 2), [2, 3, 4], error="InvalidArgumentError")
    yield s(s.normal(1, 4, 5, 2), [0, 3], error="InvalidArgumentError")
    yield s(s.normal(1, 4, 5, 2), [-1, 3], error="InvalidArgumentError")
    yield s(s.empty(1, 0, 5, 2), [2, 3], error="InvalidArgumentError")


# Two neighbours along each axis.


@op("ResizeBilinear", "images: T, size: static int32 -> resized_images: float32", T=IMAGE_TYPES)
def resize_bilinear_op(xp, images, size, *, align_corners: bool = False, half_pixel_centers: bool = False):
    """Resizes images; a new pixel lies between four old ones."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = kernels.new_size(images, size)
    if not images.shape[0]:
        return kernels.no_images(xp, images.shape[3], height, width, np.float32)
    rows = resizing_weights.linear(images.shape[1], height, align_corners, half_pixel_centers)
    columns = resizing_weights.linear(images.shape[2], width, align_corners, half_pixel_centers)
    return (kernels.linear_host if xp is np else kernels.linear_xla)(images, rows, columns)


@resize_bilinear_op.shape
def _resize_bilinear_shape(images, size):
    return sized(images, size)


@resize_bilinear_op.gradient
def _resize_bilinear_gradient(call, dy):
    image = call.inputs[0]
    if image.dtype.is_integer:
        return None, None
    return resize_bilinear_grad_op(dy, image, **_centers(call)), None


@resize_bilinear_op.samples
def _resize_bilinear_samples(s):
    # As in TensorFlow, the gradient has no gradient.
    yield from _sized_samples(s, _WAYS, differences=False)
    both = {"align_corners": True, "half_pixel_centers": True}
    yield s(s.normal(1, 4, 5, 2), [2, 3], error="InvalidArgumentError", **both)


@op(
    "ResizeBilinearGrad",
    "grads: float32, original_image: T -> output: T",
    T=("float", "bfloat16", "half", "double"),
    differentiable=False,
)
def resize_bilinear_grad_op(
    xp, grads, original_image, *, align_corners: bool = False, half_pixel_centers: bool = False
):
    """Gives the gradient of ``ResizeBilinear`` with respect to the images."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = _check_gradient(grads, original_image)
    sizes = ((height, grads.shape[1]), (width, grads.shape[2]))
    rows, columns = (
        resizing_weights.linear_taps(resizing_weights.linear(size, wanted, align_corners, half_pixel_centers))
        for size, wanted in sizes
    )
    if original_image.dtype == np.float64:
        return kernels.scatter_products(xp, grads, rows, columns, original_image.shape)
    axes = [banded(axis, size).transposed() for axis, size in ((rows, height), (columns, width))]
    return _product(xp, grads, axes, original_image.dtype)


def _check_gradient(grads: Any, image: Any) -> tuple[int, int]:
    if grads.ndim != 4:
        raise InvalidArgumentError(None, None, f"input_grad must be 4-dimensional, got shape {list(grads.shape)}")
    if image.ndim != 4:
        raise InvalidArgumentError(None, None, f"original_image must be 4-dimensional, got shape {list(image.shape)}")
    if grads.shape[0] != image.shape[0] or grads.shape[3] != image.shape[3]:
        raise InvalidArgumentError(
            None,
            None,
            "Gradients and original images must have the same batch and number of channels, got shapes "
            f"{list(grads.shape)} and {list(image.shape)}",
        )
    if not grads.shape[1] or not grads.shape[2]:
        raise InvalidArgumentError(None, None, f"input image must be of non-zero size, got {list(grads.shape)}")
    kernels.check_not_empty(image)
    return image.shape[1], image.shape[2]


def _product(xp: Any, images: Any, axes: Any, dtype: Any) -> Any:
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    multiply = multiply_host if xp is np else multiply_xla
    return multiply(images, *axes, dtype=wide).astype(dtype)


@resize_bilinear_grad_op.shape
def _resize_bilinear_grad_shape(grads, original_image):
    return original_image


def _grad_samples(s: Any, ways: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.normal(2, 5, 3, 2), s.array((2, 3, 4, 2), dtype), tolerance=2e-2 if dtype.size == 2 else None)
    for way in ways:
        for size in _SIZES:
            yield s(s.normal(1, *size, 2), s.normal(1, 4, 5, 2), **way)
    yield s(s.normal(1, 4, 5), s.normal(1, 4, 5, 2), error="InvalidArgumentError")


@resize_bilinear_grad_op.samples
def _resize_bilinear_grad_samples(s):
    yield from _grad_samples(s, _WAYS)


# The nearest pixel.


@op("ResizeNearestNeighbor", "images: T, size: static int32 -> resized_images: T", T=IMAGE_TYPES)
def resize_nearest_neighbor_op(xp, images, size, *, align_corners: bool = False, half_pixel_centers: bool = False):
    """Resizes images; a new pixel is the nearest old one."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = kernels.new_size(images, size)
    if not images.shape[0]:
        return kernels.no_images(xp, images.shape[3], height, width, images.dtype)
    rows = resizing_weights.nearest(images.shape[1], height, align_corners, half_pixel_centers)
    columns = resizing_weights.nearest(images.shape[2], width, align_corners, half_pixel_centers)
    return (kernels.nearest_host if xp is np else kernels.nearest_xla)(images, rows, columns)


@resize_nearest_neighbor_op.shape
def _resize_nearest_neighbor_shape(images, size):
    return sized(images, size)


@resize_nearest_neighbor_op.gradient
def _resize_nearest_neighbor_gradient(call, dy):
    image = call.inputs[0]
    if image.dtype.is_integer:
        return None, None
    known = static_shape(image)
    if known is not None and fully_known(known[1:3]):
        size = convert_to_tensor(np.array(known[1:3], np.int32))
    else:
        size = shape_op(image)[1:3]
    return resize_nearest_neighbor_grad_op(dy, size, **_centers(call)), None


@resize_nearest_neighbor_op.samples
def _resize_nearest_neighbor_samples(s):
    yield from _sized_samples(s, _WAYS)


@op(
    "ResizeNearestNeighborGrad",
    "grads: T, size: static int32 -> output: T",
    T=("uint8", "int8", "int32", "half", "float", "double", "bfloat16"),
    differentiable="missing",
)
def resize_nearest_neighbor_grad_op(xp, grads, size, *, align_corners: bool = False, half_pixel_centers: bool = False):
    """Gives the gradient of ``ResizeNearestNeighbor`` with respect to images of ``size``."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = kernels.new_size(grads, size)
    if not grads.shape[0]:
        return kernels.no_images(xp, grads.shape[3], height, width, grads.dtype)
    rows = resizing_weights.nearest(height, grads.shape[1], align_corners, half_pixel_centers)
    columns = resizing_weights.nearest(width, grads.shape[2], align_corners, half_pixel_centers)
    add = kernels.gather_sum_host if xp is np else kernels.gather_sum_xla
    return add(grads, rows, columns, (height, width))


@resize_nearest_neighbor_grad_op.shape
def _resize_nearest_neighbor_grad_shape(grads, size):
    return sized(grads, size)


@resize_nearest_neighbor_grad_op.samples
def _resize_nearest_neighbor_grad_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 5, 3, 2), dtype), [3, 4])
    for way in _WAYS:
        for size in _SIZES:
            yield s(s.normal(1, *size, 2), [4, 5], **way)
    yield s(s.normal(1, 4, 5), [4, 5], error="InvalidArgumentError")


# Four neighbours along each axis.


@op("ResizeBicubic", "images: T, size: static int32 -> resized_images: float32", T=IMAGE_TYPES)
def resize_bicubic_op(xp, images, size, *, align_corners: bool = False, half_pixel_centers: bool = False):
    """Resizes images; a new pixel is a cubic interpolation of sixteen old ones."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = kernels.new_size(images, size)
    if not images.shape[0]:
        return kernels.no_images(xp, images.shape[3], height, width, np.float32)
    axes = [
        banded(resizing_weights.cubic(old, new, align_corners, half_pixel_centers), old)
        for old, new in ((images.shape[1], height), (images.shape[2], width))
    ]
    return _product(xp, images, axes, np.float32)


@resize_bicubic_op.shape
def _resize_bicubic_shape(images, size):
    return sized(images, size)


@resize_bicubic_op.gradient
def _resize_bicubic_gradient(call, dy):
    image = call.inputs[0]
    if image.dtype.name not in ("float32", "float64"):
        return None, None
    return resize_bicubic_grad_op(dy, image, **_centers(call)), None


@resize_bicubic_op.samples
def _resize_bicubic_samples(s):
    yield from _sized_samples(s, _WAYS, tolerance=1e-5)


@op(
    "ResizeBicubicGrad",
    "grads: float32, original_image: T -> output: T",
    T=("float", "double"),
    differentiable="missing",
)
def resize_bicubic_grad_op(xp, grads, original_image, *, align_corners: bool = False, half_pixel_centers: bool = False):
    """Gives the gradient of ``ResizeBicubic`` with respect to the images."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = _check_gradient(grads, original_image)
    axes = [
        banded(resizing_weights.cubic(old, new, align_corners, half_pixel_centers), old).transposed()
        for old, new in ((height, grads.shape[1]), (width, grads.shape[2]))
    ]
    return _product(xp, grads, axes, original_image.dtype)


@resize_bicubic_grad_op.shape
def _resize_bicubic_grad_shape(grads, original_image):
    return original_image


@resize_bicubic_grad_op.samples
def _resize_bicubic_grad_samples(s):
    yield from _grad_samples(s, _WAYS)


# The pixels that a new one covers.


@op("ResizeArea", "images: T, size: static int32 -> resized_images: float32", T=IMAGE_TYPES, differentiable="missing")
def resize_area_op(xp, images, size, *, align_corners: bool = False):
    """Resizes images; a new pixel is the mean of the old ones that it covers."""
    height, width = kernels.new_size(images, size)
    if not images.shape[0]:
        return kernels.no_images(xp, images.shape[3], height, width, np.float32)
    axes = [
        banded(resizing_weights.area(old, new, align_corners), old)
        for old, new in ((images.shape[1], height), (images.shape[2], width))
    ]
    return _product(xp, images, axes, np.float32)


@resize_area_op.shape
def _resize_area_shape(images, size):
    return sized(images, size)


@resize_area_op.samples
def _resize_area_samples(s):
    yield from _sized_samples(s, _WAYS[:2])


# A kernel laid over each new pixel.


@op(
    "ScaleAndTranslate",
    "images: T, size: static int32, scale: static float32, translation: static float32 -> resized_images: float32",
    T=IMAGE_TYPES,
)
def scale_and_translate_op(
    xp, images, size, scale, translation, *, kernel_type: str = "lanczos3", antialias: bool = True
):
    """Scales and moves images; a new pixel is the mean of those under a kernel, weighted by it."""
    height, width = kernels.new_size(images, size)
    if not images.shape[0]:
        return kernels.no_images(xp, images.shape[3], height, width, np.float32)
    axes = _span_axes(images.shape[1:3], (height, width), scale, translation, kernel_type, antialias)
    return _product(xp, images, axes, np.float32)


def _span_axes(
    old: Any, new: Any, scale: np.ndarray, translation: np.ndarray, kernel_type: str, antialias: bool
) -> list[Any]:
    if kernel_type not in resizing_weights.KERNELS:
        known = ", ".join(resizing_weights.KERNELS)
        raise InvalidArgumentError(None, None, f"Unrecognized kernel type: {kernel_type}; the known ones are {known}")
    for name, value in (("scale", scale), ("translation", translation)):
        if value.shape != (2,):
            raise InvalidArgumentError(None, None, f"{name} must be two numbers, got shape {list(value.shape)}")
    if not (scale > 0).all():
        raise InvalidArgumentError(None, None, f"Scale must be greater than zero, got {scale.tolist()}")
    return [
        banded(resizing_weights.spans(kernel_type, *sizes, antialias), sizes[0])
        for sizes in zip(old, new, scale, translation, strict=True)
    ]


@scale_and_translate_op.shape
def _scale_and_translate_shape(images, size, scale, translation):
    for value in (scale, translation):
        merge_dimensions(with_rank(value.shape, 1)[0], 2)
    return sized(images, size)


@scale_and_translate_op.gradient
def _scale_and_translate_gradient(call, dy):
    image, _, scale, translation = call.inputs
    if image.dtype.name != "float32":
        return None, None, None, None
    attributes = {name: call.attr(name) for name in ("kernel_type", "antialias")}
    return scale_and_translate_grad_op(dy, image, scale, translation, **attributes), None, None, None


@scale_and_translate_op.samples
def _scale_and_translate_samples(s):
    same = np.zeros(2, np.float32)
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4, 2), dtype), [5, 3], np.float32([5 / 3, 3 / 4]), same, tolerance=1e-5)
    for kernel in resizing_weights.KERNELS:
        for antialias in (True, False):
            image = s.normal(1, 6, 7, 2)
            options = {"kernel_type": kernel, "antialias": antialias, "tolerance": 2e-5}
            yield s(image, [4, 9], np.float32([0.4, 1.5]), np.float32([0.3, -1.2]), **options)
    yield s(s.normal(1, 6, 7, 2), [4, 3], np.float32([0.1, 2]), np.float32([30, 4]), tolerance=2e-5)
    yield s(s.normal(1, 6, 7, 2), [4, 3], np.float32([0, 2]), same, error="InvalidArgumentError")
    yield s(s.normal(1, 6, 7, 2), [4, 3], np.ones(2, np.float32), same, kernel_type="x", error="InvalidArgumentError")
    yield s(s.normal(6, 7, 2), [4, 3], np.ones(2, np.float32), same, error="InvalidArgumentError")


@op(
    "ScaleAndTranslateGrad",
    "grads: T, original_image: T, scale: static float32, translation: static float32 -> output: T",
    T=("float",),
    differentiable="missing",
)
def scale_and_translate_grad_op(
    xp, grads, original_image, scale, translation, *, kernel_type: str = "lanczos3", antialias: bool = True
):
    """Gives the gradient of ``ScaleAndTranslate`` with respect to the images."""
    sizes = _check_gradient(grads, original_image)
    axes = _span_axes(sizes, grads.shape[1:3], scale, translation, kernel_type, antialias)
    return _product(xp, grads, [axis.transposed() for axis in axes], original_image.dtype)


@scale_and_translate_grad_op.shape
def _scale_and_translate_grad_shape(grads, original_image, scale, translation):
    return original_image


@scale_and_translate_grad_op.samples
def _scale_and_translate_grad_samples(s):
    for kernel in resizing_weights.KERNELS:
        scale, translation = np.float32([0.7, 1.5]), np.float32([0.3, -1.2])
        options = {"kernel_type": kernel, "tolerance": 2e-5}
        yield s(s.normal(1, 4, 9, 2), s.normal(1, 6, 7, 2), scale, translation, **options)
    yield s(s.normal(4, 9, 2), s.normal(1, 6, 7, 2), scale, translation, error="InvalidArgumentError")


# Quantized images.


@op(
    "QuantizedResizeBilinear",
    "images: T, size: static int32, min: float32, max: float32 "
    "-> resized_images: T, out_min: float32, out_max: float32",
    T=("quint8", "qint32", "float"),
    differentiable="missing",
    tier="host",
)
def quantized_resize_bilinear_op(
    images, size, min, max, *, align_corners: bool = False, half_pixel_centers: bool = False
):
    """Resizes quantized images like ``ResizeBilinear``, in integers of a fixed point."""
    kernels.check_centers(align_corners, half_pixel_centers)
    height, width = kernels.new_size(images, size)
    for name, value in (("min", min), ("max", max)):
        if np.ndim(value):
            raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {list(np.shape(value))}")
    if not images.shape[0]:
        return kernels.no_images(np, images.shape[3], height, width, images.dtype), min, max
    rows = resizing_weights.linear(images.shape[1], height, align_corners, half_pixel_centers)
    columns = resizing_weights.linear(images.shape[2], width, align_corners, half_pixel_centers)
    if images.dtype == np.float32:
        return kernels.linear_host(images, rows, columns), min, max
    return kernels.linear_fixed_point(images, rows, columns), min, max


@quantized_resize_bilinear_op.shape
def _quantized_resize_bilinear_shape(images, size, min, max):
    with_rank(min, 0)
    with_rank(max, 0)
    return sized(images, size), (), ()


@quantized_resize_bilinear_op.samples
def _quantized_resize_bilinear_samples(s):
    for dtype in s.dtypes("T", quantized=True):
        for way in _WAYS:
            yield s(s.array((1, 3, 4, 2), dtype), [5, 7], np.float32(0), np.float32(1), gradient=False, **way)
    yield s(s.normal(3, 4, 2), [5, 7], np.float32(0), np.float32(1), error="InvalidArgumentError")
