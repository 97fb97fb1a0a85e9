"""What ``tf.test`` tries out: ``tf.test.experimental``."""

from __future__ import annotations

from tideflow._src.test_support.environment import sync_devices as sync_devices
