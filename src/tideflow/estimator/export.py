"""How estimators are exported."""

from __future__ import annotations

from tideflow._src.estimator.export_outputs import ClassificationOutput as ClassificationOutput
from tideflow._src.estimator.export_outputs import ExportOutput as ExportOutput
from tideflow._src.estimator.export_outputs import PredictOutput as PredictOutput
from tideflow._src.estimator.export_outputs import RegressionOutput as RegressionOutput
from tideflow._src.estimator.serving import ServingInputReceiver as ServingInputReceiver
from tideflow._src.estimator.serving import TensorServingInputReceiver as TensorServingInputReceiver
from tideflow._src.estimator.serving import (
    build_parsing_serving_input_receiver_fn as build_parsing_serving_input_receiver_fn,
)
from tideflow._src.estimator.serving import build_raw_serving_input_receiver_fn as build_raw_serving_input_receiver_fn
