"""Holds what the parity tests and the oracle process agree on: messages, values, and fixed random weights.

This file is imported by both sides, in two environments, so it needs nothing but NumPy.

A *value* travels as `(dtype name, array)`. The array holds plain NumPy numbers; for dtypes that NumPy lacks
(bfloat16, the float8 and int4 families, the quantized types) it holds their raw bits, and strings are
object arrays of bytes.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

Value = tuple[str, np.ndarray]

_LENGTH = struct.Struct("<Q")

#: How many times as long as it may work a question may take by the clock: some wait for what never comes.
WAITING = 3

# The plain dtype that carries the bits of one element of a dtype that NumPy does not know.
BIT_CARRIERS = {
    "bfloat16": np.uint16,
    "float8_e5m2": np.uint8,
    "float8_e4m3fn": np.uint8,
    "float8_e4m3fnuz": np.uint8,
    "float8_e4m3b11fnuz": np.uint8,
    "float8_e5m2fnuz": np.uint8,
    "float4_e2m1fn": np.uint8,
    "int2": np.int8,
    "uint2": np.uint8,
    "int4": np.int8,
    "uint4": np.uint8,
    "qint8": np.int8,
    "quint8": np.uint8,
    "qint16": np.int16,
    "quint16": np.uint16,
    "qint32": np.int32,
}

FLOATING = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
DIFFERENTIABLE = FLOATING + COMPLEX


@dataclasses.dataclass(frozen=True, eq=False)
class Variable:
    """Stands for the handle of a resource variable that holds `value` when the op starts."""

    value: Value


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """Stands for a TF 1.x reference variable that holds `value`; the op then runs in a graph."""

    value: Value


@dataclasses.dataclass(frozen=True, eq=False)
class Produced:
    """Stands for output number `output` of another op: a queue, a stack, an iterator.

    A process makes it once for each call, however often the same object is named in it.
    """

    op: str
    inputs: tuple[Any, ...] = ()
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    output: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class PythonFunction:
    """Stands for the token of a Python function, given as the source of a lambda expression."""

    source: str
    eager: bool


def send(stream: BinaryIO, message: object) -> None:
    """Writes one message and flushes it."""
    data = pickle.dumps(message, protocol=5)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Reads one message; raises EOFError when the other side has gone."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError("the other side closed the pipe")
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("the other side closed the pipe in the middle of a message")
    return _Reader(io.BytesIO(data)).load()


class _Reader(pickle.Unpickler):
    """Finds the classes of this file whatever name the other side imported it under."""

    def find_class(self, module: str, name: str) -> Any:
        if module.rpartition(".")[2] == "wire":
            return globals()[name]
        return super().find_class(module, name)


def encode(array: Any, dtype_name: str | None = None) -> Value:
    """Returns the value for an array; `dtype_name` is needed only where the NumPy dtype does not tell it."""
    array = np.asarray(array)
    if dtype_name is None:
        dtype_name = "string" if array.dtype.kind in "OSU" else array.dtype.name
    if dtype_name == "string":
        return dtype_name, _bytes_array(array)
    carrier = BIT_CARRIERS.get(dtype_name)
    if carrier is not None and array.dtype != carrier:
        array = np.ascontiguousarray(array).reshape(array.shape).view(carrier)
    return dtype_name, array


def _bytes_array(array: np.ndarray) -> np.ndarray:
    result = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        item = array[index]
        result[index] = item.encode() if isinstance(item, str) else bytes(item)
    return result


def comparable(value: Value) -> np.ndarray:
    """Returns an array that NumPy can compare and subtract: bits become the numbers they stand for."""
    dtype_name, array = value
    if dtype_name in BIT_CARRIERS and not dtype_name.startswith("q"):
        import ml_dtypes

        exact = array.astype(dtype_name) if dtype_name in ("int4", "uint4", "int2", "uint2") else array
        if exact.dtype == BIT_CARRIERS[dtype_name]:
            exact = array.view(np.dtype(getattr(ml_dtypes, dtype_name)))
        return exact.astype(np.float64 if dtype_name[0] in "fb" else np.int64)
    return array


def weights(shape: tuple[int, ...], dtype_name: str, label: str) -> np.ndarray:
    """Returns fixed weights in [-1.5, 1.5], the same in both processes, as float64 or complex128.

    They are the upstream gradients of an op's outputs and the weights with which second gradients are summed.
    All are multiples of 1/8, hence exact in every floating dtype.
    """
    seed = zlib.crc32(f"{label}:{tuple(shape)}".encode())
    generator = np.random.default_rng(seed)
    real = generator.integers(-12, 13, size=shape) / 8.0
    if dtype_name in COMPLEX:
        return real + 1j * (generator.integers(-12, 13, size=shape) / 8.0)
    return np.asarray(real)
