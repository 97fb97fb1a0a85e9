"""Types for annotations and checks: ``tf.types``."""

from __future__ import annotations

from tideflow.types import experimental as experimental
