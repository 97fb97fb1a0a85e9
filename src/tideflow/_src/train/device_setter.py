"""Places operations: variables on parameter servers, everything else on the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import logger as logging
from tideflow._src.core.device import DeviceSpecV2
from tideflow._src.train.cluster import ClusterSpec

#: The types of operations that parameter servers hold.
STANDARD_PS_OPS = (
    "Variable",
    "VariableV2",
    "AutoReloadVariable",
    "MutableHashTable",
    "MutableHashTableV2",
    "MutableHashTableOfTensors",
    "MutableHashTableOfTensorsV2",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
    "VarHandleOp",
    "BoostedTreesEnsembleResourceHandleOp",
    "BoostedTreesQuantileStreamResourceHandleOp",
    "ResourceConditionalAccumulator",
    "DecisionTreeResource",
)


class _RoundRobin:
    """Takes one parameter server after the other."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._next = 0

    def __call__(self, op: Any) -> int:
        task = self._next
        self._next = (task + 1) % self._tasks
        return task


class _DeviceSetter:
    """Is the device function: returns the device of an operation."""

    def __init__(
        self,
        ps_device: Any,
        worker_device: Any,
        merge_devices: bool,
        ps_ops: Sequence[str],
        ps_strategy: Callable[[Any], int],
    ) -> None:
        self._ps_device = _spec(ps_device)
        self._worker_device = _spec(worker_device)
        self._merge_devices = merge_devices
        self._ps_ops = ps_ops
        self._ps_strategy = ps_strategy

    def __call__(self, op: Any) -> str:
        """Returns the device of an operation."""
        current = DeviceSpecV2.from_string(op.device or "")
        # An older scope that says enough keeps its word, unless devices are merged.
        if not self._merge_devices and op.device:
            return str(op.device)
        node = op.node_def if hasattr(op, "node_def") else op
        kind = getattr(op, "type", None) or node.op
        if self._ps_device is not None and kind in self._ps_ops:
            place = self._ps_device
            # A job without a task: the strategy says which.
            unplaced = place.task is None and current.task is None and current.job in (None, place.job)
            if place.job is not None and unplaced:
                place = place.replace(task=self._ps_strategy(op))
            return str(place.make_merged_spec(current).to_string())
        if self._worker_device is not None:
            return str(self._worker_device.make_merged_spec(current).to_string())
        return str(current.to_string())


def _spec(device: Any) -> Any:
    if device is None or device == "":
        return None
    return DeviceSpecV2.from_string(device if isinstance(device, str) else device.to_string())


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: Any = "/job:ps",
    worker_device: Any = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Any], int] | None = None,
) -> Any:
    """Returns a device function for ``tf.device``: variables go to parameter servers, the rest to the worker.

    Args:
      ps_tasks: how many parameter servers there are; ``cluster`` says it, too.
      ps_device: the device of parameter servers.
      worker_device: the device of the worker.
      merge_devices: whether parts of a device that an inner scope leaves open are filled in.
      cluster: a ``ClusterDef``, ``ClusterSpec`` or dictionary.
      ps_ops: the types of operations that parameter servers hold.
      ps_strategy: a function of an operation that returns a parameter server's number; one after the other if None.

    Returns:
      The function; None if there are no parameter servers.

    Raises:
      TypeError: ``cluster`` is none of these, or ``ps_strategy`` is not a function.
    """
    if cluster is not None:
        jobs = ClusterSpec(cluster)
        job = DeviceSpecV2.from_string(ps_device).job
        if job not in jobs.jobs or not jobs.num_tasks(job):
            return None
        ps_tasks = jobs.num_tasks(job)
    if ps_tasks == 0:
        return None
    if not merge_devices:
        logging.warning("DEPRECATION: It is recommended to set merge_devices=true in replica_device_setter")
    if ps_strategy is None:
        ps_strategy = _RoundRobin(ps_tasks)
    if not callable(ps_strategy):
        raise TypeError("ps_strategy must be callable")
    return _DeviceSetter(
        ps_device, worker_device, merge_devices, STANDARD_PS_OPS if ps_ops is None else ps_ops, ps_strategy
    )
