"""Checks: ``tf.debugging``."""

from __future__ import annotations

from tideflow._src.ops.control.assertions import Assert as Assert
from tideflow._src.ops.control.assertions import assert_equal_v1 as assert_equal
from tideflow._src.ops.control.assertions import assert_greater_equal_v1 as assert_greater_equal
from tideflow._src.ops.control.assertions import assert_greater_v1 as assert_greater
from tideflow._src.ops.control.assertions import assert_integer as assert_integer
from tideflow._src.ops.control.assertions import assert_less_equal_v1 as assert_less_equal
from tideflow._src.ops.control.assertions import assert_less_v1 as assert_less
from tideflow._src.ops.control.assertions import assert_near_v1 as assert_near
from tideflow._src.ops.control.assertions import assert_negative_v1 as assert_negative
from tideflow._src.ops.control.assertions import assert_non_negative_v1 as assert_non_negative
from tideflow._src.ops.control.assertions import assert_non_positive_v1 as assert_non_positive
from tideflow._src.ops.control.assertions import assert_none_equal_v1 as assert_none_equal
from tideflow._src.ops.control.assertions import assert_positive_v1 as assert_positive
from tideflow._src.ops.control.assertions import assert_proper_iterable as assert_proper_iterable
from tideflow._src.ops.control.assertions import assert_rank_at_least_v1 as assert_rank_at_least
from tideflow._src.ops.control.assertions import assert_rank_in_v1 as assert_rank_in
from tideflow._src.ops.control.assertions import assert_rank_v1 as assert_rank
from tideflow._src.ops.control.assertions import assert_same_float_dtype as assert_same_float_dtype
from tideflow._src.ops.control.assertions import assert_scalar_v1 as assert_scalar
from tideflow._src.ops.control.assertions import assert_shapes as assert_shapes
from tideflow._src.ops.control.assertions import assert_type as assert_type
from tideflow._src.ops.control.assertions import is_non_decreasing as is_non_decreasing
from tideflow._src.ops.control.assertions import is_numeric_tensor as is_numeric_tensor
from tideflow._src.ops.control.assertions import is_strictly_increasing as is_strictly_increasing
from tideflow._src.ops.math.numerics_watch import disable_check_numerics as disable_check_numerics
from tideflow._src.ops.math.numerics_watch import enable_check_numerics as enable_check_numerics
from tideflow._src.ops.math.rounding import is_finite as is_finite
from tideflow._src.ops.math.rounding import is_inf as is_inf
from tideflow._src.ops.math.rounding import is_nan as is_nan
from tideflow._src.ops.math.validation import check_numerics as check_numerics
from tideflow._src.ops.math.validation import verify_tensor_all_finite as assert_all_finite
from tideflow._src.runtime.device_options import get_log_device_placement as get_log_device_placement
from tideflow._src.runtime.device_options import set_log_device_placement as set_log_device_placement
from tideflow._src.runtime.program_options import disable_traceback_filtering as disable_traceback_filtering
from tideflow._src.runtime.program_options import enable_traceback_filtering as enable_traceback_filtering
from tideflow._src.runtime.program_options import is_traceback_filtering_enabled as is_traceback_filtering_enabled
