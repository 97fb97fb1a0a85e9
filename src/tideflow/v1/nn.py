"""Neural networks: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.ops.array.blocks import (depth_to_space_v1 as depth_to_space, space_to_batch_v1 as space_to_batch, space_to_depth_v1 as space_to_depth)
from tideflow._src.ops.linalg.norms import (l2_loss as l2_loss)
from tideflow._src.ops.math.sorting import (in_top_k_v1 as in_top_k, top_k as top_k)
from tideflow._src.ops.math.unary import (sigmoid as sigmoid, tanh as tanh)
from tideflow._src.ops.nn.activation import (elu as elu, relu as relu, selu as selu, softplus as softplus, softsign as softsign)
from tideflow._src.ops.nn.bias import (bias_add_v1 as bias_add, relu_layer as relu_layer, xw_plus_b_v1 as xw_plus_b)
from tideflow._src.ops.nn.softmax import (log_softmax_v1 as log_softmax, softmax_v1 as softmax)
