"""Runs a function as several replicas, one after the other, as far as the next point where they meet.

An only replica runs in the caller's thread. Of several, each runs in a thread of its own, in turns with the caller's
(``runtime/turns.py``): the first until it calls ``merge_call`` or is over, then the second, and so on. When all have
arrived, the caller's thread calls the first one's function across the replicas, with what each gave for its arguments.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.core import context
from tideflow._src.distribute.contexts import ReplicaContext, entered
from tideflow._src.distribute.values import of_replica, regroup
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.devices import device
from tideflow._src.runtime.turns import Companion
from tideflow._src.state.variable import variable_creator_scope
from tideflow._src.state.variable_scope import get_variable_scope, variable_scope


class _Crossing(NamedTuple):
    """Is what a replica asks for when it arrives at a ``merge_call``."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: The name scope, with its slash, and the operations that what is made has to wait for.
    scope: str
    controls: list[Any]
    is_eager: bool


class _Replica(Companion):
    """Runs the function as one replica."""

    def __init__(self, strategy: Any, number: int, made: _Made, function: Callable[[], Any]) -> None:
        super().__init__(lambda: self._as_replica(strategy, number, made, function), f"replica_{number}")
        self._graph = context.current_graph()

    def _as_replica(self, strategy: Any, number: int, made: _Made, function: Callable[[], Any]) -> Any:
        with contextlib.ExitStack() as stack:
            stack.enter_context(entered(strategy, ReplicaContext(strategy, number, self)))
            stack.enter_context(device(strategy.extended.worker_devices[number]))
            if self._graph is not None and number:
                outer = self._graph.get_name_scope()
                stack.enter_context(name_scope(f"{outer}/replica_{number}/" if outer else f"replica_{number}/"))
                stack.enter_context(variable_scope(get_variable_scope(), reuse=True, auxiliary_name_scope=False))
            stack.enter_context(variable_creator_scope(made.creator(number)))
            return function()

    def merge(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Waits for the other replicas, and returns this one's part of what the function returns."""
        return self.pause(_crossing(self._graph, function, args, kwargs))


class _OnlyReplica:
    """Is the only replica of a strategy, in its caller's thread: nobody has to be waited for."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._graph = context.current_graph()

    def run(self, function: Callable[[], Any]) -> Any:
        """Runs a function as the replica."""
        strategy = self._strategy
        with entered(strategy, ReplicaContext(strategy, 0, self)), device(strategy.extended.worker_devices[0]):
            return regroup([function()])

    def merge(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Returns what the function returns across the replicas."""
        crossing = _crossing(self._graph, function, args, kwargs)
        with entered(self._strategy, None):
            return of_replica(0, _crossed(self._strategy, [crossing]))


def _crossing(outer: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Crossing:
    """Returns what this thread, a replica that was begun in the graph ``outer``, asks for."""
    graph = context.current_graph()
    if graph is not None and graph is not outer:
        raise RuntimeError(
            "`merge_call` called while defining a new graph or a tf.function. This can often happen if the "
            "function `fn` passed to `strategy.run()` contains a nested `@tf.function`, and the nested "
            "`@tf.function` contains a synchronization point, such as aggregating gradients (e.g, "
            "optimizer.apply_gradients), or if the function `fn` uses a control flow statement which contains a "
            "synchronization point in the body. Wrap the `fn` passed to `strategy.run`, or the entire "
            "`strategy.run`, inside a `tf.function`, or move "
            "the control flow out of `fn`."
        )
    scope = graph.get_name_scope() if graph is not None else ""
    controls = [] if graph is None else graph._current_control_inputs(())
    return _Crossing(function, args, kwargs, f"{scope}/" if scope else "", controls, graph is None)


class _Made:
    """Is the variables that the first replica has made: the others take these, in the same order."""

    def __init__(self) -> None:
        self._variables: list[Any] = []

    def creator(self, number: int) -> Callable[..., Any]:
        """Returns what makes the variables of a replica."""
        if number == 0:
            return self._make
        remaining = iter(self._variables)

        def take(next_creator: Callable[..., Any], **arguments: Any) -> Any:
            del next_creator
            found = next(remaining, None)
            if found is None:
                raise RuntimeError(
                    f"Tried to create variable {arguments.get('name')} in replica {number}, where the first replica "
                    "has made none: all replicas must make the same variables, in the same order."
                )
            return found

        return take

    def _make(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        made = next_creator(**arguments)
        self._variables.append(made)
        return made


def run_as_replicas(strategy: Any, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Runs a function as each of the replicas of a strategy.

    Args:
      strategy: the strategy.
      function: the function.
      args, kwargs: its arguments: of a distributed value, each replica gets its own part.

    Returns:
      What the replicas return, as one structure with distributed values.

    Raises:
      RuntimeError: some replicas call ``merge_call`` more often than others.
    """
    made = _Made()

    def bound(number: int) -> Callable[[], Any]:
        own, named = of_replica(number, list(args)), of_replica(number, kwargs)
        return lambda: function(*own, **named)

    count = strategy.num_replicas_in_sync
    if count == 1:
        return _OnlyReplica(strategy).run(bound(0))
    replicas = [_Replica(strategy, number, made, bound(number)) for number in range(count)]
    try:
        while True:
            over = [replica.turn() for replica in replicas]
            if all(over):
                return regroup([replica.result for replica in replicas])
            if any(over):
                raise RuntimeError(
                    "Some replicas made a different number of replica_context().merge_call() calls: "
                    f"{[number for number in range(count) if over[number]]} of {count} are over, the others wait."
                )
            merged = _crossed(strategy, [replica.said for replica in replicas])
            for number, replica in enumerate(replicas):
                replica.answer = of_replica(number, merged)
    finally:
        for replica in replicas:
            replica.stop()


def _crossed(strategy: Any, crossings: list[_Crossing]) -> Any:
    first = crossings[0]
    args = regroup([crossing.args for crossing in crossings])
    kwargs = regroup([crossing.kwargs for crossing in crossings])
    with contextlib.ExitStack() as stack:
        graph = context.current_graph()
        if graph is not None:
            if first.is_eager:  # the replicas are in an `init_scope`
                stack.enter_context(context.eager_scope())
            else:
                stack.enter_context(name_scope(first.scope or None))
                controls = list({id(op): op for crossing in crossings for op in crossing.controls}.values())
                if controls:
                    stack.enter_context(graph.control_dependencies(controls))
        return first.function(strategy, *args, **kwargs)
