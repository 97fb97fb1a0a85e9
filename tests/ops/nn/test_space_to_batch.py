"""Windows with gaps through blocks of the batch, and losses scaled for replicas."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import errors

IMAGES = np.arange(84, dtype=np.float32).reshape(2, 7, 6, 1)
FILTERS = np.arange(9, dtype=np.float32).reshape(3, 3, 1, 1)


@pytest.mark.parametrize(("rate", "padding"), [([2, 3], "SAME"), ([2, 2], "VALID"), ([1, 1], "SAME")])
def test_it_is_a_convolution_with_gaps(rate, padding) -> None:
    def convolve(x, count, how):
        assert count == 2
        return tf.nn.conv2d(x, FILTERS, 1, how)

    found = tf.nn.with_space_to_batch(IMAGES, rate, padding, convolve, filter_shape=[3, 3])
    expected = tf.nn.conv2d(IMAGES, FILTERS, 1, padding, dilations=rate)
    np.testing.assert_allclose(found.numpy(), expected.numpy())


def test_other_dimensions_of_space() -> None:
    images = np.arange(36, dtype=np.float32).reshape(2, 3, 6, 1)
    kernel = np.ones((1, 2, 1, 1), np.float32)
    found = tf.nn.with_space_to_batch(
        images, [2], "VALID", lambda x, count, how: tf.nn.conv2d(x, kernel, 1, how), spatial_dims=[2]
    )
    np.testing.assert_array_equal(found.numpy(), images[:, :, 2:] + images[:, :, :-2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dilation_rate": [0, 1], "padding": "VALID"}, "must be positive"),
        ({"dilation_rate": 2, "padding": "VALID"}, "rank` must be 1"),
        ({"dilation_rate": [2, 2], "padding": "SAME"}, "filter_shape"),
        ({"dilation_rate": [2, 2], "padding": "FULL"}, "one of 'SAME' or 'VALID'"),
        ({"dilation_rate": [2, 2], "padding": "VALID", "spatial_dims": [2, 1]}, "monotonically increasing"),
        ({"dilation_rate": [2, 2, 2, 2], "padding": "VALID"}, "must be at least 5"),
    ],
)
def test_bad_arguments(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        tf.nn.with_space_to_batch(IMAGES, op=lambda x, count, how: x, **arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"per_example_loss": [1.0, 2.0], "sample_weight": [1.0, 0.0]}, 0.5),
        ({"per_example_loss": [[1.0, 2.0]], "sample_weight": [[1.0], [2.0]]}, 4.5),
        ({"per_example_loss": [1, 2], "sample_weight": [1.0, 0.5]}, 1.0),
        ({"per_example_loss": [[1.0], [2.0]], "sample_weight": [3.0, 1.0]}, 2.5),
        ({"per_example_loss": [1.0, 2.0], "global_batch_size": 4}, 0.75),
        ({"per_example_loss": [1.0, 2.0], "global_batch_size": 0}, 0.0),
    ],
)
def test_average_loss(arguments, expected) -> None:
    assert tf.nn.compute_average_loss(**arguments).numpy() == expected


def test_bad_losses() -> None:
    with pytest.raises(ValueError, match="at least rank 1"):
        tf.nn.compute_average_loss(3.0)
    with pytest.raises(ValueError, match="must be scalar"):
        tf.nn.compute_average_loss([1.0], global_batch_size=[2])
    with pytest.raises(TypeError, match="must be an integer"):
        tf.nn.compute_average_loss([1.0], global_batch_size=2.0)
    with pytest.raises(errors.InvalidArgumentError, match="non-negative"):
        tf.nn.compute_average_loss([1.0], global_batch_size=-1)
    assert tf.nn.scale_regularization_loss([1.0, 2.0]).numpy() == 3.0
