"""Checks devices: virtual CPUs, scopes, placement and its errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.runtime import devices


@pytest.fixture(autouse=True)
def own_devices(monkeypatch) -> Iterator[None]:
    """Gives the test devices that nobody has used."""
    monkeypatch.setattr(devices, "configuration", devices._Devices())
    monkeypatch.setattr(devices, "_accelerators", dict)
    yield


def two_cpus() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def test_virtual_cpus_hold_tensors() -> None:
    two_cpus()
    assert [device.name for device in tf.config.list_logical_devices("CPU")] == ["/device:CPU:0", "/device:CPU:1"]
    with tf.device("/CPU:1"):
        x = tf.constant([1.0, 2.0])
        y = x + 1.0
    assert x.device.endswith("/device:CPU:1")
    assert y.device.endswith("/device:CPU:1")
    z = y * 2.0
    assert z.device.endswith("/device:CPU:0")
    assert z.numpy().tolist() == [4.0, 6.0]


def test_the_configuration_is_fixed_by_first_use() -> None:
    tf.config.list_logical_devices()
    with pytest.raises(RuntimeError, match="cannot be modified after being initialized"):
        two_cpus()


def test_gradients_flow_between_devices() -> None:
    two_cpus()
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tf.device("/CPU:1"):
            y = x * x
    assert float(tape.gradient(y, x)) == 6.0


def test_soft_placement() -> None:
    with tf.device("/GPU:0"):
        assert tf.constant(1.0).device.endswith("CPU:0")
    tf.config.set_soft_device_placement(False)
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="Could not satisfy device"),
        tf.device("/GPU:0"),
    ):
        tf.constant(1.0)


def test_names_and_functions_that_are_no_devices() -> None:
    with pytest.raises(ValueError, match="foo"), tf.device("/foo:0"):
        pass
    with pytest.raises(RuntimeError, match="does not support functions"), tf.device(lambda op: "/CPU:0"):
        pass


def test_a_session_checks_placement_unless_it_is_soft(graph) -> None:
    with tf.device("/GPU:0"):
        y = tf.identity(v1.placeholder_with_default(1.0, []), name="there")
    with (
        v1.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match="Cannot assign a device"),
    ):
        session.run(y)
    with v1.Session(config=v1.ConfigProto(allow_soft_placement=True)) as session:
        assert session.run(y) == 1.0


def test_a_config_can_ask_for_more_cpus(graph) -> None:
    with tf.device("/CPU:1"):
        y = tf.identity(v1.placeholder_with_default(1.0, []))
    config = v1.ConfigProto(device_count={"CPU": 2})
    with v1.Session(config=config) as session:
        assert session.run(y) == 1.0


def test_devices_that_do_not_exist_cannot_be_configured() -> None:
    stranger = devices.PhysicalDevice("/physical_device:GPU:7", "GPU")
    for change in (
        lambda: tf.config.set_visible_devices([stranger]),
        lambda: tf.config.set_logical_device_configuration(stranger, []),
        lambda: tf.config.experimental.set_memory_growth(stranger, True),
    ):
        with pytest.raises(ValueError):
            change()
