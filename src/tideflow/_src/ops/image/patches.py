"""Patches: the windows of images or volumes, each laid out along the channels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tideflow._src.core.dtypes import int64
from tideflow._src.core.errors import InvalidArgumentError, OutOfRangeError, UnimplementedError
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn.windows import window_output_size
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_IMAGE_TYPES = (
    "bfloat16 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128 bool".split()
)
_VOLUME_TYPES = "float double int32 uint8 int16 int8 int64 bfloat16 uint16 half uint32 uint64".split()


def check_space_only(values: Sequence[int], rank: int, name: str) -> None:
    """Rejects windows that have not one number for each dimension, or step over images or channels.

    Raises:
      InvalidArgumentError: there are more or fewer numbers than dimensions.
      OutOfRangeError: a number is below 1.
      UnimplementedError: the first or the last number is not 1.
    """
    if len(values) != rank:
        raise InvalidArgumentError(None, None, f"{name} must specify {rank} dimensions, got {list(values)}")
    if values[0] != 1 or values[-1] != 1:
        raise UnimplementedError(None, None, f"Only support {name} across space, got {list(values)}")
    if min(values) < 1:
        raise OutOfRangeError(None, None, f"{name} must be positive, got {list(values)}")


def windows_along(size: Any, window: int, stride: int, rate: int, padding: str) -> Any:
    """Returns how many windows fit along an axis, perhaps none, and the zeros before and behind it that they need.

    Where the size is not known, nor are these: they are None, even for a stride that is refused, as in TensorFlow.

    Raises:
      ValueError: a window is larger than the axis by two strides or more, or the stride is not positive.
    """
    if size is None:
        return None, None, None
    return window_output_size(size, (window - 1) * rate + 1, 1, stride, padding)


def _patches(xp: Any, images: Any, ksizes: Any, strides: Any, rates: Any, padding: str) -> Any:
    rank = len(ksizes)
    if images.ndim != rank:
        raise InvalidArgumentError(None, None, f"input must be {rank}-dimensional, got shape {list(images.shape)}")
    for name, values in (("ksizes", ksizes), ("strides", strides), ("rates", rates)):
        check_space_only(values, rank, name)
    space = [
        windows_along(*numbers, padding)
        for numbers in zip(images.shape[1:-1], ksizes[1:-1], strides[1:-1], rates[1:-1], strict=True)
    ]
    counts = tuple(count for count, _, _ in space)
    depth = images.shape[-1]
    shape = (images.shape[0], *counts, int(np.prod(ksizes)) * depth)
    if 0 in shape:
        return xp.zeros(shape, images.dtype)
    if any(before or after for _, before, after in space):
        images = xp.pad(images, [(0, 0), *((before, after) for _, before, after in space), (0, 0)])
    if xp is np:
        images = np.ascontiguousarray(images)
        batch, *axes, channel = images.strides
        steps = [axis * stride for axis, stride in zip(axes, strides[1:-1], strict=True)]
        holes = [axis * rate for axis, rate in zip(axes, rates[1:-1], strict=True)]
        view = as_strided(
            images, (images.shape[0], *counts, *ksizes[1:-1], depth), (batch, *steps, *holes, channel), writeable=False
        )
        return view.reshape(shape)
    taps = []
    for offsets in itertools.product(*(range(size) for size in ksizes[1:-1])):
        window = [slice(None)]
        for offset, rate, stride, count in zip(offsets, rates[1:-1], strides[1:-1], counts, strict=True):
            window.append(slice(offset * rate, offset * rate + (count - 1) * stride + 1, stride))
        taps.append(images[tuple(window)])
    return jnp.concatenate(taps, axis=-1)


def _patches_shape(images: Any, ksizes: Any, strides: Any, rates: Any, padding: str) -> Any:
    images = with_rank(images, len(ksizes))
    for name, values in (("ksizes", ksizes), ("strides", strides), ("rates", rates)):
        if len(values) != len(ksizes):
            raise ValueError(f"{name} must specify {len(ksizes)} dimensions, got {list(values)}")
    counts = [
        windows_along(*numbers, padding)[0]
        for numbers in zip(images[1:-1], ksizes[1:-1], strides[1:-1], rates[1:-1], strict=True)
    ]
    window = int(np.prod(ksizes[1:-1]))
    return (images[0], *counts, None if images[-1] is None else images[-1] * window)


def _gradient(call: Any, dy: Any, extract: Any) -> Any:
    """Adds each element of the patches to the pixel that it came from, whose number a patch of numbers tells."""
    image = call.inputs[0]
    if not (image.dtype.is_floating or image.dtype.is_complex):
        return None
    ksizes = call.attr("ksizes")
    space = len(ksizes) - 2
    shape = raw.Shape(image, out_type=int64)
    batch, sizes, channels = shape[:1], shape[1:-1], shape[-1:]
    count = raw.Prod(sizes, 0)
    one = raw.Cast(1, DstT=int64)
    numbers = raw.Reshape(raw.Range(one, count + one, one), raw.ConcatV2([[one], sizes, [one]], 0))
    sources = raw.Reshape(extract(numbers), [-1])
    window = int(np.prod(ksizes))
    of_patches = raw.Shape(dy, out_type=int64)[1:-1]
    split = raw.Reshape(dy, raw.ConcatV2([batch, of_patches, raw.Cast([window], DstT=int64), channels], 0))
    last = space + 2
    rows = raw.Transpose(split, [*range(1, last), 0, last])
    flat = raw.Reshape(rows, raw.ConcatV2([raw.Shape(sources, out_type=int64), batch, channels], 0))
    # Number 0 is the padding.
    sums = raw.UnsortedSegmentSum(flat, sources, count + one)[1:]
    pixels = raw.Reshape(sums, raw.ConcatV2([sizes, batch, channels], 0))
    return raw.Transpose(pixels, [space, *range(space), space + 1])


@op(
    "ExtractImagePatches",
    "images: T -> patches: T",
    T=_IMAGE_TYPES,
    ksizes=at_least(4),
    strides=at_least(4),
    rates=at_least(4),
)
def extract_image_patches_op(
    xp, images, *, ksizes: list[int], strides: list[int], rates: list[int], padding: Literal["SAME", "VALID"]
):
    """Gives the windows of images, each laid out along the channels."""
    return _patches(xp, images, ksizes, strides, rates, padding)


@extract_image_patches_op.shape
def _extract_image_patches_shape(images, *, ksizes, strides, rates, padding):
    return _patches_shape(images, ksizes, strides, rates, padding)


@extract_image_patches_op.gradient
def _extract_image_patches_gradient(call, dy):
    names = ("ksizes", "strides", "rates", "padding")
    window = {name: call.attr(name) for name in names}
    return _gradient(call, dy, lambda numbers: extract_image_patches_op(numbers, **window))


@extract_image_patches_op.samples
def _extract_image_patches_samples(s):
    ones = [1, 1, 1, 1]
    two = [1, 2, 2, 1]
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 4, 5, 2), dtype), ksizes=two, strides=two, rates=ones, padding="VALID")
    for padding in ("SAME", "VALID"):
        image = s.normal(2, 6, 7, 2)
        yield s(image, ksizes=[1, 3, 2, 1], strides=[1, 1, 3, 1], rates=ones, padding=padding)
        yield s(image, ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 2, 3, 1], padding=padding)
    yield s(s.empty(0, 4, 5, 2), ksizes=two, strides=ones, rates=ones, padding="SAME", gradient=False)
    image = s.normal(1, 4, 5, 2)
    bad = {"error": "InvalidArgumentError", "padding": "VALID"}
    yield s(s.normal(4, 5, 2), ksizes=two, strides=ones, rates=ones, **bad)
    yield s(image, ksizes=[1, 7, 2, 1], strides=ones, rates=ones, **bad)
    yield s(image, ksizes=[1, 5, 2, 1], strides=ones, rates=ones, padding="VALID", gradient=False)
    bad["error"] = "OutOfRangeError"
    yield s(image, ksizes=two, strides=[1, 0, 1, 1], rates=ones, **bad)
    bad["error"] = "UnimplementedError"
    yield s(image, ksizes=[1, 2, 2, 2], strides=ones, rates=ones, **bad)


@op("ExtractVolumePatches", "input: T -> patches: T", T=_VOLUME_TYPES, ksizes=at_least(5), strides=at_least(5))
def extract_volume_patches_op(xp, input, *, ksizes: list[int], strides: list[int], padding: Literal["SAME", "VALID"]):
    """Gives the windows of volumes, each laid out along the channels."""
    return _patches(xp, input, ksizes, strides, [1] * len(ksizes), padding)


@extract_volume_patches_op.shape
def _extract_volume_patches_shape(input, *, ksizes, strides, padding):
    return _patches_shape(input, ksizes, strides, [1] * len(ksizes), padding)


@extract_volume_patches_op.gradient
def _extract_volume_patches_gradient(call, dy):
    window = {name: call.attr(name) for name in ("ksizes", "strides", "padding")}
    return _gradient(call, dy, lambda numbers: extract_volume_patches_op(numbers, **window))


@extract_volume_patches_op.samples
def _extract_volume_patches_samples(s):
    two = [1, 2, 2, 2, 1]
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 4, 5, 3, 2), dtype), ksizes=two, strides=two, padding="VALID")
    for padding in ("SAME", "VALID"):
        yield s(s.normal(1, 5, 4, 3, 2), ksizes=[1, 3, 2, 1, 1], strides=[1, 1, 3, 2, 1], padding=padding)
    yield s(s.normal(4, 5, 3, 2), ksizes=two, strides=two, padding="SAME", error="InvalidArgumentError")
    bad = {"padding": "VALID", "error": "UnimplementedError"}
    yield s(s.normal(1, 4, 5, 3, 2), ksizes=[1, 2, 2, 2, 2], strides=two, **bad)
