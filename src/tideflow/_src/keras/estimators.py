"""``tf.keras.estimator.model_to_estimator``: estimators of models of Keras 3."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tideflow._src.checkpoint.saver import Saver
from tideflow._src.checkpoint.state_file import checkpoint_exists
from tideflow._src.estimator import keras_updates
from tideflow._src.estimator.estimator import Estimator, WarmStartSettings, with_folder
from tideflow._src.estimator.export_outputs import PredictOutput
from tideflow._src.estimator.run_config import RunConfig
from tideflow._src.estimator.specs import DEFAULT_SERVING_KEY, EstimatorSpec, ModeKeys
from tideflow._src.graph.graph import Graph
from tideflow._src.keras import loading
from tideflow._src.session.session import Session
from tideflow._src.state.assignment import assign_add
from tideflow._src.state.variable_collections import global_variables_initializer
from tideflow._src.train.global_step import get_or_create_global_step


def model_to_estimator(
    keras_model: Any = None,
    keras_model_path: Any = None,
    custom_objects: Mapping[str, Any] | None = None,
    model_dir: Any = None,
    config: RunConfig | None = None,
    checkpoint_format: str | None = "checkpoint",
    use_v2_estimator: bool = True,
    metric_names_map: Mapping[str, str] | None = None,
    export_outputs: Mapping[str, Any] | None = None,
) -> Estimator:
    """Returns an estimator that trains, evaluates and exports a model of Keras.

    Each of its graphs holds a copy of the model, which begins with the weights that the model has now; the model
    itself stays as it is. Its checkpoints are those of names, whatever ``checkpoint_format`` says: Keras 3 reads
    no others of TensorFlow either. Input functions may give ``{"features": ..., "sample_weights": ...}`` as features.

    Args:
      keras_model: a model that was compiled: sequential, functional, or one that ``from_config`` can make anew.
      keras_model_path: a file with such a model, instead of it.
      custom_objects: classes and functions that the model needs, by name.
      model_dir: the folder of the estimator.
      config: how it runs.
      checkpoint_format: ``"checkpoint"`` or ``"saver"``; both are written alike.
      use_v2_estimator: makes no difference: the two kinds of estimators of models of Keras are one here.
      metric_names_map: other names for the metrics of the model, for all of them or for none.
      export_outputs: classes of ``tf.estimator.export`` for outputs, by name.

    Raises:
      ValueError: there is no model or are two, it was not compiled, or cannot be made anew; a name is unknown.
      KeyError: features, labels or ``export_outputs`` lack a name of the model, or have one that it does not.
    """
    if not (keras_model or keras_model_path):
        raise ValueError("Either `keras_model` or `keras_model_path` needs to be provided.")
    if keras_model and keras_model_path:
        raise ValueError("Please specify either `keras_model` or `keras_model_path`, but not both.")
    if checkpoint_format not in (None, "checkpoint", "saver"):
        raise ValueError(f'Checkpoint format must be one of "checkpoint" or "saver". Got {checkpoint_format}')
    keras = loading.keras_module()
    model = keras_model or keras.models.load_model(os.fspath(keras_model_path), custom_objects=custom_objects)
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            "The given keras model has not been compiled yet. Please compile the model with `model.compile()` before "
            "calling `model_to_estimator()`."
        )
    config = with_folder(config or RunConfig(), model_dir)
    made = _Copies(keras, model, dict(custom_objects or {}))
    started = _first_checkpoint(made, os.path.join(str(config.model_dir), "keras"))
    names = [f"{re.escape(name)}:" for name in made.weight_names]
    function = _model_function(made, metric_names_map, export_outputs)
    return Estimator(function, config=config, warm_start_from=started and WarmStartSettings(started, names))


class _Copies:
    """Makes copies of a model, in whatever graph is the default."""

    def __init__(self, keras: Any, model: Any, custom_objects: dict[str, Any]) -> None:
        self._keras, self._model, self._custom_objects = keras, model, custom_objects
        self._compile_config = _with_plain_names(model.get_compile_config())
        # What the weights are now: variables of the model cannot be read while another graph is built.
        self.values = [weight.numpy() for weight in model.weights]
        #: Their names in a graph.
        self.weight_names: list[str] = []

    def make(self, trained: bool = False) -> Any:
        """Returns a copy with variables in the graph; those of an optimizer too, if it is to be trained."""
        with self._keras.utils.CustomObjectScope(self._custom_objects):
            try:
                copy = type(self._model).from_config(self._model.get_config())
            except NotImplementedError:
                raise ValueError(
                    "Subclassed `Model`s passed to `model_to_estimator` must implement `Model.get_config` and "
                    "`Model.from_config`."
                ) from None
            config = self._compile_config if trained else {**self._compile_config, "optimizer": None}
            copy.compile(**self._keras.utils.deserialize_keras_object(config))
        return copy


def _with_plain_names(config: Any) -> Any:
    """Returns a configuration in which names of optimizers do not count the optimizers of the program."""
    found = dict(config)
    for key in ("config", "optimizer", "inner_optimizer"):
        if isinstance(found.get(key), dict):
            found[key] = _with_plain_names(found[key])
    if isinstance(found.get("name"), str):
        found["name"] = keras_updates.plain_name(found["name"])
    return found


def _first_checkpoint(copies: _Copies, folder: str) -> str | None:
    """Writes the weights that the model has, by the names of a graph; None if it has none yet."""
    if not copies.values:
        return None
    path = os.path.join(folder, "keras_model.ckpt")
    with Graph().as_default(), keras_updates.names_of_a_graph():
        copy = copies.make()
        weights = [weight.value for weight in copy.weights]
        if [weight.shape for weight in weights] != [value.shape for value in copies.values]:
            return None  # a model that makes its variables when it is called: its copy begins anew
        copies.weight_names = [weight.op.name for weight in weights]
        if not checkpoint_exists(path):
            os.makedirs(folder, exist_ok=True)
            with Session() as session:
                session.run(global_variables_initializer())
                for weight, value in zip(weights, copies.values, strict=True):
                    weight.load(value, session)
                Saver(weights).save(session, path, write_meta_graph=False)
    return path


def _model_function(
    copies: _Copies, metric_names: Mapping[str, str] | None, exports: Mapping[str, Any] | None
) -> Callable[..., EstimatorSpec]:
    def model_fn(features: Any, labels: Any, mode: str) -> EstimatorSpec:
        weights = None
        if isinstance(features, Mapping) and set(features) == {"features", "sample_weights"}:
            features, weights = features["features"], features["sample_weights"]
        model = copies.make(trained=mode == ModeKeys.TRAIN)
        _require(_input_names(model), features, "features", "input")
        predicted: Any = None

        def predict() -> None:
            nonlocal predicted
            predicted = model(features, training=mode == ModeKeys.TRAIN)

        moving = keras_updates.updates_of(predict)
        outputs = _outputs(model, predicted)
        given = {DEFAULT_SERVING_KEY: PredictOutput(outputs)}
        if exports is not None:
            _require(list(exports), outputs, "model outputs", "export_outputs")
            given |= {name: kind(outputs[name]) for name, kind in exports.items()}
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, outputs, export_outputs=given)
        if isinstance(labels, Mapping):
            _require(list(outputs), labels, "labels", "output")
        loss = model.compute_loss(features, labels, predicted, weights, training=mode == ModeKeys.TRAIN)
        train_op = None
        if mode == ModeKeys.TRAIN:
            variables = [variable.value for variable in model.trainable_variables]
            update = keras_updates.minimize(model.optimizer, loss, variables)
            with update.graph.control_dependencies([update, moving]):
                train_op = assign_add(get_or_create_global_step(), 1).op
        return EstimatorSpec(
            mode,
            outputs,
            loss,
            train_op,
            None if mode == ModeKeys.TRAIN else _metrics(model, labels, predicted, weights, metric_names),
            given,
        )

    return model_fn


def _input_names(model: Any) -> list[str] | None:
    """Returns the names of a model's inputs; None if they come to be when it is called."""
    given = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    if isinstance(given, Mapping):
        return list(given)
    return None if given is None else [each.name for each in model.inputs]


def _outputs(model: Any, predicted: Any) -> dict[str, Any]:
    """Returns the outputs of a model by name."""
    if isinstance(predicted, Mapping):
        return dict(predicted)
    values = list(predicted) if isinstance(predicted, list | tuple) else [predicted]
    functional = getattr(model, "_functional", None) or model  # a sequential model holds a functional one
    names = getattr(functional, "output_names", None)
    if names is None or len(names) != len(values):
        names = [f"output_{number}" for number in range(1, len(values) + 1)]
    return dict(zip(names, values, strict=True))


def _metrics(model: Any, labels: Any, predicted: Any, weights: Any, names: Mapping[str, str] | None) -> dict[str, Any]:
    """Returns the values and updates of the metrics that a model was compiled with."""
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None:
        return {}
    # The metrics come to be at the first update; before it they have no variables.
    compiled.update_state(labels, predicted, weights)
    # In the order of its results, which are called by the names of outputs, too; what computes them here is not used.
    found = dict(zip(compiled.result(), compiled.metrics, strict=True))
    if names:
        if unknown := sorted(set(found) - set(names)):
            raise ValueError(
                f"Invalid `metric_names_map`. The following keras model metric names: {unknown} do not exist in the "
                "`metric_names_map` dictionary"
            )
        if extra := sorted(set(names) - set(found)):
            raise ValueError(
                "Invalid `metric_names_map`. There are unexpected keys in the `metric_names_map` dictionary. Expected "
                f"keys: {sorted(found)}, received: {extra}"
            )
    return {names[name] if names else name: metric for name, metric in found.items()}


def _require(wanted: Iterable[str] | None, given: Any, what: str, kind: str) -> None:
    """Checks that there is something of each name.

    Raises:
      KeyError: something is missing.
    """
    if wanted is None or not isinstance(given, Mapping):
        return
    if missing := sorted(set(wanted) - set(given)):
        raise KeyError(
            f"The dictionary of {what} does not cover requested {kind} keys defined in the keras model. Expected keys: "
            f"{sorted(wanted)}, {what} keys: {sorted(given)}, missed keys: {missing}"
        )
