"""Tests that what was traced of a function is used again only where tracing it anew would give the same."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.data import functions, visible_state
from tideflow._src.numpy_api import behavior
from tideflow._src.runtime import seed_rules


class _Settings:
    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


_scale = 2
_object = _Settings(factor=3)
_calls: list[int] = []


def _by_global(x: Any) -> Any:
    return x * _scale


def _by_attribute(x: Any) -> Any:
    return x * _object.factor


def _helper(x: Any) -> Any:
    return x + 1


def _by_helper(x: Any) -> Any:
    return _helper(x)


def _closing_over(value: Any) -> Any:
    return lambda x: tf.cast(x, tf.float32) * value


def _with_default(value: Any) -> Any:
    def function(x: Any, factor: Any = value, *, shift: Any = value) -> Any:
        return x * factor + shift

    return function


def _nested(value: Any) -> Any:
    def function(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return [y * value for _ in range(2)][-1]

        return inner(x)

    return function


def _results(function: Any, count: int = 3) -> list[Any]:
    return [item.tolist() for item in tf.data.Dataset.range(count).map(function).as_numpy_iterator()]


def _graph(function: Any) -> Any:
    return functions.StructuredFunction(function, "Dataset.map()", tf.TensorSpec([], tf.int64)).graph


def _same(*made: Any) -> bool:
    """Tells whether the same function, made anew each time, was traced once."""
    graphs = [_graph(function) for function in made]
    return all(graph is graphs[0] for graph in graphs)


@pytest.mark.parametrize("make", [_closing_over, _with_default, _nested])
def test_a_function_made_again_is_traced_once(make):
    assert _same(make(2), make(2))


@pytest.mark.parametrize("make", [_closing_over, _with_default, _nested])
@pytest.mark.parametrize(("first", "second"), [(2, 3), (1, True), (0.0, -0.0), (1, 1.0), ((1,), (True,))])
def test_other_values_are_traced_anew(make, first, second):
    assert visible_state.key_of(make(first)) is not None
    assert visible_state.key_of(make(first)) != visible_state.key_of(make(second))


def test_a_closure_that_changed_is_seen():
    value = 2

    def function(x: Any) -> Any:
        return x * value

    assert _results(function) == [0, 2, 4]
    value = 5
    assert _results(function) == [0, 5, 10]


def test_a_global_that_changed_is_seen(monkeypatch):
    assert visible_state.key_of(_by_global) is not None
    assert _results(_by_global) == [0, 2, 4]
    monkeypatch.setattr(sys.modules[__name__], "_scale", 7)
    assert _results(_by_global) == [0, 7, 14]


def test_an_attribute_that_changed_is_seen(monkeypatch):
    assert visible_state.key_of(_by_attribute) is not None
    assert _results(_by_attribute) == [0, 3, 6]
    monkeypatch.setattr(_object, "factor", 4)
    assert _results(_by_attribute) == [0, 4, 8]


def test_a_function_behind_a_function_that_changed_is_seen(monkeypatch):
    assert visible_state.key_of(_by_helper) is not None
    assert _results(_by_helper) == [1, 2, 3]
    monkeypatch.setattr(sys.modules[__name__], "_helper", lambda x: x - 1)
    assert _results(_by_helper) == [-1, 0, 1]


def test_a_default_that_changed_is_seen():
    def function(x: Any, factor: int = 2) -> Any:
        return x * factor

    assert _results(function) == [0, 2, 4]
    function.__defaults__ = (6,)
    assert _results(function) == [0, 6, 12]


def test_code_that_changed_is_seen():
    def function(x: Any) -> Any:
        return x * 2

    assert _results(function) == [0, 2, 4]
    function.__code__ = (lambda x: x * 9).__code__
    assert _results(function) == [0, 9, 18]


def test_a_name_of_a_module_that_changed_is_seen(monkeypatch):
    def function(x: Any) -> Any:
        return tf.negative(x)

    assert visible_state.key_of(function) is not None
    assert _results(function) == [0, -1, -2]
    monkeypatch.setattr(tf, "negative", tf.identity)
    assert _results(function) == [0, 1, 2]


def _prints(x: Any) -> Any:
    print("traced")
    return x


def _appends(x: Any) -> Any:
    _calls.append(1)
    return x


def _sets(x: Any) -> Any:
    global _scale
    _scale = 2
    return x


def _draws(x: Any) -> Any:
    return x + np.random.randint(2)


def _imports(x: Any) -> Any:
    import math

    return x + int(math.pi)


def _writes(x: Any) -> Any:
    _object.count = 1
    return x


def _seeds(x: Any) -> Any:
    tf.random.set_seed(1)
    return x


def _recurs(x: Any, depth: int = 2) -> Any:
    return x if not depth else _recurs(x, depth - 1)


@functools.wraps(tf.abs)
def _pretends(x: Any) -> Any:
    _calls.append(1)
    return x


@pytest.mark.parametrize("function", [_prints, _appends, _sets, _draws, _imports, _writes, _seeds, _recurs, _pretends])
def test_what_may_do_more_than_return_is_not_known(function):
    assert visible_state.key_of(function) is None
    assert visible_state.key_of(lambda x: function(x)) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda function: tf.data.experimental.map_and_batch(function, 2),
        lambda function: tf.data.experimental.scan(tf.constant(0), function),
    ],
)
def test_what_the_library_makes_of_a_function_is_not_known(make):
    made = make(_appends)
    assert visible_state.key_of(lambda x: made(tf.data.Dataset.from_tensors(x))) is None
    assert made not in visible_state._known


def test_python_runs_each_time_that_a_dataset_is_made():
    _calls.clear()
    for _ in range(3):
        _results(_appends)
    assert len(_calls) == 3


@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, np.ones(2), tf.constant(1), tf.Variable(1), object(), iter(()), print],
    ids=lambda value: type(value).__name__,
)
def test_values_that_can_change_are_not_known(value):
    assert visible_state.key_of(lambda x: (value, x)) is None


def test_methods_and_marked_functions_are_not_known():
    class Scale:
        factor = 2

        def __call__(self, x: Any) -> Any:
            return x * self.factor

        def method(self, x: Any) -> Any:
            return x * self.factor

        @property
        def counted(self) -> int:
            _calls.append(1)
            return 1

    scale = Scale()
    marked = tf.autograph.experimental.do_not_convert(lambda x: x)
    assert all(visible_state.key_of(item) is None for item in (scale, scale.method, marked, tf.function(_by_global)))
    assert visible_state.key_of(lambda x: x + scale.counted) is None
    assert visible_state.key_of(lambda x: x + scale.factor) is None  # it is the class's, which any of its bases may set


def test_attributes_of_classes_are_known_where_reading_them_calls_nothing():
    class Counting(type):
        @property
        def counted(cls) -> int:
            _calls.append(1)
            return 1

    class Computed:
        def __get__(self, instance: Any, owner: Any) -> int:
            _calls.append(1)
            return 1

    class Constants(metaclass=Counting):
        factor = 2
        computed = Computed()

        @staticmethod
        def twice(x: Any) -> Any:
            return x * 2

    _calls.clear()
    assert visible_state.key_of(lambda x: Constants.twice(x) * Constants.factor) is not None
    assert visible_state.key_of(lambda x: x * Constants.counted) is None
    assert visible_state.key_of(lambda x: x * Constants.computed) is None
    assert not _calls


def test_seeds_are_seen():
    def shuffled(_: Any) -> Any:
        return tf.random.shuffle(tf.range(100))

    def drawn() -> Any:
        return next(iter(tf.data.Dataset.range(1).map(shuffled))).numpy().tolist()

    try:
        tf.random.set_seed(1)
        first = [drawn() for _ in range(2)]
        tf.random.set_seed(2)
        assert drawn() != first[0]
        tf.random.set_seed(1)
        assert [drawn() for _ in range(2)] == first
        assert first[0] == first[1]  # the seed of an operation is counted in its function
        tf.random.set_seed(None)
        assert drawn() != drawn()
    finally:
        tf.random.set_seed(None)


def test_graphs_with_effects_and_graphs_around_are_traced_anew():
    def reads(x: Any) -> Any:
        return tf.timestamp() + tf.cast(x, tf.float64)

    assert not _same(reads, reads)
    with tf.Graph().as_default():
        assert not _same(_by_global, _by_global)
    with tf.device("CPU:0"):
        assert not _same(_by_global, _by_global)


def test_specs_tell_traces_apart():
    def of(*shape: int | None, dtype: Any = tf.float32) -> Any:
        spec = tf.TensorSpec(shape, dtype)
        return functions.StructuredFunction(lambda x: x, "Dataset.map()", spec).output_structure

    for shape in ((2,), (3,), (None,), ()):
        assert of(*shape).shape.as_list() == list(shape)
    assert of(dtype=tf.int32).dtype == tf.int32


def test_errors_name_the_place_of_this_dataset():
    def function(x: Any) -> Any:
        return tf.gather([1, 2], x)

    tf.data.Dataset.range(1).map(function)
    with pytest.raises(tf.errors.InvalidArgumentError) as failed:
        _results(function)
    line = test_errors_name_the_place_of_this_dataset.__code__.co_firstlineno
    graphs = [_graph(function) for function in (function, function)]
    assert graphs[0] is graphs[1]
    assert _graph(function) is not graphs[0]  # from another line
    assert f"test_visible_state.py:{line + 2}, in function" in str(failed.value)


def test_what_is_kept_holds_no_data_and_is_bounded():
    held = _Settings(data=np.ones(9), count=4)

    def reading(outer: Any) -> Any:
        return lambda x: x + outer.count

    assert _same(reading(held), reading(held))
    alive = weakref.ref(held)
    del held
    gc.collect()
    assert alive() is None
    for number in range(2 * functions._MOST_KEPT):
        functions._keep(("test", number), (None, None))
    assert len(functions._kept) == functions._MOST_KEPT
    functions._kept.clear()


def test_nothing_is_kept_from_a_debugger():
    before = sys.gettrace()
    try:
        sys.settrace(lambda *_: None)
        traced = visible_state.key_of(_by_global)
    finally:
        sys.settrace(before)
    assert traced is None
    assert visible_state.key_of(_by_global) is not None


def test_checks_of_numbers_are_seen():
    def graph() -> Any:
        return _graph(lambda x: tf.math.log(tf.cast(x, tf.float32)))

    try:
        checked = []
        for choose in (int, tf.debugging.enable_check_numerics, tf.debugging.disable_check_numerics):
            choose()
            checked.append(any(op.type == "CheckNumericsV2" for op in graph().get_operations()))
    finally:
        tf.debugging.disable_check_numerics()
    assert checked == [False, True, False]


def test_that_random_operations_need_seeds_is_seen(monkeypatch):
    def drawn(_: Any) -> Any:
        return tf.random.uniform([])

    for enabled in (False, True):
        monkeypatch.setattr(seed_rules.determinism, "enabled", enabled)
        with pytest.raises(RuntimeError, match="require a seed") if enabled else contextlib.nullcontext():
            _results(drawn)


def test_functions_that_a_program_takes_over_are_seen():
    def absolute(x: Any) -> Any:
        return tf.sparse.to_dense(tf.abs(tf.sparse.from_dense([x])))

    def scaled(x: Any) -> Any:
        return x.with_values(x.values * factor)

    found = []
    for factor in (0, 1, 10):
        if factor == 1:
            registered = tf.experimental.dispatch_for_api(tf.abs, {"x": tf.SparseTensor})(scaled)
        try:
            found.append([item.tolist() for item in tf.data.Dataset.range(2, 3).map(absolute).as_numpy_iterator()])
        finally:
            if factor == 10:
                tf.experimental.unregister_dispatch_for(registered)
    assert found == [[[2]], [[2]], [[20]]]
    assert _same(absolute, absolute)


def test_choices_for_the_whole_process_are_seen():
    numpy_behavior = tf.experimental.numpy.experimental_enable_numpy_behavior
    keys = []
    try:
        for choose in (int, int, numpy_behavior, tf.compat.v1.disable_tensor_equality):
            choose()
            keys.append(functions._key(_by_global, "Dataset.map()", tf.TensorSpec([], tf.int64), True, True))
    finally:
        tf.compat.v1.enable_tensor_equality()
        behavior.disable()
    assert keys[0] is not None
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
