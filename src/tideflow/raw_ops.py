"""Every operation under its own name, called with keyword arguments: ``tf.raw_ops``."""

from __future__ import annotations

from tideflow._src.ops.raw_access import operation as __getattr__
from tideflow._src.ops.raw_access import operation_names as __dir__
