"""Random numbers with NumPy's names: ``tf.experimental.numpy.random``."""

from __future__ import annotations

from tideflow._src.numpy_api.random import poisson as poisson
from tideflow._src.numpy_api.random import rand as rand
from tideflow._src.numpy_api.random import randint as randint
from tideflow._src.numpy_api.random import randn as randn
from tideflow._src.numpy_api.random import random as random
from tideflow._src.numpy_api.random import seed as seed
from tideflow._src.numpy_api.random import standard_normal as standard_normal
from tideflow._src.numpy_api.random import uniform as uniform
