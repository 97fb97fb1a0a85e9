"""Defines ``Absent``: what a compiled branch returns for a value that only another branch computes.

Every branch of a program returns values of the same shapes. What a branch does not have is zeros of the shape that it
has in another branch, which is known once that branch has been traced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tideflow._src.runtime.buffers import Buffer, ResourceHandle
from tideflow._src.runtime.lazy import jax, jnp


class Absent:
    """Stands for a value whose shape is not known here.

    Attributes:
      empty: what stands for it where no other branch is traced.
    """

    __slots__ = ("dtype", "empty")

    shape = ()
    ndim = 0

    def __init__(self, dtype: Any, empty: Any) -> None:
        self.dtype = dtype
        self.empty = empty


class _Tracing(threading.local):
    """Says whether this thread traces a branch beside others."""

    beside_others = False


_tracing = _Tracing()


@contextmanager
def beside_others() -> Iterator[None]:
    """Traces one of several branches inside the block: what it does not have is absent, not empty."""
    saved, _tracing.beside_others = _tracing.beside_others, True
    try:
        yield
    finally:
        _tracing.beside_others = saved


def absent(dtype: Any, empty: Any) -> Any:
    """Returns what stands for a value that a branch does not have: ``empty`` if no other branch is traced."""
    return Absent(dtype, empty) if _tracing.beside_others else empty


def settled(results: Sequence[Any]) -> list[Any]:
    """Returns the results of the one branch that is traced: nothing reads what is absent."""
    return [result.empty if isinstance(result, Absent) else result for result in results]


#: Results that are no values of the program.
_NO_VALUES = (Absent, ResourceHandle, Buffer)


def shapes(branches: Sequence[Callable[..., list[Any]]], operands: Sequence[Any]) -> list[Any]:
    """Returns the shape of each result of functions that return the same, from one that has it.

    Args:
      branches: the functions.
      operands: what each is called with.
    """

    def present(branch: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        return lambda *parts: [None if isinstance(result, _NO_VALUES) else result for result in branch(*parts)]

    found = [jax.eval_shape(present(branch), *operands) for branch in branches]
    return [next((item for item in items if item is not None), None) for items in zip(*found, strict=True)]


def completed(results: Sequence[Any], known: Sequence[Any]) -> list[Any]:
    """Returns results with zeros of known shapes for what is absent."""
    return [
        jax.tree_util.tree_map(lambda part: jnp.zeros(part.shape, part.dtype), shape)
        if isinstance(result, Absent)
        else result
        for result, shape in zip(results, known, strict=True)
    ]
