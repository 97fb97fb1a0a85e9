"""Arranging arrays: ``tf.manip``."""

from __future__ import annotations

from tideflow._src.ops.array.blocks import batch_to_space_nd as batch_to_space_nd
from tideflow._src.ops.array.blocks import space_to_batch_nd as space_to_batch_nd
from tideflow._src.ops.array.gathering import gather_nd_v1 as gather_nd
from tideflow._src.ops.array.permuting import reverse as reverse
from tideflow._src.ops.array.permuting import roll as roll
from tideflow._src.ops.array.permuting import tile as tile
from tideflow._src.ops.array.scattering import scatter_nd as scatter_nd
from tideflow._src.ops.array.shape import reshape as reshape
