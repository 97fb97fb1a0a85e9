"""``tf.strings.to_number``: text as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.strings.elements import array_of, items_of, shown
from tideflow._src.runtime.op import op

_HEXADECIMAL = re.compile(rb"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?")
#: From so many strings on they are read all at once.
_MANY = 32
_LARGEST = 2**63 - 1
#: Between the largest number of single precision and the next one, which there is not.
_HALFWAY_TO_INFINITY = 2.0**128 - 2.0**103
_NAN = re.compile(rb"[+-]?nan(?:\([0-9a-zA-Z_]*\))?", re.IGNORECASE)


@op(
    "StringToNumber",
    "string_tensor: string -> output: out_type",
    tier="host",
    differentiable=False,
    out_type=default("float32", ("float32", "float64", "int32", "int64", "uint32", "uint64")),
)
def string_to_number_op(string_tensor, *, out_type: DType):
    """Reads numbers."""
    items = items_of(string_tensor)
    wanted = np.dtype(out_type.as_numpy_dtype)
    numbers = _real(items) if out_type.is_floating else _integers(items, wanted)
    if out_type.name == "float32":
        numbers = _single(numbers, items)
    return numbers.reshape(np.shape(string_tensor))


def _failure(item: bytes) -> Exception:
    return invalid_argument(f"StringToNumberOp could not correctly convert string: {shown(item)}")


def _real(items: list[bytes]) -> Any:
    try:
        if b"_" not in b"".join(items):  # Python reads 1_000
            return np.fromiter(map(float, items), np.float64, len(items))
    except ValueError:
        pass
    return np.fromiter(map(_one_real, items), np.float64, len(items))


def _one_real(item: bytes) -> float:
    text = item.strip()
    try:
        if b"_" not in text:
            return float(text)
    except ValueError:
        pass
    if _NAN.fullmatch(text):
        return float("nan")
    if _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text.decode())
        except OverflowError:
            return float("-inf") if text.startswith(b"-") else float("inf")
    raise _failure(item)


def _single(numbers: Any, items: list[bytes]) -> Any:
    """Rounds what was read to single precision; once from the text where rounding twice could go wrong."""
    result = numbers.astype(np.float32)
    back = result.astype(np.float64)
    other = np.nextafter(result, np.where(numbers > back, np.inf, -np.inf).astype(np.float32)).astype(np.float64)
    halfway = np.flatnonzero(
        np.isfinite(numbers)
        & ((numbers != back) & (numbers - back == other - numbers) | (np.abs(numbers) == _HALFWAY_TO_INFINITY))
    )
    for place in halfway.tolist():
        text = items[place].strip()
        if _HEXADECIMAL.fullmatch(text):
            continue
        exact, middle = Fraction(text.decode()), Fraction(float(numbers[place]))
        if exact != middle:
            pick = max if exact > middle else min
            result[place] = pick(back[place], other[place])
    return result


def _integers(items: list[bytes], wanted: Any) -> Any:
    numbers = plain_integers(items, wanted)
    return _any_integers(items, wanted) if numbers is None else numbers


def plain_integers(items: Sequence[bytes], wanted: Any) -> Any:
    """Reads integers all at once if there are many and each is digits, perhaps with a sign before.

    NumPy reads a text that lists numbers without making objects. But it stops at what is no number, reads a sign or
    white space alone as a number, and turns what is too large into the largest one: such texts it does not get.

    Args:
      items: the strings.
      wanted: the NumPy dtype of the numbers.

    Returns:
      A vector of numbers, or None if it takes another look at each of the strings.
    """
    if len(items) < _MANY:
        return None
    joined = b",".join(items)
    signs = b"+" in joined or b"-" in joined
    if signs and (wanted.kind == "u" or b"+," in joined or b"-," in joined or joined.endswith((b"+", b"-"))):
        return None
    if joined.count(b",") != len(items) - 1 or joined.translate(None, b"0123456789+-,"):
        return None
    try:
        numbers = np.fromstring(joined, np.int64, sep=",")
    except (ValueError, DeprecationWarning):
        return None
    limits = np.iinfo(wanted)
    fits = len(numbers) == len(items) and numbers.min() >= limits.min and numbers.max() <= min(limits.max, _LARGEST - 1)
    return numbers.astype(wanted) if fits else None


def _any_integers(items: list[bytes], wanted: Any) -> Any:
    limits = np.iinfo(wanted)
    lowest, highest, signed = int(limits.min), int(limits.max), wanted.kind == "i"
    try:
        values = list(map(int, items))
        letters = b"".join(items)
        plain = b"_" not in letters and (signed or b"-" not in letters)
        if plain and (not values or (min(values) >= lowest and max(values) <= highest)):
            return np.array(values, wanted)
    except ValueError:
        pass
    for item in items:  # find the one to name
        try:
            value = int(item)
        except ValueError:
            raise _failure(item) from None
        if b"_" in item or not lowest <= value <= highest or (not signed and b"-" in item):
            raise _failure(item)
    return np.array(values, wanted)


@string_to_number_op.shape
def _string_to_number_shape(string_tensor):
    return string_tensor


@string_to_number_op.samples
def _string_to_number_samples(s):
    whole = array_of([b"1", b"+7", b" 12 ", b"\t0\v", b"00012", b"2147483647"], (2, 3))
    real = [
        *(b"1.5", b"-.5", b"5.", b"1e5", b" -1E-3 ", b"0x1.8p3", b"-0x10", b"inf", b"+Infinity", b"-INF", b"NaN"),
        *(b"nan(1)", b"1e400", b"-1e-400", b"1e39", b"3.4028236e38", b"16777217.0000001", b"16777217", b"-0", b"1e-41"),
        *(
            b"3.4028235677973366e38",
            b"340282356779733661637539395458142568448",
            b"340282356779733661637539395458142568449",
        ),
        *(b"0.1", b"1.00000005960464477539062500000000000000001", b"1.00000005960464477539062499999999999999999"),
    ]
    for dtype in s.dtypes("out_type"):
        yield s(whole, out_type=dtype)
        if dtype.is_floating:
            yield s(array_of(real, (len(real),)), out_type=dtype)
        else:
            yield s(b"1.5", out_type=dtype, error="InvalidArgumentError")
            yield s(b"99999999999999999999", out_type=dtype, error="InvalidArgumentError")
            yield s(b"-99999999999999999999", out_type=dtype, error="InvalidArgumentError")
        for bad in (b"", b" ", b"abc", b"1_0", b"1 2", b"1\0", b"0x"):
            yield s(array_of([bad], ()), out_type=dtype, error="InvalidArgumentError")
        many = [b"%d" % (7**place) for place in range(_MANY // 3)] * 4
        yield s(array_of([*many, b"+0", b"00", b"2147483646"], (len(many) + 3,)), out_type=dtype)
        yield s(array_of([*many, b" 1\n", b"+2147483647"], (len(many) + 2,)), out_type=dtype)
        for bad in (
            b"",
            b" ",
            b"+",
            b"-",
            b",",
            b"1,2",
            b"1,",
            b"--1",
            b"1\0",
            b"1-",
            b"1_0",
            b"9" * 40,
            b"-" + b"9" * 40,
        ):
            if not (dtype.is_floating and bad.endswith(b"999")):
                for items in ([*many, bad], [bad, *many]):
                    yield s(array_of(items, (len(items),)), out_type=dtype, error="InvalidArgumentError")
    yield s(b"-0", out_type="uint32", error="InvalidArgumentError")
    yield s(b"-9223372036854775808", out_type="int64")
    yield s(np.empty((0,), object))


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:
    """Reads numbers.

    Args:
      input: strings of any shape: decimal numbers, perhaps with white space around; if ``out_type`` is floating also
        hexadecimal ones, ``inf`` and ``nan``.
      out_type: float32, float64, int32, int64, uint32 or uint64.
      name: the name of the operation.

    Returns:
      A tensor of type ``out_type`` and the shape of ``input``.

    Raises:
      InvalidArgumentError: a string is no number, or an integer that the type does not hold.
    """
    return string_to_number_op(input, out_type=dtypes.as_dtype(out_type), name=name)


def string_to_number(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Any:
    """Reads numbers; ``input`` is another name of ``string_tensor``.

    Raises:
      ValueError: both names are given.
    """
    if input is not None and string_tensor is not None:
        raise ValueError("Cannot specify both 'string_tensor' and 'input'.")
    return to_number(input if string_tensor is None else string_tensor, out_type, name)
