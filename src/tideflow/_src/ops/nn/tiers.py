"""Chooses, for calls of the heaviest kernels on the host, between NumPy and a compiled program.

A kernel of convolution or pooling may take several times as long in NumPy as compiled, but compiling costs as much as
many calls. So calls with the same shapes and attributes run in NumPy as often as the cost model says, and compiled from
then on: it is what programs do with plans. ``TIDEFLOW_TIER=host`` keeps to NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import cost_model, device_kernels, engine
from tideflow._src.runtime.program import forced_tier

Kernel = Callable[..., Any]
Estimate = Callable[[Sequence[Any]], tuple[float, cost_model.Work]]

#: Arrays with fewer elements than this, counted together, are left to NumPy without looking further.
_SMALL = 1 << 15
#: The elements of a filter's window that estimates assume.
_TAPS = 9
#: The most signatures of one kernel that are kept.
_MOST_SIGNATURES = 256


class TieredKernel:
    """Is a kernel of both tiers: a call, whose first argument is the namespace ``xp``, runs that of the tier.

    Args:
      host: the kernel in NumPy.
      xla: the same kernel, to be traced by JAX.
      work: returns how much a call does, given its arrays; see :func:`tiered`.
    """

    def __init__(self, host: Kernel, xla: Kernel, work: Estimate) -> None:
        self.host, self.xla, self._on_arrays = host, xla, tiered(host, xla, work)

    def __call__(self, xp: Any, *arguments: Any, **attributes: Any) -> Any:
        return (self._on_arrays if xp is np else self.xla)(*arguments, **attributes)


def tiered(host: Kernel, xla: Kernel, work: Estimate) -> Kernel:
    """Returns a kernel for NumPy arrays that runs ``host``, or ``xla`` compiled once that pays.

    Args:
      host: the kernel in NumPy.
      xla: the same kernel, to be traced by JAX. Positional arguments that are arrays of more than one dimension are
        traced; all others, and the keyword arguments, are constants of the program.
      work: returns how much a call does, given the arrays that are traced: a number, and what one of it costs.
    """
    #: For each signature the calls left in NumPy.
    left: dict[Any, float] = {}

    def kernel(*arguments: Any, **attributes: Any) -> Any:
        size = 0
        for item in arguments:
            if _is_traced(item):
                size += item.size
        if size < _SMALL:
            return host(*arguments, **attributes)
        key = _key(arguments, attributes)
        count = left.get(key)
        if count is None:
            if len(left) >= _MOST_SIGNATURES:
                left.clear()
            amount, kind = work([item for item in arguments if _is_traced(item)])
            count = cost_model.runs_before_compiling(amount, kind, engine.is_loaded())
        if count > 0 or forced_tier() == "host":
            left[key] = count - 1
            return host(*arguments, **attributes)
        left[key] = 0
        compiled = device_kernels.kept.find((xla, key))
        if compiled is None:
            compiled = _compile(xla, arguments, attributes)
            device_kernels.kept.keep((xla, key), compiled)
        return compiled(*arguments)

    kernel.__name__ = kernel.__qualname__ = host.__name__.removesuffix("_host")
    kernel.__doc__ = host.__doc__
    return kernel


def pooling_work(arrays: Sequence[Any]) -> tuple[float, cost_model.Work]:
    """Returns about how many elements a pooling goes through."""
    return max(map(np.size, arrays)), cost_model.POOLING


def convolution_work(arrays: Sequence[Any]) -> tuple[float, cost_model.Work]:
    """Returns about how many floating-point operations a convolution does, or one of its gradients."""
    pixels, channels = _pixels_and_channels(arrays)
    return 2 * pixels * max(channels) * min(channels) * _TAPS, cost_model.CONVOLUTION


def depthwise_work(arrays: Sequence[Any]) -> tuple[float, cost_model.Work]:
    """Returns about how many floating-point operations a convolution of single channels does."""
    pixels, channels = _pixels_and_channels(arrays)
    return 2 * pixels * max(channels) * _TAPS, cost_model.CONVOLUTION


def _pixels_and_channels(arrays: Sequence[Any]) -> tuple[float, list[int]]:
    largest = max(arrays, key=np.size)
    return largest.size / max(largest.shape[-1], 1), [array.shape[-1] for array in arrays]


def _is_traced(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.ndim > 1


def _key(arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Returns what decides how a call is compiled."""
    parts = [(item.shape, item.dtype) if _is_traced(item) else _hashable(item) for item in arguments]
    return (*parts, *map(_hashable, attributes.values()))


def _hashable(value: Any) -> Any:
    """Returns a constant, with the lists and arrays in it as tuples."""
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


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
