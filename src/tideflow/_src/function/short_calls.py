"""The short way of a call of a ``tf.function``: how calls are looked up that take tensors, arrays and plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.runtime.random_state import eager_seeds

_new = object.__new__
ARRAY = np.ndarray
#: Classes of Python's values that are part of a signature.
LITERALS = frozenset((int, float, bool, str, bytes, type(None)))
_PLAIN = frozenset((np.ndarray, *(kind for kind in np.sctypeDict.values())))


def look_into(items: Sequence[Any], key: list[Any], leaves: list[Any]) -> bool:
    """Looks into arguments, and lists and tuples among them, as far as the short way of a call goes.

    Args:
      items: the arguments.
      key: gets what the call is looked up by, as ``TracedFunction.__call__`` makes it of arguments that are no lists.
      leaves: gets the tensors, arrays and values of Python.

    Returns:
      Whether there is nothing else.
    """
    for item in items:
        kind = item.__class__
        if kind is EagerTensor:
            value = item._value
            if value.__class__ not in _PLAIN:
                return False
            key.append(value.dtype)
            key.append(value.shape)
        elif kind in LITERALS:
            if item != item or (kind is float and not item):  # 0.0 is -0.0 in a dictionary
                return False
            key.append(kind)
            key.append(item)
        elif kind is ARRAY:
            if item.dtype.kind not in "biufc" or not item.dtype.isnative:
                return False
            key.append(kind)
            key.append(item.dtype)
            key.append(item.shape)
        elif kind is tuple or kind is list:
            key.append(kind)
            key.append(len(item))
            if not look_into(item, key, leaves):
                return False
            continue
        elif hasattr(kind, "_stands_for"):
            sort, item = item._stands_for
            if item.__class__ is not EagerTensor:
                return False
            key.append(sort)
        else:
            return False
        leaves.append(item)
    return True


class ShortCall:
    """Runs a concrete function on the tensors of a call whose signature is known to fit.

    Args:
      concrete: the function.
      order: for each tensor of its arguments its position among the arguments, or what lists and tuples of them hold.
      count: how many there are of these.
      arrays: whether there are arrays among them, which their owner may change: they are copied.
    """

    __slots__ = ("_arrays", "_captured", "_lends", "_order", "_pack", "_program", "_settled", "_single", "concrete")

    def __init__(self, concrete: ConcreteFunction, order: Sequence[int], count: int, arrays: bool) -> None:
        self.concrete = concrete
        self._program: Any = None
        self._settled: Any = None
        self._order = None if list(order) == list(range(count)) else tuple(order)
        self._arrays = arrays
        #: Whether arrays need no copy, as the program makes one.
        self._lends = False
        self._captured: list[Any] = []
        self._pack = concrete._pack
        self._single = concrete.returns_one_tensor

    def __call__(self, items: Sequence[Any]) -> Any:
        program = self._program or self._prepare(items)
        if self._order is not None:
            items = [items[position] for position in self._order]
        if self._lends:
            values = [item._value if item.__class__ is EagerTensor else item for item in items]
        elif self._arrays:
            values = [item._value if item.__class__ is EagerTensor else item.copy() for item in items]
        else:
            values = [item._value for item in items]
        if self._captured:
            values += self._captured
        settled = self._settled
        if settled is None or program.generation != eager_seeds.generation:
            results = program.run(values)
            if not program.holds_text:
                self._settled = program.program.settled(values)
                self._lends = self._arrays and self._settled is not None and program.program.copies(values)
        else:
            program.calls += 1
            results = settled(values)
        if self._single:
            result = _new(EagerTensor)
            result._value = results[0]
            return result
        return self._pack([wrap(value) for value in results])

    def _prepare(self, items: Sequence[Any]) -> Any:
        given = items if self._order is None else [items[position] for position in self._order]
        inputs = [*given, *self.concrete._captured]
        program = self.concrete.call.program_for(inputs)
        count = len(given)
        self._captured = [inputs[index]._value for index in program.fed if index >= count]
        self._program = program
        return program
