"""``tensorflow.python.types.core``: what counts as a tensor, for packages that make classes of their own."""

from __future__ import annotations

from tideflow._src.core.tensor import TensorProtocol as Tensor
from tideflow._src.core.tensor import TensorProtocol as TensorProtocol

__all__ = ["Tensor", "TensorProtocol"]
