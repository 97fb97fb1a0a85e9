"""Measures of images: how two differ, where one changes, and how much."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.padding import pad
from tideflow._src.ops.array.permuting import tile
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.image.colour_functions import convert_image_dtype
from tideflow._src.ops.image.shapes import after
from tideflow._src.ops.math.arithmetic import squared_difference
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_prod, reduce_sum
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_MSSSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def total_variation(images: Any, name: str | None = None) -> Any:
    """Returns the sum of the differences of neighbouring pixels: little for a smooth image, much for noise.

    Args:
      images: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      name: a name for the scope.

    Returns:
      A number for each image.

    Raises:
      ValueError: the rank is neither 3 nor 4.
    """
    with name_scope(name, "total_variation"):
        images = convert_to_tensor(images)
        known = static_shape(images)
        if known is None or len(known) not in (3, 4):
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        if len(known) == 3:
            down, across, axes = images[1:] - images[:-1], images[:, 1:] - images[:, :-1], None
        else:
            down, across = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
            axes = [1, 2, 3]
        return reduce_sum(raw.Abs(down), axis=axes) + reduce_sum(raw.Abs(across), axis=axes)


def image_gradients(image: Any) -> tuple[Any, Any]:
    """Returns the differences of each pixel to the next one down, and to the next one across; zero at the border.

    Args:
      image: ``[batch, height, width, channels]``.

    Raises:
      ValueError: the rank is not 4.
    """
    known = static_shape(image) if hasattr(image, "_shape") or hasattr(image, "_value") else None
    if known is None and not isinstance(image, SymbolicTensor):
        image = convert_to_tensor(image)
        known = static_shape(image)
    if known is None or len(known) != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}.")
    down = image[:, 1:] - image[:, :-1]
    across = image[:, :, 1:] - image[:, :, :-1]
    return pad(down, [[0, 0], [0, 1], [0, 0], [0, 0]]), pad(across, [[0, 0], [0, 0], [0, 1], [0, 0]])


def sobel_edges(image: Any) -> Any:
    """Returns how steeply images rise down and across, by Sobel's filter.

    Args:
      image: ``[batch, height, width, channels]``, of floats.

    Returns:
      ``[batch, height, width, channels, 2]``.
    """
    image = convert_to_tensor(image)
    known = static_shape(image)
    sizes = shape(image)
    rising = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    filters = np.stack([rising, rising.T], axis=-1)[:, :, None, :]
    kernel = tile(convert_to_tensor(filters, dtype=image.dtype.base_dtype), raw.Pack([1, 1, sizes[-1], 1]))
    if known is not None and known[-1] is not None and kernel.__class__ is SymbolicTensor:
        kernel.set_shape([3, 3, known[-1], 2])
    padded = pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = reshape(depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID"), concat([sizes, [2]], 0))
    if known is not None and edges.__class__ is SymbolicTensor:
        edges.set_shape([*known, 2])
    return edges


# Likeness of two images.


def _check_alike(first: Any, second: Any) -> list[Any]:
    """Checks that images are of one size, in batches that broadcast.

    Raises:
      ValueError: they statically are not.
    """
    left, right = static_shape(first), static_shape(second)
    for known, image in ((left, first), (right, second)):
        if known is not None and len(known) < 3:
            raise ValueError(f"Shape {image.shape} must have rank at least 3")
    if left is not None and right is not None:
        inner = zip(left[-3:], right[-3:], strict=True)
        outer = zip(reversed(left[:-3]), reversed(right[:-3]), strict=False)
        if any(a != b for a, b in inner if None not in (a, b)):
            raise ValueError(f"Shapes {first.shape[-3:]} and {second.shape[-3:]} are incompatible")
        if any(a != b and 1 not in (a, b) for a, b in outer if None not in (a, b)):
            raise ValueError(f"Two images are not compatible: {first.shape} and {second.shape}")
        if None not in left and None not in right:
            return []
    of_first, of_second = shape(first), shape(second)
    same = raw.All(raw.Equal(of_first[-3:], of_second[-3:]), [0])
    return [raw.Assert(same, [of_first, of_second], summarize=10)]


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """Returns the peak signal-to-noise ratio of images, in decibels.

    Args:
      a: images, ``[..., height, width, channels]``.
      b: images of the same size.
      max_val: the largest value that a pixel can have.
      name: a name for the scope.

    Returns:
      A number of float32 for each image.

    Raises:
      ValueError: the sizes differ.
    """
    with name_scope(name, "PSNR", [a, b]):
        a, b = convert_to_tensor(a), convert_to_tensor(b)
        limit = convert_image_dtype(cast(max_val, a.dtype), dtypes.float32)
        a, b = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
        error = reduce_mean(squared_difference(a, b), [-3, -2, -1])
        checks = _check_alike(a, b)
        peak = 20 * raw.Log(limit) / np.float32(np.log(10.0))
        return after(checks, raw.Sub(peak, np.float32(10 / np.log(10)) * raw.Log(error), name="psnr"))


def _gaussian_filter(size: Any, sigma: Any) -> Any:
    """Returns a filter of sum 1 with the shape of a bell, ``[size, size, 1, 1]``."""
    places = cast(raw.Range(0, size, 1), dtypes.float32) - cast(size - 1, dtypes.float32) / 2.0
    exponents = raw.Square(places) * (-0.5 / raw.Square(sigma))
    square = reshape(exponents, [1, -1]) + reshape(exponents, [-1, 1])
    return reshape(raw.Softmax(reshape(square, [1, -1])), raw.Pack([size, size, 1, 1]))


def _likeness(
    first: Any, second: Any, max_val: Any, filter_size: Any, filter_sigma: Any, k1: float, k2: float, whole: bool
) -> tuple[Any, Any]:
    """Returns the structural similarity for each channel, and the part of it that is not the brightness.

    From Z. Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004).
    """
    size = convert_to_tensor(filter_size, dtypes.int32)
    sigma = convert_to_tensor(filter_sigma, dtypes.float32)
    checks = []
    for image in (first, second):
        fits = raw.All(raw.GreaterEqual(shape(image)[-3:-1], size), [0])
        checks.append(raw.Assert(fits, [shape(image), size], summarize=8))
    first = after(checks, first)
    kernel = tile(_gaussian_filter(size, sigma), raw.Pack([1, 1, shape(first)[-1], 1]))

    def mean(values: Any) -> Any:
        sizes = shape(values)
        flat = reshape(values, concat([[-1], sizes[-3:]], 0))
        smooth = depthwise_conv2d(flat, kernel, [1, 1, 1, 1], "VALID")
        return reshape(smooth, concat([sizes[:-3], shape(smooth)[1:]], 0))

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_1, mean_2 = mean(first), mean(second)
    product, squares = mean_1 * mean_2 * 2.0, raw.Square(mean_1) + raw.Square(mean_2)
    luminance = (product + c1) / (squares + c1)
    both = mean(first * second) * 2.0
    each = mean(raw.Square(first) + raw.Square(second))
    structure = (both - product + c2) / (each - squares + c2)
    if whole:
        return luminance * structure, structure
    return reduce_mean(luminance * structure, [-3, -2]), reduce_mean(structure, [-3, -2])


def _as_floats(first: Any, second: Any, max_val: Any) -> tuple[Any, Any, Any]:
    first, second = convert_to_tensor(first, name="img1"), convert_to_tensor(second, name="img2")
    first = after(_check_alike(first, second), first)
    limit = convert_image_dtype(cast(max_val, first.dtype), dtypes.float32)
    return convert_image_dtype(first, dtypes.float32), convert_image_dtype(second, dtypes.float32), limit


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:
    """Returns the structural similarity of images: 1 where they are equal.

    Args:
      img1: images, ``[..., height, width, channels]``.
      img2: images of the same size.
      max_val: the largest value that a pixel can have.
      filter_size: the size of the window in which images are compared.
      filter_sigma: the width of the bell that weights the window.
      k1: a small number that keeps the ratio of brightnesses finite.
      k2: a small number that keeps the ratio of contrasts finite.
      return_index_map: whether to return a map of the similarities in place of their mean.

    Returns:
      A number of float32 for each image, or an image of numbers.

    Raises:
      ValueError: the sizes differ.
      InvalidArgumentError: when it runs, the images are smaller than the window.
    """
    with name_scope(None, "SSIM", [img1, img2]):
        first, second, limit = _as_floats(img1, img2, max_val)
        found, _ = _likeness(first, second, limit, filter_size, filter_sigma, k1, k2, return_index_map)
        return reduce_mean(found, [-1])


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Any = _MSSSIM_WEIGHTS,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    """Returns the structural similarity of images over several scales.

    From Z. Wang et al., "Multiscale structural similarity for image quality assessment" (2003).

    Args:
      img1: images, ``[..., height, width, channels]``.
      img2: images of the same size.
      max_val: the largest value that a pixel can have.
      power_factors: the weight of each scale; an image is halved between them.
      filter_size: the size of the window in which images are compared.
      filter_sigma: the width of the bell that weights the window.
      k1: a small number that keeps the ratio of brightnesses finite.
      k2: a small number that keeps the ratio of contrasts finite.

    Raises:
      ValueError: the sizes differ.
      InvalidArgumentError: when it runs, the images of the last scale are smaller than the window.
    """
    with name_scope(None, "MS-SSIM", [img1, img2]):
        first, second, limit = _as_floats(img1, img2, max_val)
        images = [first, second]
        structures = []
        found = None
        for scale in range(len(power_factors)):
            with name_scope(None, f"Scale{scale}", images):
                if scale:
                    images = [_halved(image) for image in images]
                found, structure = _likeness(images[0], images[1], limit, filter_size, filter_sigma, k1, k2, False)
                structures.append(raw.Relu(structure))
        values = stack([*structures[:-1], raw.Relu(found)], axis=-1)
        weights = convert_to_tensor(np.asarray(power_factors, np.float32))
        return reduce_mean(reduce_prod(raw.Pow(values, weights), [-1]), [-1])


def _halved(images: Any) -> Any:
    """Returns images of half the size; a last row or column that is left over is repeated."""
    sizes = shape(images)
    inner = sizes[-3:]
    flat = reshape(images, concat([[-1], inner], 0))
    # Along the channels nothing is left over, whatever their number is.
    left_over = raw.FloorMod(inner, [2, 2, 1])
    paddings = pad(raw.ExpandDims(left_over, -1), [[1, 0], [1, 0]])
    padded = raw.MirrorPad(flat, paddings, mode="SYMMETRIC")
    half = raw.AvgPool(padded, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    return reshape(half, concat([sizes[:-3], shape(half)[1:]], 0))
