"""How an estimator runs."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

#: What stands for an argument that was not given.
_UNSET: Any = object()
_REPLACEABLE = (
    "model_dir",
    "tf_random_seed",
    "save_summary_steps",
    "save_checkpoints_steps",
    "save_checkpoints_secs",
    "session_config",
    "keep_checkpoint_max",
    "keep_checkpoint_every_n_hours",
    "log_step_count_steps",
    "train_distribute",
    "device_fn",
    "protocol",
    "eval_distribute",
    "experimental_distribute",
    "experimental_max_worker_delay_secs",
    "session_creation_timeout_secs",
    "checkpoint_save_graph_def",
)


class TaskType:
    """Names what a process of a cluster does."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"
    CHIEF = "chief"
    EVALUATOR = "evaluator"


class RunConfig:
    """Says where an estimator keeps its files, and how often it writes them.

    Args:
      model_dir: the folder of checkpoints and summaries.
      tf_random_seed: the seed of each graph; None for other numbers each time.
      save_summary_steps: steps between two summaries.
      save_checkpoints_steps: steps between two checkpoints; not together with the seconds.
      save_checkpoints_secs: seconds between two checkpoints; 600 by default.
      session_config: a ``ConfigProto``.
      keep_checkpoint_max: how many checkpoints are kept.
      keep_checkpoint_every_n_hours: one checkpoint in so many hours is kept for good.
      log_step_count_steps: steps between two lines in the log; None for none.
      train_distribute, eval_distribute, experimental_distribute: strategies; of one device.
      device_fn: the device of each operation, for ``tf.device``.
      protocol, experimental_max_worker_delay_secs, session_creation_timeout_secs: for clusters.
      checkpoint_save_graph_def: whether graphs are written beside checkpoints.

    Raises:
      ValueError: an argument is out of range, or both steps and seconds are given.
    """

    def __init__(
        self,
        model_dir: Any = None,
        tf_random_seed: int | None = 1,
        save_summary_steps: int | None = 100,
        save_checkpoints_steps: Any = _UNSET,
        save_checkpoints_secs: Any = _UNSET,
        session_config: Any = None,
        keep_checkpoint_max: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100,
        train_distribute: Any = None,
        device_fn: Any = None,
        protocol: str | None = None,
        eval_distribute: Any = None,
        experimental_distribute: Any = None,
        experimental_max_worker_delay_secs: int | None = None,
        session_creation_timeout_secs: int = 7200,
        checkpoint_save_graph_def: bool = True,
    ) -> None:
        if save_checkpoints_steps is _UNSET and save_checkpoints_secs is _UNSET:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs is _UNSET:
            save_checkpoints_secs = None
        elif save_checkpoints_steps is _UNSET:
            save_checkpoints_steps = None
        self.model_dir = None if model_dir is None else os.fspath(model_dir)
        self.tf_random_seed = tf_random_seed
        self.save_summary_steps = save_summary_steps
        self.save_checkpoints_steps = save_checkpoints_steps
        self.save_checkpoints_secs = save_checkpoints_secs
        self.session_config = session_config
        self.keep_checkpoint_max = keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps = log_step_count_steps
        self.train_distribute = train_distribute
        self.device_fn = device_fn
        self.protocol = protocol
        self.eval_distribute = eval_distribute
        self.experimental_distribute = experimental_distribute
        self.experimental_max_worker_delay_secs = experimental_max_worker_delay_secs
        self.session_creation_timeout_secs = session_creation_timeout_secs
        self.checkpoint_save_graph_def = checkpoint_save_graph_def
        self._check()
        task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
        self.task_type = task.get("type", TaskType.WORKER)
        self.task_id = int(task.get("index", 0))
        self.master = ""
        self.evaluation_master = ""
        self.num_ps_replicas = 0
        self.num_worker_replicas = 1
        self.is_chief = True
        self.service = None
        self.global_id_in_cluster = 0

    def _check(self) -> None:
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        for name in ("save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "keep_checkpoint_max"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} should be >= 0")
        if self.keep_checkpoint_every_n_hours <= 0:
            raise ValueError("keep_checkpoint_every_n_hours should be > 0")
        if self.log_step_count_steps is not None and self.log_step_count_steps <= 0:
            raise ValueError("log_step_count_steps should be > 0")
        if self.tf_random_seed is not None and not isinstance(self.tf_random_seed, int):
            raise ValueError("tf_random_seed must be integer.")

    def replace(self, **kwargs: Any) -> RunConfig:
        """Returns a copy with other values.

        Raises:
          ValueError: something cannot be replaced.
        """
        changed = copy.copy(self)
        for name, value in kwargs.items():
            if name not in _REPLACEABLE:
                raise ValueError(f"Replacing {name} is not supported. Allowed properties are {list(_REPLACEABLE)}.")
            setattr(changed, name, value)
        if "save_checkpoints_steps" in kwargs and "save_checkpoints_secs" not in kwargs:
            changed.save_checkpoints_secs = None
        if "save_checkpoints_secs" in kwargs and "save_checkpoints_steps" not in kwargs:
            changed.save_checkpoints_steps = None
        changed._check()
        return changed
