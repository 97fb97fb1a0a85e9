"""What may yet change about saved models: ``tf.saved_model.experimental``."""

from __future__ import annotations

from tideflow._src.io.captured_resource import TrackableResource as TrackableResource
from tideflow._src.saved_model.fingerprint import Fingerprint as Fingerprint
from tideflow._src.saved_model.fingerprint import read_fingerprint as read_fingerprint
from tideflow._src.saved_model.options import VariablePolicy as VariablePolicy
