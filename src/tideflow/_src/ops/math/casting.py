"""Conversions between dtypes: casts with the rules of the CPU, saturating casts, and bits read as another type."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, UnimplementedError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor
from tideflow._src.graph.types import COMPLEX, FLOATING, INTEGER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op
from tideflow._src.runtime.sparse_tensor import SparseTensor

_QUANTIZED_TYPES = ("qint8", "quint8", "qint16", "quint16", "qint32")


@op("Cast", "x: SrcT -> y: DstT")
def cast_op(xp, x, *, DstT: DType, Truncate: bool = False):
    """Converts elements to another type.

    Numbers with a fraction lose it; those that the integer type cannot hold become what an x86 CPU makes of them:
    the smallest value for 32 and 64 bits, the low bits of that for fewer. ``Truncate`` drops the low bits of the
    fraction where a 32-bit float becomes a shorter one, instead of rounding.
    """
    return _cast_host(x, DstT=DstT, Truncate=Truncate)


@cast_op.host
def _cast_host(x, *, DstT: DType, Truncate: bool = False):
    source = x.dtype
    if source.names is not None:  # a quantized type holds its integers in the only field
        x = np.asarray(x)[source.names[0]]
        source = x.dtype
    if source is _OBJECT or source.kind == "O" or not isinstance(source, np.dtype) or DstT is dtypes.string:
        raise UnimplementedError(None, None, f"Cast {dtypes.of_numpy[source].name} to {DstT.name} is not supported")
    if DstT.is_quantized:
        quantized: Any = DstT._numpy_dtype
        return np.asarray(_plain_cast(x, quantized.fields[quantized.names[0]][0])).view(quantized)
    target = DstT._numpy_dtype
    _require_supported(source, target, DstT)
    if Truncate and source in _WIDE_FLOATS:
        x = _truncated(np.asarray(x), DstT)
    return _plain_cast(x, target)


_OBJECT = np.dtype(object)
_FLOAT32 = np.dtype(np.float32)
_WIDE_FLOATS = (_FLOAT32, np.dtype(np.float64))


def _plain_cast(x: Any, target: np.dtype[Any]) -> Any:
    source = x.dtype
    if source == target:
        return x
    if source.kind == "c" and target.kind != "c":
        x = x.real  # a truth value, too, depends only on the real part
        source = x.dtype
    if target.kind in "iu" and source.kind not in "iub":
        return _to_integer(x, target)
    return x.astype(target)


_EIGHT_BIT_FLOATS = tuple(np.dtype(item) for item in (ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn))
_FOUR_BIT_INTEGERS = tuple(np.dtype(item) for item in (ml_dtypes.int4, ml_dtypes.uint4))
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_NATIVE = frozenset(np.dtype(code) for code in "?bhilBHILefdFD")


def _require_supported(source: np.dtype[Any], target: Any, wanted: DType) -> None:
    """Rejects a cast that TensorFlow does not have."""
    if target is None or not ((source in _NATIVE and target in _NATIVE) or _is_supported(source, target)):
        raise UnimplementedError(None, None, f"Cast {dtypes.of_numpy[source].name} to {wanted.name} is not supported")


def _is_supported(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Tells whether TensorFlow has a cast between two types of which one at least is not NumPy's own."""
    for dtype in (source, target):
        if dtype not in _NATIVE and dtype not in (_BFLOAT16, *_EIGHT_BIT_FLOATS, *_FOUR_BIT_INTEGERS):
            return False
    if source in _FOUR_BIT_INTEGERS:
        return target.kind in "iu" or target in _FOUR_BIT_INTEGERS
    if target in _FOUR_BIT_INTEGERS:
        return source.kind in "iu"
    if target in _EIGHT_BIT_FLOATS:
        return source.kind == "f" or source == _BFLOAT16 or source in _EIGHT_BIT_FLOATS
    return True


def _to_integer(x: Any, target: np.dtype[Any]) -> Any:
    """Converts floating-point numbers to integers of 8 to 64 bits."""
    if x.dtype.kind != "f" or x.dtype.itemsize < 4:
        x = x.astype(_FLOAT32)
    if target.itemsize < 4:
        return x.astype(np.int32).astype(target)
    if target == np.uint32:
        wide = x.astype(np.int64)
        fits = (x > -(2.0**31) - 1) & (x < 2.0**32)
        return np.where(fits, wide, 2**31).astype(target)[()]
    if target == np.uint64:
        large = x >= 2.0**63
        low = np.where(large, x - x.dtype.type(2.0**63), x).astype(np.int64).astype(np.uint64)
        return np.where(large & (x < 2.0**64), low + np.uint64(2**63), np.where(large, np.uint64(2**63), low))[()]
    return x.astype(target)


def _dropped_bits(source: np.dtype[Any], target: DType) -> int:
    """The number of bits by which the fraction of a wide float exceeds that of a shorter one."""
    fraction = 23 if source.itemsize == 4 else 52
    return fraction - _FRACTIONS.get(target, fraction)


_FRACTIONS = {dtypes.bfloat16: 7, dtypes.float16: 10, dtypes.float32: 23}


def _truncated(x: np.ndarray[Any, Any], target: DType) -> Any:
    """Clears the bits of the fraction that a shorter float lacks, so that conversion does not round."""
    dropped = _dropped_bits(x.dtype, target)
    if dropped <= 0:
        return x
    unsigned = np.dtype(np.uint32 if x.dtype.itemsize == 4 else np.uint64)
    bits = x.view(unsigned) >> unsigned.type(dropped) << unsigned.type(dropped)
    return np.where(np.isfinite(x), bits.view(x.dtype), x)


@cast_op.xla
def _cast_xla(x, *, DstT: DType, Truncate: bool = False):
    target = np.dtype(DstT.as_numpy_dtype)
    _require_supported(x.dtype, target, DstT)
    source = np.dtype(x.dtype)
    if source.kind == "c" and target.kind != "c":
        x = x.real
        source = np.dtype(x.dtype)
    floating = source.kind == "f" or (source.kind == "V" and dtypes.of_numpy[source].is_floating)
    if Truncate and source in _WIDE_FLOATS and _dropped_bits(source, DstT) > 0:
        unsigned = np.dtype(np.uint32 if source.itemsize == 4 else np.uint64)
        dropped = unsigned.type(_dropped_bits(source, DstT))
        bits = lax.bitcast_convert_type(x, unsigned) >> dropped << dropped
        x = jnp.where(jnp.isfinite(x), lax.bitcast_convert_type(bits, source), x)
    if DstT is dtypes.bool:
        return x != 0
    if not floating or not DstT.is_integer:
        return x.astype(target)
    if source.itemsize < 4:
        x = x.astype(jnp.float32)
    # XLA saturates where the CPU's instruction gives the smallest value.
    if DstT.size < 4 or DstT is dtypes.int32:
        fits = (x > -(2.0**31) - 1) & (x < 2.0**31)
        return jnp.where(fits, x.astype(jnp.int32), np.int32(-(2**31))).astype(target)
    if DstT is dtypes.uint32:
        fits = (x > -(2.0**31) - 1) & (x < 2.0**32)
        return jnp.where(fits, x.astype(jnp.int64), np.int64(2**31)).astype(target)
    signed = jnp.where((x >= -(2.0**63)) & (x < 2.0**63), x.astype(jnp.int64), np.int64(-(2**63)))
    if DstT is dtypes.int64:
        return signed
    return jnp.where((x >= 2.0**63) & (x < 2.0**64), x.astype(jnp.uint64), signed.astype(jnp.uint64))


@cast_op.shape
def _cast_shape(x):
    return x


_DIFFERENTIABLE = frozenset(
    (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)
)


@cast_op.gradient
def _cast_gradient(call, dy):
    source = call.inputs[0].dtype.base_dtype
    if source in _DIFFERENTIABLE and dy.dtype.base_dtype in _DIFFERENTIABLE:
        return cast_op.call(dy, DstT=source)
    return None


_CASTABLE = (*FLOATING, *INTEGER, *COMPLEX, "bool")


@cast_op.samples
def _cast_samples(s):
    for source in _CASTABLE:
        for target in _CASTABLE:
            yield s(s.array((2, 3), source), DstT=target)
    awkward = [1.9, -1.9, 3e9, -3e9, np.nan, np.inf, -np.inf, 300.0, -1.0, 70000.0, 1e19, -0.0, 0.5]
    for source in ("float32", "float64"):
        for target in (*INTEGER, "bool", "half"):
            # Where uint32 cannot hold a number, TensorFlow's answer depends on its position.
            values = [1.9, 3e9, -1.0, 0.5] if target == "uint32" else awkward
            yield s(np.array(values, source), DstT=target, gradient=False)
    for source in ("float32", "float64", "float16"):
        for target in ("float8_e5m2", "float8_e4m3fn"):
            yield s(np.array([1, 2, 3, -0], source), DstT=target, gradient=False)
    yield s(np.int32([1, 2]), DstT="float8_e5m2", error="UnimplementedError")
    yield s(np.float32([1, 2]), DstT="int4", error="UnimplementedError")
    for target in ("int4", "uint4"):
        yield s(np.array([0, 1, 7], np.int32), DstT=target)
    yield s(np.array([0, 1, 7], ml_dtypes.int4), DstT="int32")
    yield s(np.array([0.5, -3], ml_dtypes.float8_e5m2), DstT="float32", gradient=False)
    yield s(np.float32([1.00390625, 1.01171875, np.nan, 3.4e38]), DstT="bfloat16", Truncate=True, gradient=False)
    yield s(np.float32([1.0009, 70000, 1e-9]), DstT="half", Truncate=True, gradient=False)
    yield s(np.float64([1.0009, 1e300, -1.00999]), DstT="float32", Truncate=True, gradient=False)
    yield s(np.float64([1.0009, 1e300, -1.0199]), DstT="bfloat16", Truncate=True, gradient=False)
    yield s(s.empty(0, 2), DstT="int32")
    yield s(s.normal(), DstT="float64")
    yield s(s.strings((2,)), DstT="int32", error="UnimplementedError")


_BITCASTABLE = (*FLOATING, *INTEGER, *COMPLEX, *_QUANTIZED_TYPES)


@op("Bitcast", "input: T -> output: type", T=_BITCASTABLE, type=_BITCASTABLE, differentiable="missing")
def bitcast_op(xp, input, *, type: DType):
    """Reads the bits of a tensor as another type; a last dimension holds the parts of what is divided."""
    return _bitcast_host(input, type=type)


@bitcast_op.host
def _bitcast_host(input, *, type: DType):
    target = np.dtype(type.as_numpy_dtype)
    array = np.ascontiguousarray(input).reshape(input.shape)
    have, want = array.dtype.itemsize, target.itemsize
    if have == want:
        return array.view(target)
    if have > want:
        return array.reshape(*array.shape, 1).view(target)
    ratio = want // have
    if not array.shape or array.shape[-1] != ratio:
        raise InvalidArgumentError(
            None,
            None,
            f"Cannot bitcast from {dtypes.of_numpy[array.dtype].name} to {type.name}: shape {array.shape}",
        )
    return array.view(target).reshape(array.shape[:-1])


@bitcast_op.xla
def _bitcast_xla(input, *, type: DType):
    target = np.dtype(type.as_numpy_dtype)
    if input.dtype.kind != "c" and target.kind != "c":
        return lax.bitcast_convert_type(input, target)
    if input.dtype == target:
        return input
    part = np.dtype(np.float32) if 8 in (input.dtype.itemsize, target.itemsize) else np.dtype(np.float64)
    if input.dtype.kind == "c":  # XLA does not bitcast complex numbers: go through their parts
        part = np.dtype(np.float32 if input.dtype.itemsize == 8 else np.float64)
        parts = jnp.stack([input.real, input.imag], axis=-1)
        if target.itemsize == part.itemsize:
            return lax.bitcast_convert_type(parts, target)
        if target.itemsize < part.itemsize:
            pieces = lax.bitcast_convert_type(parts, target)
            return pieces.reshape(*input.shape, -1)
        if target.kind == "c":
            return _bitcast_xla(parts, type=type)
        return lax.bitcast_convert_type(parts, target)
    part = np.dtype(np.float32 if target.itemsize == 8 else np.float64)
    if input.dtype.itemsize == target.itemsize:
        parts = lax.bitcast_convert_type(input, part)
    else:
        parts = lax.bitcast_convert_type(input.reshape(*input.shape[:-1], 2, -1), part)
        parts = parts.reshape(*input.shape[:-1], 2)
    return lax.complex(parts[..., 0], parts[..., 1])


@bitcast_op.shape
def _bitcast_shape(input, *, T, type):
    if input is None or T.size == type.size:
        return input
    if T.size > type.size:
        return (*input, T.size // type.size)
    ratio = type.size // T.size
    if not input:
        raise ValueError(f"Cannot bitcast from {T.name} to {type.name} due to shape. {T.size} does not match")
    if input[-1] is not None and input[-1] != ratio:
        raise ValueError(
            f"Cannot bitcast from {T.name} to {type.name} due to shape. {input[-1]} does not match {ratio}"
        )
    return input[:-1]


@bitcast_op.samples
def _bitcast_samples(s):
    yield s(s.normal(2, 3), type="int32", gradient=False)
    yield s(s.normal(2, 3), type="int8", gradient=False)
    yield s(s.normal(2, 3), type="float32", gradient=False)
    yield s(s.integers(0, 99, (3, 4), "uint8"), type="int32", gradient=False)
    yield s(s.integers(0, 99, (3, 4), "int16"), type="double", gradient=False)
    yield s(s.normal(dtype="double"), type="uint32", gradient=False)
    yield s(s.normal(3, 2), type="complex64", gradient=False)
    yield s(s.normal(3, dtype="complex64"), type="int64", gradient=False)
    yield s(s.integers(0, 99, (3,), "uint8"), type="int32", error="InvalidArgumentError")


# Public functions.


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Converts a tensor to another type.

    >>> import tideflow as tf
    >>> tf.cast(tf.constant([1.8, 2.2]), tf.int32).numpy().tolist()
    [1, 2]

    Args:
      x: a tensor, ``SparseTensor`` or ``IndexedSlices``, or a value that can become a tensor.
      dtype: the type of the result.
      name: a name for the operation.

    Returns:
      ``x`` itself if it has this type already.
    """
    wanted = dtype.base_dtype if dtype.__class__ is DType else dtypes.as_dtype(dtype).base_dtype
    kind = x.__class__
    if kind is EagerTensor or kind is SymbolicTensor or isinstance(x, Tensor) or hasattr(x, "_dense_var_to_tensor"):
        have = x.dtype
        if have is wanted:
            return x
        if have.is_complex and not wanted.is_complex:
            _warn_of_lost_part(have, wanted)
        if kind is EagerTensor or kind is SymbolicTensor:
            return cast_op.call(x, DstT=wanted, name=name)
    if isinstance(x, IndexedSlices):
        with name_scope(name, "Cast", [x]) as scope:
            return IndexedSlices(cast_op.call(x.values, DstT=wanted, name=scope), x.indices, x.dense_shape)
    if isinstance(x, SparseTensor):
        with name_scope(name, "Cast", [x.values]) as scope:
            return x.with_values(x.values if x.dtype is wanted else cast_op.call(x.values, DstT=wanted, name=scope))
    with name_scope(name, "Cast", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.base_dtype is wanted:
            return x
        if x.dtype.is_complex and not wanted.is_complex:
            _warn_of_lost_part(x.dtype, wanted)
        return cast_op.call(x, DstT=wanted, name=scope)


def _warn_of_lost_part(have: DType, wanted: DType) -> None:
    if wanted.is_floating:
        import logging  # rarely needed

        logging.getLogger("tensorflow").warning(
            "You are casting an input of type %s to an incompatible dtype %s.  This will discard the imaginary part "
            "and may not be what you intended.",
            have.name,
            wanted.name,
        )


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """Converts a tensor to another type; what that type cannot hold becomes its smallest or largest value.

    Args:
      value: a tensor.
      dtype: the type of the result; of a complex value and a real type, the real part is taken.
      name: a name for the operation.
    """
    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        wanted = dtypes.as_dtype(dtype).base_dtype
        have = value.dtype.base_dtype
        if have.is_complex:
            if wanted.is_complex:
                part = wanted.real_dtype
                real = _clamped(raw.Real(value, Tout=have.real_dtype), part)
                imaginary = _clamped(raw.Imag(value, Tout=have.real_dtype), part)
                return raw.Complex(cast(real, part), cast(imaginary, part), Tout=wanted, name=scope)
            value = raw.Real(value, Tout=have.real_dtype)
            _warn_of_lost_part(have, wanted)
        value = _clamped(value, wanted.real_dtype)
        return cast(value, wanted, name=scope)


def _clamped(value: Any, wanted: DType) -> Any:
    """Clips a tensor to what both its type and ``wanted`` can hold."""
    have = value.dtype.base_dtype
    if have is dtypes.bool or wanted is dtypes.bool:
        return value
    numpy_type = have.as_numpy_dtype
    low = numpy_type(max(have.min, wanted.min))
    high = numpy_type(min(have.max, wanted.max))
    if have.is_floating:  # rounding may have left the range
        if float(low) < wanted.min:
            low = np.nextafter(low, numpy_type(0), dtype=numpy_type)
        if float(high) > wanted.max:
            high = np.nextafter(high, numpy_type(0), dtype=numpy_type)
    return raw.ClipByValue(value, convert_to_tensor(low, have), convert_to_tensor(high, have), name="clamp")


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """Reads the bits of a tensor as another type.

    Args:
      input: a tensor.
      type: the new type. If it is smaller, a dimension is added at the end; if larger, the last dimension, which
        must hold the bytes of one element, disappears.
      name: a name for the operation.
    """
    return bitcast_op.call(input, type=dtypes.as_dtype(type), name=name)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """Converts a tensor to float32."""
    return cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """Converts a tensor to float64."""
    return cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """Converts a tensor to int32."""
    return cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """Converts a tensor to int64."""
    return cast(x, dtypes.int64, name=name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Any:
    """Converts a tensor to bfloat16."""
    return cast(x, dtypes.bfloat16, name=name)


def to_complex64(x: Any, name: str = "ToComplex64") -> Any:
    """Converts a tensor to complex64."""
    return cast(x, dtypes.complex64, name=name)


def to_complex128(x: Any, name: str = "ToComplex128") -> Any:
    """Converts a tensor to complex128."""
    return cast(x, dtypes.complex128, name=name)
