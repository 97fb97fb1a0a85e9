"""Checks variable scopes: names, sharing, defaults, custom getters, partitions."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf

pytestmark = pytest.mark.usefixtures("graph")


def test_names_follow_variable_scopes_and_operations_name_scopes() -> None:
    with tf.variable_scope("foo"):
        first = tf.get_variable("v", [1])
        assert tf.add(1.0, 2.0).name == "foo/Add:0"
    with tf.variable_scope("foo", reuse=True):
        assert tf.get_variable("v", [1]) is first
        assert tf.add(1.0, 2.0).name == "foo_1/Add:0"
    with tf.name_scope("bar"):
        assert tf.get_variable("w", [1]).name == "w:0"
        assert tf.Variable(1.0, name="w").name == "bar/w:0"


def test_default_names_are_made_unique_where_they_are_opened() -> None:
    names = []
    for _ in range(2):
        with tf.variable_scope(None, "layer") as scope:
            names.append(scope.name)
            with tf.variable_scope(None, "inner") as inner:
                names.append(inner.name)
    assert names == ["layer", "layer/inner", "layer_1", "layer_1/inner"]


def test_entering_a_scope_again() -> None:
    with tf.variable_scope("a") as outer, tf.variable_scope("b") as inner:
        pass
    assert (inner.name, inner.original_name_scope) == ("a/b", "a/b/")
    with tf.variable_scope("c"), tf.variable_scope(inner) as again:
        assert again.name == "a/b"
        assert tf.get_variable("x", [1]).name == "a/b/x:0"
        assert tf.add(1.0, 1.0).name == "c/b/Add:0"
    with tf.variable_scope(outer, auxiliary_name_scope=False):
        assert tf.add(1.0, 1.0).name == "Add:0"


def test_sharing() -> None:
    variable = tf.get_variable("v", [2])
    with pytest.raises(ValueError, match="Variable v already exists, disallowed"):
        tf.get_variable("v", [2])
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("v", [2]) is variable
        assert tf.get_variable("new", [2]).name == "new:0"
        with pytest.raises(ValueError, match=r"specified shape \(3,\) and found shape \(2,\)"):
            tf.get_variable("v", [3])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32"):
            tf.get_variable("v", [2], tf.int32)
    with tf.variable_scope("") as scope:
        scope.reuse_variables()
        with pytest.raises(ValueError, match="Variable other does not exist"):
            tf.get_variable("other", [2])


def test_sharing_is_inherited() -> None:
    with tf.variable_scope("a"), tf.variable_scope("b"):
        variable = tf.get_variable("v", [1])
    with tf.variable_scope("a", reuse=True), tf.variable_scope("b", reuse=False):
        assert tf.get_variable("v", [1]) is variable


def test_defaults_of_a_scope() -> None:
    with tf.variable_scope("s", initializer=tf.constant_initializer(3.0), dtype=tf.float64, use_resource=True):
        variable = tf.get_variable("v", [2])
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(variable).tolist() == [3.0, 3.0]
    assert variable.dtype is tf.float64
    assert variable.op.type == "VarHandleOp"


def test_default_initializers() -> None:
    assert "random_uniform" in tf.get_variable("f", [2, 2]).initial_value.op.name
    assert tf.get_variable("i", [2], tf.int32).initial_value.op.name == "i/Initializer/zeros"
    with pytest.raises(ValueError, match="initializer for variable c"):
        tf.get_variable("c", [2], tf.complex64)
    with pytest.raises(ValueError, match="`shape` argument must be specified"):
        tf.get_variable("s")
    with pytest.raises(ValueError, match="do not specify shape"):
        tf.get_variable("k", [1], initializer=tf.constant([1.0]))


def test_custom_getters_nest() -> None:
    calls = []

    def outer(getter, name, **arguments):
        calls.append(("outer", name))
        return getter(f"{name}_o", **arguments)

    def inner(getter, name, **arguments):
        calls.append(("inner", name))
        return getter(f"{name}_i", **arguments)

    with tf.variable_scope("s", custom_getter=outer), tf.variable_scope("t", custom_getter=inner):
        assert tf.get_variable("x", [1]).name == "s/t/x_i_o:0"
    assert calls == [("inner", "s/t/x"), ("outer", "s/t/x_i")]


def test_regularization() -> None:
    tf.get_variable("w", [2], regularizer=lambda value: tf.reduce_sum(value))
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert loss.name == "w/Regularizer/Sum:0"


def test_partitions() -> None:
    whole = tf.get_variable("p", [5, 2], initializer=tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
    assert [part.name for part in whole] == ["p/part_0:0", "p/part_1:0"]
    assert [part._get_save_slice_info().spec for part in whole] == ["5 2 0,3:0,2", "5 2 3,2:0,2"]
    doubled = tf.convert_to_tensor(whole) * 2.0
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(doubled).tolist() == [[2.0, 2.0]] * 5


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="name_or_scope is required"):
        tf.variable_scope(None)
    with pytest.raises(ValueError, match="reuse parameter"):
        tf.variable_scope("x", reuse=3)
    with pytest.raises(ValueError, match="without a name_or_scope"):
        tf.variable_scope(None, "x", reuse=True)
