"""Training and evaluation in turns, and exports after them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import logger as logging
from tideflow._src.estimator.estimator import Estimator
from tideflow._src.train.session_run_hook import SessionRunHook


class Exporter:
    """Writes models after evaluations."""

    @property
    def name(self) -> str:
        """The name, which is that of the folder."""
        raise NotImplementedError

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> bytes | None:
        """Writes a model, or does nothing.

        Args:
          estimator: the estimator.
          export_path: the folder for models of this exporter.
          checkpoint_path: the checkpoint that was evaluated.
          eval_result: what that gave.
          is_the_final_export: whether training is over.

        Returns:
          The path of the model, or None.
        """
        raise NotImplementedError


class _Exporting(Exporter):
    def __init__(self, name: str, serving_input_receiver_fn: Any, assets_extra: Any, as_text: bool) -> None:
        if not name:
            raise ValueError('"name" argument is required.')
        self._name = name
        self._serving_input_receiver_fn = serving_input_receiver_fn
        self._assets_extra = assets_extra
        self._as_text = as_text

    @property
    def name(self) -> str:
        return self._name

    def _written(self, estimator: Any, export_path: str, checkpoint_path: str) -> bytes:
        return estimator.export_saved_model(
            export_path,
            self._serving_input_receiver_fn,
            assets_extra=self._assets_extra,
            as_text=self._as_text,
            checkpoint_path=checkpoint_path,
        )


class FinalExporter(_Exporting):
    """Writes a model at the end.

    Args:
      name: the name of the folder.
      serving_input_receiver_fn, assets_extra, as_text: as of `Estimator.export_saved_model`.

    Raises:
      ValueError: there is no name.
    """

    def __init__(
        self, name: str, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> bytes | None:
        if not is_the_final_export:
            return None
        return self._written(estimator, export_path, checkpoint_path)


class LatestExporter(_Exporting):
    """Writes a model after each evaluation, and keeps the latest ones.

    Args:
      name: the name of the folder.
      serving_input_receiver_fn, assets_extra, as_text: as of `Estimator.export_saved_model`.
      exports_to_keep: how many are kept; None for all.

    Raises:
      ValueError: there is no name, or less than one is to be kept.
    """

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: Any,
        assets_extra: Any = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        _check_kept(exports_to_keep)
        self._exports_to_keep = exports_to_keep

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> bytes | None:
        path = self._written(estimator, export_path, checkpoint_path)
        _remove_old(export_path, self._exports_to_keep)
        return path


def loss_smaller(best_eval_result: Mapping[str, Any], current_eval_result: Mapping[str, Any]) -> bool:
    """Tells whether the loss of an evaluation is less than that of the best one.

    Args:
      best_eval_result: the metrics of the best evaluation.
      current_eval_result: those of this one.

    Raises:
      ValueError: one has no loss.
    """
    for name, result in (("best_eval_result", best_eval_result), ("current_eval_result", current_eval_result)):
        if not result or "loss" not in result:
            raise ValueError(f"{name} cannot be empty or no loss is found in it.")
    return bool(best_eval_result["loss"] > current_eval_result["loss"])


class BestExporter(_Exporting):
    """Writes a model after each evaluation that is better than all before.

    Args:
      name: the name of the folder.
      serving_input_receiver_fn: as of `Estimator.export_saved_model`.
      event_file_pattern: not used: the best of earlier runs is not looked for.
      compare_fn: tells of the best evaluation and of this one whether this one is better.
      assets_extra, as_text: as of `Estimator.export_saved_model`.
      exports_to_keep: how many are kept; None for all.

    Raises:
      ValueError: there is no comparison, or less than one is to be kept.
    """

    def __init__(
        self,
        name: str = "best_exporter",
        serving_input_receiver_fn: Any = None,
        event_file_pattern: str | None = None,
        compare_fn: Callable[..., bool] = loss_smaller,
        assets_extra: Any = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        del event_file_pattern
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        if compare_fn is None:
            raise ValueError("`compare_fn` must not be None.")
        _check_kept(exports_to_keep)
        self._compare_fn = compare_fn
        self._exports_to_keep = exports_to_keep
        self._best: Any = None

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> bytes | None:
        if self._best is not None and not self._compare_fn(
            best_eval_result=self._best, current_eval_result=eval_result
        ):
            return None
        self._best = eval_result
        path = self._written(estimator, export_path, checkpoint_path)
        _remove_old(export_path, self._exports_to_keep)
        return path


def _check_kept(exports_to_keep: int | None) -> None:
    if exports_to_keep is not None and exports_to_keep <= 0:
        raise ValueError(f"`exports_to_keep`, if provided, must be a positive number. Got {exports_to_keep}")


def _remove_old(folder: str, kept: int | None) -> None:
    if kept is not None:
        names = sorted((name for name in os.listdir(folder) if name.isdigit()), key=int)
        for name in names[:-kept]:
            shutil.rmtree(os.path.join(folder, name))


class _TrainSpec(NamedTuple):
    input_fn: Any
    max_steps: int | None
    hooks: tuple[Any, ...]
    saving_listeners: tuple[Any, ...]


class TrainSpec(_TrainSpec):
    """Says how to train: ``tf.estimator.TrainSpec``.

    Args:
      input_fn: as of `Estimator.train`.
      max_steps: the step at which training ends.
      hooks: hooks of the session.
      saving_listeners: as of `Estimator.train`.

    Raises:
      ValueError: the number of steps is less than 1.
      TypeError: the input is no function, or something is no hook.
    """

    def __new__(
        cls,
        input_fn: Any,
        max_steps: int | None = None,
        hooks: Sequence[Any] | None = None,
        saving_listeners: Sequence[Any] | None = None,
    ) -> TrainSpec:
        _check_input(input_fn)
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(cls, input_fn, max_steps, _checked_hooks(hooks), tuple(saving_listeners or ()))


class _EvalSpec(NamedTuple):
    input_fn: Any
    steps: int | None
    name: str | None
    hooks: tuple[Any, ...]
    exporters: tuple[Exporter, ...]
    start_delay_secs: float
    throttle_secs: float


class EvalSpec(_EvalSpec):
    """Says how to evaluate: ``tf.estimator.EvalSpec``.

    Args:
      input_fn: as of `Estimator.evaluate`.
      steps: how many batches are looked at; None for all.
      name: the name of the evaluation.
      hooks: hooks of the session.
      exporters: an exporter or several.
      start_delay_secs: for clusters: how long the evaluator waits.
      throttle_secs: how many seconds are to pass between two evaluations at least.

    Raises:
      ValueError: a number is less than it may be.
      TypeError: something is of another type.
    """

    def __new__(
        cls,
        input_fn: Any,
        steps: int | None = 100,
        name: str | None = None,
        hooks: Sequence[Any] | None = None,
        exporters: Any = None,
        start_delay_secs: float = 120,
        throttle_secs: float = 600,
    ) -> EvalSpec:
        _check_input(input_fn)
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        if start_delay_secs < 0:
            raise ValueError(f"Must specify start_delay_secs >= 0, given: {start_delay_secs}")
        if throttle_secs < 0:
            raise ValueError(f"Must specify throttle_secs >= 0, given: {throttle_secs}")
        used = (exporters,) if isinstance(exporters, Exporter) else tuple(exporters or ())
        for exporter in used:
            if not isinstance(exporter, Exporter):
                raise TypeError(
                    f"`exporters` must be an Exporter, an iterable of Exporter, or `None`, given {exporters}."
                )
        if len({exporter.name for exporter in used}) < len(used):
            raise ValueError(f"`exporters` must have unique names. Such a name cannot be repeated: {used}")
        return super().__new__(cls, input_fn, steps, name, _checked_hooks(hooks), used, start_delay_secs, throttle_secs)


def _check_input(input_fn: Any) -> None:
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn}")


def _checked_hooks(hooks: Sequence[Any] | None) -> tuple[Any, ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook}")
    return found


class _Evaluating:
    """Evaluates when a checkpoint is written, unless the last time is too near."""

    def __init__(self, estimator: Estimator, spec: EvalSpec, max_steps: int | None) -> None:
        self._estimator = estimator
        self._spec = spec
        self._max_steps = max_steps
        self._last: float | None = None
        self._evaluated: str | None = None
        self._is_final = False
        self.result: Any = None
        self.exports: list[Any] = []

    def begin(self) -> None:
        """Begins to count the seconds."""
        self._last = time.monotonic()

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Does nothing."""

    def after_save(self, session: Any, global_step_value: int) -> None:
        """Evaluates what was written."""
        del session
        final = self._max_steps is not None and global_step_value >= self._max_steps
        if not final and self._last is not None and time.monotonic() - self._last < self._spec.throttle_secs:
            return
        self.evaluate(final)

    def end(self, session: Any, global_step_value: int) -> None:
        """Evaluates at the end."""
        del session, global_step_value
        self.evaluate(True)

    def evaluate(self, final: bool) -> None:
        """Evaluates the latest checkpoint, and exports it; a second time only what is exported at the end."""
        path = self._estimator.latest_checkpoint()
        if path is None or (path == self._evaluated and not final):
            return
        spec = self._spec
        exporters = spec.exporters
        if path == self._evaluated:
            exporters = tuple(each for each in exporters if isinstance(each, FinalExporter) and not self._is_final)
        else:
            self.result = self._estimator.evaluate(spec.input_fn, spec.steps, spec.hooks, path, spec.name)
            self.exports = []
        for exporter in exporters:
            folder = os.path.join(self._estimator.model_dir, "export", exporter.name)
            self.exports.append(exporter.export(self._estimator, folder, path, self.result, final))
        self._evaluated, self._is_final = path, final
        self._last = time.monotonic()


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, list[Any]]:
    """Trains, and evaluates and exports checkpoints on the way and at the end.

    Args:
      estimator: the estimator.
      train_spec: how to train.
      eval_spec: how to evaluate.

    Returns:
      What the last evaluation gave, and what the exporters gave for it: paths, or None.

    Raises:
      TypeError: something is of another type.
      ValueError: the process is one of a cluster that does something else than train.
    """
    if not isinstance(train_spec, TrainSpec):
        raise TypeError(f"`train_spec` must have type `tf.estimator.TrainSpec`. Got: {type(train_spec)}")
    if not isinstance(eval_spec, EvalSpec):
        raise TypeError(f"`eval_spec` must have type `tf.estimator.EvalSpec`. Got: {type(eval_spec)}")
    evaluating = _Evaluating(estimator, eval_spec, train_spec.max_steps)
    logging.info(
        "Start train and evaluate loop. The evaluate will happen after every checkpoint. Checkpoint frequency is "
        "determined based on RunConfig arguments: save_checkpoints_steps %s or save_checkpoints_secs %s.",
        estimator.config.save_checkpoints_steps,
        estimator.config.save_checkpoints_secs,
    )
    estimator.train(
        train_spec.input_fn,
        hooks=list(train_spec.hooks),
        max_steps=train_spec.max_steps,
        saving_listeners=[*train_spec.saving_listeners, evaluating],
    )
    return evaluating.result, evaluating.exports
