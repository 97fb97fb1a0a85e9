"""Training: ``tf.train``."""

from __future__ import annotations

from tideflow._src.checkpoint.checkpoint import Checkpoint as Checkpoint
from tideflow._src.checkpoint.checkpoint_manager import CheckpointManager as CheckpointManager
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions as CheckpointOptions
from tideflow._src.checkpoint.checkpoint_view import CheckpointView as CheckpointView
from tideflow._src.checkpoint.reading import CheckpointReader as CheckpointReader
from tideflow._src.checkpoint.reading import checkpoints_iterator as checkpoints_iterator
from tideflow._src.checkpoint.reading import list_variables as list_variables
from tideflow._src.checkpoint.reading import load_checkpoint as load_checkpoint
from tideflow._src.checkpoint.reading import load_variable as load_variable
from tideflow._src.checkpoint.state_file import get_checkpoint_state as get_checkpoint_state
from tideflow._src.checkpoint.state_file import latest_checkpoint as latest_checkpoint
from tideflow._src.compat.messages import message_members
from tideflow._src.state.object_graph import TrackableView as TrackableView
from tideflow._src.train.cluster import ClusterSpec as ClusterSpec
from tideflow._src.train.coordinator import Coordinator as Coordinator
from tideflow._src.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from tideflow.train import experimental as experimental

__getattr__, __dir__ = message_members(
    "tideflow.train",
    "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList Int64List JobDef "
    "SequenceExample ServerDef",
)
