"""The compiler, for programs that are not written as functions: ``tf.xla``."""

from __future__ import annotations

from tideflow.xla import experimental as experimental
