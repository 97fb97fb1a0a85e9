"""Tests of ``DType`` and ``as_dtype``; the expected values are TensorFlow 2.21's."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

from tideflow._src.core import dtypes

# Name, enum, size, and letters: Floating, Integer, Bool, Complex, Unsigned, Quantized, Numeric.
TABLE = """
float32 1 4 FN
float64 2 8 FN
int32 3 4 IN
uint8 4 1 IUN
int16 5 2 IN
int8 6 1 IN
string 7 0 -
complex64 8 8 CN
int64 9 8 IN
bool 10 1 B
qint8 11 1 QN
quint8 12 1 QN
qint32 13 4 QN
bfloat16 14 2 FN
qint16 15 2 QN
quint16 16 2 QN
uint16 17 2 IUN
complex128 18 16 CN
float16 19 2 FN
resource 20 0 -
variant 21 0 -
uint32 22 4 IUN
uint64 23 8 IUN
float8_e5m2 24 1 F
float8_e4m3fn 25 1 F
float8_e4m3fnuz 26 1 F
float8_e4m3b11fnuz 27 1 F
float8_e5m2fnuz 28 1 F
int4 29 1 I
uint4 30 1 IU
int2 31 1 I
uint2 32 1 IU
float4_e2m1fn 33 1 F
""".strip().splitlines()


@pytest.mark.parametrize("line", TABLE)
@pytest.mark.parametrize("is_ref", [False, True])
def test_properties_of_every_type(line: str, is_ref: bool) -> None:
    name, enum, size, letters = line.split()
    dtype = getattr(dtypes, name)
    if is_ref:
        dtype = dtype._as_ref
    assert dtype.name == name + "_ref" * is_ref
    assert dtype.as_datatype_enum == int(dtype) == hash(dtype) == int(enum) + 100 * is_ref
    assert dtype.size == int(size)
    flags = [
        dtype.is_floating,
        dtype.is_integer,
        dtype.is_bool,
        dtype.is_complex,
        dtype.is_unsigned,
        dtype.is_quantized,
        dtype.is_numeric,
    ]
    assert flags == [letter in letters for letter in "FIBCUQN"]
    assert dtype._is_ref_dtype is is_ref
    assert dtype.base_dtype is getattr(dtypes, name)
    assert dtypes.as_dtype(dtype.name) is dtypes.as_dtype(dtype.as_datatype_enum) is dtype
    assert repr(dtype) == f"tf.{dtype.name}"
    assert str(dtype) == f"<dtype: '{dtype.name}'>"
    assert dtypes.DType(dtype.as_datatype_enum) is dtype
    assert pickle.loads(pickle.dumps(dtype)) is copy.deepcopy(dtype) is dtype


def test_the_table_is_complete() -> None:
    assert [dtype.name for dtype in dtypes.all_dtypes()] == [line.split()[0] for line in TABLE]
    assert len(dtypes.QUANTIZED_DTYPES) == 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("float", "float32"),
        ("double", "float64"),
        ("half", "float16"),
        ("float32_ref", "float32_ref"),
        (float, "float32"),
        (bool, "bool"),
        (object, "string"),
        (np.float32, "float32"),
        (np.dtype("float32"), "float32"),
        (np.dtype("U5"), "string"),
        (np.dtype("S5"), "string"),
        (np.dtype(">i4"), "int32"),
        (np.array(1), "int64"),
        (np.str_, "string"),
        (np.bytes_, "string"),
        (np.longlong, "int64"),
        (np.ulonglong, "uint64"),
        (np.intc, "int32"),
        (np.dtype([("qint8", np.int8)]), "qint8"),
        (ml_dtypes.bfloat16, "bfloat16"),
        (101, "float32_ref"),
    ],
)
def test_as_dtype(value: object, expected: str) -> None:
    assert dtypes.as_dtype(value).name == expected


@pytest.mark.parametrize(
    "value",
    [
        "int",
        "FLOAT",
        "foo",
        "<f4",
        "O",
        "str",
        int,
        complex,
        str,
        bytes,
        None,
        1.5,
        0,
        999,
        list,
        [],
        b"float32",
    ]
    + [np.generic, np.number, np.datetime64, np.longdouble, np.dtype([("a", int)])],
)
def test_as_dtype_refuses(value: object) -> None:
    with pytest.raises(TypeError, match="Cannot convert the argument `type_value`"):
        dtypes.as_dtype(value)


@pytest.mark.parametrize("other", ["float32", "float", np.float32, 1, np.dtype("float32"), float, dtypes.float32])
def test_equality_accepts_what_as_dtype_does(other: object) -> None:
    assert dtypes.float32 == other
    assert not dtypes.float32.__ne__(other)
    assert dtypes.float64 != other


@pytest.mark.parametrize("other", ["xx", None, [], 0, dtypes.float32_ref])
def test_inequality(other: object) -> None:
    assert dtypes.float32 != other
    assert not dtypes.float32.__eq__(other)


def test_compatibility_of_ref_types() -> None:
    assert dtypes.float32.is_compatible_with(dtypes.float32_ref)
    assert not dtypes.float32_ref.is_compatible_with(dtypes.float32)
    assert dtypes.float32_ref.is_compatible_with("float32_ref")
    assert not dtypes.float32.is_compatible_with(dtypes.float64)


def test_real_dtype() -> None:
    assert dtypes.complex64.real_dtype is dtypes.complex64_ref.real_dtype is dtypes.float32
    assert dtypes.complex128.real_dtype is dtypes.float64
    assert dtypes.float32_ref.real_dtype is dtypes.float32_ref


def test_extremes() -> None:
    assert dtypes.int8.min == -128
    assert dtypes.int8.max == 127
    assert dtypes.uint64.max == 2**64 - 1
    assert dtypes.float32.max == np.finfo(np.float32).max
    assert dtypes.float32.min == np.finfo(np.float32).min
    assert dtypes.float8_e4m3fn.max == 448
    assert dtypes.int4.min == -8
    assert dtypes.uint2.max == 3
    for dtype in (dtypes.string, dtypes.complex64, dtypes.bool, dtypes.qint8, dtypes.resource):
        with pytest.raises(TypeError, match="Cannot find minimum value"):
            dtype.min  # noqa: B018
        with pytest.raises(TypeError, match="Cannot find maximum value"):
            dtype.max  # noqa: B018


def test_limits() -> None:
    assert dtypes.float32.limits == (0, 1)
    assert dtypes.int8.limits == (0, 127)
    assert dtypes.uint16.limits == (0, 65535)
    assert dtypes.bool.limits == (0, True)
    for dtype in (dtypes.float16, dtypes.string, dtypes.complex64, dtypes.qint8):
        with pytest.raises(ValueError, match="does not have defined limits"):
            dtype.limits  # noqa: B018


def test_numpy_types() -> None:
    assert dtypes.float32.as_numpy_dtype is np.float32
    assert dtypes.string.as_numpy_dtype is object
    assert dtypes.qint16.as_numpy_dtype == np.dtype([("qint16", np.int16)])
    assert not dtypes.resource.is_numpy_compatible
    with pytest.raises(KeyError):
        dtypes.resource.as_numpy_dtype  # noqa: B018


def test_of_numpy_covers_strings_byte_orders_and_itself() -> None:
    assert dtypes.of_numpy[np.dtype("float16")] is dtypes.float16
    assert dtypes.of_numpy[np.array(["ab"]).dtype] is dtypes.string
    assert dtypes.of_numpy[np.array([b"ab"], object).dtype] is dtypes.string
    assert dtypes.of_numpy[np.dtype(">f8")] is dtypes.float64
    assert dtypes.of_numpy[dtypes.variant] is dtypes.variant
    assert dtypes.numpy_dtype_to_dtype("uint8") is dtypes.uint8
    with pytest.raises(TypeError, match="M8"):
        dtypes.of_numpy[np.dtype("datetime64[s]")]


def test_invalid_enum() -> None:
    with pytest.raises(TypeError, match="999 does not correspond to a valid"):
        dtypes.DType(999)
