"""Sample calls of convolutions and their gradients, over images and volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.ops.nn.window_shapes import convolution_shape

#: Shapes of an input and of a filter, and attributes.
Case = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]

#: Samples of 16-bit floats sum few products of small integers, so that every order of summation gives the same.
_EXACT = ("float16", "bfloat16")


def draw_exact(s: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draws numbers whose products add up to the same in every order, even in 16 bits."""
    if dtype.name in _EXACT or not dtype.is_floating:
        return s.integers(-3, 4, shape, dtype)
    return s.normal(*shape, dtype=dtype)


def convolution_samples(s: Any, every_dtype: Case, cases: Sequence[Case]) -> Iterator[Any]:
    """Yields samples of a convolution: one for each dtype, and each case in the default one."""
    image, kernel, attributes = every_dtype
    for dtype in s.dtypes("T"):
        yield s(draw_exact(s, image, dtype), draw_exact(s, kernel, dtype), **attributes)
    for image, kernel, attributes in cases:
        yield s(s.normal(*image), s.normal(*kernel), **attributes)


def gradient_samples(
    s: Any,
    every_dtype: Case,
    cases: Sequence[Case],
    arrange: Callable[[Any, Any, Any], tuple[Any, ...]],
    depthwise: bool = False,
) -> Iterator[Any]:
    """Yields samples of a gradient of a convolution, as :func:`convolution_samples` does of the convolution.

    ``arrange`` makes the operation's inputs of an input, a filter and a gradient of the result.
    """
    image, kernel, attributes = every_dtype
    result = _result_shape(*every_dtype, depthwise)
    for dtype in s.dtypes("T"):
        yield s(*arrange(*(draw_exact(s, shape, dtype) for shape in (image, kernel, result))), **attributes)
    for image, kernel, attributes in cases:
        dy = s.normal(*_result_shape(image, kernel, attributes, depthwise))
        yield s(*arrange(s.normal(*image), s.normal(*kernel), dy), **attributes)


def _result_shape(
    image: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any], depthwise: bool
) -> tuple[int, ...]:
    layout = {4: "NHWC", 5: "NDHWC"}[len(image)]
    complete = {"explicit_paddings": (), "data_format": layout, "dilations": (1,) * len(image), **attributes}
    shape = convolution_shape("", image, kernel, depthwise=depthwise, rank=len(image), **complete)
    return tuple(size for size in shape if size is not None)
