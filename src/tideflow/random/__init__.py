"""Random numbers: ``tf.random``."""

from __future__ import annotations

from tideflow._src.ops.nn.candidate_sampling import all_candidate_sampler as all_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import fixed_unigram_candidate_sampler as fixed_unigram_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import (
    learned_unigram_candidate_sampler as learned_unigram_candidate_sampler,
)
from tideflow._src.ops.nn.candidate_sampling import log_uniform_candidate_sampler as log_uniform_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import uniform_candidate_sampler as uniform_candidate_sampler
from tideflow._src.ops.random.seeds import set_seed as set_seed
from tideflow._src.ops.random.stateful_functions import categorical as categorical
from tideflow._src.ops.random.stateful_functions import random_gamma as gamma
from tideflow._src.ops.random.stateful_functions import random_normal as normal
from tideflow._src.ops.random.stateful_functions import random_poisson as poisson
from tideflow._src.ops.random.stateful_functions import random_shuffle as shuffle
from tideflow._src.ops.random.stateful_functions import random_uniform as uniform
from tideflow._src.ops.random.stateful_functions import truncated_normal as truncated_normal
from tideflow._src.ops.random.stateless_functions import Algorithm as Algorithm
from tideflow._src.ops.random.stateless_functions import fold_in as fold_in
from tideflow._src.ops.random.stateless_functions import split as split
from tideflow._src.ops.random.stateless_functions import stateless_categorical as stateless_categorical
from tideflow._src.ops.random.stateless_functions import (
    stateless_parameterized_truncated_normal as stateless_parameterized_truncated_normal,
)
from tideflow._src.ops.random.stateless_functions import stateless_random_binomial as stateless_binomial
from tideflow._src.ops.random.stateless_functions import stateless_random_gamma as stateless_gamma
from tideflow._src.ops.random.stateless_functions import stateless_random_normal as stateless_normal
from tideflow._src.ops.random.stateless_functions import stateless_random_poisson as stateless_poisson
from tideflow._src.ops.random.stateless_functions import stateless_random_uniform as stateless_uniform
from tideflow._src.ops.random.stateless_functions import stateless_truncated_normal as stateless_truncated_normal
from tideflow._src.state.random_generator import Generator as Generator
from tideflow._src.state.random_generator import create_rng_state as create_rng_state
from tideflow._src.state.random_generator import get_global_generator as get_global_generator
from tideflow._src.state.random_generator import set_global_generator as set_global_generator
from tideflow.random import experimental as experimental
