"""Tests diagonals and bands of matrices, and their gradients, which leave the padding out."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core.errors import ResourceExhaustedError
from tideflow._src.ops.array import sequences
from tideflow._src.ops.array.band_part import matrix_band_part
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.diagonals import matrix_diag, matrix_diag_part, matrix_set_diag
from tideflow._src.ops.array.sequences import eye

A = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("align", ["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"])
def test_a_band_taken_out_and_put_back_is_the_band_of_the_matrix(align: str) -> None:
    band = matrix_diag_part(A, k=(-1, 1), align=align)
    matrix = matrix_diag(band, k=(-1, 1), num_rows=3, num_cols=4, align=align)
    np.testing.assert_array_equal(matrix.numpy(), matrix_band_part(A, 1, 1).numpy())
    np.testing.assert_array_equal(matrix_set_diag(A, band, k=(-1, 1), align=align).numpy(), A)


def test_alignment_says_on_which_side_the_padding_is() -> None:
    found = {
        align: matrix_diag_part(A, k=(-2, 1), padding_value=-1, align=align).numpy().tolist()
        for align in ("LEFT_LEFT", "RIGHT_RIGHT")
    }
    assert found["LEFT_LEFT"] == [[2, 7, 12], [1, 6, 11], [5, 10, -1], [9, -1, -1]]
    assert found["RIGHT_RIGHT"] == [[2, 7, 12], [1, 6, 11], [-1, 5, 10], [-1, -1, 9]]


def test_gradients_of_bands() -> None:
    x = constant(A)
    with GradientTape() as tape:
        tape.watch(x)
        y = matrix_diag_part(x, k=(0, 1)) * matrix_diag_part(x, k=(0, 1))
    expected = 2 * A * (np.eye(3, 4) + np.eye(3, 4, 1))
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), expected)
    d = constant([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(d)
        y = matrix_diag(d, k=1) * constant(np.arange(9, dtype=np.float32).reshape(3, 3))
    np.testing.assert_array_equal(tape.gradient(y, d).numpy(), [1, 5])


def test_eye() -> None:
    np.testing.assert_array_equal(eye(2, 3, batch_shape=[2]).numpy(), np.broadcast_to(np.eye(2, 3), (2, 2, 3)))


def test_an_identity_matrix_that_no_memory_holds_is_refused_before_its_diagonal_is_made(monkeypatch) -> None:
    monkeypatch.setattr(sequences, "ones", None)
    with pytest.raises(ResourceExhaustedError):
        eye(1 << 30)
