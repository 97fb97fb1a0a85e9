"""Keeps NumPy's floating-point warnings out of operations: an overflow gives inf, as on every device, silently.

``np.errstate`` costs more than adding two small arrays. Setting the context variable behind it costs a tenth; where
a NumPy release lacks that variable, ``np.errstate`` does the same. Use: ``token = enter(QUIET)``, then
``leave(token)`` in a ``finally``; or ``with quiet():``. Kernels run so, and need nothing of their own.

For one NumPy function, ``run_quietly(function, *arguments)`` costs less still: it calls the function inside a
``contextvars.Context`` in which warnings are off. A context serves one call at a time: a second thread that finds it
taken gets a RuntimeError, and goes another way.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np

enter: Any
leave: Any
#: For runs that Ctrl-C may end anywhere: what holds now is asked for before it is changed, and put back by one call.
current: Any
restore: Any
QUIET: Any

try:
    from numpy._core.umath import _extobj_contextvar, _make_extobj
except ImportError:  # a NumPy release whose internals differ

    def _enter(state: Any) -> Any:
        manager = np.errstate(**state)
        manager.__enter__()
        return manager

    def _leave(manager: Any) -> None:
        manager.__exit__(None, None, None)

    def _restore(state: Any) -> None:
        np.seterr(**state)

    enter, leave, QUIET = _enter, _leave, {"all": "ignore"}
    current, restore = np.geterr, _restore
else:
    enter, leave, QUIET = _extobj_contextvar.set, _extobj_contextvar.reset, _make_extobj(all="ignore")
    current, restore = _extobj_contextvar.get, _extobj_contextvar.set


class quiet:
    """Is a block in which NumPy does not warn."""

    def __enter__(self) -> None:
        self._token = enter(QUIET)

    def __exit__(self, *failure: Any) -> None:
        leave(self._token)


_context = contextvars.Context()
_context.run(np.seterr, all="ignore")

run_quietly: Callable[..., Any] = _context.run
