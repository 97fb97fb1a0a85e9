"""Being profiled by other processes, which is refused: ``tf.profiler.experimental.server``."""

from __future__ import annotations

from tideflow._src.profiler.session import start_server as start
