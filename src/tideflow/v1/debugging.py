"""Checks: ``tf.debugging``."""

from __future__ import annotations

from tideflow._src.function.assertions import (Assert as Assert, assert_equal_v1 as assert_equal, assert_greater_equal_v1 as assert_greater_equal, assert_greater_v1 as assert_greater, assert_integer as assert_integer, assert_less_equal_v1 as assert_less_equal, assert_less_v1 as assert_less, assert_near_v1 as assert_near, assert_negative_v1 as assert_negative, assert_non_negative_v1 as assert_non_negative, assert_non_positive_v1 as assert_non_positive, assert_none_equal_v1 as assert_none_equal, assert_positive_v1 as assert_positive, assert_rank_at_least_v1 as assert_rank_at_least, assert_rank_in_v1 as assert_rank_in, assert_rank_v1 as assert_rank, assert_same_float_dtype as assert_same_float_dtype, assert_scalar as assert_scalar, assert_shapes as assert_shapes, assert_type as assert_type, is_non_decreasing as is_non_decreasing, is_numeric_tensor as is_numeric_tensor, is_strictly_increasing as is_strictly_increasing)
from tideflow._src.ops.math.rounding import (is_finite as is_finite, is_inf as is_inf, is_nan as is_nan)
from tideflow._src.ops.math.validation import (assert_all_finite as assert_all_finite, check_numerics as check_numerics)
