"""Tests the functions that change colours."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

import tideflow as tf

COLOURS = np.random.default_rng(0).random((5, 7, 3), np.float32)


def test_hue_saturation_and_value_are_those_of_the_standard_library():
    expected = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in COLOURS.reshape(-1, 3).tolist()])
    hsv = tf.image.rgb_to_hsv(COLOURS)
    np.testing.assert_allclose(hsv.numpy().reshape(-1, 3), expected, atol=1e-5)
    np.testing.assert_allclose(tf.image.hsv_to_rgb(hsv).numpy(), COLOURS, atol=1e-5)


def test_other_systems_and_back():
    np.testing.assert_allclose(tf.image.yuv_to_rgb(tf.image.rgb_to_yuv(COLOURS)).numpy(), COLOURS, atol=1e-4)
    np.testing.assert_allclose(tf.image.yiq_to_rgb(tf.image.rgb_to_yiq(COLOURS)).numpy(), COLOURS, atol=1e-4)


def test_types_are_converted_to_their_range():
    found = tf.image.convert_image_dtype(np.uint8([0, 51, 255]), tf.float32)
    np.testing.assert_allclose(found.numpy(), [0, 0.2, 1], rtol=1e-6)
    assert tf.image.convert_image_dtype(np.float32([-1, 0, 0.5, 2]), tf.uint8, True).numpy().tolist() == [
        0,
        0,
        127,
        255,
    ]
    assert tf.image.convert_image_dtype(np.uint8([0, 255]), tf.uint16).numpy().tolist() == [0, 255 * 256]
    assert tf.image.convert_image_dtype(np.uint16([0, 65535]), tf.uint8).numpy().tolist() == [0, 255]
    with pytest.raises(AttributeError):
        tf.image.convert_image_dtype([True], tf.uint8)


def test_adjustments():
    np.testing.assert_allclose(tf.image.adjust_hue(COLOURS, 0.0).numpy(), COLOURS, atol=1e-6)
    np.testing.assert_allclose(tf.image.adjust_hue(COLOURS, 1 / 3).numpy(), COLOURS[..., [2, 0, 1]], atol=1e-5)
    grey = tf.image.adjust_saturation(COLOURS, 0.0).numpy()
    np.testing.assert_allclose(grey, np.repeat(COLOURS.max(-1, keepdims=True), 3, -1), atol=1e-6)
    mean = COLOURS.mean((0, 1))
    np.testing.assert_allclose(tf.image.adjust_contrast(COLOURS, 2.0).numpy(), (COLOURS - mean) * 2 + mean, atol=1e-5)
    assert tf.image.adjust_brightness(np.uint8([[[10, 250]]]), 0.1).numpy().tolist() == [[[35, 255]]]
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        tf.image.adjust_hue(COLOURS, 2.0)
    with pytest.raises(ValueError, match="Gamma"):
        tf.image.adjust_gamma(COLOURS, -1)


def test_standardization():
    found = tf.image.per_image_standardization(COLOURS).numpy()
    assert abs(found.mean()) < 1e-5 and abs(found.std() - 1) < 1e-4
    assert not tf.image.per_image_standardization(np.ones((2, 2, 1), np.float32)).numpy().any()


def test_grey():
    assert tf.image.grayscale_to_rgb(COLOURS[..., :1]).shape == (5, 7, 3)
    assert tf.image.rgb_to_grayscale(np.full((1, 1, 3), 100, np.uint8)).numpy().tolist() == [[[100]]]
    with pytest.raises(ValueError, match="size 1"):
        tf.image.grayscale_to_rgb(COLOURS)
