"""Estimators: ``tf.estimator``, which TensorFlow 2.16 dropped."""

from __future__ import annotations

from tideflow._src.estimator.canned import BaselineClassifier as BaselineClassifier
from tideflow._src.estimator.canned import BaselineRegressor as BaselineRegressor
from tideflow._src.estimator.canned import DNNClassifier as DNNClassifier
from tideflow._src.estimator.canned import DNNLinearCombinedClassifier as DNNLinearCombinedClassifier
from tideflow._src.estimator.canned import DNNLinearCombinedRegressor as DNNLinearCombinedRegressor
from tideflow._src.estimator.canned import DNNRegressor as DNNRegressor
from tideflow._src.estimator.canned import LinearClassifier as LinearClassifier
from tideflow._src.estimator.canned import LinearRegressor as LinearRegressor
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
from tideflow.estimator import export as export
