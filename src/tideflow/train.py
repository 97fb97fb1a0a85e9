"""Training: ``tf.train``."""

from __future__ import annotations

from tideflow._src.compat.messages import message_members
from tideflow._src.train.coordinator import Coordinator as Coordinator

__getattr__, __dir__ = message_members(
    "tideflow.train",
    "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList Int64List JobDef "
    "SequenceExample ServerDef",
)
