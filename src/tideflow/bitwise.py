"""Operations on bits: ``tf.bitwise``."""

from __future__ import annotations

from tideflow._src.ops.math.logical import bitwise_and as bitwise_and
from tideflow._src.ops.math.logical import bitwise_or as bitwise_or
from tideflow._src.ops.math.logical import bitwise_xor as bitwise_xor
from tideflow._src.ops.math.logical import invert as invert
from tideflow._src.ops.math.logical import left_shift as left_shift
from tideflow._src.ops.math.logical import right_shift as right_shift
