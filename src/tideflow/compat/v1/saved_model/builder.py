"""Writing SavedModels: ``tf.saved_model.builder``."""

from __future__ import annotations

from tideflow._src.saved_model.v1.builder import SavedModelBuilder as SavedModelBuilder
