"""Padding: constants, or mirror images of a tensor, around it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor, wrap
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.static_value import static_value
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import rank, reshape, shape
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


def _widths(input: Any, paddings: Any) -> list[tuple[int, int]]:
    """Returns how much to add before and after each dimension.

    Raises:
      InvalidArgumentError: the paddings are not two non-negative numbers for each dimension.
    """
    if paddings.ndim != 2 or paddings.shape[1] != 2:
        raise invalid_argument(f"paddings must be a matrix with 2 columns: {shape_text(paddings.shape)}")
    if len(paddings) != len(input.shape):
        raise invalid_argument(
            f"The first dimension of paddings must be the rank of inputs{shape_text(paddings.shape)} "
            f"{shape_text(tuple(input.shape))}"
        )
    widths = [(int(before), int(after)) for before, after in paddings.reshape((-1, 2)).tolist()]
    for before, after in widths:
        if before < 0 or after < 0:
            raise invalid_argument(f"Paddings must be non-negative: {before} {after}")
    return widths


def _padded_shape(input: Any, paddings: Any) -> Any:
    """Returns the static shape of a padded tensor."""
    if paddings.shape is not None:
        if len(paddings.shape) != 2:
            raise ValueError(f"Shape must be rank 2 but is rank {len(paddings.shape)}")
        if paddings.shape[1] not in (2, None):
            raise ValueError(f"Dimension must be 2 but is {paddings.shape[1]}")
    count = paddings.shape[0] if paddings.shape is not None else None
    if paddings.value is None:
        if input is not None:
            if count not in (None, len(input)):
                raise ValueError(f"Shape must be rank {count} but is rank {len(input)}")
            return (None,) * len(input)
        return None if count is None else (None,) * count
    widths = np.asarray(paddings.value).tolist()
    if (np.asarray(paddings.value) < 0).any():
        raise ValueError(f"Paddings must be non-negative, got {widths}")
    if input is None:
        return (None,) * len(widths)
    if len(input) != len(widths):
        raise ValueError(f"Shape must be rank {len(widths)} but is rank {len(input)}")
    return tuple(
        None if size is None else before + size + after for size, (before, after) in zip(input, widths, strict=True)
    )


def padded(xp: Any, input: Any, paddings: Any, value: Any) -> Any:
    """Returns an array with a value around it: two widths for each of its axes."""
    widths = _widths(input, paddings)
    if not widths:
        return input
    if xp is np:
        result = np.full(
            [before + size + after for size, (before, after) in zip(input.shape, widths, strict=True)],
            np.asarray(value, input.dtype),
            dtype=input.dtype,
        )
        result[tuple(slice(before, before + size) for size, (before, _) in zip(input.shape, widths, strict=True))] = (
            input
        )
        return result
    return xp.pad(input, widths, constant_values=xp.asarray(value, input.dtype))


def _inner(dy: Any, input: Any, paddings: Any) -> Any:
    """Returns the part of the gradient that belongs to the tensor which was padded."""
    sizes, widths = static_shape(input), static_value(paddings)
    if fully_known(sizes) and widths is not None:
        return raw.Slice(dy, np.asarray(widths[:, 0], np.int32), np.array(sizes, np.int32))
    before = raw.Slice(paddings, [0, 0], raw.Pack([rank(input), 1], axis=0))
    begin = reshape(before, [-1])
    return raw.Slice(dy, begin, shape(input, begin.dtype))


@op("Pad", "input: T, paddings: static Tpaddings -> output: T", Tpaddings=default("int32", INDEX))
def pad_op(xp, input, paddings):
    """Puts zeros (empty strings, False) around a tensor."""
    return padded(xp, input, paddings, b"" if input.dtype == object else 0)


@pad_op.gradient
def _pad_gradient(call, dy):
    return _inner(dy, *call.inputs), None


@pad_op.shape
def _pad_shape(input, paddings):
    return _padded_shape(input, paddings)


def _pad_samples(s: Any, *rest: Any) -> Any:
    # The gradient of PadV2 leaves the scalar out, so that it is no true derivative.
    options = {"gradient": not rest}
    yield s(s.normal(2), np.array([[1, 0]], np.int64), *rest, **options)
    yield s(s.normal(2, 3), [[0, 0], [0, 0]], *rest, **options)
    yield s(s.empty(0, 3), [[1, 1], [0, 2]], *rest, **options)
    yield s(s.normal(), np.zeros([0, 2], np.int32), *rest, **options)
    yield s(s.normal(2, 3), [[1, 1]], *rest, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [[-1, 1], [0, 0]], *rest, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [[1, 1, 1], [0, 0, 0]], *rest, error="InvalidArgumentError")


@pad_op.samples
def _pad_op_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [[1, 0], [2, 1]])
    yield from _pad_samples(s)


@op(
    "PadV2",
    "input: T, paddings: static Tpaddings, constant_values: T -> output: T",
    Tpaddings=default("int32", INDEX),
)
def pad_v2(xp, input, paddings, constant_values):
    """Puts copies of a scalar around a tensor."""
    if constant_values.shape:
        raise invalid_argument(f"constant_values must be a scalar. Found: {shape_text(constant_values.shape)}")
    value = constant_values
    if value.dtype == object:
        value = value[()]
    return padded(xp, input, paddings, value)


@pad_v2.shape
def _pad_v2_shape(input, paddings, constant_values):
    return _padded_shape(input, paddings)


@pad_v2.gradient
def _pad_v2_gradient(call, dy):
    input, paddings, _ = call.inputs
    return _inner(dy, input, paddings), None, None  # as in TensorFlow, none for the scalar


@pad_v2.samples
def _pad_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [[1, 0], [2, 1]], s.array((), dtype), gradient=False)
    yield from _pad_samples(s, s.normal())
    yield s(s.normal(2), [[1, 1]], s.normal(2), error="InvalidArgumentError")


@op("MirrorPad", "input: T, paddings: static Tpaddings -> output: T", Tpaddings=default("int32", INDEX))
def mirror_pad(xp, input, paddings, *, mode: Literal["REFLECT", "SYMMETRIC"]):
    """Puts the mirror image of a tensor around it, with its border elements (SYMMETRIC) or without them."""
    widths = _widths(input, paddings)
    _check_mirror(input, widths, mode)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            input = xp.take(input, _mirrored(input.shape[axis], before, after, mode), axis=axis)
    return input


def _check_mirror(input: Any, widths: list[tuple[int, int]], mode: str) -> None:
    for size, (before, after) in zip(input.shape, widths, strict=True):
        if mode == "REFLECT" and (before >= size or after >= size) and (before or after):
            raise invalid_argument(
                f"paddings must be less than the dimension size: {before}, {after} not less than {size}"
            )
        if mode == "SYMMETRIC" and (before > size or after > size):
            raise invalid_argument(
                f"paddings must be no greater than the dimension size: {before}, {after} greater than {size}"
            )


def _mirrored(size: int, before: int, after: int, mode: str) -> np.ndarray[Any, Any]:
    """Returns which element of a dimension stands at each place of the padded one."""
    places = np.arange(-before, size + after)
    if mode == "REFLECT":
        places = np.where(places < 0, -places, places)
        return np.where(places >= size, 2 * (size - 1) - places, places)
    places = np.where(places < 0, -places - 1, places)
    return np.where(places >= size, 2 * size - 1 - places, places)


@mirror_pad.shape
def _mirror_pad_shape(input, paddings):
    return _padded_shape(input, paddings)


@mirror_pad.gradient
def _mirror_pad_gradient(call, dy):
    return mirror_pad_grad(dy, call.inputs[1], mode=call.attr("mode")), None


@mirror_pad.samples
def _mirror_pad_samples(s):
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in s.dtypes("T"):
            yield s(s.array((2, 3), dtype), [[1, 0], [2, 1]], mode=mode)
        yield s(s.normal(3), np.array([[2, 2]], np.int64), mode=mode)
        yield s(s.normal(2, 3), [[0, 0], [0, 0]], mode=mode)
        yield s(s.normal(2, 3), [[3, 1], [0, 0]], mode=mode, error="InvalidArgumentError")


@op("MirrorPadGrad", "input: T, paddings: static Tpaddings -> output: T", Tpaddings=default("int32", INDEX))
def mirror_pad_grad(xp, input, paddings, *, mode: Literal["REFLECT", "SYMMETRIC"]):
    """Folds the mirror images around a tensor back onto it, adding them up."""
    widths = _widths(input, paddings)
    for axis, (before, after) in enumerate(widths):
        if not (before or after):
            continue
        size = input.shape[axis] - before - after
        offset = 1 if mode == "REFLECT" else 0
        if size < max(before, after) + offset:
            raise invalid_argument(
                "Total paddings must be less than the input dimension size: "
                f"{before + after} was not less than {input.shape[axis]}"
            )
        lead = (slice(None),) * axis
        result = input[(*lead, slice(before, before + size))]
        result = xp.array(result)
        if before:
            image = xp.flip(input[(*lead, slice(0, before))], axis)
            result = _added(xp, result, (*lead, slice(offset, offset + before)), image)
        if after:
            image = xp.flip(input[(*lead, slice(before + size, None))], axis)
            result = _added(xp, result, (*lead, slice(size - offset - after, size - offset)), image)
        input = result
    return input


def _added(xp: Any, array: Any, index: Any, value: Any) -> Any:
    if xp is np:
        array[index] += value
        return array
    return array.at[index].add(value)


@mirror_pad_grad.shape
def _mirror_pad_grad_shape(input, paddings):
    if paddings.value is None:
        count = paddings.shape[0] if paddings.shape else None
        return None if count is None else (None,) * count
    widths = np.asarray(paddings.value).tolist()
    if input is None:
        return (None,) * len(widths)
    if len(input) != len(widths):
        raise ValueError(f"Shape must be rank {len(widths)} but is rank {len(input)}")
    return tuple(
        None if size is None else _left(size, before + after)
        for size, (before, after) in zip(input, widths, strict=True)
    )


def _left(size: int, taken: int) -> int:
    if taken > size:
        raise ValueError(f"Negative dimension size caused by subtracting {taken} from {size}")
    return size - taken


@mirror_pad_grad.gradient
def _mirror_pad_grad_gradient(call, dy):
    return mirror_pad(dy, call.inputs[1], mode=call.attr("mode")), None


@mirror_pad_grad.samples
def _mirror_pad_grad_samples(s):
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in s.dtypes("T"):
            if dtype.name not in ("string", "bool"):
                yield s(s.array((4, 6), dtype), [[1, 0], [2, 1]], mode=mode)
        yield s(s.normal(7), np.array([[2, 2]], np.int64), mode=mode)
        yield s(s.normal(4, 3), [[3, 3], [0, 0]], mode=mode, error="InvalidArgumentError")


# Public functions.


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """Returns a tensor with a border around it.

    Args:
      tensor: the tensor.
      paddings: integers of shape ``[rank, 2]``: how much to add before and after each dimension.
      mode: ``"CONSTANT"``, ``"REFLECT"`` (the border is not repeated) or ``"SYMMETRIC"`` (it is), in either case.
      constant_values: the scalar that fills the border in the mode ``"CONSTANT"``.
      name: the node's name.

    Raises:
      ValueError: ``mode`` is none of these.
      InvalidArgumentError: (in a graph, ValueError) the paddings do not fit.
    """
    chosen = mode.upper()
    if paddings.__class__ is list and context.current_graph() is None:
        paddings = _matrix(paddings)
    if chosen == "CONSTANT":
        if not isinstance(constant_values, Tensor) and not np.ndim(constant_values) and constant_values == 0:
            result = pad_op(tensor, paddings, name=name)
        else:
            result = pad_v2(tensor, paddings, constant_values, name=name)
    elif chosen in ("REFLECT", "SYMMETRIC"):
        result = mirror_pad(tensor, paddings, mode=chosen, name=name)
    else:
        raise ValueError(
            f'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". Received `mode` = '
            f"{chosen}"
        )
    if result.__class__ is SymbolicTensor and not fully_known(result._shape):
        _add_partly_known(result, tensor, paddings)
    return result


def _matrix(paddings: list[Any]) -> Any:
    """Returns paddings of plain integers as a tensor, and others as they are."""
    for pair in paddings:
        if pair.__class__ not in (list, tuple) or any(item.__class__ is not int for item in pair):
            return paddings
    try:
        return wrap(np.array(paddings, np.int32))
    except (ValueError, OverflowError):
        return paddings


def _add_partly_known(result: Any, tensor: Any, paddings: Any) -> None:
    """Adds to a static shape what is known where only some of the paddings are."""
    if isinstance(paddings, EagerTensor | SymbolicTensor) or not isinstance(paddings, list | tuple):
        return
    sizes = static_shape(convert_to_tensor(tensor))
    if sizes is None or len(sizes) != len(paddings):
        return
    known = []
    for size, pair in zip(sizes, paddings, strict=True):
        plain = isinstance(pair, list | tuple) and all(isinstance(item, int) for item in pair)
        known.append(size + sum(pair) if plain and size is not None else None)
    result.set_shape(known)


def pad_v1(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Any:
    """Returns a tensor with a border around it; :func:`pad` with TensorFlow 1.x's argument order."""
    return pad(tensor, paddings, mode, constant_values, name)
