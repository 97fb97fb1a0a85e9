"""Optional values, and the specs of what has no tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.state.variable_spec import VariableSpec

Optional = tf.experimental.Optional


def test_values() -> None:
    found = Optional.from_value({"a": (1, [2.0, 3.0]), "b": tf.sparse.from_dense([1, 0])})
    assert found.has_value().numpy()
    assert repr(found.element_spec) == (
        "{'a': (TensorSpec(shape=(), dtype=tf.int32, name=None), TensorSpec(shape=(2,), dtype=tf.float32, name=None)), "
        "'b': SparseTensorSpec(TensorShape([2]), tf.int32)}"
    )
    value = found.get_value()
    assert value["a"][1].numpy().tolist() == [2.0, 3.0]
    assert value["b"].values.numpy().tolist() == [1]
    assert (
        repr(tf.OptionalSpec(tf.TensorSpec([2])))
        == "OptionalSpec(TensorSpec(shape=(2,), dtype=tf.float32, name=None),)"
    )
    assert tf.type_spec_from_value(found) == tf.OptionalSpec(found.element_spec)


def test_absent_values() -> None:
    absent = Optional.empty(tf.TensorSpec([], tf.int32))
    assert not absent.has_value().numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="The given optional does not have a value"):
        absent.get_value()


def test_functions_and_branches() -> None:
    @tf.function
    def doubled(x: Any) -> Any:
        found = tf.cond(x > 0, lambda: Optional.from_value(x), lambda: Optional.empty(tf.TensorSpec([], tf.float32)))
        return tf.cond(found.has_value(), lambda: found.get_value() * 2, lambda: -1.0), found

    result, found = doubled(tf.constant(3.0))
    assert result.numpy() == 6.0
    assert found.get_value().numpy() == 3.0
    assert doubled(tf.constant(-3.0))[0].numpy() == -1.0
    assert tf.function(lambda one: one.get_value() + 1)(Optional.from_value(3)).numpy() == 4


def test_gradients() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Optional.from_value((x * x, x)).get_value()
        z = y[0] * 2 + y[1]
    assert tape.gradient(z, x).numpy() == 13.0


def test_a_field_of_an_extension_type() -> None:
    class Holder(tf.experimental.ExtensionType):
        found: tf.experimental.Optional

    assert Holder(Optional.from_value(1)).found.get_value().numpy() == 1


def test_what_cannot_be() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be at least minimum 1"):
        Optional.from_value(())
    with pytest.raises(TypeError, match="abstract"):
        Optional()


def test_none_and_other_values_have_specs() -> None:
    assert tf.type_spec_from_value(None) == tf.NoneTensorSpec()
    assert tf.NoneTensorSpec()._batch(3) == tf.NoneTensorSpec()
    assert tf.type_spec_from_value([1, 2]) == tf.TensorSpec([2], tf.int32)
    assert tf.type_spec_from_value([]) == tf.TensorSpec([0], tf.float32)
    with pytest.raises(TypeError, match="Could not build a TypeSpec for"):
        tf.type_spec_from_value(object())


def test_the_spec_of_a_variable() -> None:
    spec = tf.type_spec_from_value(tf.Variable([1.0, 2.0], trainable=False))
    assert repr(spec) == "VariableSpec(shape=(2,), dtype=tf.float32, trainable=False, alias_id=None)"
    assert spec.is_compatible_with(tf.Variable([3.0, 4.0], trainable=False))
    assert not spec.is_compatible_with(tf.constant([3.0, 4.0]))
    other = VariableSpec([3], tf.float32, trainable=False)
    assert spec.most_specific_common_supertype([other]) == VariableSpec([None], tf.float32, trainable=False)
    assert spec.is_subtype_of(VariableSpec([None], tf.float32, trainable=False))


@pytest.mark.parametrize(
    "value",
    [7, (1, [2.0]), {"b": [True], "a": b"x"}, ({"a": 1}, [2])],
    ids=["tensor", "tuple", "dictionary", "nested"],
)
def test_what_functions_return_is_read_as_the_operation_reads_it(value: Any) -> None:
    function = tf.function(lambda: Optional.from_value(value))
    found, expected = function(), Optional.from_value(value)
    assert found.has_value().numpy() and found.has_value().dtype == tf.bool
    results, wanted = found.get_value(), expected.get_value()
    tf.nest.assert_same_structure(results, wanted)
    if isinstance(value, dict):
        assert list(results) == list(wanted)
    for result, want in zip(tf.nest.flatten(results), tf.nest.flatten(wanted), strict=True):
        assert result.dtype == want.dtype and np.array_equal(result.numpy(), want.numpy())
    with tf.GradientTape() as tape:
        x = tf.constant(3.0)
        tape.watch(x)
        square = Optional.from_value(x * x).get_value()
    assert tape.gradient(square, x).numpy() == 6.0


def test_a_value_is_read_as_the_specs_say() -> None:
    found = tf.function(lambda: Optional.from_value({"a": [1.0, 2.0]}))()
    found._element_spec = {"a": tf.TensorSpec([3], tf.float32)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected shape"):
        found.get_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected type"):
        tf.OptionalSpec({"a": tf.TensorSpec([2], tf.int32)})._from_components([found._variant_tensor]).get_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not have a value"):
        tf.function(lambda: Optional.empty(tf.TensorSpec([], tf.int32)))().get_value()
