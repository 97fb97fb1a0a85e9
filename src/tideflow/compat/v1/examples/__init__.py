"""What the tutorials of TensorFlow 0.x and 1.x imported beside TensorFlow itself: ``tensorflow.examples``."""

from __future__ import annotations

from tideflow.compat.v1.examples import tutorials as tutorials
