"""Memory shared with other libraries: ``tf.experimental.dlpack``."""

from __future__ import annotations

from tideflow._src.runtime.dlpack import from_dlpack as from_dlpack
from tideflow._src.runtime.dlpack import to_dlpack as to_dlpack
