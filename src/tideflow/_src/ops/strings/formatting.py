"""``tf.as_string`` and ``tf.strings.format``: values as text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import ResourceExhaustedError, invalid_argument
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.control.printing import string_format
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.runtime.op import op

_FLAGS = ("", " ", "+", "-", "0", "#")
_CHUNK = 4096
_MOST_BYTES = 1 << 28


@op(
    "AsString",
    "input: T -> output: string",
    tier="host",
    differentiable=False,
    T=(
        *("float32", "float64", "int32", "uint8", "int16", "int8", "int64", "bfloat16", "uint16", "float16"),
        *("uint32", "uint64", "complex64", "complex128", "bool", "variant", "string"),
    ),
)
def as_string_op(
    input,
    *,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
):
    """Writes values as C's printf does."""
    dtype = dtypes.as_dtype(np.asarray(input).dtype)
    real = dtype.is_floating or dtype.is_complex
    if not real and dtype.name != "string":
        if scientific or shortest:
            raise invalid_argument(f"scientific and shortest format not supported for datatype {dtype.name}")
        if precision > -1:
            raise invalid_argument(f"precision not supported for datatype {dtype.name}")
    if scientific and shortest:
        raise invalid_argument("Cannot select both scientific and shortest notation")
    if len(fill.encode("utf-8", "surrogateescape")) > 1:
        raise invalid_argument(f"Fill string must be one or fewer characters, got {fill!r}")
    if fill not in _FLAGS:
        raise invalid_argument(f'Fill argument not supported: "{fill}"')
    shape, width = np.shape(input), max(width, 0)
    if (width + max(precision, 0)) * max(np.size(input), 1) > _MOST_BYTES:
        raise ResourceExhaustedError(None, None, f"OOM: {np.size(input)} strings of {width} bytes do not fit in memory")
    if dtype.is_bool:
        return array_of([b"true" if item else b"false" for item in np.ravel(input).tolist()], shape)
    if dtype.name == "string":
        items = [item if isinstance(item, bytes) else str(item).encode() for item in items_of(input)]
        if width:
            items = [item.ljust(width) if fill == "-" else item.rjust(width) for item in items]
        return array_of(items, shape)
    if real:
        style = "e" if scientific else "g" if shortest else "f"
        digits = f".{precision}" if precision > -1 else ""
        numbers = np.ravel(np.asarray(input))
        if dtype.is_complex:
            parts = np.stack([numbers.real, numbers.imag], -1).ravel()
            texts = _reals(parts, fill, width, digits + style)
            return array_of([b"(%b,%b)" % pair for pair in zip(texts[::2], texts[1::2], strict=True)], shape)
        return array_of(_reals(numbers, fill, width, digits + style), shape)
    flag = "" if fill == "#" or (dtype.name.startswith("u") and fill in (" ", "+")) else fill
    values = np.ravel(np.asarray(input)).tolist()
    if not width and flag not in (" ", "+"):
        return array_of(repr(values)[1:-1].encode().split(b", ") if values else [], shape)
    return array_of(_written(f"%{flag}{width or ''}d", values), shape)


def _reals(numbers: Any, flag: str, width: int, style: str) -> list[bytes]:
    """Writes real numbers; NaN and the infinities as C does, without zeros before them."""
    numbers = numbers.astype(np.float64)
    texts = _written(f"%{flag}{width or ''}{style}", numbers.tolist())
    for place in np.flatnonzero(~np.isfinite(numbers)).tolist():
        number = float(numbers[place])
        sign = "-" if math.copysign(1.0, number) < 0 else flag if flag in ("+", " ") else ""
        text = sign + ("nan" if math.isnan(number) else "inf")
        texts[place] = (text.ljust(width) if flag == "-" else text.rjust(width)).encode()
    return texts


def _written(form: str, values: list[Any]) -> list[bytes]:
    """Writes each value by a printf format, many with one call."""
    result: list[bytes] = []
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        result += ("\n".join([form] * len(chunk)) % tuple(chunk)).encode().split(b"\n")
    return result


@as_string_op.shape
def _as_string_shape(input):
    return input


@as_string_op.samples
def _as_string_samples(s):
    formats = [{}, {"width": 12}, *({"width": 9, "fill": fill} for fill in _FLAGS), {"fill": "+"}, {"width": -3}]
    for dtype in s.dtypes("T"):
        values = s.array((2, 2), dtype)
        for form in formats:
            yield s(values, **form)
        if dtype.is_floating or dtype.is_complex:
            yield s(values, precision=2)
            yield s(values, precision=0, fill="#")
            yield s(values, scientific=True, width=14)
            yield s(values, shortest=True)
            yield s(s.special(dtype)[:8], width=8, fill="0")
            yield s(s.special(dtype)[:8], fill="+")
            yield s(values, shortest=True, scientific=True, error="InvalidArgumentError")
        elif dtype.name != "string":
            yield s(s.special(dtype))
            yield s(values, precision=2, error="InvalidArgumentError")
            yield s(values, scientific=True, error="InvalidArgumentError")
    yield s(s.normal(), fill="x", error="InvalidArgumentError")
    yield s(s.normal(), fill="00", error="InvalidArgumentError")
    yield s(s.empty(0, 2))


def format(template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None) -> Any:
    """Writes tensors into a template.

    Args:
      template: the text.
      inputs: a tensor, or a list of tensors.
      placeholder: what in the template stands for a tensor.
      summarize: how many elements to show from each end of each dimension; -1 for all.
      name: the name of the operation.

    Returns:
      A scalar string tensor.

    Raises:
      ValueError: the template has another number of placeholders than there are tensors.
    """
    if isinstance(inputs, Tensor) or not isinstance(inputs, list | tuple):
        inputs = [inputs]
    if template.count(placeholder) != len(inputs):
        raise ValueError(
            f"The template expects {template.count(placeholder)} tensors, but the inputs only has {len(inputs)}. "
            "Please ensure the number of placeholders in template matches inputs length."
        )
    return string_format(list(inputs), template=template, placeholder=placeholder, summarize=summarize, name=name)
