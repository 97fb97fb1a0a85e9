"""Values that replicas hold: ``tf.types.experimental.distributed``."""

from __future__ import annotations

from tideflow._src.function.interfaces import Mirrored as Mirrored
from tideflow._src.function.interfaces import PerReplica as PerReplica
