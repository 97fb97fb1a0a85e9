"""Convolves uniformly quantized tensors of any number of spatial dimensions."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, invalid_argument
from tideflow._src.ops.dimensions import text
from tideflow._src.ops.quantization.numbers import packed, plain
from tideflow._src.ops.quantization.uniform import (
    along,
    check_parameters,
    check_scales,
    limits,
    requantize,
)
from tideflow._src.ops.quantization.uniform_dot import check_product_axes, quantize_rows
from tideflow._src.runtime.op import op

_PADDINGS = ("SAME", "VALID", "EXPLICIT")


class Layout(NamedTuple):
    """Is which dimension is what: batch, features and space of the input; input and output features and space of
    the kernel; batch, features and space of the result."""

    lhs: tuple[int, ...]
    rhs: tuple[int, ...]
    output: tuple[int, ...]


class Window(NamedTuple):
    """Is how the kernel moves over the input."""

    strides: list[int]
    pads: list[tuple[int, int]]
    lhs_dilation: list[int]
    rhs_dilation: list[int]
    groups: int
    batch_groups: int


def _layout(dimension_numbers: str | bytes, rank: int) -> Layout:
    """Reads a ``UniformQuantizedConvolutionDimensionNumbersAttr``; without one, features come before space."""
    spatial = tuple(range(2, rank))
    if not dimension_numbers:
        return Layout((0, 1, *spatial), (1, 0, *spatial), (0, 1, *spatial))
    data = dimension_numbers.encode("latin-1") if isinstance(dimension_numbers, str) else dimension_numbers
    fields: dict[int, list[int]] = {number: [] for number in range(1, 10)}
    try:
        for number, value in _fields(data):
            fields[number].append(value)
    except (IndexError, KeyError):
        raise invalid_argument("Error parsing dimension_numbers.") from None
    parts = []
    for first in (1, 4, 7):
        heads = [(fields[first + offset] or [0])[-1] for offset in (0, 1)]
        part = (*heads, *fields[first + 2])
        if sorted(part) != list(range(rank)):
            raise invalid_argument(
                f"dimension_numbers must name each of {rank} dimensions once, but names {list(part)}"
            )
        parts.append(part)
    return Layout(*parts)


def _fields(data: bytes) -> Any:
    """Yields the numbers and values of the integers in a message, packed ones included."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            end = place + length
            while place < end:
                yield key >> 3, varint()
        else:
            raise IndexError


def _window(
    lhs: tuple[int, ...],
    rhs: tuple[int, ...],
    layout: Layout,
    window_strides: list[int],
    padding: str,
    explicit_padding: list[int],
    lhs_dilation: list[int],
    rhs_dilation: list[int],
    batch_group_count: int,
    feature_group_count: int,
) -> Window:
    """Checks the attributes against the shapes, and completes them."""
    count = len(lhs) - 2
    if padding not in _PADDINGS:
        raise invalid_argument(f"padding Attr must be one of [EXPLICIT | SAME | VALID], but given: {padding}")
    values = {}
    for name, given in (
        ("window_strides", window_strides),
        ("lhs_dilation", lhs_dilation),
        ("rhs_dilation", rhs_dilation),
    ):
        values[name] = list(given) or [1] * count
        if len(values[name]) != count or min(values[name], default=1) < 1:
            raise invalid_argument(f"{name} must hold {count} positive numbers, but is {list(given)}")
    if (padding == "EXPLICIT") != bool(explicit_padding) or len(explicit_padding) not in (0, 2 * count):
        raise invalid_argument(
            f"explicit_padding must hold {2 * count} numbers if padding is EXPLICIT and none otherwise, but padding is "
            f"{padding} and explicit_padding is {list(explicit_padding)}"
        )
    if any(pad < 0 for pad in explicit_padding):
        raise invalid_argument(f"All explicit_padding elements must be >= 0, but given {list(explicit_padding)}")
    for name, number in (("batch_group_count", batch_group_count), ("feature_group_count", feature_group_count)):
        if number < 1:
            raise invalid_argument(f"{name} must be positive, but is {number}")
    if feature_group_count != 1 and batch_group_count != 1:
        raise invalid_argument("Only one of batch_group_count and feature_group_count may be greater than 1.")
    features, inputs, outputs = lhs[layout.lhs[1]], rhs[layout.rhs[0]], rhs[layout.rhs[1]]
    if features != inputs * feature_group_count or outputs % feature_group_count:
        raise invalid_argument(
            f"The features of lhs, {features}, must be those of rhs, {inputs}, times feature_group_count, "
            f"{feature_group_count}, which must divide the output features, {outputs}"
        )
    if lhs[layout.lhs[0]] % batch_group_count or outputs % batch_group_count:
        raise invalid_argument(f"batch_group_count, {batch_group_count}, must divide the batch and the output features")
    pads = []
    for place in range(count):
        size, extent = lhs[layout.lhs[place + 2]], rhs[layout.rhs[place + 2]]
        step = values["window_strides"][place]
        size = (size - 1) * values["lhs_dilation"][place] + 1 if size else 0
        extent = (extent - 1) * values["rhs_dilation"][place] + 1
        if padding == "SAME":
            total = max(0, (-(-size // step) - 1) * step + extent - size)
            pads.append((total // 2, total - total // 2))
        elif padding == "EXPLICIT":
            pads.append((explicit_padding[2 * place], explicit_padding[2 * place + 1]))
        else:
            pads.append((0, 0))
        if size + sum(pads[-1]) < extent:
            raise invalid_argument(
                f"The kernel, of extent {extent}, is larger than the padded input, {size + sum(pads[-1])}"
            )
    strides, before, dilation = values["window_strides"], values["lhs_dilation"], values["rhs_dilation"]
    return Window(strides, pads, before, dilation, feature_group_count, batch_group_count)


def _convolve(lhs: Any, rhs: Any, layout: Layout, window: Window) -> Any:
    """Convolves two arrays of ``float64`` integers; margins and gaps are zero."""
    x = lhs.transpose(layout.lhs[0], *layout.lhs[2:], layout.lhs[1])
    kernel = rhs.transpose(*layout.rhs[2:], *layout.rhs[:2])
    sizes = [(size - 1) * gap + 1 if size else 0 for size, gap in zip(x.shape[1:-1], window.lhs_dilation, strict=True)]
    padded = np.zeros(
        (x.shape[0], *(a + size + b for size, (a, b) in zip(sizes, window.pads, strict=True)), x.shape[-1])
    )
    inner = [
        slice(before, before + size, gap)
        for size, (before, _), gap in zip(sizes, window.pads, window.lhs_dilation, strict=True)
    ]
    padded[(slice(None), *inner)] = x
    taps = kernel.shape[:-2]
    counts = [
        (size - (tap - 1) * gap - 1) // step + 1
        for size, tap, gap, step in zip(padded.shape[1:-1], taps, window.rhs_dilation, window.strides, strict=True)
    ]
    groups = max(window.groups, window.batch_groups)
    pieces = []
    for group in range(groups):
        filters = np.array_split(kernel, groups, -1)[group]
        part = padded
        if window.groups > 1:
            part = np.array_split(padded, groups, -1)[group]
        elif window.batch_groups > 1:
            part = np.array_split(padded, groups, 0)[group]
        total = np.zeros((part.shape[0], *counts, filters.shape[-1]))
        for tap in itertools.product(*(range(size) for size in taps)):
            reach = [
                slice(place * gap, place * gap + (count - 1) * step + 1, step)
                for place, gap, count, step in zip(tap, window.rhs_dilation, counts, window.strides, strict=True)
            ]
            total += part[(slice(None), *reach)] @ filters[tap]
        pieces.append(total)
    result = np.concatenate(pieces, -1)
    order = np.argsort([layout.output[0], *layout.output[2:], layout.output[1]])
    return result.transpose(order)


def _check_ranks(lhs: Any, rhs: Any) -> None:
    if lhs.ndim != rhs.ndim or lhs.ndim < 2:
        raise invalid_argument(
            f"lhs and rhs must have the same rank, 2 or more, but their shapes are {text(lhs.shape)}, {text(rhs.shape)}"
        )


@op(
    "UniformQuantizedConvolution",
    "lhs: Tin, rhs: Tin, lhs_scales: float, lhs_zero_points: int32, rhs_scales: float, rhs_zero_points: int32, "
    "output_scales: float, output_zero_points: int32 -> output: Tout",
    tier="host",
    Tin=("qint8",),
    Tout=("qint32",),
    differentiable="missing",
)
def uniform_quantized_convolution_op(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
    *,
    Tout: DType,
    window_strides: list[int] = [],  # noqa: B006
    padding: str,
    explicit_padding: list[int] = [],  # noqa: B006
    lhs_dilation: list[int] = [],  # noqa: B006
    rhs_dilation: list[int] = [],  # noqa: B006
    batch_group_count: int = 1,
    feature_group_count: int = 1,
    dimension_numbers: str = "",
    lhs_quantization_axis: int = -1,
    lhs_quantization_min_val: int,
    lhs_quantization_max_val: int,
    rhs_quantization_axis: int = -1,
    rhs_quantization_min_val: int,
    rhs_quantization_max_val: int,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
):
    """Convolves quantized tensors; output features may have scales and zero points of their own."""
    del lhs_quantization_min_val, lhs_quantization_max_val, rhs_quantization_min_val, rhs_quantization_max_val
    _check_ranks(lhs, rhs)
    layout = _layout(dimension_numbers, lhs.ndim)
    axes = lhs_quantization_axis, rhs_quantization_axis, output_quantization_axis
    check_product_axes(*axes, layout.rhs[1], layout.output[1])
    check_parameters(lhs.shape, lhs_scales, lhs_zero_points, -1)
    check_parameters(rhs.shape, rhs_scales, rhs_zero_points, axes[1])
    check_scales(lhs_scales, rhs_scales, output_scales)
    window = _window(
        lhs.shape,
        rhs.shape,
        layout,
        window_strides,
        padding,
        explicit_padding,
        lhs_dilation,
        rhs_dilation,
        batch_group_count,
        feature_group_count,
    )
    left = plain(lhs).astype(np.float64) - lhs_zero_points
    right = plain(rhs).astype(np.float64) - along(rhs_zero_points, rhs.ndim, axes[1])
    total = _convolve(left, right, layout, window).astype(np.int64).astype(np.int32)
    check_parameters(total.shape, output_scales, output_zero_points, axes[2])
    place = -1 if axes[1] == -1 else layout.output[1]
    factor = lhs_scales.astype(np.float64) * along(rhs_scales, total.ndim, place)
    scale, zero = (along(item, total.ndim, axes[2]) for item in (output_scales, output_zero_points))
    least, greatest = output_quantization_min_val, output_quantization_max_val
    return packed(requantize(total, factor, 0, scale, zero, least, greatest), Tout)


@uniform_quantized_convolution_op.shape
def _uniform_quantized_convolution_shape(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
    *,
    window_strides,
    padding,
    explicit_padding,
    lhs_dilation,
    rhs_dilation,
    batch_group_count,
    feature_group_count,
    dimension_numbers,
):
    return _static_shape(
        lhs,
        rhs,
        dimension_numbers,
        window_strides,
        padding,
        explicit_padding,
        lhs_dilation,
        rhs_dilation,
        batch_group_count,
        feature_group_count,
    )


def _static_shape(lhs: Any, rhs: Any, dimension_numbers: Any, *window: Any) -> Any:
    """Returns the static shape of a convolution; its rank where the sizes are not all known."""
    known = lhs if lhs is not None else rhs
    if known is None:
        return None
    if lhs is None or rhs is None or None in lhs or None in rhs:
        return (None,) * len(known)
    try:
        if len(lhs) != len(rhs) or len(lhs) < 2:
            raise invalid_argument(f"lhs and rhs must have the same rank, 2 or more, but their shapes are {lhs}, {rhs}")
        layout = _layout(dimension_numbers, len(lhs))
        plan = _window(lhs, rhs, layout, *window)
    except InvalidArgumentError as error:
        raise ValueError(error.message) from None
    result = [0] * len(lhs)
    result[layout.output[0]] = lhs[layout.lhs[0]] // plan.batch_groups
    result[layout.output[1]] = rhs[layout.rhs[1]]
    for place, pads in enumerate(plan.pads):
        size = lhs[layout.lhs[place + 2]]
        size = (size - 1) * plan.lhs_dilation[place] + 1 if size else 0
        extent = (rhs[layout.rhs[place + 2]] - 1) * plan.rhs_dilation[place] + 1
        result[layout.output[place + 2]] = (size + sum(pads) - extent) // plan.strides[place] + 1
    return tuple(result)


_BYTE = {"quantization_min_val": -128, "quantization_max_val": 127}


@uniform_quantized_convolution_op.samples
def _uniform_quantized_convolution_samples(s):
    more = limits("lhs", "rhs", "output", lhs=_BYTE, rhs=_BYTE) | {"Tout": "qint32"}
    image, kernel = s.array((2, 2, 5, 4), "qint8"), s.array((4, 2, 2, 2), "qint8")
    numbers = 0.5, 3, 0.3, -2, 0.25, 7
    yield s(image, kernel, *numbers, padding="VALID", **more)
    yield s(image, kernel, *numbers, padding="SAME", window_strides=[2, 1], **more)
    pads = {"padding": "EXPLICIT", "explicit_padding": [1, 0, 0, 2]}
    yield s(image, kernel, *numbers, rhs_dilation=[1, 2], lhs_dilation=[2, 1], **pads, **more)
    yield s(image, kernel[:, :1], *numbers, padding="VALID", feature_group_count=2, **more)
    each = [0.3, 0.2, 0.1, 0.4], [0, 1, 2, 3]
    axes = {"rhs_quantization_axis": 0, "output_quantization_axis": 1}
    yield s(image, kernel, 0.5, 3, *each, *each, padding="VALID", **axes, **more)
    yield s(image, kernel, *numbers, padding="FOO", error="InvalidArgumentError", **more)


@op(
    "UniformQuantizedConvolutionHybrid",
    "lhs: Tlhs, rhs: Trhs, rhs_scales: float, rhs_zero_points: int32 -> output: Tout",
    tier="host",
    Tlhs=("float",),
    Trhs=("qint8",),
    Tout=("float",),
    differentiable="missing",
)
def uniform_quantized_convolution_hybrid_op(
    lhs,
    rhs,
    rhs_scales,
    rhs_zero_points,
    *,
    Tout: DType,
    window_strides: list[int] = [],  # noqa: B006
    padding: str,
    explicit_padding: list[int] = [],  # noqa: B006
    lhs_dilation: list[int] = [],  # noqa: B006
    rhs_dilation: list[int] = [],  # noqa: B006
    batch_group_count: int = 1,
    feature_group_count: int = 1,
    dimension_numbers: str = "",
    rhs_quantization_axis: int = -1,
    rhs_quantization_min_val: int,
    rhs_quantization_max_val: int,
):
    """Convolves real numbers, whose examples are quantized on the way, with a quantized kernel."""
    del rhs_quantization_min_val, rhs_quantization_max_val
    _check_ranks(lhs, rhs)
    layout = _layout(dimension_numbers, lhs.ndim)
    check_product_axes(-1, rhs_quantization_axis, -1, layout.rhs[1], layout.output[1])
    check_parameters(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    check_scales(rhs_scales)
    window = _window(
        lhs.shape,
        rhs.shape,
        layout,
        window_strides,
        padding,
        explicit_padding,
        lhs_dilation,
        rhs_dilation,
        batch_group_count,
        feature_group_count,
    )
    batch = layout.lhs[0]
    values, scale, zero_points = quantize_rows(np.moveaxis(lhs, batch, 0))
    left = np.moveaxis(values.astype(np.float64) - zero_points, 0, batch)
    right = plain(rhs).astype(np.float64) - along(rhs_zero_points, rhs.ndim, rhs_quantization_axis)
    total = _convolve(left, right, layout, window).astype(np.float32)
    rows = scale.reshape(-1)[: total.shape[layout.output[0]]]
    place = -1 if rhs_quantization_axis == -1 else layout.output[1]
    factor = along(rows, total.ndim, layout.output[0]) * along(rhs_scales, total.ndim, place)
    return (total * factor).astype(Tout.as_numpy_dtype)


@uniform_quantized_convolution_hybrid_op.shape
def _uniform_quantized_convolution_hybrid_shape(
    lhs,
    rhs,
    rhs_scales,
    rhs_zero_points,
    *,
    window_strides,
    padding,
    explicit_padding,
    lhs_dilation,
    rhs_dilation,
    batch_group_count,
    feature_group_count,
    dimension_numbers,
):
    return _static_shape(
        lhs,
        rhs,
        dimension_numbers,
        window_strides,
        padding,
        explicit_padding,
        lhs_dilation,
        rhs_dilation,
        batch_group_count,
        feature_group_count,
    )


@uniform_quantized_convolution_hybrid_op.samples
def _uniform_quantized_convolution_hybrid_samples(s):
    more = limits("rhs", rhs=_BYTE) | {"Tout": "float"}
    image, kernel = s.normal(2, 2, 5, 4), s.array((4, 2, 2, 2), "qint8")
    yield s(image, kernel, 0.3, -2, padding="VALID", **more)
    yield s(image, kernel, 0.3, -2, padding="SAME", window_strides=[2, 1], **more)
    yield s(image, kernel, 0.3, -2, padding="FOO", error="InvalidArgumentError", **more)
