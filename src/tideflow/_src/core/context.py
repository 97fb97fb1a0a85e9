"""Holds what surrounds an operation: the current graph, tapes, device and name scope of each thread.

The commonest case by far is a plain eager call: no graph being built, no device scope, and mostly no tape recording.
``SPECIAL`` makes that case cheap to recognise: it is empty exactly when no thread is doing anything else, so that the
fast path of an operation pays one truth test and reads no thread-local state. Paths that record what they do test
``BUILDING`` instead, and then ``TAPES``. These three are shared by all threads: whoever does something else puts a key
of its own there and takes it away again, each in one step that no other thread can come between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core.inheritance import inherited

#: Non-empty while any thread builds a graph, has a device scope open or records on a tape. Keys are opaque.
SPECIAL: dict[Any, None] = {}
#: Non-empty while any thread builds a graph or has a device scope open.
BUILDING: dict[Any, None] = {}
#: Non-empty while any thread records on a tape.
TAPES: dict[Any, None] = {}

_GRAPH_MODE = object()


class ThreadState(threading.local):
    """Is the part of the context that belongs to one thread."""

    def __init__(self) -> None:
        #: Graphs entered with ``as_default``, innermost last; ``None`` marks an eager scope.
        self.graphs: list[Any] = []
        #: Tapes that record, outermost first.
        self.tapes: list[Any] = []
        #: Functions that may give other tensors for the outputs of a new node; used while something is among the tapes.
        self.replacing: list[Any] = []
        #: Device scopes for eager operations, innermost last.
        self.devices: list[Any] = []
        #: Prefix that ``name_scope`` gives eager variables, with a trailing slash, or empty.
        self.eager_scope: str = ""
        #: Sessions entered with ``as_default``.
        self.sessions: list[Any] = []


state = inherited(ThreadState())


class _Mode:
    """Is the process-wide choice between eager execution and graphs as the default."""

    eager_by_default = True
    tensor_equality = True
    #: How often something was chosen for the whole process on which it depends what Python makes of tensors.
    choices = 0
    default_graph: Any = None
    make_default_graph: Any = None


mode = _Mode()


def executing_eagerly() -> bool:
    """Tells whether an operation called now runs at once (and does not become a graph node)."""
    graphs = state.graphs
    return graphs[-1] is None if graphs else mode.eager_by_default


def current_graph() -> Any:
    """Returns the graph that operations join now, or ``None`` when they run eagerly."""
    graphs = state.graphs
    if graphs:
        return graphs[-1]
    return None if mode.eager_by_default else default_graph()


def default_graph() -> Any:
    """Returns the innermost graph of this thread, or the process-wide default graph, made on first use."""
    for graph in reversed(state.graphs):
        if graph is not None:
            return graph
    if mode.default_graph is None:
        mode.default_graph = mode.make_default_graph()
    return mode.default_graph


def reset_default_graph() -> None:
    """Forgets the process-wide default graph; the next use makes a new one."""
    if any(graph is not None for graph in state.graphs):
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. "
            "If you need a cleared graph, exit the nesting and create a new graph."
        )
    mode.default_graph = mode.make_default_graph()


def set_eager_by_default(enabled: bool) -> None:
    """Chooses whether operations run at once or join the default graph when no scope says otherwise."""
    if enabled == mode.eager_by_default:
        return
    mode.eager_by_default = enabled
    if enabled:
        SPECIAL.pop(_GRAPH_MODE, None)
        BUILDING.pop(_GRAPH_MODE, None)
    else:
        SPECIAL[_GRAPH_MODE] = BUILDING[_GRAPH_MODE] = None


@contextmanager
def entered(stack: list[Any], entry: Any) -> Iterator[Any]:
    """Keeps ``entry`` on one of the thread's stacks, and the fast path off, while the block runs."""
    key = object()
    stack.append(entry)
    SPECIAL[key] = BUILDING[key] = None
    try:
        yield entry
    finally:
        SPECIAL.pop(key, None)
        BUILDING.pop(key, None)
        if stack and stack[-1] is entry:
            stack.pop()
        else:
            _remove_last(stack, entry)


def _remove_last(stack: list[Any], entry: Any) -> None:
    """Takes an entry off a stack of this thread."""
    for position in range(len(stack) - 1, -1, -1):
        if stack[position] is entry:
            del stack[position]
            return


def enter_tape(tape: Any) -> None:
    """Makes a tape record what this thread does."""
    key = threading.get_ident(), id(tape)
    state.tapes.append(tape)
    TAPES[key] = SPECIAL[key] = None


def leave_tape(tape: Any) -> None:
    """Ends what ``enter_tape`` began."""
    key = threading.get_ident(), id(tape)
    _remove_last(state.tapes, tape)
    TAPES.pop(key, None)
    SPECIAL.pop(key, None)


def record(op_def: Any, inputs: Any, attrs: dict[str, Any], outputs: Any) -> None:
    """Records a call on the tapes of this thread."""
    for tape in state.tapes:
        tape.record(op_def, inputs, attrs, outputs)


def record_node(node: Any) -> None:
    """Records an operation that was added to a graph on the tapes of this thread."""
    for tape in state.tapes:
        tape.record_node(node)


@contextmanager
def eager_scope() -> Iterator[None]:
    """Runs operations eagerly inside the block, whatever graph is being built around it."""
    with entered(state.graphs, None):
        yield


@contextmanager
def no_tapes(*, forward: bool = False) -> Iterator[None]:
    """Hides every tape of this thread inside the block; with ``forward``, all but those that differentiate forward."""
    kept = [tape for tape in state.tapes if tape.is_forward] if forward else []
    saved, state.tapes = state.tapes, kept
    try:
        yield
    finally:
        state.tapes = saved
