"""Tests the functions that resize images."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1
from tideflow._src.ops.image import banded_product, resizing_weights

METHODS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("antialias", [False, True])
def test_an_image_of_one_colour_keeps_it(method, antialias):
    image = np.full((2, 9, 7, 3), 255, np.uint8)
    resized = tf.image.resize(image, [13, 4], method, antialias=antialias)
    assert resized.shape == (2, 13, 4, 3)
    exact = method in ("bilinear", "nearest") and not (antialias and method == "bilinear")
    # A pixel is a sum over at most 9 rows and 7 columns. Scaling the weights to a sum of one, and the sum itself, round
    # once for each term by half a unit of 255; the absolute values of an axis's weights add up to less than 2.
    tolerance = 0 if exact else (9 + 7) * 2 * 2 * np.spacing(np.float32(255))
    np.testing.assert_allclose(resized.numpy(), 255, rtol=0, atol=tolerance)


def test_two_pixels_become_four():
    found = tf.image.resize([[[0.0], [1.0]]], [1, 4]).numpy()[0, :, 0]
    np.testing.assert_array_equal(found, [0.0, 0.25, 0.75, 1.0])
    old = v1.image.resize_images([[[0.0], [1.0]]], [1, 4]).numpy()[0, :, 0]
    np.testing.assert_array_equal(old, [0.0, 0.5, 1.0, 1.0])
    corners = v1.image.resize_images([[[0.0], [1.0]]], [1, 3], align_corners=True).numpy()[0, :, 0]
    np.testing.assert_array_equal(corners, [0.0, 0.5, 1.0])


def test_the_ratio_is_kept():
    assert tf.image.resize(np.zeros((4, 8, 1), np.float32), [6, 6], preserve_aspect_ratio=True).shape == (3, 6, 1)


def test_an_image_is_padded_evenly():
    padded = tf.image.resize_with_pad(np.ones((2, 4, 1), np.float32), 4, 4).numpy()[..., 0]
    np.testing.assert_array_equal(padded, np.repeat([[0.0], [1.0], [1.0], [0.0]], 4, axis=1))


def test_the_first_version_returns_images_of_the_wanted_size_as_they_are():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert v1.image.resize_images(image, [2, 2]).dtype == tf.uint8
    assert tf.image.resize(image, [2, 2]).dtype == tf.float32


def test_chunks_and_threads_give_what_one_image_gives():
    images = np.random.default_rng(0).random((65, 40, 30, 3), np.float32)
    for method in METHODS:
        whole = tf.image.resize(images, [70, 75], method).numpy()
        for index in (0, 31, 64):
            single = tf.image.resize(images[index], [70, 75], method).numpy()
            np.testing.assert_allclose(whole[index], single, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 15, 16, 60])
def test_the_blocks_make_up_the_whole_matrix(channels):
    rows = banded_product.banded(resizing_weights.spans("lanczos3", 131, 57, 57 / 131, 0.0, True), 131)
    columns = banded_product.banded(resizing_weights.cubic(97, 230, False, True), 97)
    images = np.random.default_rng(1).random((2, 131, 97, channels), np.float32)
    found = banded_product.multiply_host(images, rows, columns)
    expected = np.einsum("oh,bhwc,pw->bopc", rows.dense(), images, columns.dense(), optimize=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    back = banded_product.multiply_host(found, rows.transposed(), columns.transposed())
    expected = np.einsum("oh,bopc,pw->bhwc", rows.dense(), expected, columns.dense(), optimize=True)
    np.testing.assert_allclose(back, expected, atol=1e-4)


def test_an_infinity_stays_where_it_is():
    image = np.zeros((1, 60, 60, 1), np.float32)
    image[0, 30, 30, 0] = np.inf
    resized = tf.image.resize(image, [90, 90], "bicubic").numpy()[0, ..., 0]
    touched = np.argwhere(~np.isfinite(resized))
    assert len(touched) and touched.min() >= 41 and touched.max() <= 50


def test_a_long_line_needs_no_square_matrix():
    line = np.arange(200_000, dtype=np.float32).reshape(1, 1, -1, 1)
    resized = v1.image.resize_bicubic(line, [1, 100_000]).numpy()[0, 0, :, 0]
    np.testing.assert_array_equal(resized[:3], [0, 2, 4])


def test_shapes_in_graphs():
    with v1.Graph().as_default():
        images = v1.placeholder(tf.float32, [None, None, None, 3])
        assert tf.image.resize(images, [4, 5]).shape.as_list() == [None, 4, 5, 3]
        size = v1.placeholder(tf.int32, [2])
        resized = tf.image.resize(images, size, "lanczos3")
        assert resized.shape.as_list() == [None, None, None, 3]
        with v1.Session() as session:
            found = session.run(resized, {images: np.ones((1, 6, 6, 3)), size: [3, 2]})
        assert found.shape == (1, 3, 2, 3)


@pytest.mark.parametrize(
    ("images", "size", "method", "problem"),
    [
        (np.zeros((2, 2)), [1, 1], "bilinear", ValueError),
        (np.zeros((2, 2, 1)), [1, 1, 1], "bilinear", ValueError),
        (np.zeros((2, 2, 1)), [0, 1], "bilinear", tf.errors.InvalidArgumentError),
        (np.zeros((0, 2, 1)), [1, 1], "area", tf.errors.InvalidArgumentError),
        (np.zeros((2, 2, 1)), [1, 1], "cubic", ValueError),
    ],
)
def test_bad_arguments(images, size, method, problem):
    with pytest.raises(problem):
        tf.image.resize(images.astype(np.float32), size, method)


def test_the_gradient_of_a_resize_adds_up():
    image = tf.Variable(np.ones((1, 4, 4, 1), np.float32))
    for method in ("bilinear", "nearest", "bicubic", "lanczos3"):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.image.resize(image, [8, 8], method))
        assert float(tf.reduce_sum(tape.gradient(total, image))) == pytest.approx(64, rel=1e-4)


def test_a_box_that_turns_around_mirrors_the_image():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    crop = tf.image.crop_and_resize(image, [[1.0, 1.0, 0.0, 0.0]], [0], [3, 4]).numpy()
    np.testing.assert_allclose(crop, image[:, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", ["ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"])
def test_no_images_have_any_size(name, compiled):
    """The weights of a line of pixels would take a gigabyte."""

    def resize():
        return getattr(tf.raw_ops, name)(images=tf.zeros([0, 2, 2, 3]), size=[1 << 28, 1 << 20])

    assert (tf.function(resize, jit_compile=True) if compiled else resize)().shape == (0, 1 << 28, 1 << 20, 3)


def test_no_images_have_any_size_under_a_kernel_or_quantized_or_as_gradients():
    none, size = tf.zeros([0, 2, 2, 3]), [1 << 28, 1 << 20]
    shape = (0, *size, 3)
    assert tf.raw_ops.ScaleAndTranslate(images=none, size=size, scale=[1.0, 1.0], translation=[0.0, 0.0]).shape == shape
    assert tf.raw_ops.ResizeNearestNeighborGrad(grads=none, size=size).shape == shape
    assert tf.raw_ops.QuantizedResizeBilinear(images=none, size=size, min=0.0, max=1.0)[0].shape == shape


def test_sizes_that_overflow_are_refused_without_images():
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.ResizeBilinear(images=tf.zeros([0, 2, 2, 3]), size=[2**31 - 1, 2**31 - 1])
