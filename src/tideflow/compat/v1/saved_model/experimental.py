"""What may yet change about saved models: ``tf.saved_model.experimental`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.io.captured_resource import TrackableResource as TrackableResource
from tideflow._src.saved_model.options import VariablePolicy as VariablePolicy
from tideflow._src.saved_model.save import save as save
