"""Ragged tensors: ``tf.ragged``."""

from __future__ import annotations

from tideflow._src.ops.ragged.arranging import boolean_mask as boolean_mask
from tideflow._src.ops.ragged.factories import constant as constant
from tideflow._src.ops.ragged.factories import constant_value as constant_value
from tideflow._src.ops.ragged.factories import placeholder as placeholder
from tideflow._src.ops.ragged.feature_crosses import cross as cross
from tideflow._src.ops.ragged.feature_crosses import cross_hashed as cross_hashed
from tideflow._src.ops.ragged.functional import map_flat_values as map_flat_values
from tideflow._src.ops.ragged.joining import stack as stack
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue as RaggedTensorValue
from tideflow._src.ops.ragged.segment_ids import row_splits_to_segment_ids as row_splits_to_segment_ids
from tideflow._src.ops.ragged.segment_ids import segment_ids_to_row_splits as segment_ids_to_row_splits
from tideflow._src.ops.ragged.segment_ids import stack_dynamic_partitions as stack_dynamic_partitions
from tideflow._src.ops.ragged.sequences import range as range
