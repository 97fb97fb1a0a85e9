"""What Python's operators on tensors call, for who takes them over: ``tf.__operators__``."""

from __future__ import annotations

from tideflow._src.ops.array.indexing import getitem as getitem
from tideflow._src.ops.math.operators import add as add
from tideflow._src.ops.math.operators import tensor_equals as eq
from tideflow._src.ops.math.operators import tensor_not_equals as ne
from tideflow._src.ops.ragged.indexing import ragged_getitem as ragged_getitem

__all__ = ["add", "eq", "getitem", "ne", "ragged_getitem"]
