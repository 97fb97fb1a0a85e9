"""Checks ``vectorized_map`` and the operation behind it."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1
X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.fixture(params=["host", "xla", "auto"])
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TIDEFLOW_TIER", request.param)
    return str(request.param)


def test_structures_broadcasting_and_results_that_do_not_vary(tier: str) -> None:
    def function(pair: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"sum": pair[0] + pair[1], "same": tf.constant(3), "shape": tf.shape(pair[0])}

    result = tf.vectorized_map(function, (X, np.float32([[10.0, 20.0]])))
    np.testing.assert_array_equal(result["sum"], X + [[10.0, 20.0]])
    np.testing.assert_array_equal(result["same"], [3, 3])
    np.testing.assert_array_equal(result["shape"], [[2], [2]])


def test_gradients_reach_rows_captures_and_variables(tier: str) -> None:
    x, w = tf.constant(X), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.vectorized_map(lambda row: tf.reduce_sum(row * row * w), x)
        first = inner.gradient(y, x)
    np.testing.assert_allclose(tape.gradient(y, w), (X * X).sum(0))
    np.testing.assert_allclose(first, 2 * X * w.numpy())
    np.testing.assert_allclose(tape.gradient(first, x), np.broadcast_to(2 * w.numpy(), (2, 2)))


def test_conditionals_loops_and_nesting(tier: str) -> None:
    chosen = tf.vectorized_map(lambda row: tf.cond(tf.reduce_sum(row) > 4.0, lambda: row * 2.0, lambda: row), X)
    np.testing.assert_array_equal(chosen, [[1, 2], [6, 8]])
    doubled = tf.vectorized_map(
        lambda row: tf.while_loop(lambda a: tf.reduce_sum(a) < 20.0, lambda a: (a * 2.0,), [row])[0], X
    )
    np.testing.assert_array_equal(doubled, [[8, 16], [12, 16]])
    nested = tf.vectorized_map(lambda row: tf.vectorized_map(lambda item: item * item, row), X)
    np.testing.assert_array_equal(nested, X * X)


def test_what_cannot_be_vectorized_goes_row_by_row() -> None:
    drawn = tf.vectorized_map(lambda row: row[0] * 0.0 + tf.random.normal([]), X)
    assert drawn.shape == (2,)
    assert float(drawn[0]) != float(drawn[1])

    def positive(row: tf.Tensor) -> tf.Tensor:
        return tf.where(row > 0.0)[:, 0]

    np.testing.assert_array_equal(tf.vectorized_map(positive, X), [[0, 1], [0, 1]])
    with pytest.raises(ValueError, match="cannot be vectorized"):
        tf.vectorized_map(positive, X, fallback_to_while_loop=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="differ in shape"):
        tf.vectorized_map(positive, tf.constant([[1.0, -1.0], [1.0, 1.0]]))


def test_no_rows_and_mistakes(tier: str) -> None:
    assert tf.vectorized_map(lambda row: row * 2.0, tf.zeros([0, 3])).shape == (0, 3)
    with pytest.raises(ValueError, match="scalar"):
        tf.vectorized_map(lambda row: row, tf.constant(1.0))
    with pytest.raises(ValueError, match="equal first dimensions"):
        tf.vectorized_map(lambda pair: pair[0], (X, tf.zeros([3])))


def test_a_kernel_that_rejects_values_does_so_for_any_row(tier: str) -> None:
    labels = tf.constant([0, 7])

    def loss(pair: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(pair[0][tf.newaxis], pair[1][tf.newaxis])

    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.vectorized_map(loss, (labels, X))


def test_in_a_graph(tier: str) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2])
        y = tf.vectorized_map(lambda row: tf.reduce_sum(row**3.0), x)
        (gradient,) = tf.gradients(y, x)
        values = session.run([y, gradient], {x: X})
    np.testing.assert_allclose(values[0], (X**3).sum(1), rtol=1e-6)
    np.testing.assert_allclose(values[1], 3 * X**2, rtol=1e-6)


class Pair(tf.experimental.BatchableExtensionType):
    a: tf.Tensor
    b: tf.Tensor


def test_extension_types_are_taken_and_given_slice_by_slice(tier: str) -> None:
    pairs = Pair(tf.constant([1, 2]), tf.constant(X))
    result = tf.vectorized_map(lambda pair: Pair(pair.a * 2, tf.reduce_sum(pair.b)), pairs)
    assert isinstance(result, Pair)
    np.testing.assert_array_equal(result.a, [2, 4])
    np.testing.assert_array_equal(result.b, [3, 7])
    one = Pair(tf.constant([10]), tf.constant([[1.0, 2.0]]))  # is broadcast
    added = tf.vectorized_map(lambda both: both[0].b * both[1] + tf.cast(both[0].a, tf.float32), (one, X))
    np.testing.assert_array_equal(added, X * [[1, 2]] + 10)
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        y = tf.vectorized_map(lambda pair: pair.b * pair.b, Pair(tf.constant([1, 2]), x))
    np.testing.assert_array_equal(tape.gradient(y, x), 2 * X)


def test_ragged_and_sparse_slices() -> None:
    ragged = tf.RaggedTensor.from_row_splits(tf.constant([1.0, 2.0, 3.0]), [0, 2, 3, 3])
    with tf.GradientTape() as tape:
        tape.watch(ragged.flat_values)
        sums = tf.vectorized_map(lambda row: tf.reduce_sum(row * row), ragged)
    np.testing.assert_array_equal(sums, [5, 9, 0])
    np.testing.assert_array_equal(tape.gradient(sums, ragged.flat_values), [2, 4, 6])
    with pytest.raises(tf.errors.InvalidArgumentError, match="differ in shape from row to row"):
        tf.vectorized_map(lambda row: row * 2.0, ragged)
    with pytest.raises(ValueError, match="cannot be vectorized"):
        tf.vectorized_map(tf.reduce_sum, ragged, fallback_to_while_loop=False)

    nested = tf.ragged.constant([[[1, 2], [3]], [[4], [5, 6]]])
    twice = tf.function(lambda rows: tf.vectorized_map(lambda row: row * 2, rows))(nested)
    assert twice.to_list() == [[[2, 4], [6]], [[8], [10, 12]]]
    ranges = tf.vectorized_map(tf.ragged.range, tf.constant([[1, 2], [3, 0]]))
    assert ranges.to_list() == [[[0], [0, 1]], [[0, 1, 2], []]]

    def parts(row: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_splits(row * row, [0, 1, 2])

    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        y = tf.vectorized_map(parts, x)
    assert y.to_list() == [[[1], [4]], [[9], [16]]]
    np.testing.assert_array_equal(tape.gradient(y.flat_values, x), 2 * X)

    dense = tf.constant([[1, 0], [3, 4]])
    sparse = tf.vectorized_map(tf.sparse.from_dense, dense)
    np.testing.assert_array_equal(tf.sparse.to_dense(sparse), dense)
    np.testing.assert_array_equal(tf.vectorized_map(tf.sparse.reduce_sum, sparse), [1, 7])
    slices = tf.IndexedSlices(tf.constant([[1], [2]]), tf.constant([0, 1]))
    with pytest.raises(TypeError, match="vectorized_map can not consume IndexedSlicesSpec"):
        tf.vectorized_map(lambda row: row, slices)
