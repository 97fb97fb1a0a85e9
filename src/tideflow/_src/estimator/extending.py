"""Small helpers of estimators: more metrics, parsing of examples with labels, and calls of logit functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.estimator.estimator import Estimator
from tideflow._src.estimator.specs import EstimatorSpec, ModeKeys
from tideflow._src.feature_column.base import make_parse_example_spec
from tideflow._src.feature_column.numeric import NumericColumn, numeric_column
from tideflow._src.ops.parsing.features import FixedLenFeature


def add_metrics(estimator: Estimator, metric_fn: Callable[..., Any]) -> Estimator:
    """Returns an estimator with the model of another, and more metrics.

    Args:
      estimator: the other.
      metric_fn: a function of ``features``, ``labels``, ``predictions`` and ``config``, as far as it asks for them by
        name, that returns metrics by name: pairs of value and update, or Keras metrics.

    Raises:
      ValueError: the function asks for something else.
    """
    asked = set(inspect.signature(metric_fn).parameters)
    others = sorted(asked - {"features", "labels", "predictions", "config"})
    if others:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {others}")

    def model_fn(features: Any, labels: Any, mode: str, config: Any) -> EstimatorSpec:
        spec = estimator.model_fn(features, labels, mode, config)
        if mode != ModeKeys.EVAL:
            return spec
        given = {"features": features, "labels": labels, "predictions": spec.predictions, "config": config}
        more = metric_fn(**{name: value for name, value in given.items() if name in asked})
        fields = {**spec._asdict(), "eval_metric_ops": {**spec.eval_metric_ops, **more}}
        return EstimatorSpec(**fields)

    return Estimator(model_fn, estimator.model_dir, estimator.config, warm_start_from=estimator._warm_start)


def classifier_parse_example_spec(
    feature_columns: Any,
    label_key: str,
    label_dtype: Any = dtypes.int64,
    label_default: Any = None,
    weight_column: Any = None,
) -> dict[str, Any]:
    """Returns what ``tf.io.parse_example`` needs for the features of a classifier, its labels and weights.

    Args:
      feature_columns: the columns of the features.
      label_key: the name of the label in the examples.
      label_dtype: its type: ``int64``, or ``string`` with a vocabulary.
      label_default: the label of an example without one.
      weight_column: the name of weights, or a numeric column.

    Returns:
      A dictionary of ``FixedLenFeature`` and the like by name.

    Raises:
      ValueError: a name is used twice, or ``weight_column`` is something else.
    """
    return _with_label(feature_columns, label_key, FixedLenFeature((1,), label_dtype, label_default), weight_column)


def regressor_parse_example_spec(
    feature_columns: Any,
    label_key: str,
    label_dtype: Any = dtypes.float32,
    label_default: Any = None,
    label_dimension: int = 1,
    weight_column: Any = None,
) -> dict[str, Any]:
    """Returns what ``tf.io.parse_example`` needs for a regressor; see :func:`classifier_parse_example_spec`.

    Args:
      label_dimension: how many numbers a label is.
    """
    label = FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


def _with_label(columns: Any, label_key: str, label: Any, weight_column: Any) -> dict[str, Any]:
    found = make_parse_example_spec(columns)
    if label_key in found:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, features: {list(found)}")
    found[label_key] = label
    if weight_column is None:
        return found
    column = numeric_column(weight_column) if isinstance(weight_column, str) else weight_column
    if not isinstance(column, NumericColumn):
        raise ValueError(
            "weight_column should be an instance of tf.feature_column.numeric_column. Given type: "
            f"{type(column)} value: {column}"
        )
    if column.key in found:
        raise ValueError(
            f"weight_column should not be used as feature. weight_column: {column.key}, features: {list(found)}"
        )
    return {**found, **column.parse_example_spec}


def call_logit_fn(logit_fn: Callable[..., Any], features: Any, mode: str, params: Any, config: Any) -> Any:
    """Calls a function that makes logits of features, with what else it asks for by name.

    Args:
      logit_fn: a function of ``features`` and, if it asks for them, ``mode``, ``params`` and ``config``.
      features: the features.
      mode: one of `ModeKeys`.
      params: parameters.
      config: a `RunConfig`.

    Raises:
      ValueError: it returns neither a tensor nor tensors by name.
    """
    asked = inspect.signature(logit_fn).parameters
    given = {"mode": mode, "params": params, "config": config}
    result = logit_fn(features=features, **{name: value for name, value in given.items() if name in asked})
    by_name = isinstance(result, dict) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in result.items()
    )
    if not by_name and not isinstance(result, Tensor):
        raise ValueError(
            f"logit_fn should return a Tensor or a dictionary mapping strings to Tensors.  logit_fn returned: {result}"
        )
    return result
