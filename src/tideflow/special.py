"""Special functions: ``tf.math.special``."""

from __future__ import annotations

from tideflow._src.ops.math.special_functions import bessel_i0 as bessel_i0
from tideflow._src.ops.math.special_functions import bessel_i0e as bessel_i0e
from tideflow._src.ops.math.special_functions import bessel_i1 as bessel_i1
from tideflow._src.ops.math.special_functions import bessel_i1e as bessel_i1e
