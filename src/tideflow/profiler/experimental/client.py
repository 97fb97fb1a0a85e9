"""Profiling other processes, which is refused: ``tf.profiler.experimental.client``."""

from __future__ import annotations

from tideflow._src.profiler.session import monitor as monitor
from tideflow._src.profiler.session import trace as trace
