"""Tests indexing of tensors: every kind of index, its errors, the nodes it makes, and gradients through it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.array.slicing import entries, entry, strided_slice
from tideflow._src.ops.array.slicing import slice as slice_tensor
from tideflow._src.ops.array.strided_index import Masks, strided_index

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

INDICES: list[Any] = [
    0,
    -1,
    (1, 2),
    (1, 2, 3),
    slice(None, None, -1),
    (slice(5, None), 0),
    (slice(None), slice(0, 2), slice(None, None, 2)),
    (Ellipsis, 1),
    (0, Ellipsis, None),
    (None, slice(1, -1)),
    (slice(-1, -9, -2), slice(2, 0, -1)),
    (),
    Ellipsis,
    None,
    np.int64(1),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indices_select_what_numpy_selects(index: Any) -> None:
    np.testing.assert_array_equal(constant(ARRAY)[index].numpy(), ARRAY[index])


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_gradients_go_back_to_where_values_came_from(index: Any) -> None:
    x = constant(ARRAY)
    with GradientTape() as tape:
        tape.watch(x)
        y = x[index] * x[index]
    expected = np.zeros_like(ARRAY)
    expected[index] = 2 * ARRAY[index]
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), expected)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_static_shapes_are_those_of_numpy(index: Any) -> None:
    with Graph().as_default():
        assert constant(ARRAY)[index].shape.as_list() == list(ARRAY[index].shape)


def test_tensors_are_indices() -> None:
    x = constant(ARRAY)
    np.testing.assert_array_equal(x[constant(1), constant(0) : constant(2)].numpy(), ARRAY[1, 0:2])


def test_boolean_masks_select_elements() -> None:
    x = constant(ARRAY)
    np.testing.assert_array_equal(x[constant(ARRAY) > 20.0].numpy(), ARRAY[ARRAY > 20])
    np.testing.assert_array_equal(x[np.array([True, False])].numpy(), ARRAY[[True, False]])


def test_strings_stay_arrays() -> None:
    words = constant(["a", "b"])
    assert words[1].numpy() == b"b"
    assert words[1].shape.as_list() == []


@pytest.mark.parametrize("index", [1.0, "a", constant([0]), np.array([0, 1])], ids=str)
def test_other_indices_are_type_errors(index: Any) -> None:
    with pytest.raises(TypeError, match="valid indices"):
        constant(ARRAY)[index]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (2, "slice index 2 of dimension 0 out of bounds"),
        ((0, 0, 0, 0), "input has only 3 dims"),
        (slice(None, None, 0), "must be non-zero"),
        ((Ellipsis, Ellipsis), "Multiple ellipses"),
    ],
    ids=str,
)
def test_indices_that_do_not_fit_are_invalid(index: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        constant(ARRAY)[index]
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        constant(ARRAY)[index]


def test_nodes_are_named_as_in_tensorflow() -> None:
    with Graph().as_default() as graph:
        x = placeholder(dtypes.float32, [None, 3], name="x")
        y = x[1:, 0]
        assert y.shape.as_list() == [None]
        names = [op.name for op in graph.get_operations()]
    assert names == ["x", "strided_slice/stack", "strided_slice/stack_1", "strided_slice/stack_2", "strided_slice"]


def test_elements_of_shapes_are_known() -> None:
    with Graph().as_default():
        x = placeholder(dtypes.float32, [None, 3], name="x")
        assert strided_index((5,), [1], [2], [1], Masks(shrink_axis_mask=1)).shape == ()
        assert constant(ARRAY)[shape(x)[1] - 2, 0].shape.as_list() == [4]


def test_slice_and_strided_slice() -> None:
    x = constant(ARRAY)
    np.testing.assert_array_equal(slice_tensor(x, [0, 1, 0], [-1, 2, 1]).numpy(), ARRAY[:, 1:3, :1])
    np.testing.assert_array_equal(strided_slice(x, [0, 2], [2, 0], [1, -1]).numpy(), ARRAY[0:2, 2:0:-1])
    with pytest.raises(InvalidArgumentError, match=r"Expected size\[0\]"):
        slice_tensor(x, [0, 0, 0], [3, 1, 1])


def test_entries_of_vectors_are_single_operations() -> None:
    vector = np.arange(5, dtype=np.int32)
    for start, stop in ((None, 3), (1, None), (-2, None), (None, -1), (1, 3), (0, 0), (-3, -2)):
        np.testing.assert_array_equal(entries(vector, start, stop).numpy(), vector[start:stop])
    for place in (0, 3, -1):
        assert entry(vector, place).numpy() == vector[place]
    with Graph().as_default() as graph:
        sizes = placeholder(dtypes.int32, [5], name="sizes")
        assert entries(sizes, None, -2).shape.as_list() == [3]
        assert entry(sizes, 1).shape.as_list() == []
        names = [op.type for op in graph.get_operations()]
    assert names == ["Placeholder", *["Const"] * 3, "StridedSlice", *["Const"] * 3, "StridedSlice"]
