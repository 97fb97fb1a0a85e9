"""Types for annotations and checks: ``tf.types``."""

from __future__ import annotations

from tideflow.compat.v1.types import experimental as experimental
