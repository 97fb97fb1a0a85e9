"""The version of Tideflow, and of the GraphDef format that it writes."""

from __future__ import annotations

VERSION = "0.1.0"
GIT_VERSION = "v0.1.0"
COMPILER_VERSION = "CPython and XLA"
#: The producer version that TensorFlow 2.21 writes, and the oldest readers and writers it gets along with.
GRAPH_DEF_VERSION = 2500
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
