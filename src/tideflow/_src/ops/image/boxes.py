"""Draws the outlines of boxes on images."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, with_rank, with_rank_at_least
from tideflow._src.runtime.op import op

__all__ = ["draw_bounding_boxes", "draw_bounding_boxes_v1"]

Array = np.ndarray[Any, Any]

#: Yellow, blue, red, lime, purple, olive, maroon, navy blue, aqua, fuchsia; opaque.
_COLORS = (
    (1, 1, 0, 1),
    (0, 0, 1, 1),
    (1, 0, 0, 1),
    (0, 1, 0, 1),
    (0.5, 0, 0.5, 1),
    (0.5, 0.5, 0, 1),
    (0.5, 0, 0, 1),
    (0, 0, 0.5, 1),
    (0, 1, 1, 1),
    (1, 0, 1, 1),
)
_IMAGE_TYPES = default("float", ("float", "half"))


def _draw(images: Array, boxes: Array, colors: Array | None) -> Array:
    if images.ndim != 4:
        raise invalid_argument(f"The rank of the images should be 4, got shape {list(images.shape)}")
    if boxes.ndim != 3:
        raise invalid_argument(f"The rank of the boxes tensor should be 3, got shape {list(boxes.shape)}")
    if boxes.shape[2] != 4:
        raise invalid_argument(f"The size of the third dimension of the box must be 4. Received: {boxes.shape[2]}")
    batch, height, width, depth = images.shape
    if boxes.shape[0] != batch:
        raise invalid_argument(
            f"The batch sizes should be the same, got {batch} images and {boxes.shape[0]} sets of boxes."
        )
    if depth not in (1, 3, 4):
        raise invalid_argument(f"Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA), got {depth}")
    table = _table(colors, depth, images.dtype)
    result = images.copy()
    if not result.size:
        return result
    # Products are rounded to float32 and then towards zero, as TensorFlow's are; what is not finite is not drawn.
    scale = np.array([height - 1, width - 1] * 2, np.float32)
    edges = np.clip(np.trunc(boxes * scale), -(2.0**31), 2.0**31)
    for image, outlines in zip(result, edges, strict=True):
        for number, outline in enumerate(outlines):
            if np.isfinite(outline).all():
                _outline(image, [int(edge) for edge in outline], table[number % len(table)])
    return result


def _table(colors: Array | None, depth: int, dtype: Any) -> Array:
    if colors is not None:
        if colors.ndim != 2:
            raise invalid_argument(f"colors must be a 2-D matrix, got shape {list(colors.shape)}")
        if colors.shape[1] < depth:
            raise invalid_argument(
                f"colors must have equal or more channels than the image, got shape {list(colors.shape)}"
            )
        if len(colors):
            return colors[:, :depth].astype(dtype)
    table = np.array(_COLORS, dtype)[:, :depth]
    if depth == 1:
        table[:] = 1
    return table


def _outline(image: Array, edges: list[int], color: Array) -> None:
    """Draws those sides of one box that lie within the image."""
    top, left, bottom, right = edges
    height, width = image.shape[:2]
    if top > bottom or left > right or top >= height or bottom < 0 or left >= width or right < 0:
        return
    rows = slice(max(top, 0), min(bottom, height - 1) + 1)
    columns = slice(max(left, 0), min(right, width - 1) + 1)
    if top >= 0:
        image[top, columns] = color
    if bottom < height:
        image[bottom, columns] = color
    if left >= 0:
        image[rows, left] = color
    if right < width:
        image[rows, right] = color


@op("DrawBoundingBoxes", "images: T, boxes: float32 -> output: T", T=_IMAGE_TYPES, tier="host", differentiable=False)
def draw_bounding_boxes_op(images, boxes):
    """Draws boxes in TensorFlow's ten colors."""
    return _draw(images, boxes, None)


@op(
    "DrawBoundingBoxesV2",
    "images: T, boxes: float32, colors: float32 -> output: T",
    T=_IMAGE_TYPES,
    tier="host",
    differentiable="missing",
)
def draw_bounding_boxes_v2_op(images, boxes, colors):
    """Draws boxes in the given colors, one after the other."""
    return _draw(images, boxes, colors)


@draw_bounding_boxes_op.shape
def _draw_bounding_boxes_shape(images, boxes):
    depth = with_rank(images, 4)[3]
    if depth not in (None, 1, 3, 4):
        raise ValueError(f"Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA), got {depth}")
    merge_dimensions(with_rank(boxes, 3)[2], 4)
    return images


@draw_bounding_boxes_v2_op.shape
def _draw_bounding_boxes_v2_shape(images, boxes, colors):
    return with_rank_at_least(images, 3)


def _box_samples(s: Any) -> list[tuple[Any, Any]]:
    boxes = np.array(
        [[[0.1, 0.1, 0.8, 0.8], [-0.5, 0.2, 0.5, 1.5], [0.9, 0.9, 0.1, 0.1], [2, 2, 3, 3], [0.5, 0.5, 0.5, 0.5]]],
        np.float32,
    )
    calls = [(s.uniform(0, 1, (1, 6, 7, depth), dtype), boxes) for depth in (1, 3, 4) for dtype in ("float32", "half")]
    many = np.sort(s.uniform(0, 1, (2, 12, 2, 2)), axis=2).reshape(2, 12, 4)
    calls.append((s.uniform(0, 1, (2, 9, 8, 3)), many))
    calls.append((s.uniform(0, 1, (1, 3, 3, 3)), s.empty(1, 0, 4)))
    return calls


def _bad_box_samples(s: Any) -> list[tuple[Any, Any]]:
    image, boxes = s.uniform(0, 1, (1, 6, 7, 3)), s.uniform(0, 1, (1, 2, 4))
    return [(image[0], boxes), (image, boxes[0]), (image, boxes[..., :3]), (image[..., :2], boxes), (image[:0], boxes)]


@draw_bounding_boxes_op.samples
def _draw_bounding_boxes_samples(s):
    for images, boxes in _box_samples(s):
        yield s(images, boxes)
    for images, boxes in _bad_box_samples(s):
        yield s(images, boxes, error="InvalidArgumentError")


@draw_bounding_boxes_v2_op.samples
def _draw_bounding_boxes_v2_samples(s):
    for images, boxes in _box_samples(s):
        yield s(images, boxes, s.uniform(0, 1, (3, 4)))
    images, boxes = _box_samples(s)[2]
    yield s(images, boxes, s.uniform(0, 1, (2, 3)))
    yield s(images, boxes, s.empty(0, 3))
    yield s(images, boxes, s.uniform(0, 1, (2, 2)), error="InvalidArgumentError")
    yield s(images, boxes, s.uniform(0, 1, (3,)), error="InvalidArgumentError")
    for images, boxes in _bad_box_samples(s):
        yield s(images, boxes, s.uniform(0, 1, (2, 4)), error="InvalidArgumentError")


# Public functions.


def draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Any:
    """Returns images with the outlines of boxes drawn on them.

    Args:
      images: a float tensor of shape ``[batch, height, width, depth]``, of depth 1, 3 or 4.
      boxes: a float32 tensor of shape ``[batch, count, 4]``: top, left, bottom and right of each box, as parts of the
        image's height and width. What lies outside the image is not drawn.
      colors: a float32 tensor of shape ``[colors, depth]``, used in turn; None for ten colors made for the purpose.
      name: the node's name.

    Returns:
      A tensor like ``images``.
    """
    if colors is None:
        return draw_bounding_boxes_op(images, boxes, name=name)
    return draw_bounding_boxes_v2_op(images, boxes, colors, name=name)


def draw_bounding_boxes_v1(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Any:
    """Returns images with the outlines of boxes drawn on them: ``draw_bounding_boxes`` as TF 1.x has it.

    Args:
      images: a float tensor of shape ``[batch, height, width, depth]``, of depth 1, 3 or 4.
      boxes: a float32 tensor of shape ``[batch, count, 4]``: top, left, bottom and right of each box.
      name: the node's name.
      colors: a float32 tensor of shape ``[colors, depth]``, used in turn, or None.
    """
    return draw_bounding_boxes(images, boxes, colors, name)
