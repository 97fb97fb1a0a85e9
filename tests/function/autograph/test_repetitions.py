"""Loops over tensors give what Python gives over numbers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import tideflow as tf
from function.autograph.programs import Holder, Pair, check, values


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


def _concatenated(items: Any) -> Any:
    all_items, wide, count = tf.zeros([0], tf.int64), tf.zeros([1, 0], tf.int64), tf.constant(0)
    for item in items:
        if tf.size(item) > 2:
            continue
        all_items = tf.concat([all_items, item], 0)
        wide = tf.concat([wide, [item]], 1)
        count += 1
        if count > 2:
            break
    return all_items, wide, count


def test_a_loop_over_a_dataset_widens_shapes_and_one_over_its_iterator_does_not() -> None:
    function = tf.function(_concatenated)
    for size in (1, 2):
        items = tf.data.Dataset.range(9).batch(size)
        expected = list(range(3 * size))
        concatenated, wide, count = function(items)
        assert (concatenated.numpy().tolist(), wide.numpy().tolist(), int(count)) == (expected, [expected], 3)
    shapes = [tensor.shape.as_list() for tensor in function.get_concrete_function(items).outputs]
    assert shapes == [[None], [1, None], []]
    with pytest.raises(ValueError, match=r"'all_items' has shape \(0,\) before the loop, but shape \(None,\) after"):
        function(iter(items))

    @tf.function
    def total(pairs: Any) -> Any:
        result = tf.constant(0)
        for x, y in pairs:  # of unknown shapes
            result += tf.abs(y - x)
        return result

    pairs = tf.data.Dataset.from_generator(lambda: iter([(1, 3), (5, 4)]), (tf.int32, tf.int32))
    assert total(pairs).numpy() == 3

    @tf.function
    def other_dtype(numbers: Any) -> Any:
        result = tf.constant(1)
        for _ in numbers:
            result = tf.constant(1.0)
        return result

    with pytest.raises(TypeError, match="'result' has dtype int32 before the loop, but dtype float32 after one"):
        other_dtype(tf.data.Dataset.range(3))
