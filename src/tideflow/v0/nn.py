"""Neural networks as TensorFlow 0.x had them: ``tf.nn``."""

from __future__ import annotations

from tideflow.v1.nn import *

from tideflow._src.ops.nn.softmax import log_softmax_v0 as log_softmax
from tideflow._src.ops.nn.softmax import softmax_v0 as softmax
