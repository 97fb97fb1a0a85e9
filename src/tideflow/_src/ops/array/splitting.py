"""Taking tensors apart: equal or given pieces along a dimension, and the elements along it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


def _flat(gradients: tuple[Any, ...]) -> list[Any]:
    return list(gradients[0]) if len(gradients) == 1 and isinstance(gradients[0], list) else list(gradients)


# Unpack.


@op("Unpack", "value: T -> output: num * T", num=at_least(0), structural=True)
def unpack(xp, value, *, num: int, axis: int = 0):
    """Gives the ``num`` slices of a tensor along ``axis``, without that dimension."""
    count = len(value.shape)
    if not -count <= axis < count:
        raise invalid_argument(f"axis = {axis} not in [{-count}, {count})")
    axis %= count
    if value.shape[axis] != num:
        raise invalid_argument(f"Input shape axis {axis} must equal {num}, got shape {shape_text(value.shape)}")
    before = (slice(None),) * axis
    return [value[(*before, index, ...)] for index in range(num)]


@unpack.shape
def _unpack_shape(value, *, num, axis):
    if value is None:
        return [None] * num
    count = len(value)
    if not -count <= axis < count:
        raise ValueError(f"Invalid axis: {axis}; must be in [{-count},{count})")
    axis %= count
    if value[axis] not in (None, num):
        raise ValueError(f"Dimension must be {num} but is {value[axis]}")
    return [(*value[:axis], *value[axis + 1 :])] * num


@unpack.gradient
def _unpack_gradient(call, *dy):
    return raw.Pack(_flat(dy), axis=call.attr("axis"))


@unpack.samples
def _unpack_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), num=2)
    yield s(s.normal(2, 3, 4), num=3, axis=1)
    yield s(s.normal(2, 3, 4), num=4, axis=-1)
    yield s(s.normal(3), num=3)
    yield s(s.normal(2, 3), num=3, error="InvalidArgumentError")
    yield s(s.normal(2, 3), num=2, axis=2, error="InvalidArgumentError")


# Split and SplitV.


@op("Split", "split_dim: static int32, value: T -> output: num_split * T", num_split=at_least(1), structural=True)
def split_op(xp, split_dim, value, *, num_split: int):
    """Cuts a tensor into ``num_split`` equal pieces along ``split_dim``."""
    count = len(value.shape)
    if split_dim.ndim:
        raise invalid_argument(f"split_dim must be a scalar but has shape {list(split_dim.shape)}")
    axis = int(split_dim)
    if not -count <= axis < count:
        raise invalid_argument(f"-input rank({-count}) <= split_dim < input rank ({count}), but got {axis}")
    axis %= count
    if value.shape[axis] % num_split:
        raise invalid_argument(
            f"Number of ways to split should evenly divide the split dimension, but got split_dim {axis} "
            f"(size = {value.shape[axis]}) and num_split {num_split}"
        )
    return _pieces(value, axis, [value.shape[axis] // num_split] * num_split)


def _pieces(value: Any, axis: int, sizes: list[int]) -> list[Any]:
    before = (slice(None),) * axis
    pieces, start = [], 0
    for size in sizes:
        pieces.append(value[(*before, slice(start, start + size))])
        start += size
    return pieces


@split_op.shape
def _split_shape(split_dim, value, *, num_split):
    if value is None:
        return [None] * num_split
    known = split_dim.integers()
    if not known or known[0] is None:
        return [(None,) * len(value)] * num_split
    axis = known[0]
    if not -len(value) <= axis < len(value):
        raise ValueError(f"split_dim {axis} not in the interval [{-len(value)}, {len(value)})")
    axis %= len(value)
    size = value[axis]
    if size is not None and size % num_split:
        raise ValueError(f"Dimension size must be evenly divisible by {num_split} but is {size}")
    return [(*value[:axis], None if size is None else size // num_split, *value[axis + 1 :])] * num_split


@split_op.gradient
def _split_gradient(call, *dy):
    pieces = _flat(dy)
    return None, pieces[0] if len(pieces) == 1 else raw.ConcatV2(pieces, call.inputs[0])


@split_op.samples
def _split_samples(s):
    for dtype in s.dtypes("T"):
        yield s(0, s.array((4, 3), dtype), num_split=2)
    yield s(1, s.normal(2, 6), num_split=3)
    yield s(-1, s.normal(2, 6), num_split=2)
    yield s(0, s.normal(2, 6), num_split=1)
    yield s(0, s.normal(2, 3), num_split=4, error="InvalidArgumentError")
    yield s(5, s.normal(2, 3), num_split=2, error="InvalidArgumentError")


@op(
    "SplitV",
    "value: T, size_splits: static Tlen, split_dim: static int32 -> output: num_split * T",
    num_split=at_least(1),
    Tlen=default("int64", ("int8", "int32", "int64")),
    structural=True,
)
def split_v(xp, value, size_splits, split_dim, *, num_split: int):
    """Cuts a tensor into pieces of given sizes along ``split_dim``; one size may be -1."""
    count = len(value.shape)
    if size_splits.ndim != 1 or len(size_splits) != num_split:
        raise invalid_argument(
            f"size_splits must be a vector of {num_split} sizes, got shape {list(size_splits.shape)}"
        )
    axis = int(split_dim.reshape(()))
    if not -count <= axis < count:
        raise invalid_argument(f"-input rank({-count}) <= split_dim < input rank ({count}), but got {axis}")
    axis %= count
    return _pieces(value, axis, _completed(size_splits.tolist(), value.shape[axis]))


def _completed(sizes: list[int], extent: int) -> list[int]:
    missing = [index for index, size in enumerate(sizes) if size == -1]
    if len(missing) > 1:
        raise invalid_argument("There can only be one -1 in the input.")
    total = sum(size for size in sizes if size != -1)
    if any(size < -1 for size in sizes):
        raise invalid_argument(f"Split sizes must be at least 0, got {sizes}")
    if total > extent or (total != extent and not missing):
        raise invalid_argument(
            f"Determined shape must either match input shape along split_dim exactly if fully specified, or be less "
            f"than the size of the input along split_dim if not fully specified. Got: {total}, expected {extent}"
        )
    return [extent - total if size == -1 else size for size in sizes]


@split_v.shape
def _split_v_shape(value, size_splits, split_dim, *, num_split):
    if value is None:
        return [None] * num_split
    known = split_dim.integers()
    if not known or known[0] is None:
        return [(None,) * len(value)] * num_split
    axis = known[0]
    if not -len(value) <= axis < len(value):
        raise ValueError(f"split_dim {axis} not in the interval [{-len(value)}, {len(value)})")
    axis %= len(value)
    if num_split == 1 and size_splits.value is None:
        return [value]
    before, extent, after = value[:axis], value[axis], value[axis + 1 :]
    if size_splits.value is None:
        return [(*before, None, *after)] * num_split
    sizes: list[int | None] = list(size_splits.integers())
    if len(sizes) != num_split:
        raise ValueError(f"size_splits must have {num_split} elements, got {len(sizes)}")
    if sizes.count(-1) > 1:
        raise ValueError("size_splits can only have one -1")
    total = sum(size for size in sizes if size != -1)
    if -1 in sizes:
        if extent is not None and total > extent:
            raise ValueError(f"Sum of output sizes {total} is larger than the {extent} of the input")
        sizes[sizes.index(-1)] = None if extent is None else extent - total
    elif extent not in (None, total):
        raise ValueError(f"Determined shape must match input shape: sizes sum to {total}, the input has {extent}")
    return [(*before, size, *after) for size in sizes]


@split_v.gradient
def _split_v_gradient(call, *dy):
    pieces = _flat(dy)
    return pieces[0] if len(pieces) == 1 else raw.ConcatV2(pieces, call.inputs[2]), None, None


@split_v.samples
def _split_v_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((4, 3), dtype), np.array([1, 3], np.int64), 0, num_split=2)
    yield s(s.normal(2, 6), [1, -1, 2], 1, num_split=3)
    yield s(s.normal(2, 6), [0, 6], -1, num_split=2)
    yield s(s.normal(2, 6), [2], 0, num_split=1)
    yield s(s.normal(2, 3), [1, 1], 1, num_split=2, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-1, -1], 1, num_split=2, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [4, -1], 1, num_split=2, error="InvalidArgumentError")


# Public functions.


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> Any:
    """Returns the slices of a tensor along one dimension, as a list.

    Args:
      value: the tensor.
      num: how many there are; told by the static shape if None.
      axis: the dimension.
      name: the node's name.

    Raises:
      ValueError: ``num`` is not given and not known, or ``axis`` is out of range.
    """
    if num is None:
        value = convert_to_tensor(value)
        sizes = static_shape(value)
        if sizes is not None:
            if not -len(sizes) <= axis < len(sizes):
                raise ValueError(f"Argument `axis` = {axis} not in range [{-len(sizes)}, {len(sizes)})")
            num = sizes[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {shape_text(sizes)}")
    return unpack(value, num=num, axis=axis, name=name)


def unpack_v0(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unpack") -> Any:
    """Returns the slices of a tensor along one dimension, under the name of TensorFlow 0.x."""
    return unstack(value, num, axis, name)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split"
) -> Any:
    """Cuts a tensor into pieces along one dimension.

    Args:
      value: the tensor.
      num_or_size_splits: an integer, the number of equal pieces, or a vector of their sizes.
      axis: the dimension.
      num: how many pieces there are, where the sizes are a tensor of unknown length.
      name: the node's name.

    Raises:
      ValueError: the number of pieces cannot be told.
      InvalidArgumentError: (in a graph, ValueError) the sizes do not fit the dimension.
    """
    if isinstance(num_or_size_splits, int | np.integer) or (
        not isinstance(num_or_size_splits, Tensor | list | tuple | np.ndarray)
        and hasattr(num_or_size_splits, "__index__")
    ):
        return split_op(axis, value, num_split=int(num_or_size_splits), name=name)
    sizes = convert_to_tensor(num_or_size_splits)
    known = static_shape(sizes)
    if known == ():
        raise ValueError(
            f"Rank-0 tensors are not supported as the num_or_size_splits argument to split: {num_or_size_splits!r}"
        )
    if num is None:
        num = None if known is None else known[0]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {shape_text(known)}")
    return split_v(value, sizes, axis, num_split=num, name=name)


def split_v0(split_dim: Any, num_split: int, value: Any, name: str | None = "split") -> Any:
    """Cuts a tensor into equal pieces, as TensorFlow 0.x orders the arguments."""
    return split_op(split_dim, value, num_split=num_split, name=name)
