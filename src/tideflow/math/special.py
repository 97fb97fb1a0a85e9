"""Special functions: ``tf.math.special``."""

from __future__ import annotations

from tideflow._src.ops.math.bessel_functions import bessel_j0 as bessel_j0
from tideflow._src.ops.math.bessel_functions import bessel_j1 as bessel_j1
from tideflow._src.ops.math.bessel_functions import bessel_k0 as bessel_k0
from tideflow._src.ops.math.bessel_functions import bessel_k0e as bessel_k0e
from tideflow._src.ops.math.bessel_functions import bessel_k1 as bessel_k1
from tideflow._src.ops.math.bessel_functions import bessel_k1e as bessel_k1e
from tideflow._src.ops.math.bessel_functions import bessel_y0 as bessel_y0
from tideflow._src.ops.math.bessel_functions import bessel_y1 as bessel_y1
from tideflow._src.ops.math.integrals import dawsn as dawsn
from tideflow._src.ops.math.integrals import expint as expint
from tideflow._src.ops.math.integrals import fresnel_cos as fresnel_cos
from tideflow._src.ops.math.integrals import fresnel_sin as fresnel_sin
from tideflow._src.ops.math.integrals import spence as spence
from tideflow._src.ops.math.special_functions import bessel_i0 as bessel_i0
from tideflow._src.ops.math.special_functions import bessel_i0e as bessel_i0e
from tideflow._src.ops.math.special_functions import bessel_i1 as bessel_i1
from tideflow._src.ops.math.special_functions import bessel_i1e as bessel_i1e
