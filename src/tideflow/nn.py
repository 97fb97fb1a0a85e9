"""Neural networks: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.ops.array.blocks import (depth_to_space as depth_to_space, space_to_batch as space_to_batch, space_to_depth as space_to_depth)
from tideflow._src.ops.linalg.norms import (l2_loss as l2_loss)
from tideflow._src.ops.math.sorting import (in_top_k as in_top_k, top_k as top_k)
from tideflow._src.ops.math.unary import (sigmoid as sigmoid, tanh as tanh)
from tideflow._src.ops.nn.activation import (elu as elu, relu as relu, selu as selu, softplus as softplus, softsign as softsign)
from tideflow._src.ops.nn.bias import (bias_add as bias_add)
from tideflow._src.ops.nn.softmax import (log_softmax as log_softmax, softmax as softmax)
