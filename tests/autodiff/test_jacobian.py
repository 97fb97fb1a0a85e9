"""Checks Jacobians from tapes, Hessians, and the programs on rows that they share."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import row_programs

v1 = tf.compat.v1


def test_the_shape_is_that_of_target_and_source() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    matrix = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.linalg.matvec(matrix, x * x)
    np.testing.assert_allclose(tape.jacobian(y, x), np.asarray(matrix) * 2.0 * np.asarray(x))


def test_scalars_structures_and_unconnected_sources() -> None:
    x, other = tf.constant(3.0), tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = x * x
    assert float(tape.jacobian(y, x)) == 6.0
    result = tape.jacobian(y, {"a": x, "b": other})
    assert float(result["a"]) == 6.0
    assert result["b"] is None
    np.testing.assert_array_equal(tape.jacobian(y, other, unconnected_gradients="zero"), [0.0, 0.0])


def test_a_jacobian_of_a_gradient_is_a_hessian() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(x**3.0) + x[0] * x[1]
        gradient = inner.gradient(y, x)
    np.testing.assert_allclose(outer.jacobian(gradient, x), [[6.0, 1.0], [1.0, 12.0]], rtol=1e-6)


def test_a_gradient_of_a_jacobian() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3.0
        jacobian = inner.jacobian(y, x)
    np.testing.assert_allclose(outer.gradient(jacobian, x), [6.0, 12.0], rtol=1e-6)


def test_slices_and_several_outputs_become_dense() -> None:
    x = tf.constant([1.0, 5.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        gathered = tf.gather(x, [2, 0])
        values, _ = tf.math.top_k(x, 2)
    np.testing.assert_array_equal(tape.jacobian(gathered, x), [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(tape.jacobian(values, x), [[0, 1, 0], [0, 0, 1]])


def test_batch_jacobian() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_allclose(tape.batch_jacobian(y, x), [[[2, 0], [0, 4]], [[6, 0], [0, 8]]])
    with pytest.raises(ValueError, match="first dimension"):
        tape.batch_jacobian(y, tf.constant([[1.0]]))
    with pytest.raises(ValueError, match="rank"):
        tape.batch_jacobian(y[0], x)
    np.testing.assert_array_equal(tape.batch_jacobian(y, tf.zeros([2, 3])), np.zeros((2, 2, 3)))


def test_a_tape_that_is_not_persistent_is_used_up() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.jacobian(y, x, experimental_use_pfor=False)
    tape.jacobian(y, x)
    with pytest.raises(RuntimeError, match="one set of gradients"):
        tape.jacobian(y, x)


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_both_tiers_agree(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    x = tf.constant(np.random.default_rng(1).standard_normal((3, 4)).astype("f"))
    w = tf.Variable(np.random.default_rng(2).standard_normal((4, 4)).astype("f"))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.tanh(x @ w) @ w
    whole = tape.jacobian(y, x).numpy()
    diagonal = np.stack([whole[i, :, i] for i in range(3)])
    np.testing.assert_allclose(tape.batch_jacobian(y, x), diagonal, rtol=1e-5, atol=1e-6)
    hidden = np.tanh(np.asarray(x) @ w.numpy())
    expected = np.einsum("jk,bj,ij->bki", w.numpy(), 1 - hidden**2, w.numpy())
    np.testing.assert_allclose(diagonal, expected, rtol=1e-4, atol=1e-5)
    assert tape.jacobian(y, w).shape == (3, 4, 4, 4)


def test_functions_of_equal_structure_share_a_program() -> None:
    x = tf.constant([1.0, 2.0])

    def jacobian() -> None:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sin(x) * 3.25
        tape.jacobian(y, x)

    jacobian()
    before = len(row_programs._programs)
    jacobian()
    assert len(row_programs._programs) == before


def test_hessians_of_known_and_unknown_shapes() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None])
        p = tf.constant([1.0, 2.0])
        unknown = tf.hessians(tf.reduce_sum(x**3.0), x)[0]
        known = v1.hessians(tf.reduce_sum(p**3.0) * p[0], p, "curvature")[0]
        assert known.shape == (2, 2)
        assert known.op.name.startswith("curvature/")
        np.testing.assert_allclose(session.run(unknown, {x: [1.0, 2.0]}), [[6, 0], [0, 12]])
        np.testing.assert_allclose(session.run(unknown, {x: [1.0]}), [[6]])
        np.testing.assert_allclose(session.run(known), [[20.0 - 8.0, 12.0], [12.0, 12.0]], rtol=1e-5)
        with pytest.raises(ValueError, match="does not exist"):
            tf.hessians(2.0 * p, p)
    with pytest.raises(RuntimeError, match="eager"):
        tf.hessians(tf.constant(1.0), tf.constant(1.0))


def test_a_tape_in_a_graph() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.sin(x) * x
        feeds = {x: [[1.0, 2.0], [3.0, 4.0]]}
        gradient, jacobian, batch = session.run(
            [tape.gradient(y, x), tape.jacobian(y, x), tape.batch_jacobian(y, x)], feeds
        )
        np.testing.assert_allclose(jacobian.sum(axis=(2, 3)), gradient, rtol=1e-6)
        np.testing.assert_allclose(batch, np.stack([jacobian[i, :, i] for i in range(2)]), rtol=1e-6)


def test_a_tape_in_a_graph_through_a_loop() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            _, y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * x), [0, x])
        np.testing.assert_allclose(session.run(tape.jacobian(y, x)), [[4, 0], [0, 32]])


@pytest.mark.parametrize("persistent", [False, True])
def test_a_variable_by_itself_is_the_identity(persistent: bool) -> None:
    v = tf.Variable([[1.0, 2.0]])
    with tf.GradientTape(persistent=persistent) as tape:
        tape.watch(v)
    np.testing.assert_array_equal(tape.jacobian(v, v), np.eye(2).reshape(1, 2, 1, 2))
    if persistent:
        np.testing.assert_array_equal(tape.batch_jacobian(v, v), [np.eye(2)])
        np.testing.assert_array_equal(tape.jacobian(v, [v], experimental_use_pfor=False)[0][0, :, 0], np.eye(2))

    @tf.function
    def inside() -> tf.Tensor:
        with tf.GradientTape() as tape:
            pass
        return tape.jacobian(v, v)

    np.testing.assert_array_equal(inside(), np.eye(2).reshape(1, 2, 1, 2))
