"""Tests casts: no-ops, saturation, the parts of complex numbers, equality, and bits read as another type."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.ops.math import comparison, complex_numbers
from tideflow._src.ops.math.casting import bitcast, cast, saturate_cast, to_float, to_int32
from tideflow._src.runtime.convert import convert_to_tensor


def test_cast_to_the_same_type_returns_the_tensor() -> None:
    x = convert_to_tensor([1.0])
    assert cast(x, "float32") is x
    assert cast(x, dtypes.float32) is x


def test_cast_drops_fractions() -> None:
    x = convert_to_tensor([1.9, -1.9])
    assert cast(x, np.int64).numpy().tolist() == [1, -1]
    assert to_int32(x).dtype is dtypes.int32
    assert to_float(convert_to_tensor([1])).dtype is dtypes.float32


def test_cast_of_slices_keeps_their_indices() -> None:
    slices = IndexedSlices(convert_to_tensor([[1.5]]), convert_to_tensor([3]))
    result = cast(slices, "int32")
    assert result.values.numpy().tolist() == [[1]]
    assert result.indices is slices.indices


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1.9, 300.0, -1.0], "uint8", [1, 255, 0]),
        ([3e9, -3e9], "int32", [2147483520, -(2**31)]),
        ([300, -1], "uint8", [255, 0]),
        ([1e6, -1e6], "float16", [65504.0, -65504.0]),
    ],
)
def test_saturate_cast(values: list[float], dtype: str, expected: list[float]) -> None:
    assert saturate_cast(convert_to_tensor(values), dtype).numpy().tolist() == expected


def test_bitcast_adds_and_removes_a_dimension() -> None:
    x = convert_to_tensor([1.0, 2.0])
    pieces = bitcast(x, "uint8")
    assert pieces.numpy().tolist() == [[0, 0, 128, 63], [0, 0, 0, 64]]
    assert bitcast(pieces, "float32").numpy().tolist() == [1.0, 2.0]
    with pytest.raises(InvalidArgumentError):
        bitcast(convert_to_tensor([1, 2, 3], "uint8"), "int32")


def test_complex_parts() -> None:
    z = complex_numbers.complex([3.0, 0.0], [4.0, -1.0])
    assert z.dtype is dtypes.complex64
    assert complex_numbers.real(z).numpy().tolist() == [3.0, 0.0]
    assert complex_numbers.imag(z).numpy().tolist() == [4.0, -1.0]
    assert complex_numbers.conj(z).numpy().tolist() == [3 - 4j, 1j]
    with pytest.raises(TypeError, match="incorrect types"):
        complex_numbers.complex(1, 2)


def test_equal_without_error_for_shapes() -> None:
    x, y = convert_to_tensor([1, 2]), convert_to_tensor([1, 2, 3])
    assert not comparison.equal_op(x, y, incompatible_shape_error=False).numpy()
    assert comparison.not_equal_op(x, y, incompatible_shape_error=False).numpy()
    with pytest.raises(InvalidArgumentError):
        comparison.equal(x, y)
