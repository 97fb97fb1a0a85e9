"""Signatures: ``tf.saved_model.signature_def_utils``."""

from __future__ import annotations

from tideflow._src.saved_model.v1.method_names import MethodNameUpdater as MethodNameUpdater
from tideflow._src.saved_model.v1.signature_definitions import build_signature_def as build_signature_def
from tideflow._src.saved_model.v1.signature_definitions import (
    classification_signature_def as classification_signature_def,
)
from tideflow._src.saved_model.v1.signature_definitions import is_valid_signature as is_valid_signature
from tideflow._src.saved_model.v1.signature_definitions import predict_signature_def as predict_signature_def
from tideflow._src.saved_model.v1.signature_definitions import regression_signature_def as regression_signature_def
