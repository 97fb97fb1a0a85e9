"""Turning, mirroring, cutting and padding images: functions over batches or single images."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.padding import pad
from tideflow._src.ops.array.permuting import reverse
from tideflow._src.ops.array.permuting import transpose as permute
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import rank, shape
from tideflow._src.ops.image.shapes import (
    after,
    as_batch,
    check,
    check_image,
    checked_image,
    dimensions,
    from_batch,
    give_shape,
    is_tensor,
    known_rank,
    vector,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def flip_left_right(image: Any) -> Any:
    """Mirrors images at their vertical axis.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.

    Raises:
      ValueError: the rank is neither 4 nor 3.
    """
    return flip(image, 1, "flip_left_right")


def flip_up_down(image: Any) -> Any:
    """Mirrors images at their horizontal axis.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.

    Raises:
      ValueError: the rank is neither 4 nor 3.
    """
    return flip(image, 0, "flip_up_down")


def flip(image: Any, axis: int, scope_name: str) -> Any:
    """Mirrors images along their rows (0) or columns (1)."""
    with name_scope(None, scope_name, [image]):
        image = checked_image(convert_to_tensor(image, name="image"))
        count = known_rank(image)
        if count is None:
            return reverse(image, raw.Reshape(rank(image) + (axis - 3), [1]))
        return give_shape(reverse(image, [axis + count - 3]), static_shape(image) or ())


def transpose(image: Any, name: str | None = None) -> Any:
    """Exchanges rows and columns of images.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      name: a name for the operation.

    Raises:
      ValueError: the rank is neither 4 nor 3.
    """
    with name_scope(name, "transpose", [image]):
        image = checked_image(convert_to_tensor(image, name="image"))
        return _exchanged(image)


def _exchanged(image: Any, really: Any = True) -> Any:
    """Exchanges rows and columns, or does nothing where ``really``, perhaps a tensor, is false."""
    count = known_rank(image)
    if count is not None and not is_tensor(really):
        if not really:
            return image
        return permute(image, [1, 0, 2] if count == 3 else [0, 2, 1, 3])
    first = rank(image) - 3
    inner = [1, 0, 2] if not is_tensor(really) else raw.SelectV2(really, [1, 0, 2], [0, 1, 2])
    return permute(image, concat([raw.Range(0, first, 1), first + inner], 0))


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """Turns images by 90 degrees, against the clock.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      k: how many times; an integer or a tensor of rank 0.
      name: a name for the operation.

    Raises:
      ValueError: the rank is neither 4 nor 3, or ``k`` is no scalar.
    """
    with name_scope(name, "rot90", [image, k]) as scope:
        image = checked_image(convert_to_tensor(image, name="image"))
        k = convert_to_tensor(k, dtypes.int32, name="k")
        if k.shape.ndims not in (0, None):
            raise ValueError(f"k must be a scalar, but has shape {k.shape}")
        turns = static_value(k)
        if turns is not None:
            turns = int(turns) % 4
            result = _exchanged(image, turns % 2 == 1)
            axes = [axis for axis, flips in ((-3, turns in (1, 2)), (-2, turns in (2, 3))) if flips]
            if axes:
                result = reverse(result, _from_end(result, axes))
        else:
            turns = raw.FloorMod(k, 4)
            result = _exchanged(image, raw.Equal(raw.FloorMod(turns, 2), 1))
            for axis, low in ((-3, 1), (-2, 2)):
                flips = raw.LogicalAnd(raw.GreaterEqual(turns, low), raw.LessEqual(turns, low + 1))
                result = _mirrored_if(flips, result, axis)
        known = static_shape(image)
        if known is not None:
            height, width = (None, None) if turns.__class__ is not int else known[-3:-1][:: -1 if turns % 2 else 1]
            give_shape(result, [*known[:-3], height, width, known[-1]])
        return raw.Identity(result, name=scope)


def _from_end(image: Any, axes: list[int]) -> Any:
    count = known_rank(image)
    return raw.Add(rank(image), axes) if count is None else [count + axis for axis in axes]


def _mirrored_if(flips: Any, image: Any, axis: int) -> Any:
    size = shape(image)[axis]
    forward = raw.Range(0, size, 1)
    places = raw.SelectV2(flips, size - 1 - forward, forward)
    count = known_rank(image)
    where = rank(image) + axis if count is None else count + axis
    return raw.GatherV2(image, places, where)


def central_crop(image: Any, central_fraction: Any) -> Any:
    """Cuts the border of images off.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      central_fraction: the part of height and width to keep, above 0 up to 1; a number or a tensor.

    Raises:
      ValueError: the fraction is outside of that, or the rank is neither 3 nor 4.
    """
    with name_scope(None, "central_crop", [image]):
        image = convert_to_tensor(image, name="image")
        fraction = static_value(central_fraction) if is_tensor(central_fraction) else central_fraction
        message = "central_fraction must be within (0, 1]"
        if fraction is not None:
            check(0.0 < fraction <= 1.0, message)
            if fraction == 1.0:
                return image
        else:
            inside = raw.LogicalAnd(central_fraction > 0.0, central_fraction <= 1.0)
            image = after(check(inside, message), image)
        check_image(image)
        known = static_shape(image)
        if known is None or len(known) not in (3, 4):
            count = None if known is None else len(known)
            raise ValueError(f"`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = {count}.")
        sizes = dimensions(image)
        begins, kept = [0] * len(known), [-1] * len(known)
        for axis in (len(known) - 3, len(known) - 2):
            begins[axis] = _border(sizes[axis], fraction, central_fraction)
            kept[axis] = sizes[axis] - begins[axis] * 2
        result = raw.Slice(image, vector(begins), vector(kept))
        inner = [None if is_tensor(size) else size for size in kept[-3:-1]]
        return give_shape(result, [*known[:-3], *inner, known[-1]])


def _border(size: Any, fraction: Any, symbolic: Any) -> Any:
    """Returns how many pixels to cut off at either side."""
    if fraction is not None and not is_tensor(size):
        return int((float(size) - float(size) * float(fraction)) / 2)
    wide = raw.Cast(size, DstT=dtypes.float64)
    part = raw.Cast(symbolic if is_tensor(symbolic) else np.float64(fraction), DstT=dtypes.float64)
    return raw.Cast((wide - wide * part) / 2, DstT=dtypes.int32)


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """Puts images into larger ones that are zero elsewhere.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      offset_height: how many rows of zeros come first.
      offset_width: how many columns of zeros come first.
      target_height: the height of the result.
      target_width: the width of the result.

    Raises:
      ValueError: the image does not fit there, or its rank is neither 3 nor 4.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        image, is_batch = as_batch(convert_to_tensor(image, name="image"))
        batch, height, width, depth = dimensions(image)
        right = target_width - offset_width - width
        below = target_height - offset_height - height
        checks = check_image(image)
        checks += check(offset_height >= 0, "offset_height must be >= 0")
        checks += check(offset_width >= 0, "offset_width must be >= 0")
        checks += check(right >= 0, "width must be <= target - offset")
        checks += check(below >= 0, "height must be <= target - offset")
        image = after(checks, image)
        paddings = raw.Reshape(vector([0, 0, offset_height, below, offset_width, right, 0, 0]), [4, 2])
        padded = give_shape(pad(image, paddings), [batch, target_height, target_width, depth])
        return from_batch(padded, is_batch)


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """Cuts a piece out of images.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      offset_height: the first row of the piece.
      offset_width: the first column of the piece.
      target_height: the height of the piece.
      target_width: the width of the piece.

    Raises:
      ValueError: the piece is not inside the image, or the rank is neither 3 nor 4.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        image, is_batch = as_batch(convert_to_tensor(image, name="image"))
        checks = check_image(image)
        batch, height, width, depth = dimensions(image)
        checks += check(offset_width >= 0, "offset_width must be >= 0.")
        checks += check(offset_height >= 0, "offset_height must be >= 0.")
        checks += check(target_width > 0, "target_width must be > 0.")
        checks += check(target_height > 0, "target_height must be > 0.")
        checks += check(width >= target_width + offset_width, "width must be >= target + offset.")
        checks += check(height >= target_height + offset_height, "height must be >= target + offset.")
        image = after(checks, image)
        begin = vector([0, offset_height, offset_width, 0])
        cropped = raw.Slice(image, begin, vector([batch, target_height, target_width, depth]))
        return from_batch(give_shape(cropped, [batch, target_height, target_width, depth]), is_batch)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """Gives images a size by cutting their borders off evenly, or adding borders of zeros.

    Args:
      image: ``[batch, height, width, channels]``, or ``[height, width, channels]``.
      target_height: the height of the result.
      target_width: the width of the result.

    Raises:
      ValueError: a size is not positive, or the rank is neither 3 nor 4.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        image, is_batch = as_batch(convert_to_tensor(image, name="image"))
        checks = check_image(image)
        checks += check(target_width > 0, "target_width must be > 0.")
        checks += check(target_height > 0, "target_height must be > 0.")
        image = after(checks, image)
        target_height, target_width = (
            after(checks, size) if is_tensor(size) else size for size in (target_height, target_width)
        )
        _, height, width, _ = dimensions(image)
        wider, higher = target_width - width, target_height - height
        cropped = crop_to_bounding_box(
            image,
            larger(-higher // 2, 0),
            larger(-wider // 2, 0),
            smaller(target_height, height),
            smaller(target_width, width),
        )
        top, left = larger(higher // 2, 0), larger(wider // 2, 0)
        return from_batch(pad_to_bounding_box(cropped, top, left, target_height, target_width), is_batch)


def larger(left: Any, right: Any) -> Any:
    """Returns the larger of two sizes, tensors or not."""
    return raw.Maximum(left, right) if is_tensor(left) or is_tensor(right) else max(left, right)


def smaller(left: Any, right: Any) -> Any:
    """Returns the smaller of two sizes, tensors or not."""
    return raw.Minimum(left, right) if is_tensor(left) or is_tensor(right) else min(left, right)
