"""The functions of ``tf.image`` that keep the best of boxes that overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.image.suppression import (
    combined_non_max_suppression_op,
    non_max_suppression_v3_op,
    non_max_suppression_v4_op,
    non_max_suppression_v5_op,
    non_max_suppression_with_overlaps_op,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    name: str | None = None,
) -> Any:
    """Returns the numbers of the best boxes, none of which overlaps another one too much.

    Args:
      boxes: a float tensor of shape ``[count, 4]``: two opposite corners of each box, ``[y1, x1, y2, x2]``.
      scores: a float tensor of shape ``[count]``.
      max_output_size: how many boxes to return at most, a scalar.
      iou_threshold: a box is dropped if its intersection with a better one, over their union, is more than this.
      score_threshold: boxes with scores no higher than this are dropped.
      name: the name of the scope.

    Returns:
      An int32 vector, the best box first.
    """
    with name_scope(name, "non_max_suppression"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        return non_max_suppression_v3_op(
            boxes, scores, max_output_size, iou_threshold, score_threshold, name="NonMaxSuppressionV3"
        )


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> Any:
    """Returns the numbers of the best boxes and their scores, which overlaps can make smaller.

    Args:
      boxes: a float tensor of shape ``[count, 4]``: two opposite corners of each box, ``[y1, x1, y2, x2]``.
      scores: a float tensor of shape ``[count]``.
      max_output_size: how many boxes to return at most, a scalar.
      iou_threshold: a box is dropped if its intersection with a better one, over their union, is more than this.
      score_threshold: boxes with scores no higher than this are dropped.
      soft_nms_sigma: if positive, the score of a box is multiplied by ``exp(-overlap**2 / (2 * soft_nms_sigma))`` for
        each better box (Bodla and others, 2017).
      name: the name of the scope.

    Returns:
      An int32 vector, the best box first, and the vector of their scores.
    """
    with name_scope(name, "non_max_suppression_with_scores"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        soft_nms_sigma = convert_to_tensor(soft_nms_sigma, name="soft_nms_sigma")
        selected, kept, _ = non_max_suppression_v5_op(
            boxes,
            scores,
            max_output_size,
            iou_threshold,
            score_threshold,
            soft_nms_sigma,
            pad_to_max_output_size=False,
            name="NonMaxSuppressionV5",
        )
        return selected, kept


def non_max_suppression_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    name: str | None = None,
) -> Any:
    """Returns the numbers of the best boxes, none of which overlaps another one too much; the overlaps are given.

    Args:
      overlaps: a float32 tensor of shape ``[count, count]``.
      scores: a float32 tensor of shape ``[count]``.
      max_output_size: how many boxes to return at most, a scalar.
      overlap_threshold: a box is dropped if its overlap with a better one is more than this.
      score_threshold: boxes with scores no higher than this are dropped.
      name: the name of the scope.

    Returns:
      An int32 vector, the best box first.
    """
    with name_scope(name, "non_max_suppression_overlaps"):
        overlap_threshold = convert_to_tensor(overlap_threshold, name="overlap_threshold")
        return non_max_suppression_with_overlaps_op(
            overlaps,
            scores,
            max_output_size,
            overlap_threshold,
            score_threshold,
            name="NonMaxSuppressionWithOverlaps",
        )


def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> Any:
    """Returns the best boxes of all classes for each image of a batch.

    Args:
      boxes: a float32 tensor of shape ``[batch, count, classes or 1, 4]``.
      scores: a float32 tensor of shape ``[batch, count, classes]``.
      max_output_size_per_class: how many boxes of a class to keep at most, a scalar.
      max_total_size: how many boxes of an image to keep at most, a scalar.
      iou_threshold: a box is dropped if its intersection with a better one of its class, over their union, is more.
      score_threshold: boxes with scores no higher than this are dropped.
      pad_per_class: whether the results are padded only up to ``max_output_size_per_class`` for each class.
      clip_boxes: whether to clip the boxes to the unit square.
      name: the name of the scope.

    Returns:
      The boxes, shape ``[batch, size, 4]``, their scores and classes, both float32 of shape ``[batch, size]``, padded
      with zeros, and how many are valid for each image, shape ``[batch]``.
    """
    with name_scope(name, "combined_non_max_suppression"):
        iou_threshold = convert_to_tensor(iou_threshold, dtype=dtypes.float32, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, dtype=dtypes.float32, name="score_threshold")
        max_total_size = convert_to_tensor(max_total_size)
        return combined_non_max_suppression_op(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            iou_threshold,
            score_threshold,
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
            name="CombinedNonMaxSuppression",
        )


def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    pad_to_max_output_size: bool = False,
    name: str | None = None,
    sorted_input: bool = False,
    canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> Any:
    """Returns the numbers of the best boxes of each image, padded with zeros to one length, and how many they are.

    Args:
      boxes: a float tensor of shape ``[..., count, 4]``: two opposite corners of each box, ``[y1, x1, y2, x2]``.
      scores: a float tensor of shape ``[..., count]``.
      max_output_size: how many boxes to return at most for each image, a scalar.
      iou_threshold: a box is dropped if its intersection with a better one, over their union, is more than this.
      score_threshold: boxes with scores no higher than this are dropped.
      pad_to_max_output_size: whether to pad; must be True for more than one image.
      name: the name of the scope.
      sorted_input: whether the boxes come in the order of their scores; makes no difference here.
      canonicalized_coordinates: whether the corners are top left and bottom right; makes no difference here.
      tile_size: how many boxes TensorFlow looks at together; makes no difference here.

    Returns:
      The numbers, int32 of shape ``[..., max_output_size]``, and their counts, int32 of shape ``[...]``.

    Raises:
      ValueError: there is a batch of images but no padding, or a batch whose size is not known while a graph is built.
    """
    with name_scope(name, "non_max_suppression_padded"):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        shape = static_shape(boxes)
        if shape is None or len(shape) == 2:
            return tuple(
                non_max_suppression_v4_op(
                    boxes,
                    scores,
                    max_output_size,
                    iou_threshold,
                    score_threshold,
                    pad_to_max_output_size=pad_to_max_output_size,
                )
            )
        if not pad_to_max_output_size:
            raise ValueError(
                f"'pad_to_max_output_size' (value {pad_to_max_output_size}) must be True for batched input"
            )
        batch = shape[:-2]
        if None in batch:
            raise ValueError(f"non_max_suppression_padded needs a batch of known size, got boxes of shape {shape}")
        images = int(np.prod(batch, dtype=np.int64))
        count = np.array([-1], np.int32) if shape[-2] is None else np.array([shape[-2]], np.int32)
        boxes = raw.Reshape(boxes, np.concatenate([[images], count, [4]]).astype(np.int32))
        scores = raw.Reshape(scores, np.concatenate([[images], count]).astype(np.int32))
        pairs = [
            non_max_suppression_v4_op(
                one_boxes, one_scores, max_output_size, iou_threshold, score_threshold, pad_to_max_output_size=True
            )
            for one_boxes, one_scores in zip(raw.Unpack(boxes, num=images), raw.Unpack(scores, num=images), strict=True)
        ]
        if not pairs:
            size = raw.ExpandDims(max_output_size, 0)
            zeros = raw.Fill(raw.ConcatV2([np.array(batch, np.int32), size], 0), np.int32(0))
            return zeros, convert_to_tensor(np.zeros(batch, np.int32))
        indices = raw.Pack([pair[0] for pair in pairs])
        valid = raw.Pack([pair[1] for pair in pairs])
        size = raw.ExpandDims(max_output_size, 0)
        whole = raw.ConcatV2([np.array(batch, np.int32), size], 0)
        return raw.Reshape(indices, whole), raw.Reshape(valid, np.array(batch, np.int32))
