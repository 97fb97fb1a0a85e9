"""Initial values: ``tf.initializers``."""

from __future__ import annotations

from tideflow._src.state.initializers_v2 import constant_initializer as constant_initializer
from tideflow._src.state.initializers_v2 import ones_initializer as ones_initializer
from tideflow._src.state.initializers_v2 import random_normal_initializer as random_normal_initializer
from tideflow._src.state.initializers_v2 import random_uniform_initializer as random_uniform_initializer
from tideflow._src.state.initializers_v2 import zeros_initializer as zeros_initializer
