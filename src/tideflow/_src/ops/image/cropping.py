"""Cutting boxes out of images and resizing them to one size, with gradients by images and boxes; random crops."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import FailedPreconditionError, OutOfRangeError, invalid_argument
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import shape as shape_op
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image.resizing_weights import Taps, rounded
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox
from tideflow._src.runtime.threaded_ranges import over_ranges

_IMAGE_TYPES = ("uint8", "uint16", "int8", "int16", "int32", "int64", "half", "float", "double")


class _Axis(NamedTuple):
    """Is one axis of all crops: for each box, which pixels make each new one. All arrays are ``[boxes, crop]``."""

    places: Any
    inside: Any
    lower: Any
    upper: Any
    fraction: Any


def _axis(xp: Any, first: Any, last: Any, size: int, count: int) -> _Axis:
    """Returns where the pixels of crops lie that go from ``first`` to ``last``, in parts of ``size - 1``."""
    one = np.float32(size - 1)
    if count > 1:
        step = (last - first) * one / np.float32(count - 1)
        places = (first * one)[:, None] + np.arange(count, dtype=np.float32) * step[:, None]
    else:
        places = (0.5 * (first + last).astype(np.float64) * (size - 1)).astype(np.float32)[:, None]
    inside = (places >= 0) & (places <= one)
    safe = xp.where(inside, places, np.float32(0))
    floor = xp.floor(safe)
    return _Axis(safe, inside, floor.astype(np.int32), xp.ceil(safe).astype(np.int32), safe - floor)


def _axes(xp: Any, boxes: Any, image_size: Any, crop_size: Any) -> tuple[_Axis, _Axis]:
    y1, x1, y2, x2 = (boxes[:, column] for column in range(4))
    return _axis(xp, y1, y2, image_size[0], crop_size[0]), _axis(xp, x1, x2, image_size[1], crop_size[1])


def _check_boxes(xp: Any, boxes: Any, box_ind: Any, batch: int) -> tuple[Any, Any]:
    """Checks boxes and the images they lie in, and returns both; no boxes may come in any shape."""
    if boxes.size == 0 and box_ind.size == 0:
        return xp.zeros((0, 4), np.float32), xp.zeros((0,), np.int32)
    if boxes.ndim != 2:
        raise invalid_argument(f"boxes must be 2-D, got shape {list(boxes.shape)}")
    if boxes.shape[1] != 4:
        raise invalid_argument(f"boxes must have 4 columns, got shape {list(boxes.shape)}")
    if box_ind.ndim != 1:
        raise invalid_argument(f"box_index must be 1-D, got shape {list(box_ind.shape)}")
    if box_ind.shape[0] != boxes.shape[0]:
        raise invalid_argument(
            f"box_index has incompatible shape: {boxes.shape[0]} boxes, but {box_ind.shape[0]} indices"
        )
    valid = ((box_ind >= 0) & (box_ind < batch)).all()
    message = f"box_index has values outside [0, batch_size), where batch_size is {batch}"
    if xp is np and not valid:
        raise OutOfRangeError(None, None, message)
    require(valid, message)
    return boxes, box_ind


def _check_crop_size(crop_size: np.ndarray) -> tuple[int, int]:
    if crop_size.ndim != 1 or crop_size.size != 2:
        raise invalid_argument(f"crop_size must be 1-D with two elements, got shape {list(crop_size.shape)}")
    height, width = crop_size.tolist()
    if height <= 0 or width <= 0:
        raise invalid_argument(f"crop dimensions must be positive, got {height} x {width}")
    return height, width


def _check_image(image: Any) -> None:
    if image.ndim != 4:
        raise invalid_argument(f"input image must be 4-D, got shape {list(image.shape)}")
    if image.shape[1] <= 0 or image.shape[2] <= 0:
        raise invalid_argument(f"image dimensions must be positive, got shape {list(image.shape)}")


def _check_crops(grads: Any, boxes: Any, channels: int) -> None:
    if grads.ndim != 4:
        raise invalid_argument(f"grads image must be 4-D, got shape {list(grads.shape)}")
    if grads.shape[1] <= 0 or grads.shape[2] <= 0:
        raise invalid_argument(f"grads dimensions must be positive, got shape {list(grads.shape)}")
    if grads.shape[0] != boxes.shape[0]:
        raise invalid_argument(
            f"boxes and grads have incompatible shape: {boxes.shape[0]} boxes, {grads.shape[0]} crops"
        )
    if grads.shape[3] != channels:
        raise invalid_argument(f"image and grads have different depths: {channels} and {grads.shape[3]}")


@op(
    "CropAndResize",
    "image: T, boxes: float32, box_ind: int32, crop_size: static int32 -> crops: float32",
    T=_IMAGE_TYPES,
)
def crop_and_resize_op(
    xp,
    image,
    boxes,
    box_ind,
    crop_size,
    *,
    method: Literal["bilinear", "nearest"] = "bilinear",
    extrapolation_value: float = 0.0,
):
    """Cuts boxes out of images, and resizes each to ``crop_size``."""
    _check_image(image)
    batch, height, width, channels = image.shape
    size = _check_crop_size(crop_size)
    if boxes.ndim != 2:
        raise invalid_argument(f"boxes must be 2-D, got shape {list(boxes.shape)}")
    if box_ind.ndim != 1:
        raise invalid_argument(f"box_indices must be rank 1 but is shape {list(box_ind.shape)}")
    boxes, box_ind = _check_boxes(xp, boxes, box_ind, batch)
    finite = xp.isfinite(boxes).all()
    require(finite, "Boxes contains at least one element that is not finite")
    outside = np.float32(extrapolation_value)
    if xp is not np:
        return _crops(xp, image.reshape(-1, channels), boxes, box_ind, (height, width), size, method, outside)
    result = np.empty((len(boxes), *size, channels), np.float32)
    pixels = image.reshape(-1, channels)
    step = max(1, (1 << 18) // max(1, size[0] * size[1] * channels))

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, step):
            part = slice(start, min(start + step, end))
            result[part] = _crops(np, pixels, boxes[part], box_ind[part], (height, width), size, method, outside)

    over_ranges(work, len(boxes), result.size)
    return result


def _crops(
    xp: Any, pixels: Any, boxes: Any, box_ind: Any, image_size: Any, crop_size: Any, method: str, outside: Any
) -> Any:
    height, width = image_size
    rows, columns = _axes(xp, boxes, image_size, crop_size)
    # An index of a pixel may be beyond 32 bits.
    first = box_ind.astype(np.int64)[:, None] * height

    def read(row: Any, column: Any) -> Any:
        index = ((first + row) * width)[:, :, None] + column[:, None, :]
        found = xp.take(pixels, index, axis=0, mode="clip")
        return found if found.dtype == np.float32 else found.astype(np.float32)

    if method == "nearest":
        values = read(_rounded(xp, rows.places), _rounded(xp, columns.places))
    else:
        along, down = columns.fraction[:, None, :, None], rows.fraction[:, :, None, None]
        top = _between(xp, read(rows.lower, columns.lower), read(rows.lower, columns.upper), along)
        bottom = _between(xp, read(rows.upper, columns.lower), read(rows.upper, columns.upper), along)
        values = _between(xp, top, bottom, down)
    inside = rows.inside[:, :, None] & columns.inside[:, None, :]
    return xp.where(inside[..., None], values, outside)


def _between(xp: Any, first: Any, last: Any, fraction: Any) -> Any:
    """Returns what lies between two arrays, which NumPy may overwrite."""
    if xp is not np:
        return first + (last - first) * fraction
    np.subtract(last, first, out=last)
    np.multiply(last, fraction, out=last)
    return np.add(first, last, out=last)


def _rounded(xp: Any, places: Any) -> Any:
    if xp is np:
        return rounded(places).astype(np.int32)
    return jnp.floor(places + (places - jnp.floor(places) >= 0.5)).astype(np.int32)


@crop_and_resize_op.shape
def _crop_and_resize_shape(image, boxes, box_ind, crop_size):
    image, boxes = with_rank(image, 4), with_rank(boxes, 2)
    count = merge_dimensions(boxes[0], with_rank(box_ind, 1)[0])
    merge_dimensions(boxes[1], 4)
    merge_dimensions(with_rank(crop_size.shape, 1)[0], 2)
    known = crop_size.integers()
    height, width = (None, None) if known is None else (None if n is None or n < 0 else n for n in known)
    return (count, height, width, image[3])


@crop_and_resize_op.gradient
def _crop_and_resize_gradient(call, dy):
    image, boxes, box_ind, _ = call.inputs
    by_image = None
    if image.dtype.name in ("float16", "float32", "float64"):
        known = static_shape(image)
        size = convert_to_tensor(np.array(known, np.int32)) if fully_known(known) else shape_op(image)
        by_image = raw.CropAndResizeGradImage(
            dy, boxes, box_ind, size, T=image.dtype.base_dtype, method=call.attr("method")
        )
    # As in TensorFlow, boxes get the gradient of straight lines between pixels, whatever the method was.
    return by_image, raw.CropAndResizeGradBoxes(dy, image, boxes, box_ind), None, None


def _boxes(s: Any, count: int) -> Any:
    """Returns boxes of which some turn around, and some leave the image."""
    corners = s.uniform(-0.2, 1.2, (count, 4))
    corners[0] = [0.1, 0.15, 0.83, 0.9]
    return corners


@crop_and_resize_op.samples
def _crop_and_resize_samples(s):
    where = np.int32([0, 1, 1, 0])
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 5, 6, 3), dtype), _boxes(s, 4), where, [3, 4], differences=False)
    for size in ([1, 1], [1, 4], [7, 9]):
        for method in ("bilinear", "nearest"):
            options = {"method": method, "extrapolation_value": 2.5, "differences": False}
            yield s(s.normal(2, 5, 6, 3), _boxes(s, 4), where, size, **options)
    inner = s.uniform(0.12, 0.87, (2, 4))
    yield s(s.normal(2, 5, 6, 1), inner, np.int32([1, 0]), [3, 2], differences=False)
    yield s(s.normal(2, 5, 6, 1), s.empty(0, 4), s.empty(0, dtype="int32"), [3, 2], gradient=False)
    for image, boxes, index, size in (
        (s.normal(5, 6, 1), _boxes(s, 1), [0], [3, 2]),
        (s.normal(2, 5, 6, 1), s.normal(1, 3), [0], [3, 2]),
        (s.normal(2, 5, 6, 1), _boxes(s, 1), [0, 1], [3, 2]),
        (s.normal(2, 5, 6, 1), _boxes(s, 1), [0], [0, 2]),
        (s.normal(2, 5, 6, 1), np.full((1, 4), np.nan, np.float32), [0], [3, 2]),
        (s.empty(2, 0, 6, 1), _boxes(s, 1), [0], [3, 2]),
    ):
        yield s(image, boxes, np.int32(index), size, error="InvalidArgumentError")
    yield s(s.normal(2, 5, 6, 1), _boxes(s, 1), np.int32([2]), [3, 2], error="OutOfRangeError")


@op(
    "CropAndResizeGradImage",
    "grads: float32, boxes: float32, box_ind: int32, image_size: static int32 -> output: T",
    T=("float", "half", "double"),
    differentiable="missing",
)
def crop_and_resize_grad_image_op(
    xp, grads, boxes, box_ind, image_size, *, T: DType, method: Literal["bilinear", "nearest"] = "bilinear"
):
    """Gives the gradient of ``CropAndResize`` with respect to images of ``image_size``."""
    if image_size.ndim != 1 or image_size.size != 4:
        raise invalid_argument(f"image_size must be 1-D with 4 elements, got shape {list(image_size.shape)}")
    batch, height, width, channels = shape = tuple(image_size.tolist())
    if height <= 0 or width <= 0:
        raise invalid_argument(f"image dimensions must be positive, got {list(shape)}")
    if batch < 0 or channels < 0:
        raise invalid_argument(f"image_size must not be negative, got {list(shape)}")
    boxes, box_ind = _check_boxes(xp, boxes, box_ind, batch)
    _check_crops(grads, boxes, channels)
    dtype = T.as_numpy_dtype
    rows, columns = _axes(xp, boxes, (height, width), grads.shape[1:3])
    if xp is np and dtype != np.float64:
        return _paste(grads, box_ind, rows, columns, method, shape).astype(dtype)
    image = xp.zeros(shape, dtype)
    inside = (rows.inside[:, :, None] & columns.inside[:, None, :])[..., None]
    grads = xp.where(inside, grads, np.float32(0))
    for row, row_weight in _weighted(xp, rows, method):
        for column, column_weight in _weighted(xp, columns, method):
            terms = (
                grads if row_weight is None else column_weight[:, None, :, None] * (row_weight[..., None, None] * grads)
            )
            place = (box_ind[:, None, None], row[:, :, None], column[:, None, :])
            if xp is np:
                np.add.at(image, place, terms.astype(dtype))
            else:
                image = image.at[place].add(terms.astype(dtype))
    return image


def _weighted(xp: Any, axis: _Axis, method: str) -> list[tuple[Any, Any]]:
    """Returns the pixels that each pixel of a crop was made of, with weights; None stands for 1."""
    if method == "nearest":
        return [(_rounded(xp, axis.places), None)]
    return [(axis.lower, np.float32(1) - axis.fraction), (axis.upper, axis.fraction)]


def _paste(grads: Any, box_ind: Any, rows: _Axis, columns: _Axis, method: str, shape: Any) -> Any:
    """Adds crops to images, box by box: two small products each."""
    image = np.zeros(shape, np.float32)
    all_rows, all_columns = _taps(rows, method), _taps(columns, method)

    def work(begin: int, end: int) -> None:
        # One thread adds to an image.
        for box in np.flatnonzero((box_ind >= begin) & (box_ind < end)):
            top, bottom, by_row = _spread(Taps(all_rows.indices[box], all_rows.weights[box]))
            left, right, by_column = _spread(Taps(all_columns.indices[box], all_columns.weights[box]))
            half = np.matmul(by_row, grads[box].transpose(1, 0, 2)).transpose(1, 0, 2)
            image[box_ind[box], top:bottom, left:right] += np.matmul(by_column, half)

    over_ranges(work, shape[0], grads.size)
    return image


def _spread(taps: Taps) -> tuple[int, int, np.ndarray]:
    """Returns the range of pixels that taps reach, and the matrix that brings pixels of a crop there."""
    first, last = int(taps.indices.min()), int(taps.indices.max()) + 1
    matrix = np.zeros((last - first, len(taps.indices)), np.float32)
    for tap in range(taps.indices.shape[1]):
        matrix[taps.indices[:, tap] - first, np.arange(len(taps.indices))] += taps.weights[:, tap]
    return first, last, matrix


def _taps(axis: _Axis, method: str) -> Taps:
    if method == "nearest":
        return Taps(_rounded(np, axis.places)[..., None], axis.inside[..., None].astype(np.float32))
    weights = np.stack([np.float32(1) - axis.fraction, axis.fraction], axis=-1)
    return Taps(np.stack([axis.lower, axis.upper], axis=-1), np.where(axis.inside[..., None], weights, np.float32(0)))


@crop_and_resize_grad_image_op.shape
def _crop_and_resize_grad_image_shape(grads, boxes, box_ind, image_size):
    with_rank(grads, 4)
    merge_dimensions(with_rank(boxes, 2)[1], 4)
    with_rank(box_ind, 1)
    known = image_size.integers()
    if known is None:
        return (None,) * 4
    return with_rank(tuple(None if n is None or n < 0 else n for n in known), 4)


@crop_and_resize_grad_image_op.samples
def _crop_and_resize_grad_image_samples(s):
    for dtype in s.dtypes("T"):
        for method in ("bilinear", "nearest"):
            options = {"T": dtype, "method": method, "tolerance": 1e-2 if dtype.size == 2 else 1e-5}
            yield s(s.normal(4, 3, 4, 2), _boxes(s, 4), np.int32([0, 1, 1, 0]), [2, 5, 6, 2], **options)
    yield s(s.normal(1, 1, 4, 2), _boxes(s, 1), np.int32([0]), [2, 5, 6, 2], T="float32", tolerance=1e-5)
    bad = {"T": "float32", "error": "InvalidArgumentError"}
    yield s(s.normal(1, 3, 4, 2), _boxes(s, 1), np.int32([0]), [2, 5, 6], **bad)
    yield s(s.normal(2, 3, 4, 2), _boxes(s, 1), np.int32([0]), [2, 5, 6, 2], **bad)
    yield s(s.normal(1, 3, 4, 3), _boxes(s, 1), np.int32([0]), [2, 5, 6, 2], **bad)


@op(
    "CropAndResizeGradBoxes",
    "grads: float32, image: T, boxes: float32, box_ind: int32 -> output: float32",
    T=_IMAGE_TYPES,
    differentiable="missing",
)
def crop_and_resize_grad_boxes_op(xp, grads, image, boxes, box_ind, *, method: Literal["bilinear"] = "bilinear"):
    """Gives the gradient of ``CropAndResize`` with respect to the boxes."""
    _check_image(image)
    batch, height, width, channels = image.shape
    boxes, box_ind = _check_boxes(xp, boxes, box_ind, batch)
    _check_crops(grads, boxes, channels)
    crop_height, crop_width = grads.shape[1:3]
    rows, columns = _axes(xp, boxes, (height, width), (crop_height, crop_width))
    pixels = image.reshape(-1, channels)
    first = box_ind.astype(np.int64)[:, None] * height

    def read(row: Any, column: Any) -> Any:
        index = ((first + row) * width)[:, :, None] + column[:, None, :]
        return xp.take(pixels, index, axis=0, mode="clip").astype(np.float32)

    top_left, top_right = read(rows.lower, columns.lower), read(rows.lower, columns.upper)
    bottom_left, bottom_right = read(rows.upper, columns.lower), read(rows.upper, columns.upper)
    along, down = columns.fraction[:, None, :, None], rows.fraction[:, :, None, None]
    inside = rows.inside[:, :, None] & columns.inside[:, None, :]
    one = np.float32(1)
    by_y = (one - along) * (bottom_left - top_left) + along * (bottom_right - top_right)
    by_x = (one - down) * (top_right - top_left) + down * (bottom_right - bottom_left)
    by_y = xp.where(inside, (by_y * grads).sum(axis=3), np.float32(0)).sum(axis=2)
    by_x = xp.where(inside, (by_x * grads).sum(axis=3), np.float32(0)).sum(axis=1)
    y1, y2 = _by_ends(by_y, height, crop_height)
    x1, x2 = _by_ends(by_x, width, crop_width)
    return xp.stack([y1, x1, y2, x2], axis=1).astype(np.float32)


def _by_ends(by_place: Any, size: int, count: int) -> tuple[Any, Any]:
    """Returns gradients by the two ends of boxes from those by the places of the pixels of an axis."""
    if count > 1:
        share = np.arange(count, dtype=np.float32) * (np.float32(size - 1) / np.float32(count - 1))
        return (by_place * (np.float32(size - 1) - share)).sum(axis=1), (by_place * share).sum(axis=1)
    each = by_place[:, 0] * np.float32(0.5 * (size - 1))
    return each, each


@crop_and_resize_grad_boxes_op.shape
def _crop_and_resize_grad_boxes_shape(grads, image, boxes, box_ind):
    with_rank(grads, 4)
    with_rank(image, 4)
    with_rank(box_ind, 1)
    boxes = with_rank(boxes, 2)
    merge_dimensions(boxes[1], 4)
    return (boxes[0], 4)


@crop_and_resize_grad_boxes_op.samples
def _crop_and_resize_grad_boxes_samples(s):
    for dtype in s.dtypes("T"):
        yield s(
            s.normal(4, 3, 4, 2), s.array((2, 5, 6, 2), dtype), _boxes(s, 4), np.int32([0, 1, 1, 0]), tolerance=1e-4
        )
    yield s(s.normal(1, 1, 4, 2), s.normal(2, 5, 6, 2), _boxes(s, 1), np.int32([1]), tolerance=1e-4)
    yield s(s.normal(1, 1, 4, 3), s.normal(2, 5, 6, 2), _boxes(s, 1), np.int32([1]), error="InvalidArgumentError")


# The random crop of TensorFlow 0.x; tf.image.random_crop is a function over other operations.


@op(
    "RandomCrop",
    "image: T, size: static int64 -> output: T",
    T=("uint8", "int8", "int16", "int32", "int64", "float", "double"),
    random=lambda image, size, **attributes: 1,
    differentiable=False,
)
def random_crop_op(xp, image, size, *, seed: int = 0, seed2: int = 0, generator):
    """Cuts a piece of ``size`` out of an image, at a random place."""
    if image.ndim != 3:
        raise invalid_argument(f"input must be 3-dimensional, got shape {list(image.shape)}")
    if size.ndim != 1 or size.size != 2:
        raise invalid_argument(f"shape_t must be 1-dimensional with two elements, got shape {list(size.shape)}")
    target_height, target_width = size.tolist()
    height, width, _ = image.shape
    if target_height < 0 or target_width < 0:
        raise invalid_argument(f"the size must not be negative, got {target_height} x {target_width}")
    for name, have, wanted in (("width", width, target_width), ("height", height, target_height)):
        if have < wanted:
            message = f"{name} must be >= target_{name}: {name} = {have}, target_{name} = {wanted}"
            raise FailedPreconditionError(None, None, message)
    words = iter(philox(xp, generator.key, generator.counter, 1).reshape(-1))
    left = next(words) % np.uint32(width - target_width + 1) if width > target_width else np.uint32(0)
    top = next(words) % np.uint32(height - target_height + 1) if height > target_height else np.uint32(0)
    rows = top.astype(np.int64) + np.arange(target_height)
    columns = left.astype(np.int64) + np.arange(target_width)
    return image[rows][:, columns]


@random_crop_op.shape
def _random_crop_shape(image, size):
    channels = with_rank(image, 3)[2]
    merge_dimensions(with_rank(size.shape, 1)[0], 2)
    known = size.integers()
    height, width = (None, None) if known is None else (None if n is None or n < 0 else n for n in known)
    return (height, width, channels)


@random_crop_op.samples
def _random_crop_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((7, 9, 3), dtype), np.int64([4, 5]), seed=3, seed2=4)
    yield s(s.normal(7, 9, 3), np.int64([7, 9]), seed=3)
    yield s(s.normal(7, 9), np.int64([4, 5]), seed=3, error="InvalidArgumentError")
    yield s(s.normal(7, 9, 3), np.int64([8, 5]), seed=3, error="FailedPreconditionError")
