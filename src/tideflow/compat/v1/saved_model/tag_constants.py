"""Tags: ``tf.saved_model.tag_constants``."""

from __future__ import annotations

from tideflow._src.saved_model.constants import GPU as GPU
from tideflow._src.saved_model.constants import SERVING as SERVING
from tideflow._src.saved_model.constants import TPU as TPU
from tideflow._src.saved_model.constants import TRAINING as TRAINING
