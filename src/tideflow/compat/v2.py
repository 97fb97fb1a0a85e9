"""Is :mod:`tideflow` under TensorFlow's name."""

import sys

import tideflow

sys.modules[__name__] = tideflow
