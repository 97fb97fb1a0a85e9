"""Versions: ``tf.version``."""

from __future__ import annotations

from tideflow._src.version import COMPILER_VERSION as COMPILER_VERSION
from tideflow._src.version import GIT_VERSION as GIT_VERSION
from tideflow._src.version import GRAPH_DEF_VERSION as GRAPH_DEF_VERSION
from tideflow._src.version import GRAPH_DEF_VERSION_MIN_CONSUMER as GRAPH_DEF_VERSION_MIN_CONSUMER
from tideflow._src.version import GRAPH_DEF_VERSION_MIN_PRODUCER as GRAPH_DEF_VERSION_MIN_PRODUCER
from tideflow._src.version import VERSION as VERSION
