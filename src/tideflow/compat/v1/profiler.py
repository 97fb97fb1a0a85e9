"""Figures of graphs: ``tf.compat.v1.profiler``."""

from __future__ import annotations

from tideflow._src.profiler.graph_profile import ProfileOptionBuilder as ProfileOptionBuilder
from tideflow._src.profiler.graph_profile import profile as profile
