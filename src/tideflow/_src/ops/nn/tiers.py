"""Chooses, for eager calls of the heaviest kernels, between NumPy and a compiled program.

A kernel of convolution or pooling may take several times as long in NumPy as compiled, but compiling costs as much as
many calls. So calls with the same shapes and attributes run in NumPy until they have taken about as long as compiling
takes; then the kernel is compiled and timed, and the faster of the two serves from then on. It is what sessions do with
plans. ``TIDEFLOW_TIER=host`` keeps to NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from tideflow._src.runtime import engine
from tideflow._src.runtime.runner import forced_tier

Kernel = Callable[..., Any]

#: Arrays with fewer elements than this, counted together, are left to NumPy without taking the time.
_SMALL = 1 << 15
#: Seconds that the calls of one signature take in NumPy before it is compiled: JAX being loaded, and not.
_WORTH_COMPILING = 0.4
_WORTH_LOADING = 1.5
#: The most signatures of one kernel that are kept.
_MOST_SIGNATURES = 256


class _Signature:
    """Is what is known of calls with the same shapes and attributes."""

    __slots__ = ("best", "compiled", "settled", "spent")

    def __init__(self) -> None:
        self.spent = 0.0
        self.best = float("inf")
        self.compiled: Kernel | None = None
        self.settled = False


def tiered(host: Kernel, xla: Kernel) -> Kernel:
    """Returns a kernel for NumPy arrays that runs ``host``, or ``xla`` compiled once that pays.

    Args:
      host: the kernel in NumPy.
      xla: the same kernel, to be traced by JAX. Positional arguments that are arrays of more than one dimension are
        traced; all others, and the keyword arguments, are constants of the program.
    """
    known: dict[Any, _Signature] = {}

    def kernel(*arguments: Any, **attributes: Any) -> Any:
        size = 0
        for item in arguments:
            if _is_traced(item):
                size += item.size
        if size < _SMALL:
            return host(*arguments, **attributes)
        key = _key(arguments, attributes)
        signature = known.get(key)
        if signature is None:
            if len(known) >= _MOST_SIGNATURES:
                known.clear()
            signature = known[key] = _Signature()
        if signature.compiled is not None:
            return signature.compiled(*arguments)
        if signature.settled:
            return host(*arguments, **attributes)
        start = perf_counter()
        result = host(*arguments, **attributes)
        taken = perf_counter() - start
        signature.spent += taken
        signature.best = min(signature.best, taken)
        if signature.spent > (_WORTH_COMPILING if engine.is_loaded() else _WORTH_LOADING):
            signature.settled = True
            if forced_tier() != "host":
                signature.compiled = _faster(xla, arguments, attributes, signature.best)
        return result

    kernel.__name__ = kernel.__qualname__ = host.__name__.removesuffix("_host")
    kernel.__doc__ = host.__doc__
    return kernel


def _is_traced(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.ndim > 1


def _key(arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Returns what decides how a call is compiled."""
    parts: list[Any] = []
    for item in arguments:
        parts.append((item.shape, item.dtype) if _is_traced(item) else tuple(np.asarray(item).tolist()))
    for value in attributes.values():
        parts.append(tuple(value) if isinstance(value, list) else value)
    return tuple(parts)


def _faster(xla: Kernel, arguments: tuple[Any, ...], attributes: dict[str, Any], best: float) -> Kernel | None:
    """Compiles a kernel; returns it if it takes less than ``best`` seconds, or else None."""
    compiled = _compile(xla, arguments, attributes)
    compiled(*arguments)
    fastest = float("inf")
    for _ in range(2):
        start = perf_counter()
        compiled(*arguments)
        fastest = min(fastest, perf_counter() - start)
    return compiled if fastest < best else None


def _compile(xla: Kernel, arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Kernel:
    """Returns a function that runs the compiled kernel on arguments like these."""
    from tideflow._src.ops.nn.convolution_xla import COMPILER_OPTIONS

    jax = engine.load()
    places = [place for place, item in enumerate(arguments) if _is_traced(item)]
    constants = [None if place in places else item for place, item in enumerate(arguments)]

    def traced(*arrays: Any) -> Any:
        given = list(constants)
        for place, array in zip(places, arrays, strict=True):
            given[place] = array
        return xla(*given, **attributes)

    options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
    program = jax.jit(traced, compiler_options=options)

    def run(*given: Any) -> Any:
        result = program(*(given[place] for place in places))
        return tuple(map(np.asarray, result)) if isinstance(result, tuple) else np.asarray(result)

    return run
