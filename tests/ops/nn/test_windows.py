"""Convolutions and poolings as functions: forms of arguments, layouts, ranks, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.graph.graph import Graph
from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.nn import convolution_functions as convolutions
from tideflow._src.ops.nn import depthwise_functions as depthwise
from tideflow._src.ops.nn import pooling_functions as poolings

RANDOM = np.random.default_rng(2)
IMAGES = RANDOM.normal(size=(2, 6, 5, 3))
FILTERS = RANDOM.normal(size=(3, 2, 3, 4))


def convolved(images, filters, stride=1, dilation=1):
    """Computes a VALID convolution with plain loops."""
    height, width = ((n - 1) * dilation + 1 for n in filters.shape[:2])
    rows = (images.shape[1] - height) // stride + 1
    columns = (images.shape[2] - width) // stride + 1
    result = np.zeros((len(images), rows, columns, filters.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            patch = images[:, top : top + height : dilation, left : left + width : dilation]
            result[:, i, j] = np.tensordot(patch, filters, 3)
    return result


def test_convolution_in_every_form() -> None:
    expected = convolved(IMAGES, FILTERS, stride=2)
    for found in (
        convolutions.conv2d(IMAGES, FILTERS, 2, "VALID"),
        convolutions.conv2d(IMAGES, FILTERS, (2, 2), "VALID"),
        convolutions.conv2d_v1(IMAGES, filters=FILTERS, strides=[1, 2, 2, 1], padding="VALID"),
        convolutions.convolution(IMAGES, FILTERS, strides=[2, 2]),
        convolutions.convolution_v1(IMAGES, FILTERS, "VALID", strides=[2, 2]),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    stacked = convolutions.conv2d(IMAGES[:, None], FILTERS, 2, "VALID")
    np.testing.assert_allclose(stacked.numpy(), expected[:, None], rtol=1e-9, atol=1e-12)


def test_channels_first_and_explicit_padding() -> None:
    padded = np.pad(IMAGES, ((0, 0), (1, 0), (0, 2), (0, 0)))
    found = convolutions.conv2d(IMAGES, FILTERS, 1, [[0, 0], [1, 0], [0, 2], [0, 0]])
    np.testing.assert_allclose(found.numpy(), convolved(padded, FILTERS), rtol=1e-9, atol=1e-12)
    first = convolutions.conv2d(IMAGES.transpose(0, 3, 1, 2), FILTERS, 1, "VALID", data_format="NCHW")
    np.testing.assert_allclose(first.numpy().transpose(0, 2, 3, 1), convolved(IMAGES, FILTERS), rtol=1e-9, atol=1e-12)


def test_dilated_convolution_and_its_transpose() -> None:
    expected = convolved(IMAGES, FILTERS, dilation=2)
    np.testing.assert_allclose(
        convolutions.atrous_conv2d(IMAGES, FILTERS, 2, "VALID").numpy(), expected, rtol=1e-9, atol=1e-12
    )
    # <conv(x), y> = <x, transpose(y)>
    y = RANDOM.normal(size=expected.shape)
    back = convolutions.atrous_conv2d_transpose(y, FILTERS, IMAGES.shape, 2, "VALID").numpy()
    assert np.sum(back * IMAGES) == pytest.approx(np.sum(expected * y))
    with pytest.raises(ValueError, match="`strides > 1` not supported"):
        convolutions.convolution(IMAGES, FILTERS, strides=2, dilations=2)


def test_convolution_of_sequences() -> None:
    lines, filters = IMAGES[:, 0], FILTERS[0]
    expected = convolved(lines[:, None], filters[None])[:, 0]
    np.testing.assert_allclose(convolutions.conv1d(lines, filters, 1, "VALID").numpy(), expected, rtol=1e-9)
    first = convolutions.conv1d(lines.transpose(0, 2, 1), filters, 1, "VALID", data_format="NCW")
    np.testing.assert_allclose(first.numpy().transpose(0, 2, 1), expected, rtol=1e-9)
    y = RANDOM.normal(size=expected.shape)
    back = convolutions.conv1d_transpose(y, filters, lines.shape, 1, "VALID").numpy()
    assert np.sum(back * lines) == pytest.approx(np.sum(expected * y))


def test_separable_convolution_is_depthwise_then_pointwise() -> None:
    one = [1, 1, 1, 1]
    inner, outer = RANDOM.normal(size=(3, 2, 3, 2)), RANDOM.normal(size=(1, 1, 6, 5))
    first = depthwise.depthwise_conv2d(IMAGES, inner, one, "SAME").numpy()
    found = depthwise.separable_conv2d(IMAGES, inner, outer, one, "SAME").numpy()
    np.testing.assert_allclose(found, first @ outer[0, 0], rtol=1e-9, atol=1e-12)
    for channel in range(3):
        alone = convolutions.conv2d(IMAGES[..., channel : channel + 1], inner[:, :, channel : channel + 1], 1, "SAME")
        np.testing.assert_allclose(first[..., 2 * channel : 2 * channel + 2], alone.numpy(), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="pointwise_filter"):
        depthwise.separable_conv2d(IMAGES, inner, np.ones((2, 1, 6, 5)), one, "SAME")


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="strides should be of length 1, 2 or 4"):
        convolutions.conv2d(IMAGES, FILTERS, [1, 1, 1], "VALID")
    with pytest.raises(ValueError, match="`padding` must be a list"):
        convolutions.conv2d(IMAGES, FILTERS, 1, "EXPLICIT")
    with pytest.raises(ValueError, match="Cannot specify both"):
        convolutions.conv2d_v1(IMAGES, FILTERS, [1, 1, 1, 1], "SAME", filters=FILTERS)


def test_poolings_in_every_form() -> None:
    images = IMAGES[:, :, :4].astype(np.float32)
    tiles = images.reshape(2, 3, 2, 2, 2, 3)
    for found in (
        poolings.max_pool(images, 2, 2, "VALID"),
        poolings.max_pool2d(images, [2, 2], [2, 2], "SAME"),
        poolings.max_pool_v1(images, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        poolings.pool(images, [2, 2], "MAX", strides=[2, 2]),
        poolings.max_pool_with_argmax(images, 2, 2, "VALID")[0],
    ):
        np.testing.assert_array_equal(found.numpy(), tiles.max((2, 4)))
    for found in (
        poolings.avg_pool(images, 2, 2, "VALID"),
        poolings.avg_pool_v1(images, 2, 2, "SAME"),
        poolings.pool_v1(images, [2, 2], "AVG", "VALID", strides=[2, 2]),
    ):
        np.testing.assert_allclose(found.numpy(), tiles.mean((2, 4)), rtol=1e-5)


def test_poolings_of_sequences() -> None:
    lines = IMAGES[:, :, 0].astype(np.float32)
    np.testing.assert_array_equal(poolings.max_pool(lines, 2, 2, "VALID").numpy(), lines.reshape(2, 3, 2, 3).max(2))
    first = poolings.avg_pool1d(lines.transpose(0, 2, 1), 2, 2, "VALID", data_format="NCW")
    np.testing.assert_allclose(first.numpy(), lines.reshape(2, 3, 2, 3).mean(2).transpose(0, 2, 1), rtol=1e-5)
    padded = poolings.max_pool1d(lines, 2, 1, [[0, 0], [1, 0], [0, 0]])
    np.testing.assert_array_equal(padded.numpy()[:, 0], lines[:, 0])


def test_dilated_pooling() -> None:
    found = poolings.pool(IMAGES, [2, 2], "MAX", dilations=[2, 1]).numpy()
    pieces = [IMAGES[:, i : i + 4, j : j + 4] for i in (0, 2) for j in (0, 1)]
    np.testing.assert_array_equal(found, np.max(pieces, 0))


def test_names_and_shapes_in_a_graph() -> None:
    with Graph().as_default():
        images = placeholder("float32", [None, 6, 5, 3])
        layer = convolutions.conv2d_v1(images, np.float32(FILTERS), [1, 2, 2, 1], "SAME")
        pooled = poolings.max_pool_v1(layer, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        assert (layer.op.name, layer.shape.as_list()) == ("Conv2D", [None, 3, 3, 4])
        assert (pooled.op.name, pooled.shape.as_list()) == ("MaxPool", [None, 2, 2, 4])
        with pytest.raises(ValueError, match="multiple of input depth"):
            convolutions.conv2d(images, np.ones((2, 2, 2, 2), np.float32), 1, "SAME")
