"""Keeps NumPy's floating-point warnings out of operations: an overflow gives inf, as on every device, silently.

``np.errstate`` costs more than adding two small arrays. Setting the context variable behind it costs a tenth; where
a NumPy release lacks that variable, ``np.errstate`` does the same. Use: ``token = enter(QUIET)``, then
``leave(token)`` in a ``finally``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

enter: Any
leave: Any
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

    enter, leave, QUIET = _enter, _leave, {"all": "ignore"}
else:
    enter, leave, QUIET = _extobj_contextvar.set, _extobj_contextvar.reset, _make_extobj(all="ignore")
