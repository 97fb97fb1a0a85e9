"""Special functions: ``tf.math.special``."""

from __future__ import annotations

from tideflow._src.ops.math.special_functions import (bessel_i0 as bessel_i0, bessel_i0e as bessel_i0e, bessel_i1 as bessel_i1, bessel_i1e as bessel_i1e)
