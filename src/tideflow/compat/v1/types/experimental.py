"""What functions take: ``tf.types.experimental``."""

from __future__ import annotations

from tideflow._src.function.function_type import FunctionType as FunctionType
from tideflow._src.function.interfaces import TensorLike as TensorLike
