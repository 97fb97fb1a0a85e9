"""Ragged tensors: ``tf.ragged``."""

from __future__ import annotations

from tideflow._src.ops.ragged.factories import constant as constant
