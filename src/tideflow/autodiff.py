"""Automatic differentiation: ``tf.autodiff``."""

from __future__ import annotations

from tideflow._src.autodiff.tape import GradientTape as GradientTape
