"""The names of ``tf.contrib.training`` that are kept."""

from __future__ import annotations

from tideflow._src.compat.contrib_parameters import HParams as HParams
from tideflow._src.compat.contrib_placement import GreedyLoadBalancingStrategy as GreedyLoadBalancingStrategy
from tideflow._src.compat.contrib_placement import byte_size_load_fn as byte_size_load_fn
