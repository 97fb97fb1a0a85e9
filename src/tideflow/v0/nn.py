"""Neural networks as TensorFlow 0.x had them: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.ops.nn.softmax import log_softmax_v0 as log_softmax
from tideflow._src.ops.nn.softmax import softmax_v0 as softmax
from tideflow.v1.nn import bias_add as bias_add
from tideflow.v1.nn import depth_to_space as depth_to_space
from tideflow.v1.nn import elu as elu
from tideflow.v1.nn import in_top_k as in_top_k
from tideflow.v1.nn import l2_loss as l2_loss
from tideflow.v1.nn import relu as relu
from tideflow.v1.nn import relu_layer as relu_layer
from tideflow.v1.nn import selu as selu
from tideflow.v1.nn import sigmoid as sigmoid
from tideflow.v1.nn import softplus as softplus
from tideflow.v1.nn import softsign as softsign
from tideflow.v1.nn import space_to_batch as space_to_batch
from tideflow.v1.nn import space_to_depth as space_to_depth
from tideflow.v1.nn import tanh as tanh
from tideflow.v1.nn import top_k as top_k
from tideflow.v1.nn import xw_plus_b as xw_plus_b
