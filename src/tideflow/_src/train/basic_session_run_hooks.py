"""The hooks that log, check and stop: nothing here writes a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core import logger as logging
from tideflow._src.train.global_step import get_global_step, get_or_create_global_step_read
from tideflow._src.train.hook_timers import HookTimer, NeverTriggerTimer, SecondOrStepTimer
from tideflow._src.train.lazy_files import scalar_summary, shared_writer
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


def global_step_for(hook: str) -> Any:
    """Returns what reads the global step for a hook.

    Raises:
      RuntimeError: the graph has no global step.
    """
    step = get_or_create_global_step_read()
    if step is None:
        raise RuntimeError(f"Global step should be created to use {hook}.")
    return step


def as_graph_element(item: Any) -> Any:
    """Returns the element of the default graph that an object, or a name, stands for."""
    return context.default_graph().as_graph_element(item)


class LoggingTensorHook(SessionRunHook):
    """Logs values of tensors every so many steps or seconds, or at the end.

    Args:
      tensors: tensors or their names: a list, or a dictionary of labels.
      every_n_iter: how many runs lie between two messages.
      every_n_secs: how many seconds lie between.
      at_end: whether to log at the end, too.
      formatter: makes the message from a dictionary of labels and values; by default ``"label = value, ..."``.

    Raises:
      ValueError: not exactly one of the intervals is given, and not ``at_end``; or an interval is not positive.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[Any, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._tag_order: list[Any] = sorted(tensors)
            self._tensors = dict(tensors)
        else:
            self._tag_order = [_label(item) for item in tensors]
            self._tensors = dict(zip(self._tag_order, tensors, strict=True))
        self._formatter = formatter
        self._timer: HookTimer = (
            NeverTriggerTimer() if only_at_end else SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)
        )
        self._log_at_end = at_end

    def begin(self) -> None:
        """Finds the tensors in the graph."""
        self._timer.reset()
        self._iter_count = 0
        self._current_tensors = {tag: as_graph_element(item) for tag, item in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the tensors if it is time to log them."""
        self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
        return SessionRunArgs(self._current_tensors) if self._should_trigger else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs the values."""
        if self._should_trigger:
            self._log_tensors(run_values.results)
        self._iter_count += 1

    def end(self, session: Any) -> None:
        """Logs the values at the end, if that was asked for."""
        if self._log_at_end:
            self._log_tensors(session.run(self._current_tensors))

    def _log_tensors(self, values: dict[Any, Any]) -> None:
        elapsed, _ = self._timer.update_last_triggered_step(self._iter_count)
        if self._formatter:
            logging.info(self._formatter(values))
            return
        with np.printoptions(suppress=True):
            text = ", ".join(f"{tag} = {values[tag]!s}" for tag in self._tag_order)
        if elapsed is None:
            logging.info("%s", text)
        else:
            logging.info("%s (%.3f sec)", text, elapsed)


def _label(item: Any) -> Any:
    return item if isinstance(item, str) else _Label(item)


class _Label:
    """Stands for a tensor as the key of a dictionary, and reads like it."""

    __slots__ = ("_item",)

    def __init__(self, item: Any) -> None:
        self._item = item

    def __str__(self) -> str:
        return str(self._item)

    __repr__ = __str__


class StopAtStepHook(SessionRunHook):
    """Asks for a stop after so many steps, or at a step.

    Args:
      num_steps: how many steps to take from where the session starts.
      last_step: the global step at which to stop.

    Raises:
      ValueError: both or neither are given.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps = num_steps
        self._last_step = last_step

    def begin(self) -> None:
        """Finds the global step."""
        self._global_step_tensor = global_step_for("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Finds the last step."""
        if self._last_step is None:
            self._last_step = int(session.run(self._global_step_tensor)) + int(self._num_steps or 0)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Asks for a stop at the last step."""
        last = self._last_step
        # The value of this run may be that of before or after its step, so it is read again when it may be the last.
        if (
            last is not None
            and run_values.results + 1 >= last
            and run_context.session.run(self._global_step_tensor) >= last
        ):
            run_context.request_stop()


class NanLossDuringTrainingError(RuntimeError):
    """Says that a loss has become NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Ends the training when the loss becomes NaN.

    Args:
      loss_tensor: the loss, a tensor or its name.
      fail_on_nan_loss: whether to raise :class:`NanLossDuringTrainingError` rather than to ask for a stop.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss_tensor = loss_tensor
        self._fail_on_nan_loss = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the loss."""
        return SessionRunArgs(self._loss_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Looks whether it is NaN.

        Raises:
          NanLossDuringTrainingError: it is.
        """
        if not np.isnan(run_values.results).any():
            return
        message = "Model diverged with loss = NaN."
        if self._fail_on_nan_loss:
            logging.error(message)
            raise NanLossDuringTrainingError
        logging.warning(message)
        run_context.request_stop()


class StepCounterHook(SessionRunHook):
    """Logs how many steps are taken in a second, and writes it as a summary.

    Args:
      every_n_steps: how many steps lie between two messages.
      every_n_secs: how many seconds lie between.
      output_dir: where to write summaries.
      summary_writer: what writes them, instead.

    Raises:
      ValueError: not exactly one of the intervals is given.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
        self._summary_writer = summary_writer
        self._output_dir = output_dir
        self._last_global_step: int | None = None
        self._unchanged = 0

    def begin(self) -> None:
        """Finds the global step and opens the writer."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = shared_writer(self._output_dir)
        self._global_step_tensor = global_step_for("StepCounterHook")
        self._summary_tag = f"{get_global_step().op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs the rate if it is time."""
        stale = run_values.results
        if self._timer.should_trigger_for_step(stale + 1):
            step = int(run_context.session.run(self._global_step_tensor))
            if self._timer.should_trigger_for_step(step):
                seconds, steps = self._timer.update_last_triggered_step(step)
                if seconds is not None and steps is not None:
                    self._log_and_record(steps, seconds, step)
        self._warn_if_unchanged(int(stale))

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        # Clocks are coarse: no time may have passed.
        rate = elapsed_steps / max(elapsed_time, 1e-9)
        if self._summary_writer is not None:
            self._summary_writer.add_summary(scalar_summary(self._summary_tag, rate), global_step)
        logging.info("%s: %g", self._summary_tag, rate)

    def _warn_if_unchanged(self, step: int) -> None:
        """Warns a few times if the step stands still: the program has probably forgotten to count it."""
        if self._last_global_step == step and self._unchanged < 5:
            self._unchanged += 1
            logging.warning(
                "The global step (tf.train.get_global_step) has stayed at %s since the last run. Pass "
                "tf.train.get_global_step() to Optimizer.apply_gradients or Optimizer.minimize to count steps.",
                step,
            )
        self._last_global_step = step


class GlobalStepWaiterHook(SessionRunHook):
    """Waits, before the first run, until other tasks have brought the global step far enough.

    Args:
      wait_until_step: the step to wait for.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        """Finds the global step."""
        self._worker_is_started = False
        self._global_step_tensor = global_step_for("_GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Waits, looking again twice a second."""
        if self._worker_is_started:
            return None
        if self._wait_until_step <= 0:
            self._worker_is_started = True
            return None
        logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
        last_logged_step = 0
        while True:
            step = int(run_context.session.run(self._global_step_tensor))
            if step >= self._wait_until_step:
                self._worker_is_started = True
                return None
            if step - last_logged_step > 1000:
                last_logged_step = step
                logging.info(
                    "Waiting for global step %d before starting training. Current step is %d.",
                    self._wait_until_step,
                    step,
                )
            time.sleep(0.5)


class FinalOpsHook(SessionRunHook):
    """Runs operations at the end of the session.

    Args:
      final_ops: tensors and operations, in any structure.
      final_ops_feed_dict: values to feed.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops = final_ops
        self._final_ops_feed_dict = final_ops_feed_dict
        self._final_ops_values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values of the operations; None before the end."""
        return self._final_ops_values

    def end(self, session: Any) -> None:
        """Runs the operations."""
        if self._final_ops is None:
            return
        try:
            self._final_ops_values = session.run(self._final_ops, feed_dict=self._final_ops_feed_dict)
        except Exception as error:
            logging.error("The final operations failed with %s: %s", type(error).__name__, error)
            raise


class FeedFnHook(SessionRunHook):
    """Feeds what a function returns.

    Args:
      feed_fn: a function without arguments that returns a feed dictionary.
    """

    def __init__(self, feed_fn: Callable[[], Any]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Feeds the values for this run."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
