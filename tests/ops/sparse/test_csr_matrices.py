"""Sparse matrices in compressed rows, against dense ones: values, gradients, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf

raw = tf.raw_ops
PLACES = np.array([[0, 1], [1, 0], [1, 2]])
SIZES = np.array([2, 3])


def matrix(values: Any, places: Any = PLACES, sizes: Any = SIZES) -> Any:
    return raw.SparseTensorToCSRSparseMatrix(indices=places, values=values, dense_shape=sizes)


def dense(csr: Any, dtype: Any = tf.float64) -> Any:
    return raw.CSRSparseMatrixToDense(sparse_input=csr, type=dtype)


def scattered(values: Any, places: Any = PLACES, sizes: Any = SIZES) -> Any:
    return tf.scatter_nd(places, values, tf.constant(sizes))


VALUES = np.array([1.5, -2.0, 3.0])
RIGHT = np.arange(6.0).reshape(3, 2) - 2.0
BATCH = np.array([[0, 0, 1], [1, 1, 0], [1, 1, 2]])
BATCH_SIZES = np.array([2, 2, 3])


def product(form: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any], Any]:
    flags = dict.fromkeys(form.split(), True)
    b = RIGHT[:2] if "_a" in form else RIGHT
    b = b.T.copy() if "_b" in form else b

    def with_dense(values: Any, right: Any) -> Any:
        left = scattered(values)
        left = tf.transpose(left, conjugate="adjoint_a" in form) if "_a" in form else left
        right = tf.transpose(right, conjugate="adjoint_b" in form) if "_b" in form else right
        result = left @ right
        result = tf.transpose(result) if "transpose_output" in form else result
        return tf.math.conj(result) if "conjugate_output" in form else result

    return (lambda values, right: raw.SparseMatrixMatMul(a=matrix(values), b=right, **flags)), with_dense, b


FORMS = (
    *("", "transpose_a", "adjoint_a", "transpose_b", "adjoint_b", "transpose_a transpose_b", "adjoint_a adjoint_b"),
    *("transpose_output", "conjugate_output", "transpose_a adjoint_b transpose_output", "adjoint_a conjugate_output"),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_products_with_dense_matrices(form: str, dtype: Any) -> None:
    sparse, plain, b = product(form)
    factor = 1 - 0.5j if dtype is np.complex128 else 1
    values, right = (
        tf.constant((VALUES * factor).astype(dtype)),
        tf.constant((b * (factor * 1j if factor != 1 else 1)).astype(dtype)),
    )
    weights = None
    found = []
    for run in (sparse, plain, tf.function(sparse)):
        with tf.GradientTape() as tape:
            tape.watch([values, right])
            result = run(values, right)
            if weights is None:
                weights = tf.constant(
                    (np.arange(result.shape.num_elements()).reshape(result.shape) * factor).astype(dtype)
                )
            loss = tf.reduce_sum(tf.math.real(result * weights))
        found.append([result.numpy(), *(item.numpy() for item in tape.gradient(loss, [values, right]))])
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, another)


@pytest.mark.parametrize("form", ["transpose_b", "adjoint_a", "transpose_a", "adjoint_b"])
def test_products_of_sparse_matrices(form: str) -> None:
    values = tf.constant(VALUES)

    def sparse(values: Any) -> Any:
        return dense(
            raw.SparseMatrixSparseMatMul(a=matrix(values), b=matrix(values * 2.0), type=tf.float64, **{form: True})
        )

    def plain(values: Any) -> Any:
        left, right = scattered(values), scattered(values * 2.0)
        return tf.transpose(left) @ right if form.endswith("a") else left @ tf.transpose(right)

    for run in (sparse, tf.function(sparse)):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(values)
            one, another = run(values), plain(values)
            losses = [tf.reduce_sum(item * item) for item in (one, another)]
        np.testing.assert_allclose(one, another)
        np.testing.assert_allclose(*(tape.gradient(loss, values) for loss in losses))


def test_sums_factors_and_softmax() -> None:
    values, factor = tf.constant(VALUES), tf.constant(3.0, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([values, factor])
        a = matrix(values)
        b = matrix(values, np.array([[0, 0], [0, 1], [1, 2]]))
        total = raw.SparseMatrixAdd(a=a, b=b, alpha=tf.constant(2.0, tf.float64), beta=tf.constant(-1.0, tf.float64))
        scaled = dense(raw.SparseMatrixMul(a=total, b=factor))
        soft = dense(raw.SparseMatrixSoftmax(logits=a, type=tf.float64))
        loss = tf.reduce_sum(scaled * scaled) + tf.reduce_sum(soft * tf.constant([[1.0, 2, 3], [4, 5, 6]], tf.float64))
    np.testing.assert_allclose(scaled, [[-4.5, 15.0, 0.0], [-12.0, 0.0, 9.0]])
    with tf.GradientTape() as plain_tape:
        plain_tape.watch([values, factor])
        plain = (2 * scattered(values) - scattered(values, np.array([[0, 0], [0, 1], [1, 2]]))) * factor
        pair = tf.nn.softmax(values[1:])
        plain_loss = tf.reduce_sum(plain * plain) + 2.0 + tf.reduce_sum(pair * tf.constant([4.0, 6.0], tf.float64))
    np.testing.assert_allclose(loss, plain_loss)
    wanted = plain_tape.gradient(plain_loss, [values, factor])
    for one, another in zip(tape.gradient(loss, [values, factor]), wanted, strict=True):
        np.testing.assert_allclose(one, another)


def test_batches_and_parts() -> None:
    batch = matrix(VALUES, BATCH, BATCH_SIZES)
    assert raw.SparseMatrixNNZ(sparse_matrix=batch).numpy().tolist() == [1, 2]
    parts = raw.CSRSparseMatrixComponents(csr_sparse_matrix=batch, index=1, type=tf.float64)
    assert [part.numpy().tolist() for part in parts] == [[0, 0, 2], [0, 2], [-2.0, 3.0]]
    turned = raw.SparseMatrixTranspose(input=batch, type=tf.float64)
    np.testing.assert_array_equal(dense(turned), np.swapaxes(dense(batch).numpy(), 1, 2))
    zeros = raw.SparseMatrixZeros(dense_shape=BATCH_SIZES, type=tf.float64)
    assert dense(zeros).shape == (2, 2, 3)
    assert not dense(zeros).numpy().any()


def test_cholesky_factors() -> None:
    square = np.array([[4.0, 1, 0, 0], [1, 5, 0, 2], [0, 0, 3, 0], [0, 2, 0, 6]])
    places = np.argwhere(square)
    csr = matrix(square[square != 0], places, np.array([4, 4]))
    order = raw.SparseMatrixOrderingAMD(input=csr).numpy()
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    factor = dense(raw.SparseMatrixSparseCholesky(input=csr, permutation=order, type=tf.float64)).numpy()
    np.testing.assert_allclose(factor @ factor.T, square[np.ix_(order, order)], atol=1e-12)
    assert not np.triu(factor, 1).any()
    bad = matrix(np.array([1.0, 2, 2, 1]), np.argwhere(np.ones((2, 2))), np.array([2, 2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Sparse Cholesky factorization failed for batch index 0"):
        raw.SparseMatrixSparseCholesky(input=bad, permutation=[0, 1], type=tf.float64)


def test_a_graph_of_a_session_holds_matrices() -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        values = tf.compat.v1.placeholder(tf.float64, [None])
        result = dense(raw.SparseMatrixTranspose(input=matrix(values), type=tf.float64))
        assert session.run(result, {values: VALUES}).tolist() == [[0.0, -2.0], [1.5, 0.0], [0.0, 3.0]]


def test_what_is_refused() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Sparse index tuple indices\[1, :\] = \[2, 1\] is out"):
        matrix(VALUES, PLACES + 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be <= Int32Max, but is too large"):
        matrix(VALUES, PLACES, np.array([1 << 40, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not hold a CSRSparseMatrix, but TensorList"):
        dense(raw.EmptyTensorList(element_shape=[2], max_num_elements=1, element_dtype=tf.float32))
