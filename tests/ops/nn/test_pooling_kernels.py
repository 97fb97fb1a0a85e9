"""Tests the pooling kernels against windows walked element by element."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

from tideflow._src.core import errors
from tideflow._src.ops.nn import pooling_kernels as kernels
from tideflow._src.ops.nn.pooling_plan import Window

TIERS = ("host", "xla")
#: (input NHWC, window, strides, padding, (top, bottom, left, right))
CASES: list[tuple[Any, ...]] = [
    ((2, 6, 8, 3), (2, 2), (2, 2), "VALID", ()),
    ((2, 7, 9, 3), (2, 3), (2, 3), "SAME", ()),
    ((2, 7, 9, 3), (2, 3), (2, 3), "VALID", ()),
    ((2, 7, 6, 2), (3, 3), (2, 2), "SAME", ()),
    ((2, 7, 6, 2), (3, 2), (1, 1), "VALID", ()),
    ((1, 9, 9, 2), (2, 1), (3, 4), "VALID", ()),
    ((1, 5, 6, 2), (5, 6), (1, 1), "VALID", ()),
    ((1, 12, 11, 2), (9, 8), (2, 1), "SAME", ()),
    ((1, 18, 9, 1), (9, 9), (9, 9), "VALID", ()),
    ((1, 40, 41, 1), (35, 33), (2, 3), "SAME", ()),
    ((0, 6, 8, 3), (2, 2), (2, 2), "VALID", ()),
    ((2, 1, 8, 3), (2, 2), (2, 2), "VALID", ()),
]
EXPLICIT: tuple[Any, ...] = ((2, 6, 5, 2), (3, 3), (2, 1), "EXPLICIT", (1, 2, 2, 0))


def _windows(case: tuple[Any, ...]) -> Any:
    """Yields (output row, output column, rows, columns): the input positions that each window holds."""
    shape, window, strides, padding, pads = case
    axes = []
    for size, length, stride, pad in zip(shape[1:3], window, strides, (pads[:2], pads[2:]), strict=True):
        if padding == "SAME":
            output = int(np.ceil(size / stride))
            before = max((output - 1) * stride + length - size, 0) // 2
        else:
            output, before = max((size + sum(pad) - length) // stride + 1, 0), sum(pad[:1])
        starts = [o * stride - before for o in range(output)]
        axes.append([[p for p in range(start, start + length) if 0 <= p < size] for start in starts])
    for (y, rows), (x, columns) in itertools.product(enumerate(axes[0]), enumerate(axes[1])):
        yield y, x, rows, columns


def _output_shape(case: tuple[Any, ...]) -> tuple[int, ...]:
    places = [(y, x) for y, x, _, _ in _windows(case)]
    height, width = (max((p[k] for p in places), default=-1) + 1 for k in (0, 1))
    return case[0][0], height, width or case[0][2] // case[2][1], case[0][3]


def _first_maxima(case: tuple[Any, ...], x: np.ndarray) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Maps every output element to the first input element, in row-major order, that holds its maximum."""
    first = {}
    for (y, column, rows, columns), n, c in itertools.product(_windows(case), range(x.shape[0]), range(x.shape[3])):
        best = None
        for position in itertools.product(rows, columns):
            if best is None or x[n, *position, c] > x[n, *best, c]:
                best = position
        assert best is not None
        first[n, y, column, c] = (n, *best, c)
    return first


def _attributes(case: tuple[Any, ...], layout: str = "NHWC") -> dict[str, Any]:
    _, window, strides, padding, pads = case
    four = (lambda pair: [1, *pair, 1]) if layout == "NHWC" else (lambda pair: [1, 1, *pair])
    attributes = {"ksize": four(window), "strides": four(strides), "padding": padding, "data_format": layout}
    if pads:
        attributes["explicit_paddings"] = [0, 0, *pads, 0, 0] if layout == "NHWC" else [0, 0, 0, 0, *pads]
    return attributes


def _layout(x: np.ndarray, layout: str) -> np.ndarray:
    return x if layout == "NHWC" else x.transpose(0, 3, 1, 2)


def _call(name: str, tier: str, arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Runs a kernel; the xla one jitted over its array arguments."""
    function = getattr(getattr(kernels, name), tier)
    window = Window(**{key: attributes[key] for key in Window._fields if key in attributes})
    others = {key: value for key, value in attributes.items() if key not in Window._fields}
    arguments = (*arguments, window)
    if tier == "host":
        return function(*arguments, **others)
    arrays = [a for a in arguments if not isinstance(a, tuple)]

    def traced(*values: Any) -> Any:
        rest = iter(values)
        return function(*(a if isinstance(a, tuple) else next(rest) for a in arguments), **others)

    return jax.tree.map(np.asarray, jax.jit(traced)(*arrays))


@pytest.fixture(autouse=True)
def _wide_types() -> Any:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int8", "int64"])
@pytest.mark.parametrize("tier", TIERS)
def test_maximum_of_every_dtype(tier: str, dtype: str) -> None:
    case = CASES[3]
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    x = np.random.RandomState(1).randint(-9, -1, case[0]).astype(kind)
    got = _call("max_pool", tier, (x,), _attributes(case))
    assert got.dtype == kind
    for output, source in _first_maxima(case, x).items():
        assert got[output] == x[source]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("case", [*CASES, EXPLICIT])
def test_maximum_and_its_gradients_on_tied_data(case: tuple[Any, ...], tier: str, layout: str) -> None:
    random = np.random.RandomState(3)
    x = random.randint(-2, 2, case[0]).astype(np.float32)
    x[x == -2] = -np.inf
    shape = _output_shape(case)
    dy, ddy = random.randn(*shape).astype(np.float32), random.randn(*x.shape).astype(np.float32)
    y, dx, second = np.zeros(shape, np.float32), np.zeros_like(x), np.zeros(shape, np.float32)
    for output, source in _first_maxima(case, x).items():
        y[output], second[output] = x[source], ddy[source]
        dx[source] += dy[output]
    attributes = _attributes(case, layout)
    images = _layout(x, layout)
    got = _call("max_pool", tier, (images,), attributes)
    np.testing.assert_array_equal(got, _layout(y, layout))
    got = _call("max_pool_grad", tier, (images, got, _layout(dy, layout)), attributes)
    np.testing.assert_allclose(got, _layout(dx, layout), rtol=1e-5, atol=1e-5)
    if case is not EXPLICIT:
        got = _call("max_pool_grad_grad", tier, (images, _layout(y, layout), _layout(ddy, layout)), attributes)
        np.testing.assert_array_equal(got, _layout(second, layout))


@pytest.mark.parametrize("with_batch", [False, True])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("case", CASES)
def test_argmax_is_the_first_maximum(case: tuple[Any, ...], tier: str, with_batch: bool) -> None:
    x = np.random.RandomState(4).randint(-2, 2, case[0]).astype(np.float32)
    attributes = _attributes(case)
    del attributes["data_format"]
    values, index = _call(
        "max_pool_with_argmax",
        tier,
        (x,),
        attributes | {"include_batch_in_index": with_batch, "Targmax": np.int32},
    )
    assert index.dtype == np.int32
    assert values.shape == index.shape == _output_shape(case)
    for output, source in _first_maxima(case, x).items():
        assert values[output] == x[source]
        expected = np.ravel_multi_index(source, x.shape) - (0 if with_batch else source[0] * x[0].size)
        assert index[output] == expected


@pytest.mark.parametrize("tier", TIERS)
def test_gradient_of_a_window_with_nan_goes_to_a_leading_nan(tier: str) -> None:
    attributes = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    for values, place in (([np.nan, 1, 2, 3], 0), ([2, np.nan, 3, 1], 2)):
        x = np.array(values, np.float32).reshape(1, 2, 2, 1)
        one = np.ones((1, 1, 1, 1), np.float32)
        got = _call("max_pool_grad", tier, (x, one, one), attributes)
        np.testing.assert_array_equal(got.ravel(), np.eye(4, dtype=np.float32)[place])


@pytest.mark.parametrize("tier", TIERS)
def test_gradient_does_not_trust_orig_output(tier: str) -> None:
    case = CASES[0]
    x = np.random.RandomState(5).randn(*case[0]).astype(np.float32)
    y = _call("max_pool", tier, (x,), _attributes(case))
    dy = np.ones_like(y)
    rounded = _call("max_pool_grad", tier, (x, np.nextafter(y, np.float32(9)), dy), _attributes(case))
    np.testing.assert_array_equal(rounded, _call("max_pool_grad", tier, (x, y, dy), _attributes(case)))
    assert rounded.sum() == dy.size


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_average_and_its_gradient(case: tuple[Any, ...], dtype: str, tier: str, layout: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    random = np.random.RandomState(6)
    shape = _output_shape(case)
    x, dy = random.randn(*case[0]).astype(kind), random.randn(*shape).astype(kind)
    y, dx = np.zeros(shape), np.zeros(x.shape)
    for row, column, rows, columns in _windows(case):
        part = (slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        y[:, row, column] = x[part].astype(np.float64).mean(axis=(1, 2))
        dx[part] += dy[:, row, column].astype(np.float64)[:, None, None] / (len(rows) * len(columns))
    tolerance = {"float32": 1e-5, "float64": 1e-12, "float16": 5e-3, "bfloat16": 4e-2}[dtype]
    images = _layout(x, layout)
    got = _call("avg_pool", tier, (images,), _attributes(case, layout))
    assert got.dtype == kind
    np.testing.assert_allclose(got.astype(np.float64), _layout(y, layout), atol=tolerance)
    got = _call("avg_pool_grad", tier, (images.shape, _layout(dy, layout)), _attributes(case, layout))
    assert got.dtype == kind
    np.testing.assert_allclose(got.astype(np.float64), _layout(dx, layout), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("tier", TIERS)
def test_maximum_over_depth(tier: str) -> None:
    x = np.random.RandomState(8).randn(2, 3, 3, 6).astype(np.float32)
    attributes = {"ksize": [1, 1, 1, 3], "strides": [1, 1, 1, 3], "padding": "VALID"}
    got = _call("max_pool", tier, (x,), attributes)
    np.testing.assert_array_equal(got, np.stack([x[..., :3].max(-1), x[..., 3:].max(-1)], -1))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ksize": [1, 0, 2, 1]}, errors.InvalidArgumentError, "ksize must be positive"),
        ({"ksize": [1, 2, 2]}, errors.InvalidArgumentError, "4 dimensions"),
        ({"strides": [1, 0, 2, 1]}, errors.InvalidArgumentError, "Stride must be > 0"),
        ({"shape": (5, 5, 4)}, errors.InvalidArgumentError, "4 dimensions"),
        ({"ksize": [1, 9, 2, 1], "strides": [1, 1, 1, 1]}, errors.InvalidArgumentError, "negative"),
        (
            {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 3, 1, 0, 1, 0, 0]},
            errors.InvalidArgumentError,
            "smaller than the window size 2",
        ),
        ({"ksize": [2, 2, 2, 1]}, errors.UnimplementedError, "batch"),
        ({"ksize": [1, 2, 2, 2]}, errors.UnimplementedError, "not both"),
        ({"ksize": [1, 1, 1, 3], "strides": [1, 1, 1, 3]}, errors.UnimplementedError, "evenly divide"),
        (
            {"ksize": [1, 1, 1, 2], "strides": [1, 1, 1, 1]},
            errors.UnimplementedError,
            "equal the depth stride",
        ),
    ],
)
def test_bad_arguments(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {
        "shape": (2, 5, 5, 4),
        "ksize": [1, 2, 2, 1],
        "strides": [1, 2, 2, 1],
        "padding": "VALID",
    }
    given.update(changes)
    with pytest.raises(error, match=message):
        kernels.max_pool.host(np.ones(given.pop("shape"), np.float32), Window(**given))


def test_gradients_check_shapes() -> None:
    x, good, bad = (np.ones(shape, np.float32) for shape in ((2, 5, 5, 4), (2, 2, 2, 4), (2, 2, 3, 4)))
    attributes = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    with pytest.raises(errors.InvalidArgumentError, match=r"orig_output shape to be \[2, 2, 2, 4\]"):
        kernels.max_pool_grad.host(x, bad, good, Window(**attributes))
    with pytest.raises(errors.InvalidArgumentError, match=r"grad shape to be \[2, 2, 2, 4\]"):
        kernels.max_pool_grad.host(x, good, bad, Window(**attributes))
    with pytest.raises(errors.InvalidArgumentError, match=r"grad shape to be \[2, 2, 2, 4\]"):
        kernels.avg_pool_grad.host(x.shape, bad, Window(**attributes))
    with pytest.raises(errors.UnimplementedError, match="depth"):
        kernels.avg_pool.host(x, Window([1, 1, 1, 2], [1, 1, 1, 2], "VALID"))
