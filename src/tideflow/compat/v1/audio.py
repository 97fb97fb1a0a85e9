"""Sound files: ``tf.audio`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.ops.signal.audio import decode_wav as decode_wav
from tideflow._src.ops.signal.audio import encode_wav as encode_wav
