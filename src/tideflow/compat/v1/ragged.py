"""Ragged tensors: ``tf.ragged``."""

from __future__ import annotations

from tideflow._src.ops.ragged.factories import constant as constant
from tideflow._src.ops.ragged.factories import constant_value as constant_value
from tideflow._src.ops.ragged.factories import placeholder as placeholder
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue as RaggedTensorValue
