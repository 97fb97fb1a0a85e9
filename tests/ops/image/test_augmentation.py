"""Tests random changes of images: with TensorFlow's numbers for given seeds, and their bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf

_IMAGE = np.arange(60).reshape(4, 5, 3).astype(np.float32) / 60


@pytest.mark.parametrize(
    ("change", "total", "weighted"),
    [
        (lambda: tf.image.stateless_random_brightness(_IMAGE, 0.3, seed=(5, 6)), 29.932222, 1182.917212),
        (lambda: tf.image.stateless_random_contrast(_IMAGE, 0.3, 0.8, seed=(5, 6)), 29.5, 1037.300593),
        (lambda: tf.image.stateless_random_hue(_IMAGE, 0.3, seed=(5, 6)), 29.471185, 1169.316620),
        (lambda: tf.image.stateless_random_saturation(_IMAGE, 0.3, 0.8, seed=(5, 6)), 29.943997, 1182.968581),
        (lambda: tf.image.stateless_random_flip_left_right(_IMAGE, seed=(5, 6)), 29.5, 1170.166666),
        (lambda: tf.image.stateless_random_flip_up_down(np.stack([_IMAGE] * 6), seed=(5, 6)), 177.0, 32446.0),
        (lambda: tf.image.stateless_random_crop(_IMAGE, (2, 2, 3), seed=(5, 6)), 5.0, 32.583333),
    ],
)
def test_the_numbers_are_tensorflows(change: Callable[[], Any], total: float, weighted: float) -> None:
    result = change().numpy().astype(np.float64)
    np.testing.assert_allclose(result.sum(), total, rtol=1e-5)
    np.testing.assert_allclose((result.reshape(-1) * np.arange(result.size)).sum(), weighted, rtol=1e-5)


def test_each_image_of_a_batch_is_flipped_or_not() -> None:
    tf.random.set_seed(3)
    images = np.stack([_IMAGE] * 40)
    flipped = tf.image.random_flip_left_right(images).numpy()
    kinds = [np.array_equal(one, _IMAGE) or -np.array_equal(one, _IMAGE[:, ::-1]) for one in flipped]
    assert {True, -1} == set(kinds)


@pytest.mark.parametrize(
    "change",
    [
        lambda: tf.image.random_brightness(_IMAGE, -0.1),
        lambda: tf.image.random_contrast(_IMAGE, 0.5, 0.1),
        lambda: tf.image.random_contrast(_IMAGE, -0.5, 0.1),
        lambda: tf.image.random_hue(_IMAGE, 0.6),
        lambda: tf.image.random_jpeg_quality(_IMAGE, 60, 20),
        lambda: tf.image.random_jpeg_quality(_IMAGE, 6, 120),
        lambda: tf.image.random_flip_up_down(_IMAGE[0]),
    ],
)
def test_bounds_are_checked(change: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        change()


def test_lower_jpeg_quality_changes_more() -> None:
    noise = np.random.default_rng(0).uniform(0, 1, (24, 24, 3)).astype(np.float32)
    errors = [np.abs(tf.image.adjust_jpeg_quality(noise, quality).numpy() - noise).mean() for quality in (100, 50, 5)]
    assert errors[0] < errors[1] < errors[2]


def test_a_sampled_piece_shows_enough_of_a_box() -> None:
    boxes = np.array([[[0.2, 0.3, 0.7, 0.6]]], np.float32)
    for seed in range(10):
        begin, size, box = tf.image.stateless_sample_distorted_bounding_box(
            [100, 200, 3], boxes, seed=(seed, 1), min_object_covered=0.6
        )
        top, left, bottom, right = box.numpy()[0, 0]
        shown = (min(bottom, 0.7) - max(top, 0.2)) * (min(right, 0.6) - max(left, 0.3)) / (0.5 * 0.3)
        assert shown >= 0.59
        assert begin.numpy().tolist() == [round(top * 100), round(left * 200), 0]
        assert size.numpy()[2] == -1
    with pytest.raises(tf.errors.InvalidArgumentError, match="No bounding boxes"):
        tf.image.sample_distorted_bounding_box([9, 9, 3], np.zeros((1, 0, 4), np.float32))
