"""Hooks of training that evaluate, or stop at what was evaluated: ``tf.estimator.experimental``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.checkpoint.reading import load_variable
from tideflow._src.checkpoint.state_file import latest_checkpoint
from tideflow._src.core import logger as logging
from tideflow._src.estimator.estimator import Estimator
from tideflow._src.graph.default_graph import get_collection
from tideflow._src.ops.summary.event_file import summary_iterator
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.train.basic_session_run_hooks import SecondOrStepTimer, StopAtStepHook
from tideflow._src.train.global_step import get_global_step
from tideflow._src.train.scaffold import Scaffold
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunHook


def read_eval_metrics(eval_dir: str) -> dict[int, dict[str, float]]:
    """Returns what evaluations wrote to a folder: metrics by name, by the steps at which they were taken, in order.

    Args:
      eval_dir: the folder of an estimator's evaluations; one that is not there holds none.
    """
    found: dict[int, dict[str, float]] = {}
    names = sorted(os.listdir(eval_dir)) if os.path.isdir(eval_dir) else []
    for name in names:
        if ".tfevents." not in name:
            continue
        for event in summary_iterator(os.path.join(eval_dir, name)):
            values = {each.tag: each.simple_value for each in event.summary.value if each.HasField("simple_value")}
            if values:
                found.setdefault(int(event.step), {}).update(values)
    return dict(sorted(found.items()))


class _StopHook(SessionRunHook):
    """Asks a function at times whether training shall stop."""

    def __init__(self, should_stop: Callable[[], bool], every_secs: float | None, every_steps: int | None) -> None:
        if not callable(should_stop):
            raise TypeError("`should_stop_fn` must be callable.")
        self._should_stop = should_stop
        self._timer = SecondOrStepTimer(every_secs=every_secs, every_steps=every_steps)

    def begin(self) -> None:
        """Finds the global step."""
        self._step = get_global_step()

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Asks for the global step."""
        del run_context
        return SessionRunArgs(self._step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Asks for a stop if the function says so."""
        step = run_values.results
        if not self._timer.should_trigger_for_step(step):
            return
        self._timer.update_last_triggered_step(step)
        if self._should_stop():
            logging.info("Requesting early stopping at global step %d", step)
            run_context.request_stop()


def make_early_stopping_hook(
    estimator: Estimator,
    should_stop_fn: Callable[[], bool],
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Returns a hook that ends training when a function says so.

    Args:
      estimator: the estimator that is trained.
      should_stop_fn: returns whether to stop.
      run_every_secs: how many seconds pass between two calls of it.
      run_every_steps: how many steps, instead.

    Raises:
      TypeError: ``estimator`` is none, or the function cannot be called.
      ValueError: both intervals are given, or neither.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    return _StopHook(should_stop_fn, run_every_secs, run_every_steps)


def _metrics_of(
    estimator: Estimator, metric_name: str, eval_dir: str | None, min_steps: int
) -> Callable[[], dict[int, float]]:
    """Returns a function that reads the values of a metric by steps, from ``min_steps`` on."""
    folder = estimator.eval_dir() if eval_dir is None else eval_dir

    def read() -> dict[int, float]:
        found = read_eval_metrics(folder)
        return {step: metrics[metric_name] for step, metrics in found.items() if step >= min_steps}

    return read


def _at_threshold(read: Callable[[], dict[int, float]], name: str, threshold: float, higher: bool) -> Any:
    def crossed() -> bool:
        for step, value in read().items():
            if value > threshold if higher else value < threshold:
                logging.info(
                    'At step %s, metric "%s" has value %s which is %s the configured threshold (%s) for early '
                    "stopping.",
                    step,
                    name,
                    value,
                    "greater than" if higher else "less than",
                    threshold,
                )
                return True
        return False

    return crossed


def _without_improvement(read: Callable[[], dict[int, float]], name: str, most: int, higher: bool) -> Any:
    def stands() -> bool:
        best: tuple[int, float] | None = None
        for step, value in read().items():
            if best is None or (value > best[1] if higher else value < best[1]):
                best = step, value
            if step - best[0] >= most:
                logging.info(
                    'No %s in metric "%s" for %s steps, which is greater than or equal to max steps (%s) configured '
                    "for early stopping.",
                    "increase" if higher else "decrease",
                    name,
                    step - best[0],
                    most,
                )
                return True
        return False

    return stands


def stop_if_higher_hook(
    estimator: Estimator,
    metric_name: str,
    threshold: float,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Returns a hook that ends training when a metric of an evaluation is above a threshold.

    Args:
      estimator: the estimator that is trained and evaluated.
      metric_name: the name of the metric: ``"loss"``, ``"accuracy"`` and so on.
      threshold: the threshold.
      eval_dir: the folder of the evaluations; the estimator's by default.
      min_steps: evaluations of fewer steps do not count.
      run_every_secs, run_every_steps: how often to look, as in :func:`make_early_stopping_hook`.
    """
    read = _metrics_of(estimator, metric_name, eval_dir, min_steps)
    return make_early_stopping_hook(
        estimator, _at_threshold(read, metric_name, threshold, True), run_every_secs, run_every_steps
    )


def stop_if_lower_hook(
    estimator: Estimator,
    metric_name: str,
    threshold: float,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Returns a hook that ends training when a metric is below a threshold; see :func:`stop_if_higher_hook`."""
    read = _metrics_of(estimator, metric_name, eval_dir, min_steps)
    return make_early_stopping_hook(
        estimator, _at_threshold(read, metric_name, threshold, False), run_every_secs, run_every_steps
    )


def stop_if_no_increase_hook(
    estimator: Estimator,
    metric_name: str,
    max_steps_without_increase: int,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Returns a hook that ends training when a metric has not increased for so many steps.

    Args:
      estimator: the estimator that is trained and evaluated.
      metric_name: the name of the metric.
      max_steps_without_increase: how many steps of training may pass without an increase.
      eval_dir: the folder of the evaluations; the estimator's by default.
      min_steps: evaluations of fewer steps do not count.
      run_every_secs, run_every_steps: how often to look, as in :func:`make_early_stopping_hook`.
    """
    read = _metrics_of(estimator, metric_name, eval_dir, min_steps)
    return make_early_stopping_hook(
        estimator,
        _without_improvement(read, metric_name, max_steps_without_increase, True),
        run_every_secs,
        run_every_steps,
    )


def stop_if_no_decrease_hook(
    estimator: Estimator,
    metric_name: str,
    max_steps_without_decrease: int,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Returns a hook for a metric that shall decrease; see :func:`stop_if_no_increase_hook`."""
    read = _metrics_of(estimator, metric_name, eval_dir, min_steps)
    return make_early_stopping_hook(
        estimator,
        _without_improvement(read, metric_name, max_steps_without_decrease, False),
        run_every_secs,
        run_every_steps,
    )


class InMemoryEvaluatorHook(SessionRunHook):
    """Evaluates with the values that variables have while training, without a checkpoint.

    It evaluates before the first step, every so many runs, and at the end; results are written as summaries.

    Args:
      estimator: the estimator that is trained.
      input_fn, steps, hooks, name: as of `Estimator.evaluate`.
      every_n_iter: how many runs of the session lie between two evaluations.

    Raises:
      ValueError: ``every_n_iter`` is less than 1, or several machines train.
    """

    def __init__(
        self,
        estimator: Estimator,
        input_fn: Callable[..., Any],
        steps: int | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        name: str | None = None,
        every_n_iter: int = 100,
    ) -> None:
        if every_n_iter is None or every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if estimator.config.num_ps_replicas > 0 or estimator.config.num_worker_replicas > 1:
            raise ValueError("InMemoryEvaluator supports only single machine (aka Local) setting.")
        self._estimator = estimator
        self._evaluation = input_fn, steps, list(hooks or [])
        self._folder = estimator.eval_dir(name)
        self._timer = SecondOrStepTimer(every_steps=every_n_iter)
        self._count = 0

    def begin(self) -> None:
        """Begins to count."""
        self._timer.reset()
        self._count = 0

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Evaluates what training begins with."""
        del coord
        self._variables = {each.name: each for each in get_collection(GraphKeys.GLOBAL_VARIABLES)}
        self._evaluate(session)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Evaluates if it is time to."""
        del run_values
        self._count += 1
        if self._timer.should_trigger_for_step(self._count):
            self._evaluate(run_context.session)

    def end(self, session: Any) -> None:
        """Evaluates what training ends with."""
        self._evaluate(session)

    def _evaluate(self, session: Any) -> None:
        values = session.run(self._variables)

        def take_over(scaffold: Any, session: Any) -> None:
            del scaffold
            for variable in get_collection(GraphKeys.GLOBAL_VARIABLES):
                if variable.name in values:
                    variable.load(values[variable.name], session)

        estimator = self._estimator
        with estimator._graph():
            evaluation = estimator._evaluation(*self._evaluation)
            if evaluation.scaffold is not None and evaluation.scaffold.init_fn is not None:
                raise ValueError("InMemoryEvaluator does not support custom init_fn")
            scaffold = Scaffold(init_fn=take_over, copy_from_scaffold=evaluation.scaffold)
            result = estimator._evaluated(evaluation, None, scaffold)
        estimator._write_evaluation(result, self._folder, None)
        self._timer.update_last_triggered_step(self._count)


class _StopAtCheckpointStepHook(SessionRunHook):
    """Stops at the step of the last checkpoint: what a worker does that is not the chief."""

    def __init__(self, model_dir: str, last_step: int, wait_after_file_check_secs: float) -> None:
        if last_step is None:
            raise ValueError("last_step must be specified.")
        if model_dir is None:
            raise ValueError("model_dir must be specified.")
        self._folder, self._last, self._pause = model_dir, last_step, wait_after_file_check_secs

    def begin(self) -> None:
        """Finds the global step."""
        self._step = get_global_step()

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Asks for the global step."""
        del run_context
        return SessionRunArgs(self._step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Asks for a stop once the chief has saved the last step."""
        if run_values.results + 1 < self._last or run_context.session.run(self._step) < self._last:
            return
        while self._saved() < self._last:
            logging.warning("Waiting for a checkpoint of step %d in %s", self._last, self._folder)
            time.sleep(self._pause)
        run_context.request_stop()

    def _saved(self) -> int:
        path = latest_checkpoint(self._folder)
        return -1 if path is None else int(load_variable(path, GraphKeys.GLOBAL_STEP))


def make_stop_at_checkpoint_step_hook(
    estimator: Estimator, last_step: int, wait_after_file_check_secs: float = 30
) -> SessionRunHook:
    """Returns a hook that ends training at a step: for the chief at once, for others when the chief has saved it.

    Args:
      estimator: the estimator that is trained.
      last_step: the step.
      wait_after_file_check_secs: how long others wait before they look for the checkpoint again.
    """
    if estimator.config.is_chief:
        return StopAtStepHook(last_step=last_step)
    return _StopAtCheckpointStepHook(estimator.model_dir, last_step, wait_after_file_check_secs)
