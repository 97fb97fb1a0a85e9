"""Keeps the compiled kernels of eager calls: one for each operation, attributes, static inputs, shapes and dtypes.

Both that run on an accelerator and that are compiled for the host, because an operation has no kernel over NumPy, are
here. The least recently used is dropped when there are very many.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime import checks, engine, tracing
from tideflow._src.runtime.lazy import jax, jnp
from tideflow._src.runtime.random_state import Generator

#: How many kernels are kept.
MOST_KEPT = 2048


class _Kernels:
    """Holds kernels by what they are compiled for, those used last at the end."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Any) -> Any:
        with self._lock:
            kernel: Any = self._kept.get(key)
            if kernel is not None:
                self._kept.move_to_end(key)
            return kernel

    def keep(self, key: Any, kernel: Any) -> None:
        with self._lock:
            self._kept[key] = kernel
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


kept = _Kernels()


class Outcome:
    """Is what a kernel says of the values that it was given; asking waits for it."""

    __slots__ = ("_failed", "_messages", "_name")

    def __init__(self, name: str, failed: Any, messages: list[str]) -> None:
        self._name = name
        self._failed = failed
        self._messages = messages

    def __call__(self) -> None:
        """Raises InvalidArgumentError if the kernel rejects its values."""
        position = int(self._failed)
        if position >= 0:
            raise InvalidArgumentError(None, None, f"{self._messages[position]} [Op:{self._name}]")


class Kernel:
    """Is the kernel of one operation, compiled when it is first called.

    Args:
      definition: the operation.
      attrs: the attributes that its kernel takes.
      fixed: the values of its static inputs by position; None for a variable that has no value yet.
      counts: of each input, how many tensors it is given as a list; -1 for a single tensor.
      types: the dtypes of the variables that it updates and of each output, or a list of them for a list output; None
        leaves the kernel's own.
      device: the engine's device that runs it; None for the engine's own choice.
    """

    def __init__(
        self,
        definition: OpDef,
        attrs: dict[str, Any],
        fixed: dict[int, Any],
        counts: tuple[int, ...],
        types: Sequence[Any] | None,
        device: Any,
    ) -> None:
        self._definition = definition
        self._attrs = attrs
        self._fixed = fixed
        self._counts = counts
        self._types = types
        self._kernel = tracing.xla_kernel(definition)
        self._messages: list[str] = []
        #: Whether the engine cannot take it, so that it runs on the host.
        self.refused = False
        where = {} if device is None else {"out_shardings": jax.sharding.SingleDeviceSharding(device)}
        self._program = jax.jit(self._trace, **where)

    def __call__(self, arrays: Sequence[Any], key: Any = None, counter: Any = None) -> tuple[Any, Outcome | None]:
        """Runs the kernel.

        Args:
          arrays: the inputs that are not static, lists flattened.
          key, counter: where a random operation's numbers come from.

        Returns:
          The new values of the variables that it updates and the value of each output, or a list of them, in a tuple;
          and what tells whether the values were accepted, None if the kernel takes all.
        """
        results, failed = self._program(arrays, key, counter)
        return results, None if failed is None else Outcome(self._definition.name, failed, self._messages)

    def _trace(self, arrays: Sequence[Any], key: Any, counter: Any) -> Any:
        definition = self._definition
        given = iter(arrays)
        inputs: list[Any] = []
        for index, count in enumerate(self._counts):
            if index in self._fixed:
                inputs.append(self._fixed[index])
            else:
                inputs.append(next(given) if count < 0 else [next(given) for _ in range(count)])
        outer = checks.trace.conditions
        conditions: list[tuple[Any, str]] = []
        checks.trace.conditions = conditions
        try:
            if key is not None:
                generator = Generator(key, (counter[0], counter[1]))
                result = self._kernel(*inputs, generator=generator, **self._attrs)
            else:
                result = self._kernel(*inputs, **self._attrs)
        finally:
            checks.trace.conditions = outer
        self._messages = [message for _, message in conditions]
        failed = checks.first_broken(conditions) if conditions else None
        lists = [*[False for _ in definition.updates], *[argument.is_list for argument in definition.outputs]]
        results = (result,) if len(lists) == 1 else result
        results = tuple(list(item) if is_list else item for is_list, item in zip(lists, results, strict=True))
        if self._types is not None:
            results = tuple(_as_declared(item, types) for item, types in zip(results, self._types, strict=True))
        return results, failed


def _as_declared(value: Any, types: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_declared(item, dtype) for item, dtype in zip(value, types, strict=True)]
    return jnp.asarray(value, types.as_numpy_dtype)


def find(
    definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any], types: Sequence[Any] | None, device: Any
) -> tuple[Kernel, list[Any]]:
    """Returns the kernel for a call, and the arrays that it is to be called with.

    Args:
      definition: the operation.
      inputs: a value for each input, or a list of values; static inputs are in host memory, and for a variable its
        value is given, or None.
      attrs: the attributes that the kernel takes.
      types: the dtypes of the outputs; see :class:`Kernel`.
      device: the engine's device that runs it; None for the engine's own choice.

    Raises:
      NeedsHost: the operation cannot be compiled.
    """
    engine.load()
    static = definition.static_inputs
    arrays: list[Any] = []
    signature: list[Any] = []
    counts: list[int] = []
    for index, item in enumerate(inputs):
        is_list = item.__class__ is list or item.__class__ is tuple
        counts.append(len(item) if is_list else -1)
        for value in item if is_list else (item,):
            if value is None:
                signature.append(None)
            elif index in static:
                signature.append((value.tobytes(), value.dtype, value.shape))
            else:
                signature.append((value.dtype, value.shape))
                arrays.append(value)
    key = (definition.name, device, *counts, *signature, *[_hashable(value) for value in attrs.values()])
    kernel = kept.find(key)
    if kernel is None:
        fixed = {index: item for index, item in enumerate(inputs) if index in static or item is None}
        kernel = Kernel(definition, attrs, fixed, tuple(counts), types, device)
        kept.keep(key, kernel)
    return kernel, arrays


def known(definition: OpDef, arrays: Sequence[Any], attrs: dict[str, Any], device: Any) -> Any:
    """Returns the kernel for a call of single tensors, none of them static, if it has been made before."""
    signature = [(value.dtype, value.shape) for value in arrays]
    counts = (-1,) * len(arrays)
    key = (definition.name, device, *counts, *signature, *[_hashable(value) for value in attrs.values()])
    return kept.find(key)


def _hashable(value: Any) -> Any:
    """Returns what tells an attribute's value from others of its type."""
    kind = value.__class__
    if kind is bool or kind is int or kind is str or kind is DType or value is None:
        return value
    if kind is list or kind is tuple:
        return (kind, *map(_hashable, value))
    if kind is np.ndarray:
        return value.tobytes(), value.dtype, value.shape
    return kind, repr(value)


# Eager calls, and calls in interpreted plans, of operations that have only an XLA kernel.


def on_host(definition: OpDef) -> Callable[..., Any]:
    """Returns a function that runs an operation's XLA kernel on NumPy values."""

    def kernel(*inputs: Any, **attrs: Any) -> Any:
        return call_on_host(definition, list(inputs), attrs)

    return kernel


def call_on_host(definition: OpDef, values: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Runs the XLA kernel of an operation on NumPy values, and returns NumPy values.

    Raises:
      InvalidArgumentError: the kernel rejects the values.
    """
    inputs = [
        [np.asarray(each) for each in item] if isinstance(item, list | tuple) else np.asarray(item) for item in values
    ]
    device = None if engine.load().default_backend() == "cpu" else engine.host_device()
    kernel, arrays = find(definition, inputs, attrs, None, device)
    results, outcome = kernel(arrays)
    if outcome is not None:
        outcome()
    found = [[np.asarray(each) for each in item] if isinstance(item, list) else np.asarray(item) for item in results]
    return found[0] if len(definition.outputs) == 1 else tuple(found)
