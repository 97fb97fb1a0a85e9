"""Turns the scores and shifts of anchors into regions of interest: ``tf.image.generate_bounding_box_proposals``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image.suppression_kernels import overlap_of, select
from tideflow._src.runtime.op import op

__all__ = ["generate_bounding_box_proposals"]

#: Boxes grow by no more than this factor, of which the logarithm is taken, as in Detectron.
_MOST_GROWTH = np.float32(math.log(1000.0 / 16.0))


@op(
    "GenerateBoundingBoxProposals",
    "scores: float32, bbox_deltas: float32, image_info: float32, anchors: float32, nms_threshold: float32, "
    "pre_nms_topn: int32, min_size: float32 -> rois: float32, roi_probabilities: float32",
    tier="host",
    differentiable=False,
)
def generate_bounding_box_proposals_op(
    scores, bbox_deltas, image_info, anchors, nms_threshold, pre_nms_topn, min_size, *, post_nms_topn: int = 300
):
    """Chooses the best boxes for each image out of anchors that are shifted and scaled."""
    batch, anchor_boxes, deltas = _checked(scores, bbox_deltas, image_info, anchors)
    for name, scalar in (("nms_threshold", nms_threshold), ("pre_nms_topn", pre_nms_topn), ("min_size", min_size)):
        if np.ndim(scalar) != 0:
            raise invalid_argument(f"{name} must be a scalar, got shape {list(np.shape(scalar))}")
    if not 0 <= nms_threshold <= 1:
        raise invalid_argument(f"nms_threshold should be in [0, 1], got {nms_threshold}")
    if pre_nms_topn <= 0:
        raise invalid_argument(f"pre_nms_topn should be positive, got {pre_nms_topn}")
    if post_nms_topn <= 0 or batch * post_nms_topn >= 1 << 29:
        raise invalid_argument(f"post_nms_topn should be positive and not huge, got {post_nms_topn}")
    regions = np.zeros((batch, post_nms_topn, 4), np.float32)
    probabilities = np.zeros((batch, post_nms_topn), np.float32)
    for image in range(batch):
        flat = scores[image].reshape(-1)
        order = np.argsort(-flat, kind="stable")[: int(pre_nms_topn)]
        boxes = _moved(anchor_boxes[order], deltas[image, order])
        height, width, scale = image_info[image, :3]
        np.clip(boxes, 0, np.array([height, width, height, width], np.float32), out=boxes)
        sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        large = sides >= min_size * scale
        boxes, best = boxes[large], flat[order][large]
        kept = select(best, post_nms_topn, overlap_of(boxes), nms_threshold, -np.inf)
        regions[image, : len(kept)] = boxes[kept]
        probabilities[image, : len(kept)] = best[kept]
    return regions, probabilities


def _checked(scores: Any, bbox_deltas: Any, image_info: Any, anchors: Any) -> tuple[int, Any, Any]:
    """Checks the shapes; returns the batch size, the anchors as rows, and the shifts as rows for each image."""
    if scores.ndim != 4 or bbox_deltas.ndim != 4:
        raise invalid_argument(
            "scores and bbox_deltas must have shapes [batch, height, width, anchors] and [batch, height, width, "
            f"4 * anchors], got {list(scores.shape)} and {list(bbox_deltas.shape)}"
        )
    batch, height, width, count = scores.shape
    if bbox_deltas.shape != (batch, height, width, 4 * count):
        raise invalid_argument(
            f"bbox_deltas must have shape {[batch, height, width, 4 * count]}, got {list(bbox_deltas.shape)}"
        )
    if image_info.ndim != 2 or image_info.shape[0] != batch or image_info.shape[1] < 3:
        raise invalid_argument(f"image_info must have shape [{batch}, 5], got {list(image_info.shape)}")
    if anchors.ndim != 3 or anchors.size != height * width * count * 4:
        raise invalid_argument(f"anchors must have shape {[height, width, 4 * count]}, got {list(anchors.shape)}")
    return batch, anchors.reshape(-1, 4), bbox_deltas.reshape(batch, -1, 4)


def _moved(anchors: Any, deltas: Any) -> Any:
    """Shifts boxes by parts of their size and scales them by exponentials, both given as [y, x, height, width]."""
    sizes = anchors[:, 2:] - anchors[:, :2]
    centers = anchors[:, :2] + np.float32(0.5) * sizes + sizes * deltas[:, :2]
    sizes = sizes * np.exp(np.minimum(deltas[:, 2:], _MOST_GROWTH))
    half = np.float32(0.5) * sizes
    return np.concatenate([centers - half, centers + half], axis=1)


@generate_bounding_box_proposals_op.shape
def _generate_bounding_box_proposals_shape(
    scores, bbox_deltas, image_info, anchors, nms_threshold, pre_nms_topn, min_size, *, post_nms_topn
):
    scores, bbox_deltas = with_rank(scores, 4), with_rank(bbox_deltas, 4)
    image_info = with_rank(image_info, 2)
    with_rank(anchors, 3)
    for scalar in (nms_threshold, pre_nms_topn, min_size):
        with_rank(scalar, 0)
    batch = merge_dimensions(merge_dimensions(scores[0], bbox_deltas[0]), image_info[0])
    return (batch, post_nms_topn, 4), (batch, post_nms_topn)


@generate_bounding_box_proposals_op.samples
def _generate_bounding_box_proposals_samples(s):
    corners = s.uniform(0, 60, (3, 4, 5, 2))
    anchors = np.concatenate([corners, corners + s.uniform(10, 40, (3, 4, 5, 2))], -1).reshape(3, 4, 20)
    scores, deltas = s.uniform(0, 1, (2, 3, 4, 5)), s.uniform(-0.2, 0.2, (2, 3, 4, 20))
    info = np.array([[80, 90, 1, 0, 0], [70, 60, 0.5, 0, 0]], np.float32)
    yield s(scores, deltas, info, anchors.astype(np.float32), 0.3, 40, 8.0, post_nms_topn=12)
    yield s(scores, deltas, info, anchors.astype(np.float32), 0.7, 6000, 0.0)
    yield s(scores, deltas, info, anchors.astype(np.float32), 1.7, 6000, 0.0, error="InvalidArgumentError")
    yield s(scores, deltas[..., :9], info, anchors.astype(np.float32), 0.7, 6, 0.0, error="InvalidArgumentError")
    yield s(scores, deltas, info, anchors[:2].astype(np.float32), 0.7, 6, 0.0, error="InvalidArgumentError")


def generate_bounding_box_proposals(
    scores: Any,
    bbox_deltas: Any,
    image_info: Any,
    anchors: Any,
    nms_threshold: Any = 0.7,
    pre_nms_topn: Any = 6000,
    min_size: Any = 16,
    post_nms_topn: int = 300,
    name: str | None = None,
) -> Any:
    """Returns regions of interest for each image, from the scores and shifts that a network gives to anchors.

    After Ren and others, "Faster R-CNN", 2015.

    Args:
      scores: a float32 tensor of shape ``[batch, height, width, anchors]``.
      bbox_deltas: a float32 tensor of shape ``[batch, height, width, 4 * anchors]``: for each anchor, how far to move
        it, as parts of its height and width, and the logarithms of the factors by which to scale these.
      image_info: a float32 tensor of shape ``[batch, 5]``: height, width and scale of each image, and two more numbers.
      anchors: a float32 tensor of shape ``[height, width, 4 * anchors]``: top, left, bottom and right of each.
      nms_threshold: a box is dropped if its intersection with a better one, over their union, is more than this.
      pre_nms_topn: how many boxes to look at, the best ones, a scalar.
      min_size: boxes with a side shorter than this, times the scale of the image, are dropped.
      post_nms_topn: how many boxes to return for each image.
      name: the node's name.

    Returns:
      The boxes, shape ``[batch, post_nms_topn, 4]``, and their scores, shape ``[batch, post_nms_topn]``, padded with
      zeros.
    """
    return generate_bounding_box_proposals_op(
        scores,
        bbox_deltas,
        image_info,
        anchors,
        nms_threshold,
        pre_nms_topn,
        min_size,
        post_nms_topn=post_nms_topn,
        name=name,
    )
