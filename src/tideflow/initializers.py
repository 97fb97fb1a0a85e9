"""Initial values: ``tf.initializers``."""

from __future__ import annotations

from tideflow._src.state.initializers import (constant_initializer as constant_initializer, ones_initializer as ones_initializer, random_normal_initializer as random_normal_initializer, random_uniform_initializer as random_uniform_initializer, zeros_initializer as zeros_initializer)
