"""Gives the tests of strategies three devices."""

from __future__ import annotations

import pytest

import tideflow as tf
from tideflow._src.runtime import devices


@pytest.fixture
def strategy(monkeypatch):
    """Is a strategy over three parts of the host, which are there for one test."""
    monkeypatch.setattr(devices, "configuration", devices._Devices())
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
