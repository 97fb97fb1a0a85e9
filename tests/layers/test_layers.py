"""Checks ``tf.layers``: names, collections, sharing, initial values, results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf

pytestmark = pytest.mark.usefixtures("graph")


def run(fetches, feeds=None) -> Any:
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return session.run(fetches, feeds)


def names(variables) -> list[str]:
    return [variable.name for variable in variables]


def variable(name: str) -> Any:
    return next(variable for variable in tf.global_variables() if variable.name == name)


def test_dense_names_its_variables_and_operations() -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.layers.dense(x, 3)
    z = tf.layers.dense(y, 2, activation=tf.nn.relu)
    assert (y.name, z.name) == ("dense/BiasAdd:0", "dense_1/Relu:0")
    assert z.shape.as_list() == [None, 2]
    expected = ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
    assert names(tf.trainable_variables()) == expected


def test_initial_values_are_those_of_tensorflow() -> None:
    tf.enable_resource_variables()
    tf.set_random_seed(7)
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    tf.layers.dense(tf.layers.dense(x, 3), 3, activation=tf.nn.relu)
    first, second = run([variable for variable in tf.global_variables() if "kernel" in variable.name])
    # Printed by TensorFlow 2.21 for the same program.
    np.testing.assert_allclose(first.ravel()[:4], [0.4698, -0.7815, -0.0763, 0.6607], atol=5e-5)
    np.testing.assert_allclose(second.ravel()[:4], [-0.0793, 0.857, -0.3089, -0.2981], atol=5e-5)


def test_dense_computes_a_product_of_any_rank() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    y = tf.layers.dense(tf.constant(x), 3, bias_initializer=tf.constant_initializer(0.5))
    kernel = tf.trainable_variables()[0]
    result, weights = run([y, kernel])
    np.testing.assert_allclose(result, x @ weights + 0.5, rtol=1e-5, atol=1e-5)


def test_sharing_by_name() -> None:
    x = tf.ones([1, 4])
    first = tf.layers.dense(x, 3, name="fc")
    second = tf.layers.dense(x, 3, name="fc", reuse=True)
    assert (first.name, second.name) == ("fc/BiasAdd:0", "fc_1/BiasAdd:0")
    assert len(tf.trainable_variables()) == 2
    with pytest.raises(ValueError, match="Variable fc/kernel already exists"):
        tf.layers.dense(x, 3, name="fc")
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        tf.layers.dense(x, 3, name="k")
        tf.layers.dense(x, 3, name="k")
    assert len(tf.trainable_variables()) == 4


def test_a_layer_called_twice_shares_with_itself() -> None:
    layer = tf.layers.Dense(2)
    x = tf.ones([1, 4])
    first, second = layer(x), layer(x)
    assert (first.name, second.name) == ("dense/BiasAdd:0", "dense/BiasAdd_1:0")
    assert names(layer.weights) == ["dense/kernel:0", "dense/bias:0"]
    assert layer.count_params() == 10


def test_variable_scopes_give_prefix_initializer_regularizer_and_partitions() -> None:
    x = tf.ones([2, 4])
    with tf.variable_scope("net", initializer=tf.constant_initializer(0.5), regularizer=tf.nn.l2_loss):
        tf.layers.dense(x, 3, use_bias=False)
    assert names(tf.losses.get_regularization_losses()) == ["net/dense/kernel/Regularizer/L2Loss:0"]
    assert run(tf.losses.get_regularization_loss()) == pytest.approx(12 * 0.25 / 2)
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
        y = tf.layers.dense(x, 4, name="b", kernel_initializer=tf.ones_initializer())
    assert names(tf.trainable_variables())[1:] == [
        "p/b/kernel/part_0:0", "p/b/kernel/part_1:0", "p/b/bias/part_0:0", "p/b/bias/part_1:0",
    ]  # fmt: skip
    np.testing.assert_array_equal(run(y), np.full((2, 4), 4.0))


def test_regularizers_constraints_and_trainable() -> None:
    x = tf.ones([2, 4])
    y = tf.layers.dense(
        x, 3, name="a", kernel_regularizer=lambda w: 0.1 * tf.nn.l2_loss(w),
        activity_regularizer=lambda out: tf.reduce_sum(out), kernel_constraint=lambda w: tf.clip_by_value(w, -0.1, 0.1),
    )  # fmt: skip
    tf.layers.dense(x, 3, name="fixed", trainable=False)
    assert names(tf.trainable_variables()) == ["a/kernel:0", "a/bias:0"]
    assert names(tf.losses.get_regularization_losses()) == [
        "a/kernel/Regularizer/mul:0",
        "a/ActivityRegularizer/truediv:0",
    ]
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(y))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert abs(session.run(tf.trainable_variables()[0])).max() <= 0.1 + 1e-6


def test_a_custom_getter_may_return_a_tensor() -> None:
    def doubled(getter, name, *args, **kwargs):
        return getter(name, *args, **kwargs) * 2.0

    with tf.variable_scope("s", custom_getter=doubled, initializer=tf.ones_initializer()):
        y = tf.layers.dense(tf.ones([1, 4]), 1, use_bias=False)
    assert run(y).item() == 8.0


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_conv2d_names_and_shapes(padding: str) -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    y = tf.layers.conv2d(x, 4, 3, padding=padding, activation=tf.nn.relu)
    assert y.name == "conv2d/Relu:0"
    assert y.shape.as_list() == [None, *([6, 6] if padding == "valid" else [8, 8]), 4]
    assert names(tf.trainable_variables()) == ["conv2d/kernel:0", "conv2d/bias:0"]
    result = run(y, {x: np.ones((1, 8, 8, 3))})
    assert result.shape[1:] == tuple(y.shape.as_list()[1:])


def test_convolutions_of_every_kind() -> None:
    x = tf.ones([2, 6, 6, 3])
    line = tf.ones([2, 6, 3])
    made = {
        "dilated": (tf.layers.conv2d(x, 4, 3, padding="same", dilation_rate=2), [2, 6, 6, 4]),
        "conv1d": (tf.layers.conv1d(line, 4, 3, strides=2), [2, 2, 4]),
        "causal": (tf.layers.Conv1D(4, 3, padding="causal")(line), [2, 6, 4]),
        "transposed": (tf.layers.conv2d_transpose(x, 2, 3, strides=2, padding="same"), [2, 12, 12, 2]),
        "transposed valid": (tf.layers.conv2d_transpose(x, 2, 3, strides=2), [2, 13, 13, 2]),
        "separable": (tf.layers.separable_conv2d(x, 4, 3, depth_multiplier=2), [2, 4, 4, 4]),
        "separable 1": (tf.layers.separable_conv1d(line, 4, 3), [2, 4, 4]),
        "volumes": (tf.layers.conv3d(tf.ones([1, 4, 4, 4, 2]), 3, 2), [1, 3, 3, 3, 3]),
        "volumes back": (tf.layers.conv3d_transpose(tf.ones([1, 4, 4, 4, 2]), 3, 2, strides=2), [1, 8, 8, 8, 3]),
    }
    results = run({key: tensor for key, (tensor, _) in made.items()})
    for key, (tensor, shape) in made.items():
        assert tensor.shape.as_list() == shape, key
        assert list(results[key].shape) == shape, key
    assert "separable_conv2d/depthwise_kernel:0" in names(tf.trainable_variables())


def test_pooling_and_flattening() -> None:
    x = tf.reshape(tf.range(32.0), [2, 4, 4, 1])
    most, mean = tf.layers.max_pooling2d(x, 2, 2), tf.layers.average_pooling2d(x, 2, 2)
    line = tf.layers.max_pooling1d(tf.reshape(x, [2, 16, 1]), 4, 4)
    volume = tf.layers.average_pooling3d(tf.reshape(x, [2, 4, 2, 2, 1]), 2, 2)
    flat = tf.layers.flatten(x)
    assert (most.name, flat.name) == ("max_pooling2d/MaxPool:0", "flatten/Reshape:0")
    a, b, c, d, e = run([most, mean, line, volume, flat])
    assert a[0, :, :, 0].tolist() == [[5, 7], [13, 15]]
    assert b[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert c[0, :, 0].tolist() == [3, 7, 11, 15]
    assert d[0, :, 0, 0, 0].tolist() == [3.5, 11.5]
    assert e.shape == (2, 16)


def test_batch_normalization_trains_and_infers() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    training = tf.placeholder_with_default(False, [])
    y = tf.layers.batch_normalization(x, momentum=0.5, training=training)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(updates) == 2
    assert names(tf.global_variables()) == [
        f"batch_normalization/{name}:0" for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    batch = np.array([[0.0, 2.0], [2.0, 6.0]], np.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        normal = session.run(y, {x: batch})
        np.testing.assert_allclose(normal, batch / np.sqrt(1.001), rtol=1e-5)
        trained, *_ = session.run([y, *updates], {x: batch, training: True})
        np.testing.assert_allclose(trained, [[-1, -1], [1, 1]], atol=1e-3)
        np.testing.assert_allclose(session.run(variable("batch_normalization/moving_mean:0")), [0.5, 2.0], rtol=1e-5)
        np.testing.assert_allclose(
            session.run(variable("batch_normalization/moving_variance:0")), [1.0, 2.5], rtol=1e-5
        )
        session.run(updates, {x: batch})  # nothing moves where nothing is trained
        np.testing.assert_allclose(session.run(variable("batch_normalization/moving_mean:0")), [0.5, 2.0], rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"renorm": True}, {"virtual_batch_size": 2}])
def test_batch_normalization_of_images(options) -> None:
    images = np.random.default_rng(0).normal(3.0, 2.0, size=(4, 3, 3, 2)).astype(np.float32)
    y = tf.layers.batch_normalization(tf.constant(images), training=True, momentum=0.0, **options)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        result = session.run(y)
        session.run(updates)
        moving = session.run(variable("batch_normalization/moving_mean:0"))
    np.testing.assert_allclose(moving.reshape(-1), images.mean((0, 1, 2)), rtol=1e-4)
    if not options.get("renorm"):
        np.testing.assert_allclose(result.mean((0, 1, 2)), 0, atol=1e-5)


def test_dropout_follows_training() -> None:
    x = tf.ones([4, 50])
    training = tf.placeholder(tf.bool, [])
    y = tf.layers.dropout(x, 0.4, training=training, seed=1)
    kept = run(y, {training: False})
    dropped = run(y, {training: True})
    assert (kept == 1).all()
    assert set(np.unique(dropped.round(4))) == {0.0, np.float32(1.6667)}


def test_wrong_inputs_are_rejected() -> None:
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        tf.layers.dense(tf.ones([3]), 2)
    with pytest.raises(ValueError, match="last dimension of the inputs to a Dense layer should be defined"):
        tf.layers.dense(tf.placeholder(tf.float32, [None, None]), 2)
    with pytest.raises(ValueError, match="expected min_ndim=4"):
        tf.layers.conv2d(tf.ones([3, 3]), 2, 3)
    with pytest.raises(ValueError, match="`kernel_size` argument must be a tuple of 2 integers"):
        tf.layers.conv2d(tf.ones([1, 3, 3, 1]), 2, (1, 2, 3))
    with pytest.raises(TypeError, match="Keyword argument not understood: unknown"):
        tf.layers.Dense(2, unknown=1)
    with pytest.raises(ValueError, match="Invalid value 2 received for `rate`"):
        tf.layers.dropout(tf.ones([2]), 2)


def test_a_layer_of_ones_own() -> None:
    class Scaled(tf.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = tf.layers.Dense(2)

        def build(self, shape):
            self.scale = self.add_weight("scale", [], initializer=tf.ones_initializer(), trainable=False)
            super().build(shape)

        def call(self, inputs):
            return self.inner(inputs) * self.scale

    layer = Scaled(name="mine")
    y = layer(tf.ones([1, 3]))
    assert layer.output is y
    assert names(layer.trainable_weights) == ["mine/dense/kernel:0", "mine/dense/bias:0"]
    assert names(layer.non_trainable_weights) == ["mine/scale:0"]


def test_keras_style_keeps_variables_apart() -> None:
    with tf.layers.experimental.keras_style_scope():
        first, second = tf.layers.Dense(2, name="same"), tf.layers.Dense(2, name="same")
    x = tf.ones([1, 3])
    first(x), second(x)
    assert len(tf.trainable_variables()) == 4
    with pytest.raises(ValueError, match="scope argument not allowed"):
        first(x, scope="a")


def test_normalization_that_asks_to_be_fused_is_so_where_it_can_be() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        normalized = tf.layers.batch_normalization(tf.ones([2, 3, 4]), fused=True)
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(normalized), np.full((2, 3, 4), 1 / 1.001**0.5), rtol=1e-5)
        with pytest.raises(ValueError, match="Unsupported axis"):
            tf.layers.batch_normalization(tf.ones([2, 3, 4, 5]), axis=2, fused=True)
