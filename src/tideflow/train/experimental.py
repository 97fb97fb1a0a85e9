"""What checkpoints can be made of beside variables, and how they are cut into files: ``tf.train.experimental``."""

from __future__ import annotations

from tideflow._src.checkpoint.python_state import PythonState as PythonState
from tideflow._src.checkpoint.sharding import MaxShardSizePolicy as MaxShardSizePolicy
from tideflow._src.checkpoint.sharding import ShardableTensor as ShardableTensor
from tideflow._src.checkpoint.sharding import ShardByTaskPolicy as ShardByTaskPolicy
from tideflow._src.checkpoint.sharding import ShardingCallback as ShardingCallback
