"""Modes, and what a model function returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core.tensor import is_tensor
from tideflow._src.estimator.export_outputs import ExportOutput, PredictOutput
from tideflow._src.estimator.keras_updates import is_metric, metric_operations
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable import Variable
from tideflow._src.train.scaffold import Scaffold
from tideflow._src.train.session_run_hook import SessionRunHook

#: The key of the signature that is served where none is asked for.
DEFAULT_SERVING_KEY = "serving_default"


class ModeKeys:
    """Names what a model function is called for: ``tf.estimator.ModeKeys``."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


class _Spec(NamedTuple):
    mode: str
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: dict[str, Any]
    export_outputs: dict[str, ExportOutput] | None
    training_chief_hooks: tuple[Any, ...]
    training_hooks: tuple[Any, ...]
    scaffold: Any
    evaluation_hooks: tuple[Any, ...]
    prediction_hooks: tuple[Any, ...]


class EstimatorSpec(_Spec):
    """Is what a model function returns.

    Args:
      mode: one of `ModeKeys`.
      predictions: a tensor, or tensors by name; needed to predict.
      loss: the loss, a scalar or of shape ``[1]``; needed to train and to evaluate.
      train_op: the operation of a step; needed to train.
      eval_metric_ops: metrics by name: pairs of value and update, or Keras metrics.
      export_outputs: what exported models give out, by the names of signatures: `PredictOutput` and its kin. By default
        the predictions.
      training_chief_hooks, training_hooks: hooks of training sessions.
      scaffold: the initializers and savers of the graph.
      evaluation_hooks, prediction_hooks: hooks of the other sessions.

    Raises:
      ValueError: something is missing for the mode, or has the wrong shape.
      TypeError: something is of another type.
    """

    def __new__(
        cls,
        mode: str,
        predictions: Any = None,
        loss: Any = None,
        train_op: Any = None,
        eval_metric_ops: Mapping[str, Any] | None = None,
        export_outputs: Mapping[str, ExportOutput] | None = None,
        training_chief_hooks: Sequence[Any] | None = None,
        training_hooks: Sequence[Any] | None = None,
        scaffold: Any = None,
        evaluation_hooks: Sequence[Any] | None = None,
        prediction_hooks: Sequence[Any] | None = None,
    ) -> EstimatorSpec:
        if train_op is None and mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        if train_op is not None and not isinstance(train_op, Operation) and not is_tensor(train_op):
            raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
        if predictions is None and mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        checked_predictions: Any = {} if predictions is None else predictions
        if isinstance(checked_predictions, Mapping):
            checked_predictions = {
                name: _tensor(value, f"predictions[{name}]") for name, value in checked_predictions.items()
            }
        else:
            checked_predictions = _tensor(checked_predictions, "predictions")
        if export_outputs is None and mode == ModeKeys.PREDICT:
            export_outputs = {DEFAULT_SERVING_KEY: PredictOutput(checked_predictions)}
        hooks = [
            _hooks(given, name)
            for given, name in (
                (training_chief_hooks, "training_chief_hooks"),
                (training_hooks, "training_hooks"),
                (evaluation_hooks, "evaluation_hooks"),
                (prediction_hooks, "prediction_hooks"),
            )
        ]
        if scaffold is not None and not isinstance(scaffold, Scaffold):
            raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
        return super().__new__(
            cls,
            mode,
            checked_predictions,
            _loss(loss, mode),
            train_op,
            _metrics(eval_metric_ops),
            _exports(export_outputs),
            hooks[0],
            hooks[1],
            scaffold or Scaffold(),
            hooks[2],
            hooks[3],
        )


def _tensor(value: Any, name: str) -> Any:
    if not is_tensor(value):
        raise TypeError(f"{name} must be Tensor, given: {value}")
    return value.value() if isinstance(value, Variable) else value


def _loss(loss: Any, mode: str) -> Any:
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    loss = convert_to_tensor(loss)
    if not loss.shape.is_compatible_with([]) and not loss.shape.is_compatible_with([1]):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    return loss if loss.shape.rank in (0, None) else loss[0]


def _metrics(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns metrics as pairs of value and update."""
    found: dict[str, Any] = {}
    if metrics is None:
        return found
    if not isinstance(metrics, Mapping):
        raise TypeError(f"eval_metric_ops must be a dict, given: {metrics}")
    of_keras: dict[int, Any] = {}  # one of several names is asked once: its updates must not wait for its value
    for name, metric in metrics.items():
        if is_metric(metric):
            if id(metric) not in of_keras:
                of_keras[id(metric)] = metric_operations(metric)
            metric = of_keras[id(metric)]
        if not isinstance(metric, tuple) or len(metric) != 2:
            raise TypeError(
                f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {metric} for key: {name}"
            )
        value, update = metric
        for each in metric:
            if not isinstance(each, Operation) and not is_tensor(each):
                raise TypeError(f"Values of eval_metric_ops must be tensors or operations, given: {metric} for: {name}")
        found[name] = value, update
    return found


def _exports(outputs: Mapping[str, ExportOutput] | None) -> dict[str, ExportOutput] | None:
    if outputs is None:
        return None
    if not isinstance(outputs, Mapping):
        raise TypeError(f"export_outputs must be dict, given: {outputs}")
    for value in outputs.values():
        if not isinstance(value, ExportOutput):
            raise TypeError(f"Values in export_outputs must be ExportOutput objects. Given: {dict(outputs)}")
    found = dict(outputs)
    if len(found) == 1:
        (value,) = found.values()
        found[DEFAULT_SERVING_KEY] = value
    elif found and DEFAULT_SERVING_KEY not in found:
        raise ValueError(
            "Multiple export_outputs were provided, but none of them is specified as the default. Do this by naming "
            f"one of them with signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY, {DEFAULT_SERVING_KEY!r}."
        )
    return found


def _hooks(hooks: Sequence[Any] | None, name: str) -> tuple[Any, ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook} in {name}")
    return found
