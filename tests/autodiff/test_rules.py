"""Checks how gradient functions are registered and applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tideflow.v1 as tf
from tideflow._src.autodiff import rules


@pytest.fixture(autouse=True)
def registered_for_the_test() -> Iterator[None]:
    before = dict(rules.user_rules)
    yield
    rules.user_rules.clear()
    rules.user_rules.update(before)


def test_an_override_map_uses_a_registered_gradient(graph, tier) -> None:
    @tf.RegisterGradient("Hundredfold")
    def _gradient(op, dy):
        assert op.type == "Square"
        assert op.get_attr("T") == tf.float32
        return dy * 100.0 * op.inputs[0]

    x = tf.placeholder(tf.float32, [])
    with graph.gradient_override_map({"Square": "Hundredfold"}):
        inside = tf.square(x)
    outside = tf.square(x)
    with tf.Session() as session:
        assert session.run([tf.gradients(y, x)[0] for y in (inside, outside)], {x: 3.0}) == [300.0, 6.0]


def test_a_type_has_one_gradient() -> None:
    tf.RegisterGradient("Mine")(lambda op, dy: dy)
    for name in ("Mine", "Square"):
        with pytest.raises(KeyError, match=f"Registering two gradient with name '{name}'"):
            tf.RegisterGradient(name)(lambda op, dy: dy)
    with pytest.raises(TypeError, match="op_type must be a string"):
        tf.RegisterGradient(3)


def test_an_override_map_maps_strings_to_strings(graph) -> None:
    for bad in (3, {"Square": 3}, {3: "Square"}):
        with pytest.raises(TypeError, match="mapping strings to strings"), graph.gradient_override_map(bad):
            pass


def test_a_gradient_must_be_given_for_each_input(graph) -> None:
    tf.RegisterGradient("TooMany")(lambda op, dy: (dy, dy))
    x = tf.placeholder(tf.float32, [])
    with graph.gradient_override_map({"Square": "TooMany"}):
        y = tf.square(x)
    with pytest.raises(ValueError, match="Num gradients 2 generated for op"):
        tf.gradients(y, x)


def test_an_operation_declared_not_differentiable_stops_gradients(graph) -> None:
    tf.NotDifferentiable("Stopping")
    x = tf.placeholder(tf.float32, [])
    with graph.gradient_override_map({"Square": "Stopping"}):
        y = tf.square(x)
    assert tf.gradients(y, x) == [None]
