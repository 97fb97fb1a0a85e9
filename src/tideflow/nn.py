"""Neural networks: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.ops.array.blocks import depth_to_space as depth_to_space
from tideflow._src.ops.array.blocks import space_to_batch as space_to_batch
from tideflow._src.ops.array.blocks import space_to_depth as space_to_depth
from tideflow._src.ops.linalg.norms import l2_loss as l2_loss
from tideflow._src.ops.math.sorting import in_top_k as in_top_k
from tideflow._src.ops.math.sorting import top_k as top_k
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import tanh as tanh
from tideflow._src.ops.nn.activation import elu as elu
from tideflow._src.ops.nn.activation import relu as relu
from tideflow._src.ops.nn.activation import selu as selu
from tideflow._src.ops.nn.activation import softplus as softplus
from tideflow._src.ops.nn.activation import softsign as softsign
from tideflow._src.ops.nn.bias import bias_add as bias_add
from tideflow._src.ops.nn.softmax import log_softmax as log_softmax
from tideflow._src.ops.nn.softmax import softmax as softmax
