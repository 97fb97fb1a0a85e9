"""Is the strategy that every program is in unless it enters another: one replica, and nothing changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tideflow._src.distribute.contexts import ReplicaContext, defaults, entered, has_strategy
from tideflow._src.distribute.inputs import InputContext
from tideflow._src.distribute.strategy import Strategy, StrategyExtended


class _DefaultExtended(StrategyExtended):
    def _create_variable(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        return next_creator(**arguments)

    def _distributed(self, dataset: Any, options: Any) -> Any:
        del options
        return dataset

    def _distributed_from_function(self, dataset_fn: Callable[[Any], Any], options: Any) -> Any:
        del options
        return dataset_fn(InputContext(1, 0, 1))

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with entered(self._strategy, self._strategy._replica_context):
            return fn(*args, **kwargs)


class DefaultStrategy(Strategy):
    """Is the strategy outside of every other: a thread in it is its only replica, in its scope, too."""

    def __init__(self) -> None:
        super().__init__(_DefaultExtended)
        self._replica_context = ReplicaContext(self, 0)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Is a context that changes nothing.

        Raises:
          RuntimeError: it is entered in the scope of another strategy.
        """
        return _DefaultScope(self)

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """Runs a function as the only replica, which the thread is already."""
        del options
        if not isinstance(args, list | tuple):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        return self._extended._call_for_each_replica(fn, args, kwargs or {})


class _DefaultScope:
    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    def __enter__(self) -> Any:
        if has_strategy():
            raise RuntimeError("Must not nest tf.distribute.Strategy scopes.")
        return self._strategy

    def __exit__(self, *exception: Any) -> None:
        del exception


defaults.strategy = DefaultStrategy()
