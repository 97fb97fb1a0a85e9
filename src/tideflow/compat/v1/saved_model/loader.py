"""Reading SavedModels: ``tf.saved_model.loader``."""

from __future__ import annotations

from tideflow._src.saved_model.v1.loader import load as load
from tideflow._src.saved_model.v1.loader import maybe_saved_model_directory as maybe_saved_model_directory
