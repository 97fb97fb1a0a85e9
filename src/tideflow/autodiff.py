"""Automatic differentiation: ``tf.autodiff``."""

from __future__ import annotations

from tideflow._src.autodiff.forward_accumulator import ForwardAccumulator as ForwardAccumulator
from tideflow._src.autodiff.tape import GradientTape as GradientTape
