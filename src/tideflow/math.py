"""Mathematics: ``tf.math``."""

from __future__ import annotations

from tideflow._src.function.assertions import (is_non_decreasing as is_non_decreasing, is_strictly_increasing as is_strictly_increasing)
from tideflow._src.ops.array.permuting import (invert_permutation as invert_permutation)
from tideflow._src.ops.math.argument_extrema import (argmax as argmax, argmin as argmin)
from tideflow._src.ops.math.arithmetic import (accumulate_n as accumulate_n, add as add, add_n as add_n, atan2 as atan2, maximum as maximum, minimum as minimum, multiply as multiply, multiply_no_nan as multiply_no_nan, pow as pow, scalar_mul as scalar_mul, squared_difference as squared_difference, subtract as subtract)
from tideflow._src.ops.math.comparison import (equal as equal, greater as greater, greater_equal as greater_equal, less as less, less_equal as less_equal, not_equal as not_equal)
from tideflow._src.ops.math.complex_numbers import (angle as angle, conj as conj, imag as imag, real as real)
from tideflow._src.ops.math.counting import (bincount as bincount, confusion_matrix as confusion_matrix)
from tideflow._src.ops.math.cumulative import (cumprod as cumprod, cumsum as cumsum, cumulative_logsumexp as cumulative_logsumexp)
from tideflow._src.ops.math.division import (divide as divide, divide_no_nan as divide_no_nan, floordiv as floordiv, floormod as floormod, mod as mod, reciprocal_no_nan as reciprocal_no_nan, truediv as truediv, xdivy as xdivy, xlog1py as xlog1py, xlogy as xlogy)
from tideflow._src.ops.math.logical import (logical_and as logical_and, logical_not as logical_not, logical_or as logical_or, logical_xor as logical_xor)
from tideflow._src.ops.math.polynomial import (polyval as polyval)
from tideflow._src.ops.math.reduce import (count_nonzero as count_nonzero, reduce_all as reduce_all, reduce_any as reduce_any, reduce_euclidean_norm as reduce_euclidean_norm, reduce_logsumexp as reduce_logsumexp, reduce_max as reduce_max, reduce_mean as reduce_mean, reduce_min as reduce_min, reduce_prod as reduce_prod, reduce_std as reduce_std, reduce_sum as reduce_sum, reduce_variance as reduce_variance)
from tideflow._src.ops.math.rounding import (ceil as ceil, floor as floor, is_finite as is_finite, is_inf as is_inf, is_nan as is_nan, nextafter as nextafter, rint as rint, round as round)
from tideflow._src.ops.math.segments import (segment_max as segment_max, segment_mean as segment_mean, segment_min as segment_min, segment_prod as segment_prod, segment_sum as segment_sum, unsorted_segment_max as unsorted_segment_max, unsorted_segment_mean as unsorted_segment_mean, unsorted_segment_min as unsorted_segment_min, unsorted_segment_prod as unsorted_segment_prod, unsorted_segment_sqrt_n as unsorted_segment_sqrt_n, unsorted_segment_sum as unsorted_segment_sum)
from tideflow._src.ops.math.sorting import (in_top_k as in_top_k, top_k as top_k)
from tideflow._src.ops.math.special_functions import (bessel_i0 as bessel_i0, bessel_i0e as bessel_i0e, bessel_i1 as bessel_i1, bessel_i1e as bessel_i1e, betainc as betainc, digamma as digamma, erf as erf, erfc as erfc, erfcinv as erfcinv, erfinv as erfinv, igamma as igamma, igammac as igammac, lgamma as lgamma, ndtri as ndtri, polygamma as polygamma, zeta as zeta)
from tideflow._src.ops.math.trigonometric import (acos as acos, acosh as acosh, asin as asin, asinh as asinh, atan as atan, atanh as atanh, cos as cos, cosh as cosh, sin as sin, sinh as sinh, tan as tan)
from tideflow._src.ops.math.unary import (abs as abs, exp as exp, expm1 as expm1, log as log, log1p as log1p, negative as negative, reciprocal as reciprocal, rsqrt as rsqrt, sigmoid as sigmoid, sign as sign, sqrt as sqrt, square as square, tanh as tanh)
from tideflow._src.ops.nn.activation import (softplus as softplus, softsign as softsign)
from tideflow._src.ops.nn.softmax import (log_softmax as log_softmax, softmax as softmax)

from tideflow import special as special
