"""Nested structures: ``tf.nest``."""

from __future__ import annotations

from tideflow._src.core.nest import assert_same_structure as assert_same_structure
from tideflow._src.core.nest import flatten as flatten
from tideflow._src.core.nest import is_nested as is_nested
from tideflow._src.core.nest import map_structure as map_structure
from tideflow._src.core.nest import pack_sequence_as as pack_sequence_as
