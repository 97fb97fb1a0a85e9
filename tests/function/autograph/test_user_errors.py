"""Errors of traced code have TensorFlow's classes and messages, and name the lines of the user's code."""

from __future__ import annotations

import dataclasses
import inspect
import os
import pickle
import traceback
from typing import Any

import pytest

import tideflow as tf

OPERATORS = os.path.join("tideflow", "_src", "function", "autograph")


class Plain(Exception):
    """Is made of a message."""


class Structured(ValueError):
    """Is made of more than a message."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def raises(x: Any, error: Any) -> Any:
    if x is not None:
        raise error
    return x


def calls(x: Any, error: Any) -> Any:
    return raises(x, error)


def line_of(function: Any, text: str) -> int:
    """Returns the number of the line of a function that holds a text."""
    lines, first = inspect.getsourcelines(function)
    return first + next(number for number, line in enumerate(lines) if text in line)


def raised(function: Any, *arguments: Any) -> BaseException:
    """Returns what a call raises."""
    with pytest.raises(BaseException) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"), TypeError("bad"), KeyError("k"), NotImplementedError("bad"), AttributeError("a"),
        RuntimeError("bad"), AssertionError("bad"), IndexError("bad"), StopIteration(), NameError("n"), Plain("own"),
        tf.errors.InvalidArgumentError(None, None, "bad"), tf.errors.OutOfRangeError(None, None, "end"),
        tf.errors.OpError(None, None, "bad", 3), tf.errors.OperatorNotAllowedInGraphError("bad"),
    ],
)  # fmt: skip
def test_messages_start_with_the_user_s_lines(error: Exception) -> None:
    told = raised(tf.function(calls), tf.constant(1), error)
    text = error.message if isinstance(error, tf.errors.OpError) else error
    assert isinstance(told, type(error))
    assert type(told).__name__ == type(error).__name__
    assert str(told) == (
        "in user code:\n\n"
        f'    File "{__file__}", line {line_of(calls, "return")}, in calls  *\n        return raises(x, error)\n'
        f'    File "{__file__}", line {line_of(raises, "raise error")}, in raises  *\n        raise error\n'
        f"\n    {type(error).__name__}: {text}\n"
    )
    assert told.__cause__ is None
    assert told.__suppress_context__


@pytest.mark.parametrize("error", [Structured(3, "text"), OSError(2, "no file"), ExceptionGroup("g", [ValueError()])])
def test_what_is_more_than_a_message_is_raised_as_it_is(error: Exception) -> None:
    assert raised(tf.function(calls), tf.constant(1), error) is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2)])
def test_what_ends_the_program_is_raised_as_it_is(error: BaseException) -> None:
    assert raised(tf.function(calls), tf.constant(1), error) is error


def test_further_attributes_are_kept() -> None:
    error = Plain("own")
    error.detail = 5  # type: ignore[attr-defined]
    error.add_note("a note")
    told: Any = raised(tf.function(calls), tf.constant(1), error)
    assert told.detail == 5
    assert told.__notes__ == ["a note"]


def test_a_status_keeps_its_code_and_can_be_pickled() -> None:
    told: Any = raised(tf.function(calls), tf.constant(1), tf.errors.InvalidArgumentError(None, None, "bad"))
    assert told.error_code == tf.errors.INVALID_ARGUMENT
    assert "in user code" in told.message
    assert "in user code" in str(pickle.loads(pickle.dumps(told)))


def test_functions_that_call_traced_functions_tell_one_message() -> None:
    inner = tf.function(raises)

    def outer(x: Any, error: Any) -> Any:
        return inner(x, error)

    message = str(raised(tf.function(outer), tf.constant(1), ValueError("bad")))
    assert message.count("in user code") == 1
    assert message.count("    File ") == 2
    assert message.endswith("    ValueError: bad\n")
    assert "in outer  *" in message
    assert "in raises  *" in message


def test_functions_that_run_as_they_are_have_two_stars() -> None:
    @tf.autograph.experimental.do_not_convert
    def unconverted(x: Any) -> Any:
        raise ValueError("bad")

    message = str(raised(tf.function(lambda x: unconverted(x)), tf.constant(1)))
    assert "in <lambda>  *\n" in message
    assert "in unconverted  **\n" in message


def test_a_handler_inside_sees_the_exception_as_it_was() -> None:
    seen = []

    @tf.function
    def program(x: Any) -> Any:
        try:
            calls(x, ValueError("bad"))
        except ValueError as error:
            seen.append(str(error))
        return x

    program(tf.constant(1))
    assert seen == ["bad"]


def test_functions_without_conversion_raise_what_was_raised() -> None:
    error = ValueError("bad")
    assert raised(tf.function(calls, autograph=False), tf.constant(1), error) is error


def test_tracebacks_show_the_user_s_lines_and_no_operators() -> None:
    def program(x: Any) -> Any:
        for i in tf.range(3):
            if i > 1:
                x += tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))
        return x

    error = raised(tf.function(program), tf.constant(1.0))
    shown = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in shown if frame.filename == __file__ and frame.name == "program"]
    assert own[-1] == line_of(program, "matmul")
    assert set(own) <= set(range(line_of(program, "for"), line_of(program, "return")))
    assert not [frame for frame in shown if "_ag_" in frame.name]
    assert {frame.name for frame in shown if OPERATORS in frame.filename} == {"reported"}
    assert f"line {line_of(program, 'matmul')}, in program  *" in str(error)
    assert str(error).count("    File ") == 1


def test_traceback_filtering_can_be_disabled() -> None:
    tf.debugging.disable_traceback_filtering()
    try:
        error = raised(tf.function(lambda x: -x if x > 0 else calls(x, ValueError("bad"))), tf.constant(1))
    finally:
        tf.debugging.enable_traceback_filtering()
    shown = traceback.extract_tb(error.__traceback__)
    assert {frame.name for frame in shown if OPERATORS in frame.filename} > {"reported"}


def test_errors_of_a_running_graph_name_the_user_s_line() -> None:
    def program(x: Any) -> Any:
        for i in tf.range(3):
            if i > 1:
                x = tf.debugging.check_numerics(x / 0.0, "not finite")
        return x

    message = str(raised(tf.function(program), tf.constant(1.0)))
    assert f"{__file__}:{line_of(program, 'check_numerics')}, in program" in message


# Messages.


def undefined_in_a_branch(x: Any) -> Any:
    if x > 0:
        y = x
    return y


def none_in_a_branch(x: Any) -> Any:
    if x > 0:
        y = None
    else:
        y = x
    return y


def other_dtypes_in_branches(x: Any) -> Any:
    if x > 0:
        y = 1
    else:
        y = 1.0
    return y


def other_dtypes_in_an_expression(x: Any) -> Any:
    return 1 if x > 0 else 2.0


def other_structures_in_branches(x: Any) -> Any:
    if x > 0:
        return x, x
    else:
        return x


def attribute_in_one_branch(x: Any) -> Any:
    raises.text = None
    del raises.text
    if x > 0:
        raises.text = x
    return x


def item_in_one_branch(x: Any) -> Any:
    table: dict[str, Any] = {}
    if x > 0:
        table["a"] = x
    return table


def no_return_in_a_branch(x: Any) -> Any:  # noqa: RET503 (that is the fault)
    if x > 0:
        return x


def vector_as_condition(x: Any) -> Any:
    if tf.constant([True, False]):
        return 1
    return 2


def number_as_condition(x: Any) -> Any:
    if tf.constant(1):
        return 1
    return 2


def number_as_condition_of_a_loop(x: Any) -> Any:
    i = tf.constant(3)
    while i:
        i -= 1
    return i


def objects_in_branches(x: Any) -> Any:
    if x > 0:
        y = object()
    else:
        y = object()
    return y


@dataclasses.dataclass
class Pair:
    """Is compared by its value, which a tensor has not yet."""

    value: Any


def records_in_branches(x: Any) -> Any:
    pair = Pair(x)
    if x > 0:
        pair = Pair(x * 2)
    return pair.value


def other_dtype_after_a_turn(x: Any) -> Any:
    y = 1
    for _ in tf.range(3):
        y = tf.cast(y, tf.float32)
    return y


def other_shape_after_a_turn(x: Any) -> Any:
    y = tf.zeros([1])
    while x < 3.0:
        x += 1
        y = tf.concat([y, y], 0)
    return y


def other_structure_after_a_turn(x: Any) -> Any:
    y = x
    for _ in tf.range(3):
        y = (x, x)
    return y


def break_of_a_loop_of_python(x: Any) -> Any:
    for _ in range(10):
        if x > 0:
            break
        x += 1
    return x


def condition_that_becomes_a_tensor(x: Any) -> Any:
    done = False
    while not done:
        x += 1
        done = x > 7
    return x


def scalar_as_rows(x: Any) -> Any:
    for _ in x:
        pass
    return x


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        (undefined_in_a_branch, ValueError, "'y' must also be initialized in the else branch"),
        (none_in_a_branch, ValueError, "'y' is None at the end of the main branch."),
        (
            other_dtypes_in_branches, TypeError,
            "'y' has dtype int32 in the main branch, but dtype float32 in the else branch",
        ),
        (
            other_dtypes_in_an_expression, TypeError,
            "'x > 0' has dtype int32 in the main branch, but dtype float32 in the else branch",
        ),
        (
            other_structures_in_branches, TypeError,
            "'retval_' must have the same nested structure in the main and else branches:",
        ),
        (attribute_in_one_branch, ValueError, "'raises.text' must also be initialized in the else branch"),
        (item_in_one_branch, ValueError, "'table['a']' must also be initialized in the else branch"),
        (no_return_in_a_branch, ValueError, "the else branch must also have a return statement."),
        (
            vector_as_condition, ValueError,
            'condition of if statement expected to be `tf.bool` scalar, got Tensor("Const:0", shape=(2,), dtype=bool); '
            "to check for None, use `is not None`",
        ),
        (
            number_as_condition, ValueError,
            'condition of if statement expected to be `tf.bool` scalar, got Tensor("Const:0", shape=(), dtype=int32); '
            "to use as boolean Tensor, use `tf.cast`; to check for None, use `is not None`",
        ),
        (number_as_condition_of_a_loop, ValueError, "condition of while loop expected to be `tf.bool` scalar"),
        (objects_in_branches, TypeError, "only tensors can hold such a value"),
        (records_in_branches, TypeError, "only tensors can hold such a value"),
        (
            other_dtype_after_a_turn, TypeError,
            "'y' has dtype int32 before the loop, but dtype float32 after one iteration",
        ),
        (
            other_shape_after_a_turn, ValueError,
            "'y' has shape (1,) before the loop, but shape (2,) after one iteration. Use "
            "tf.autograph.experimental.set_loop_options to set shape invariants.",
        ),
        (
            other_structure_after_a_turn, TypeError,
            "'y' does not have the same nested structure after one iteration.",
        ),
        (
            break_of_a_loop_of_python, NotImplementedError,
            "break and return statements which depend on a TF condition are not supported in Python for loops. "
            "Did you intend to make it a TF loop?",
        ),
        (
            condition_that_becomes_a_tensor, NotImplementedError,
            "The condition of while loop started as non-Tensor, then changed to Tensor.",
        ),
        (scalar_as_rows, ValueError, "cannot iterate over a scalar"),
    ],
)  # fmt: skip
def test_messages(program: Any, kind: type[Exception], message: str) -> None:
    error = raised(tf.function(program), tf.constant(1.0))
    assert isinstance(error, kind)
    assert message in str(error)
    assert f"in {program.__name__}  *" in str(error)


def test_a_list_that_a_loop_appends_to_is_named() -> None:
    def program(x: Any) -> Any:
        found = []
        for i in tf.range(3):
            found.append(i * x)
        return found

    message = str(raised(tf.function(program), tf.constant(1)))
    assert "appended to a list of Python in a branch or a loop of the graph" in message
    assert f"{__file__}:{line_of(program, 'append')}, in program" in message
    assert "tf.TensorArray" in message


def test_a_list_of_a_loop_s_own_is_no_fault() -> None:
    @tf.function
    def program(x: Any) -> Any:
        for i in tf.range(3):
            items = []
            items.append(i)
            items.append(x)
            x = items[0] + items[1]
        return x

    assert program(tf.constant(1)).numpy() == 4
