"""Runs a function in a thread of its own that takes turns with the thread that made it: one of them runs at a time.

A ``Companion`` begins with everything that its maker has chosen (``core/inheritance.py``) and the scopes that are open
in the graph. It runs while the maker waits in :meth:`Companion.turn`, until it pauses or ends, so that what it does
comes in one order, whatever the machine does.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.inheritance import Inheritance
from tideflow._src.runtime.blocking import longest_wait


class _Stopped(BaseException):
    """Ends a companion whose maker does not go on."""


class Companion:
    """Runs a function in turns with the thread that makes this object.

    Attributes:
      result: what the function has returned.
      said: what the function has given to ``pause``.
      answer: what ``pause`` returns.
      ended: whether the function is over.

    Args:
      function: the function, without arguments.
      name: the name of the thread.
    """

    def __init__(self, function: Callable[[], Any], name: str) -> None:
        self.result: Any = None
        self.said: Any = None
        self.answer: Any = None
        self.ended = False
        self._function = function
        self._error: BaseException | None = None
        self._stopping = False
        # Held by who waits: released to give the other side its turn.
        self._mine, self._makers = threading.Lock(), threading.Lock()
        self._mine.acquire()
        self._makers.acquire()
        self._inheritance = Inheritance()
        self._graphs = _graphs()
        self._scopes = [graph.scopes() for graph in self._graphs]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # In the maker's thread.

    def turn(self) -> bool:
        """Lets the function go on until it pauses or is over; returns whether it is.

        Raises:
          BaseException: what the function has raised.
        """
        with self._own_scopes():
            try:
                if self._thread.ident is None:
                    self._thread.start()
                else:
                    _release(self._mine)
                self._wait()
            except BaseException as error:  # Ctrl-C, which came to this thread, is for what runs in the other
                self._interrupt(type(error))
                raise
        raised, self._error = self._error, None
        if raised is not None:
            raise raised
        return self.ended

    def stop(self) -> None:
        """Ends the thread, if it is not over."""
        if self._thread.ident is None or self.ended:
            return
        self._stopping = True
        with self._own_scopes():  # the thread closes them
            _release(self._mine)
            self._join()

    @contextlib.contextmanager
    def _own_scopes(self) -> Iterator[None]:
        """Gives the graphs the scopes that the function has open, while the block runs."""
        outer = [graph.scopes() for graph in self._graphs]
        for graph, scopes in zip(self._graphs, self._scopes, strict=True):
            graph.set_scopes(scopes)
        try:
            yield
        finally:
            self._scopes = [graph.scopes() for graph in self._graphs]
            for graph, scopes in zip(self._graphs, outer, strict=True):
                graph.set_scopes(scopes)

    def _wait(self) -> None:
        while not self._makers.acquire(timeout=longest_wait()):
            pass

    def _join(self) -> None:
        while self._thread.is_alive():
            self._thread.join(longest_wait())

    def _interrupt(self, kind: type[BaseException]) -> None:
        """Raises an exception in what the thread runs, and waits for its end."""
        self._stopping = True
        ident = self._thread.ident
        if ident is not None and not self.ended:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(kind))
            _release(self._mine)
            self._join()

    # In the thread.

    def pause(self, said: Any) -> Any:
        """Gives the turn to the maker, and returns the answer that is there when this thread's turn comes again."""
        if self._stopping:  # a `finally` on the way out: the maker waits for the end
            raise _Stopped
        self.said = said
        _release(self._makers)
        self._mine.acquire()
        if self._stopping:
            raise _Stopped
        answer, self.answer = self.answer, None
        return answer

    def _run(self) -> None:
        try:
            self._inheritance.take_over()
            self.result = self._function()
        except _Stopped:
            pass
        except BaseException as error:  # it goes on in the maker
            self._error = error
        finally:
            self.ended = True
            _release(self._makers)


def _release(lock: threading.Lock) -> None:
    with contextlib.suppress(RuntimeError):  # Ctrl-C came where nobody waits yet
        lock.release()


def _graphs() -> list[Any]:
    """Returns the graphs that are being built, each once."""
    graphs = [graph for graph in context.state.graphs if graph is not None]
    current = context.current_graph()
    if current is not None:
        graphs.append(current)
    return list({id(graph): graph for graph in graphs}.values())
