"""Training: ``tf.train``."""

from __future__ import annotations
