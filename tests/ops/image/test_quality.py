"""Tests the measures of images, and the functions over windows."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1

IMAGES = np.random.default_rng(0).random((2, 200, 190, 3), np.float32)


def test_equal_images_are_alike():
    np.testing.assert_allclose(tf.image.ssim(IMAGES, IMAGES, 1.0).numpy(), 1, rtol=1e-5)
    np.testing.assert_allclose(tf.image.ssim_multiscale(IMAGES, IMAGES, 1.0).numpy(), 1, rtol=1e-5)
    assert np.isposinf(tf.image.psnr(IMAGES, IMAGES, 1.0).numpy()).all()


def test_noise_makes_images_less_alike():
    noisy = np.clip(IMAGES + np.random.default_rng(1).normal(0, 0.1, IMAGES.shape), 0, 1).astype(np.float32)
    little = np.clip(IMAGES + np.random.default_rng(1).normal(0, 0.01, IMAGES.shape), 0, 1).astype(np.float32)
    for measure in (tf.image.ssim, tf.image.ssim_multiscale, tf.image.psnr):
        assert (measure(IMAGES, noisy, 1.0).numpy() < measure(IMAGES, little, 1.0).numpy()).all()
    expected = -10 * np.log10(((IMAGES - noisy) ** 2).mean((1, 2, 3)))
    np.testing.assert_allclose(tf.image.psnr(IMAGES, noisy, 1.0).numpy(), expected, rtol=1e-4)


def test_images_must_be_of_one_size_and_larger_than_the_window():
    with pytest.raises(ValueError, match="incompatible"):
        tf.image.ssim(IMAGES, IMAGES[:, 1:], 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.image.ssim(IMAGES[:, :10], IMAGES[:, :10], 1.0)


def test_slopes():
    image = tf.constant(IMAGES)
    down, across = tf.image.image_gradients(image)
    np.testing.assert_allclose(down.numpy()[:, :-1], np.diff(IMAGES, axis=1))
    np.testing.assert_allclose(across.numpy()[:, :, :-1], np.diff(IMAGES, axis=2))
    assert not down.numpy()[:, -1].any() and not across.numpy()[:, :, -1].any()
    ramp = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None], (1, 5, 5))[..., None]
    edges = tf.image.sobel_edges(ramp).numpy()
    assert edges[0, 2, 2, 0].tolist() == [8, 0]
    total = np.abs(np.diff(IMAGES, axis=1)).sum((1, 2, 3)) + np.abs(np.diff(IMAGES, axis=2)).sum((1, 2, 3))
    np.testing.assert_allclose(tf.image.total_variation(image).numpy(), total, rtol=1e-4)


def test_patches_and_their_gradient():
    image = tf.Variable(IMAGES[:, :6, :7])
    with tf.GradientTape() as tape:
        patches = tf.image.extract_patches(image, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
        total = tf.reduce_sum(patches)
    np.testing.assert_array_equal(patches.numpy()[0, 1, 2], IMAGES[0, 2:5, 4:7].reshape(-1))
    counts = np.outer([1, 1, 2, 1, 1, 0], [1, 1, 2, 1, 2, 1, 1])
    np.testing.assert_array_equal(tape.gradient(total, image).numpy()[0, ..., 1], counts)
    old = v1.extract_image_patches(image, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
    np.testing.assert_array_equal(old.numpy(), patches.numpy())
    with pytest.raises(TypeError, match="list"):
        tf.image.extract_patches(image, 3, [1, 1, 1, 1], [1, 1, 1, 1], "SAME")


def test_dilation_and_erosion_are_mirror_images():
    kernel = np.random.default_rng(2).random((3, 3, 3), np.float32)
    steps = [1, 1, 1, 1]
    small = IMAGES[:, :8, :9]
    dilated = tf.nn.dilation2d(-small, kernel[::-1, ::-1], steps, "SAME", "NHWC", steps)
    np.testing.assert_array_equal(
        tf.nn.erosion2d(small, kernel, steps, "SAME", "NHWC", steps).numpy(), -dilated.numpy()
    )
    with pytest.raises(ValueError, match="NHWC"):
        tf.nn.dilation2d(small, kernel, steps, "SAME", "NCHW", steps)


def test_a_glimpse_outside_of_the_image():
    image = np.ones((1, 4, 4, 1), np.float32)
    found = tf.image.extract_glimpse(image, [2, 2], [[1.0, 1.0]], noise="zero").numpy()[0, ..., 0]
    assert found.tolist() == [[1, 0], [0, 0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="noise"):
        tf.image.extract_glimpse(image, [2, 2], [[1.0, 1.0]], noise="white")
    with pytest.raises(tf.errors.InvalidArgumentError, match="interpolation"):
        tf.raw_ops.ImageProjectiveTransformV2(
            images=image, transforms=[[1.0, 0, 0, 0, 1, 0, 0, 0]], output_shape=[2, 2], interpolation="CUBIC"
        )
