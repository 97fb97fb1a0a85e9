"""Resizes the images of a ragged tensor, each from its own size: a loop, which lies above the operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function.conditional import cond
from tideflow._src.function.mapping import map_fn
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops import dispatch
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.image import resizing_functions
from tideflow._src.ops.image.resizing_functions import ResizeMethod, ResizeMethodV1
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def resize(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Resizes images of different sizes to one size."""

    def one(image: Any, size: Any) -> Any:
        return resizing_functions.resize(image, size, method, preserve_aspect_ratio, antialias)

    return _resized(one, images, size, name)


def resize_v1(
    images: Any,
    size: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Any:
    """Does the same with TensorFlow 1's arguments."""

    def one(image: Any, size: Any) -> Any:
        return resizing_functions.resize_v1(image, size, method, align_corners, preserve_aspect_ratio)

    return _resized(one, images, size, name)


def _resized(resize_one: Callable[[Any, Any], Any], images: RaggedTensor, size: Any, name: str | None) -> Any:
    with name_scope(name, "RaggedResizeImages"):
        if images.shape.rank != 4:
            raise ValueError("tf.image.resize: images.shape.rank must be 4 if images is ragged.")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        known = static_value(size)
        height_and_width = TensorShape([None, None] if known is None else [int(each) for each in known])
        spec = TensorSpec(height_and_width.concatenate(images.shape[-1:]), dtypes.float32)

        def one(image: Any) -> Any:
            return resize_one(image.to_tensor() if isinstance(image, RaggedTensor) else image, size)

        def every() -> Any:
            return map_fn(one, images, fn_output_signature=spec)

        def nothing() -> Any:
            channels = raw.Shape(images.flat_values)[-1:]
            return raw.Fill(raw.ConcatV2([[0], size, channels], 0), 0.0)

        count = images.shape[0]
        if count is None:
            return cond(raw.Equal(images.nrows(), convert_to_tensor(0, images.row_splits.dtype)), nothing, every)
        return every() if count else nothing()


dispatch.register(resizing_functions.resize, resize, {"images": RaggedTensor})
dispatch.register(resizing_functions.resize_v1, resize_v1, {"images": RaggedTensor})
