"""The functions that resize images, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.image.geometry import larger, pad_to_bounding_box
from tideflow._src.ops.image.shapes import after, as_batch, check, check_image, dimensions, from_batch, is_tensor
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


class ResizeMethod:
    """Names the ways to resize images."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


class ResizeMethodV1:
    """Numbers the ways to resize images, as TensorFlow 1 does."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_METHODS_V1 = (ResizeMethod.BILINEAR, ResizeMethod.NEAREST_NEIGHBOR, ResizeMethod.BICUBIC, ResizeMethod.AREA)


def resize(
    images: Any,
    size: Any,
    method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Resizes images.

    Args:
      images: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      size: the new height and width.
      method: a name from :class:`ResizeMethod`.
      preserve_aspect_ratio: whether to keep the ratio of width to height; the result is the largest that fits.
      antialias: whether to blur an image that shrinks, for the methods that look at few pixels.
      name: a name for the operation.

    Returns:
      Images of float32, or of the type of ``images`` for the nearest pixel.

    Raises:
      ValueError: the rank is neither 3 nor 4, ``size`` is not two integers, or there is no such method.

    Example:

    >>> import tideflow as tf
    >>> tf.image.resize([[[0.0], [1.0]]], [1, 4]).numpy()[0, :, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """

    def with_kernel(batch: Any, new_size: Any, kernel: str) -> Any:
        old = raw.Cast(shape(batch)[1:3], DstT=dtypes.float32)
        scale = raw.RealDiv(raw.Cast(new_size, DstT=dtypes.float32), old)
        nowhere = convert_to_tensor(np.zeros(2, np.float32))
        return raw.ScaleAndTranslate(batch, new_size, scale, nowhere, kernel_type=kernel, antialias=antialias)

    def resizer(batch: Any, new_size: Any) -> Any:
        if method == ResizeMethod.BILINEAR:
            if antialias:
                return with_kernel(batch, new_size, "triangle")
            return raw.ResizeBilinear(batch, new_size, half_pixel_centers=True)
        if method == ResizeMethod.NEAREST_NEIGHBOR:
            return raw.ResizeNearestNeighbor(batch, new_size, half_pixel_centers=True)
        if method == ResizeMethod.BICUBIC:
            if antialias:
                return with_kernel(batch, new_size, "keyscubic")
            return raw.ResizeBicubic(batch, new_size, half_pixel_centers=True)
        if method == ResizeMethod.AREA:
            return raw.ResizeArea(batch, new_size)
        if method in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
            return with_kernel(batch, new_size, method)
        raise ValueError(f"Resize method is not implemented: {method}")

    return _resized(images, resizer, size, preserve_aspect_ratio, name, False)


def resize_v1(
    images: Any,
    size: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Any:
    """Resizes images, with TensorFlow 1's arguments and coordinates; see :func:`resize`.

    Images that have the size already are returned as they are, of whatever type.
    """

    def resizer(batch: Any, new_size: Any) -> Any:
        if method in _METHODS_V1:
            known = method
        elif isinstance(method, int | np.integer) and 0 <= method < len(_METHODS_V1):
            known = _METHODS_V1[method]
        else:
            raise ValueError(f"Resize method is not implemented: {method}")
        names = {"bilinear": "ResizeBilinear", "nearest": "ResizeNearestNeighbor", "bicubic": "ResizeBicubic"}
        return getattr(raw, names.get(known, "ResizeArea"))(batch, new_size, align_corners=align_corners)

    return _resized(images, resizer, size, preserve_aspect_ratio, name, True)


def _resized(
    images: Any, resizer: Callable[[Any, Any], Any], size: Any, preserve: bool, name: str | None, skip_same: bool
) -> Any:
    with name_scope(name, "resize", [images, size]):
        images = convert_to_tensor(images, name="images")
        known = static_shape(images)
        if known is None:
            raise ValueError("'images' contains no shape.")
        if len(known) not in (3, 4):
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        images, is_batch = as_batch(images)
        try:
            size = convert_to_tensor(size, dtypes.int32, name="size")
        except (TypeError, ValueError):
            raise ValueError("'size' must be a 1-D int32 Tensor") from None
        if not size.shape.is_compatible_with([2]):
            raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
        if preserve:
            size = _keeping_ratio(images, size)
        if images.__class__ is EagerTensor and not skip_same:
            return from_batch(resizer(images, size), is_batch)
        wanted = static_value(size)
        height, width = (None, None) if wanted is None else wanted.tolist()
        if skip_same and height is not None and known[-3:-1] == (height, width):
            return from_batch(images, is_batch)
        images = resizer(images, size)
        if images.__class__ is SymbolicTensor:
            images.set_shape([None, height, width, None])
        return from_batch(images, is_batch)


def _keeping_ratio(images: Any, size: Any) -> Any:
    """Returns the largest size within ``size`` that has the shape of the images."""
    _, height, width, _ = dimensions(images)
    old = [raw.Cast(number, DstT=dtypes.float32) for number in (height, width)]
    new = [raw.Cast(size[axis], DstT=dtypes.float32) for axis in (0, 1)]
    scale = raw.Minimum(raw.RealDiv(new[0], old[0]), raw.RealDiv(new[1], old[1]))
    return raw.Pack([raw.Cast(raw.Round(scale * number), DstT=dtypes.int32) for number in old])


def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: str = ResizeMethod.BILINEAR, antialias: bool = False
) -> Any:
    """Resizes images as far as their shape allows, and puts them into the middle of the wanted size.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      target_height: the height of the result.
      target_width: the width of the result.
      method: a name from :class:`ResizeMethod`.
      antialias: whether to blur an image that shrinks.

    Raises:
      ValueError: a size is not positive, or the rank is neither 3 nor 4.
    """
    return _resized_with_pad(image, target_height, target_width, lambda i, s: resize(i, s, method, antialias=antialias))


def resize_with_pad_v1(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
) -> Any:
    """Resizes and pads images, with TensorFlow 1's arguments; see :func:`resize_with_pad`."""

    def resizer(images: Any, size: Any) -> Any:
        return resize_v1(images, size, method, align_corners=align_corners)

    return _resized_with_pad(image, target_height, target_width, resizer)


def _resized_with_pad(image: Any, target_height: Any, target_width: Any, resizer: Callable[[Any, Any], Any]) -> Any:
    with name_scope(None, "resize_image_with_pad", [image]):
        image, is_batch = as_batch(convert_to_tensor(image, name="image"))
        checks = check_image(image)
        checks += check(target_width > 0, "target_width must be > 0.")
        checks += check(target_height > 0, "target_height must be > 0.")
        image = after(checks, image)
        _, height, width, _ = dimensions(image)
        old = [_float(size) for size in (height, width)]
        target = [_float(size) for size in (target_height, target_width)]
        ratio = larger(old[1] / target[1], old[0] / target[0])
        new = [size / ratio for size in old]
        top, left = (larger(0, _floor((whole - part) / 2)) for whole, part in zip(target, new, strict=True))
        sizes = [_floor(size) for size in new]
        resized = resizer(image, raw.Pack(sizes) if any(is_tensor(size) for size in sizes) else sizes)
        return from_batch(pad_to_bounding_box(resized, top, left, target_height, target_width), is_batch)


def _float(size: Any) -> Any:
    """Returns a size as a number of float32, in which TensorFlow computes."""
    return raw.Cast(size, DstT=dtypes.float32) if is_tensor(size) else np.float32(size)


def _floor(value: Any) -> Any:
    return raw.Cast(raw.Floor(value), DstT=dtypes.int32) if is_tensor(value) else int(np.floor(value))


# The operations by name, as TensorFlow 1 gives them.


def _sampler(operation: str, function_name: str) -> Callable[..., Any]:
    def function(
        images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
    ) -> Any:
        call = getattr(raw, operation)
        return call(images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name)

    function.__name__ = function.__qualname__ = function_name
    function.__doc__ = f"""Resizes a batch of images with the operation ``{operation}``.

    Args:
      images: ``[batch, height, width, channels]``.
      size: the new height and width.
      align_corners: whether the centers of the corner pixels stay where they are.
      name: a name for the operation.
      half_pixel_centers: whether the center of the first pixel is at one half, not at zero.
    """
    return function


resize_bilinear = _sampler("ResizeBilinear", "resize_bilinear")
resize_nearest_neighbor = _sampler("ResizeNearestNeighbor", "resize_nearest_neighbor")
resize_bicubic = _sampler("ResizeBicubic", "resize_bicubic")


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Any:
    """Resizes a batch of images; a new pixel is the mean of the old ones that it covers.

    Args:
      images: ``[batch, height, width, channels]``.
      size: the new height and width.
      align_corners: whether the centers of the corner pixels stay where they are.
      name: a name for the operation.
    """
    return raw.ResizeArea(images, size, align_corners=align_corners, name=name)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Any:
    """Cuts boxes out of images, and resizes each to one size.

    Args:
      image: ``[batch, height, width, channels]``.
      boxes: ``[count, 4]``: ``y1, x1, y2, x2``, in parts of the height and width less one pixel. A box may turn an
        image around, and leave it.
      box_indices: ``[count]``: the image of each box.
      crop_size: the new height and width.
      method: ``"bilinear"`` or ``"nearest"``.
      extrapolation_value: the value outside of the images.
      name: a name for the operation.

    Returns:
      ``[count, crop_size[0], crop_size[1], channels]``, of float32.
    """
    return raw.CropAndResize(
        image, boxes, box_indices, crop_size, method=method, extrapolation_value=extrapolation_value, name=name
    )


def crop_and_resize_v1(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Any:
    """Cuts boxes out of images, with TensorFlow 1's arguments; see :func:`crop_and_resize`."""
    box_ind = one_of("box_indices", box_indices, "box_ind", box_ind)
    return crop_and_resize(image, boxes, box_ind, crop_size, method, float(extrapolation_value), name)
