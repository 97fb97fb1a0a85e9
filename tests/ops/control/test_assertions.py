"""Checks assertions in both modes."""

from __future__ import annotations

import pytest

import tideflow as tf2
import tideflow.v1 as tf


def test_assert_fails_when_it_runs_and_shows_its_data(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0.0), ["values are", x], name="Check")]):
        y = tf.identity(x)
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 2.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[values are\] \[1 -2\]"):
            session.run(y, {x: [1, -2]})


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        ("assert_equal", (1, 1), (1, 2)),
        ("assert_none_equal", (1, 2), (1, 1)),
        ("assert_less", (1, 2), (2, 2)),
        ("assert_less_equal", (2, 2), (3, 2)),
        ("assert_greater", (3, 2), (2, 2)),
        ("assert_greater_equal", (2, 2), (1, 2)),
        ("assert_positive", (1,), (0,)),
        ("assert_negative", (-1,), (0,)),
        ("assert_non_negative", (0,), (-1,)),
        ("assert_non_positive", (0,), (1,)),
    ],
)
def test_comparisons_eagerly_statically_and_at_run_time(function, good, bad) -> None:
    check = getattr(tf.debugging, function)
    assert check(*good) is None
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
        check(*bad)
    with tf.Graph().as_default():
        with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
            check(*map(tf.constant, bad))
        fed = [tf.placeholder(tf.int32, []) for _ in good]
        operation = check(*fed)
        with tf.Session() as session:
            session.run(operation, dict(zip(fed, good, strict=True)))
            with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
                session.run(operation, dict(zip(fed, bad, strict=True)))


def test_a_message_comes_first(graph) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"^sizes differ"):
        tf.debugging.assert_equal(tf.constant(1), tf.constant(2), message="sizes differ")


def test_static_properties(graph) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    unknown = tf.placeholder(tf.float32)
    for check, kind, message in [
        (lambda: tf.assert_rank(x, 2), ValueError, "must have rank 2.  Received rank 1"),
        (lambda: tf.assert_rank_at_least(x, 2), ValueError, "at least 2"),
        (lambda: tf.assert_type(x, tf.int32), TypeError, "must be of type tf.int32; got tf.float32"),
        (lambda: tf.assert_integer(x), TypeError, "to be integer type"),
        (lambda: tf.assert_scalar(x), ValueError, "Expected scalar shape"),
    ]:
        with pytest.raises(kind, match=message):
            check()
    tf.assert_rank(x, 1)
    check = tf.assert_rank(unknown, 1)
    with tf.Session() as session:
        session.run(check, {unknown: [1.0]})
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(check, {unknown: 1.0})


def test_near(graph) -> None:
    tf2.debugging.assert_near(tf.constant(1.0), tf.constant(1.0 + 1e-7))
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf2.debugging.assert_near(tf.constant(1.0), tf.constant(1.1))


def test_data_must_be_a_list(graph) -> None:
    with pytest.raises(TypeError):
        tf.Assert(tf.placeholder(tf.bool, []), tf.constant(1.0))


def test_what_a_function_knows_from_outside_is_checked() -> None:
    outside = tf.constant([1, 2])

    @tf.function
    def checked(x):
        tf.debugging.assert_non_negative(outside)
        tf.debugging.assert_equal(outside, x)
        return x

    assert checked(outside).numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="x == y did not hold"):
        checked(outside + 1)
