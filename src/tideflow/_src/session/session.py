"""Defines ``Session``: runs parts of a graph and keeps the state of its variables between runs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.errors import CancelledError, InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph, Plans
from tideflow._src.runtime import blocking
from tideflow._src.runtime.program import Program
from tideflow._src.runtime.state import RunState
from tideflow._src.session import targets
from tideflow._src.session.feeds import Feed, expand, expand_key
from tideflow._src.session.fetches import Fetches
from tideflow._src.session.handles import HANDLE_OPERATIONS, TensorHandle
from tideflow._src.session.partial_run import PartialRun


class _Run:
    """Is what is kept for one combination of fetches and feeds."""

    __slots__ = ("program", "rebuild", "feeds", "convert")

    def __init__(self, program: Program, rebuild: Callable[[Any], Any], feeds: list[Feed]) -> None:
        self.program = program
        self.rebuild = rebuild
        self.feeds = feeds
        self.convert = feeds[0].convert if len(feeds) == 1 else None


class BaseSession:
    """Runs operations of a graph.

    Args:
      target: the execution engine to connect to; empty for this process.
      graph: the graph to run; the default graph if None.
      config: a ``ConfigProto`` with options.

    Raises:
      TypeError: ``target``, ``graph`` or ``config`` is of a wrong type.
    """

    def __init__(self, target: str | bytes = "", graph: Graph | None = None, config: Any = None) -> None:
        if graph is None:
            graph = context.default_graph()
        elif not isinstance(graph, Graph):
            raise TypeError(f'Argument `graph` must be a tf.Graph, but got "{type(graph).__name__}"')
        if isinstance(target, bytes):
            target = target.decode()
        if not isinstance(target, str):
            raise TypeError(f'Argument `target` must be a string, but got "{type(target).__name__}"')
        if config is not None and not hasattr(config, "SerializeToString"):
            raise TypeError(f'Argument `config` must be a tf.ConfigProto, but got "{type(config).__name__}"')
        self._graph: Graph = graph
        self._target = target
        self._config = config
        self._closed = False
        self._was_reset = False
        self._resources = targets.resources_of(target)
        if config is not None and config.operation_timeout_in_ms > 0:
            self._resources.interrupts.timeout = config.operation_timeout_in_ms / 1000
        self._state = RunState(self._resources)
        self._runs: dict[Any, _Run] = Plans()
        graph.plans.add(self._runs)
        self._lock = threading.RLock()
        self._entered: list[Any] = []
        self._partial_runs: dict[str, PartialRun] = {}
        _sessions.add(self)

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a ``GraphDef``."""
        return self._graph.as_graph_def(add_shapes=True)

    @property
    def sess_str(self) -> bytes:
        """The target as bytes."""
        return self._target.encode()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs what ``fetches`` needs and returns their values.

        Args:
          fetches: a tensor, operation, variable or name, or any nested structure of those.
          feed_dict: values by tensor (or name): used instead of computing those tensors.
          options: a ``RunOptions``.
          run_metadata: a ``RunMetadata`` to fill.

        Returns:
          NumPy arrays and scalars in the structure of ``fetches``; None for an operation.

        Raises:
          RuntimeError: the session is closed, or its graph is empty.
          TypeError, ValueError: a fetch or feed is not an element of the graph, or a fed value does not fit.
          tf.errors.OpError: an operation failed.
        """
        if self._closed:
            raise self._closed_error()
        try:
            kind = fetches.__class__
            if feed_dict:
                run = self._runs[kind, tuple(fetches) if kind is list else fetches, tuple(feed_dict)]
                given = feed_dict.values()
            else:
                run = self._runs[kind, tuple(fetches) if kind is list else fetches, ()]
                given = ()
        except (KeyError, TypeError, RuntimeError, AttributeError):
            return self._first_run(fetches, feed_dict, options, run_metadata)
        if options is not None or run_metadata is not None:
            values = [feed.convert(value) for feed, value in zip(run.feeds, given, strict=True)]
            return self._run_with_metadata(run, values, options, run_metadata)
        convert = run.convert
        if convert is not None:
            for value in given:
                return run.rebuild(run.program.run((convert(value),)))
        return run.rebuild(run.program.run([feed.convert(value) for feed, value in zip(run.feeds, given, strict=True)]))

    def _first_run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        """Runs a combination of fetches and feeds that has no kept plan, and keeps the one it makes."""
        if not self._graph.version:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        if feed_dict is not None and not isinstance(feed_dict, Mapping):
            raise TypeError(f'Argument `feed_dict` must be a dictionary. Got "{type(feed_dict).__name__}".')
        pairs: list[tuple[SymbolicTensor, Any]] = []
        plain = True
        for key, value in (feed_dict or {}).items():
            expanded = expand(self._graph, key, value)
            plain = plain and len(expanded) == 1
            pairs.extend(expanded)
        feeds = [Feed(tensor) for tensor, _ in pairs]
        values = [feed.convert(value) for feed, (_, value) in zip(feeds, pairs, strict=True)]
        taken = Fetches(self._graph, fetches)
        key = (tuple(taken.elements), tuple(tensor for tensor, _ in pairs), "program")
        with self._lock:
            kept = self._runs.get(key)
            program = kept.program if kept is not None else None
            if program is None:
                program = Program(
                    taken.tensors, taken.targets, [feed.tensor for feed in feeds], self._state, self._config
                )
            run = _Run(program, self._rebuild(taken), feeds)
            self._runs[key] = run
            if plain:
                self._keep(fetches, feed_dict, run)
        if options is not None or run_metadata is not None:
            return self._run_with_metadata(run, values, options, run_metadata)
        return run.rebuild(program.run(values))

    def _rebuild(self, taken: Fetches) -> Callable[[Any], Any]:
        """Returns what puts values into the form of the fetches; handles of kept tensors become objects."""
        handles = [index for index, tensor in enumerate(taken.tensors) if tensor._op.type in HANDLE_OPERATIONS]
        if not handles:
            return taken.rebuild

        def rebuild(values: Any) -> Any:
            values = list(values)
            for index in handles:
                values[index] = TensorHandle(values[index], taken.tensors[index]._op._inputs[0].dtype, self)
            return taken.rebuild(values)

        return rebuild

    def _forget(self, handle: str) -> None:
        """Lets go of a tensor that this session keeps."""
        self._resources.lookup("", "session tensors").delete(handle)

    def _keep(self, fetches: Any, feed_dict: Any, run: _Run) -> None:
        """Keeps a run under the caller's own objects, so that the next one like it needs no taking apart."""
        if isinstance(fetches, list | tuple) and any(isinstance(item, list | tuple | dict) for item in fetches):
            return  # structures of different kinds inside would have equal keys
        kind = fetches.__class__
        try:
            self._runs[kind, tuple(fetches) if kind is list else fetches, tuple(feed_dict or ())] = run
        except TypeError:  # something unhashable inside
            return

    def _closed_error(self) -> Exception:
        if self._was_reset:
            return CancelledError(None, None, "Session has been closed.")
        return RuntimeError("Attempted to use a closed Session.")

    def _run_with_metadata(self, run: _Run, values: Sequence[Any], options: Any, run_metadata: Any) -> Any:
        limit = options.timeout_in_ms if options is not None else 0
        if limit > 0:
            with blocking.time_limit(limit / 1000):
                result = run.rebuild(run.program.run(values))
        else:
            result = run.rebuild(run.program.run(values))
        if run_metadata is not None:
            run.program.describe(run_metadata)
        return result

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> str:
        """Prepares a run in steps, with ``partial_run``.

        Args:
          fetches: everything that the steps will fetch.
          feeds: every tensor that they will feed.

        Returns:
          The handle of the run.

        Raises:
          RuntimeError: the session is closed, or its graph is empty.
          TypeError, ValueError: a fetch or feed is not an element of the graph.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph.version:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        taken = Fetches(self._graph, fetches)
        keys = feeds if isinstance(feeds, list | tuple) else [] if feeds is None else [feeds]
        tensors = [tensor for key in keys for tensor in expand_key(self._graph, key)]
        run = PartialRun(self._graph, taken.tensors, taken.targets, tensors, self._state)
        with self._lock:
            self._partial_runs[run.handle] = run
        return run.handle

    def partial_run(self, handle: str, fetches: Any, feed_dict: Any = None) -> Any:
        """Continues a run in steps: computes what has not been computed, given what has been fed so far.

        Args:
          handle: what ``partial_run_setup`` returned.
          fetches: some of the fetches named there, each of which a run fetches once.
          feed_dict: values of some of the feeds named there, each of which is fed once.

        Returns:
          NumPy arrays and scalars in the structure of ``fetches``.

        Raises:
          RuntimeError: the session is closed, or an operation is fetched.
          InvalidArgumentError: the run is over; a feed or fetch was not announced or comes again; a fetch needs a feed
            that has not come yet.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        with self._lock:
            run = self._partial_runs.get(handle)
            if run is None:
                raise InvalidArgumentError(None, None, "Must run 'setup' before performing partial runs!")
            taken = Fetches(self._graph, fetches)
            if taken.targets:
                raise RuntimeError("partial_run() requires empty target_list.")
            if feed_dict is not None and not isinstance(feed_dict, Mapping):
                raise TypeError(f'Argument `feed_dict` must be a dictionary. Got "{type(feed_dict).__name__}".')
            fed: dict[SymbolicTensor, Any] = {}
            for key, value in (feed_dict or {}).items():
                for tensor, part in expand(self._graph, key, value):
                    fed[tensor] = Feed(tensor).convert(part)
            result = taken.rebuild(run.step(taken.tensors, fed))
            if run.is_over:
                del self._partial_runs[handle]
        return result

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False) -> Any:
        """Returns a function that runs ``fetches``, taking the values of ``feed_list`` as positional arguments."""
        if feed_list is not None and not isinstance(feed_list, list | tuple):
            raise TypeError(f"Argument `feed_list` must be a list or tuple. Received: feed_list={feed_list}")
        feeds = [Feed(self._graph.as_graph_element(key, True, False)) for key in feed_list or ()]
        taken = Fetches(self._graph, fetches)
        kept = Plans()
        self._graph.plans.add(kept)

        def made() -> _Run:
            program = Program(taken.tensors, taken.targets, [feed.tensor for feed in feeds], self._state, self._config)
            run: _Run = kept.setdefault("run", _Run(program, self._rebuild(taken), feeds))
            return run

        made()

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if self._closed:
                raise self._closed_error()
            if len(values) != len(feeds):
                raise InvalidArgumentError(
                    None, None, f"`feed_list` argument has {len(feeds)} tensors, got {len(values)} values."
                )
            converted = [feed.convert(value) for feed, value in zip(feeds, values, strict=True)]
            run = kept.get("run") or made()
            if options is not None or run_metadata is not None:
                return self._run_with_metadata(run, converted, options, run_metadata)
            return run.rebuild(run.program.run(converted))

        return call

    def list_devices(self) -> list[Any]:
        """Returns the devices that this session can place operations on.

        Raises:
          CancelledError: the session is closed.
        """
        if self._closed:
            raise CancelledError(None, None, "Session has been closed.")
        from tideflow._src.runtime import devices

        return devices.session_devices()

    def cancel_waits(self) -> None:
        """Ends, with ``CancelledError``, every run that waits for a queue or accumulator, now and from now on."""
        self._resources.interrupts.cancel()

    def close(self) -> None:
        """Closes the session: its variables are freed, runs that wait are cancelled, and a new run is an error."""
        self._closed = True
        self._resources.interrupts.cancel()
        if not self._resources.is_shared:
            self._resources.clear()
        self._runs.clear()
        self._partial_runs.clear()
        self._state = RunState(self._resources)

    def as_default(self) -> Any:
        """Makes this the session that ``Tensor.eval`` and ``Operation.run`` use, while the block runs."""
        return _DefaultSession(self)

    def __enter__(self) -> BaseSession:
        graph = self._graph.as_default()
        graph.__enter__()
        session = self.as_default()
        session.__enter__()
        self._entered.append((graph, session))
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        graph, session = self._entered.pop()
        session.__exit__(kind, value, trace)
        graph.__exit__(kind, value, trace)


class _DefaultSession:
    """Keeps a session on the thread's stack while a block runs."""

    def __init__(self, session: BaseSession) -> None:
        self._session = session

    def __enter__(self) -> BaseSession:
        context.state.sessions.append(self._session)
        return self._session

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        sessions = context.state.sessions
        for position in range(len(sessions) - 1, -1, -1):
            if sessions[position] is self._session:
                del sessions[position]
                return


class Session(BaseSession):
    """Runs operations of a graph; leaving its ``with`` block closes it."""

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        super().__exit__(kind, value, trace)
        self.close()

    @staticmethod
    def reset(target: str, containers: Sequence[str] | None = None, config: Any = None) -> None:
        """Clears resource containers and closes every session of ``target``.

        Args:
          target: the execution engine; empty for this process.
          containers: the names of the containers to clear; all of them if None or empty.
          config: a ``ConfigProto``, for TensorFlow's signature.
        """
        del config
        if isinstance(target, bytes):
            target = target.decode()
        if target is None:
            raise TypeError("The target of a reset must be a string, but is None.")
        for session in list(_sessions):
            if session._target == target and not session._closed:
                session._resources.clear(containers)
                session._was_reset = True
                BaseSession.close(session)
        targets.clear(target, containers)


#: The sessions of this process, for ``Session.reset``.
_sessions: weakref.WeakSet[BaseSession] = weakref.WeakSet()


class InteractiveSession(BaseSession):
    """Is a session that is the default one from its creation until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._default = self.as_default()
        self._default.__enter__()
        self._graph_scope = None
        if graph is not None:
            self._graph_scope = self._graph.as_default()
            self._graph_scope.__enter__()

    def close(self) -> None:
        """Closes the session, which is then no longer the default one."""
        if self._closed:
            return
        super().close()
        if self._graph_scope is not None:
            self._graph_scope.__exit__(None, None, None)
        self._default.__exit__(None, None, None)


def get_default_session() -> BaseSession | None:
    """Returns the innermost session made the default in this thread, or None."""
    sessions = context.state.sessions
    return sessions[-1] if sessions else None
