"""The promotion of dtypes in the modes ``"safe"`` and ``"all"``: the first common descendant of two in a lattice.

A weak dtype is that of a Python number, or of a tensor made of one: it gives way to any dtype of its kind or a higher
one. The lattice follows JAX (JEP 9407) and TensorFlow's guide "TF-NumPy Type Promotion". What may lose
precision, or needs more bits than either operand, is for the mode ``"all"`` only.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import dtypes, nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import CompositeTensor

#: The modes by name, in the order of what they allow.
MODES = {"off": "OFF", "legacy": "LEGACY", "safe": "SAFE", "all": "ALL"}


class _Rules:
    """Is the process-wide choice of how dtypes are promoted."""

    mode = "off"
    prefer_float32 = False

    @property
    def is_weak(self) -> bool:
        """Whether Python numbers are weak, and the lattice promotes."""
        return self.mode in ("safe", "all")


rules = _Rules()


class Kind(NamedTuple):
    """Is a dtype, weak or not."""

    dtype: DType
    weak: bool = False


_NAMES = {
    "b": "bool",
    "u": "uint",
    "i": "int",
    "bf": "bfloat",
    "f": "float",
    "c": "complex",
}


def _kind(short: str) -> Kind:
    """Returns the kind that the guide calls ``short``: ``i32``, or ``f32*`` for a weak one."""
    name = short.rstrip("*")
    letters = name.rstrip("0123456789")
    return Kind(getattr(dtypes, _NAMES[letters] + name.removeprefix(letters)), short.endswith("*"))


#: What each dtype gives way to at once. Two dtypes promote to the first that both reach.
_WIDER = {
    "b": "u8 i8 i32*",
    "i32*": "i64*",
    "i64*": "u8 i8 f32*",
    "u8": "u16 i16",
    "u16": "u32 i32",
    "u32": "u64 i64",
    "u64": "f64*",
    "i8": "i16",
    "i16": "i32",
    "i32": "i64",
    "i64": "f64*",
    "f32*": "f64*",
    "f64*": "bf16 f16 c128*",
    "bf16": "f32",
    "f16": "f32",
    "f32": "f64 c64",
    "c128*": "c64",
    "f64": "c128",
    "c64": "c128",
    "c128": "",
}

#: The bits of the significand of the numbers that floats and complex numbers consist of.
_PRECISION = {"bf16": 8, "f16": 11, "f32": 24, "f64": 53, "c64": 24, "c128": 53}


@cache
def _reached() -> dict[Kind, frozenset[Kind]]:
    """Returns, for each kind, itself and all kinds that it may promote to."""
    reached: dict[Kind, frozenset[Kind]] = {}
    for short in reversed(_in_order()):
        kind = _kind(short)
        reached[kind] = frozenset({kind}).union(*(reached[_kind(wider)] for wider in _WIDER[short].split()))
    return reached


def _in_order() -> list[str]:
    """The dtypes, each before all that it widens to."""
    order: list[str] = []

    def visit(short: str) -> None:
        if short not in order:
            for wider in _WIDER[short].split():
                visit(wider)
            order.append(short)

    for short in _WIDER:
        visit(short)
    return order[::-1]


@cache
def _precisions() -> dict[DType, int]:
    return {_kind(short).dtype: bits for short, bits in _PRECISION.items()}


@cache
def promote(x: Kind, y: Kind) -> tuple[Kind, bool]:
    """Returns what two kinds promote to, and whether the mode ``"safe"`` allows it.

    Raises:
      NotImplementedError: nothing holds both; text, for one, promotes to text alone.
    """
    if x == y:
        return x, True
    reached = _reached()
    if x not in reached or y not in reached:
        raise NotImplementedError(
            f"Implicit Conversion between {x.dtype} and {y.dtype} is not allowed. Please convert the input "
            "manually if you need to."
        )
    common = reached[x] & reached[y]
    result = max(common, key=lambda kind: len(reached[kind]))
    safe = result.dtype in (x.dtype, y.dtype) and not any(_loses(kind, result) for kind in (x, y))
    return result, safe


def _loses(kind: Kind, result: Kind) -> bool:
    """Tells whether a float cannot hold every number of an integer type; weak integers are taken to be small."""
    precision = _precisions().get(result.dtype)
    if precision is None or kind.weak or not kind.dtype.is_integer:
        return False
    return int(kind.dtype.max).bit_length() > precision


def kind_of(x: Any) -> Kind:
    """Returns the dtype of a tensor, array, number or dtype, and whether it is weak.

    Raises:
      OverflowError: a Python integer beyond 32 bits.
      NotImplementedError: the value has no dtype that promotes.
    """
    dtype = getattr(x, "dtype", None)
    if getattr(x, "is_weak", False):
        return Kind(x.dtype, True)
    if isinstance(x, DType):
        return Kind(x.base_dtype)
    if isinstance(dtype, DType):
        return Kind(dtype.base_dtype)
    if isinstance(dtype, np.dtype):
        return Kind(dtypes.as_dtype(dtype))
    if isinstance(x, bytes | str):
        return Kind(dtypes.string)
    if isinstance(x, bool) or x is bool:
        return Kind(dtypes.bool)
    if isinstance(x, int):
        if not -(2**31) <= x < 2**31:
            raise OverflowError(f"Python int {x} too large to convert to np.int32")
        return Kind(dtypes.int32, True)
    if x is int:
        return Kind(dtypes.int32, True)
    if isinstance(x, float) or x is float:
        return Kind(dtypes.float32, True)
    if isinstance(x, complex) or x is complex:
        return Kind(dtypes.complex128, True)
    if isinstance(x, TensorShape):
        return Kind(dtypes.int32)
    if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
        try:
            return Kind(dtypes.as_dtype(x))
        except TypeError:
            raise NotImplementedError(
                f"Auto dtype conversion semantics does not support {x}. Try using a NumPy built-in dtype objects or "
                "cast them explicitly."
            ) from None
    raise NotImplementedError(f"Auto dtype conversion semantics does not support {type(x)} type.")


def result_type(*values: Any) -> Kind:
    """Returns the kind that values promote to together, in the mode that is on.

    Args:
      values: tensors, arrays, variables, numbers, dtypes, and nested sequences of those; None counts for nothing.

    Raises:
      TypeError: the mode is ``"safe"``, which does not allow it.
      NotImplementedError: a value takes no part in promotion, such as a sparse tensor.
    """
    given = [value for value in values if value is not None]
    for value in given:
        if isinstance(value, CompositeTensor) and not getattr(value, "is_weak", False):
            raise NotImplementedError(f"Auto dtype conversion semantics does not support {type(value)} type.")
    kinds = [kind_of(leaf) for leaf in nest.flatten(given)] or [Kind(dtypes.float32, True)]
    result = kinds[0]
    for kind in kinds[1:]:
        promoted, safe = promote(result, kind)
        if not safe and rules.mode == "safe":
            raise TypeError(
                f"In promotion mode PromoMode.SAFE, implicit dtype promotion between ({result.dtype}, "
                f"weak={result.weak}) and ({kind.dtype}, weak={kind.weak}) is disallowed. You need to explicitly "
                "specify the dtype in your op, or relax your dtype promotion rules (such as from SAFE mode to ALL "
                "mode)."
            )
        result = promoted
    return result
