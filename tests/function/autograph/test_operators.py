"""Statements over tensors give what Python gives over numbers."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tideflow as tf

Pair = namedtuple("Pair", "first second")


def values(result: Any) -> Any:
    """Returns a structure of tensors as one of Python's numbers."""
    return tf.nest.map_structure(
        lambda leaf: np.asarray(leaf.numpy()).tolist() if isinstance(leaf, tf.Tensor) else leaf, result
    )


def check(program: Any, *arguments: Any) -> None:
    """Checks that a program of numbers does the same with tensors."""
    assert values(tf.function(program)(*map(tf.constant, arguments))) == program(*arguments)


class Holder:
    """Has any attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


# Branches.


def signs(x: Any) -> Any:
    if x > 0:
        sign = 1
    elif x < 0:
        sign = -1
    else:
        sign = 0
    return sign


def returns_anywhere(x: Any) -> Any:
    if x > 0:
        if x > 10:
            return x * 100
        y = x + 1
        if y == 3:
            return y
    else:
        with contextlib.nullcontext(x) as y:
            if y < -5:
                return y
    return x - 1


def structures(x: Any) -> Any:
    if x > 0:
        pair, row, table = Pair(x, 1), [x, x * 2], {"a": x}
    else:
        pair, row, table = Pair(2, x), [x * 3, x], {"a": -x}
    return pair, row, table


def unpacks(x: Any) -> Any:
    first, *rest = x, x + 1, x + 2
    if x > 0:
        first, *rest = rest[0], x, x
    return first, rest


def annotated(x: Any) -> Any:
    y: int
    if x > 0:
        y = x
    else:
        y: int = -x  # type: ignore[no-redef]
    return y


def matched(x: Any) -> Any:
    match x:
        case 1:
            return 10
        case 2 | 3:
            return 20
        case n if n > 100:
            return n
        case _:
            return 0


def assigned_in_conditions(x: Any) -> Any:
    if (y := x * 2) > 5:
        return y
    while (z := x + 1) < 4:
        x = z
    return x


@pytest.mark.parametrize("program", [signs, returns_anywhere, structures, unpacks, annotated, matched])
@pytest.mark.parametrize("x", [-7, -1, 0, 1, 2, 3, 11, 200])
def test_branches(program: Any, x: int) -> None:
    check(program, x)


@pytest.mark.parametrize("x", [-1, 2, 7])
def test_names_that_conditions_bind(x: int) -> None:
    check(assigned_in_conditions, x)


def test_one_object_in_both_branches_stays_that_object() -> None:
    label = object()
    seen = []

    @tf.function
    def program(x: Any) -> Any:
        if x > 0:
            chosen, text = label, "a"
        else:
            chosen, text = label, "a"
        seen.append((chosen, text))
        return x

    program(tf.constant(1))
    assert seen[0][0] is label


def test_what_nothing_reads_behind_a_branch_may_differ() -> None:
    @tf.function
    def program(x: Any) -> Any:
        if x > 0:
            helper = object()
            y = x if helper else -x
        else:
            helper, y = [1, "a"], -x
        return y

    assert program(tf.constant(-3)).numpy() == 3


def test_a_local_function_of_a_branch() -> None:
    def program(x: Any) -> Any:
        if x > 0:

            def inner() -> Any:
                return x * 2

            y = inner()
        else:
            y = x
        return y

    check(program, 4)
    check(program, -4)


# Loops.


def collatz(n: Any) -> Any:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def pythagorean(n: Any) -> Any:
    total = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        for j in range(n):
            if j > i:
                break
            total += 10 * i + j
        else:
            total += 1000
        if total > 5000:
            break
    else:
        total = -total
    return total


def found(n: Any) -> Any:
    ten = n - n + 10
    for i in range(ten):
        for j in range(ten):
            if i * j == n:
                return i * 10 + j
    return -1


def swaps(n: Any) -> Any:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def ranges(n: Any) -> Any:
    total = 0
    for i in range(1, n):
        total = total * 3 % 1000 + i
    for i in range(n, 0, -1):
        total = total * 2 % 1000 + i
    return total


def first_values(n: Any) -> Any:
    last = None
    previous = None
    total = 0
    for i in range(n):
        if previous is not None:
            total += previous
        previous = i
        last = i * 2
    return last, total


def tries(n: Any) -> Any:
    total = 0
    for i in range(n):
        try:
            if i == 1:
                total += 10
        finally:
            total += 1
    return total


@pytest.mark.parametrize("program", [collatz, pythagorean, found, swaps, ranges, first_values, tries])
@pytest.mark.parametrize("n", [1, 2, 6, 12, 27])
def test_loops(program: Any, n: int) -> None:
    check(program, n)


def test_state_of_all_kinds() -> None:
    def program(n: Any) -> Any:
        pair, row, table = Pair(n, 1), [n, n * 2], {"a": n, "b": [1]}
        while table["a"] < 50:
            pair = Pair(pair.second, pair.first + 1)
            row = [row[1], row[0] + 1]
            table = {"a": table["a"] * 2, "b": [table["b"][0] + 1]}
        return pair, row, table

    check(program, 3)


def test_attributes_and_items_are_state() -> None:
    def program(n: Any) -> Any:
        holder = Holder(value=n, inner=Holder(row=[n, n], table={}))
        while holder.value < 50:
            holder.value += 7
            holder.inner.row[0] = holder.inner.row[1]
            holder.inner.row[-1] += 2
        for k in [0, 1]:
            if n > k:
                holder.inner.row[k] = holder.inner.row[k] * 10
        if n > 0:
            holder.inner.table["new"] = n
        else:
            holder.inner.table["new"] = -n
        return holder.value, holder.inner.row, holder.inner.table

    check(program, 3)
    check(program, -3)


def test_the_state_of_the_user_s_objects_is_left_as_it_was_where_a_branch_fails() -> None:
    holder = Holder(value=1)

    @tf.function
    def program(x: Any) -> Any:
        if x > 0:
            holder.value = x
            raise ValueError("no")
        return x

    with pytest.raises(ValueError, match="no"):
        program(tf.constant(1))
    assert holder.value == 1


def test_rows_of_tensors() -> None:
    def program(x: Any) -> Any:
        total = 0
        for row in x:
            for item in row:
                if item < 0:
                    break
                total += item
            else:
                total += 100
        return total

    rows = [[1, 2], [3, -4], [5, 6]]
    assert tf.function(program)(tf.constant(rows)).numpy() == program(rows)
    unknown = tf.function(program, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    assert unknown(tf.constant(rows)).numpy() == program(rows)
    assert unknown(tf.zeros([0, 2], tf.int32)).numpy() == 0


def test_enumerate_zip_and_map() -> None:
    def program(x: Any, y: Any) -> Any:
        total = 0
        for i, item in enumerate(x):
            total += (i + 1) * item
        for i, item in enumerate(x, 10):
            total += i * item
        for a, b in zip(x, y, strict=False):
            total += a * b
        for i, (a, b) in enumerate(zip(x, y, strict=False)):
            total += i * a * b
        for item in map(abs, x):
            total += item
        for item in map(lambda a, b: a - b, x, y):
            total += item
        return total

    x, y = [1, 2, 3], [4, 5]
    assert tf.function(program)(tf.constant(x), tf.constant(y)).numpy() == program(x, y)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64, tf.float32])
def test_ranges_of_any_dtype(dtype: Any) -> None:
    @tf.function
    def program(n: Any) -> Any:
        total = tf.zeros([], dtype)
        for i in tf.range(n, 0, tf.cast(-2, dtype)):
            total = total * 10 + i
        return total

    result = program(tf.constant(7, dtype))
    assert result.dtype == dtype
    assert result.numpy() == 7531


def test_loops_over_python_s_own_are_unrolled() -> None:
    @tf.function
    def program(x: Any) -> Any:
        for name, scale in {"a": 2, "b": 3}.items():
            if name == "b":
                break
            x = x * scale
        for i in itertools.count():
            if i > 2:
                return x
            x = x + i
        raise AssertionError

    assert program(tf.constant(1)).numpy() == 5
    assert "While" not in {op.type for op in program.get_concrete_function(tf.constant(1)).graph.get_operations()}


def test_tensor_arrays() -> None:
    @tf.function
    def program(n: Any) -> Any:
        squares = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        pair = [tf.TensorArray(tf.int32, size=n), tf.TensorArray(tf.int32, size=n)]
        for i in tf.range(n):
            if i % 2 == 0:
                squares = squares.write(i, i * i)
            else:
                squares = squares.write(i, -i)
            pair = [array.write(i, i * k) for k, array in enumerate(pair)]
        return squares.stack(), [array.stack() for array in pair]

    squares, pair = program(tf.constant(4))
    assert squares.numpy().tolist() == [0, -1, 4, -3]
    assert values(pair) == [[0, 0, 0, 0], [0, 1, 2, 3]]


def test_indexed_slices_are_state() -> None:
    @tf.function
    def program(x: Any) -> Any:
        slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([3, 2]))
        if x > 0:
            slices = tf.IndexedSlices(slices.values * 2.0, slices.indices, slices.dense_shape)
        for _ in tf.range(2):
            slices = tf.IndexedSlices(slices.values + 1.0, slices.indices, slices.dense_shape)
        return slices.values

    assert program(tf.constant(1)).numpy().tolist() == [[4.0, 4.0]]


def test_variables_decide() -> None:
    flag, number = tf.Variable(True), tf.Variable(0)

    @tf.function
    def program(x: Any) -> Any:
        while number < 5:
            number.assign_add(x)
        both = flag and x > 0
        if flag:
            x = -x
        for item in row:
            x += item
        return x, not flag, both

    row = tf.Variable([10, 20])
    assert values(program(tf.constant(3))) == (27, False, True)
    assert number.numpy() == 6


def test_a_loop_without_a_turn_names_the_variables_that_have_no_value() -> None:
    @tf.function
    def program(n: Any) -> Any:
        for i in tf.range(n):
            a = i
            b = i * 2
        return a, b

    assert values(program(tf.constant(3))) == (2, 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="loop must iterate at least once to initialize a, b"):
        program(tf.constant(0))


def test_the_number_of_a_turn_is_zero_behind_a_loop_without_one() -> None:
    @tf.function
    def program(n: Any) -> Any:
        for i in tf.range(n):  # noqa: B007 (it is read behind the loop)
            pass
        return i

    assert program(tf.constant(0)).numpy() == 0
    assert program(tf.constant(3)).numpy() == 2


def test_set_loop_options() -> None:
    @tf.function
    def grows(n: Any) -> Any:
        row = tf.zeros([1])
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(row, tf.TensorShape([None]))])
            row = tf.concat([row, [1.0]], 0)
        return row

    assert grows(tf.constant(3)).numpy().tolist() == [0, 1, 1, 1]

    @tf.function
    def grow_in_a_structure(n: Any) -> Any:
        first, table = (n, n), {"a": tf.zeros([1]), "b": tf.zeros([2])}
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(table, {"a": tf.TensorShape([None]), "b": tf.TensorShape([2])})]
            )
            first, table = (first[1], first[0] + 1), {"a": tf.concat([table["a"], [1.0]], 0), "b": table["b"] + 1.0}
        return first, table

    assert values(grow_in_a_structure(tf.constant(2))) == ((3, 3), {"a": [0, 1, 1], "b": [2, 2]})

    @tf.function
    def bounded(n: Any) -> Any:
        turns = total = 0
        while turns < n:
            tf.autograph.experimental.set_loop_options(maximum_iterations=2, parallel_iterations=1, swap_memory=True)
            turns += 1
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(maximum_iterations=3)
            total += i
        return turns, total

    assert values(bounded(tf.constant(9))) == (2, 3)


def test_loop_options_of_a_loop_of_python_do_nothing() -> None:
    @tf.function
    def program(x: Any) -> Any:
        for _ in range(3):
            tf.autograph.experimental.set_loop_options(maximum_iterations=1)
            x += 1
        return x

    assert program(tf.constant(0)).numpy() == 3


# Operators.


def conditions(x: Any) -> Any:
    return (
        x > 0 and x < 5, x > 0 or x < -5, not x > 0, 0 < x < 5 < x * 2, 1 <= x != 3,
        not (x > 0 and not x > 5), True and x > 1, False or x > 1, x is not None and x > 2, None or x,
    )  # fmt: skip


def chosen(x: Any) -> Any:
    return 1 if x > 0 else 2, ("a" if x > 2 else "b") if x > 1 else "c", (x, 1) if x > 0 else (2, x)


@pytest.mark.parametrize("x", [-6, 0, 1, 2, 3, 4, 7])
def test_operators(x: int) -> None:
    check(conditions, x)
    expected = tf.nest.map_structure(lambda leaf: leaf.encode() if isinstance(leaf, str) else leaf, chosen(x))
    assert values(tf.function(chosen)(tf.constant(x))) == expected


def test_and_evaluates_no_more_than_it_needs() -> None:
    calls = []

    def noted(value: Any) -> Any:
        calls.append(value)
        return value

    @tf.function
    def program(x: Any) -> Any:
        return noted(False) and noted(x > 0), noted(True) or noted(x > 0)

    program(tf.constant(1))
    assert calls == [False, True]


def test_assert_holds_when_the_graph_runs() -> None:
    @tf.function
    def program(x: Any) -> Any:
        assert x > 5, "too small"
        assert isinstance(x, tf.Tensor)
        return x

    assert program(tf.constant(6)).numpy() == 6
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[too small"):
        program(tf.constant(1))

    @tf.function
    def of_python(x: Any) -> Any:
        assert x is None, "not None"
        return x

    with pytest.raises(AssertionError, match="not None"):
        of_python(tf.constant(1))


def test_functions_of_python() -> None:
    @tf.function
    def program(x: Any, flags: Any, text: Any) -> Any:
        return (
            len(x), len([1, 2]), int(x[0]), float(x[0]), int(text), float("3"), int("ff", 16), abs(-x[0]),
            max(x[0], 2.5), min(x), max([3, 4]), sum(x), sum([x[0], x[1]], 10.0), any(flags), all(flags),
            sorted(x), sorted(x, reverse=True), sorted([3, 1, 2], key=lambda item: -item),
            filter(lambda item: item > 1.0, x), list(filter(None, [0, 1])), list(map(abs, [-2, 3])),
        )  # fmt: skip

    result = program(tf.constant([3.5, 1.0, 2.0]), tf.constant([True, False]), tf.constant("7"))
    assert values(result) == (
        3, 2, 3, 3.5, 7, 3.0, 255, 3.5, 3.5, 1.0, 4, 6.5, 14.5, True, False,
        [1.0, 2.0, 3.5], [3.5, 2.0, 1.0], [3, 2, 1], [3.5, 2.0], [1], [2, 3],
    )  # fmt: skip


def test_len_of_an_unknown_number_of_rows() -> None:
    program = tf.function(lambda x: len(x), input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    assert program(tf.zeros([3, 2])).numpy() == 3


def test_print_of_a_tensor_prints_while_tracing(capsys: pytest.CaptureFixture[str]) -> None:
    @tf.function
    def program(x: Any) -> Any:
        print("hello", x)
        print(f"again {x}")
        return x

    program(tf.constant(1.0))
    program(tf.constant(2.0))
    assert capsys.readouterr().out == (
        'hello Tensor("x:0", shape=(), dtype=float32)\nagain Tensor("x:0", shape=(), dtype=float32)\n'
    )


# Gradients.


def polynomial(x: Any) -> Any:
    y = x
    for _ in tf.range(3):
        if y > 1.5:
            y = y * x * 2.0
        else:
            y = y + x
    return y


def test_gradients_inside_and_outside() -> None:
    def expected(x: float) -> tuple[float, float]:
        with tf.GradientTape() as tape:
            point = tf.constant(x)
            tape.watch(point)
            y = point
            for _ in range(3):
                y = y * point * 2.0 if y.numpy() > 1.5 else y + point
        return float(y), float(tape.gradient(y, point))

    @tf.function
    def inside(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = polynomial(x)
        return y, tape.gradient(y, x)

    for x in (0.25, 1.0, 2.0):
        assert values(inside(tf.constant(x))) == expected(x)
        with tf.GradientTape() as tape:
            point = tf.constant(x)
            tape.watch(point)
            y = tf.function(polynomial)(point)
        assert (float(y), float(tape.gradient(y, point))) == expected(x)


def test_the_functions_given_to_loops_and_conditionals_are_converted() -> None:
    def doubled(value: Any) -> Any:
        if value > 1:
            return value * 10
        return value

    @tf.function
    def program(x: Any) -> Any:
        return (
            tf.cond(x > 0, lambda: doubled(x), lambda: x),
            tf.while_loop(lambda i: i < 50 and i > 0, lambda i: [doubled(i)], [x])[0],
            tf.map_fn(lambda v: v if v > 1 else -v, tf.stack([x, 1])),
            tf.scan(lambda total, v: total + v if v > 1 else total, tf.stack([x, 1, x])),
            tf.foldl(lambda total, v: total + doubled(v), tf.stack([x, 1])),
            tf.switch_case(tf.constant(1), [lambda: x, lambda: doubled(x)]),
            tf.nest.map_structure(doubled, [x, -x]),
            functools.reduce(lambda a, b: a if a > b else b, [x, x * 2]),
        )

    assert values(program(tf.constant(3))) == (30, 300, [3, -1], [3, 3, 6], 4, 30, [30, -3], 6)


class Magnitude:
    def __call__(self, x: Any) -> Any:
        if x > 0:
            return x
        return -x


def test_callables_of_any_kind_given_to_loops_and_conditionals() -> None:
    variable = tf.Variable(-3)

    def magnitude() -> Any:
        if variable > 0:
            return variable.read_value()
        return -variable

    @tf.function
    def program(x: Any) -> Any:
        return (
            tf.cond(x > 0, true_fn=magnitude, false_fn=magnitude), tf.case([(x > 0, magnitude)], default=magnitude),
            tf.switch_case(tf.constant(0), [magnitude, magnitude]), tf.switch_case(tf.constant(0), {0: magnitude}),
            tf.map_fn(Magnitude(), tf.stack([x, -x])), tf.while_loop(lambda i: i < 0, Magnitude(), [x]),
        )  # fmt: skip

    assert values(program(tf.constant(-2))) == (3, 3, 3, 3, [2, 2], [2])


def test_comprehensions_call_converted_functions() -> None:
    @tf.function
    def program(x: Any) -> Any:
        def doubled(value: Any) -> Any:
            if value > 1:
                return value * 10
            return value

        items = tf.unstack(x)
        return (
            [doubled(item) for item in items], {name: doubled(item) for name, item in zip("ab", items, strict=True)},
            sum(doubled(item) for item in items), [item if item > 1 else -item for item in items],
        )  # fmt: skip

    assert values(program(tf.constant([1, 2]))) == ([1, 20], {"a": 1, "b": 20}, 21, [-1, 2])


def test_a_session_runs_what_to_graph_builds() -> None:
    def program(x: Any) -> Any:
        if x > 0:
            y = x * 2
        else:
            y = -x
        while y < 100:
            y *= 3
        return y

    with tf.compat.v1.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.int32, [])
        y = tf.compat.v1.autograph.to_graph(program)(x)
        with tf.compat.v1.Session() as session:
            assert [session.run(y, {x: value}) for value in (3, -5)] == [program(3), program(-5)]


def test_functions_that_run_eagerly_run_as_they_are() -> None:
    tf.config.run_functions_eagerly(True)
    try:
        seen = []

        @tf.function
        def program(x: Any) -> Any:
            if x > 0:
                seen.append(x.numpy())
            return x

        program(tf.constant(3))
        assert seen == [3]
    finally:
        tf.config.run_functions_eagerly(False)


def test_both_tiers_agree() -> None:
    def program(x: Any) -> Any:
        total = 0.0
        for item in x:
            if item > 0.0:
                total += item
            elif item < -2.0:
                break
        return total

    x = tf.constant([1.0, -1.0, 2.5, -3.0, 8.0])
    assert tf.function(program)(x).numpy() == np.float32(3.5)
    assert tf.function(program, jit_compile=True)(x).numpy() == np.float32(3.5)
