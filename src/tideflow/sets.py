"""Sets in the last dimension of tensors: ``tf.sets``."""

from __future__ import annotations

from tideflow._src.ops.sparse.set_algebra import difference as difference
from tideflow._src.ops.sparse.set_algebra import intersection as intersection
from tideflow._src.ops.sparse.set_algebra import size as size
from tideflow._src.ops.sparse.set_algebra import union as union
