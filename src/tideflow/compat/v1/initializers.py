"""Initial values: ``tf.initializers``."""

from __future__ import annotations

from tideflow._src.state.initializers import Constant as constant
from tideflow._src.state.initializers import GlorotNormal as glorot_normal
from tideflow._src.state.initializers import GlorotUniform as glorot_uniform
from tideflow._src.state.initializers import Identity as identity
from tideflow._src.state.initializers import Ones as ones
from tideflow._src.state.initializers import Orthogonal as orthogonal
from tideflow._src.state.initializers import RandomNormal as random_normal
from tideflow._src.state.initializers import RandomUniform as random_uniform
from tideflow._src.state.initializers import TruncatedNormal as truncated_normal
from tideflow._src.state.initializers import UniformUnitScaling as uniform_unit_scaling
from tideflow._src.state.initializers import VarianceScaling as variance_scaling
from tideflow._src.state.initializers import Zeros as zeros
from tideflow._src.state.initializers import he_normal as he_normal
from tideflow._src.state.initializers import he_uniform as he_uniform
from tideflow._src.state.initializers import lecun_normal as lecun_normal
from tideflow._src.state.initializers import lecun_uniform as lecun_uniform
from tideflow._src.state.variable_collections import global_variables_initializer as global_variables
from tideflow._src.state.variable_collections import local_variables_initializer as local_variables
from tideflow._src.state.variable_collections import tables_initializer as tables_initializer
from tideflow._src.state.variable_collections import variables_initializer as variables
