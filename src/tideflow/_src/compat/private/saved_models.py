"""What modules under `tensorflow.python.saved_model` call otherwise than Tideflow does."""

from __future__ import annotations

from tideflow._src.saved_model.files import parse_saved_model as parse_saved_model
from tideflow._src.saved_model.load import load_partial as load_partial
from tideflow._src.saved_model.structures import NotEncodableError as NotEncodableError
from tideflow._src.saved_model.structures import can_encode as can_encode
from tideflow._src.saved_model.structures import decode as decode_proto
from tideflow._src.saved_model.structures import encode as encode_structure
from tideflow._src.saved_model.v1.builder import SavedModelBuilder as SavedModelBuilder

__all__ = [
    "NotEncodableError",
    "SavedModelBuilder",
    "can_encode",
    "decode_proto",
    "encode_structure",
    "load_partial",
    "parse_saved_model",
]
