"""The switch ``experimental_enable_numpy_behavior``: methods, operators and indices of tensors, in each mode."""

from __future__ import annotations

import logging
import sys

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.numpy_api import behavior, weak_promotion
from tideflow._src.numpy_api.weak_promotion import Kind

tnp = tf.experimental.numpy


@pytest.fixture
def legacy():
    """NumPy's rules, for one test."""
    tnp.experimental_enable_numpy_behavior()
    yield
    behavior.disable()


@pytest.fixture(params=["all"])
def weak(request):
    """The lattice, for one test."""
    logging.getLogger("tensorflow").setLevel("ERROR")
    tnp.experimental_enable_numpy_behavior(dtype_conversion_mode=request.param)
    yield
    behavior.disable()
    logging.getLogger("tensorflow").setLevel("WARNING")


def test_nothing_is_changed_without_it_and_all_is_undone():
    plain = {name: getattr(tf.Tensor, name) for name in ("__add__", "__getitem__", "__eq__", "__matmul__")}
    functions = tf.constant, tf.add, tf.math.sin, tf.Variable
    tnp.experimental_enable_numpy_behavior(dtype_conversion_mode="safe")
    assert tf.Tensor.__add__ is not plain["__add__"]
    behavior.disable()
    assert {name: getattr(tf.Tensor, name) for name in plain} == plain
    assert (tf.constant, tf.add, tf.math.sin, tf.Variable) == functions
    assert not hasattr(tf.constant(1), "T") and not hasattr(tf.Tensor, "__pos__")
    with pytest.raises(tf.errors.InvalidArgumentError):
        _ = tf.constant([1]) + tf.constant([1.0])


@pytest.mark.usefixtures("legacy")
def test_operators_promote():
    a, b = tf.constant([1, 2]), tf.constant([0.5, 1.5])
    assert (a + b).dtype is tf.float64
    assert (b * 2).dtype is tf.float32
    assert (b * np.float64(2)).dtype is tf.float64
    assert (2.5 * a).numpy().tolist() == [2.5, 5.0]
    assert (np.ones(2, np.float32) - b).dtype is tf.float32
    assert (a < 1.5).numpy().tolist() == [True, False]
    assert (a == 1.5).numpy().tolist() == [False, False]
    assert (a == None) is False and (a != None) is True  # noqa: E711
    assert (a @ b).numpy() == 3.5
    assert (tf.constant([True]) & 1).dtype is tf.int64
    assert (tf.Variable([1.0]) + np.float64(1)).dtype is tf.float64
    assert (a + tf.Variable([1.0, 2.0])).dtype is tf.float64
    assert (a + [0.5, 1.5]).numpy().tolist() == [1.5, 3.5]
    assert (a**2).dtype is tf.int32 and (+a) is a


@pytest.mark.usefixtures("legacy")
def test_methods():
    m = tf.constant([[1, 2], [3, 4]])
    assert m.T.numpy().tolist() == [[1, 3], [2, 4]]
    assert (
        m.reshape(4).numpy().tolist() == m.reshape((4,)).numpy().tolist() == m.ravel().numpy().tolist() == [1, 2, 3, 4]
    )
    assert m.reshape(-1, order="F").numpy().tolist() == m.flatten("F").numpy().tolist() == [1, 3, 2, 4]
    assert m.astype(float).dtype is tf.float32 and m.astype("int8").dtype is tf.int8
    assert (m.ndim, m.size, m.tolist()) == (2, 4, [[1, 2], [3, 4]])
    assert m.clip(2, 3).tolist() == [[2, 2], [3, 3]]
    assert m.mean().numpy() == 2.5 and m.max(axis=0).tolist() == [3, 4] and m.min().numpy() == 1
    assert m.transpose([1, 0]).tolist() == [[1, 3], [2, 4]] and m.data is m
    assert round(tf.constant([1.26]), 1).dtype is tf.float32
    with pytest.raises(TypeError, match="item assignment"):
        m[0] = 1


@pytest.mark.usefixtures("legacy")
@pytest.mark.parametrize(
    "key",
    [
        (1, None, slice(1, 3), ...),
        (slice(None), (True, False, True)),
        (1, (0, 0, 1), [0, 1, 1]),
        [0, 1],
        ([0, 1], [1, 2], [3, 0]),
        ([0, 1], slice(None), [3, 0]),
        (..., [0, 2]),
        (slice(None), [0, 2], [1, -1]),
        (None, [-1, 0]),
        ([[0], [1]], [[1, 2]]),
        ([1], ..., None, [-2]),
        np.array([[0, 1], [1, 0]], np.int8),
        (slice(None, None, -1), [2, 0]),
    ],
)
def test_indices_of_every_kind(key):
    x = np.arange(24).reshape(2, 3, 4)
    expected = x[tuple(list(part) if isinstance(part, tuple) else part for part in key) if type(key) is tuple else key]
    tensor = tf.constant(x)
    assert (tensor[key].numpy() == expected).all()
    assert (tf.function(lambda t: t[key], autograph=False)(tensor).numpy() == expected).all()
    unknown = tf.function(lambda t: t[key], autograph=False, input_signature=[tf.TensorSpec([None] * 3, tf.int64)])
    assert (unknown(tensor).numpy() == expected).all()


@pytest.mark.usefixtures("legacy")
def test_indices_with_tensors_and_gradients():
    x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        picked = x[tf.constant([0, 1, 1]), [1, 2, 2]]
    assert picked.numpy().tolist() == [2.0, 6.0, 6.0]
    assert tf.convert_to_tensor(tape.gradient(picked, x)).numpy().tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]
    assert x[x > 2.5].numpy().tolist() == [3.0, 4.0, 5.0, 6.0]
    with pytest.raises(IndexError, match="only integers"):
        _ = x[[0.5]]
    with pytest.raises(NotImplementedError, match="rank 1"):
        _ = x[:, [[True], [False]]]


@pytest.mark.usefixtures("legacy")
def test_in_functions_and_the_loops_in_them():
    @tf.function
    def grown(a, n):
        total = a + 0.5
        for i in tf.range(n):
            total = total * 2.0 + i
        return total

    assert grown(tf.constant([1, 2]), 3).numpy().tolist() == [16.0, 24.0]
    assert grown(tf.constant([1, 2]), 3).dtype is tf.float64


def test_python_floats_as_float32():
    tnp.experimental_enable_numpy_behavior(prefer_float32=True)
    try:
        assert tnp.array([1.5]).dtype is tf.float32
        assert (tf.constant([1], tf.int8) + 0.5).dtype is tf.float32
        assert tnp.zeros(2, None).dtype is tf.float32
    finally:
        behavior.disable()


@pytest.mark.usefixtures("weak")
def test_python_numbers_give_way(capsys):
    weak_int, half = tf.constant(1), tf.constant(3.5, tf.float16)
    assert repr(weak_int) == "<tf.Tensor: shape=(), dtype=int32, numpy=1, weak=True>"
    assert repr(weak_int + 1) == "<tf.Tensor: shape=(), dtype=int32, numpy=2, weak=True>"
    assert (weak_int + half).dtype is tf.float16 and (half * 2.5).dtype is tf.float16
    assert (tf.constant(1, tf.int64) + half).dtype is tf.float16
    assert repr(tf.constant(10) + tf.constant(5.0, tf.float32)) == ("<tf.Tensor: shape=(), dtype=float32, numpy=15.0>")
    assert repr(tf.math.sin([0.0])).endswith("weak=True>")
    assert tf.add(tf.constant(1, tf.uint8), tf.constant(1, tf.int8)).dtype is tf.int16
    assert not hasattr(tf.maximum(1, 2), "is_weak")
    assert repr(tnp.mean([1, 2])) == "<tf.Tensor: shape=(), dtype=float32, numpy=1.5, weak=True>"
    assert tf.convert_to_tensor(weak_int).dtype is tf.int32 and tf.is_tensor(weak_int)
    assert tf.constant(1.5).T.shape == [] and weak_int[None].shape == [1]
    assert [float(part) for part in tf.constant([1.0, 2.0])] == [1.0, 2.0]
    tf.print(weak_int, [weak_int], output_stream=sys.stdout)
    assert capsys.readouterr().out == "1 [1]\n"


@pytest.mark.usefixtures("weak")
def test_weak_tensors_in_functions_tapes_and_variables():
    weak_float = tf.constant([1.5])
    half = tf.constant(2.0, tf.float16)
    assert tf.function(lambda x: x * half, autograph=False)(weak_float).dtype is tf.float16
    assert repr(tf.function(lambda x: x + 1, autograph=False)(weak_float)).endswith("weak=True>")
    with tf.GradientTape() as tape:
        tape.watch(weak_float)
        doubled = weak_float * 2
    assert tape.gradient(doubled, weak_float).numpy().tolist() == [2.0]
    variable = tf.Variable([1, 2])
    variable.assign_add([1, 1])
    assert variable.numpy().tolist() == [2, 3]
    with pytest.raises(TypeError, match="Variable dtype is immutable"):
        variable.assign_add([1.5, 2.5])
    assert (variable + 1.5).dtype is tf.float64


@pytest.mark.usefixtures("weak")
@pytest.mark.parametrize("weak", ["safe"], indirect=True)
def test_safe_mode_disallows_what_may_lose():
    with pytest.raises(TypeError, match=r"In promotion mode PromoMode.SAFE, implicit dtype promotion between"):
        _ = tf.constant(10, tf.int32) + tf.constant(5.0, tf.float32)
    with pytest.raises(TypeError, match="disallowed"):
        _ = tf.constant(10, tf.int8) + tf.constant(5, tf.uint32)
    assert (tf.constant(10) + tf.constant(5.0, tf.float32)).dtype is tf.float32
    with pytest.raises(OverflowError):
        tf.constant(2**40)


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="promotion mode x does not exist"):
        tnp.experimental_enable_numpy_behavior(dtype_conversion_mode="x")


@pytest.mark.parametrize(
    ("x", "y", "result", "safe"),
    [
        ("uint8", "int8", ("int16", False), False),
        ("int64", "float16", ("float16", False), False),
        ("uint64", "int8", ("float64", True), False),
        ("int16", "float32", ("float32", False), True),
        ("bfloat16", "float16", ("float32", False), False),
        ("float32*", "int8", ("float64", True), False),
        ("float64*", "float16", ("float16", False), True),
        ("complex128*", "float32", ("complex64", False), False),
        ("int32*", "uint8", ("uint8", False), True),
        ("bool", "float32*", ("float32", True), True),
    ],
)
def test_the_lattice(x, y, result, safe):
    kinds = [Kind(tf.as_dtype(name.rstrip("*")), name.endswith("*")) for name in (x, y)]
    for pair in (kinds, kinds[::-1]):
        found, allowed = weak_promotion.promote(*pair)
        assert (found.dtype.name, found.weak) == result
        assert allowed is safe


def test_the_lattice_is_associative():
    kinds = list(weak_promotion._reached())
    for x in kinds:
        for y in kinds:
            for z in kinds:
                left = weak_promotion.promote(weak_promotion.promote(x, y)[0], z)[0]
                assert left == weak_promotion.promote(x, weak_promotion.promote(y, z)[0])[0]
