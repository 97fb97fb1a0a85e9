"""Estimators: a model function, and a folder with what it has learned."""

from __future__ import annotations

import copy
import inspect
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.checkpoint.reading import list_variables, load_variable
from tideflow._src.checkpoint.saver import Saver
from tideflow._src.checkpoint.state_file import latest_checkpoint
from tideflow._src.checkpoint.warm_start import warm_start
from tideflow._src.core import logger as logging
from tideflow._src.data.dataset import Dataset
from tideflow._src.data.v1 import make_initializable_iterator
from tideflow._src.estimator.keras_updates import names_of_a_graph
from tideflow._src.estimator.run_config import RunConfig
from tideflow._src.estimator.serving import with_names
from tideflow._src.estimator.specs import EstimatorSpec, ModeKeys
from tideflow._src.graph import protos
from tideflow._src.graph.default_graph import add_to_collection, get_collection
from tideflow._src.graph.graph import Graph
from tideflow._src.layers.metric_means import mean
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.random.seeds import set_seed
from tideflow._src.runtime.devices import device_v1
from tideflow._src.saved_model.v1.builder import SavedModelBuilder
from tideflow._src.saved_model.v1.signature_definitions import predict_signature_def
from tideflow._src.session.session import Session
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable_collections import local_variables_initializer, tables_initializer
from tideflow._src.summary.file_writer import FileWriterCache
from tideflow._src.summary.graph_summaries import scalar
from tideflow._src.train.basic_session_run_hooks import LoggingTensorHook, NanTensorHook, StopAtStepHook
from tideflow._src.train.evaluation import _evaluate_once, _StopAfterNEvalsHook
from tideflow._src.train.global_step import get_or_create_global_step
from tideflow._src.train.monitored_session import MonitoredSession, MonitoredTrainingSession
from tideflow._src.train.saving_hooks import CheckpointSaverHook
from tideflow._src.train.scaffold import Scaffold
from tideflow._src.train.session_creators import ChiefSessionCreator
from tideflow._src.train.session_run_hook import SessionRunHook

_MODEL_FN_ARGUMENTS = {"features", "labels", "mode", "params", "self", "config"}
#: The tags of the meta graph for each mode.
_TAGS = {ModeKeys.TRAIN: "train", ModeKeys.EVAL: "eval", ModeKeys.PREDICT: "serve"}
#: What the signatures of training and evaluation are called.
_SIGNATURES = {ModeKeys.TRAIN: "train", ModeKeys.EVAL: "eval"}


class WarmStartSettings:
    """Says what an estimator begins with: ``tf.estimator.WarmStartSettings``.

    Args:
      ckpt_to_initialize_from: a checkpoint or its folder.
      vars_to_warm_start: which variables: a regular expression, or a list of them.
      var_name_to_vocab_info: vocabularies by the names of variables.
      var_name_to_prev_var_name: the names in the checkpoint by those of variables.

    Raises:
      ValueError: there is no checkpoint.
    """

    def __init__(
        self,
        ckpt_to_initialize_from: str,
        vars_to_warm_start: Any = ".*",
        var_name_to_vocab_info: Mapping[str, Any] | None = None,
        var_name_to_prev_var_name: Mapping[str, str] | None = None,
    ) -> None:
        if not ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        self.ckpt_to_initialize_from = ckpt_to_initialize_from
        self.vars_to_warm_start = vars_to_warm_start
        self.var_name_to_vocab_info = dict(var_name_to_vocab_info or {})
        self.var_name_to_prev_var_name = dict(var_name_to_prev_var_name or {})


class _InitializeIterator(SessionRunHook):
    """Begins the iterator of the input with each session."""

    def __init__(self) -> None:
        self.initializer: Any = None

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Runs the initializer."""
        del coord
        if self.initializer is not None:
            session.run(self.initializer)


class _Evaluation(NamedTuple):
    """Is what evaluates a model: the update of its metrics, their values, hooks, and the graph's scaffold."""

    update: Any
    values: dict[str, Any]
    hooks: list[Any]
    scaffold: Any


class Estimator:
    """Trains, evaluates and exports the model that a function describes.

    Args:
      model_fn: a function of ``features`` and, as it asks for them by name, ``labels``, ``mode``, ``params`` and
        ``config``; it returns an `EstimatorSpec`.
      model_dir: the folder of checkpoints and summaries; a temporary one if neither this nor the config names one.
      config: a `RunConfig`.
      params: what the model function gets as ``params``, a dictionary.
      warm_start_from: a checkpoint, a SavedModel, or `WarmStartSettings` to begin with.

    Raises:
      ValueError: the model function has other arguments, lacks one, or the folder differs from that of the config.

    >>> import numpy as np
    >>> import tideflow as tf
    >>> v1 = tf.compat.v1
    >>> def model(features, labels, mode):
    ...     y = v1.layers.dense(features["x"], 1, name="line")[:, 0]
    ...     loss = tf.reduce_mean(tf.square(y - labels)) if labels is not None else None
    ...     step = v1.train.get_global_step()
    ...     train = v1.train.AdamOptimizer(0.3).minimize(loss, step) if mode == "train" else None
    ...     return tf.estimator.EstimatorSpec(mode, {"y": y}, loss, train)
    >>> x = np.linspace(0, 1, 50, dtype=np.float32)[:, np.newaxis]
    >>> data = v1.estimator.inputs.numpy_input_fn({"x": x}, 3 * x[:, 0] - 1, 50, None, False)
    >>> estimator = tf.estimator.Estimator(model).train(data, steps=150)
    >>> abs(estimator.get_variable_value("line/kernel").item() - 3) < 0.1
    True
    """

    def __init__(
        self,
        model_fn: Callable[..., EstimatorSpec],
        model_dir: Any = None,
        config: RunConfig | None = None,
        params: Mapping[str, Any] | None = None,
        warm_start_from: Any = None,
    ) -> None:
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        _check_model_function(model_fn, params)
        if config is not None and not isinstance(config, RunConfig):
            raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
        self._model_fn = model_fn
        self._config = with_folder(config or RunConfig(), model_dir)
        self._params = copy.deepcopy(dict(params or {}))
        if isinstance(warm_start_from, str | bytes | os.PathLike):
            warm_start_from = WarmStartSettings(os.fsdecode(warm_start_from))
        self._warm_start = warm_start_from

    @property
    def model_dir(self) -> str:
        """The folder of checkpoints and summaries."""
        return str(self._config.model_dir)

    @property
    def config(self) -> RunConfig:
        """A copy of the configuration."""
        return copy.copy(self._config)

    @property
    def params(self) -> dict[str, Any]:
        """A copy of the parameters."""
        return copy.deepcopy(self._params)

    @property
    def model_fn(self) -> Callable[..., EstimatorSpec]:
        """The model function, with the parameters bound."""

        def public_model_fn(features: Any, labels: Any, mode: str, config: RunConfig) -> EstimatorSpec:
            return self._call_model_fn(features, labels, mode, config)

        return public_model_fn

    def eval_dir(self, name: str | None = None) -> str:
        """Returns the folder of the summaries of evaluations.

        Args:
          name: that of the evaluation.
        """
        return os.path.join(self.model_dir, "eval" if not name else f"eval_{name}")

    def latest_checkpoint(self) -> str | None:
        """Returns the latest checkpoint of the folder, or None."""
        return latest_checkpoint(self.model_dir)

    def get_variable_names(self) -> list[str]:
        """Returns the names of the variables of the latest checkpoint.

        Raises:
          ValueError: there is none.
        """
        self._require_checkpoint()
        return [name for name, _ in list_variables(self.model_dir)]

    def get_variable_value(self, name: str) -> np.ndarray[Any, Any]:
        """Returns a variable of the latest checkpoint.

        Args:
          name: its name, with or without ``:0``.

        Raises:
          ValueError: there is no checkpoint.
          NotFoundError: it has no such variable.
        """
        self._require_checkpoint()
        return load_variable(self.model_dir, name.removesuffix(":0"))

    def _learned(self, checkpoint_path: str | None, purpose: str) -> str | None:
        """Returns the checkpoint that was given, or the latest one; None, and a line in the log, if there is none."""
        path = checkpoint_path or self.latest_checkpoint()
        if not path:
            logging.info(
                "Could not find trained model in model_dir: %s, running initialization to %s.", self.model_dir, purpose
            )
        return path

    def _require_checkpoint(self) -> None:
        if not self.latest_checkpoint():
            raise ValueError(f"Could not find trained model in model_dir: {self.model_dir}.")

    # Training.

    def train(
        self,
        input_fn: Callable[..., Any],
        hooks: Sequence[SessionRunHook] | None = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: Sequence[Any] | None = None,
    ) -> Estimator:
        """Trains from the latest checkpoint on.

        Args:
          input_fn: a function that returns a dataset of pairs of features and labels, or such a pair of tensors. It may
            ask for ``mode``, ``params`` and ``config``.
          hooks: hooks of the session.
          steps: how many steps are made; by default, as many as the input is long.
          max_steps: the step at which training ends, counted from the first of all.
          saving_listeners: what is called before and after checkpoints are written.

        Returns:
          The estimator.

        Raises:
          ValueError: both numbers of steps are given, or one is less than 1.
        """
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        _check_positive("steps", steps)
        _check_positive("max_steps", max_steps)
        if max_steps is not None:
            start = self._trained_steps()
            if max_steps <= start:
                logging.info("Skipping training since max_steps has already saved.")
                return self
        used = list(hooks or [])
        _check_hooks(used)
        if steps is not None or max_steps is not None:
            used.append(StopAtStepHook(steps, max_steps))
        with self._graph():
            get_or_create_global_step()
            features, labels, initialize = self._inputs(input_fn, ModeKeys.TRAIN)
            spec = self._call_model_fn(features, labels, ModeKeys.TRAIN, self._config)
            self._warm_up()
            scalar("loss", spec.loss)
            loss = self._train_in_session(spec, [initialize, *used], saving_listeners)
        if loss is not None:
            logging.info("Loss for final step: %s.", loss)
        return self

    def _trained_steps(self) -> int:
        """Returns how many steps the latest checkpoint has behind it."""
        path = self.latest_checkpoint()
        return int(load_variable(path, GraphKeys.GLOBAL_STEP)) if path else 0

    def _warm_up(self) -> None:
        """Lets variables begin with what another model has learned, unless this one has learned something."""
        if self._warm_start is not None and not self.latest_checkpoint():
            given = self._warm_start
            warm_start(
                given.ckpt_to_initialize_from,
                given.vars_to_warm_start,
                given.var_name_to_vocab_info,
                given.var_name_to_prev_var_name,
            )

    def _train_in_session(self, spec: EstimatorSpec, hooks: list[Any], saving_listeners: Any) -> Any:
        config = self._config
        every = config.log_step_count_steps
        scaffold = self._with_saver(spec.scaffold)
        hooks = [*hooks, NanTensorHook(spec.loss), *spec.training_hooks]
        if every is not None:
            step = get_or_create_global_step()
            hooks.append(LoggingTensorHook({"loss": spec.loss, "step": step}, every_n_iter=every))
        chief_hooks = list(spec.training_chief_hooks)
        saves = config.save_checkpoints_secs or config.save_checkpoints_steps
        savers = [hook for hook in (*hooks, *chief_hooks) if isinstance(hook, CheckpointSaverHook)]
        if saves and not savers:
            savers = [
                CheckpointSaverHook(
                    self.model_dir,
                    save_secs=config.save_checkpoints_secs,
                    save_steps=config.save_checkpoints_steps,
                    scaffold=scaffold,
                    save_graph_def=config.checkpoint_save_graph_def,
                )
            ]
            chief_hooks += savers
        if saving_listeners:
            if not savers:
                raise ValueError(
                    "There should be a CheckpointSaverHook to use saving_listeners. Please set one of the "
                    "RunConfig.save_checkpoints_steps or RunConfig.save_checkpoints_secs."
                )
            for saver in savers:
                saver._listeners += [each for each in saving_listeners if each not in saver._listeners]
        loss = None
        with MonitoredTrainingSession(
            checkpoint_dir=self.model_dir,
            scaffold=scaffold,
            hooks=hooks,
            chief_only_hooks=chief_hooks,
            save_checkpoint_secs=0,
            save_summaries_steps=config.save_summary_steps,
            config=config.session_config,
            log_step_count_steps=every,
            save_graph_def=config.checkpoint_save_graph_def,
        ) as session:
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
        return loss

    def _with_saver(self, scaffold: Scaffold) -> Scaffold:
        """Gives a scaffold without a saver one that keeps as many checkpoints as the configuration says."""
        if scaffold.saver is None and not get_collection(GraphKeys.SAVERS):
            saver = Saver(
                sharded=True,
                max_to_keep=self._config.keep_checkpoint_max,
                keep_checkpoint_every_n_hours=self._config.keep_checkpoint_every_n_hours,
                defer_build=True,
                save_relative_paths=True,
            )
            add_to_collection(GraphKeys.SAVERS, saver)
        return scaffold

    # Evaluation.

    def evaluate(
        self,
        input_fn: Callable[..., Any],
        steps: int | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        checkpoint_path: str | None = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Evaluates a checkpoint.

        Args:
          input_fn: as for `train`.
          steps: how many batches are looked at; by default all.
          hooks: hooks of the session.
          checkpoint_path: the checkpoint; the latest one by default. If there is none, the variables are initialized.
          name: the name of the evaluation, which its folder gets.

        Returns:
          The metrics by name, with ``loss``, the mean of the batches' losses, and ``global_step``. They are also
          written as summaries.

        Raises:
          ValueError: the number of steps is less than 1, or a metric is called as one of the estimator's own.
        """
        path = self._learned(checkpoint_path, "evaluate")
        with self._graph():
            evaluation = self._evaluation(input_fn, steps, hooks)
            if not path:
                self._warm_up()
            result = self._evaluated(evaluation, path, evaluation.scaffold)
        self._write_evaluation(result, self.eval_dir(name), path)
        return dict(result)

    def _evaluation(self, input_fn: Callable[..., Any], steps: int | None, hooks: Any) -> _Evaluation:
        """Builds what evaluates a model in the graph around."""
        _check_positive("steps", steps)
        used = list(hooks or [])
        _check_hooks(used)
        step = get_or_create_global_step()
        features, labels, initialize = self._inputs(input_fn, ModeKeys.EVAL)
        spec = self._call_model_fn(features, labels, ModeKeys.EVAL, self._config)
        metrics = dict(spec.eval_metric_ops)
        if "loss" in metrics:
            raise ValueError('Metric with name "loss" is not allowed, because Estimator already defines it.')
        metrics["loss"] = mean(spec.loss)
        if GraphKeys.GLOBAL_STEP in metrics:
            raise ValueError("Metric with name `global_step` is not allowed, because Estimator already defines it.")
        values: dict[str, Any] = {key: value for key, (value, _) in metrics.items()}
        values[GraphKeys.GLOBAL_STEP] = step
        used = [initialize, *used, *spec.evaluation_hooks]
        if steps is not None:
            used.append(_StopAfterNEvalsHook(steps))
        return _Evaluation(group(*(update for _, update in metrics.values())), values, used, spec.scaffold)

    def _evaluated(self, evaluation: _Evaluation, path: str | None, scaffold: Any) -> Any:
        """Runs an evaluation of the graph around, of the variables of a checkpoint or of a scaffold."""
        return _evaluate_once(
            checkpoint_path=path,
            scaffold=scaffold,
            eval_ops=evaluation.update,
            final_ops=evaluation.values,
            hooks=list(evaluation.hooks),
            config=self._config.session_config,
        )

    def _write_evaluation(self, result: Mapping[str, Any], folder: str, path: str | None) -> None:
        step = int(result[GraphKeys.GLOBAL_STEP])
        shown = ", ".join(f"{key} = {value}" for key, value in sorted(result.items()))
        logging.info("Saving dict for global step %d: %s", step, shown)
        with Graph().as_default():
            writer = FileWriterCache.get(folder)
        summary = protos.get("Summary")()
        for key, value in result.items():
            if key != GraphKeys.GLOBAL_STEP and np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiub":
                summary.value.add(tag=key, simple_value=float(value))
        writer.add_summary(summary, step)
        writer.flush()
        if path:
            logging.info("Saving 'checkpoint_path' summary for global step %d: %s", step, path)

    # Prediction.

    def predict(
        self,
        input_fn: Callable[..., Any],
        predict_keys: Any = None,
        hooks: Sequence[SessionRunHook] | None = None,
        checkpoint_path: str | None = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:
        """Yields predictions.

        Args:
          input_fn: a function that returns a dataset or tensors of features; of pairs, the labels are dropped.
          predict_keys: the names of the predictions that are wanted; all by default.
          hooks: hooks of the session.
          checkpoint_path: the checkpoint; the latest one by default. If there is none, the variables are initialized.
          yield_single_examples: whether predictions come one by one, and not in batches.

        Yields:
          Predictions: arrays by name, or arrays where the model function gives one tensor.

        Raises:
          ValueError: no prediction has a name that is wanted, or the batches of predictions differ in length.
        """
        used = list(hooks or [])
        _check_hooks(used)
        path = self._learned(checkpoint_path, "predict")
        with self._graph():
            get_or_create_global_step()
            features, _, initialize = self._inputs(input_fn, ModeKeys.PREDICT)
            spec = self._call_model_fn(features, None, ModeKeys.PREDICT, self._config)
            if not path:
                self._warm_up()
            wanted = _wanted(spec.predictions, predict_keys)
            used = [initialize, *used, *spec.prediction_hooks]
            creator = ChiefSessionCreator(
                scaffold=spec.scaffold, checkpoint_filename_with_path=path, config=self._config.session_config
            )
            with MonitoredSession(session_creator=creator, hooks=used) as session:
                while not session.should_stop():
                    batch = session.run(wanted)
                    if not yield_single_examples:
                        yield batch
                    elif not isinstance(batch, dict):
                        yield from batch
                    else:
                        for index in range(_length(batch)):
                            yield {key: value[index] for key, value in batch.items()}

    # Export.

    def export_saved_model(
        self,
        export_dir_base: Any,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
        experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:
        """Writes a SavedModel.

        Args:
          export_dir_base: the folder that gets a folder, called by the time, with the model.
          serving_input_receiver_fn: a function that returns a `ServingInputReceiver`: what is fed, and the features.
          assets_extra: files that are copied: their paths by those below ``assets.extra``.
          as_text: whether the message is written as text.
          checkpoint_path: the checkpoint; the latest one by default.
          experimental_mode: the mode in which the model function is called.

        Returns:
          The path of the model.

        Raises:
          ValueError: there is no checkpoint, no such function, or nothing to give out.
        """
        return self._export(
            export_dir_base, {experimental_mode: serving_input_receiver_fn}, assets_extra, as_text, checkpoint_path
        )

    def export_savedmodel(
        self,
        export_dir_base: Any,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
        strip_default_attrs: bool = False,
    ) -> bytes:
        """Is `export_saved_model` by its name of TensorFlow 1.x; attributes as they are by default are left out."""
        del strip_default_attrs
        return self.export_saved_model(
            export_dir_base, serving_input_receiver_fn, assets_extra, as_text, checkpoint_path
        )

    def experimental_export_all_saved_models(
        self,
        export_dir_base: Any,
        input_receiver_fn_map: Mapping[str, Callable[[], Any]],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
    ) -> bytes:
        """Writes a SavedModel with a graph for each of several modes.

        Args:
          export_dir_base, assets_extra, as_text, checkpoint_path: as for `export_saved_model`.
          input_receiver_fn_map: functions that return receivers, by mode; those to train and to evaluate have labels.

        Returns:
          The path of the model.

        Raises:
          ValueError: there is no checkpoint, no function, or nothing to give out.
        """
        return self._export(export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path)

    def _export(
        self,
        export_dir_base: Any,
        receiver_functions: Mapping[str, Any],
        assets_extra: Mapping[str, str] | None,
        as_text: bool,
        checkpoint_path: str | None,
    ) -> bytes:
        if not receiver_functions or any(function is None for function in receiver_functions.values()):
            raise ValueError("An input_receiver_fn must be defined.")
        path = checkpoint_path or self.latest_checkpoint()
        if not path:
            raise ValueError(f"Couldn't find trained model at {self.model_dir}.")
        base = os.fspath(export_dir_base)
        final = _timestamped(base.decode() if isinstance(base, bytes) else base)
        # Nothing stands under the final name before it is whole.
        hidden = os.path.join(os.path.dirname(final), f"temp-{os.path.basename(final)}")
        builder = SavedModelBuilder(hidden)
        has_variables = False
        try:
            for mode in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
                if mode in receiver_functions:
                    self._add_graph(builder, receiver_functions[mode], mode, path, has_variables)
                    has_variables = True
            builder.save(as_text)
            for name, source in (assets_extra or {}).items():
                target = os.path.join(hidden, "assets.extra", name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(source, target)
            os.rename(hidden, final)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        return final.encode()

    def _add_graph(self, builder: Any, receiver_function: Any, mode: str, path: str, later: bool) -> None:
        with self._graph() as graph:
            get_or_create_global_step()
            receiver = receiver_function()
            spec = self._call_model_fn(with_names(receiver), getattr(receiver, "labels", None), mode, self._config)
            signatures = _signatures(spec, receiver, mode)
            with Session(graph=graph, config=self._config.session_config) as session:
                local_init = spec.scaffold.local_init_op or group(local_variables_initializer(), tables_initializer())
                saver = spec.scaffold.saver or Saver(sharded=True)
                saver.restore(session, path)
                assets = graph.get_collection(GraphKeys.ASSET_FILEPATHS)
                options = {
                    "signature_def_map": signatures,
                    "assets_collection": assets,
                    "main_op": local_init,
                    "saver": saver,
                }
                if later:
                    builder.add_meta_graph([_TAGS[mode]], **options)
                else:
                    builder.add_meta_graph_and_variables(session, [_TAGS[mode]], strip_default_attrs=True, **options)

    # Graphs.

    @contextmanager
    def _graph(self) -> Iterator[Graph]:
        """Opens a new graph with the seed and the devices of the configuration."""
        graph = Graph()
        with graph.as_default(), device_v1(self._config.device_fn):
            set_seed(self._config.tf_random_seed)
            yield graph

    def _inputs(self, input_fn: Callable[..., Any], mode: str) -> tuple[Any, Any, _InitializeIterator]:
        """Returns features, labels or None, and the hook that begins the input."""
        hook = _InitializeIterator()
        arguments = {"mode": mode, "params": self.params, "config": self.config}
        asked = _arguments_of(input_fn)
        with device_v1("/cpu:0"):
            given = input_fn(**{name: value for name, value in arguments.items() if name in asked})
            if isinstance(given, Dataset):
                iterator = make_initializable_iterator(given)
                hook.initializer = iterator.initializer
                given = iterator.get_next()
        if isinstance(given, list | tuple):
            if len(given) != 2:
                raise ValueError(f"input_fn should return (features, labels) as a len 2 tuple. Given: {given}")
            return given[0], given[1], hook
        return given, None, hook

    def _call_model_fn(self, features: Any, labels: Any, mode: str, config: RunConfig) -> EstimatorSpec:
        asked = _arguments_of(self._model_fn)
        arguments: dict[str, Any] = {}
        if "labels" in asked:
            arguments["labels"] = labels
        elif labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        if "mode" in asked:
            arguments["mode"] = mode
        if "params" in asked:
            arguments["params"] = self.params
        if "config" in asked:
            arguments["config"] = config
        logging.info("Calling model_fn.")
        with names_of_a_graph():
            spec = self._model_fn(features=features, **arguments)
        logging.info("Done calling model_fn.")
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec


def _arguments_of(function: Any) -> set[str]:
    """Returns the names of a function's arguments; a function of any keywords asks for all."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return _MODEL_FN_ARGUMENTS - {"self"}
    return {parameter.name for parameter in parameters}


def _check_model_function(model_fn: Any, params: Any) -> None:
    asked = _arguments_of(model_fn)
    if "features" not in asked:
        raise ValueError(f"model_fn ({model_fn}) must include features argument.")
    if params is not None and "params" not in asked:
        raise ValueError(
            f"model_fn ({model_fn}) does not include params argument, but params ({params}) is passed to Estimator."
        )
    others = asked - _MODEL_FN_ARGUMENTS
    if others:
        raise ValueError(f"model_fn ({model_fn}) has following not expected args: {sorted(others)}")


def _check_positive(name: str, steps: int | None) -> None:
    if steps is not None and steps <= 0:
        raise ValueError(f"Must specify {name} > 0, given: {steps}")


def _check_hooks(hooks: Sequence[Any]) -> None:
    for hook in hooks:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")


def with_folder(config: RunConfig, model_dir: Any) -> RunConfig:
    """Returns a configuration with a folder."""
    model_dir = None if model_dir is None else os.fspath(model_dir)
    if model_dir is not None and config.model_dir is not None and model_dir != config.model_dir:
        raise ValueError(
            "`model_dir` are set both in constructor and `RunConfig`, but with different values. In constructor: "
            f"'{model_dir}', in `RunConfig`: '{config.model_dir}' "
        )
    folder = model_dir or config.model_dir
    if folder is None:
        folder = tempfile.mkdtemp()
        logging.warning("Using temporary folder as model directory: %s", folder)
    return config.replace(model_dir=folder)


def _wanted(predictions: Any, keys: Any) -> Any:
    if keys is None:
        return predictions
    if not isinstance(predictions, Mapping):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    chosen = [keys] if isinstance(keys, str) else keys
    found = {name: value for name, value in predictions.items() if name in chosen}
    if not found:
        raise ValueError(f"Expected to run at least one output from {list(predictions)}, provided {chosen}.")
    return found


def _length(batch: Mapping[str, Any]) -> int:
    lengths = {key: value.shape[0] for key, value in batch.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"Batch length of predictions should be same. {lengths}")
    return int(next(iter(lengths.values())))


def _timestamped(base: str) -> str:
    """Returns a path that does not exist yet, named by the seconds since 1970."""
    now = int(time.time())
    while os.path.exists(os.path.join(base, str(now))) or os.path.exists(os.path.join(base, f"temp-{now}")):
        now += 1
    return os.path.join(base, str(now))


def _signatures(spec: EstimatorSpec, receiver: Any, mode: str) -> dict[str, Any]:
    """Returns the signatures of a graph, those that what is fed does not suit left out."""
    if mode != ModeKeys.PREDICT:
        outputs: dict[str, Any] = {"loss": spec.loss}
        found = spec.predictions if isinstance(spec.predictions, Mapping) else {"output": spec.predictions}
        outputs.update({f"predictions/{name}": value for name, value in found.items()})
        outputs.update({f"metrics/{name}/value": value for name, (value, _) in spec.eval_metric_ops.items()})
        return {_SIGNATURES[mode]: predict_signature_def(receiver.receiver_tensors, outputs)}
    if not spec.export_outputs:
        raise ValueError(
            "There must be at least one export_output in the EstimatorSpec of a model that is exported to be served."
        )
    signatures: dict[str, Any] = {}
    refused: dict[str, str] = {}
    feeds = {"": receiver.receiver_tensors, **(receiver.receiver_tensors_alternatives or {})}
    for prefix, tensors in feeds.items():
        for name, output in spec.export_outputs.items():
            key = f"{prefix}:{name}" if prefix else name
            try:
                signatures[key] = output.as_signature_def(tensors)
            except ValueError as error:
                refused[key] = str(error)
    for key, why in refused.items():
        logging.info("Signature %r is left out of the exported model: %s", key, why)
    if not signatures:
        raise ValueError(f"None of the export_outputs suits what the model is fed: {refused}")
    return signatures
