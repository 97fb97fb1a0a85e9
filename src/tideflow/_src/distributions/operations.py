"""Names the operations that distributions are written with."""

from __future__ import annotations

import contextlib
from typing import Any

from tideflow._src.core import context
from tideflow._src.function.mapping import map_fn as map_fn
from tideflow._src.function.name_scopes import name_scope_v1
from tideflow._src.graph.static_value import get_static_value as static_value
from tideflow._src.ops.array.band_part import matrix_band_part as matrix_band_part
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape as broadcast_dynamic_shape
from tideflow._src.ops.array.broadcasting import broadcast_static_shape as broadcast_static_shape
from tideflow._src.ops.array.constants import constant_v1 as constant
from tideflow._src.ops.array.constants import fill as fill
from tideflow._src.ops.array.constants import ones as ones
from tideflow._src.ops.array.constants import ones_like_v1 as ones_like
from tideflow._src.ops.array.constants import zeros as zeros
from tideflow._src.ops.array.constants import zeros_like_v1 as zeros_like
from tideflow._src.ops.array.diagonals import matrix_diag_part as matrix_diag_part
from tideflow._src.ops.array.diagonals import matrix_set_diag as matrix_set_diag
from tideflow._src.ops.array.identity import identity as identity
from tideflow._src.ops.array.identity import no_op as no_op
from tideflow._src.ops.array.joining import concat as concat
from tideflow._src.ops.array.masking import sequence_mask as sequence_mask
from tideflow._src.ops.array.permuting import transpose_v1 as transpose
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.sequences import one_hot as one_hot
from tideflow._src.ops.array.shape import rank as rank
from tideflow._src.ops.array.shape import reshape as reshape
from tideflow._src.ops.array.shape import shape_v1 as shape
from tideflow._src.ops.control.assertions import Assert as Assert
from tideflow._src.ops.control.assertions import assert_equal_v1 as assert_equal
from tideflow._src.ops.control.assertions import assert_greater_equal_v1 as assert_greater_equal
from tideflow._src.ops.control.assertions import assert_less_equal_v1 as assert_less_equal
from tideflow._src.ops.control.assertions import assert_less_v1 as assert_less
from tideflow._src.ops.control.assertions import assert_near_v1 as assert_near
from tideflow._src.ops.control.assertions import assert_non_negative_v1 as assert_non_negative
from tideflow._src.ops.control.assertions import assert_positive_v1 as assert_positive
from tideflow._src.ops.control.assertions import assert_rank_at_least_v1 as assert_rank_at_least
from tideflow._src.ops.control.assertions import assert_same_float_dtype as assert_same_float_dtype
from tideflow._src.ops.control.grouping import control_dependencies as control_dependencies
from tideflow._src.ops.control.grouping import with_dependencies as with_dependencies
from tideflow._src.ops.linalg.functions import triangular_solve as triangular_solve
from tideflow._src.ops.math.argument_extrema import argmax_v1 as argmax
from tideflow._src.ops.math.arithmetic import maximum as maximum
from tideflow._src.ops.math.arithmetic import minimum as minimum
from tideflow._src.ops.math.arithmetic import squared_difference as squared_difference
from tideflow._src.ops.math.casting import cast as cast
from tideflow._src.ops.math.comparison import equal as equal
from tideflow._src.ops.math.comparison import greater as greater
from tideflow._src.ops.math.comparison import less as less
from tideflow._src.ops.math.division import xlogy as xlogy
from tideflow._src.ops.math.incomplete_gamma import igamma as igamma
from tideflow._src.ops.math.incomplete_gamma import igammac as igammac
from tideflow._src.ops.math.logical import logical_and as logical_and
from tideflow._src.ops.math.logical import logical_not as logical_not
from tideflow._src.ops.math.logical import logical_or as logical_or
from tideflow._src.ops.math.matrix_product_functions import matmul as matmul
from tideflow._src.ops.math.reduction_functions import reduce_all_v1 as reduce_all
from tideflow._src.ops.math.reduction_functions import reduce_any_v1 as reduce_any
from tideflow._src.ops.math.reduction_functions import reduce_prod_v1 as reduce_prod
from tideflow._src.ops.math.reduction_functions import reduce_sum_v1 as reduce_sum
from tideflow._src.ops.math.rounding import floor as floor
from tideflow._src.ops.math.rounding import is_nan as is_nan
from tideflow._src.ops.math.special_functions import betainc as betainc
from tideflow._src.ops.math.special_functions import digamma as digamma
from tideflow._src.ops.math.special_functions import erf as erf
from tideflow._src.ops.math.special_functions import erfc as erfc
from tideflow._src.ops.math.special_functions import lbeta as lbeta
from tideflow._src.ops.math.special_functions import lgamma as lgamma
from tideflow._src.ops.math.unary import abs as absolute
from tideflow._src.ops.math.unary import exp as exp
from tideflow._src.ops.math.unary import log as log
from tideflow._src.ops.math.unary import log1p as log1p
from tideflow._src.ops.math.unary import rsqrt as rsqrt
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import sign as sign
from tideflow._src.ops.math.unary import sqrt as sqrt
from tideflow._src.ops.math.unary import square as square
from tideflow._src.ops.nn.activation import softplus as softplus
from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy
from tideflow._src.ops.nn.losses import sparse_softmax_cross_entropy_with_logits_v1 as sparse_softmax_cross_entropy
from tideflow._src.ops.nn.softmax import log_softmax_v1 as log_softmax
from tideflow._src.ops.nn.softmax import softmax_v1 as softmax
from tideflow._src.ops.random.stateful_functions import multinomial as multinomial
from tideflow._src.ops.random.stateful_functions import random_gamma as random_gamma
from tideflow._src.ops.random.stateful_functions import random_normal as random_normal
from tideflow._src.ops.random.stateful_functions import random_poisson_v1 as random_poisson
from tideflow._src.ops.random.stateful_functions import random_uniform as random_uniform
from tideflow._src.runtime.device_copies import convert_to_tensor_v1 as convert_to_tensor


def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Any:
    """Returns a scope of the graph; eagerly there is none, and what it gives is None."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return name_scope_v1(name, default_name, values)
