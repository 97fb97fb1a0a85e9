"""Tests the functions that turn, mirror, cut and pad images."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1

IMAGES = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)


@pytest.mark.parametrize("image", [IMAGES, IMAGES[0]])
def test_mirroring_and_turning(image):
    rows, columns = image.ndim - 3, image.ndim - 2
    np.testing.assert_array_equal(tf.image.flip_up_down(image).numpy(), np.flip(image, rows))
    np.testing.assert_array_equal(tf.image.flip_left_right(image).numpy(), np.flip(image, columns))
    np.testing.assert_array_equal(tf.image.transpose(image).numpy(), image.swapaxes(rows, columns))
    for k in range(-2, 6):
        expected = np.rot90(image, k, (rows, columns))
        np.testing.assert_array_equal(tf.image.rot90(image, k).numpy(), expected)


def test_turning_where_rank_and_number_are_known_only_when_it_runs():
    with v1.Graph().as_default():
        image, k = v1.placeholder(tf.float32), v1.placeholder(tf.int32, [])
        turned = tf.image.rot90(image, k)
        flipped, exchanged = tf.image.flip_left_right(image), tf.image.transpose(image)
        with v1.Session() as session:
            for value in (IMAGES, IMAGES[0]):
                axes = (value.ndim - 3, value.ndim - 2)
                for turns in range(4):
                    found = session.run(turned, {image: value, k: turns})
                    np.testing.assert_array_equal(found, np.rot90(value, turns, axes))
                np.testing.assert_array_equal(session.run(flipped, {image: value}), np.flip(value, axes[1]))
                np.testing.assert_array_equal(session.run(exchanged, {image: value}), value.swapaxes(*axes))


def test_cutting_and_padding():
    cropped = tf.image.crop_to_bounding_box(IMAGES, 1, 2, 2, 1)
    np.testing.assert_array_equal(cropped.numpy(), IMAGES[:, 1:, 2:3])
    padded = tf.image.pad_to_bounding_box(IMAGES[0], 1, 2, 5, 7)
    np.testing.assert_array_equal(padded.numpy(), np.pad(IMAGES[0], [(1, 1), (2, 1), (0, 0)]))
    np.testing.assert_array_equal(tf.image.central_crop(IMAGES, 0.5).numpy(), IMAGES[:, :, 1:3])
    both = tf.image.resize_with_crop_or_pad(IMAGES, 5, 2)
    np.testing.assert_array_equal(both.numpy(), np.pad(IMAGES[:, :, 1:3], [(0, 0), (1, 1), (0, 0), (0, 0)]))


def test_sizes_may_be_tensors():
    with v1.Graph().as_default():
        image = v1.placeholder(tf.float32, [None, None, None, 2])
        height = v1.placeholder(tf.int32, [])
        result = v1.image.resize_image_with_crop_or_pad(image, height, 2)
        assert result.shape.as_list() == [None, None, 2, 2]
        with v1.Session() as session:
            assert session.run(result, {image: IMAGES, height: 7}).shape == (2, 7, 2, 2)
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(result, {image: IMAGES, height: 0})


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (tf.image.crop_to_bounding_box, (IMAGES, 1, 2, 3, 1)),
        (tf.image.crop_to_bounding_box, (IMAGES, -1, 2, 2, 1)),
        (tf.image.pad_to_bounding_box, (IMAGES, 0, 0, 2, 7)),
        (tf.image.central_crop, (IMAGES, 0.0)),
        (tf.image.resize_with_crop_or_pad, (IMAGES, 0, 2)),
        (tf.image.flip_left_right, (IMAGES[0, 0],)),
        (tf.image.rot90, (IMAGES[None],)),
        (tf.image.transpose, (np.zeros((0, 2, 2)),)),
    ],
)
def test_what_does_not_fit(function, arguments):
    with pytest.raises(ValueError):
        function(*arguments)
