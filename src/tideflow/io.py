"""Files: ``tf.io``."""

from __future__ import annotations

from tideflow._src.io.graph_files import write_graph as write_graph
