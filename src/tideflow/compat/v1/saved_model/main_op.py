"""What a SavedModel runs when it is loaded: ``tf.saved_model.main_op``."""

from __future__ import annotations

from tideflow._src.saved_model.v1.main_ops import main_op as main_op
from tideflow._src.saved_model.v1.main_ops import main_op_with_restore as main_op_with_restore
