"""Input functions of what is in memory."""

from __future__ import annotations

from tideflow._src.estimator.inputs import numpy_input_fn as numpy_input_fn
from tideflow._src.estimator.inputs import pandas_input_fn as pandas_input_fn
