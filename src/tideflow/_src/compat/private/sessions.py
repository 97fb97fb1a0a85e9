"""What libraries use of sessions, graphs, checkpoints and files and that has no public name."""

from __future__ import annotations

import json
from typing import Any

from tideflow._src.checkpoint.reading import new_checkpoint_reader as NewCheckpointReader
from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation
from tideflow._src.io.gfile import GFile
from tideflow._src.ops.control.grouping import group
from tideflow._src.session.conversions import register_session_run_conversion_functions
from tideflow._src.session.fetches import Fetches
from tideflow._src.train.profiler_hook import chrome_trace
from tideflow._src.train.wrapped_sessions import HookedSession as _HookedSession

__all__ = [
    "NewCheckpointReader",
    "Timeline",
    "_FetchHandler",
    "_HookedSession",
    "_get_graph_from_inputs",
    "get_backward_walk_ops",
    "initialize_resources",
    "register_session_run_conversion_functions",
    "shared_resources",
    "write_string_to_file",
]


class Timeline:
    """The operations of one run as a trace for `chrome://tracing`.

    Args:
      step_stats: the `StepStats` of a run, from its `RunMetadata`.
      graph: not used.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        del graph
        self._step_stats = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """Returns the trace as JSON text."""
        del show_dataflow, show_memory, op_time
        nodes = [node for device in self._step_stats.dev_stats for node in device.node_stats]
        started = min((node.all_start_micros for node in nodes), default=0)
        finished = max((node.all_start_micros + node.all_end_rel_micros for node in nodes), default=0)
        return json.dumps(chrome_trace(0, self._step_stats, started / 1e6, finished / 1e6))


class _FetchHandler:
    """What a session's `run` fetches, taken apart.

    Args:
      graph: the graph of the fetches.
      fetches: any structure of them.
      feeds: what is fed.
      feed_handles: not used.
    """

    def __init__(self, graph: Graph, fetches: Any, feeds: Any, feed_handles: Any = None) -> None:
        del feeds, feed_handles
        self._taken = Fetches(graph, fetches)

    def fetches(self) -> list[Any]:
        """Returns the tensors."""
        return self._taken.tensors

    def targets(self) -> list[Any]:
        """Returns the operations."""
        return self._taken.targets


def _get_graph_from_inputs(op_input_list: Any, graph: Graph | None = None) -> Graph:
    """Returns the graph of tensors and operations, or the default graph where there are none.

    Raises:
      ValueError: they are not of one graph, or not of `graph`.
    """
    current = context.default_graph()
    if not isinstance(op_input_list, list | tuple):
        raise TypeError("op_input_list must be a list or tuple.")
    found, first = graph, None
    for item in op_input_list:
        of_item = item.graph if isinstance(item, SymbolicTensor | Operation) else None
        if of_item is None:
            continue
        if found is None:
            found, first = of_item, item
        elif found is not of_item and first is None:
            raise ValueError(f"{item} is not from the passed-in graph.")
        elif found is not of_item:
            raise ValueError(f"{item} must be from the same graph as {first}.")
    return found if found is not None else current


def get_backward_walk_ops(
    seed_ops: Any,
    inclusive: bool = True,
    within_ops: Any = None,
    within_ops_fn: Any = None,
    stop_at_ts: Any = (),
    control_inputs: bool = False,
    only_differentiable: bool = False,
) -> list[Operation]:
    """Returns the operations from which tensors or operations are computed, these first.

    Args:
      seed_ops: operations or tensors, one or several.
      inclusive: whether they are among the result.
      within_ops: operations to which the walk keeps, if they are given.
      within_ops_fn: a function that tells of an operation whether the walk goes on there.
      stop_at_ts: tensors at which the walk ends.
      control_inputs: whether control inputs count.
      only_differentiable: not used.
    """
    del only_differentiable
    seeds = seed_ops if isinstance(seed_ops, list | tuple | set | frozenset) else [seed_ops]
    first = [item.op if isinstance(item, SymbolicTensor) else item for item in seeds]
    stop = {id(tensor) for tensor in stop_at_ts}
    kept = None if within_ops is None else set(within_ops)
    found: dict[Operation, None] = {}
    waiting = list(reversed(first))
    while waiting:
        op = waiting.pop()
        if (
            op in found
            or (kept is not None and op not in kept)
            or (within_ops_fn is not None and not within_ops_fn(op))
        ):
            continue
        found[op] = None
        waiting += [tensor.op for tensor in op.inputs if id(tensor) not in stop]
        waiting += op.control_inputs if control_inputs else []
    return [op for op in found if inclusive or op not in first]


def shared_resources() -> list[Any]:
    """Returns the resources that the graph must make before it runs: there are none beside variables and tables."""
    return []


def initialize_resources(resource_list: Any, name: str = "init") -> Any:
    """Returns an operation that makes resources."""
    return group(*(resource.create for resource in resource_list), name=name)


def write_string_to_file(filename: Any, file_content: str | bytes) -> None:
    """Writes a file anew."""
    with GFile(filename, mode="w") as file:
        file.write(file_content)
