"""Checks memory shared with other libraries, and the options of devices."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def test_memory_goes_there_and_back() -> None:
    capsule = tf.experimental.dlpack.to_dlpack(tf.constant([1.0, 2.0]))
    np.testing.assert_array_equal(tf.experimental.dlpack.from_dlpack(capsule), [1.0, 2.0])
    for wrong in (3, capsule):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.experimental.dlpack.from_dlpack(wrong)
    for wrong in (3, tf.constant("a")):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.experimental.dlpack.to_dlpack(wrong)


def test_options_of_devices(capsys: pytest.CaptureFixture[str]) -> None:
    config = tf.config.experimental
    assert config.get_memory_info("CPU:0")["peak"] >= config.get_memory_info("CPU:0")["current"] // 2 > 0
    for wrong in ("CPU", "nonsense", "CPU:99"):
        with pytest.raises(ValueError):
            config.get_memory_info(wrong)
    with pytest.raises(ValueError, match="PhysicalDevice"):
        config.get_device_details("CPU:0")
    assert config.get_device_details(tf.config.list_physical_devices("CPU")[0]) == {}
    with pytest.raises(ValueError, match="device_policy"):
        config.set_device_policy("other")
    tf.debugging.set_log_device_placement(True)
    try:
        tf.constant(1.0) + 1.0
    finally:
        tf.debugging.set_log_device_placement(False)
    tf.constant(1.0) * 2.0
    written = capsys.readouterr().err
    assert "Executing op AddV2 in device" in written
    assert "Mul" not in written
