"""Evaluates a model once, from a checkpoint: what `tf_slim.evaluation` is built on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core import logger as logging
from tideflow._src.ops.array.raw import raw
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import zeros_initializer
from tideflow._src.state.variable_scope import get_variable
from tideflow._src.train.basic_session_run_hooks import FinalOpsHook
from tideflow._src.train.monitored_session import MonitoredSession
from tideflow._src.train.session_creators import ChiefSessionCreator
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


def _get_or_create_eval_step() -> Any:
    """Returns the local variable that counts evaluations, and makes it where there is none.

    Raises:
      ValueError: the graph has several.
    """
    graph = context.default_graph()
    found = graph.get_collection(GraphKeys.EVAL_STEP)
    if len(found) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    if found:
        return found[0]
    return get_variable(
        "eval_step",
        shape=[],
        dtype=dtypes.int64,
        initializer=zeros_initializer(),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP],
    )


class _StopAfterNEvalsHook(SessionRunHook):
    """Asks for a stop after so many evaluations.

    Args:
      num_evals: how many; None for no end.
      log_progress: whether each tenth is logged.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        self._num_evals = num_evals
        self._every = max(1, num_evals // 10) if log_progress and num_evals is not None else 1
        self._log_progress = log_progress
        self._completed: Any = None

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._completed = updated_eval_step

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Asks for the number of evaluations."""
        del run_context
        return SessionRunArgs({"evals_completed": self._completed})

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs, and asks for a stop where they are enough."""
        done = run_values.results["evals_completed"]
        if self._log_progress:
            if self._num_evals is None:
                logging.info("Evaluation [%d]", done)
            elif done % self._every == 0 or done == self._num_evals:
                logging.info("Evaluation [%d/%d]", done, self._num_evals)
        if self._num_evals is not None and done >= self._num_evals:
            run_context.request_stop()


def _evaluate_once(
    checkpoint_path: str | None,
    master: str = "",
    scaffold: Any = None,
    eval_ops: Any = None,
    feed_dict: Any = None,
    final_ops: Any = None,
    final_ops_feed_dict: Any = None,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Any = None,
) -> Any:
    """Runs `eval_ops` in a session from a checkpoint until a hook asks for a stop.

    Args:
      checkpoint_path: the checkpoint that the variables are read from.
      master: the session's target.
      scaffold: a `Scaffold`, which says how variables are initialized and read.
      eval_ops: what is run again and again: a tensor, a list, or a dictionary.
      feed_dict: what is fed to it.
      final_ops: what is run once in the end.
      final_ops_feed_dict: what is fed to that.
      hooks: hooks of the session; one of class `_StopAfterNEvalsHook` counts runs of `eval_ops`.
      config: a `ConfigProto`.

    Returns:
      The values of `final_ops`, or None.
    """
    step = _get_or_create_eval_step()
    hooks = list(hooks or [])
    if eval_ops is not None:
        update = step.assign_add(1, use_locking=True)
        if isinstance(eval_ops, dict):
            eval_ops["update_eval_step"] = update
            before = list(eval_ops.values())
        else:
            eval_ops = [*(eval_ops if isinstance(eval_ops, list | tuple) else [eval_ops]), update]
            before = eval_ops
        with context.default_graph().control_dependencies(before):
            completed = raw.Identity(step.read_value() if hasattr(step, "read_value") else step)
        for hook in hooks:
            if isinstance(hook, _StopAfterNEvalsHook):
                hook._set_evals_completed_tensor(completed)
    logging.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime()))
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    creator = ChiefSessionCreator(
        scaffold=scaffold, checkpoint_filename_with_path=checkpoint_path, master=master, config=config
    )
    with MonitoredSession(session_creator=creator, hooks=[*hooks, final]) as session:
        while eval_ops is not None and not session.should_stop():
            session.run(eval_ops, feed_dict)
    logging.info("Finished evaluation at %s", time.strftime("%Y-%m-%d-%H:%M:%S", time.localtime()))
    return final.final_ops_values
