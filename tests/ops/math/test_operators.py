"""Tests the operators of tensors: values, dtypes, errors, and the names of the nodes that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import context, float_errors
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.runtime.convert import convert_to_tensor

FLOATS = convert_to_tensor([1.0, -2.0, 4.0])
INTEGERS = convert_to_tensor([7, -7, 3])
TRUTHS = convert_to_tensor([True, False])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lambda: FLOATS + FLOATS, [2.0, -4.0, 8.0]),
        (lambda: 1.5 + FLOATS, [2.5, -0.5, 5.5]),
        (lambda: 1 - FLOATS, [0.0, 3.0, -3.0]),
        (lambda: FLOATS * 2, [2.0, -4.0, 8.0]),
        (lambda: np.array([1.0, 1.0, 1.0]) / FLOATS, [1.0, -0.5, 0.25]),
        (lambda: 2**FLOATS, [2.0, 0.25, 16.0]),
        (lambda: FLOATS % 3.0, [1.0, 1.0, 1.0]),
        (lambda: FLOATS // 3.0, [0.0, -1.0, 1.0]),
        (lambda: -FLOATS, [-1.0, 2.0, -4.0]),
        (lambda: abs(FLOATS), [1.0, 2.0, 4.0]),
        (lambda: FLOATS > 0, [True, False, True]),
        (lambda: FLOATS <= 1.0, [True, True, False]),
        (lambda: INTEGERS // 2, [3, -4, 1]),
        (lambda: INTEGERS % 2, [1, 1, 1]),
        (lambda: 5 & INTEGERS, [5, 1, 1]),
        (lambda: INTEGERS | 8, [15, -7, 11]),
        (lambda: INTEGERS ^ 1, [6, -8, 2]),
        (lambda: ~INTEGERS, [-8, 6, -4]),
        (lambda: TRUTHS & [True, True], [True, False]),
        (lambda: True ^ TRUTHS, [False, True]),
        (lambda: ~TRUTHS, [False, True]),
    ],
)
def test_values(result: Any, expected: list[Any]) -> None:
    assert result().numpy().tolist() == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("int8", "float32"), ("int16", "float32"), ("int32", "float64"), ("int64", "float64"), ("uint64", "float64")],
)
def test_true_division_of_integers(dtype: str, expected: str) -> None:
    quotient = convert_to_tensor([1, 3], dtype) / 2
    assert quotient.dtype.name == expected
    assert quotient.numpy().tolist() == [0.5, 1.5]


def test_numbers_take_the_type_of_the_tensor() -> None:
    assert (FLOATS + 1).dtype.name == "float32"
    assert (1.0 + convert_to_tensor([1.0], "float64")).dtype.name == "float64"
    assert (convert_to_tensor([1.0], "bfloat16") * 2.0).dtype.name == "bfloat16"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: FLOATS + INTEGERS, InvalidArgumentError),
        (lambda: INTEGERS + 1.5, InvalidArgumentError),
        (lambda: 1.5 + INTEGERS, TypeError),
        (lambda: FLOATS + convert_to_tensor([1.0, 2.0]), InvalidArgumentError),
        (lambda: FLOATS + None, ValueError),
        (lambda: INTEGERS // 0, InvalidArgumentError),
        (lambda: INTEGERS % 0, InvalidArgumentError),
        (lambda: INTEGERS ** convert_to_tensor(-1), InvalidArgumentError),
    ],
)
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_equality_compares_elements_or_shapes() -> None:
    assert (FLOATS == [1.0, 2.0, 4.0]).numpy().tolist() == [True, False, True]
    assert (FLOATS != 1.0).numpy().tolist() == [False, True, True]
    assert not bool(convert_to_tensor([1.0, 2.0]) == FLOATS)
    assert bool(convert_to_tensor([1.0, 2.0]) != FLOATS)
    assert (FLOATS == None) is False  # noqa: E711
    assert (FLOATS != None) is True  # noqa: E711


def test_equality_is_identity_in_tensorflow_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context.mode, "tensor_equality", False)
    assert (FLOATS == FLOATS) is True
    assert (convert_to_tensor([1.0, -2.0, 4.0]) == FLOATS) is False


def test_equality_of_graph_tensors_is_identity() -> None:
    with Graph().as_default():
        x = placeholder("float32", [2])
        assert (x == x) is True
        assert (x != 1.0) is True


@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("x + 1.0", ["x", "i", "add/y", "add"]),
        ("1.0 - x", ["x", "i", "sub/x", "sub"]),
        ("x * x", ["x", "i", "mul"]),
        ("i / 3", ["x", "i", "truediv/y", "truediv/Cast", "truediv/Cast_1", "truediv"]),
        ("i // 2 + i // 2", ["x", "i", "floordiv/y", "floordiv", "floordiv_1/y", "floordiv_1", "add"]),
        ("-x", ["x", "i", "Neg"]),
        ("x < 1.0", ["x", "i", "Less/y", "Less"]),
        ("i & 3", ["x", "i", "and/BitwiseAnd/y", "and/BitwiseAnd"]),
        ("3 | i", ["x", "i", "or/x", "or/BitwiseOr"]),
    ],
)
def test_names_of_nodes(expression: str, nodes: list[str]) -> None:
    with Graph().as_default() as graph:
        eval(expression, {"x": placeholder("float32", [2], "x"), "i": placeholder("int32", [2], "i")})
        assert [op.name for op in graph.get_operations()] == nodes


def test_gradients_pass_through_operators_with_numbers() -> None:
    with GradientTape() as tape:
        tape.watch(FLOATS)
        y = 2.0 * FLOATS * FLOATS + 1.0 / FLOATS - FLOATS / 4
    np.testing.assert_allclose(tape.gradient(y, FLOATS).numpy(), [2.75, -8.5, 15.6875])


class _Knowing:
    def __radd__(self, other: Any) -> str:
        return "mine"


def test_other_classes_may_know_better() -> None:
    assert FLOATS + _Knowing() == "mine"  # type: ignore[operator, comparison-overlap]


def test_a_taken_context_does_not_matter() -> None:
    _ = FLOATS + FLOATS
    assert float_errors.run_quietly(lambda: (FLOATS + FLOATS).numpy().tolist()) == [2.0, -4.0, 8.0]


def test_no_warning_of_overflow() -> None:
    big = convert_to_tensor([3e38])
    assert np.isinf((big * big).numpy()).all()
    assert np.isnan((convert_to_tensor(0.0) / 0.0).numpy())


def test_a_product_of_booleans_is_a_boolean() -> None:
    for product in (TRUTHS * TRUTHS, TRUTHS * True, 1 * TRUTHS):
        assert product.numpy().tolist() == [True, False]
