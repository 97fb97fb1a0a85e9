"""Tests non-maximum suppression against the definition, box by box, and the functions around it."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return height * width / (area - height * width)


def _expected(boxes: np.ndarray, scores: np.ndarray, size: int, threshold: float) -> list[int]:
    kept: list[int] = []
    for number in np.argsort(-scores):
        if len(kept) < size and all(_overlap(boxes[number], boxes[other]) <= threshold for other in kept):
            kept.append(int(number))
    return kept


def _boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 1, (count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.05, 0.3, (count, 2))], 1).astype(np.float32)
    return boxes, random.permutation(count).astype(np.float32)


@pytest.mark.parametrize("count", [1, 40, 700])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9])
def test_the_best_boxes_are_kept(count: int, threshold: float) -> None:
    boxes, scores = _boxes(count, count)
    selected = tf.image.non_max_suppression(boxes, scores, 300, threshold).numpy().tolist()
    assert selected == _expected(boxes, scores, 300, threshold)


def test_soft_suppression_lowers_scores() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.5], [5, 5, 6, 6]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    selected, kept = tf.image.non_max_suppression_with_scores(boxes, scores, 3, 1.0, soft_nms_sigma=0.5)
    assert selected.numpy().tolist() == [0, 2, 1]
    np.testing.assert_allclose(kept.numpy(), [0.9, 0.7, 0.8 * np.exp(-0.25)], rtol=1e-6)


def test_a_batch_is_padded() -> None:
    boxes, scores = _boxes(20, 1)
    indices, counts = tf.image.non_max_suppression_padded(
        np.stack([boxes, boxes[::-1]]), np.stack([scores, scores[::-1]]), 30, 0.3, pad_to_max_output_size=True
    )
    expected = _expected(boxes, scores, 30, 0.3)
    assert indices.shape == (2, 30)
    assert counts.numpy().tolist() == [len(expected)] * 2
    assert indices.numpy()[0, : len(expected)].tolist() == expected
    assert indices.numpy()[1, : len(expected)].tolist() == [19 - number for number in expected]
    with pytest.raises(ValueError, match="pad_to_max_output_size"):
        tf.image.non_max_suppression_padded(np.stack([boxes] * 2), np.stack([scores] * 2), 30)


def test_classes_do_not_suppress_each_other() -> None:
    boxes = np.zeros((1, 2, 1, 4), np.float32) + np.array([0, 0, 1, 1], np.float32)
    scores = np.array([[[0.9, 0.1], [0.8, 0.7]]], np.float32)
    _, kept, classes, valid = tf.image.combined_non_max_suppression(boxes, scores, 2, 3, 0.5, 0.0)
    assert valid.numpy().tolist() == [2]
    np.testing.assert_allclose(kept.numpy(), [[0.9, 0.7, 0]])
    assert classes.numpy().tolist() == [[0, 1, 0]]


def test_sides_of_a_box_outside_the_image_are_not_drawn() -> None:
    image = np.zeros((1, 5, 5, 1), np.float32)
    drawn = tf.image.draw_bounding_boxes(image, [[[0.25, -0.5, 0.75, 0.5]]], np.ones((1, 1), np.float32)).numpy()
    expected = np.zeros((5, 5))
    expected[1, :3] = expected[3, :3] = expected[1:4, 2] = 1
    np.testing.assert_array_equal(drawn[0, :, :, 0], expected)


def test_proposals_stay_in_the_image() -> None:
    anchors = np.array([[[0, 0, 40, 40, 10, 10, 90, 90]]], np.float32)
    scores = np.array([[[[0.4, 0.8]]]], np.float32)
    deltas = np.zeros((1, 1, 1, 8), np.float32)
    info = np.array([[50, 60, 1, 0, 0]], np.float32)
    boxes, probabilities = tf.image.generate_bounding_box_proposals(
        scores, deltas, info, anchors, min_size=5, post_nms_topn=3
    )
    np.testing.assert_allclose(boxes.numpy()[0, :2], [[10, 10, 50, 60], [0, 0, 40, 40]])
    np.testing.assert_allclose(probabilities.numpy(), [[0.8, 0.4, 0]])
