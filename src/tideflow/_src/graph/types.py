"""Names the sets of dtypes that operation definitions allow for their type attributes."""

from __future__ import annotations

FLOATING = ("half", "bfloat16", "float", "double")
COMPLEX = ("complex64", "complex128")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGER = (*SIGNED, *UNSIGNED)

#: What TensorFlow's definitions call ``numbertype``.
NUMBER = (
    "float double int32 uint8 int16 int8 complex64 int64 qint8 quint8 qint32 bfloat16 qint16 quint16 uint16 "
    "complex128 half uint32 uint64"
).split()
#: ``realnumbertype``: numbers that have an order.
REAL = "float double int32 uint8 int16 int8 int64 bfloat16 uint16 half uint32 uint64".split()
#: The usual two types of an index, a shape or an axis.
INDEX = ("int32", "int64")
