"""Sets in the last dimension of tensors: ``tf.sets``."""

from __future__ import annotations

from tideflow._src.ops.sparse.set_functions import difference as difference
from tideflow._src.ops.sparse.set_functions import difference as set_difference
from tideflow._src.ops.sparse.set_functions import intersection as intersection
from tideflow._src.ops.sparse.set_functions import intersection as set_intersection
from tideflow._src.ops.sparse.set_functions import size as set_size
from tideflow._src.ops.sparse.set_functions import size as size
from tideflow._src.ops.sparse.set_functions import union as set_union
from tideflow._src.ops.sparse.set_functions import union as union
