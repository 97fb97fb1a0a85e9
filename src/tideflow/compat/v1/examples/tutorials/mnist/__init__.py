"""The digits of the tutorials: ``from tensorflow.examples.tutorials.mnist import input_data``."""

from __future__ import annotations

from tideflow.compat.v1.examples.tutorials.mnist import input_data as input_data
