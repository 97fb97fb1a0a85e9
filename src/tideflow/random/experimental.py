"""Random numbers, names on trial: ``tf.random.experimental``."""

from __future__ import annotations

from tideflow._src.ops.random.quasi_random import index_shuffle as index_shuffle
from tideflow._src.ops.random.stateless_functions import Algorithm as Algorithm
from tideflow._src.ops.random.stateless_functions import fold_in as stateless_fold_in
from tideflow._src.ops.random.stateless_functions import split as stateless_split
from tideflow._src.ops.random.stateless_functions import stateless_shuffle as stateless_shuffle
from tideflow._src.state.random_generator import Generator as Generator
from tideflow._src.state.random_generator import create_rng_state as create_rng_state
from tideflow._src.state.random_generator import get_global_generator as get_global_generator
from tideflow._src.state.random_generator import set_global_generator as set_global_generator
