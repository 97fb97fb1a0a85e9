"""``tf.experimental.numpy``: what its functions return, in every way of running them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as tf1

tnp = tf.experimental.numpy


def test_python_numbers_get_the_dtypes_of_numpy():
    assert tnp.array(1).dtype is tf.int64
    assert tnp.array([1, 2.5]).dtype is tf.float64
    assert tnp.array([True, 2]).numpy().tolist() == [1, 2]
    assert tnp.array([1j, 2]).dtype is tf.complex128
    assert tnp.array(["a", "b"]).numpy().tolist() == [b"a", b"b"]
    assert tnp.array(2**63).dtype is tf.uint64
    assert tnp.ones(2).dtype is tf.float64
    assert tnp.arange(3).dtype is tf.int64


def test_arguments_are_promoted_as_numpy_promotes_them():
    assert tnp.add(tf.constant([1, 2]), tf.constant([1.0, 2.0])).dtype is tf.float64
    assert tnp.add(tf.constant([1.0]), 2).dtype is tf.float32
    assert tnp.result_type(np.int8, np.uint8) is tf.int16
    assert tnp.result_type(tf.constant(1), 2.5) is tf.float64
    assert tnp.promote_types(tf.int32, tf.float32) == np.float64
    assert tnp.add(True, False).numpy() == True  # noqa: E712
    assert tnp.sum(np.array([100, 100], np.int8)).numpy() == 200
    assert tnp.mean([1, 2]).dtype is tf.float64


def test_what_tensorflow_fails_on_without_the_switch_works():
    assert tnp.sqrt(4).numpy() == 2.0
    assert tnp.isinf([1.0, np.inf]).numpy().tolist() == [False, True]
    assert tnp.around([123, 456], -1).numpy().tolist() == [120, 460]
    assert float(tnp.var([1.0, 2.0, 4.0], ddof=1)) == pytest.approx(7 / 3)
    assert tnp.hsplit([[1, 2], [3, 4]], 2)[1].numpy().tolist() == [[2], [4]]


def test_arrays_tensors_variables_and_lists_mix():
    variable = tf.Variable([1.0, 2.0])
    assert tnp.add(variable, np.array([1, 2], np.int8)).numpy().tolist() == [2.0, 4.0]
    assert tnp.concatenate([[1], tf.constant([2.5]), np.array([3])]).numpy().tolist() == [1.0, 2.5, 3.0]
    assert np.sum(tnp.ones([2, 3])) == 6.0
    assert type(np.add(tnp.ones(2), 1)) is np.ndarray
    assert tf.is_tensor(np.ones(2) + tnp.ones(2))


def test_text_of_a_result():
    assert repr(tnp.linspace(0, 1, 3)) == "<tf.Tensor: shape=(3,), dtype=float64, numpy=array([0. , 0.5, 1. ])>"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: tnp.geomspace(1, 256, 9, endpoint=False), [1.0, 1.8517494, 3.428976, 6.3496042, 11.7578759]),
        (lambda: tnp.cross([1, 2], [4, 5, 6]), [12, -6, -3]),
        (lambda: tnp.kron([1, 2], [[1, 2], [3, 4]]), [[1, 2, 2, 4], [3, 4, 6, 8]]),
        (lambda: tnp.take([10, 20, 30], [0, 5, -1], mode="wrap"), [10, 30, 30]),
        (lambda: tnp.take_along_axis([[10, 20], [30, 40]], [[1, -1]], axis=0), [[30, 40]]),
        (lambda: tnp.compress([False, True], [[1, 2, 3], [4, 5, 6]], axis=-1), [[2], [5]]),
        (lambda: tnp.diagonal([[1, 2], [3, 4]], offset=-3), []),
        (lambda: tnp.reshape([1, 2, 3, 4], (2, 2), order="F"), [[1, 3], [2, 4]]),
        (lambda: tnp.vander([1, 2, 3], 2), [[1, 1], [2, 1], [3, 1]]),
        (lambda: tnp.gcd([12, 18, 0], [8, -27, 0]), [4, 9, 0]),
        (lambda: tnp.lcm([4, 0], [6, 3]), [12, 0]),
        (lambda: tnp.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3, 1]), [1.25, 3.25]),
        (lambda: tnp.tile([[1, 2]], (2, 1, 2)), [[[1, 2, 1, 2]], [[1, 2, 1, 2]]]),
        (lambda: tnp.select([[True, False], [False, False]], [[1, 2], [3, 4]], default=-1), [1, -1]),
        (lambda: tnp.rot90([[1, 2, 3], [3, 4, 5]], k=-1), [[3, 1], [4, 2], [5, 3]]),
        (lambda: tnp.logaddexp(np.inf, [np.inf, -np.inf]), [np.inf, np.inf]),
    ],
)
def test_values(call, expected):
    found = call().numpy()
    assert np.allclose(found[: len(expected)], expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tnp.arange(1, 5, 0), ValueError, "step must be non-zero"),
        (lambda: tnp.concatenate([]), ValueError, "at least one array"),
        (lambda: tnp.clip([1], None, None), ValueError, "a_min"),
        (lambda: tnp.reshape([1], 1, order="A"), ValueError, "order"),
        (lambda: tnp.argsort([1j]), TypeError, "complex"),
        (lambda: tnp.size([1], axis=0), NotImplementedError, "axis"),
        (lambda: tnp.array([1], ndmin=33), ValueError, "32"),
        (lambda: tnp.moveaxis([[1]], (0, 1), (0,)), ValueError, "lengths"),
        (lambda: tnp.moveaxis([[1]], 5, 0), ValueError, "bounds"),
        (lambda: tnp.compress([[True]], [1]), ValueError, "1-d"),
        (lambda: tnp.where([True], [1]), ValueError, "Both"),
        (lambda: tnp.random.randint(3, dtype=np.int8), ValueError, "dtype"),
        (lambda: tnp.add([1, 2], [1, 2, 3]), tf.errors.InvalidArgumentError, "shapes"),
        (lambda: tnp.sum(3, axis=0), tf.errors.InvalidArgumentError, "dimension"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_functions_and_gradients():
    @tf.function
    def loss(x):
        return tnp.sum(tnp.square(tnp.matmul(x, [[1.0], [2.0]])) * tnp.where(x > 1.0, x, 0.5))

    x = tf.constant([[0.5, 2.0], [3.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    assert float(value) == pytest.approx(138.125)
    assert tape.gradient(value, x).numpy().tolist() == [[22.5, 65.25], [60.0, 70.0]]


def test_shapes_that_are_not_known_until_a_function_runs():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def arranged(x):
        return tnp.atleast_2d(x), tnp.moveaxis(x, 0, -1), tnp.swapaxes(x, 0, 1), tnp.tile(x, 2), tnp.diag(x[0])

    x = tf.reshape(tf.range(6.0), [2, 3])
    shapes = [part.shape.as_list() for part in arranged(x)]
    assert shapes == [[2, 3], [3, 2], [3, 2], [2, 6], [3, 3]]
    assert arranged.get_concrete_function().structured_outputs[0].shape.rank is None


def test_a_graph_of_tensorflow_1():
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None, 2])
        outputs = [tnp.mean(x, axis=0), tnp.dot(x, [1.0, 2.0]), tnp.cumsum(x, axis=1)]
        gradient = tf1.gradients(outputs[1], x)
        found = session.run([*outputs, gradient], {x: [[1.0, 2.0], [3.0, 4.0]]})
    assert [part.tolist() for part in found[:3]] == [[2.0, 3.0], [5.0, 11.0], [[1.0, 3.0], [3.0, 7.0]]]
    assert found[3][0].tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_vectorized_and_compiled():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert tf.vectorized_map(lambda row: tnp.dot(row, row), x).numpy().tolist() == [5.0, 25.0]
    compiled = tf.function(lambda y: tnp.std(tnp.outer(y, y), axis=0) + tnp.trace(y), jit_compile=True, autograph=False)
    assert compiled(x).numpy().tolist() == pytest.approx([6.118034, 7.236068, 8.354102, 9.472136])


def test_random_numbers():
    tnp.random.seed(1)
    first = tnp.random.randn(2, 3)
    tnp.random.seed(1)
    assert (tnp.random.randn(2, 3).numpy() == first.numpy()).all()
    assert first.dtype is tf.float64
    assert tnp.random.uniform([1.0, 2.0], 3.0).shape == [2]
    assert tnp.random.poisson(3.0).shape == []
    assert tnp.random.poisson([1.0, 2.0], 3).shape == [3, 2]
    assert tnp.random.randint(5, size=4).dtype is tf.int64
    assert tnp.random.rand(2).shape == [2]
    assert tnp.random.random().shape == []


def test_constants_and_types():
    assert tnp.pi == np.pi and tnp.newaxis is None and tnp.ndarray is tf.Tensor
    assert tnp.float32 is np.float32 and tnp.string_ is np.bytes_ and tnp.complex_ is np.complex128
    assert tnp.finfo(tf.float32).bits == 32 and tnp.iinfo(np.int8).max == 127
    assert tnp.issubdtype(np.float32, tnp.inexact)


def test_the_namespace_is_loaded_when_it_is_used():
    code = (
        "import sys, tideflow\n"
        "assert not any('numpy_api' in name for name in sys.modules)\n"
        "import tideflow.experimental.numpy as tnp\n"
        "from tideflow.experimental.numpy import random\n"
        "print(tnp.ones(2).dtype.name, tnp is tideflow.experimental.numpy, random.rand(1).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.split() == ["float64", "True", "(1,)"], done.stderr


def test_large_counts_are_not_cut_off():
    assert tnp.tile(np.zeros((0, 1)), (1, 2**33)).shape == [0, 2**33]
    assert tnp.diff([1, 2], n=10**9).shape == [0]


def test_axes_may_be_integers_of_numpy():
    x, zero, one = tf.zeros([2, 3]), np.int64(0), np.int64(1)
    assert tnp.moveaxis(x, zero, one).shape == tnp.swapaxes(x, zero, one).shape == [3, 2]
    assert tnp.sum(x, axis=zero).shape == [3] and tnp.reshape(x, np.int64(6)).shape == [6]


def test_parts_of_an_axis_whose_size_is_not_known():
    function = tf.function(lambda x: tnp.hsplit(x, [1]), input_signature=[tf.TensorSpec([None, None])], autograph=False)
    assert [part.numpy().tolist() for part in function([[1.0, 2.0, 3.0]])] == [[[1.0]], [[2.0, 3.0]]]
