"""Tensors whose rows differ in length.

Importing anything of this package makes the public functions take ragged tensors: the modules that take functions over
are imported here.
"""

from __future__ import annotations

from tideflow._src.ops.ragged import ragged_tensor as ragged_tensor
from tideflow._src.ops.ragged import shape_functions as shape_functions
