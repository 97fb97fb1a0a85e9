"""Checks how Python values become tensors: dtypes and errors as TensorFlow 2.21 has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"), (2**31, "int64"), (1.0, "float32"), (True, "bool"), (1j, "complex128"), ("a", "string"),
        ([1, 2.5], "float32"), ([], "float32"), ([[1], [2]], "int32"), (np.float64(1), "float64"),
        (np.arange(3), "int64"), (np.float16(1), "float16"), ([np.float64(1)], "float64"), (range(3), "int32"),
    ],
)  # fmt: skip
def test_the_natural_dtype_is_the_same_eagerly_and_in_a_graph(value, dtype) -> None:
    assert tf.convert_to_tensor(value).dtype.name == dtype
    with v1.Graph().as_default():
        assert tf.convert_to_tensor(value).dtype.name == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        (1.5, "int32", TypeError), ("a", "float32", TypeError), (1, "string", TypeError), (2**70, "uint8", ValueError),
        (-1, "uint64", TypeError), (1j, "float32", TypeError), (1, "bool", TypeError), ([1, None], None, ValueError),
        (None, None, ValueError), ([[1], [2, 3]], None, ValueError), (object(), None, ValueError),
        (2**70, None, ValueError),
    ],
)  # fmt: skip
def test_what_does_not_convert(value, dtype, kind) -> None:
    with pytest.raises(kind):
        tf.convert_to_tensor(value, dtype)


def test_a_tensor_never_changes_its_dtype() -> None:
    x = tf.constant(1.0)
    assert tf.convert_to_tensor(x) is x
    with pytest.raises(ValueError, match="Tensor conversion requested dtype int32 for Tensor with dtype float32"):
        tf.convert_to_tensor(x, tf.int32)


def test_a_hint_is_used_where_it_fits() -> None:
    assert tf.convert_to_tensor(1, dtype_hint=tf.float64).dtype == tf.float64
    assert tf.convert_to_tensor(1.5, dtype_hint=tf.int32).dtype == tf.float32


def test_a_tensor_is_apart_from_the_array_it_was_made_of() -> None:
    array = np.zeros(2, np.float32)
    x = tf.convert_to_tensor(array)
    array[:] = 9.0
    x.numpy()[:] = 9.0
    assert x.numpy().tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 9.0


def test_sequences_of_tensors_are_stacked(graph) -> None:
    x = v1.placeholder(tf.float32, [])
    packed = tf.convert_to_tensor([[x, 1.0], [2.0, x]], name="table")
    assert packed.shape.as_list() == [2, 2]
    assert [op.name for op in graph.get_operations()][1:] == [
        "table/0/1", "table/0", "table/1/0", "table/1", "table"
    ]  # fmt: skip


def test_registered_conversions_come_in_order_of_priority() -> None:
    class Celsius:
        def __init__(self, degrees):
            self.degrees = degrees

    tf.register_tensor_conversion_function(Celsius, lambda value, dtype, name, as_ref: NotImplemented, priority=1)
    tf.register_tensor_conversion_function(
        Celsius, lambda value, dtype, name, as_ref: tf.constant(value.degrees, dtype, name=name)
    )
    assert float(tf.convert_to_tensor(Celsius(20.5))) == 20.5
    assert float(tf.constant(1.0) + Celsius(1.0)) == 2.0


def test_eager_tensors_do_not_enter_plain_graphs() -> None:
    eager = tf.constant(1.0)
    with v1.Graph().as_default(), pytest.raises(RuntimeError, match="without building a function"):
        tf.add(eager, 1.0)


def test_nodes_of_a_graph_do_not_run_eagerly() -> None:
    with v1.Graph().as_default():
        node = tf.constant(1.0)
    with pytest.raises(TypeError, match="is out of scope and cannot be used here"):
        tf.add(node, tf.constant(1.0))


@pytest.mark.parametrize(
    "value, expected",
    [
        ([np.int64(1), 2], "int32"),
        ([np.int8(1), np.int16(2)], "int32"),
        ([np.uint8(200), 1], "int32"),
        ([np.int64(2**40), 1], "int64"),
        ([np.array([1, 2]), np.array([3, 4])], "int32"),
        ([np.float32(1), np.float64(2)], "float32"),
        ([np.float64(2), np.float32(1)], "float64"),
        ([2.0, np.float64(1)], "float32"),
        ([np.int64(1), 2.5], "float32"),
        ([np.bool_(True), False], "bool"),
    ],
)
def test_eagerly_the_first_number_gives_the_dtype_and_integers_are_int32(value, expected) -> None:
    tensor = tf.constant(value)
    assert tensor.dtype.name == expected
    np.testing.assert_array_equal(np.asarray(tensor), np.asarray(value))


@pytest.mark.parametrize(
    "value",
    [
        ["a", 1],
        [1, "a"],
        [["a"], [1]],
        [True, 1],
        [np.bool_(True), 1],
        [1.0, 1j],
        ["a", None],
        [object()],
        [2**63],
        2**70,
    ],
)
def test_mixed_sequences_and_what_no_tensor_holds_are_value_errors_eagerly(value) -> None:
    with pytest.raises(ValueError):
        tf.constant(value)


@pytest.mark.parametrize("value", [["a", 1], [1, "a"], ["a", None], [object()], object(), {1: 2}, 2**70])
def test_mixed_sequences_and_what_no_tensor_holds_are_type_errors_in_graphs(value) -> None:
    with v1.Graph().as_default(), pytest.raises(TypeError):
        tf.constant(value)


_SIX, _FOUR, _TWO, _ONE = (v1.Dimension(size) for size in (6, 4, 2, 1))


@pytest.mark.parametrize(
    "use, shape",
    [
        (lambda: tf.reshape(tf.zeros([2, 3, 4]), [-1, _TWO * _FOUR]), (3, 8)),
        (lambda: tf.reshape(tf.zeros([24]), np.array([_SIX, 4])), (6, 4)),
        (lambda: tf.tile([1.0, 2.0], [_TWO]), (4,)),
        (lambda: tf.fill([_TWO, 3], 0.0), (2, 3)),
        (lambda: tf.slice(tf.zeros([6, 6]), [_ONE, 0], [_FOUR, -1]), (4, 6)),
        (lambda: tf.pad([1.0], [[_ONE, _TWO]]), (4,)),
        (lambda: tf.broadcast_to(1.0, (_TWO, _FOUR)), (2, 4)),
        (lambda: tf.image.resize(tf.zeros([1, 2, 2, 1]), [_SIX, 4]), (1, 6, 4, 1)),
        (
            lambda: tf.nn.conv2d_transpose(
                tf.ones([1, 2, 2, 1]), tf.ones([2, 2, 1, 1]), [_ONE, _FOUR, 4, 1], [1, 2, 2, 1]
            ),
            (1, 4, 4, 1),
        ),
        (lambda: v1.nn.dropout(tf.ones([2, 3, 4]), 0.5, noise_shape=[_TWO, 1, _FOUR]), (2, 3, 4)),
        (lambda: tf.scatter_nd([[0]], [1.0], [_FOUR]), (4,)),
        (lambda: tf.transpose(tf.zeros([2, 3]), [_ONE, 0]), (3, 2)),
        (lambda: tf.reduce_sum(tf.zeros([2, 3, 4]), [_ONE, 2]), (2,)),
        (lambda: tf.sparse.to_dense(tf.SparseTensor([[0, 1]], [1.0], [_ONE, _TWO])), (1, 2)),
    ],
)
def test_sequences_of_dimensions_are_sizes(use, shape) -> None:
    assert tuple(use().shape) == shape
    with v1.Graph().as_default():
        assert tuple(use().shape) == shape


@pytest.mark.parametrize("value", [[v1.Dimension(None), 4], v1.Dimension(None)])
def test_an_unknown_dimension_is_no_size(value) -> None:
    with pytest.raises(TypeError, match=r"tf\.shape"):
        tf.constant(value, tf.int32)


def test_dimensions_take_the_dtype_that_is_asked_for() -> None:
    assert tf.constant([_TWO, 3], tf.int64).dtype is tf.int64
    assert tf.constant([[_TWO, 1], [3, _FOUR]]).numpy().tolist() == [[2, 1], [3, 4]]


@pytest.mark.parametrize(
    ("items", "dtype", "expected"),
    [
        ([1, None], "float32", [1, np.nan]),
        ([[1.5, None], [2, None]], "float64", [[1.5, np.nan], [2, np.nan]]),
        ([1, None], "complex64", [1, complex(np.nan, np.nan)]),
        ([True, None], "bool", [True, False]),
        ([2**70, 1], "float32", [2.0**70, 1]),
    ],
)
def test_arrays_of_objects_become_numbers_by_the_rules_of_numpy(items, dtype, expected) -> None:
    tensor = tf.constant(np.array(items, object), dtype)
    assert tensor.dtype.name == dtype
    np.testing.assert_array_equal(tensor.numpy(), expected)


@pytest.mark.parametrize(
    ("items", "dtype", "kind"), [([1, None], "int32", TypeError), ([2**70], "int64", OverflowError)]
)
def test_arrays_of_objects_that_are_no_numbers(items, dtype, kind) -> None:
    with pytest.raises(kind):
        tf.constant(np.array(items, object), dtype)


@pytest.mark.parametrize(
    ("items", "culprit"), [(["a", 1], "int"), (["a", None], "NoneType"), ([b"a", "b", 1.5], "float")]
)
def test_what_is_no_string_among_strings_is_named(items, culprit) -> None:
    with pytest.raises(ValueError, match=f"Unsupported object type {culprit}"):
        tf.constant(np.array(items, object))


@pytest.mark.parametrize("count", [2**62, 2**31, 2**21 + 1])
def test_more_outputs_than_an_operation_can_have(count) -> None:
    calls = [
        lambda: tf.raw_ops.Unpack(value=np.zeros(2, "f"), num=count),
        lambda: tf.raw_ops.DynamicPartition(data=np.zeros(2, "f"), partitions=[0, 1], num_partitions=count),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="Number of outputs is too big"):
            call()
        with v1.Graph().as_default(), pytest.raises(ValueError, match="Number of outputs is too big"):
            call()


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (129, "int8", -127),
        ([[129], [-300]], "int8", [[-127], [-44]]),
        (-1, "uint8", 255),
        (2**33 + 5, "uint32", 5),
        ([2**40 + 1], "int32", [1]),
        ([2**63], "uint64", [2**63]),
        ([2**70], "float32", [2.0**70]),
    ],
)
@pytest.mark.parametrize("in_function", [False, True])
def test_of_integers_that_do_not_fit_the_low_bits_stay(
    value: Any, dtype: str, expected: Any, in_function: bool
) -> None:
    make = tf.function(lambda: tf.constant(value, dtype)) if in_function else lambda: tf.constant(value, dtype)
    assert make().numpy().tolist() == expected


def test_a_number_adopts_the_dtype_of_the_tensor_beside_it() -> None:
    assert (tf.constant([1, 2], tf.int8) + [129, 130]).numpy().tolist() == [-126, -124]
    assert tf.subtract(tf.constant([1, 2], tf.int8), 257).numpy().tolist() == [0, 1]


def test_the_shape_of_a_scalar_is_a_vector_of_integers():
    assert tf.convert_to_tensor(tf.TensorShape([])).dtype == tf.int32
    assert tf.random.normal(tf.constant(1.0).shape).shape == ()


@pytest.mark.parametrize(
    "value", [np.float64(2.7), np.array(2.7), np.complex64(2.7 + 1j), np.bool_(True), np.uint64(2)]
)
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float32", "complex128"])
def test_scalars_of_numpy_become_the_dtype_of_the_tensor_beside_them(value, dtype):
    x = tf.constant([3, 4], dtype)
    real = value if dtype == "complex128" else value.real
    expected = [3, 4] + np.asarray(real).astype(dtype)
    for result in (x + value, value + x, tf.add(x, value), tf.function(lambda: x + value)()):
        assert result.dtype.name == dtype
        np.testing.assert_array_equal(result, expected.astype(dtype))


def test_python_bools_become_the_numbers_that_tensorflow_makes_of_them():
    assert tf.constant(True, "int32").numpy() == 1
    assert tf.constant([True], "float32").numpy().tolist() == [1.0]
    for dtype in ("int8", "uint16", "bfloat16"):
        with pytest.raises(TypeError):
            tf.constant(True, dtype)


@pytest.mark.parametrize(
    "make", [tf.constant, lambda x: tf.constant([1.0, x]), tf.Variable, lambda x: tf.fill([2], x), tf.abs]
)
@pytest.mark.parametrize("value", [1e39, -1e300])
def test_a_number_that_would_become_infinite_is_refused_eagerly(make, value) -> None:
    with pytest.raises(ValueError, match="out of range for a single-precision float"):
        make(value)
    assert tf.constant(value, tf.float64).numpy() == value
    assert tf.constant(value, tf.float32).numpy() == math.copysign(math.inf, value)
    assert tf.function(lambda: tf.constant(value))().numpy() == math.copysign(math.inf, value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 3.4028234663852886e38])
def test_infinities_and_the_largest_number_convert(value) -> None:
    np.testing.assert_array_equal(tf.constant(value), np.float32(value))
    np.testing.assert_array_equal(tf.constant([1.0, value]), np.float32([1.0, value]))


def test_an_empty_list_takes_the_dtype_of_the_input() -> None:
    assert tf.one_hot([], 3).shape == (0, 3)
    assert not tf.reduce_any([])
    assert tf.reduce_all([])


def test_tensors_in_a_sequence_become_the_dtype_that_is_asked_for_and_none_without():
    wide, narrow = tf.constant(1, tf.int64), tf.constant(2)
    assert tf.convert_to_tensor([wide, narrow], tf.float32).numpy().tolist() == [1.0, 2.0]
    assert tf.SparseTensor([[0, 0]], [1.0], (wide, narrow)).dense_shape.dtype == tf.int64
    for value in ([wide, narrow], [[wide], [narrow]]):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            tf.convert_to_tensor(value)


def test_a_list_of_tensors_given_for_a_shape_becomes_integers():
    assert tf.reshape(tf.ones([4]), [tf.constant(2.0), 2]).shape == [2, 2]
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.reshape(tf.ones([4]), [2.0, 2.0])


def test_a_static_input_takes_the_dtype_of_the_one_beside_it():
    wide = np.array([1, 1])
    for begin, size in ((wide, (2, 2)), ((1, 1), wide + 1), (tf.constant([1, 1], tf.int64), (2, 2))):
        assert tf.slice(tf.ones([3, 3]), begin, size).shape == [2, 2]
