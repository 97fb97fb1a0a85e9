"""Estimators: ``tf.compat.v1.estimator``."""

from __future__ import annotations

from tideflow._src.estimator.canned import BaselineClassifierV1 as BaselineClassifier
from tideflow._src.estimator.canned import BaselineRegressorV1 as BaselineRegressor
from tideflow._src.estimator.canned import DNNClassifierV1 as DNNClassifier
from tideflow._src.estimator.canned import DNNLinearCombinedClassifierV1 as DNNLinearCombinedClassifier
from tideflow._src.estimator.canned import DNNLinearCombinedRegressorV1 as DNNLinearCombinedRegressor
from tideflow._src.estimator.canned import DNNRegressorV1 as DNNRegressor
from tideflow._src.estimator.canned import LinearClassifierV1 as LinearClassifier
from tideflow._src.estimator.canned import LinearRegressorV1 as LinearRegressor
from tideflow._src.estimator.estimator import Estimator as Estimator
from tideflow._src.estimator.estimator import WarmStartSettings as WarmStartSettings
from tideflow._src.estimator.run_config import RunConfig as RunConfig
from tideflow._src.estimator.specs import EstimatorSpec as EstimatorSpec
from tideflow._src.estimator.specs import ModeKeys as ModeKeys
from tideflow._src.estimator.training import BestExporter as BestExporter
from tideflow._src.estimator.training import EvalSpec as EvalSpec
from tideflow._src.estimator.training import Exporter as Exporter
from tideflow._src.estimator.training import FinalExporter as FinalExporter
from tideflow._src.estimator.training import LatestExporter as LatestExporter
from tideflow._src.estimator.training import TrainSpec as TrainSpec
from tideflow._src.estimator.training import train_and_evaluate as train_and_evaluate
from tideflow.compat.v1.estimator import export as export
from tideflow.compat.v1.estimator import inputs as inputs
