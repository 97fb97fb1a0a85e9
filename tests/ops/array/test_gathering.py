"""Tests gathers and scatters, masks and the functions that choose elements."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.gathering import batch_gather, gather, gather_nd
from tideflow._src.ops.array.masking import boolean_mask, sequence_mask
from tideflow._src.ops.array.scattering import scatter_nd, tensor_scatter_nd_max, tensor_scatter_nd_update
from tideflow._src.ops.array.selection import where, where_v1
from tideflow._src.ops.array.sequences import linspace, meshgrid, one_hot, range, repeat

A = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_gather_takes_slices() -> None:
    x = constant(A)
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(
            gather(x, [[1, 0], [1, 1]], axis=axis).numpy(), np.take(A, [[1, 0], [1, 1]], axis)
        )
    np.testing.assert_array_equal(
        gather(x, [[2, 0], [1, 1]], batch_dims=1).numpy(), np.stack([A[0][[2, 0]], A[1][[1, 1]]])
    )
    np.testing.assert_array_equal(batch_gather(x[:, :, 0], [[2], [1]]).numpy(), [[8], [16]])


@pytest.mark.parametrize("index", [2, -1])
def test_gather_names_the_index_that_is_out_of_range(index: int) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"indices\[1\] = {index} is not in \[0, 2\)"):
        gather(constant(A), [0, index])


def test_the_gradient_of_gathered_rows_is_sparse() -> None:
    x = constant(A)
    with GradientTape() as tape:
        tape.watch(x)
        y = gather(x, [1, 1])
    gradient = tape.gradient(y, x)
    assert isinstance(gradient, IndexedSlices)
    assert gradient.indices.numpy().tolist() == [1, 1]
    assert gradient.dense_shape.numpy().tolist() == [2, 3, 4]


def test_the_gradient_along_an_inner_axis_sums_repeated_indices() -> None:
    x = constant(A)
    with GradientTape() as tape:
        tape.watch(x)
        y = gather(x, [[2, 2], [0, 1]], axis=1, batch_dims=1)
    expected = np.zeros_like(A)
    expected[0, 2], expected[1, 0], expected[1, 1] = 2, 1, 1
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), expected)


def test_coordinates_gather_and_scatter() -> None:
    x = constant(A)
    np.testing.assert_array_equal(gather_nd(x, [[1, 2], [0, 0]]).numpy(), A[[1, 0], [2, 0]])
    np.testing.assert_array_equal(gather_nd(x, [[[2, 3]], [[0, 1]]], batch_dims=1).numpy(), [[11], [13]])
    assert scatter_nd([[1], [1]], [2.0, 3.0], [3]).numpy().tolist() == [0, 5, 0]
    assert tensor_scatter_nd_update([1.0, 2.0], [[0]], [9.0]).numpy().tolist() == [9, 2]
    assert tensor_scatter_nd_max([1.0, 2.0], [[0], [1]], [np.nan, 3.0]).numpy().tolist() == [1, 3]
    with pytest.raises(InvalidArgumentError, match="does not index into"):
        scatter_nd([[3]], [1.0], [3])


def test_where_chooses() -> None:
    assert where([True, False], 1, [[5], [6]]).numpy().tolist() == [[1, 5], [1, 6]]
    assert where_v1([True, False], [[1, 1], [1, 1]], [[2, 2], [2, 2]]).numpy().tolist() == [[1, 1], [2, 2]]
    assert where([[0.0, 2.0]]).numpy().tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="both be non-None"):
        where([True], 1)


def test_masks() -> None:
    np.testing.assert_array_equal(boolean_mask(A, [True, False, True], axis=1).numpy(), A[:, [0, 2]])
    x = constant(A)
    with GradientTape() as tape:
        tape.watch(x)
        y = boolean_mask(x, A > 20)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), (A > 20).astype(np.float32))
    assert sequence_mask([1, 2]).numpy().tolist() == [[True, False], [True, True]]
    with pytest.raises(ValueError, match="scalar"):
        boolean_mask(A, True)


def test_sequences() -> None:
    assert range(1, 8, 3).numpy().tolist() == [1, 4, 7]
    assert range(0, constant(2.0)).dtype.name == "float32"
    assert linspace(0.0, 1.0, 5).numpy().tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert one_hot([1, 5], 2).numpy().tolist() == [[0, 1], [0, 0]]
    assert one_hot([1], 2, "a", "b").numpy().tolist() == [[b"b", b"a"]]
    for indexing in ("xy", "ij"):
        for mine, its in zip(
            meshgrid([1, 2], [3, 4, 5], [6], indexing=indexing),
            np.meshgrid([1, 2], [3, 4, 5], [6], indexing=indexing),
            strict=True,
        ):
            np.testing.assert_array_equal(mine.numpy(), its)
    x = constant([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = repeat(x, [1, 3])
    assert y.numpy().tolist() == [1, 2, 2, 2]
    assert tape.gradient(y, x).numpy().tolist() == [1, 3]
