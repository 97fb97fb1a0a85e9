"""Tests the public reductions: their arguments, the names of their nodes, special values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import wrap
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction_functions import (
    count_nonzero,
    count_nonzero_v1,
    reduce_all,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_sum_v0,
    reduce_sum_v1,
    reduce_variance,
)
from tideflow._src.session.session import Session

TABLE = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("axis", [None, 0, -1, [0, 1], (1,), np.int64(1), []])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sum_is_numpys(axis: object, keepdims: bool) -> None:
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    wanted = TABLE.sum(axis=numpy_axis, keepdims=keepdims)
    np.testing.assert_array_equal(reduce_sum(wrap(TABLE), axis, keepdims).numpy(), wanted)


def test_integers_keep_their_dtype_and_wrap() -> None:
    total = reduce_sum(wrap(np.array([200, 200], np.uint8)))
    assert total.dtype is dtypes.uint8
    assert total.numpy() == 144


def test_the_mean_of_integers_is_rounded_towards_zero() -> None:
    assert reduce_mean(wrap(np.array([-3, -4], np.int32))).numpy() == -3


def test_half_precision_is_summed_in_single() -> None:
    assert abs(reduce_sum(wrap(np.full(1000, 0.1, np.float16))).numpy() - 100) < 0.1


def test_reductions_of_nothing() -> None:
    nothing = wrap(np.zeros((0, 2), np.float32))
    assert np.isnan(reduce_mean(nothing).numpy())
    assert reduce_max(nothing).numpy() == -np.inf
    assert reduce_min(nothing, 0).numpy().tolist() == [np.inf, np.inf]
    assert reduce_prod(nothing).numpy() == 1


def test_a_maximum_with_nan_is_nan() -> None:
    assert np.isnan(reduce_max(wrap(np.array([1, np.nan, 2], np.float32))).numpy())


@pytest.mark.parametrize("axis", [2, -3, [0, 0], [1, -1]])
def test_wrong_axes_are_rejected(axis: object) -> None:
    with pytest.raises(InvalidArgumentError, match="reduction"):
        reduce_sum(wrap(TABLE), axis)


def test_a_float_is_no_axis() -> None:
    with pytest.raises(TypeError, match="integer"):
        reduce_sum(wrap(TABLE), 1.5)


def test_old_argument_names() -> None:
    assert reduce_sum_v1(wrap(TABLE), reduction_indices=1, keep_dims=True).numpy().tolist() == [[3], [12]]
    assert reduce_sum_v0(wrap(TABLE), 0).numpy().tolist() == [3, 5, 7]
    with pytest.raises(ValueError, match="both 'reduction_indices' and 'axis'"):
        reduce_sum_v1(wrap(TABLE), axis=0, reduction_indices=1)


def test_names_in_a_graph() -> None:
    with Graph().as_default() as graph:
        x = placeholder(dtypes.float32, [None, 3])
        reduce_sum(x)
        reduce_mean(x, 1, name="average")
        names = [operation.name for operation in graph.get_operations()]
    assert names == ["Placeholder", "Const", "Sum", "average/reduction_indices", "average"]


def test_an_axis_of_unknown_rank() -> None:
    with Graph().as_default():
        x = placeholder(dtypes.float32)
        total = reduce_sum(x)
        assert total.shape.rank == 0
        with Session() as session:
            assert session.run(total, {x: TABLE}) == 15


def test_the_gradient_of_a_maximum_is_shared_among_ties() -> None:
    x = wrap(np.array([[1, 3, 3], [2, 2, 2]], np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = reduce_max(x, 1)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), [[0, 0.5, 0.5], [1 / 3] * 3], rtol=1e-6)


def test_the_gradient_of_a_product_with_zeros() -> None:
    x = wrap(np.array([[2, 0, 3], [0, 0, 5]], np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = reduce_prod(x, 1)
    assert tape.gradient(y, x).numpy().tolist() == [[0, 6, 0], [0, 0, 0]]


def test_the_gradient_of_a_product_whose_axes_are_fed() -> None:
    with Graph().as_default():
        x, axes = placeholder(dtypes.float32), placeholder(dtypes.int32)
        y = reduce_prod(x, axes)
        gradient = gradients(y, x)[0]
        values = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], np.float32)
        with Session() as session:
            found = session.run(gradient, {x: values, axes: [0, -1]})
    np.testing.assert_allclose(found, values.prod(axis=(0, 2), keepdims=True) / values)


def test_logsumexp_does_not_overflow() -> None:
    x = wrap(np.array([[1000, 1000], [-np.inf, -np.inf]], np.float32))
    np.testing.assert_allclose(reduce_logsumexp(x, 1).numpy(), [1000 + np.log(2), -np.inf], rtol=1e-6)


def test_deviation_and_variance() -> None:
    np.testing.assert_allclose(reduce_std(wrap(TABLE), 1).numpy(), TABLE.std(axis=1), rtol=1e-6)
    z = np.array([1 + 2j, 3], np.complex64)
    variance = reduce_variance(wrap(z))
    assert variance.dtype is dtypes.float32
    assert variance.numpy() == 2
    with pytest.raises(TypeError, match="integer"):
        reduce_variance(wrap(np.array([1, 2])))


def test_counts() -> None:
    assert count_nonzero([[0, 1], [2, 0]], 1, dtype=dtypes.int32).numpy().tolist() == [1, 1]
    assert count_nonzero(["a", ""]).numpy() == 1
    assert count_nonzero_v1(input_tensor=[0, 3], keep_dims=True).numpy().tolist() == [1]


def test_logical_reductions_need_booleans() -> None:
    assert reduce_all([[True, False], [True, True]], 1).numpy().tolist() == [False, True]
    with pytest.raises(InvalidArgumentError):
        reduce_all(wrap(TABLE))


def test_the_operation_takes_its_axes_as_a_tensor() -> None:
    assert raw.Sum(wrap(TABLE), wrap(np.array([1], np.int64)), keep_dims=True).numpy().tolist() == [[3], [12]]


def test_a_scalar_has_no_axis() -> None:
    for axis in (0, -1, [0]):
        with pytest.raises(InvalidArgumentError, match="Invalid reduction dimension"):
            reduce_sum(wrap(np.int32(3)), axis)
