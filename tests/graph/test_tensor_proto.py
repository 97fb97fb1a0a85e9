"""Tests that TensorProto messages are TensorFlow's, both ways, and that malformed ones are refused."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph import protos
from tideflow._src.graph.tensor_proto import make_ndarray, make_tensor_proto, shape_to_proto


def proto(data_type: int, shape: list[int], **fields: Any) -> Any:
    message = protos.TensorProto(dtype=data_type, **fields)
    message.tensor_shape.SetInParent()
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


# What tf.make_tensor_proto of TensorFlow 2.21 gives for the same arguments.
MADE = [
    ((1,), proto(3, [], int_val=[1])),
    ((1.5,), proto(1, [], float_val=[1.5])),
    (([1, 2],), proto(3, [2], tensor_content=bytes([1, 0, 0, 0, 2, 0, 0, 0]))),
    (([1, 2.5],), proto(1, [2], tensor_content=b"\0\0\x80?\0\0 @")),
    ((2**40,), proto(9, [], int64_val=[2**40])),
    (([2**63],), proto(23, [1], uint64_val=[2**63])),
    ((2**40, "int32"), proto(3, [], int_val=[0])),
    ((300, "uint8"), proto(4, [], int_val=[44])),
    (("é",), proto(7, [], string_val=["é".encode()])),
    (([b"a\0", "b"],), proto(7, [2], string_val=[b"a\0", b"b"])),
    (([["a", "b"], ["c", "d"]],), proto(7, [2, 2], string_val=[b"a", b"b", b"c", b"d"])),
    ((np.array(["a", "bc"]),), proto(7, [2], string_val=[b"a", b"bc"])),
    (([True, False],), proto(10, [2], bool_val=[True, False])),
    (([True, 1],), proto(3, [2], tensor_content=bytes([1, 0, 0, 0, 1, 0, 0, 0]))),
    (([1j, 2],), proto(18, [2], dcomplex_val=[0, 1, 2, 0])),
    ((1, "complex64"), proto(8, [], scomplex_val=[1, 0])),
    (([],), proto(1, [0])),
    (([[], []], "int32"), proto(3, [2, 0])),
    ((1.5, "float16"), proto(19, [], half_val=[15872])),
    ((1e300, "float16"), proto(19, [], half_val=[31744])),
    ((1.5, "bfloat16"), proto(14, [], half_val=[16320])),
    (([1.5, 2], "bfloat16"), proto(14, [2], tensor_content=b"\xc0?\0@")),
    ((1.5, "float8_e5m2"), proto(24, [], float8_val=b">")),
    ((np.array([1, -2], ml_dtypes.int4),), proto(29, [2], int_val=[1, -2])),
    ((np.array([1, 0]), "uint16"), proto(17, [2], int_val=[1, 0])),
    ((np.array([1, 2]), "quint8"), proto(12, [2], tensor_content=b"\1\2")),
    (([(1,), (2,)], "qint8"), proto(11, [2], tensor_content=b"\1\2")),
    (((1,), "qint8"), proto(11, [], int_val=[1])),
    ((1, None, [2, 3]), proto(3, [2, 3], int_val=[1])),
    (([1, 2], None, [2, 2]), proto(3, [2, 2], int_val=[1, 2])),
    (([1, 2, 3, 4], None, [2, 2]), make_tensor_proto([[1, 2], [3, 4]])),
    ((1, None, [0]), proto(1, [0])),
    ((1, None, [2, 2], False, True), proto(3, [2, 2], int_val=[1])),
    ((np.float64(1),), proto(2, [], double_val=[1])),
    (
        (np.asfortranarray([[0, 1], [2, 3]]).astype(np.int8),),
        proto(6, [2, 2], tensor_content=bytes(range(4))),
    ),
    ((bytearray(b"ab"),), proto(4, [2], tensor_content=b"ab")),
    # TensorFlow forgets to swap the bytes of this one.
    ((np.array([1, 2], ">i4"),), proto(3, [2], tensor_content=bytes([1, 0, 0, 0, 2, 0, 0, 0]))),
]


@pytest.mark.parametrize(("arguments", "expected"), MADE, ids=lambda value: str(value)[:40].replace("\n", " "))
def test_make_tensor_proto(arguments: tuple[Any, ...], expected: Any) -> None:
    assert make_tensor_proto(*arguments) == expected


def test_eager_tensors_and_messages_are_taken_as_they_are() -> None:
    message = make_tensor_proto(wrap(np.array([1, 2], np.int16)))
    assert message == proto(5, [2], tensor_content=bytes([1, 0, 2, 0]))
    assert make_tensor_proto(message) is message


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((None,), ValueError, "None values not supported"),
        (([1, None],), TypeError, "Failed to convert elements of"),
        (([1, None], "int32"), TypeError, "Expected int32, but got None of type 'NoneType'"),
        ((1.5, "int32"), TypeError, "Expected int32, but got 1.5 of type 'float'"),
        (("a", "float32"), TypeError, "Expected float32, but got a of type 'str'"),
        ((1, "string"), TypeError, "Expected string, but got 1 of type 'int'"),
        ((1, "bool"), TypeError, "Expected bool, but got 1 of type 'int'"),
        (([1, 2], "qint8"), TypeError, "Expected qint8, but got 1"),
        (([1, "a"],), TypeError, "Failed to convert elements of"),
        ((2**70,), TypeError, "Failed to convert elements of"),
        ((object(),), TypeError, "Failed to convert elements of"),
        ((np.arange(2), "string"), TypeError, "Expected binary or unicode string, got 0"),
        ((1, "resource"), TypeError, "resource.*not compatible with 1"),
        ((1, "nope"), TypeError, "nope"),
        (([[1], [2, 3]],), ValueError, "inhomogeneous"),
        ((range(3),), ValueError, r"dense tensor with shape \[\], but got shape \[3\]"),
        (([np.arange(2)],), ValueError, r"dense tensor with shape \[1\], but got shape \[1, 2\]"),
        (([1, 2, 3], None, [2]), ValueError, "Takes at most 2, but got 3"),
        ((1, None, [-1, -1]), ValueError, "negative dimension"),
        (([1, 2], None, [2, 2], True), TypeError, r"Expected Tensor's shape: \(2, 2\), but got \(2,\)"),
        (
            ([1, 2], None, [2, 2], False, True),
            TypeError,
            r"Expected Tensor's shape: \(2, 2\), but got \(2,\)",
        ),
        ((1, None, [2], True, True), ValueError, "allow_broadcast and verify_shape"),
        (([wrap(np.array(1))],), TypeError, "got a tensor instead"),
        ((np.broadcast_to(np.int8(0), 2**31),), ValueError, "larger than 2GB"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, tuple) and "0x" not in repr(value) else "",
)
def test_make_tensor_proto_refuses(arguments: tuple[Any, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_tensor_proto(*arguments)


NUMERIC = (
    "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 "
    "complex128 float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz float4_e2m1fn "
    "int4 uint4 int2 uint2"
)


@pytest.mark.parametrize("name", NUMERIC.split())
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 2)])
def test_arrays_return_unchanged(name: str, shape: tuple[int, ...]) -> None:
    dtype = dtypes.as_dtype(name)
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    array = (np.arange(int(np.prod(shape))).reshape(shape) % 2).astype(numpy_dtype)
    message = make_tensor_proto(array)
    assert message.dtype == dtype.as_datatype_enum
    result = make_ndarray(message)
    assert result.dtype == numpy_dtype
    assert result.shape == shape
    assert result.flags.writeable
    np.testing.assert_array_equal(result, array)


@given(
    hnp.arrays(
        st.sampled_from(
            [np.dtype(code) for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c16", "?")]
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_returns_unchanged(array: np.ndarray[Any, Any]) -> None:
    result = make_ndarray(make_tensor_proto(array))
    assert result.dtype == array.dtype
    assert result.tobytes() == array.tobytes()


# What tf.make_ndarray of TensorFlow 2.21 gives.
READ = [
    (proto(1, [4], float_val=[1, 2]), [1, 2, 2, 2]),
    (proto(1, [4]), [0, 0, 0, 0]),
    (proto(7, [3], string_val=[b"a", b"bcd"]), [b"a", b"bcd", b"bcd"]),
    (proto(7, [2]), [b"", b""]),
    (proto(10, [3], bool_val=[True, False]), [True, False, False]),
    (proto(8, [2], scomplex_val=[1, 2]), [1 + 2j, 1 + 2j]),
    (proto(18, [3], dcomplex_val=[4, 5, 6, 7]), [4 + 5j, 6 + 7j, 6 + 7j]),
    (proto(19, [2], half_val=[0x3C00]), [1, 1]),
    (proto(14, [2], half_val=[0x3FC0]), [1.5, 1.5]),
    (proto(24, [2], float8_val=b"\x3c"), [1, 1]),
    (proto(22, [2], uint32_val=[4000000000]), [4000000000, 4000000000]),
    (proto(23, [2], uint64_val=[2**63]), [2**63, 2**63]),
    (proto(6, [2], int_val=[-3]), [-3, -3]),
    (proto(11, [2], int_val=[3]), [(3,), (3,)]),
    (proto(29, [2], tensor_content=b"\1\2"), [1, 2]),
    (proto(3, [], int_val=[5]), 5),
    # TensorFlow's C++ writes strings this way too: lengths first.
    (proto(7, [2], tensor_content=b"\1\2abb"), [b"a", b"bb"]),
]


@pytest.mark.parametrize(("message", "expected"), READ, ids=lambda value: str(value)[:30].replace("\n", " "))
def test_make_ndarray(message: Any, expected: Any) -> None:
    result = make_ndarray(message)
    assert result.dtype == np.dtype(dtypes.as_dtype(message.dtype).as_numpy_dtype)
    assert result.tolist() == expected


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        (proto(1, [2**40], float_val=[1]), ValueError, "at most 8589934592 are allowed"),
        (proto(1, [2**62, 2**62]), ValueError, "repeating"),
        (proto(7, [2**40]), ValueError, "repeating"),
        (proto(7, [2**40], tensor_content=b"abc"), ValueError, "cannot hold"),
        (proto(7, [1], tensor_content=b"\xff\xff\xff\xff\xff\xff"), ValueError, "malformed string length"),
        (proto(7, [1], tensor_content=b"\5ab"), ValueError, "take 5 bytes, but 2"),
        (proto(1, [-1], float_val=[1]), ValueError, r"negative dimension, got \[-1\]"),
        (proto(1, [-2, -3], float_val=[1] * 6), ValueError, "negative dimension"),
        (proto(1, [1], float_val=[1, 2]), ValueError, r"holds 2 values, but its shape \[1\] takes 1"),
        (proto(1, [3], tensor_content=b"abcd"), ValueError, "has 4 bytes, but shape .* takes 12"),
        (proto(1, [3], tensor_content=b"abc"), ValueError, "has 3 bytes"),
        (proto(1, [1] * 100, float_val=[1]), ValueError, "NumPy cannot hold"),
        (proto(1, [0, 2**62, 2**62]), ValueError, "NumPy cannot hold"),
        (proto(6, [2], int_val=[300]), ValueError, "do not fit int8"),
        (proto(19, [1], half_val=[-1]), ValueError, "not 16 bits"),
        (proto(0, [1]), TypeError, r"Unsupported tensor type: 0 \(DT_INVALID\)"),
        (proto(20, []), TypeError, "DT_RESOURCE"),
        (proto(21, []), TypeError, "DT_VARIANT"),
        (proto(101, [1], float_val=[1]), TypeError, "DT_FLOAT_REF"),
        (proto(999, [1]), TypeError, "999"),
    ],
    ids=lambda value: str(value)[:30].replace("\n", " ") if not isinstance(value, type) else "",
)
def test_make_ndarray_refuses(message: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_ndarray(message)


@pytest.mark.parametrize("dims", [None, [], [1, None], [0, 3]])
def test_shapes_as_messages(dims: list[int | None] | None) -> None:
    message = shape_to_proto(dims)
    assert message == TensorShape(dims).as_proto()
    assert message.unknown_rank == (dims is None)
    assert [dimension.size for dimension in message.dim] == [-1 if size is None else size for size in dims or []]


def test_a_list_that_holds_itself() -> None:
    items: list[Any] = [1.0]
    items.append(items)
    for dtype in (None, dtypes.float32):
        with pytest.raises(ValueError, match="holds itself"):
            make_tensor_proto(items, dtype)
