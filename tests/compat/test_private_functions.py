"""Tests functions of TensorFlow's private modules that have no public name."""

from __future__ import annotations

import functools
import sys
import types
import unittest
from typing import Any, NamedTuple

import numpy as np
import pytest
from absl import logging
from absl.testing import parameterized

import tideflow as tf
import tideflow.v1 as tf1
from tideflow._src.compat import (
    decorators,
    deprecation,
    inspection,
)
from tideflow._src.compat.private import (
    combinations,
    data_batches,
    documentation,
    general,
    graphs,
    hooks,
    lists,
    monitoring,
    random_functions,
    structures,
)
from tideflow._src.runtime import seed_rules


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged as a warning."""
    found: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda message, *values: found.append(message % values))
    return found


def test_a_deprecated_function_warns_once(warnings: list[str]) -> None:
    @deprecation.deprecated("2030-01-01", "Use another.")
    def old(x: int) -> int:
        """Adds one."""
        return x + 1

    assert [old(1), old(2)] == [2, 3]
    assert old.__doc__ == "Adds one."
    assert len(warnings) == 1
    assert "removed after 2030-01-01.\nUse another." in warnings[0]
    with deprecation.silence():

        @deprecation.deprecated(None, "", warn_once=False)
        class Old:
            def __init__(self, x: int) -> None:
                self.x = x

        assert Old(3).x == 3
    assert len(warnings) == 1
    Old(4)
    Old(5)
    assert len(warnings) == 3


def test_deprecated_arguments_warn_when_they_are_given(warnings: list[str]) -> None:
    @deprecation.deprecated_args(None, "Use axis.", "dim", ("keep", None), warn_once=False)
    def function(x: int, axis: Any = None, dim: Any = None, keep: Any = None) -> Any:
        return axis or dim

    assert function(1, 2) == 2
    assert function(1, keep=None) is None
    assert warnings == []
    assert function(1, dim=3) == 3
    function(1, keep=True)
    assert len(warnings) == 2 and "with dim is deprecated" in warnings[0] and "with keep" in warnings[1]

    @deprecation.deprecated_arg_values("2030-01-01", "Leave it out.", old=True)
    def other(old: bool = False) -> bool:
        return old

    assert [other(), other(old=True), other(True)] == [False, True, True]
    assert len(warnings) == 3
    with pytest.raises(ValueError, match="not present in the function signature"):
        deprecation.deprecated_args(None, "", "nothing")(lambda x: x)


def test_an_argument_of_two_names() -> None:
    look_up = deprecation.deprecated_argument_lookup
    assert look_up("axis", None, "dim", 2) == 2
    assert look_up("axis", 1, "dim", None) == 1
    with pytest.raises(ValueError, match="Cannot specify both 'dim' and 'axis'"):
        look_up("axis", 1, "dim", 2)


def test_decorators_are_seen_through() -> None:
    def function(a: int, b: int = 2, *rest: int) -> int:
        """Adds."""
        return a + b

    inner = decorators.make_decorator(function, lambda *args, **kwargs: function(*args, **kwargs) + 1)
    outer = decorators.make_decorator(inner, lambda *args, **kwargs: inner(*args, **kwargs) * 10)
    assert outer(1) == 40
    around, inside = decorators.unwrap(outer)
    assert inside is function
    assert [each.decorated_target for each in around] == [inner, function]
    assert [each.decorator_name for each in around] == ["test_decorators_are_seen_through"] * 2
    assert decorators.unwrap(functools.wraps(function)(lambda: 1))[0] == []
    assert outer.__doc__ == "Adds."
    assert inspection.getfullargspec(outer).args == ["a", "b"]
    assert inspection.getargspec(outer) == (["a", "b"], "rest", None, (2,))
    with pytest.raises(ValueError, match="keyword-only"):
        inspection.getargspec(lambda *, x: x)

    @decorators.keras_export("keras.Thing", v1=["keras.Thing"])
    class Thing:
        pass

    assert Thing.__name__ == "Thing"


def test_what_is_on_is_told(monkeypatch) -> None:
    assert general.enabled()
    assert general.is_tf_type(tf.constant(1)) and not general.is_tf_type(1)
    monkeypatch.setattr(seed_rules.determinism, "enabled", True)
    assert general.is_op_determinism_enabled()
    general.disable_op_determinism()
    assert not general.is_op_determinism_enabled()
    assert general.constant_value(tf.constant([1, 2])).tolist() == [1, 2]
    with tf1.Graph().as_default():
        assert not tf.executing_eagerly()
        assert general.constant_value(tf1.placeholder(tf.float32)) is None
        with general.eager_mode():
            assert (tf.constant(1) + 1).numpy() == 2
        assert not tf.executing_eagerly()


def test_devices_are_listed_as_messages() -> None:
    devices = general.list_local_devices()
    assert (devices[0].name, devices[0].device_type) == ("/device:CPU:0", "CPU")


def test_the_names_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("some_module")
    module.x = module._y = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_module", module)
    assert general.make_all("some_module") == ["x"]
    general.remove_undocumented("some_module")
    assert module.x == 1  # type: ignore[attr-defined]


def test_lists_under_their_own_names() -> None:
    made = lists.tensor_list_from_tensor([[1.0, 2.0], [3.0, 4.0]], element_shape=[2])
    np.testing.assert_array_equal(lists.tensor_list_stack(made, tf.float32), [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(lists.tensor_list_gather(made, [1, 0], tf.float32, [2]), [[3.0, 4.0], [1.0, 2.0]])
    np.testing.assert_array_equal(lists.tensor_list_get_item(made, 1, tf.float32, tf.TensorShape([2])), [3.0, 4.0])
    np.testing.assert_array_equal(lists.tensor_list_concat(made, tf.float32, [2]), [1.0, 2.0, 3.0, 4.0])
    rest, last = lists.tensor_list_pop_back(made, tf.float32)
    np.testing.assert_array_equal(last, [3.0, 4.0])
    assert int(tf.raw_ops.TensorListLength(input_handle=rest)) == 1
    scattered = lists.tensor_list_scatter([[5.0], [6.0]], [1, 0], [1])
    np.testing.assert_array_equal(lists.tensor_list_stack(scattered, tf.float32, 2, [1]), [[6.0], [5.0]])
    changed = lists.tensor_list_scatter([[7.0]], [0], input_handle=scattered)
    np.testing.assert_array_equal(lists.tensor_list_stack(changed, tf.float32), [[7.0], [5.0]])
    assert int(tf.raw_ops.TensorListLength(input_handle=lists.empty_tensor_list(None, tf.float32))) == 0
    assert int(tf.raw_ops.TensorListLength(input_handle=lists.tensor_list_reserve(None, 3, tf.float32))) == 3


def test_counters_and_gauges() -> None:
    counter = monitoring.Counter("steps", "Steps so far.", "kind")
    counter.get_cell("a").increase_by(2)
    counter.get_cell("a").increase_by(3)
    assert (counter.get_cell("a").value(), counter.get_cell("b").value()) == (5, 0)
    gauge = monitoring.BoolGauge("on", "Whether it is on.")
    gauge.get_cell().set(True)
    assert gauge.get_cell().value() is True


def test_combinations_of_arguments() -> None:
    assert combinations.combine(a=[1, 2], b=3) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]
    assert len(combinations.times(combinations.combine(a=[1, 2]), combinations.combine(b=[3, 4]))) == 4
    with pytest.raises(ValueError, match="Keys need to not overlap"):
        combinations.times([{"a": 1}], [{"a": 2}])
    assert repr(combinations.NamedObject("name", [1])) == "name" and list(combinations.NamedObject("n", [1])) == [1]

    class OnlyOdd(combinations.TestCombination):
        def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
            return kwargs["a"] % 2 == 1, "even"

        def parameter_modifiers(self) -> list[Any]:
            return [combinations.OptionalParameter("b")]

    ran = []

    class Cases(parameterized.TestCase):
        @combinations.generate(combinations.combine(a=[1, 2, 3], b=5), [OnlyOdd()])
        def test(self, a: int) -> None:
            ran.append(a)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Cases).run(result)
    assert (sorted(ran), len(result.skipped), result.errors, result.failures) == ([1, 3], 1, [], [])


def test_graphs_and_conversions() -> None:
    assert graphs.uid() != graphs.uid()
    assert graphs.name_from_scope_name("a/b/") == "a/b"
    with graphs.graph_mode():
        assert not tf.executing_eagerly()
        with tf1.name_scope("outer"):
            assert graphs.get_name_scope() == "outer"
        assert graphs.constant_value_as_shape(tf.stack([2, tf1.placeholder(tf.int32, [])])).as_list() == [2, None]
        assert graphs.constant_value_as_shape(tf1.placeholder(tf.int32, [3])).as_list() == [None] * 3
        assert graphs.try_evaluate_constant(tf.constant(3) + 1) == 4
    np.testing.assert_array_equal(graphs.pfor(lambda i: i * i, 4), [0, 1, 4, 9])
    assert graphs.execute_fn_for_device({"CPU": lambda: "cpu"}, lambda: "any") == "cpu"
    assert graphs.convert_to_tensor_or_composite([1]).numpy() == 1
    sparse = tf.sparse.from_dense([1.0])
    assert graphs.convert_to_tensor_or_composite(sparse) is sparse

    def pick(x: Any) -> Any:
        if x > 0:
            return x
        return -x

    converted = graphs.tf_convert(pick, graphs.control_status_ctx())
    assert tf.function(converted, autograph=False)(tf.constant(-2)).numpy() == 2
    store = graphs.VariableStore()
    with graphs.with_variable_store(store), graphs.NullContextmanager("any"):
        assert graphs._get_default_variable_store() is store
    assert graphs._get_default_variable_store() is not store


def test_structures_and_names() -> None:
    class Point(NamedTuple):
        x: int
        y: int

    assert list(structures._yield_value({"b": 1, "a": 2})) == [2, 1]
    assert list(structures._yield_value(Point(1, 2))) == [1, 2] and list(structures._yield_value([3])) == [3]
    assert structures._is_namedtuple(Point(1, 2), True) and not structures._is_namedtuple((1, 2))
    assert structures._sequence_like(Point(1, 2), [3, 4]) == Point(3, 4)

    @decorators.keras_export("keras.test.Exported")
    def exported() -> None:
        pass

    assert decorators.get_canonical_name_for_symbol(exported) == "keras.test.Exported"
    assert decorators.get_symbol_from_name("keras.test.Exported") is exported
    assert decorators.get_symbol_from_name("keras.test.Other") is None
    assert documentation.do_not_doc_inheritable(exported) is exported
    hooks.register_get_session_function(exported)
    assert hooks.REGISTERED["get_session"] is exported
    assert inspection._inspect.getargvalues


def test_xla_scopes() -> None:
    assert tf.xla.experimental.compile(lambda x, y: [x + y, x], [tf.constant(1), tf.constant(2)])[0].numpy() == 3
    with pytest.raises(RuntimeError, match="is not supported when eager execution is enabled"):
        tf.xla.experimental.jit_scope().__enter__()
    with tf1.Graph().as_default(), tf.xla.experimental.jit_scope():
        assert tf.constant(1.0).op.get_attr("_XlaCompile") is True


def test_the_size_of_a_dataset_s_batches() -> None:
    numbers = tf.data.Dataset.range(9)
    for dataset, expected in (
        (numbers.batch(4).prefetch(1), 4),
        (numbers.batch(3, drop_remainder=True).map(lambda x: x + 1), 3),  # the specs tell
        (numbers.batch(3).map(lambda x: x + 1), -1),
        (tf.data.Dataset.from_tensors((tf.zeros([3, 2]), tf.zeros([3]))), 3),
        (tf.data.Dataset.from_tensors((tf.zeros([3, 2]), tf.zeros([4]))), -1),
        (tf.data.Dataset.from_tensors(tf.sparse.from_dense(tf.eye(3))), 3),
    ):
        size = data_batches.compute_batch_size(dataset)
        assert size.dtype == tf.int64 and size.numpy() == expected


def test_the_arguments_of_own_functions_have_no_annotations() -> None:
    found = inspection.getfullargspec(tf.rank)
    assert (found.args, found.defaults, found.annotations) == (["input", "name"], (None,), {})

    def others(x: int) -> int:
        return x

    assert inspection.getfullargspec(others).annotations == {"x": "int", "return": "int"}
    # What other decorators make has the arguments that it takes itself, as absl's tests with parameters.
    assert inspection.getfullargspec(functools.wraps(others)(lambda self: None)).args == ["self"]


def test_truncated_normal_numbers_with_parameters() -> None:
    drawn = random_functions.parameterized_truncated_normal(
        [3, 50], [0.0, 10.0, 20.0], 1.0, 0.0, [0.5, 30.0, 20.1], seed=1
    )
    assert drawn.shape == (3, 50) and drawn.dtype == tf.float32
    low, high = drawn.numpy().min(1), drawn.numpy().max(1)
    assert (low >= 0.0).all() and (high <= [0.5, 30.0, 20.1]).all() and low[1] > 5.0 and low[2] > 15.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape must not be empty"):
        random_functions.parameterized_truncated_normal([])
