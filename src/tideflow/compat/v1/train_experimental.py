"""What ``tf.train.experimental`` of TensorFlow 1 has: training in half precision, and more of checkpoints."""

from __future__ import annotations

from tideflow._src.checkpoint.python_state import PythonState as PythonState
from tideflow._src.checkpoint.sharding import MaxShardSizePolicy as MaxShardSizePolicy
from tideflow._src.checkpoint.sharding import ShardableTensor as ShardableTensor
from tideflow._src.checkpoint.sharding import ShardByTaskPolicy as ShardByTaskPolicy
from tideflow._src.checkpoint.sharding import ShardingCallback as ShardingCallback
from tideflow._src.train.loss_scale import DynamicLossScale as DynamicLossScale
from tideflow._src.train.loss_scale import FixedLossScale as FixedLossScale
from tideflow._src.train.loss_scale import LossScale as LossScale
from tideflow._src.train.mixed_precision import MixedPrecisionLossScaleOptimizer as MixedPrecisionLossScaleOptimizer
from tideflow._src.train.mixed_precision import (
    disable_mixed_precision_graph_rewrite as disable_mixed_precision_graph_rewrite,
)
from tideflow._src.train.mixed_precision import (
    enable_mixed_precision_graph_rewrite as enable_mixed_precision_graph_rewrite,
)
