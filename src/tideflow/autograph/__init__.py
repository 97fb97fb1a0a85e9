"""Python's control flow over tensors: ``tf.autograph``."""

from __future__ import annotations

from tideflow._src.function.autograph.interface import set_verbosity as set_verbosity
from tideflow._src.function.autograph.interface import to_code as to_code
from tideflow._src.function.autograph.interface import to_graph as to_graph
from tideflow._src.function.autograph.interface import trace as trace
from tideflow.autograph import experimental as experimental
