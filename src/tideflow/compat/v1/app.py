"""The entry point of a program: ``tf.app.run()``."""

from __future__ import annotations

from tideflow._src.compat.flags import run as run
from tideflow.compat.v1 import flags as flags
