"""Critical sections: what a function does in a graph, one run of it at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.inheritance import inherited
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_EXECUTIONS = "critical_section_executions"


class CriticalSection:
    """Is a section of which only one run at a time is inside, whichever thread or session call it is of.

    Args:
      name: the name of the section.
      shared_name: sections of one shared name exclude each other, within a session.
      critical_section_def, import_scope: for TensorFlow's signature; sections are not restored from definitions.

    >>> section = CriticalSection()
    >>> int(section.execute(lambda: convert_to_tensor(3)))
    3
    """

    def __init__(
        self,
        name: str | None = None,
        shared_name: str | None = None,
        critical_section_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if critical_section_def and name is not None:
            raise ValueError(
                "Arguments critical_section_def and name are mutually exclusive: "
                f"critical_section_def={critical_section_def}, name={name}."
            )
        if critical_section_def:
            raise ValueError("Argument `critical_section_def` is not supported.")
        del import_scope
        with name_scope(name, "CriticalSection", []) as scope:
            if shared_name is None:
                shared_name = scope.rstrip("/") if context.current_graph() is not None else ""
            self._name = scope.rstrip("/") or name or "CriticalSection"
            self._handle = raw.MutexV2(shared_name=shared_name, container="", name=scope or None)
        self._shared_name = shared_name
        #: Whether this thread is inside: what it must not enter again, others wait for.
        self._inside = inherited(threading.local())

    @property
    def name(self) -> str:
        """The name of the section."""
        return self._handle.op.name if isinstance(self._handle, Tensor) and not _is_eager() else self._name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """Returns what ``fn`` returns, computed while nobody else is in the section.

        Args:
          fn: is called once; what it makes runs inside.
          exclusive_resource_access: whether no other section of this graph may use the variables that ``fn`` uses.
          name: the name scope of the operations.

        Returns:
          The tensors that ``fn`` returns, in the same structure.

        Raises:
          ValueError: ``fn`` enters this section itself, or uses a variable that another section uses.
        """
        if getattr(self._inside, "now", False):
            raise ValueError(
                "Attempting to lock a CriticalSection in which we are already running. "
                f"This is illegal and may cause deadlocks. Section: {self._name}."
            )
        with name_scope(name, "critical_section_execute", []):
            if _is_eager():
                return self._execute_eagerly(fn)
            return self._execute_in_graph(fn, exclusive_resource_access)

    def _called(self, fn: Callable[[], Any]) -> Any:
        self._inside.now = True
        try:
            return fn()
        finally:
            self._inside.now = False

    def _execute_eagerly(self, fn: Callable[[], Any]) -> Any:
        lock = raw.MutexLock(self._handle)
        try:
            result = self._called(fn)
            flat = [
                item if item is None else raw.Identity(convert_to_tensor(item))
                for item in nest.flatten(result, expand_composites=True)
            ]
        finally:
            raw.ConsumeMutexLock(lock)
        return nest.pack_sequence_as(result, flat, expand_composites=True)

    def _execute_in_graph(self, fn: Callable[[], Any], exclusive: bool) -> Any:
        graph = context.current_graph()
        lock = raw.MutexLock(self._handle)
        before = set(graph.get_operations())
        with graph.control_dependencies([lock]):
            result = self._called(fn)
            inside = [op for op in graph.get_operations() if op not in before]
            held = self._resources(inside)
            self._check_exclusive(graph, held, exclusive)
            flat = [
                item if item is None or isinstance(item, Operation) else raw.Identity(convert_to_tensor(item))
                for item in nest.flatten(result, expand_composites=True)
            ]
        with graph.control_dependencies([*inside, *(item for item in flat if item is not None)]):
            release = raw.ConsumeMutexLock(lock)
        with graph.control_dependencies([release]):
            flat = [
                item if item is None else raw.NoOp() if isinstance(item, Operation) else raw.Identity(item)
                for item in flat
            ]
        graph.add_to_collection(_EXECUTIONS, (self._shared_name, held, exclusive))
        return nest.pack_sequence_as(result, flat, expand_composites=True)

    def _resources(self, inside: list[Operation]) -> list[Any]:
        """Returns the variables and other resources that operations use, but for mutexes."""
        found: dict[Any, None] = {}
        for op in inside:
            for tensor in op.inputs:
                if tensor.dtype.name == "resource" and tensor is not self._handle and tensor.op.type != "MutexV2":
                    found[tensor] = None
        return list(found)

    def _check_exclusive(self, graph: Any, held: list[Any], exclusive: bool) -> None:
        for shared_name, others, other_exclusive in graph.get_collection(_EXECUTIONS):
            if shared_name == self._shared_name or not (exclusive or other_exclusive):
                continue
            both = [tensor.name for tensor in held if any(tensor is other for other in others)]
            if both:
                raise ValueError(
                    f"This execution would access resources {both}. Either this CriticalSection "
                    f"({self._shared_name}) or another ({shared_name}) asked for exclusive access to them."
                )


def _is_eager() -> bool:
    return context.executing_eagerly()
