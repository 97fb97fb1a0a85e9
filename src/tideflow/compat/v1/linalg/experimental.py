"""Iterative solvers: ``tf.linalg.experimental``."""

from __future__ import annotations

from tideflow._src.function.matrix_iterations import conjugate_gradient as conjugate_gradient
