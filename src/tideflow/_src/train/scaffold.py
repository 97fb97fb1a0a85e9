"""Defines ``Scaffold``: the parts of a graph that a training session needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dtypes import string
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import group
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import variable_collections
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.train.lazy_files import merged_summaries


class Scaffold:
    """Collects what a training session needs: operations that initialize and check, summaries, a saver.

    What is not given is taken from the graph's collections or made when :meth:`finalize` is called.

    Args:
      init_op: initializes variables.
      init_feed_dict: values to feed to ``init_op``.
      init_fn: a function of the scaffold and the session, called after ``init_op``.
      ready_op: returns the names of what is not initialized; empty if all is ready.
      ready_for_local_init_op: the same for what must be ready before ``local_init_op``.
      local_init_op: initializes what belongs to this process: local variables and tables.
      summary_op: computes all summaries.
      saver: saves and restores the variables.
      copy_from_scaffold: a scaffold whose parts to take where they are not given here.
      local_init_feed_dict: values to feed to ``local_init_op``.

    Raises:
      TypeError: ``copy_from_scaffold`` is not a scaffold.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any, Any], None] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        other = copy_from_scaffold
        if other is not None and not isinstance(other, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")

        def chosen(name: str, given: Any) -> Any:
            return given if given is not None or other is None else getattr(other, name)

        self._user_init_fn: Any = (
            init_fn if init_fn is not None or other is None else other._user_init_fn  # given with the other scaffold
        )
        self._init_op = chosen("init_op", init_op)
        self._init_feed_dict = chosen("init_feed_dict", init_feed_dict)
        self._ready_op = chosen("ready_op", ready_op)
        self._ready_for_local_init_op = chosen("ready_for_local_init_op", ready_for_local_init_op)
        self._local_init_op = chosen("local_init_op", local_init_op)
        self._local_init_feed_dict = chosen("local_init_feed_dict", local_init_feed_dict)
        self._summary_op = chosen("summary_op", summary_op)
        self._saver = chosen("saver", saver)

    def finalize(self) -> Scaffold:
        """Finds or makes the parts that are missing, and finalizes the graph; returns the scaffold."""
        get = Scaffold.get_or_default
        if self._init_op is None:
            self._init_op = get("init_op", GraphKeys.INIT_OP, _default_init_op)
        if self._ready_op is None:
            self._ready_op = get("ready_op", GraphKeys.READY_OP, _default_ready_op)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = get(
                "ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP, _default_ready_for_local_init_op
            )
        if self._local_init_op is None:
            self._local_init_op = get("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
        if self._summary_op is None:
            self._summary_op = get("summary_op", GraphKeys.SUMMARY_OP, merged_summaries)
        if self._saver is None:
            self._saver = get("saver", GraphKeys.SAVERS, _default_saver)
        if not self._saver.saver_def:
            self._saver.build()
        context.default_graph().finalize()
        return self

    @property
    def init_fn(self) -> Callable[[Any], None] | None:
        """The function to call with a session after ``init_op``, or None."""
        function = self._user_init_fn
        if function is None:
            return None
        return lambda session: function(self, session)

    @property
    def init_op(self) -> Any:
        """Initializes variables."""
        return self._init_op

    @property
    def ready_op(self) -> Any:
        """Returns the names of what is not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Returns the names of what must be initialized before ``local_init_op`` runs."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """Initializes what belongs to this process."""
        return self._local_init_op

    @property
    def local_init_feed_dict(self) -> Any:
        """The values to feed to ``local_init_op``."""
        return self._local_init_feed_dict

    @property
    def summary_op(self) -> Any:
        """Computes all summaries."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """Saves and restores the variables."""
        return self._saver

    @property
    def init_feed_dict(self) -> Any:
        """The values to feed to ``init_op``."""
        return self._init_feed_dict

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """Returns the one element of a collection; if it is empty, makes it and adds it.

        Args:
          arg_name: the name of the scaffold's argument, for the error.
          collection_key: the collection of the default graph.
          default_constructor: makes the element.

        Raises:
          RuntimeError: the collection has several elements.
        """
        graph = context.default_graph()
        found = graph.get_collection(collection_key)
        if len(found) > 1:
            raise RuntimeError(
                f"The collection {collection_key!r} holds {len(found)} elements, expected at most one. "
                f"Say which one to use: Scaffold({arg_name}=...)."
            )
        if found:
            return found[0]
        element = default_constructor()
        if element is not None:
            graph.add_to_collection(collection_key, element)
        return element

    @staticmethod
    def default_local_init_op() -> Any:
        """Returns an operation that initializes local variables, tables and local resources of the default graph."""
        return group(
            variable_collections.local_variables_initializer(),
            variable_collections.tables_initializer(),
            *_resource_initializers(GraphKeys.LOCAL_RESOURCES),
        )


def _default_saver() -> Any:
    from tideflow._src.checkpoint.saver import Saver  # checkpoints load when they are used

    return Saver(sharded=True, allow_empty=True)


def _default_init_op() -> Any:
    return group(variable_collections.global_variables_initializer(), *_resource_initializers(GraphKeys.RESOURCES))


def _resource_initializers(key: str) -> list[Any]:
    return [resource.create for resource in context.default_graph().get_collection(key)]


def _default_ready_op() -> Any:
    return raw.ConcatV2([variable_collections.report_uninitialized_variables(), _missing_resources()], 0)


def _default_ready_for_local_init_op() -> Any:
    missing = variable_collections.report_uninitialized_variables(variable_collections.global_variables())
    return raw.ConcatV2([missing, _missing_resources()], 0)


def _missing_resources() -> Any:
    """Returns the names of the graph's resources that are not initialized."""
    graph = context.default_graph()
    kept = graph.get_collection(GraphKeys.RESOURCES) + graph.get_collection(GraphKeys.LOCAL_RESOURCES)
    with graph.name_scope("report_uninitialized_resources"):
        if not kept:
            return convert_to_tensor([], string, name="Const")
        missing = raw.LogicalNot(raw.Pack([resource.is_initialized for resource in kept]))
        names = convert_to_tensor([resource.handle.op.name for resource in kept], string)
        return raw.GatherV2(names, raw.Squeeze(raw.Where(missing), squeeze_dims=[1]), 0)
