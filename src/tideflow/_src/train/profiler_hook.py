"""The hook that writes how long runs take, as a trace for the browser's ``chrome://tracing``."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from tideflow._src.core import logger as logging
from tideflow._src.train.basic_session_run_hooks import global_step_for
from tideflow._src.train.hook_timers import SecondOrStepTimer
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class ProfilerHook(SessionRunHook):
    """Writes a trace of a run, ``timeline-<step>.json``, every so many steps or seconds.

    Args:
      save_steps: how many steps lie between.
      save_secs: how many seconds lie between.
      output_dir: where to write.
      show_dataflow, show_memory: kept for TensorFlow's signature: the trace shows a run's time and operations.

    Raises:
      ValueError: not exactly one of the intervals is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._output_file = os.path.join(output_dir, "timeline-{}.json")
        self._show_dataflow = show_dataflow
        self._show_memory = show_memory
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Finds the global step."""
        self._next_step: int | None = None
        self._global_step_tensor = global_step_for("ProfilerHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step, and for a trace if it is time."""
        # The first run prepares the program: its time says nothing about the others.
        self._request = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
        options = None
        if self._request:
            from tideflow._src.graph import protos  # loads protobuf at its first use

            kind = protos.get("RunOptions")
            options = kind(trace_level=kind.TraceLevel.Value("FULL_TRACE"))
        self._started = time.time()
        return SessionRunArgs({"global_step": self._global_step_tensor}, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes the trace."""
        finished = time.time()
        step = int(run_values.results["global_step"]) + 1
        if self._next_step is None:
            self._timer.update_last_triggered_step(step)
        if self._request:
            step = int(run_context.session.run(self._global_step_tensor))
            self._timer.update_last_triggered_step(step)
            self._write(step, run_values.run_metadata.step_stats, finished)
        self._next_step = step + 1

    def _write(self, step: int, step_stats: Any, finished: float) -> None:
        path = self._output_file.format(step)
        logging.info("Saving timeline for %d into '%s'.", step, path)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(chrome_trace(step, step_stats, self._started, finished), file)


def chrome_trace(step: int, step_stats: Any, started: float, finished: float) -> dict[str, Any]:
    """Returns a run as an object of the Trace Event Format.

    Args:
      step: the global step.
      step_stats: a ``StepStats``: devices and the operations that they ran. Operations of which no times are known,
        since a run is one program, are listed with the run.
      started, finished: when the run began and ended, in seconds.
    """
    run = {
        "ph": "X",
        "cat": "Run",
        "name": f"run of step {step}",
        "pid": 0,
        "tid": 0,
        "ts": int(started * 1e6),
        "dur": max(int((finished - started) * 1e6), 1),
    }
    events: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "Session"}},
        run,
    ]
    untimed: list[str] = []
    for process, device in enumerate(step_stats.dev_stats, start=1):
        events.append({"ph": "M", "name": "process_name", "pid": process, "args": {"name": device.device}})
        for node in device.node_stats:
            if not node.all_start_micros:
                untimed.append(node.node_name)
                continue
            events.append(
                {
                    "ph": "X",
                    "cat": "Op",
                    "name": node.node_name,
                    "pid": process,
                    "tid": node.thread_id,
                    "ts": node.all_start_micros,
                    "dur": max(node.all_end_rel_micros, 1),
                    "args": {"name": node.node_name, "label": node.timeline_label},
                }
            )
    if untimed:
        run["args"] = {"operations": untimed}
    return {"traceEvents": events}
