"""Profiles: ``tf.profiler``."""

from __future__ import annotations

from tideflow.profiler import experimental as experimental
