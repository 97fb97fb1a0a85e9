"""Non-maximum suppression: keeping the best of boxes that overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image.suppression_kernels import overlap_from, overlap_of, select, select_softly
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]
_FLOATS = default("float", ("half", "float"))
_MOST_ELEMENTS = 1 << 31


def _size(max_output_size: Any) -> int:
    size = int(scalar(max_output_size, "max_output_size"))
    if size < 0:
        raise invalid_argument(f"output size must be non-negative, got {size}")
    return size


def _check(boxes: Array, scores: Array, iou_threshold: Any) -> None:
    if not 0 <= iou_threshold <= 1:
        raise invalid_argument(f"iou_threshold must be in [0, 1], got {iou_threshold}")
    if boxes.ndim != 2:
        raise invalid_argument(f"boxes must be 2-D, got shape {list(boxes.shape)}")
    if boxes.shape[1] != 4:
        raise invalid_argument(f"boxes must have 4 columns, got shape {list(boxes.shape)}")
    if scores.shape != boxes.shape[:1]:
        raise invalid_argument(f"scores has incompatible shape: expected {[len(boxes)]}, got {list(scores.shape)}")


def _indices(selected: Array) -> Array:
    return selected.astype(np.int32)


def _padded(values: Array, size: int) -> Array:
    result = np.zeros(size, values.dtype)
    result[: len(values)] = values
    return result


@op(
    "NonMaxSuppression",
    "boxes: float32, scores: float32, max_output_size: static int32 -> selected_indices: int32",
    tier="host",
    differentiable=False,
)
def non_max_suppression_op(boxes, scores, max_output_size, *, iou_threshold: float = 0.5):
    """Keeps the boxes of the highest scores, none of which overlap by more than the threshold."""
    size = _size(max_output_size)
    _check(boxes, scores, iou_threshold)
    lowest = np.finfo(np.float32).min
    return _indices(select(scores, size, overlap_of(boxes), np.float32(iou_threshold), lowest))


@op(
    "NonMaxSuppressionV2",
    "boxes: T, scores: T, max_output_size: static int32, iou_threshold: T_threshold -> selected_indices: int32",
    T=_FLOATS,
    T_threshold=_FLOATS,
    tier="host",
    differentiable=False,
)
def non_max_suppression_v2_op(boxes, scores, max_output_size, iou_threshold):
    """Keeps the boxes of the highest scores, none of which overlap by more than a threshold that is a tensor."""
    size = _size(max_output_size)
    _check(boxes, scores, scalar(iou_threshold, "iou_threshold"))
    lowest = np.finfo(scores.dtype).min
    return _indices(select(scores, size, overlap_of(boxes), iou_threshold, lowest))


@op(
    "NonMaxSuppressionV3",
    "boxes: T, scores: T, max_output_size: static int32, iou_threshold: T_threshold, score_threshold: T_threshold "
    "-> selected_indices: int32",
    T=_FLOATS,
    T_threshold=_FLOATS,
    tier="host",
    differentiable="missing",
)
def non_max_suppression_v3_op(boxes, scores, max_output_size, iou_threshold, score_threshold):
    """Keeps the boxes of the highest scores above a threshold, none of which overlap by more than another."""
    size = _size(max_output_size)
    _check(boxes, scores, scalar(iou_threshold, "iou_threshold"))
    lowest = scalar(score_threshold, "score_threshold")
    return _indices(select(scores, size, overlap_of(boxes), iou_threshold, lowest))


@op(
    "NonMaxSuppressionV4",
    "boxes: T, scores: T, max_output_size: static int32, iou_threshold: T_threshold, score_threshold: T_threshold "
    "-> selected_indices: int32, valid_outputs: int32",
    T=_FLOATS,
    T_threshold=_FLOATS,
    tier="host",
    differentiable="missing",
)
def non_max_suppression_v4_op(
    boxes, scores, max_output_size, iou_threshold, score_threshold, *, pad_to_max_output_size: bool = False
):
    """Keeps the best boxes, and tells how many; pads their numbers with zeros if asked."""
    size = _size(max_output_size)
    _check(boxes, scores, scalar(iou_threshold, "iou_threshold"))
    lowest = scalar(score_threshold, "score_threshold")
    selected = _indices(select(scores, size, overlap_of(boxes), iou_threshold, lowest))
    count = np.int32(len(selected))
    return (_padded(selected, size) if pad_to_max_output_size else selected), count


@op(
    "NonMaxSuppressionV5",
    "boxes: T, scores: T, max_output_size: static int32, iou_threshold: T, score_threshold: T, soft_nms_sigma: T "
    "-> selected_indices: int32, selected_scores: T, valid_outputs: int32",
    T=_FLOATS,
    tier="host",
    differentiable="missing",
)
def non_max_suppression_v5_op(
    boxes,
    scores,
    max_output_size,
    iou_threshold,
    score_threshold,
    soft_nms_sigma,
    *,
    pad_to_max_output_size: bool = False,
):
    """Keeps the best boxes and their scores; a positive ``soft_nms_sigma`` makes those of overlapping boxes smaller."""
    size = _size(max_output_size)
    _check(boxes, scores, scalar(iou_threshold, "iou_threshold"))
    lowest = scalar(score_threshold, "score_threshold")
    sigma = scalar(soft_nms_sigma, "soft_nms_sigma")
    if not sigma >= 0:
        raise invalid_argument(f"soft_nms_sigma must be >= 0, got {sigma}")
    if sigma > 0:
        selected, kept = select_softly(scores, size, overlap_of(boxes), lowest, sigma)
    else:
        selected = select(scores, size, overlap_of(boxes), iou_threshold, lowest)
        kept = scores[selected]
    count = np.int32(len(selected))
    selected = _indices(selected)
    if pad_to_max_output_size:
        selected, kept = _padded(selected, size), _padded(kept, size)
    return selected, kept, count


@op(
    "NonMaxSuppressionWithOverlaps",
    "overlaps: float32, scores: float32, max_output_size: static int32, overlap_threshold: float32, "
    "score_threshold: float32 -> selected_indices: int32",
    tier="host",
    differentiable=False,
)
def non_max_suppression_with_overlaps_op(overlaps, scores, max_output_size, overlap_threshold, score_threshold):
    """Keeps the boxes of the highest scores; how much they overlap is given."""
    size = _size(max_output_size)
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1]:
        raise invalid_argument(f"overlaps must be square, got shape {list(overlaps.shape)}")
    if scores.shape != overlaps.shape[:1]:
        raise invalid_argument(f"scores has incompatible shape: expected {[len(overlaps)]}, got {list(scores.shape)}")
    threshold = scalar(overlap_threshold, "overlap_threshold")
    lowest = scalar(score_threshold, "score_threshold")
    return _indices(select(scores, size, overlap_from(overlaps), threshold, lowest))


@op(
    "CombinedNonMaxSuppression",
    "boxes: float32, scores: float32, max_output_size_per_class: static int32, max_total_size: static int32, "
    "iou_threshold: float32, score_threshold: float32 -> nmsed_boxes: float32, nmsed_scores: float32, "
    "nmsed_classes: float32, valid_detections: int32",
    tier="host",
    differentiable="missing",
)
def combined_non_max_suppression_op(
    boxes,
    scores,
    max_output_size_per_class,
    max_total_size,
    iou_threshold,
    score_threshold,
    *,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
):
    """Keeps the best boxes of each class, and of these the best of all, for each image of a batch."""
    most = int(scalar(max_output_size_per_class, "max_size_per_class"))
    total = int(scalar(max_total_size, "max_total_size"))
    threshold = scalar(iou_threshold, "iou_threshold")
    lowest = scalar(score_threshold, "score_threshold")
    if most <= 0:
        raise invalid_argument(f"max_size_per_class must be positive, got {most}")
    if total <= 0:
        raise invalid_argument(f"max_total_size must be > 0, got {total}")
    if not 0 <= threshold <= 1:
        raise invalid_argument(f"iou_threshold must be in [0, 1], got {threshold}")
    if boxes.ndim != 4 or scores.ndim != 3 or boxes.shape[0] != scores.shape[0]:
        raise invalid_argument(
            "boxes must have shape [batch, boxes, classes, 4] and scores [batch, boxes, classes], got "
            f"{list(boxes.shape)} and {list(scores.shape)}"
        )
    batch, count, shared, corners = boxes.shape
    classes = scores.shape[2]
    if corners != 4:
        raise invalid_argument(f"boxes must have 4 columns, got shape {list(boxes.shape)}")
    if scores.shape[1] != count:
        raise invalid_argument(
            f"scores has incompatible shape: {list(scores.shape)} for boxes of shape {list(boxes.shape)}"
        )
    if shared not in (1, classes):
        raise invalid_argument(
            f"third dimension of boxes must be either 1 or the number of classes, {classes}; got {shared}"
        )
    size = min(total, most * classes) if pad_per_class else total
    if batch * size * 4 >= _MOST_ELEMENTS:
        raise invalid_argument(f"{batch} images with {size} boxes each are too many.")
    found = [np.zeros((batch, size, 4), np.float32)] + [np.zeros((batch, size), np.float32) for _ in range(2)]
    valid = np.zeros(batch, np.int32)
    for image in range(batch):
        chosen = []
        for number in range(classes):
            of_class = boxes[image, :, number if shared > 1 else 0]
            kept = select(scores[image, :, number], min(most, count), overlap_of(of_class), threshold, lowest)
            chosen.append((of_class[kept], scores[image, kept, number], np.full(len(kept), number, np.float32)))
        if not chosen:
            continue
        parts = [np.concatenate(part) for part in zip(*chosen, strict=True)]
        order = np.argsort(-parts[1], kind="stable")[:size]
        valid[image] = len(order)
        for target, part in zip(found, parts, strict=True):
            target[image, : len(order)] = part[order]
    if clip_boxes:
        np.clip(found[0], 0, 1, out=found[0])
    return (*found, valid)


# Shapes.


def _check_shapes(boxes, scores, *scalars):
    boxes, scores = with_rank(boxes, 2), with_rank(scores, 1)
    merge_dimensions(boxes[0], scores[0])
    merge_dimensions(boxes[1], 4)
    for given in scalars:
        with_rank(getattr(given, "shape", given), 0)


@non_max_suppression_op.shape
def _non_max_suppression_shape(boxes, scores, max_output_size):
    _check_shapes(boxes, scores, max_output_size)
    return (None,)


@non_max_suppression_v2_op.shape
def _non_max_suppression_v2_shape(boxes, scores, max_output_size, iou_threshold):
    _check_shapes(boxes, scores, max_output_size, iou_threshold)
    return (None,)


@non_max_suppression_v3_op.shape
def _non_max_suppression_v3_shape(boxes, scores, max_output_size, iou_threshold, score_threshold):
    _check_shapes(boxes, scores, max_output_size, iou_threshold, score_threshold)
    return (None,)


def _known_size(max_output_size, padded):
    sizes = max_output_size.integers() if padded else None
    if sizes is None or sizes[0] is None:
        return None
    if sizes[0] < 0:
        raise ValueError(f"max_output_size should be > 0 but got {sizes[0]}")
    return sizes[0]


@non_max_suppression_v4_op.shape
def _non_max_suppression_v4_shape(
    boxes, scores, max_output_size, iou_threshold, score_threshold, *, pad_to_max_output_size
):
    _check_shapes(boxes, scores, max_output_size, iou_threshold, score_threshold)
    return (_known_size(max_output_size, pad_to_max_output_size),), ()


@non_max_suppression_v5_op.shape
def _non_max_suppression_v5_shape(
    boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma, *, pad_to_max_output_size
):
    _check_shapes(boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma)
    size = _known_size(max_output_size, pad_to_max_output_size)
    return (size,), (size,), ()


@non_max_suppression_with_overlaps_op.shape
def _non_max_suppression_with_overlaps_shape(overlaps, scores, max_output_size, overlap_threshold, score_threshold):
    overlaps, scores = with_rank(overlaps, 2), with_rank(scores, 1)
    merge_dimensions(merge_dimensions(overlaps[0], scores[0]), overlaps[1])
    for given in (max_output_size.shape, overlap_threshold, score_threshold):
        with_rank(given, 0)
    return (None,)


@combined_non_max_suppression_op.shape
def _combined_non_max_suppression_shape(
    boxes, scores, max_output_size_per_class, max_total_size, iou_threshold, score_threshold, *, pad_per_class
):
    boxes, scores = with_rank(boxes, 4), with_rank(scores, 3)
    for given in (max_output_size_per_class.shape, max_total_size.shape, iou_threshold, score_threshold):
        with_rank(given, 0)
    merge_dimensions(boxes[3], 4)
    batch = merge_dimensions(boxes[0], scores[0])
    merge_dimensions(boxes[1], scores[1])
    if boxes[2] is not None and boxes[2] != 1:
        merge_dimensions(boxes[2], scores[2])
    total, most = (value.integers() for value in (max_total_size, max_output_size_per_class))
    size = total[0] if total else None
    if size is not None and size <= 0:
        raise ValueError(f"max_total_size should be > 0, got {size}")
    if pad_per_class and most and most[0] is not None and most[0] <= 0:
        raise ValueError(f"max_output_size_per_class should be > 0, got {most[0]}")
    if size is not None and pad_per_class:
        known = most is not None and most[0] is not None and scores[2] is not None
        size = min(size, most[0] * scores[2]) if known else None
    return (batch, size, 4), (batch, size), (batch, size), (batch,)


# Samples.


def _boxes(s: Any, count: int, dtype: Any = "float32") -> Array:
    """Boxes of moderate size in the unit square, many of which overlap; some have their corners swapped."""
    corners = s.uniform(0, 0.6, (count, 2), dtype)
    return np.concatenate([corners, corners + s.uniform(0.1, 0.4, (count, 2), dtype)], 1).astype(corners.dtype)


def _half(value: float, dtype: Any) -> Array:
    return np.array(value, dtype)


def _bad(s: Any, *others: Any) -> Any:
    boxes, scores = _boxes(s, 4), s.uniform(0, 1, (4,))
    yield s(boxes, scores, -1, *others, error="InvalidArgumentError")
    yield s(boxes[0], scores, 2, *others, error="InvalidArgumentError")
    yield s(boxes[:, :3], scores, 2, *others, error="InvalidArgumentError")
    yield s(boxes, scores[:3], 2, *others, error="InvalidArgumentError")
    yield s(boxes, scores, [2], *others, error="InvalidArgumentError")


@non_max_suppression_op.samples
def _non_max_suppression_samples(s):
    yield s(_boxes(s, 30), s.uniform(0, 1, (30,)), 10)
    yield s(_boxes(s, 30), s.uniform(0, 1, (30,)), 40, iou_threshold=0.1)
    yield s(_boxes(s, 6)[:, [2, 3, 0, 1]], np.zeros(6, np.float32), 9, iou_threshold=1.0)
    yield s(s.empty(0, 4), s.empty(0), 3)
    yield s(_boxes(s, 5), np.array([0.1, np.nan, np.inf, -np.inf, 0.2], np.float32), 5)
    yield s(_boxes(s, 4), s.uniform(0, 1, (4,)), 0)
    yield s(_boxes(s, 4), s.uniform(0, 1, (4,)), 3, iou_threshold=1.5, error="InvalidArgumentError")
    yield from _bad(s)


@non_max_suppression_v2_op.samples
def _non_max_suppression_v2_samples(s):
    for dtype in ("float32", "float16"):
        yield s(_boxes(s, 20, dtype), s.distinct((20,), dtype), 10, _half(0.3, dtype))
    yield s(_boxes(s, 4), s.uniform(0, 1, (4,)), 3, -0.5, error="InvalidArgumentError")
    yield from _bad(s, 0.5)


@non_max_suppression_v3_op.samples
def _non_max_suppression_v3_samples(s):
    for dtype in ("float32", "float16"):
        yield s(_boxes(s, 20, dtype), s.distinct((20,), dtype), 10, _half(0.3, dtype), _half(-1, dtype))
    yield s(_boxes(s, 5), np.array([0.1, np.nan, np.inf, -np.inf, 0.2], np.float32), 5, 0.5, -np.inf)
    yield from _bad(s, 0.5, 0.0)


@non_max_suppression_v4_op.samples
def _non_max_suppression_v4_samples(s):
    for dtype in ("float32", "float16"):
        boxes, scores = _boxes(s, 20, dtype), s.distinct((20,), dtype)
        yield s(boxes, scores, 10, _half(0.3, dtype), _half(-1, dtype))
        yield s(boxes, scores, 30, _half(0.3, dtype), _half(-1, dtype), pad_to_max_output_size=True)
    yield s(s.empty(0, 4), s.empty(0), 3, 0.5, 0.0, pad_to_max_output_size=True)
    yield from _bad(s, 0.5, 0.0)


@non_max_suppression_v5_op.samples
def _non_max_suppression_v5_samples(s):
    for dtype in ("float32", "float16"):
        boxes, scores = _boxes(s, 20, dtype), s.distinct((20,), dtype)
        yield s(boxes, scores, 10, _half(0.3, dtype), _half(-1, dtype), _half(0, dtype))
        yield s(boxes, scores, 30, _half(0.3, dtype), _half(-1, dtype), _half(0, dtype), pad_to_max_output_size=True)
    boxes, scores = _boxes(s, 20), s.uniform(0.3, 1, (20,))
    yield s(boxes, scores, 30, 0.5, 0.2, 0.5)
    yield s(boxes, scores, 10, 1.0, 0.1, 0.3, pad_to_max_output_size=True)
    yield s(boxes, scores, 10, 0.5, 0.1, -0.3, error="InvalidArgumentError")
    yield from _bad(s, 0.5, 0.0, 0.0)


@non_max_suppression_with_overlaps_op.samples
def _non_max_suppression_with_overlaps_samples(s):
    overlaps, scores = s.uniform(0, 2, (8, 8)), s.uniform(0, 1, (8,))
    yield s(overlaps, scores, 5, 0.9, 0.1)
    yield s(overlaps, scores, 20, 1.7, 0.5)
    yield s(s.empty(0, 0), s.empty(0), 3, 0.5, 0.0)
    yield s(overlaps[:5], scores[:5], 5, 0.9, 0.1, error="InvalidArgumentError")
    yield s(overlaps, scores[:5], 5, 0.9, 0.1, error="InvalidArgumentError")
    yield s(overlaps, scores, -5, 0.9, 0.1, error="InvalidArgumentError")


@combined_non_max_suppression_op.samples
def _combined_non_max_suppression_samples(s):
    shared = np.stack([_boxes(s, 12), 1.5 * _boxes(s, 12)])[:, :, None].astype(np.float32)
    own = np.stack([_boxes(s, 36), _boxes(s, 36)]).reshape(2, 12, 3, 4)
    scores = s.uniform(0, 1, (2, 12, 3))
    yield s(shared, scores, 4, 6, 0.3, 0.2)
    yield s(shared, scores, 3, 40, 0.3, 0.6, clip_boxes=False)
    yield s(own, scores, 3, 40, 0.3, 0.2, pad_per_class=True)
    yield s(shared[:0], scores[:0], 3, 4, 0.5, 0.0)
    yield s(shared[:, :0], scores[:, :0], 3, 4, 0.5, 0.0)
    yield s(own, scores[:, :, :2], 3, 4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared, scores[:, :5], 3, 4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared, scores[:1], 3, 4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared[0], scores, 3, 4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared, scores, 0, 4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared, scores, 3, -4, 0.5, 0.0, error="InvalidArgumentError")
    yield s(shared, scores, 3, 4, 1.5, 0.0, error="InvalidArgumentError")
