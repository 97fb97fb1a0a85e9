"""Python's control flow over tensors: ``tf.compat.v1.autograph``."""

from __future__ import annotations

from tideflow._src.function.autograph.interface import set_verbosity as set_verbosity
from tideflow._src.function.autograph.interface import to_code_v1 as to_code
from tideflow._src.function.autograph.interface import to_graph_v1 as to_graph
from tideflow._src.function.autograph.interface import trace as trace
from tideflow.autograph import experimental as experimental

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]
