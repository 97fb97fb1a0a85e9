"""Tensors in messages: ``tf.saved_model.utils``."""

from __future__ import annotations

from tideflow._src.saved_model.v1.tensor_info import build_tensor_info as build_tensor_info
from tideflow._src.saved_model.v1.tensor_info import get_tensor_from_tensor_info as get_tensor_from_tensor_info
