"""Random numbers: ``tf.random``."""

from __future__ import annotations

from tideflow._src.ops.array.splitting import (split as split)
from tideflow._src.ops.random.random_ops import (categorical as categorical, random_shuffle as shuffle, truncated_normal as truncated_normal)
from tideflow._src.ops.random.rejection_sampling import (gamma as gamma, poisson as poisson)
from tideflow._src.ops.random.sampling import (normal as normal, uniform as uniform)
from tideflow._src.ops.random.seeds import (set_seed as set_seed)
from tideflow._src.ops.random.stateless import (Algorithm as Algorithm, fold_in as fold_in, stateless_categorical as stateless_categorical, stateless_random_gamma as stateless_gamma, stateless_random_poisson as stateless_poisson)
from tideflow._src.ops.random.stateless_kernels import (stateless_random_normal_v2 as stateless_normal, stateless_random_uniform_v2 as stateless_uniform, stateless_truncated_normal_v2 as stateless_truncated_normal)
from tideflow._src.runtime.random_state import (Generator as Generator)
