"""Checks tensors in the memory of an accelerator: what they are, how they are made, copied, asked and kept."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import jax.numpy as jnp
import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.device_tensor import DeviceTensor, Transfers
from tideflow._src.runtime import device_kernels, devices

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"
OTHER = "/job:localhost/replica:0/task:0/device:GPU:1"


@contextmanager
def no_transfers() -> Iterator[None]:
    """Fails if a value is copied to the host while the block runs."""
    before = Transfers.to_host
    yield
    assert Transfers.to_host == before


def on_host(value: object) -> tf.Tensor:
    with tf.device("/CPU:0"):
        return tf.constant(value)


# What it is.


def test_a_constant_is_made_on_the_first_accelerator() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert isinstance(x, DeviceTensor)
    assert isinstance(x, tf.Tensor)
    assert tf.is_tensor(x)
    assert (x.device, x.backing_device) == (GPU, GPU)
    assert x.dtype == tf.float32
    assert x.shape == (2, 2)
    assert (x.ndim, len(x)) == (2, 2)
    assert x.numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert np.asarray(x).dtype == np.float32
    assert (
        repr(x)
        == "<tf.Tensor: shape=(2, 2), dtype=float32, numpy=\narray([[1., 2.],\n       [3., 4.]], dtype=float32)>"
    )
    assert str(tf.constant(1.5)) == "tf.Tensor(1.5, shape=(), dtype=float32)"


def test_numpy_gives_an_array_of_ones_own() -> None:
    x = tf.constant([1.0, 2.0])
    array = x.numpy()
    array[0] = 7.0
    assert x.numpy().tolist() == [1.0, 2.0]
    assert not np.asarray(x).flags.writeable


def test_python_numbers_come_of_scalars() -> None:
    x = tf.constant(2.5)
    assert (bool(x), int(x), float(x), complex(x)) == (True, 2, 2.5, 2.5 + 0j)
    assert f"{x:.2f}" == "2.50"
    assert [10, 20, 30][tf.constant(2, tf.int64)] == 30
    with pytest.raises(TypeError, match="index"):
        [1][x]
    with pytest.raises(TypeError, match="Scalar tensor has no"):
        len(x)
    with pytest.raises(TypeError, match="Cannot iterate over a scalar"):
        iter(x)
    with pytest.raises(ValueError):
        bool(tf.constant([1.0, 2.0]))


def test_rows_stay_on_the_accelerator() -> None:
    with no_transfers():
        first, second = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert first.device == second.device == GPU
    assert second.numpy().tolist() == [3.0, 4.0]


def test_it_compares_by_value_and_is_unhashable() -> None:
    x = tf.constant([1.0, 2.0])
    assert (x == tf.constant([1.0, 3.0])).numpy().tolist() == [True, False]
    assert (x == on_host([1.0, 3.0])).device == GPU
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    assert {x.ref(): 1}[x.ref()] == 1


def test_it_can_be_pickled_and_copied() -> None:
    x = tf.constant([1.0, 2.0])
    assert pickle.loads(pickle.dumps(x)).numpy().tolist() == [1.0, 2.0]
    assert copy.copy(x) is x
    assert copy.deepcopy(x) is x


def test_other_libraries_get_its_memory() -> None:
    x = tf.constant([1.0, 2.0])
    capsule = tf.experimental.dlpack.to_dlpack(x)
    assert tf.experimental.dlpack.from_dlpack(capsule).numpy().tolist() == [1.0, 2.0]
    assert jnp.from_dlpack(x).tolist() == [1.0, 2.0]


# Where operations run.


def test_a_chain_waits_for_no_value() -> None:
    x = tf.random.normal([8, 8])
    tf.random.set_seed(1)
    with no_transfers():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.relu(tf.matmul(x, x) + 1.0) * 2.0
            y = tf.reshape(tf.transpose(y), [-1])[3:]
            y = tf.concat([y, tf.zeros_like(y)], 0)
            y = tf.gather(y, [0, 2]) if tf.rank(y) == 1 else y
            loss = tf.reduce_mean(tf.nn.softmax(tf.expand_dims(y, 0) + tf.random.normal([2, 1])) ** 2)
        (gradient,) = tape.gradient(loss, [x])
    assert loss.device == gradient.device == GPU


def test_random_numbers_are_those_of_the_host() -> None:
    for draw in (
        lambda: tf.random.normal([5]),
        lambda: tf.random.uniform([5], seed=3),
        lambda: tf.random.truncated_normal([5], seed=3, dtype=tf.float64),
        lambda: tf.random.stateless_uniform([5], seed=[1, 2]),
        lambda: tf.random.uniform([5], 0, 100, tf.int64),
        lambda: tf.random.shuffle(tf.range(7.0)),
    ):
        found = []
        for device in ("/GPU:0", "/CPU:0"):
            tf.random.set_seed(5)
            with tf.device(device):
                found.append([draw().numpy() for _ in range(2)])
        np.testing.assert_allclose(found[0], found[1], rtol=2e-6)


def test_small_integers_stay_on_the_host() -> None:
    x = tf.constant([[1.0, 2.0]])
    for value in (tf.shape(x), tf.size(x), tf.rank(x), tf.constant(1) + 2, tf.range(3), tf.constant([2, 3]) > 2):
        assert value.backing_device == CPU
    assert tf.constant(1).device == CPU
    assert (tf.constant(1) + 2).device == GPU
    assert tf.shape(x).device == GPU
    assert tf.argmax(x, 1).backing_device == GPU
    assert tf.constant([1, 2], tf.int64).backing_device == GPU


def test_strings_and_shapes_that_depend_on_data_are_the_hosts() -> None:
    assert tf.strings.join(["a", tf.constant("b")]).device == CPU
    found = tf.where(tf.constant([0.0, 2.0, 3.0]) > 1.0)
    assert found.numpy().tolist() == [[1], [2]]
    assert tf.strings.as_string(tf.constant([1.5])).numpy().tolist() == [b"1.500000"]
    assert tf.py_function(lambda x: x * 2.0, [tf.constant(3.0)], tf.float32).numpy() == 6.0


def test_without_soft_placement_what_no_accelerator_does_is_an_error() -> None:
    tf.config.set_soft_device_placement(False)
    try:
        with tf.device("/GPU:0"):
            assert (tf.constant(1.0) + 1.0).device == GPU
            with pytest.raises(tf.errors.InvalidArgumentError, match="Could not satisfy device specification"):
                tf.strings.join(["a", "b"])
            with pytest.raises(tf.errors.InvalidArgumentError, match="Supported device types"):
                tf.unique([1.0, 1.0])
        with pytest.raises(tf.errors.InvalidArgumentError, match="enable_soft_placement=0"), tf.device("/GPU:9"):
            tf.constant(1.0)
    finally:
        tf.config.set_soft_device_placement(True)
    with tf.device("/GPU:9"):
        assert tf.constant(1.0).device == GPU


def test_static_inputs_may_be_computed_there() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    sizes = tf.cast(tf.constant([4.0, 1.0]), tf.int32)
    y = tf.reshape(x, sizes)
    assert (y.shape, y.device) == ((4, 1), GPU)


def test_scopes_choose_the_device() -> None:
    with tf.device("/CPU:0"):
        x = tf.constant(1.0)
        assert x.device == CPU
        with tf.device("GPU:1"):
            y = x + 1.0
            assert y.device == OTHER
            with tf.device(None):
                assert tf.constant(1.0).device == GPU
        assert (y + 1.0).device == CPU
    assert (y * 2.0).device == OTHER
    with tf.device("/job:localhost/replica:0/task:0/device:GPU:1"):
        assert (tf.constant(2.0) * y).device == OTHER
        assert tf.random.normal([2]).device == OTHER
    with tf.device(tf.config.list_logical_devices("GPU")[1]):
        assert tf.ones([2]).device == OTHER


def test_copies_between_devices() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.device("/GPU:1"):
        y = tf.identity(x)
    assert (y.device, y.backing_device) == (OTHER, OTHER)
    assert x.cpu().device == CPU
    assert x.cpu().gpu().device == GPU
    assert x.gpu(1).device == OTHER
    assert (x + y).device == GPU
    assert (x + y).numpy().tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="unknown device"):
        x.gpu(9)


def test_gradients_pass_through_copies() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x.cpu() * x
        with tf.device("/GPU:1"):
            y = y * x
    gradient = tape.gradient(y, x)
    assert float(gradient) == 27.0


def test_second_gradients() -> None:
    x = tf.constant([1.0, 2.0])
    with no_transfers():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(x**3)
            first = inner.gradient(y, x)
        second = outer.gradient(first, x)
    assert second.numpy().tolist() == [6.0, 12.0]
    assert second.device == GPU


# Errors and policies.


def test_values_are_checked_when_they_are_asked_for() -> None:
    with no_transfers():
        y = tf.gather(tf.constant([1.0, 2.0]), tf.constant([5], tf.int64)) + 1.0
    for _ in range(2):
        with pytest.raises(tf.errors.InvalidArgumentError, match="indices"):
            y.numpy()
    assert (tf.gather(tf.constant([1.0, 2.0]), [1]) + 1.0).numpy().tolist() == [3.0]


def test_shapes_that_do_not_fit_are_errors_at_once() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
        tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot compute AddV2"):
        tf.constant(1.0) + tf.constant(1.0, tf.float64)


@pytest.fixture
def policy() -> Iterator[None]:
    yield
    tf.config.experimental.set_device_policy(None)


def test_device_policies(policy: None, caplog: pytest.LogCaptureFixture) -> None:
    here, there = tf.constant([1.0]), on_host([2.0])
    integers = on_host([1, 2])
    assert tf.config.experimental.get_device_policy() == "silent"
    assert float((here + there)[0]) == 3.0
    tf.config.experimental.set_device_policy("explicit")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tensors on conflicting devices: cannot compute AddV2 as"):
        here + there
    assert float((here + 2.0)[0]) == 3.0
    assert float((here + tf.identity(there))[0]) == 3.0
    tf.config.experimental.set_device_policy("silent_for_int32")
    with pytest.raises(tf.errors.InvalidArgumentError, match="conflicting"):
        here + there
    assert tf.gather(here, integers - 1).shape == (2,)
    tf.config.experimental.set_device_policy("warn")
    assert float((here + there)[0]) == 3.0
    assert "performance bottleneck" in caplog.text
    with pytest.raises(ValueError, match="Invalid argument `device_policy`"):
        tf.config.experimental.set_device_policy("loud")


# The machine.


def test_the_accelerators_are_listed() -> None:
    assert len(tf.config.list_logical_devices("GPU")) >= 2
    assert tf.config.list_physical_devices("GPU")[0].name == "/physical_device:GPU:0"
    assert tf.test.is_gpu_available()
    assert tf.test.gpu_device_name() == "/device:GPU:0"
    with pytest.raises(RuntimeError, match="cannot be modified after being initialized"):
        tf.config.set_visible_devices([], "GPU")


def test_accelerators_are_configured_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "configuration", devices._Devices())
    (gpu, *others) = tf.config.list_physical_devices("GPU")
    limited = tf.config.LogicalDeviceConfiguration
    with pytest.raises(ValueError, match="memory limit is required for GPU"):
        tf.config.set_logical_device_configuration(gpu, [limited()])
    tf.config.experimental.set_memory_growth(gpu, True)
    assert tf.config.experimental.get_memory_growth(gpu)
    tf.config.set_logical_device_configuration(gpu, [limited(100), limited(100)])
    with pytest.raises(ValueError, match="virtual devices configured"):
        tf.config.experimental.set_memory_growth(gpu, False)
    tf.config.set_visible_devices([gpu], "GPU")
    assert [device.name for device in tf.config.list_logical_devices("GPU")] == ["/device:GPU:0", "/device:GPU:1"]
    with tf.device("/GPU:1"):
        assert tf.ones([2]).device == OTHER
    for other in others:
        with pytest.raises(RuntimeError, match="Physical devices cannot be modified after being initialized"):
            tf.config.experimental.set_memory_growth(other, True)


def test_memory_is_counted() -> None:
    before = tf.config.experimental.get_memory_info("GPU:0")
    x = tf.ones([1 << 18])
    during = tf.config.experimental.get_memory_info("GPU:0")
    assert during["current"] >= before["current"] + (1 << 20)
    del x
    after = tf.config.experimental.get_memory_info("GPU:0")
    assert after["current"] <= during["current"] - (1 << 20)
    assert after["peak"] >= during["current"]
    tf.config.experimental.reset_memory_stats("GPU:0")
    assert tf.config.experimental.get_memory_info("GPU:0")["peak"] < during["current"]
    with pytest.raises(ValueError, match="No matching devices"):
        tf.config.experimental.get_memory_info("GPU:7")


def test_placement_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    tf.debugging.set_log_device_placement(True)
    try:
        tf.constant(1.0) + 1.0
        with tf.device("/CPU:0"):
            tf.constant(1.0) * 1.0
    finally:
        tf.debugging.set_log_device_placement(False)
    lines = capsys.readouterr().err.splitlines()
    assert f"Executing op AddV2 in device {GPU}" in lines
    assert f"Executing op Mul in device {CPU}" in lines


def test_few_kernels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_kernels, "MOST_KEPT", 3)
    for size in range(1, 6):
        tf.ones([size]) + 1.0
        tf.nn.relu(tf.ones([size]))
    assert len(device_kernels.kept) == 3
    assert (tf.ones([5]) + 1.0).numpy().tolist() == [2.0] * 5


def test_the_host_is_the_default_where_no_accelerator_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "configuration", devices._Devices())
    tf.config.set_visible_devices([], "GPU")
    assert tf.config.list_logical_devices("GPU") == []
    assert tf.constant(1.0).device == CPU
    with tf.device("/GPU:0"):
        assert (tf.constant(1.0) + 1.0).device == CPU
