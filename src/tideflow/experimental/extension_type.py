"""What can be done with extension types: ``tf.experimental.extension_type``."""

from __future__ import annotations

from tideflow._src.ops.composite.extension_type import as_dict as as_dict
