"""Which strategy a thread is in, and in which of two contexts: as a replica, or across all replicas.

Outside of every strategy's scope a thread runs as the only replica of the default strategy. A scope puts it across the
replicas, ``Strategy.run`` makes it a replica, and ``merge_call`` in a replica crosses over again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tideflow._src.core.inheritance import inherited
from tideflow._src.distribute.reduction import ReduceOp


class Place(NamedTuple):
    """Is where a thread is: in a strategy, and there a replica, or across them (None).

    Attributes:
      strategy: the strategy.
      replica: the context of the replica.
      updating: the number of the replica whose parts of variables a thread across the replicas is changing, or None.
    """

    strategy: Any
    replica: Any
    updating: int | None = None


class _Places(threading.local):
    def __init__(self) -> None:
        self.stack: list[Place] = []


_places = inherited(_Places())


class _Defaults:
    """Is what there is outside of scopes: the default strategy, and one that a program has set for all."""

    def __init__(self) -> None:
        self.strategy: Any = None
        self.set_by_program: Any = None


defaults = _Defaults()


def _place() -> Place:
    if _places.stack:
        return _places.stack[-1]
    if defaults.set_by_program is not None:
        return Place(defaults.set_by_program, None)
    return Place(defaults.strategy, defaults.strategy._replica_context)


@contextmanager
def entered(strategy: Any, replica: Any, updating: int | None = None) -> Iterator[None]:
    """Is a context in which the thread is in a strategy, as a replica or, with None, across the replicas."""
    _places.stack.append(Place(strategy, replica, updating))
    try:
        yield
    finally:
        _places.stack.pop()


def get_strategy() -> Any:
    """Returns the strategy whose scope is open in this thread, or the default one.

    >>> import tideflow as tf
    >>> tf.distribute.get_strategy().num_replicas_in_sync
    1
    """
    return _place().strategy


def has_strategy() -> bool:
    """Tells whether this thread is in the scope of a strategy other than the default one.

    >>> import tideflow as tf
    >>> with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
    ...     tf.distribute.has_strategy()
    True
    """
    return get_strategy() is not defaults.strategy


def get_replica_context() -> Any:
    """Returns the context of the replica that this thread is, or None across the replicas."""
    return _place().replica


def in_cross_replica_context() -> bool:
    """Tells whether this thread stands across the replicas: in a scope, and not in ``Strategy.run``."""
    return _place().replica is None


def current_replica() -> int | None:
    """Returns the number of the replica that this thread is, or whose parts of variables it changes, or None."""
    strategy, replica, updating = _place()
    if replica is None:
        return updating
    return None if strategy is defaults.strategy else replica._number


def is_updating() -> bool:
    """Tells whether this thread changes a variable's parts across the replicas, one after the other."""
    return _place().updating is not None


@contextmanager
def in_strategy(strategy: Any) -> Iterator[None]:
    """Is a context in the scope of a strategy: the one that is open, or else one across its replicas.

    Raises:
      RuntimeError: the thread is in the scope of another strategy.
    """
    if has_strategy():
        current = get_strategy()
        if current is not strategy:
            raise RuntimeError(f"Mixing different tf.distribute.Strategy objects: {current} is not {strategy}")
        yield
    else:
        with strategy.scope():
            yield


def experimental_set_strategy(strategy: Any) -> None:
    """Makes a strategy the one of the whole process, outside of scopes; None makes that the default one again.

    Raises:
      RuntimeError: this thread is in a scope.
    """
    if _places.stack:
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    defaults.set_by_program = None if strategy is defaults.strategy else strategy


def require_replica(replica: Any) -> None:
    """Checks that the thread is a certain replica.

    Raises:
      RuntimeError: it is not.
    """
    if get_replica_context() is not replica:
        if get_replica_context() is None:
            raise RuntimeError("Need to be inside replica context: call it in a function that `Strategy.run` runs.")
        raise RuntimeError("Mismatching ReplicaContext.")


class ReplicaContext:
    """Is what a function that ``Strategy.run`` runs knows of its replica, and how it reaches the others.

    Args:
      strategy: the strategy.
      replica_id_in_sync_group: which of its replicas this is.
      companion: what runs this replica where there are several, each in a thread of its own.
    """

    def __init__(self, strategy: Any, replica_id_in_sync_group: Any, companion: Any = None) -> None:
        self._strategy = strategy
        self._number = replica_id_in_sync_group
        self._companion = companion

    @property
    def strategy(self) -> Any:
        """The strategy."""
        return self._strategy

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are."""
        return self._strategy.num_replicas_in_sync

    @property
    def replica_id_in_sync_group(self) -> Any:
        """Which of the replicas this is, from 0 on."""
        return self._strategy.extended._replica_id(self._number)

    @property
    def _replica_id(self) -> int:
        return int(self._number)

    @property
    def devices(self) -> tuple[str, ...]:
        """The names of the devices that the replica runs on."""
        return (self._strategy.extended.worker_devices[self._number],)

    def __str__(self) -> str:
        total = self.num_replicas_in_sync
        return f"tf.distribute.ReplicaContext(replica id {self._number}, total replicas in sync: {total})"

    def __enter__(self) -> ReplicaContext:
        self._entered = entered(self._strategy, self)
        self._entered.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._entered.__exit__(*exception)

    def merge_call(self, merge_fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Calls a function once for all replicas, across them.

        Args:
          merge_fn: the function, whose first argument is the strategy.
          args, kwargs: its other arguments: what the replicas give for each.

        Returns:
          What it returns.

        Raises:
          RuntimeError: the thread is not this replica, or traces a function that the replica has called.
        """
        require_replica(self)
        if self._companion is not None:
            return self._companion.merge(merge_fn, tuple(args), kwargs or {})
        with entered(self._strategy, None):
            return merge_fn(self._strategy, *args, **(kwargs or {}))

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Combines the values that all replicas give, and gives the result to each.

        Args:
          reduce_op: ``ReduceOp.SUM`` or ``ReduceOp.MEAN``, or its name.
          value: a tensor, indexed slices or a structure of such.
          options: how the devices communicate: what comes out is the same.

        Returns:
          The sum or the mean, which has a gradient unless there are indexed slices: the reduction of the gradients.

        >>> import tideflow as tf
        >>> tf.distribute.get_replica_context().all_reduce("sum", tf.constant(2.0)).numpy().item()
        2.0
        """
        require_replica(self)
        return self._strategy.extended._all_reduce(ReduceOp.named(reduce_op), value, options)

    def all_gather(self, value: Any, axis: int, options: Any = None) -> Any:
        """Joins the values of all replicas along an axis.

        Args:
          value: a tensor or a structure of such.
          axis: the axis.
          options: how the devices communicate: what comes out is the same.

        Returns:
          The joined values. They have a gradient: each replica's is the sum of what all have for its part.

        Raises:
          NotImplementedError: there are indexed slices.
        """
        require_replica(self)
        return self._strategy.extended._all_gather(value, axis, options)

    def _update(self, var: Any, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, group: bool = True) -> Any:
        return self._strategy.extended._replica_update(var, fn, args, kwargs or {}, group)


def maybe_merge_call(fn: Callable[..., Any], strategy: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls a function across the replicas: by ``merge_call`` in a replica, or directly where that is not needed.

    Args:
      fn: the function, whose first argument is the strategy.
      strategy: the strategy.
      args, kwargs: the other arguments.
    """
    if strategy_supports_no_merge_call():
        return fn(strategy, *args, **kwargs)
    return get_replica_context().merge_call(fn, args=args, kwargs=kwargs)


def strategy_supports_no_merge_call() -> bool:
    """Tells whether replicas may change variables without crossing over: those of one device may."""
    return not get_strategy().extended._use_merge_call()


@contextmanager
def variable_sync_on_read_context() -> Iterator[None]:
    """Makes reads of variables that replicas keep apart give what all of them have; one replica has all there is."""
    yield
