"""Checks ``while_loop``: values, captured tensors, effects, gradients, shapes and errors."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.core import context
from tideflow._src.function.func_graph import build
from tideflow._src.graph import export
from tideflow._src.runtime.plan import Plan


@pytest.fixture
def x(graph):
    return tf.placeholder(tf.float32, [2], name="x")


def power(x, turns=3):
    """x to the power of turns + 1, by a loop that captures x."""
    return tf.while_loop(lambda i, a: i < turns, lambda i, a: (i + 1, a * x), [0, x])[1]


def test_gradients_of_three_orders(x, tier) -> None:
    y = power(x)
    derivatives = [y]
    for _ in range(3):
        derivatives.append(tf.gradients(derivatives[-1], x)[0])
    at = np.array([1.0, 2.0])
    with tf.Session() as session:
        values = session.run(derivatives, {x: at})
        np.testing.assert_allclose(values, [at**4, 4 * at**3, 12 * at**2, 24 * at])
        # The loop was extended in place; it still runs alone.
        np.testing.assert_allclose(session.run(y, {x: at}), at**4)


def test_a_plan_made_before_the_gradient_still_runs(x, tier) -> None:
    y = power(x)
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 16.0]
        gradient = tf.gradients(y, x)[0]
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 16.0]
        assert session.run(gradient, {x: [1, 2]}).tolist() == [4.0, 32.0]


def test_nested_loops(x, tier) -> None:
    def body(i, a):
        return i + 1, tf.while_loop(lambda j, b: j < 2, lambda j, b: (j + 1, b * x), [0, a])[1]

    y = tf.while_loop(lambda i, a: i < 3, body, [0, x])[1]
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    with tf.Session() as session:
        values = session.run([y, first, second], {x: [1, 2]})
    assert [v.tolist() for v in values] == [[1, 128], [7, 448], [42, 1344]]


def test_a_conditional_in_a_loop(x, tier) -> None:
    y = tf.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: a + x)),
        [0, x],
    )[1]  # ((x*x + x) * x) + x
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        values = session.run([y, gradient], {x: [1, 2]})
    assert [v.tolist() for v in values] == [[3, 14], [6, 17]]


def test_the_number_of_turns_may_depend_on_data_or_be_none(x, tier) -> None:
    limit = tf.placeholder(tf.int32, [])
    y = tf.while_loop(lambda i, a: i < limit, lambda i, a: (i + 1, a * x), [0, x])[1]
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        for turns in (0, 1, 5):
            values = session.run([y, gradient], {x: [1, 2], limit: turns})
            assert [v[1] for v in values] == [2.0 ** (turns + 1), (turns + 1) * 2.0**turns]


def test_maximum_iterations(graph, tier) -> None:
    assert tf.Session().run(tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=5)) == 5


@pytest.mark.parametrize("resource", [False, True])
def test_effects_of_the_body(x, tier, resource) -> None:
    variable = tf.Variable(0.0, use_resource=resource)

    def body(i, total):
        return i + 1, total + tf.identity(variable.assign_add(2.0))

    loop = tf.while_loop(lambda i, total: i < 3, body, [0, 0.0])
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(loop) == [3, 12.0]
        assert session.run(variable) == 6.0


def test_gradients_of_variables_that_the_body_reads(x, tier) -> None:
    variable = tf.Variable(2.0)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * variable), [0, x])[1]
    gradient = tf.gradients(y, variable)[0]
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(gradient, {x: [1, 2]}) == 36.0


def test_shape_invariants(x, tier) -> None:
    y = tf.while_loop(
        lambda a: tf.size(a) < 10, lambda a: tf.concat([a, a], 0), [x], shape_invariants=[tf.TensorShape([None])]
    )
    gradient = tf.gradients(y, x)[0]
    assert y.shape.as_list() == [None]
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 2.0] * 8
        assert session.run(gradient, {x: [1, 2]}).tolist() == [8.0, 8.0]


def test_structures_and_names(x) -> None:
    (result,) = tf.while_loop(
        lambda s: s["i"] < 3, lambda s: ({"i": s["i"] + 1, "a": [s["a"][0] * x]},), [{"i": 0, "a": [x]}]
    )
    assert result["a"][0].op.name.startswith("while/Identity")
    assert tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0]).dtype == tf.int32
    assert isinstance(tf.while_loop(lambda i: i < 3, lambda i: i + 1, (0,), return_same_structure=True), tuple)
    assert isinstance(tf2.while_loop(lambda i: i < 3, lambda i: [i + 1], [0]), list)


def test_eagerly_on_a_tape() -> None:
    x = tf2.constant(2.0)
    with tf2.GradientTape() as tape:
        tape.watch(x)
        i, y = tf2.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (tf2.constant(0), x))
    assert (int(i), float(y), float(tape.gradient(y, x))) == (3, 16.0, 32.0)


@pytest.mark.parametrize(
    ("cond", "body", "start", "kind", "message"),
    [
        (1, lambda i: i, [0], TypeError, "'cond' must be callable"),
        (lambda i: True, 1, [0], TypeError, "'body' must be callable"),
        (lambda: True, lambda: 1, [], ValueError, "No loop variables"),
        (lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0], TypeError, "type float32"),
        (lambda i, j: i < 3, lambda i, j: i, [0, 0], ValueError, "same nested structure"),
        (lambda a: True, lambda a: tf.concat([a, a], 0), [np.ones(1)], ValueError, "after one iteration"),
    ],
)
def test_loops_that_do_not_fit(graph, cond, body, start, kind, message) -> None:
    with pytest.raises(kind, match=message):
        tf.while_loop(cond, body, start)


def test_ten_thousand_turns_are_quick(graph, tier) -> None:
    loop = tf.while_loop(lambda i, a: i < 10_000, lambda i, a: (i + 1, a + 1.0), [0, 0.0])
    with tf.Session() as session:
        session.run(loop)
        start = time.process_time()
        assert session.run(loop) == [10_000, 10_000.0]
        assert time.process_time() - start < 2.0


def test_a_failure_in_the_body_names_the_operation(x, tier) -> None:
    y = tf.while_loop(lambda i: i < 9, lambda i: i + 1 + tf.cast(tf.gather(x, i, name="inside"), tf.int32) * 0, [0])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"not in|not all in"):
        session.run(y, {x: [1, 7]})


def test_the_first_variables_of_a_loop_are_tensorflows(graph) -> None:
    """Readers of graphs take the first two for a counter of turns and the largest number of them."""
    x = tf.placeholder(tf.float32, [2], name="x")
    most = tf.placeholder(tf.int32, [], name="most")
    bounded = tf.while_loop(lambda a: True, lambda a: a * 2.0, [x], maximum_iterations=most, name="bounded")
    free = tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: a * 2.0, [x], name="free")
    for name, limit in (("bounded", "most"), ("free", "free/maximum_iterations")):
        loop = graph.get_operation_by_name(name)
        assert [tensor.op.name for tensor in loop.inputs] == [f"{name}/loop_counter", limit, "x"]
        for function in (loop.attrs["cond"], loop.attrs["body"]):
            names = [item.name for item in export.function_def(function).signature.input_arg]
            assert names[0] == f"{name}_{name}_loop_counter"  # TensorFlow's: in the scope of the loop
            assert names[1].startswith(f"{name}_{name}_maximum_iterations")
            assert names[2] == f"{name}_placeholder"
    with tf.Session(graph=graph) as session:
        assert session.run(graph.get_tensor_by_name("free/maximum_iterations:0")) == -1
        for turns in (0, 1, 5):
            found = session.run([bounded, graph.get_tensor_by_name("bounded:0")], {x: [1, 2], most: turns})
            np.testing.assert_array_equal(found[0], np.array([1, 2]) * 2**turns)
            assert found[1] == turns
        np.testing.assert_array_equal(session.run(free, {x: [1, 2]}), [4, 8])


def test_a_condition_is_one_boolean(graph, tier) -> None:
    def loop(condition):
        return tf.while_loop(condition, lambda i: i + 1, [0])

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"condition .* must be of type bool, but .* type int32"):
        loop(lambda i: 3 - i)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be a scalar, but .* has shape \[2\]"):
        loop(lambda i: tf.stack([i < 3, i < 3]))
    mask = tf.placeholder(tf.bool, None)
    ends = [loop(lambda i: tf.reshape(i < 3, [1])), loop(lambda i: tf.logical_and(i < 3, mask))]
    with tf.Session() as session:
        assert session.run(ends, {mask: [[True]]}) == [3, 3]
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(ends[1], {mask: [True, True]})


def test_a_raw_loop_with_an_array_for_a_condition_does_not_run_for_ever(graph, tier) -> None:
    below, _ = build("below", lambda i: tf.reshape(i < 3, [1]), [(tf.int32, (), "i")])
    step, _ = build("step", lambda i: i + 1, [(tf.int32, (), "i")])
    start = tf.placeholder(tf.int32, [])
    (end,) = tf.raw_ops.While(input=[start], cond=below, body=step)
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match=r"scalar, but it has shape \[1\]"),
    ):
        session.run(end, {start: 0})


def test_eager_conditions_are_as_python_sees_them() -> None:
    def loop(condition):
        return int(tf2.while_loop(condition, lambda i: (i + 1,), [0])[0])

    assert loop(lambda i: tf2.reshape(i < 3, [1])) == 3
    assert loop(lambda i: 3 - i) == 3
    with pytest.raises(ValueError, match="ambiguous"):
        loop(lambda i: tf2.stack([i < 3, i < 3]))


def test_a_loop_that_does_not_end_is_not_run_while_planning(graph) -> None:
    """A loop of constants is planned without being run: what it would take nobody knows."""
    endless = tf.while_loop(lambda i, n: i < 1, lambda i, n: (i, n + 1), [0, 1])
    plan = Plan([endless[0]], [], [])
    assert any(op.type.endswith("While") for op in plan.ops)
    assert tf.zeros(tf.reshape(endless[0], [1])).shape.as_list() == [None]


def test_what_a_turn_changes_is_named(graph) -> None:
    with pytest.raises(ValueError, match="returned None for the loop variable"):
        tf.while_loop(lambda i: i < 3, lambda i: None, [0])
    with pytest.raises(ValueError, match="same number of elements"):
        tf.while_loop(lambda i, j: i < 3, lambda i, j: (i,), [0, 1])
    with pytest.raises(TypeError, match="enters the loop with type int32 but has type float32 after one iteration"):
        tf.while_loop(lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0])
    with pytest.raises(
        ValueError, match=r"enters the loop with shape \(2,\), but has shape \(4,\) after one iteration"
    ):
        tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, tf.zeros([2])])


def test_bodies_wait_for_operations_outside(graph, tier) -> None:
    variable = tf.Variable(0, use_resource=True)
    counted = tf.group(variable.assign_add(5))

    def body(i):
        with tf.control_dependencies([counted]):
            return i + variable.read_value()

    end = tf.while_loop(lambda i: i < 12, body, [0])
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(end) == 15
        assert session.run(variable) == 5


def saving(loop):
    """Returns the types of what a loop pushes on lists in each turn."""
    return [
        op.inputs[1].op.type for op in loop.op.inputs[0].op.attrs["body"].plan_ops() if op.type == "TensorListPushBack"
    ]


def test_what_no_turn_changes_is_not_saved(graph, tier) -> None:
    weights, bias = tf.placeholder(tf.float32, [2, 2]), tf.Variable([0.5, 0.25], use_resource=True)
    x = tf.placeholder(tf.float32, [1, 2])

    def body(i, y, unchanged):
        scale = tf.exp(tf.reduce_sum(weights)) * unchanged
        return i + 1, tf.tanh(tf.matmul(y, tf.transpose(weights)) + bias) * scale, unchanged

    y = tf.while_loop(lambda i, y, u: i < 3, body, [0, x, tf.ones([])])[1]
    gradients = tf.gradients(y, [x, weights, bias])
    # The state before a turn, for the product with the gradient, and the tanh: nothing else.
    assert sorted(saving(y)) == ["Placeholder", "Tanh"]
    with tf.Session() as session:
        session.run(bias.initializer)
        feed = {x: [[0.5, -0.5]], weights: [[0.1, 0.2], [0.3, -0.4]]}
        value, *found = session.run([tf.reduce_sum(y), *gradients], feed)
        for tensor, gradient in zip((x, weights), found[:2], strict=True):
            at = np.array(feed[tensor], "d")
            for place in np.ndindex(at.shape):
                step = np.zeros_like(at)
                step[place] = 1e-2
                up, down = (session.run(tf.reduce_sum(y), {**feed, tensor: at + s}) for s in (step, -step))
                np.testing.assert_allclose((up - down) / 2e-2, gradient[place], rtol=2e-2, atol=2e-3)
        assert np.isfinite(value)


def test_a_variable_that_the_loop_writes_is_read_in_each_turn(graph, tier) -> None:
    variable = tf.Variable(1.0, use_resource=True)
    x = tf.placeholder(tf.float32, [])

    def body(i, y):
        value = variable.read_value()
        with tf.control_dependencies([value]):
            changed = variable.assign_add(1.0)
        with tf.control_dependencies([changed]):
            return i + 1, y * value

    y = tf.while_loop(lambda i, y: i < 3, body, [0, x])[1]
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run([y, gradient], {x: 2.0}) == [12.0, 6.0]
        assert session.run([y, gradient], {x: 2.0}) == [2.0 * 4 * 5 * 6, 4.0 * 5 * 6]


def test_a_gradient_that_is_not_asked_for_is_not_computed(graph) -> None:
    x, w = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    first, second = tf.while_loop(lambda a, b: a[0] < 9.0, lambda a, b: (a * w, b * tf.sin(b)), [x, x])
    tf.gradients(first, w)
    assert saving(first) == ["Placeholder"]
    tf.gradients(second, x)
    assert len(saving(first)) == 3


def test_lists_that_a_loop_writes_once_are_left_as_they_are(graph, tier) -> None:
    """The gradient of an array that is written at a counter is read where it was written, and not set to zero."""
    x = tf.placeholder(tf.float32, [4])

    def body(i, array, y):
        return i + 1, array.write(i, y * x), y * 2.0

    array = tf.while_loop(lambda i, *rest: i < 3, body, [0, tf.TensorArray(tf.float32, 3), tf.ones([4])])[1]
    loss = tf.reduce_sum(array.stack() * [[1.0], [10.0], [100.0]])
    gradient = tf.gradients(loss, x)[0]
    backward = [op for op in graph.get_operations() if op.type.endswith("While")][-1].attrs["body"]
    assert "TensorListSetItem" not in [op.type for op in backward.plan_ops()]
    with tf.Session() as session:
        assert session.run(gradient, {x: np.ones(4)}).tolist() == [1 + 20 + 400] * 4
        assert session.run(loss, {x: np.ones(4)}) == 421 * 4


def test_an_array_that_was_written_before_the_loop(graph, tier) -> None:
    """An element that the loop writes again has no gradient from what it was before."""
    x = tf.placeholder(tf.float32, [])
    array = tf.TensorArray(tf.float32, 3, element_shape=[], clear_after_read=False).unstack(
        tf.stack([x, 2.0 * x, 3.0 * x])
    )
    array = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a.write(i, a.read(i) * a.read(i))), [0, array])[1]
    y = tf.reduce_sum(array.stack())  # x^2 + 4 x^2 + 3 x
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        assert session.run([y, gradient], {x: 2.0}) == [26.0, 23.0]


def test_a_single_variable_loses_its_list_only_if_it_is_a_single_tensor() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        number = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
        pair = tf.while_loop(
            lambda p: p["i"] < 3, lambda p: ({"i": p["i"] + 1, "x": p["x"] * 2.0},), ({"i": 0, "x": 1.0},)
        )
        assert session.run(number) == 3
        assert session.run(pair) == ({"i": 3, "x": 8.0},)


_UNCHANGED = {
    "value": lambda w: w,
    "square": tf2.square,
    "transpose": lambda w: -tf2.transpose(w),
    "branch": lambda w: tf2.cond(tf2.reduce_sum(w) > -100.0, lambda: tf2.square(w), lambda: w),
}


@pytest.mark.parametrize("kind", ["tensor", "variable"])
@pytest.mark.parametrize("computed", _UNCHANGED.values(), ids=_UNCHANGED)
@pytest.mark.parametrize("changes", [True, False])
def test_tapes_around_tapes_see_what_no_turn_changes(kind, computed, changes) -> None:
    """The first derivative reads it before the loop; the second goes through that, as in eager execution."""
    with context.eager_scope():
        w = tf2.constant([[0.5, -0.3], [0.2, 0.7]])
        w = tf2.Variable(w) if kind == "variable" else w
        x = tf2.constant([[1.0, 0.4], [-0.6, 0.8]])

        def body(turn, value, total):
            y = tf2.tanh(value * computed(w))
            return turn + 1, 0.9 * value + y if changes else value, total + tf2.reduce_sum(tf2.sin(y))

        def derivative(order):
            if not order:
                return tf2.while_loop(lambda turn, *_: turn < 2, body, (0, x, 0.0))[2]
            with tf2.GradientTape() as tape:
                tape.watch(w)
                target = tf2.reduce_sum(tf2.square(derivative(order - 1)))
            return tape.gradient(target, w)

        for order in (2, 3):
            expected = derivative(order).numpy()
            found = tf2.function(derivative)(order).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def test_a_persistent_tape_differentiates_a_loop_over_a_variable_twice() -> None:
    with context.eager_scope():
        v = tf2.Variable(1.5)

        @tf2.function
        def step(x):
            with tf2.GradientTape(persistent=True) as tape:
                y = tf2.while_loop(lambda turn, _: turn < 3, lambda turn, value: (turn + 1, value * v), (0, x))[1]
            return tape.gradient(y, v), tape.gradient(y, v)

        assert [float(item) for item in step(tf2.constant(2.0))] == [13.5, 13.5]


def test_a_loop_without_back_propagation_has_no_gradient(graph) -> None:
    x = tf.constant(2.0)
    for back_prop in (True, False):
        y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, x), back_prop=back_prop)[1]
        assert (tf.gradients(y, x)[0] is not None) == back_prop


def test_an_eager_loop_leaves_python_numbers_as_they_are_until_it_ends():
    kinds = []

    def body(i, x):
        kinds.append(type(i))
        return i + 1, x + i  # the number takes the dtype of the tensor

    turns, total = tf.while_loop(lambda i, x: i < 3, body, (0, tf.constant([1, 2], tf.int64)))
    assert kinds == [int, int, int] and turns.dtype == tf.int32
    assert total.numpy().tolist() == [4, 5]


def test_an_optional_that_is_empty_before_the_first_turn_learns_what_it_holds():
    """Keras runs several steps in one call with such a loop."""

    @tf.function
    def last_square(n):
        nothing = tf.experimental.Optional.empty(None)

        def body(i, found):
            found = tf.experimental.Optional.from_value({"square": i * i})
            nothing._element_spec = found.element_spec
            return i + 1, found

        _, found = tf.while_loop(lambda i, found: i < n, body, [tf.constant(0), nothing])
        assert found.element_spec == {"square": tf.TensorSpec([], tf.int32)}
        return found

    assert last_square(tf.constant(4)).get_value()["square"].numpy() == 9
    assert not bool(last_square(tf.constant(0)).has_value())


def test_an_optional_of_another_kind_than_before_the_first_turn_is_told():
    @tf.function
    def changed():
        return tf.while_loop(
            lambda i, found: i < 3,
            lambda i, found: (i + 1, tf.experimental.Optional.from_value(i)),
            [tf.constant(0), tf.experimental.Optional.empty(None)],
        )

    with pytest.raises(ValueError, match="body returned other variables"):
        changed()


def test_a_named_tuple_of_variables_is_unpacked_as_any_tuple() -> None:
    class Pair(NamedTuple):
        count: Any
        total: Any

    def run(start: Pair) -> Any:
        return tf2.while_loop(
            lambda count, total: count < 3, lambda count, total: Pair(count + 1, total + 2.0), loop_vars=start
        )

    for loop in (run, tf2.function(run)):
        found = loop(Pair(tf2.constant(0), tf2.constant(0.0)))
        assert isinstance(found, Pair) and (found.count.numpy(), found.total.numpy()) == (3, 6.0)
    with pytest.raises(TypeError, match="2 were given"):
        tf2.while_loop(lambda pair: False, lambda pair: pair, Pair(1, 2))


def test_effects_of_the_condition_happen_in_each_turn(tier) -> None:
    asked = tf2.Variable(0.0)

    def condition(i: Any, a: Any) -> Any:
        asked.assign_add(1.0)
        tf2.debugging.assert_less(i, 8)
        return i < turns

    @tf2.function
    def loop(a: Any) -> Any:
        return tf2.while_loop(condition, lambda i, a: (i + 1, a * 2.0), (0, a))[1]

    @tf2.function
    def with_gradient(a: Any) -> Any:
        with tf2.GradientTape() as tape:
            tape.watch(a)
            y = loop(a)
        return y, tape.gradient(y, a)

    turns = 6
    with context.eager_scope():
        a = tf2.constant(3.0)
        assert (float(loop(a)), float(asked)) == (192.0, 7.0)
        assert [float(each) for each in with_gradient(a)] == [192.0, 64.0]
        assert float(asked) == 14.0
        turns = 9
        with pytest.raises(tf2.errors.InvalidArgumentError):
            tf2.function(lambda a: tf2.while_loop(condition, lambda i, a: (i + 1, a), (0, a)))(a)
