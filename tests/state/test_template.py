"""Checks ``make_template``: which variables calls share, and under which names."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf


def scaled(x, by=1.0):
    return x * tf.get_variable("w", [], initializer=tf.constant_initializer(2.0)) * by


@pytest.mark.usefixtures("graph")
def test_calls_share_variables_and_templates_do_not() -> None:
    first, second = tf.make_template("t", scaled, by=3.0), tf.make_template("t", scaled)
    x = tf.constant(1.0)
    results = [first(x), first(x), second(x)]
    assert [variable.name for variable in first.variables] == ["t/w:0"]
    assert [variable.name for variable in second.trainable_variables] == ["t_1/w:0"]
    assert (first.name, second.variable_scope_name) == ("t", "t_1/")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(results) == [6.0, 6.0, 2.0]


@pytest.mark.usefixtures("graph")
def test_scope_made_at_once_and_name_of_ones_own() -> None:
    early = tf.make_template("q", scaled, create_scope_now_=True)
    with tf.variable_scope("deep"):
        early(tf.constant(1.0))
    tf.make_template("z", scaled, unique_name_="own")(tf.constant(1.0))
    assert [variable.name for variable in tf.global_variables()] == ["q/w:0", "own/w:0"]
    with pytest.raises(ValueError, match="Variable own/w already exists"):
        tf.make_template("z", scaled, unique_name_="own")(tf.constant(1.0))


@pytest.mark.usefixtures("graph")
def test_new_variables_in_a_later_call_are_rejected() -> None:
    template = tf.make_template("bad", lambda x: tf.Variable(1.0) * x)
    template(1.0)
    with pytest.raises(ValueError, match="Trainable variable created when calling a template after the first time"):
        template(1.0)


def test_eager_calls_share_variables() -> None:
    template = tf.make_template("t", scaled)
    assert float(template(tf.constant(3.0))) == 6.0
    template.variables[0].assign(5.0)
    assert float(template(tf.constant(3.0))) == 15.0
    assert len(template.trainable_variables) == 1
