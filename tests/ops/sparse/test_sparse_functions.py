"""The functions of ``tf.sparse``, with values that TensorFlow gives, alone and inside of each other."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1
PLACES = [[0, 1], [1, 0], [1, 2]]
DENSE = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def first() -> Any:
    return tf.SparseTensor(PLACES, [1.0, 2.0, 3.0], [2, 3])


def second() -> Any:
    return tf.SparseTensor([[0, 0], [1, 2]], [5.0, -3.0], [2, 3])


def ids() -> Any:
    return tf.SparseTensor(PLACES, [1, 2, 3], [2, 3])


def plain(value: Any) -> Any:
    if isinstance(value, tf.SparseTensor):
        return [plain(value.indices), plain(value.values), plain(value.dense_shape)]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.numpy().tolist()


CALLS: list[tuple[Callable[[], Any], Any]] = [
    (
        lambda: tf.sparse.add(first(), second()),
        [[[0, 0], [0, 1], [1, 0], [1, 2]], [5.0, 1.0, 2.0, 0.0], [2, 3]],
    ),
    (
        lambda: tf.sparse.add(first(), second(), threshold=0.5),
        [[[0, 0], [0, 1], [1, 0]], [5.0, 1.0, 2.0], [2, 3]],
    ),
    (lambda: tf.sparse.add(DENSE, first()), [[1.0, 3.0, 3.0], [6.0, 5.0, 9.0]]),
    (
        lambda: tf.sparse.maximum(first(), second()),
        [[[0, 0], [0, 1], [1, 0], [1, 2]], [5.0, 1.0, 2.0, 3.0], [2, 3]],
    ),
    (
        lambda: tf.sparse.minimum(first(), second()),
        [[[0, 0], [0, 1], [1, 0], [1, 2]], [0.0, 0.0, 0.0, -3.0], [2, 3]],
    ),
    (lambda: first() * tf.constant(DENSE), [PLACES, [2.0, 8.0, 18.0], [2, 3]]),
    (lambda: tf.constant(DENSE) * first(), [PLACES, [2.0, 8.0, 18.0], [2, 3]]),
    (lambda: first() / tf.constant([[1.0], [2.0]]), [PLACES, [1.0, 1.0, 1.5], [2, 3]]),
    (lambda: ids() / 2, [PLACES, [0.5, 1.0, 1.5], [2, 3]]),
    (lambda: tf.sparse.map_values(tf.add, first(), 1.0), [PLACES, [2.0, 3.0, 4.0], [2, 3]]),
    (lambda: tf.sparse.reduce_sum(first()), 6.0),
    (lambda: tf.sparse.reduce_sum(first(), 0), [2.0, 1.0, 3.0]),
    (lambda: tf.sparse.reduce_sum(first(), [1], keepdims=True), [[1.0], [5.0]]),
    (lambda: tf.sparse.reduce_max(first(), -1, output_is_sparse=True), [[[0], [1]], [1.0, 3.0], [2]]),
    (
        lambda: v1.sparse_reduce_sum_sparse(first(), reduction_axes=1, keep_dims=True),
        [[[0, 0], [1, 0]], [1, 5], [2, 1]],
    ),
    (
        lambda: tf.sparse.concat(-1, [first(), second()]),
        [[[0, 1], [0, 3], [1, 0], [1, 2], [1, 5]], [1.0, 5.0, 2.0, 3.0, -3.0], [2, 6]],
    ),
    (
        lambda: tf.sparse.concat(0, [first(), tf.SparseTensor([[0, 0]], [9.0], [3, 5])], expand_nonconcat_dims=True),
        [[[0, 1], [1, 0], [1, 2], [2, 0]], [1.0, 2.0, 3.0, 9.0], [5, 5]],
    ),
    (
        lambda: tf.sparse.split(first(), 2, 1),
        [[[[0, 1], [1, 0]], [1.0, 2.0], [2, 2]], [[[1, 0]], [3.0], [2, 1]]],
    ),
    (lambda: tf.sparse.slice(first(), [0, 1], [2, 2]), [[[0, 0], [1, 1]], [1.0, 3.0], [2, 2]]),
    (lambda: tf.sparse.expand_dims(first(), 1), [[[0, 0, 1], [1, 0, 0], [1, 0, 2]], [1.0, 2.0, 3.0], [2, 1, 3]]),
    (lambda: tf.sparse.transpose(first()), [[[0, 1], [1, 0], [2, 1]], [2.0, 1.0, 3.0], [3, 2]]),
    (lambda: tf.sparse.retain(first(), [True, False, True]), [[[0, 1], [1, 2]], [1.0, 3.0], [2, 3]]),
    (lambda: tf.sparse.reset_shape(first(), [4, 4]), [PLACES, [1.0, 2.0, 3.0], [4, 4]]),
    (lambda: tf.sparse.reset_shape(tf.SparseTensor(np.zeros((0, 2), np.int64), [1.0][:0], [3, 3])), [[], [], [0, 0]]),
    (lambda: tf.sparse.to_indicator(ids(), 4), [[False, True, False, False], [False, False, True, True]]),
    (lambda: v1.sparse_merge(ids(), first(), 4), [[[0, 1], [1, 2], [1, 3]], [1.0, 2.0, 3.0], [2, 4]]),
    (
        lambda: tf.sparse.cross([tf.sparse.from_dense([["a", "b"], ["", "c"]]), tf.constant([["d"], ["e"]])]),
        [[[0, 0], [0, 1], [1, 0]], [b"a_X_d", b"b_X_d", b"c_X_e"], [2, 2]],
    ),
    (
        lambda: tf.sparse.cross_hashed([tf.sparse.from_dense([["a", "b"], ["", "c"]]), ids()], num_buckets=1000),
        [[[0, 0], [0, 1], [1, 0], [1, 1]], [485, 983, 523, 694], [2, 2]],
    ),
    (lambda: tf.math.bincount(ids(), axis=-1), [[0, 1, 0, 0], [0, 0, 1, 1]]),
    (lambda: tf.math.bincount(ids(), weights=first()), [0.0, 1.0, 2.0, 3.0]),
    (lambda: tf.sparse.sparse_dense_matmul(first(), DENSE, adjoint_b=True), [[2.0, 5.0], [11.0, 26.0]]),
    (lambda: tf.sparse.sparse_dense_matmul(DENSE, first(), adjoint_b=True), [[2.0, 11.0], [5.0, 26.0]]),
    (
        lambda: tf.io.deserialize_many_sparse(tf.io.serialize_many_sparse(first()), tf.float32),
        [PLACES, [1.0, 2.0, 3.0], [2, 3]],
    ),
    (lambda: tf.square(second()), [[[0, 0], [1, 2]], [25.0, 9.0], [2, 3]]),
    (lambda: tf.cast(first(), tf.int32), [PLACES, [1, 2, 3], [2, 3]]),
    (lambda: tf.identity(first()), [PLACES, [1.0, 2.0, 3.0], [2, 3]]),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_values_eagerly_and_in_a_function(number: int) -> None:
    call, expected = CALLS[number]
    assert plain(call()) == expected
    assert plain(tf.function(call)()) == expected


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_values_in_a_session(number: int) -> None:
    call, expected = CALLS[number]
    with tf.Graph().as_default(), v1.Session() as session:
        found = session.run(call())

    def lists(value: Any) -> Any:
        return [lists(item) for item in value] if isinstance(value, list | tuple) else np.asarray(value).tolist()

    assert lists(found) == expected


def test_gradients_through_nested_functions() -> None:
    values, dense = tf.Variable([1.0, 2.0, 3.0]), tf.Variable(DENSE)

    def loss() -> Any:
        a = tf.sparse.add(tf.SparseTensor(PLACES, values, [2, 3]), second())
        product = a * dense
        sums = tf.sparse.reduce_sum(tf.sparse.softmax(product), 1)
        part = tf.sparse.slice(tf.sparse.reorder(tf.sparse.transpose(product)), [0, 0], [2, 2])
        squares = tf.reduce_sum(tf.sparse.to_dense(part) ** 2) + tf.reduce_sum(sums * sums)
        return squares + tf.reduce_sum(tf.sparse.sparse_dense_matmul(product, dense, adjoint_b=True))

    for run in (loss, tf.function(loss)):
        with tf.GradientTape() as tape:
            value = run()
        of_values, of_dense = tape.gradient(value, [values, dense])
        np.testing.assert_allclose(of_values, [22.0, 84.0, 54.0], rtol=1e-6)
        np.testing.assert_allclose(of_dense, [[88.0, 13.0, 0.0], [55.0, 2.0, 0.0]], rtol=1e-6)


def test_as_argument_and_result_of_functions_branches_and_loops() -> None:
    double = tf.function(lambda x: tf.sparse.add(x, x))
    assert plain(double(first()))[1] == [2.0, 4.0, 6.0]
    assert plain(tf.cond(tf.constant(True), first, second)) == plain(first())
    grown = tf.while_loop(lambda n, _: n < 3, lambda n, x: (n + 1, double(x)), (0, first()))
    assert plain(grown[1])[1] == [8.0, 16.0, 24.0]


def test_feeds_and_fetches() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.sparse_placeholder(tf.float32, shape=[None, 3])
        total = tf.sparse.reduce_sum(x, 1)
        fed = v1.SparseTensorValue(np.array(PLACES), np.array([1.0, 2.0, 3.0]), np.array([2, 3]))
        assert session.run(total, {x: fed}).tolist() == [1.0, 5.0]
        found = session.run(tf.sparse.add(x, x), {x: fed})
        assert found.values.tolist() == [2.0, 4.0, 6.0]


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0], [0, 1]], [1, 2], [2, 2])),
        tf.errors.InvalidArgumentError,
        "indices[1] = [0,1] is out of order. Many sparse ops require sorted indices.\n",
    ),
    (
        lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0], [1, 0]], [1, 2], [2, 2])),
        tf.errors.InvalidArgumentError,
        "indices[1] = [1,0] is repeated [Op:SparseToDense]",
    ),
    (
        lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0], [1, 5]], [1, 2], [2, 2])),
        tf.errors.InvalidArgumentError,
        "indices[1] = [1,5] is out of bounds: need 0 <= index < [2,2]",
    ),
    (
        lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0]], [1], [1 << 40, 1 << 40])),
        tf.errors.InvalidArgumentError,
        "Shape [1099511627776,1099511627776] would have more than 2**63 - 1 elements",
    ),
    (
        lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0]], [1], [1 << 40, 1 << 10])),
        tf.errors.ResourceExhaustedError,
        "OOM",
    ),
    (
        lambda: tf.sparse.reshape(tf.SparseTensor([[1, 0]], [1], [1 << 40, 1 << 40]), [-1]),
        tf.errors.InvalidArgumentError,
        "Encountered overflow when multiplying 1099511627776 with 1099511627776, result: -1",
    ),
    (
        lambda: tf.sparse.reduce_sum(tf.SparseTensor([[1, 0]], [1], [1 << 40, 3]), 1),
        tf.errors.ResourceExhaustedError,
        "OOM",
    ),
    (
        lambda: tf.sparse.sparse_dense_matmul(tf.SparseTensor([[1, 5]], [1.0], [2, 2]), tf.ones([2, 2])),
        tf.errors.InvalidArgumentError,
        "k (5) from index[0,1] out of bounds (>=2)",
    ),
    (lambda: tf.SparseTensor([[0, 1]], [1], [-2, 2]), ValueError, "Dimension -2 must be >= 0"),
    (lambda: tf.SparseTensor([[0, 1]], [1, 2], [2, 3]), ValueError, "Dimensions 1 and 2 are not compatible"),
    (lambda: tf.sparse.add(DENSE, DENSE), TypeError, "At least one input should be SparseTensor"),
    (lambda: tf.sparse.slice(DENSE, [0], [1]), TypeError, "Input must be a SparseTensor."),
    (lambda: tf.sparse.split(first(), 3, 0), tf.errors.InvalidArgumentError, "Input num_split should be between 1 and"),
    (lambda: tf.sparse.map_values(tf.add, 1, 2), ValueError, "No SparseTensor in argument list of map_values"),
    (lambda: tf.sparse.retain(first(), [True]), ValueError, "Dimensions 3 and 1 are not compatible"),
    (lambda: tf.reduce_sum(first()), ValueError, "Attempt to convert a value (SparseTensor(indices=tf.Tensor("),
    (lambda: first() + first(), TypeError, "unsupported operand type(s) for +: 'SparseTensor' and 'SparseTensor'"),
    (lambda: 2 * first(), TypeError, "unsupported operand type(s) for *: 'int' and 'SparseTensor'"),
    (lambda: first() / 0.0, tf.errors.InvalidArgumentError, "SparseDenseCwiseDiv cannot divide by zero"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_input(number: int) -> None:
    call, kind, message = BAD[number]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_graph_tells_of_positions_that_are_out_of_order() -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[0,1\] is out of order\. Many sparse ops"
    ):
        tf.function(lambda: tf.sparse.to_dense(tf.SparseTensor([[1, 0], [0, 1]], [1, 2], [2, 2])))()


def test_positions_beyond_64_bits_are_ordered() -> None:
    far = 1 << 62
    x = tf.SparseTensor([[far, far], [0, far], [far, 0]], [1, 2, 3], [far + 1, far + 1])
    assert plain(tf.sparse.reorder(x).values) == [2, 3, 1]
    ordered = tf.sparse.reorder(x)
    assert plain(tf.sparse.add(ordered, ordered).values) == [4, 6, 2]


def test_printed() -> None:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        print(ids())
    assert shown.getvalue() == (
        "SparseTensor(indices=tf.Tensor(\n[[0 1]\n [1 0]\n [1 2]], shape=(3, 2), dtype=int64), "
        "values=tf.Tensor([1 2 3], shape=(3,), dtype=int32), dense_shape=tf.Tensor([2 3], shape=(2,), dtype=int64))\n"
    )


def test_tf_print(capfd: pytest.CaptureFixture[str]) -> None:
    tf.print("x", {"k": ids()}, summarize=1)
    assert capfd.readouterr().err == (
        "x {'k': 'SparseTensor(indices=[[0 1]\n ...\n [1 2]], values=[1 ... 3], shape=[2 3])'}\n"
    )


def test_map_fn_over_and_into_sparse_tensors() -> None:
    sums = tf.map_fn(tf.sparse.reduce_sum, first(), fn_output_signature=tf.TensorSpec([], tf.float32))
    assert plain(sums) == [1.0, 5.0]
    spec = tf.SparseTensorSpec(None, tf.float32)
    doubled = tf.function(lambda x: tf.map_fn(lambda row: tf.sparse.add(row, row), x, fn_output_signature=spec))
    assert plain(doubled(first())) == [PLACES, [2.0, 4.0, 6.0], [2, 3]]
    made = tf.map_fn(
        lambda n: tf.sparse.from_dense(tf.range(n)),
        tf.constant([1, 3, 2]),
        fn_output_signature=tf.SparseTensorSpec([None], tf.int32),
    )
    assert plain(made) == [[[1, 1], [1, 2], [2, 1]], [1, 2, 1], [3, 3]]


def test_a_loop_may_change_the_shape() -> None:
    grow = tf.function(
        lambda x: tf.while_loop(
            lambda n, _: n < 2,
            lambda n, x: (n + 1, tf.sparse.concat(0, [x, x])),
            (0, x),
            shape_invariants=(tf.TensorShape([]), tf.SparseTensorSpec([None, 3], tf.float32)),
        )[1]
    )
    assert plain(grow(first()).dense_shape) == [8, 3]


def test_specs() -> None:
    spec = tf.SparseTensorSpec([2, None], tf.float32)
    assert spec._batch(5) == tf.SparseTensorSpec([5, 2, None], tf.float32)
    assert spec._unbatch() == tf.SparseTensorSpec([None], tf.float32)
    assert plain(spec._from_tensor_list(spec._to_tensor_list(first()))) == plain(first())
    with pytest.raises(ValueError, match="Unbatching a tensor is only supported for rank >= 1"):
        tf.SparseTensorSpec([])._unbatch()


def test_assertions_on_ranks_and_shapes() -> None:
    tf.debugging.assert_rank(first(), 2)
    tf.debugging.assert_shapes([(first(), ("N", 3))])
    with pytest.raises(ValueError, match=r"must have rank 3\.  Received rank 2"):
        tf.debugging.assert_rank(first(), 3)


def test_large_sums_keep_zeros_and_thresholds() -> None:
    count = 40_000
    generator = np.random.default_rng(0)
    keys = [np.sort(generator.choice(10 * count, count, replace=False)) for _ in range(2)]
    for dtype in (np.float32, np.int32, np.int64):
        values = [generator.integers(-2, 3, count).astype(dtype) for _ in range(2)]
        tensors = [
            tf.SparseTensor(np.stack([key // 1000, key % 1000], 1), held, [count, 1000])
            for key, held in zip(keys, values, strict=True)
        ]
        total = np.zeros(10 * count, dtype)
        given = np.zeros(10 * count, np.int8)
        for key, held in zip(keys, values, strict=True):
            total[key] += held
            given[key] += 1
        for threshold in (0, 2):
            found = tf.sparse.add(*tensors, threshold=threshold)
            wanted = np.flatnonzero((given == 1) | ((given == 2) & (np.abs(total) >= threshold)))
            places = found.indices.numpy()
            np.testing.assert_array_equal(places[:, 0] * 1000 + places[:, 1], wanted)
            np.testing.assert_array_equal(found.values, total[wanted])
        top = tf.sparse.maximum(*tensors).values.numpy()
        spread = np.zeros((2, 10 * count), dtype)
        for row, key, held in zip(spread, keys, values, strict=True):
            row[key] = held
        np.testing.assert_array_equal(top, spread.max(0)[given > 0])


def test_the_names_of_tensorflow_0() -> None:
    v0 = tf.v0
    parts = v0.sparse_split(1, 2, first())
    assert plain(v0.sparse_concat(concat_dim=1, sp_inputs=parts)) == plain(first())
    assert plain(v0.sparse_reduce_sum(first(), reduction_axes=1)) == [1.0, 5.0]


def test_map_fn_over_no_rows() -> None:
    nothing = tf.SparseTensor(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), [0, 3])
    assert tf.map_fn(tf.sparse.reduce_sum, nothing, fn_output_signature=tf.float32).shape == [0]


@pytest.mark.parametrize("extremum", [tf.sparse.maximum, tf.sparse.minimum])
def test_of_equal_values_one_takes_the_gradient(extremum: Any) -> None:
    v, w = tf.constant([1.0, 2.0, 3.0]), tf.constant([1.0, 5.0, 3.0, 0.0])

    @tf.function
    def gradients(v: Any, w: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([v, w])
            found = extremum(tf.SparseTensor([[0], [2], [4]], v, [6]), tf.SparseTensor([[0], [2], [4], [5]], w, [6]))
            loss = tf.reduce_sum(found.values * [1.0, 2.0, 3.0, 4.0])
        return tape.gradient(loss, [v, w])

    greater = extremum is tf.sparse.maximum
    dense = (tf.maximum if greater else tf.minimum)(v, w[:3])
    np.testing.assert_array_equal(dense, [1, 5, 3] if greater else [1, 2, 3])
    of_v, of_w = gradients(v, w)
    np.testing.assert_array_equal(of_v, [1, 0, 3] if greater else [1, 2, 3])
    np.testing.assert_array_equal(of_w, [0, 2, 0, 4] if greater else [0, 0, 0, 4])


def test_divide_takes_sparse_dividends() -> None:
    halves = tf.divide(tf.SparseTensor([[0, 1], [1, 0]], [1.0, 4.0], [2, 2]), 2.0)
    assert isinstance(halves, tf.SparseTensor)
    np.testing.assert_array_equal(tf.sparse.to_dense(halves), [[0, 0.5], [2, 0]])
    of_columns = tf.math.divide(tf.SparseTensor([[0, 1], [1, 0]], [1, 4], [2, 2]), tf.constant([1, 2]))
    np.testing.assert_array_equal(of_columns.values, [0.5, 4.0])
