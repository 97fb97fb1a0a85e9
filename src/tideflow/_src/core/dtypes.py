"""Defines ``DType``, the type of a tensor's elements, with one object for each type TensorFlow has.

The name of a type, its number in TensorFlow's ``DataType`` enum and its NumPy type are in one table at the
end of the class; everything else follows from those. A type and its ``_ref`` twin (what a TF 1.x variable op
returns) know each other as ``base_dtype`` and ``_as_ref``.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Sequence
from typing import Any, final

import ml_dtypes
import numpy as np

_REF_OFFSET = 100


@functools.cache
def _extreme(information: Any, kind: Any, attribute: str) -> Any:
    """Returns what ``iinfo`` or ``finfo`` know of a type of numbers."""
    return getattr(information(kind), attribute)


@final
class DType:
    """Is the type of the elements of a tensor.

    There is exactly one object for each type, so ``is`` works; ``==`` also accepts whatever :func:`as_dtype`
    does: ``tf.float32 == "float32" == np.float32``.

    Attributes:
      name: the name, such as ``"float32"``.
      as_datatype_enum: the number in TensorFlow's ``DataType`` enum.
      as_numpy_dtype: the NumPy scalar type (for a quantized type, a structured ``np.dtype``); ``KeyError``
        for ``resource`` and ``variant``, which NumPy cannot hold.
      base_dtype: the same type without ``_ref``.
      real_dtype: the type of the real part for a complex type, else this type.
      size: the bytes that one element takes; 0 for ``string``, ``resource`` and ``variant``.
    """

    __slots__ = (
        "_as_ref",
        "_is_ref_dtype",
        "_numpy_dtype",
        "_type_enum",
        "as_datatype_enum",
        "as_numpy_dtype",
        "base_dtype",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numeric",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
        "real_dtype",
        "size",
    )

    _as_ref: DType
    _is_ref_dtype: builtins.bool
    _numpy_dtype: np.dtype[Any] | None
    _type_enum: int
    as_datatype_enum: int
    as_numpy_dtype: Any
    base_dtype: DType
    is_bool: builtins.bool
    is_complex: builtins.bool
    is_floating: builtins.bool
    is_integer: builtins.bool
    is_numeric: builtins.bool
    is_numpy_compatible: builtins.bool
    is_quantized: builtins.bool
    is_unsigned: builtins.bool
    name: str
    real_dtype: DType
    size: int

    def __new__(cls, type_enum: Any) -> DType:
        """Returns the type with the given ``DataType`` number."""
        try:
            return _OF_ENUM[int(type_enum)]
        except KeyError:
            raise TypeError(f"{type_enum} does not correspond to a valid tensorflow::DataType") from None

    @property
    def min(self) -> Any:
        """The smallest finite value."""
        return self._extreme("min", "minimum")

    @property
    def max(self) -> Any:
        """The largest finite value."""
        return self._extreme("max", "maximum")

    def _extreme(self, attribute: str, word: str) -> Any:
        if self.is_integer:
            return _extreme(ml_dtypes.iinfo, self.as_numpy_dtype, attribute)
        if self.is_floating:
            return _extreme(ml_dtypes.finfo, self.as_numpy_dtype, attribute)
        raise TypeError(f"Cannot find {word} value of {self}, which is neither an integer nor a floating type.")

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities that an image of this type uses, from 0: ``(0, 255)`` for ``uint8``."""
        upper = _INTENSITY_LIMITS.get(self.as_numpy_dtype) if not self.is_quantized else None
        if upper is None:
            raise ValueError(f"{self} does not have defined limits.")
        return 0, upper

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """Tells whether a value of type ``other`` can be used where this type is expected.

        A type accepts itself and its ``_ref`` twin; a ``_ref`` type accepts only ``_ref``.
        """
        other = as_dtype(other)
        return self is other or self is other.base_dtype

    def is_subtype_of(self, other: Any) -> builtins.bool:
        """Tells whether every value of this type is one of ``other``: only when they are the same type."""
        return self is other

    def most_specific_common_supertype(self, others: Sequence[Any]) -> DType | None:
        """Returns this type if all ``others`` are the same, else ``None``."""
        return self if all(self is other for other in others) else None

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "as_numpy_dtype":
            raise KeyError(f"{self.name} has no NumPy type")
        raise AttributeError(f"DType has no attribute {attribute!r}")

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if other is None or type(other) is DType:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other: object) -> builtins.bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return self._type_enum

    def __int__(self) -> int:
        return self._type_enum

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


_OF_ENUM: dict[int, DType] = {}
_OF_ANYTHING: dict[Any, DType] = {}


class _OfNumpy(dict[Any, DType]):
    """Maps ``np.dtype`` to ``DType``; string types of any width and types of foreign byte order included."""

    def __missing__(self, key: Any) -> DType:
        if isinstance(key, np.dtype):
            if key.kind in "OSUT":
                return string
            if not key.isnative and key.newbyteorder("=") in self:
                return self[key.newbyteorder("=")]
        raise TypeError(f"Cannot convert the NumPy dtype {key!r} to a TensorFlow DType.")


#: The ``DType`` of an array's ``dtype``: ``of_numpy[array.dtype]``. A ``DType`` maps to itself, so that the
#: expression also holds for the objects that stand for resources and variants.
of_numpy: dict[Any, DType] = _OfNumpy()


def _define(
    enum: int,
    name: str,
    numpy_type: Any,
    *,
    kind: str = "",
    numeric: builtins.bool = True,
    real: DType | None = None,
) -> DType:
    """Makes a type and its ``_ref`` twin; ``kind``: floating, integer, unsigned, complex or quantized."""
    base = object.__new__(DType)
    twin = object.__new__(DType)
    array_type = None if numpy_type is None else np.dtype(numpy_type)
    for dtype, number, full_name in ((base, enum, name), (twin, enum + _REF_OFFSET, f"{name}_ref")):
        dtype.name = full_name
        dtype._type_enum = dtype.as_datatype_enum = number
        dtype._numpy_dtype = array_type
        if numpy_type is not None:
            dtype.as_numpy_dtype = numpy_type
        dtype.base_dtype = base
        dtype._as_ref = twin
        dtype._is_ref_dtype = dtype is twin
        dtype.real_dtype = dtype if real is None else real
        dtype.size = 0 if array_type is None or array_type.hasobject else array_type.itemsize
        dtype.is_bool = name == "bool"
        dtype.is_complex = kind == "complex"
        dtype.is_floating = kind == "floating"
        dtype.is_integer = kind in ("integer", "unsigned")
        dtype.is_unsigned = kind == "unsigned"
        dtype.is_quantized = kind == "quantized"
        dtype.is_numeric = kind != "" and numeric
        dtype.is_numpy_compatible = numpy_type is not None
        _OF_ENUM[number] = dtype
        _OF_ANYTHING[number] = _OF_ANYTHING[full_name] = dtype
        of_numpy[dtype] = dtype
    if numpy_type is not None:
        of_numpy[array_type] = base
        _OF_ANYTHING[array_type] = base
        _OF_ANYTHING[numpy_type] = base
    return base


float32 = _define(1, "float32", np.float32, kind="floating")
float64 = _define(2, "float64", np.float64, kind="floating")
int32 = _define(3, "int32", np.int32, kind="integer")
uint8 = _define(4, "uint8", np.uint8, kind="unsigned")
int16 = _define(5, "int16", np.int16, kind="integer")
int8 = _define(6, "int8", np.int8, kind="integer")
string = _define(7, "string", object)
complex64 = _define(8, "complex64", np.complex64, kind="complex", real=float32)
int64 = _define(9, "int64", np.int64, kind="integer")
bool = _define(10, "bool", np.bool_)
qint8 = _define(11, "qint8", np.dtype([("qint8", np.int8)]), kind="quantized")
quint8 = _define(12, "quint8", np.dtype([("quint8", np.uint8)]), kind="quantized")
qint32 = _define(13, "qint32", np.dtype([("qint32", np.int32)]), kind="quantized")
bfloat16 = _define(14, "bfloat16", ml_dtypes.bfloat16, kind="floating")
qint16 = _define(15, "qint16", np.dtype([("qint16", np.int16)]), kind="quantized")
quint16 = _define(16, "quint16", np.dtype([("quint16", np.uint16)]), kind="quantized")
uint16 = _define(17, "uint16", np.uint16, kind="unsigned")
complex128 = _define(18, "complex128", np.complex128, kind="complex", real=float64)
float16 = _define(19, "float16", np.float16, kind="floating")
resource = _define(20, "resource", None)
variant = _define(21, "variant", None)
uint32 = _define(22, "uint32", np.uint32, kind="unsigned")
uint64 = _define(23, "uint64", np.uint64, kind="unsigned")
float8_e5m2 = _define(24, "float8_e5m2", ml_dtypes.float8_e5m2, kind="floating", numeric=False)
float8_e4m3fn = _define(25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn, kind="floating", numeric=False)
float8_e4m3fnuz = _define(26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, kind="floating", numeric=False)
float8_e4m3b11fnuz = _define(27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz, kind="floating", numeric=False)
float8_e5m2fnuz = _define(28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, kind="floating", numeric=False)
int4 = _define(29, "int4", ml_dtypes.int4, kind="integer", numeric=False)
uint4 = _define(30, "uint4", ml_dtypes.uint4, kind="unsigned", numeric=False)
int2 = _define(31, "int2", ml_dtypes.int2, kind="integer", numeric=False)
uint2 = _define(32, "uint2", ml_dtypes.uint2, kind="unsigned", numeric=False)
float4_e2m1fn = _define(33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn, kind="floating", numeric=False)
half = float16
double = float64

float16_ref = half_ref = float16._as_ref
float32_ref = float32._as_ref
float64_ref = double_ref = float64._as_ref
bfloat16_ref = bfloat16._as_ref
int8_ref = int8._as_ref
int16_ref = int16._as_ref
int32_ref = int32._as_ref
int64_ref = int64._as_ref
uint8_ref = uint8._as_ref
uint16_ref = uint16._as_ref
uint32_ref = uint32._as_ref
uint64_ref = uint64._as_ref
complex64_ref = complex64._as_ref
complex128_ref = complex128._as_ref
bool_ref = bool._as_ref
string_ref = string._as_ref
resource_ref = resource._as_ref
variant_ref = variant._as_ref
qint8_ref = qint8._as_ref
quint8_ref = quint8._as_ref
qint16_ref = qint16._as_ref
quint16_ref = quint16._as_ref
qint32_ref = qint32._as_ref

_OF_ANYTHING.update(
    {
        "half": float16,
        "half_ref": float16_ref,
        "float": float32,
        "float_ref": float32_ref,
        "double": float64,
        "double_ref": float64_ref,
        builtins.float: float32,
        builtins.bool: bool,
        np.object_: string,
        np.bytes_: string,
        np.str_: string,
        np.longlong: int64,
        np.ulonglong: uint64,
    }
)

#: The quantized types, with their ``_ref`` twins.
QUANTIZED_DTYPES = frozenset(dtype for dtype in _OF_ENUM.values() if dtype.is_quantized)

_INTENSITY_LIMITS: dict[Any, Any] = {
    np.bool_: True,
    np.uint8: 255,
    np.uint16: 65535,
    np.int8: 127,
    np.int16: 32767,
    np.int64: 2**63 - 1,
    np.uint64: 2**64 - 1,
    np.int32: 2**31 - 1,
    np.uint32: 2**32 - 1,
    np.float32: 1,
    np.float64: 1,
}


def all_dtypes() -> list[DType]:
    """Returns every type that is not a ``_ref`` type, in the order of the enum."""
    return [dtype for dtype in _OF_ENUM.values() if not dtype._is_ref_dtype]


def numpy_dtype_to_dtype(numpy_dtype: Any) -> DType:
    """Returns the ``DType`` for elements of the given NumPy dtype.

    Raises:
      TypeError: TensorFlow has no such type.
    """
    return of_numpy[np.dtype(numpy_dtype)]


def as_dtype(type_value: Any) -> DType:
    """Converts a name, NumPy type, enum number or Python type to a ``DType``.

    >>> as_dtype("half"), as_dtype(np.int64), as_dtype(1), as_dtype(float)
    (tf.float16, tf.int64, tf.float32, tf.float32)

    Args:
      type_value: a ``DType``; its name; a NumPy dtype or scalar type; its ``DataType`` number; the Python
        types ``float``, ``bool`` and ``object``; or anything with a NumPy ``dtype``.

    Raises:
      TypeError: there is no such type. As in TensorFlow, Python's ``int``, ``complex`` and ``str`` are
        refused: no single type is meant by them.
    """
    if type(type_value) is DType:
        return type_value
    try:
        return _OF_ANYTHING[type_value]
    except (KeyError, TypeError):
        pass
    if not isinstance(type_value, np.dtype):
        type_value_dtype = getattr(type_value, "dtype", None)
        if isinstance(type_value_dtype, np.dtype) and not isinstance(type_value, type):
            type_value = type_value_dtype
    if isinstance(type_value, np.dtype):
        try:
            return of_numpy[type_value]
        except TypeError:
            pass
    raise TypeError(f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType.")
