"""Repeating and reordering: tiles, transposes, reversals and rolls."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import wrap
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.dimensions import merge
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_REVERSIBLE = (
    *("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64", "bool", "bfloat16", "half"),
    *("float", "double", "complex64", "complex128", "string"),
)


# Tile.


@op("Tile", "input: T, multiples: static Tmultiples -> output: T", Tmultiples=default("int32", INDEX))
def tile_op(xp, input, multiples):
    """Repeats a tensor ``multiples[i]`` times along each dimension ``i``."""
    if multiples.ndim != 1 or len(multiples) != len(input.shape):
        raise invalid_argument(
            f"Expected multiples argument to be a vector of length {len(input.shape)} but got length {multiples.size}"
        )
    counts = multiples.tolist()
    for axis, count in enumerate(counts):
        if count < 0:
            raise invalid_argument(f"Expected multiples[{axis}] >= 0, but got {count}")
    return xp.tile(input, tuple(counts)) if counts else input


@tile_op.shape
def _tile_shape(input, multiples):
    if multiples.shape is not None and len(multiples.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(multiples.shape)}")
    counts = multiples.integers()
    if counts is None:
        return None if input is None else (None,) * len(input)
    if any(count is not None and count < -1 for count in counts):
        raise ValueError(f"Expected multiples of at least 0, got {list(counts)}")
    if input is None:
        input = (None,) * len(counts)
    if len(input) != len(counts):
        raise ValueError(f"Shape must be rank {len(counts)} but is rank {len(input)}")
    return tuple(_times(size, count) for size, count in zip(input, counts, strict=True))


def _times(size: int | None, count: int | None) -> int | None:
    """Returns the size of a repeated dimension; nothing repeated an unknown number of times is still nothing."""
    if size == 0 or count == 0:
        return 0
    return None if size is None or count in (None, -1) else size * count


@tile_op.gradient
def _tile_gradient(call, dy):
    input, multiples = call.inputs
    sizes = shape(input, multiples.dtype)
    pairs = reshape(raw.Transpose(raw.Pack([multiples, sizes], axis=0), [1, 0]), [-1])
    axes = raw.Range(0, raw.Size(pairs), 2)
    return reshape(raw.Sum(reshape(dy, pairs), axes, keep_dims=False), sizes), None


@tile_op.samples
def _tile_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.name != "uint16":  # TensorFlow's kernel lacks it
            yield s(s.array((2, 3), dtype), [2, 1])
    yield s(s.normal(2, 1, 3), np.array([1, 3, 2], np.int64))
    yield s(s.normal(2, 3), [0, 2])
    yield s(s.normal(), np.zeros([0], np.int32))
    yield s(s.normal(2, 3), [2], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-1, 1], error="InvalidArgumentError")


# Transpose.


def _permutation(rank: int, perm: Any) -> list[int]:
    if perm.ndim != 1:
        raise invalid_argument(f"perm must be rank 1, got shape {shape_text(perm.shape)}")
    if len(perm) != rank:
        raise invalid_argument(
            f"transpose expects a vector of size {rank}. But input(1) is a vector of size {len(perm)}"
        )
    places = perm.tolist()
    for place in places:
        if not -rank <= place < rank:
            raise invalid_argument(f"{place} is out of range [0 .. {rank})")
    places = [place % rank for place in places]
    missing = set(range(rank)).difference(places)
    if missing:
        raise invalid_argument(f"{min(missing)} is missing from {{{','.join(map(str, places))}}}.")
    return places


def _transpose_shape(x: Any, perm: Any) -> Any:
    if perm.shape is not None and len(perm.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(perm.shape)}")
    count = None if perm.shape is None else perm.shape[0]
    rank = len(x) if x is not None else count
    if rank is None:
        return None
    if count not in (None, rank):
        raise ValueError(f"Dimension must be {rank} but is {count}")
    if x is None and rank < 2:
        return None
    if perm.value is None:
        return (None,) * rank
    places = perm.integers()
    for place in places:
        if not -rank <= place < rank:
            raise ValueError(f"perm dim {place} is out of range of input rank {rank}")
    return (None,) * rank if x is None else tuple(x[place] for place in places)


@op("Transpose", "x: T, perm: static Tperm -> y: T", Tperm=default("int32", INDEX), structural=True)
def transpose_op(xp, x, perm):
    """Puts dimension ``perm[i]`` of a tensor in place ``i``."""
    return xp.transpose(x, _permutation(len(x.shape), perm))


@transpose_op.gradient
def _transpose_gradient(call, dy):
    return transpose_op(dy, invert_permutation_op(call.inputs[1])), None


@transpose_op.samples
def _transpose_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [1, 0])
    yield s(s.normal(2, 3, 4), np.array([2, 0, 1], np.int64))
    yield s(s.normal(2, 3), [0, 1])
    yield s(s.normal(), np.zeros([0], np.int32))
    yield s(s.normal(2, 3), [0], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0, 0], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0, 5], error="InvalidArgumentError")


@op("ConjugateTranspose", "x: T, perm: static Tperm -> y: T", Tperm=default("int32", INDEX))
def conjugate_transpose_op(xp, x, perm):
    """Puts dimension ``perm[i]`` of the complex conjugate of a tensor in place ``i``."""
    moved = xp.transpose(x, _permutation(len(x.shape), perm))
    return xp.conj(moved) if np.dtype(x.dtype).kind == "c" else moved


@conjugate_transpose_op.gradient
def _conjugate_transpose_gradient(call, dy):
    return conjugate_transpose_op(dy, invert_permutation_op(call.inputs[1])), None


for _operation in (transpose_op, conjugate_transpose_op):
    _operation.shape(_transpose_shape)


@conjugate_transpose_op.samples
def _conjugate_transpose_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [1, 0])
    yield s(s.normal(2, 3, 4, dtype="complex64"), [2, 0, 1])
    yield s(s.normal(2, 3), [0, 0], error="InvalidArgumentError")


@op("InvertPermutation", "x: static T -> y: T", T=default("int32", INDEX), differentiable=False)
def invert_permutation_op(xp, x):
    """Gives the permutation that undoes another."""
    if x.ndim != 1:
        raise invalid_argument("invert_permutation expects a 1D vector.")
    result = np.full(len(x), -1, x.dtype)
    for place, value in enumerate(x.tolist()):
        if not 0 <= value < len(x):
            raise invalid_argument(f"{value} is not between 0 and {len(x)}")
        if result[value] != -1:
            raise invalid_argument(f"{value} is duplicated in the input.")
        result[value] = place
    return result


@invert_permutation_op.shape
def _invert_permutation_shape(x):
    if x.shape is not None and len(x.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(x.shape)}")
    return (None,) if x.shape is None else x.shape


@invert_permutation_op.samples
def _invert_permutation_samples(s):
    yield s([2, 0, 1])
    yield s(np.array([3, 1, 0, 2], np.int64))
    yield s([0, 0], error="InvalidArgumentError")
    yield s([0, 5], error="InvalidArgumentError")
    yield s([[0]], error="InvalidArgumentError")


# Reversal.


@op("ReverseV2", "tensor: T, axis: static Tidx -> output: T", Tidx=default("int32", INDEX), T=_REVERSIBLE)
def reverse_v2(xp, tensor, axis):
    """Reverses the order of the elements along some dimensions."""
    if axis.ndim != 1:
        raise invalid_argument(f"'dims' must be 1-dimension, not {axis.ndim}")
    rank = len(tensor.shape)
    chosen: set[int] = set()
    for position, place in enumerate(axis.tolist()):
        if not -rank <= place < rank:
            raise invalid_argument(f"'axis'[{position}] = {place} is out of valid range [0, {rank - 1}]")
        if place % rank in chosen:
            raise invalid_argument(f"axis {place % rank} specified more than once.")
        chosen.add(place % rank)
    return xp.flip(tensor, tuple(chosen)) if chosen else tensor


@reverse_v2.shape
def _reverse_v2_shape(tensor, axis):
    if axis.shape is not None and len(axis.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(axis.shape)}")
    places = None if axis.value is None else axis.integers()
    if tensor is None or places is None:
        return tensor
    rank = len(tensor)
    for place in places:
        if not -rank <= place < rank:
            raise ValueError(f"axis {place} is out of valid range [{-rank}, {rank - 1}]")
    if len({place % rank for place in places}) != len(places):
        raise ValueError(f"axes {list(places)} name a dimension more than once")
    return tensor


@reverse_v2.gradient
def _reverse_v2_gradient(call, dy):
    return reverse_v2(dy, call.inputs[1]), None


@reverse_v2.samples
def _reverse_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [0])
    yield s(s.normal(2, 3, 2), np.array([0, -1], np.int64))
    yield s(s.normal(2, 3), np.zeros([0], np.int32))
    yield s(s.normal(2, 3), [5], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0, -2], error="InvalidArgumentError")
    yield s(s.normal(2, 3), 0, error="InvalidArgumentError")


@op("Reverse", "tensor: T, dims: static bool -> output: T", T=_REVERSIBLE)
def reverse_op(xp, tensor, dims):
    """Reverses the order of the elements along the dimensions ``i`` for which ``dims[i]`` is true."""
    if dims.ndim != 1:
        raise invalid_argument(f"'dims' must be 1-dimension, not {dims.ndim}")
    if len(dims) != len(tensor.shape):
        raise invalid_argument(
            "'dims' must have the same number of values as 'input' has dimensions. 'input' has "
            f"{len(tensor.shape)}, 'dims' has {len(dims)} values"
        )
    chosen = tuple(int(place) for place in np.flatnonzero(dims))
    return xp.flip(tensor, chosen) if chosen else tensor


@reverse_op.shape
def _reverse_shape(tensor, dims):
    if dims.shape is not None and len(dims.shape) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(dims.shape)}")
    count = None if dims.shape is None else dims.shape[0]
    if tensor is not None and count not in (None, len(tensor)):
        raise ValueError(f"Shape must be rank {count} but is rank {len(tensor)}")
    return tensor if tensor is not None else None if count is None else (None,) * count


@reverse_op.gradient
def _reverse_gradient(call, dy):
    return reverse_op(dy, call.inputs[1]), None


@reverse_op.samples
def _reverse_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), np.array([True, False]))
    yield s(s.normal(2, 3), np.array([False, False]))
    yield s(s.normal(2, 3), np.array([True]), error="InvalidArgumentError")


@op(
    "ReverseSequence",
    "input: T, seq_lengths: Tlen -> output: T",
    Tlen=default("int64", INDEX),
)
def reverse_sequence_op(xp, input, seq_lengths, *, seq_dim: int, batch_dim: int = 0):
    """Reverses, for each entry ``i`` of the batch, the first ``seq_lengths[i]`` elements along ``seq_dim``."""
    shape_ = input.shape
    rank = len(shape_)
    if batch_dim == seq_dim:
        raise invalid_argument(f"batch_dim == seq_dim == {seq_dim}")
    for name, place in (("seq_dim", seq_dim), ("batch_dim", batch_dim)):
        if not 0 <= place < rank:
            raise invalid_argument(f"{name} must be < input rank: {place} vs. {rank}")
    if len(seq_lengths.shape) != 1 or seq_lengths.shape[0] != shape_[batch_dim]:
        raise invalid_argument(
            f"Length of seq_lengths != input.dims({batch_dim}), ({seq_lengths.size} vs. {shape_[batch_dim]})"
        )
    extent = shape_[seq_dim]
    if xp is np:
        for position, length in enumerate(seq_lengths.tolist()):
            if length < 0:
                raise invalid_argument(f"seq_lens({position}) < 0")
            if length > extent:
                raise invalid_argument(f"seq_lens({position}) > input.dims({seq_dim})")
    else:
        good = (seq_lengths >= 0) & (seq_lengths <= extent)
        require(jnp.all(good), f"seq_lengths are not all in [0, {extent}]")
    lengths = seq_lengths.reshape([-1 if axis == batch_dim else 1 for axis in range(rank)])
    places = np.arange(extent).reshape([-1 if axis == seq_dim else 1 for axis in range(rank)])
    index = xp.where(places < lengths, lengths - 1 - places, places)
    return xp.take_along_axis(input, xp.broadcast_to(index, shape_), axis=seq_dim)


@reverse_sequence_op.shape
def _reverse_sequence_shape(input, seq_lengths, *, seq_dim, batch_dim):
    if seq_lengths is not None and len(seq_lengths) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(seq_lengths)}")
    if input is None:
        return None
    rank = len(input)
    if batch_dim >= rank:
        raise ValueError(f"batch_dim must be < input rank: {batch_dim} vs. {rank}")
    if seq_dim >= rank:
        raise ValueError(f"seq_dim must be < input rank: {seq_dim} vs. {rank}")
    count = None if seq_lengths is None else seq_lengths[0]
    size = input[batch_dim]
    if None not in (count, size) and count != size:
        raise ValueError(f"Dimensions must be equal, but are {size} and {count}")
    return (*input[:batch_dim], count if size is None else size, *input[batch_dim + 1 :])


@reverse_sequence_op.gradient
def _reverse_sequence_gradient(call, dy):
    options = {name: call.attr(name) for name in ("seq_dim", "batch_dim")}
    return reverse_sequence_op(dy, call.inputs[1], **options), None


@reverse_sequence_op.samples
def _reverse_sequence_samples(s):
    lengths = np.array([2, 3, 0], np.int64)
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), lengths, seq_dim=1)
    yield s(s.normal(4, 2, 3), np.array([1, 4, 2], np.int32), seq_dim=0, batch_dim=2)
    yield s(s.normal(2, 3), [1, 5], seq_dim=1, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [1, 2], seq_dim=1, batch_dim=1, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [1], seq_dim=1, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-1, 2], seq_dim=1, error="InvalidArgumentError")


# Roll.


@op("Roll", "input: T, shift: Tshift, axis: static Taxis -> output: T", Tshift=INDEX, Taxis=INDEX)
def roll_op(xp, input, shift, axis):
    """Moves the elements along dimensions; those that leave at the end come in again at the beginning."""
    rank = len(input.shape)
    if not rank:
        raise invalid_argument("input must be 1-D or higher")
    if len(shift.shape) > 1 or axis.ndim > 1:
        raise invalid_argument(
            f"shift and axis must be scalars or vectors, got shapes {list(shift.shape)}, {list(axis.shape)}"
        )
    if shift.shape != axis.shape:
        raise invalid_argument("shift and axis must have the same size")
    places = axis.reshape(-1).tolist()
    for place in places:
        if not -rank <= place < rank:
            raise invalid_argument(f"axis {place} is out of range")
    amounts = shift.reshape(-1)
    for position, place in enumerate(places):
        amount = int(amounts[position]) if xp is np else amounts[position]
        input = xp.roll(input, amount, place)
    return input


@roll_op.shape
def _roll_shape(input, shift, axis):
    if input is not None and not input:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    merge(shift, axis.shape)
    return input


@roll_op.gradient
def _roll_gradient(call, dy):
    _, shift, axis = call.inputs
    return roll_op(dy, -shift, axis), None, None


@roll_op.samples
def _roll_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), 1, 1)
    yield s(s.normal(2, 3, 4), np.array([1, -2], np.int64), np.array([0, -1], np.int64))
    yield s(s.normal(5), [1, 2], [0, 0])
    yield s(s.normal(2, 3), 1, 5, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [1, 2], [0], error="InvalidArgumentError")
    yield s(s.normal(), 1, 0, error="InvalidArgumentError")


# Public functions.


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """Returns a tensor repeated ``multiples[i]`` times along each dimension ``i``.

    Args:
      input: the tensor.
      multiples: a vector of one integer for each dimension.
      name: the node's name.
    """
    return tile_op(input, multiples, name=name)


@fast_path(
    transpose_op,
    tensors=("a",),
    when=(
        "not conjugate and v_a.__class__ is ndarray"
        " and (perm is None or (perm.__class__ is list and sorted(perm) == [*range(v_a.ndim)]))"
    ),
    value="v_a.T if perm is None else v_a.transpose(perm)",
    inputs="(a, WRAP(np.array(range(v_a.ndim)[::-1] if perm is None else perm, np.int32)))",
)
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = "transpose") -> Any:
    """Returns a tensor with its dimensions in another order.

    Args:
      a: the tensor.
      perm: for each dimension of the result, that of ``a`` which it is; all in reverse by default.
      conjugate: whether to take the complex conjugate.
      name: the node's name.
    """
    graph = context.current_graph()
    with name_scope(name, "transpose") as scope:
        a = convert_to_tensor(a)
        operation = conjugate_transpose_op if conjugate and a.dtype.is_complex else transpose_op
        if perm is None:
            sizes = static_shape(a)
            if sizes is None:
                perm = raw.Range(raw.Rank(a) - 1, -1, -1)
            elif graph is None:
                perm = wrap(np.arange(len(sizes) - 1, -1, -1, dtype=np.int32))
            else:
                perm = constant_node(graph, np.arange(len(sizes) - 1, -1, -1, dtype=np.int32), "perm")
        return operation(a, perm, name=scope if graph is not None else None)


def transpose_v1(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Any:
    """Returns a tensor with its dimensions in another order, with TensorFlow 1.x's argument order."""
    return transpose(a, perm, conjugate, name)


def matrix_transpose(a: Any, name: str | None = "matrix_transpose", conjugate: bool = False) -> Any:
    """Returns a tensor with its last two dimensions exchanged.

    Args:
      a: a tensor of rank 2 or more.
      name: the scope of the nodes.
      conjugate: whether to take the complex conjugate.

    Raises:
      ValueError: the rank is less than 2.
    """
    with name_scope(name, "matrix_transpose"):
        a = convert_to_tensor(a, name="a")
        sizes = static_shape(a)
        if sizes is not None:
            rank = len(sizes)
            if rank < 2:
                raise ValueError(f"Argument `a` should be a (batch) matrix with rank >= 2. Received shape: {sizes}")
            perm: Any = [*range(rank - 2), rank - 1, rank - 2]
        else:
            rank = raw.Rank(a)
            perm = raw.ConcatV2([raw.Range(0, rank - 2, 1), raw.Pack([rank - 1, rank - 2], axis=0)], 0)
        return transpose(a, perm, conjugate)


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """Returns the permutation that undoes ``x``.

    Args:
      x: a vector that holds each of ``0 .. n - 1`` once.
      name: the node's name.
    """
    return invert_permutation_op(x, name=name)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """Returns a tensor with the order of its elements reversed along some dimensions.

    Args:
      tensor: the tensor.
      axis: a vector of dimensions.
      name: the node's name.
    """
    return reverse_v2(tensor, axis, name=name)


def reverse_v0(tensor: Any, dims: Any, name: str | None = None) -> Any:
    """Returns a tensor reversed along the dimensions for which ``dims`` is true, as TensorFlow 0.x does."""
    return reverse_op(tensor, dims, name=name)


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: str | None = None
) -> Any:
    """Returns a tensor in which the first elements of each entry of a batch are in reverse.

    Args:
      input: the tensor.
      seq_lengths: for each entry of the batch, how many elements to reverse.
      seq_axis: the dimension of the elements.
      batch_axis: the dimension of the batch; 0 by default.
      name: the node's name.
    """
    if seq_axis is None:
        raise ValueError("reverse_sequence needs the argument seq_axis.")
    return reverse_sequence_op(
        input, seq_lengths, seq_dim=seq_axis, batch_dim=0 if batch_axis is None else batch_axis, name=name
    )


def reverse_sequence_v1(
    input: Any,
    seq_lengths: Any,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
    seq_dim: Any = None,
    batch_dim: Any = None,
) -> Any:
    """Returns a tensor in which parts of sequences are in reverse; ``*_dim`` are older names of ``*_axis``."""
    for new, old, value in (("seq_axis", "seq_dim", seq_dim), ("batch_axis", "batch_dim", batch_dim)):
        if value is not None and (seq_axis if new == "seq_axis" else batch_axis) is not None:
            raise ValueError(f"Cannot specify both '{new}' and '{old}'.")
    return reverse_sequence(
        input,
        seq_lengths,
        seq_dim if seq_axis is None else seq_axis,
        batch_dim if batch_axis is None else batch_axis,
        name,
    )


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """Returns a tensor with its elements moved along some dimensions, those at the end to the beginning.

    Args:
      input: the tensor.
      shift: by how much, an integer, or one for each dimension of ``axis``.
      axis: the dimension, or a vector of dimensions.
      name: the node's name.
    """
    return roll_op(input, shift, axis, name=name)
