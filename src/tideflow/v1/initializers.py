"""Initial values: ``tf.initializers``."""

from __future__ import annotations

from tideflow._src.ops.array.constants import (constant_v1 as constant, ones as ones, zeros as zeros)
from tideflow._src.ops.array.identity import (identity as identity)
from tideflow._src.ops.random.random_ops import (random_normal as random_normal, random_uniform as random_uniform, truncated_normal as truncated_normal)
from tideflow._src.state.initialization import (global_variables as global_variables, local_variables as local_variables, variables_initializer as variables)
from tideflow._src.state.initializers import (GlorotNormal as glorot_normal, GlorotUniform as glorot_uniform, Orthogonal as orthogonal, UniformUnitScaling as uniform_unit_scaling, VarianceScaling as variance_scaling, he_normal as he_normal, he_uniform as he_uniform, lecun_normal as lecun_normal, lecun_uniform as lecun_uniform)
