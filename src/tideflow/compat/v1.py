"""Is :mod:`tideflow.v1` under TensorFlow's name."""

import sys

import tideflow.v1

sys.modules[__name__] = tideflow.v1
