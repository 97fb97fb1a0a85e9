"""Shows the checks wrong ops: each kind of mistake must be found, and a right op must pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.op import op

from . import subject
from .checks import Checks
from .comparison import list_difference, shape_allows, shape_difference, value_difference
from .generated import variants
from .oracle import Oracle

subject.every_op()

_TYPES = (
    "bfloat16",
    "half",
    "float",
    "double",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
)
_SQUARE_TYPES = (*_TYPES, "uint64", "complex64", "complex128")


@contextmanager
def square(
    *,
    signature: str = "x: T -> y: T",
    types: Any = _SQUARE_TYPES,
    excess: float = 0.0,
    wide: bool = False,
    error: bool = False,
    rank_lost: bool = False,
    slope: float = 2.0,
    cut: bool = False,
) -> Iterator[None]:
    """Puts an own definition of TensorFlow's Square into the registry, with flaws as asked."""
    saved = OpDef.registry.pop("Square", None)

    def kernel(xp: Any, x: Any) -> Any:
        if error:
            raise ValueError("this kernel always fails")
        result = x * x + np.asarray(excess, x.dtype)
        return result.astype(np.float64) if wide else result

    multiply: Any = OpDef.registry["Mul"]
    stop: Any = OpDef.registry["StopGradient"]
    try:
        definition = op("Square", signature, T=types)(kernel)

        @definition.shape
        def _shape(x: Any) -> Any:
            return x[:-1] if rank_lost and x else x

        @definition.gradient
        def _gradient(call: Any, dy: Any) -> Any:
            x = call.inputs[0]
            product = multiply(multiply(x, np.asarray(slope, x.dtype.as_numpy_dtype)), dy)
            return stop(product) if cut else product

        @definition.samples
        def _samples(s: Any) -> Iterator[Any]:
            yield s(s.normal(2, 3))
            yield s(s.normal(dtype="float64"))
            yield s(s.array((2,), "int32"))

        yield
    finally:
        OpDef.registry.pop("Square", None)
        if saved is not None:
            OpDef.registry["Square"] = saved


ASPECTS = (
    "op_def",
    "values",
    "static_shapes",
    "first_gradients",
    "second_gradients",
    "graph_def_from_tensorflow",
    "graph_def_to_tensorflow",
)


def found_by(oracle: Oracle) -> set[str]:
    checks = Checks(oracle)
    return {aspect for aspect in ASPECTS if getattr(checks, aspect)("Square")}


def test_a_right_op_passes(oracle: Oracle) -> None:
    with square():
        assert found_by(oracle) == set()


def test_another_name_of_an_input_is_found(oracle: Oracle) -> None:
    with square(signature="x: T -> z: T"):
        assert found_by(oracle) == {"op_def"}


def test_a_missing_type_is_found(oracle: Oracle) -> None:
    with square(types=_SQUARE_TYPES[:-1]):
        assert found_by(oracle) == {"op_def"}


def test_a_wrong_value_is_found(oracle: Oracle) -> None:
    with square(excess=1e-3):
        assert "values" in found_by(oracle)


def test_a_wrong_dtype_is_found(oracle: Oracle) -> None:
    with square(wide=True):
        assert "values" in found_by(oracle)


def test_an_error_that_tensorflow_does_not_raise_is_found(oracle: Oracle) -> None:
    with square(error=True):
        assert "values" in found_by(oracle)


def test_a_wrong_static_shape_is_found(oracle: Oracle) -> None:
    with square(rank_lost=True):
        assert "static_shapes" in found_by(oracle)


def test_a_wrong_gradient_is_found(oracle: Oracle) -> None:
    with square(slope=2.001):
        assert "first_gradients" in found_by(oracle)


def test_a_gradient_that_has_no_gradient_is_found(oracle: Oracle) -> None:
    with square(cut=True):
        assert found_by(oracle) == {"second_gradients"}


def test_generated_calls_of_an_elementwise_op_have_many_shapes_and_values() -> None:
    from hypothesis import find

    with square():
        definition = OpDef.registry["Square"]
        for wanted in (
            lambda sample: sample.inputs[0].size == 0,
            lambda sample: sample.inputs[0].ndim == 0,
            lambda sample: np.isnan(sample.inputs[0]).any(),
            lambda sample: np.isinf(sample.inputs[0]).any(),
            lambda sample: sample.inputs[0].dtype == np.int32 and (sample.inputs[0] == 2**31 - 1).any(),
        ):
            find(variants(definition), wanted)


def as_value(*numbers: float, dtype: Any = np.float32) -> Any:
    return np.dtype(dtype).name, np.array(numbers, dtype)


def test_values_are_the_same_within_the_tolerance_of_their_dtype() -> None:
    assert value_difference(as_value(1.0, np.nan, np.inf), as_value(1.0 + 1e-6, np.nan, np.inf)) is None
    assert value_difference(as_value(1.0, dtype=np.float64), as_value(1.0 + 1e-6, dtype=np.float64)) is not None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (as_value(1.0), as_value(1.001)),
        (as_value(1.0), as_value(np.nan)),
        (as_value(np.inf), as_value(-np.inf)),
        (as_value(np.inf), as_value(1.0)),
        (as_value(1.0), as_value(1.0, 1.0)),
        (as_value(1.0), as_value(1.0, dtype=np.float64)),
        (as_value(1, dtype=np.int32), as_value(2, dtype=np.int32)),
        (("string", np.array([b"a"], object)), ("string", np.array([b"b"], object))),
        (("bfloat16", np.array([0x3F80], np.uint16)), ("bfloat16", np.array([0x4000], np.uint16))),
        (("int4", np.array([1], np.int8)), ("int4", np.array([2], np.int8))),
        (("complex64", np.array([1 + 1j], np.complex64)), ("complex64", np.array([1 - 1j], np.complex64))),
        (None, as_value(1.0)),
    ],
)
def test_different_values_are_told_apart(found: Any, expected: Any) -> None:
    assert value_difference(found, expected) is not None
    assert list_difference([found], [expected]) is not None
    assert list_difference([found], [found]) is None


def test_shapes_are_told_apart() -> None:
    assert shape_difference([(2, None)], [(2, None)]) is None
    assert shape_difference([(2, None)], [None]) is None  # to know more than TensorFlow is no fault
    assert shape_difference([None], [(2, None)]) is not None
    assert shape_difference([(None, 3)], [(2, None)]) is not None
    assert shape_difference([(2, 3)], [(2, 4)]) is not None
    assert shape_difference([(2, 3)], [(2,)]) is not None
    assert shape_difference([(2, 3)], [(2, 3), ()]) is not None
    assert shape_difference([(2,)], {"error": ("ValueError", "")}) is not None
    assert shape_difference({"error": ("TypeError", "")}, {"error": ("ValueError", "")}) is not None
    assert shape_allows((2, None), (2, 3))
    assert not shape_allows((2, None), (3, 3))
    assert not shape_allows((2,), (2, 1))
    assert shape_allows(None, ())
