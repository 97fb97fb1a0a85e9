"""Moving blocks of space into depth or into the batch, and back."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import wrap
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.static_value import static_value
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import zeros
from tideflow._src.ops.array.padding import padded
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.op import op

Sizes = tuple[int, ...]


# Space and depth.


def _axes(data_format: str) -> tuple[int, int, int]:
    """Returns the dimensions of height, width and depth."""
    if data_format == "NHWC":
        return 1, 2, 3
    return 2, 3, 1


def _check_block(block: int) -> None:
    if block < 2:
        raise invalid_argument(f"block_size must be at least 2, got {block}")


def _checked_rank(shape: Any, data_format: str) -> None:
    wanted = 5 if data_format == "NCHW_VECT_C" else 4
    if len(shape) != wanted:
        raise ValueError(f"Input rank should be {wanted} instead of {len(shape)}")


def _to_depth(xp: Any, input: Any, block: int, data_format: str) -> Any:
    _check_block(block)
    _checked_rank(input.shape, data_format)
    _space_to_depth_shape(tuple(input.shape), block_size=block, data_format=data_format)
    if data_format == "NHWC":
        batch, height, width, depth = input.shape
        split = input.reshape((batch, height // block, block, width // block, block, depth))
        moved = xp.transpose(split, (0, 1, 3, 2, 4, 5))
        return moved.reshape((batch, height // block, width // block, block * block * depth))
    batch, depth, height, width = input.shape[:4]
    rest = tuple(input.shape[4:])
    split = input.reshape((batch, depth, height // block, block, width // block, block, *rest))
    moved = xp.transpose(split, (0, 3, 5, 1, 2, 4, *range(6, 6 + len(rest))))
    return moved.reshape((batch, block * block * depth, height // block, width // block, *rest))


def _to_space(xp: Any, input: Any, block: int, data_format: str) -> Any:
    _check_block(block)
    _checked_rank(input.shape, data_format)
    _depth_to_space_shape(tuple(input.shape), block_size=block, data_format=data_format)
    if data_format == "NHWC":
        batch, height, width, depth = input.shape
        depth //= block * block
        split = input.reshape((batch, height, width, block, block, depth))
        moved = xp.transpose(split, (0, 1, 3, 2, 4, 5))
        return moved.reshape((batch, height * block, width * block, depth))
    batch, depth, height, width = input.shape[:4]
    depth //= block * block
    rest = tuple(input.shape[4:])
    split = input.reshape((batch, block, block, depth, height, width, *rest))
    moved = xp.transpose(split, (0, 3, 4, 1, 5, 2, *range(6, 6 + len(rest))))
    return moved.reshape((batch, depth, height * block, width * block, *rest))


@op("SpaceToDepth", "input: T -> output: T", block_size=at_least(2))
def space_to_depth_op(xp, input, *, block_size: int, data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC"):
    """Moves each block of ``block_size`` by ``block_size`` pixels into the depth of one."""
    return _to_depth(xp, input, block_size, data_format)


@space_to_depth_op.shape
def _space_to_depth_shape(input, *, block_size, data_format):
    if input is None:
        return (None,) * (5 if data_format == "NCHW_VECT_C" else 4)
    _checked_rank(input, data_format)
    height, width, depth = _axes(data_format)
    result = list(input)
    for axis in (height, width):
        size = input[axis]
        if size is not None:
            if size % block_size:
                raise ValueError(
                    f"Image width {input[width]} and height {input[height]} should be divisible by block_size: "
                    f"{block_size}"
                )
            result[axis] = size // block_size
    result[depth] = None if input[depth] is None else input[depth] * block_size * block_size
    return tuple(result)


@space_to_depth_op.gradient
def _space_to_depth_gradient(call, dy):
    return depth_to_space_op(dy, block_size=call.attr("block_size"), data_format=call.attr("data_format"))


@space_to_depth_op.samples
def _space_to_depth_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 2, 4, 3), dtype), block_size=2)
    yield s(s.normal(2, 3, 6, 2), block_size=3)
    yield s(s.normal(1, 3, 3, 1), block_size=2, error="InvalidArgumentError")
    yield s(s.normal(1, 3, 3), block_size=2, error="InvalidArgumentError")


@op("DepthToSpace", "input: T -> output: T", block_size=at_least(2))
def depth_to_space_op(xp, input, *, block_size: int, data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC"):
    """Spreads the depth of each pixel over a block of ``block_size`` by ``block_size`` pixels."""
    return _to_space(xp, input, block_size, data_format)


@depth_to_space_op.shape
def _depth_to_space_shape(input, *, block_size, data_format):
    if input is None:
        return (None,) * (5 if data_format == "NCHW_VECT_C" else 4)
    _checked_rank(input, data_format)
    height, width, depth = _axes(data_format)
    result = list(input)
    for axis in (height, width):
        result[axis] = None if input[axis] is None else input[axis] * block_size
    if input[depth] is not None:
        if input[depth] % (block_size * block_size):
            raise ValueError(f"Input depth dimension {input[depth]} should be divisible by: {block_size * block_size}")
        result[depth] = input[depth] // (block_size * block_size)
    return tuple(result)


@depth_to_space_op.gradient
def _depth_to_space_gradient(call, dy):
    return space_to_depth_op(dy, block_size=call.attr("block_size"), data_format=call.attr("data_format"))


@depth_to_space_op.samples
def _depth_to_space_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 2, 1, 8), dtype), block_size=2)
    yield s(s.normal(2, 1, 2, 18), block_size=3)
    yield s(s.normal(1, 2, 2, 3), block_size=2, error="InvalidArgumentError")
    yield s(s.normal(2, 2, 4), block_size=2, error="InvalidArgumentError")


# Space and batch.


def _check_blocks(shape: Sizes, block: Any, pairs: Any, name: str) -> None:
    if block.ndim != 1 or pairs.shape != (len(block), 2):
        raise ValueError(
            f"{name} should have shape [{block.size}, 2] for a block_shape of {block.size} elements, got "
            f"{shape_text(pairs.shape)}"
        )
    if len(shape) < 1 + len(block):
        raise ValueError(f"input rank should be >= {1 + len(block)} instead of {len(shape)}")
    for index, size in enumerate(block.tolist()):
        if size < 1:
            raise ValueError(f"All values in block_shape must be positive, got value, {size} at index {index}.")
    if (pairs < 0).any():
        raise ValueError(f"{name} must be non-negative, got {pairs.tolist()}")


def _batched_shape(shape: Any, block: list[int], paddings: list[list[int]], count: int = 1) -> Any:
    result = list(shape)
    for index, (size, (before, after)) in enumerate(zip(block, paddings, strict=True)):
        count *= size
        extent = shape[index + 1]
        if extent is None:
            continue
        extent += before + after
        if extent % size:
            raise ValueError(f"padded_shape[{index}]={extent} is not divisible by block_shape[{index}]={size}")
        result[index + 1] = extent // size
    result[0] = None if shape[0] is None else shape[0] * count
    return tuple(result)


def _spaced_shape(shape: Any, block: list[int], crops: list[list[int]], count: int = 1) -> Any:
    result = list(shape)
    for index, (size, (before, after)) in enumerate(zip(block, crops, strict=True)):
        count *= size
        if shape[index + 1] is None:
            continue
        extent = shape[index + 1] * size - before - after
        if extent < 0:
            raise ValueError(f"cropped_shape[{index}]={extent} must be non-negative")
        result[index + 1] = extent
    if shape[0] is not None and shape[0] % count:
        raise ValueError(f"Input batch dimension ({shape[0]}) is not divisible by product of block sizes ({count})")
    result[0] = None if shape[0] is None else shape[0] // count
    return tuple(result)


def _to_batch(xp: Any, input: Any, block: Any, paddings: Any) -> Any:
    _check_blocks(input.shape, block, paddings, "paddings")
    sizes, widths = block.tolist(), paddings.tolist()
    result = _batched_shape(tuple(input.shape), sizes, widths)
    count = len(sizes)
    rest = tuple(input.shape[1 + count :])
    if any(before or after for before, after in widths):
        pairs = np.array([(0, 0), *map(tuple, widths), *[(0, 0)] * len(rest)])
        input = padded(xp, input, pairs, b"" if input.dtype == object else 0)
    batch = input.shape[0]
    split = input.reshape(
        (
            batch,
            *(
                part
                for extent, size in zip(input.shape[1 : 1 + count], sizes, strict=True)
                for part in (extent // size, size)
            ),
            *rest,
        )
    )
    order = [
        *range(2, 2 * count + 1, 2),
        0,
        *range(1, 2 * count, 2),
        *range(2 * count + 1, 2 * count + 1 + len(rest)),
    ]
    return xp.transpose(split, order).reshape(result)


def _from_batch(xp: Any, input: Any, block: Any, crops: Any) -> Any:
    _check_blocks(input.shape, block, crops, "crops")
    sizes, widths = block.tolist(), crops.tolist()
    result = _spaced_shape(tuple(input.shape), sizes, widths)
    count = len(sizes)
    spatial = tuple(input.shape[1 : 1 + count])
    rest = tuple(input.shape[1 + count :])
    split = input.reshape((*sizes, result[0], *spatial, *rest))
    order = [
        count,
        *(part for index in range(count) for part in (count + 1 + index, index)),
        *range(2 * count + 1, 2 * count + 1 + len(rest)),
    ]
    whole = xp.transpose(split, order).reshape(
        (result[0], *(extent * size for extent, size in zip(spatial, sizes, strict=True)), *rest)
    )
    index = [slice(None)]
    for (before, _), extent in zip(widths, result[1 : 1 + count], strict=True):
        index.append(slice(before, before + extent))
    return whole[tuple(index)]


def _blocks_shape(rule: Any, input: Any, block: Any, pairs: Any, name: str) -> Any:
    count = None if block.shape is None or len(block.shape) != 1 else block.shape[0]
    if block.shape is None or len(block.shape) != 1:
        return None  # TensorFlow refuses to build this; the operation itself can do it
    if count is None:
        return None if input is None else (None,) * len(input)
    if input is None:
        return None
    if len(input) < 1 + count:
        raise ValueError(f"Shape must be at least rank {1 + count} but is rank {len(input)}")
    if block.value is None:
        return (None,) * (1 + count) + input[1 + count :]
    if pairs.value is None:
        product = int(np.prod(block.value))
        free = (*input[:1], *(None,) * count, *input[1 + count :])
        return rule(free, [1] * count, [[0, 0]] * count, product)
    sizes, widths = np.asarray(block.value), np.asarray(pairs.value)
    _check_blocks(input, sizes, widths, name)
    return rule(input, sizes.tolist(), widths.tolist())


@op(
    "SpaceToBatchND",
    "input: T, block_shape: static Tblock_shape, paddings: static Tpaddings -> output: T",
    Tblock_shape=default("int32", INDEX),
    Tpaddings=default("int32", INDEX),
)
def space_to_batch_nd_op(xp, input, block_shape, paddings):
    """Pads a tensor with zeros and moves the positions inside each block into the batch."""
    return _to_batch(xp, input, block_shape, paddings)


@space_to_batch_nd_op.shape
def _space_to_batch_nd_shape(input, block_shape, paddings):
    return _blocks_shape(_batched_shape, input, block_shape, paddings, "paddings")


@space_to_batch_nd_op.gradient
def _space_to_batch_nd_gradient(call, dy):
    return batch_to_space_nd_op(dy, call.inputs[1], call.inputs[2]), None, None


@space_to_batch_nd_op.samples
def _space_to_batch_nd_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 3, 4, 2), dtype), [2, 2], [[0, 1], [2, 0]])
    yield s(s.normal(2, 6), np.array([3], np.int64), np.array([[0, 0]], np.int64))
    yield s(s.normal(1, 3, 2, 1), [2, 2], [[0, 0], [0, 0]], error="InvalidArgumentError")
    yield s(s.normal(1), [2, 2], [[0, 1], [0, 0]], error="InvalidArgumentError")
    yield s(s.normal(1, 2, 2), [0, 2], [[0, 0], [0, 0]], error="InvalidArgumentError")


@op(
    "BatchToSpaceND",
    "input: T, block_shape: static Tblock_shape, crops: static Tcrops -> output: T",
    Tblock_shape=default("int32", INDEX),
    Tcrops=default("int32", INDEX),
)
def batch_to_space_nd_op(xp, input, block_shape, crops):
    """Moves parts of the batch to the positions inside each block, and crops the result."""
    return _from_batch(xp, input, block_shape, crops)


@batch_to_space_nd_op.shape
def _batch_to_space_nd_shape(input, block_shape, crops):
    return _blocks_shape(_spaced_shape, input, block_shape, crops, "crops")


@batch_to_space_nd_op.gradient
def _batch_to_space_nd_gradient(call, dy):
    return space_to_batch_nd_op(dy, call.inputs[1], call.inputs[2]), None, None


@batch_to_space_nd_op.samples
def _batch_to_space_nd_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((4, 2, 3, 2), dtype), [2, 2], [[0, 1], [2, 0]])
    yield s(s.normal(6, 2), np.array([3], np.int64), np.array([[0, 0]], np.int64))
    yield s(s.normal(3, 1, 1, 1), [2, 2], [[0, 0], [0, 0]], error="InvalidArgumentError")
    yield s(s.normal(4, 1, 1, 1), [2, 2], [[1, 2], [0, 0]], error="InvalidArgumentError")


def _square(block_size: int) -> np.ndarray[Any, Any]:
    return np.array([block_size, block_size])


@op(
    "SpaceToBatch",
    "input: T, paddings: static Tpaddings -> output: T",
    Tpaddings=default("int32", INDEX),
    block_size=at_least(2),
)
def space_to_batch_op(xp, input, paddings, *, block_size: int):
    """Pads images with zeros and moves the positions inside each square block into the batch."""
    if len(input.shape) != 4:
        raise invalid_argument(f"Input rank should be 4 instead of {len(input.shape)}")
    return _to_batch(xp, input, _square(block_size), paddings)


class _Known:
    """Is the static value of a block that an attribute gives."""

    def __init__(self, value: np.ndarray[Any, Any]) -> None:
        self.value = value
        self.shape = value.shape


@space_to_batch_op.shape
def _space_to_batch_shape(input, paddings, *, block_size):
    if input is not None and len(input) != 4:
        raise ValueError(f"Shape must be rank 4 but is rank {len(input)}")
    full = (None,) * 4 if input is None else input
    return _blocks_shape(_batched_shape, full, _Known(_square(block_size)), paddings, "paddings")


@space_to_batch_op.gradient
def _space_to_batch_gradient(call, dy):
    return batch_to_space_op(dy, call.inputs[1], block_size=call.attr("block_size")), None


@space_to_batch_op.samples
def _space_to_batch_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 3, 4, 2), dtype), [[0, 1], [2, 0]], block_size=2)
    yield s(s.normal(1, 3, 2, 1), [[0, 0], [0, 0]], block_size=2, error="InvalidArgumentError")


@op(
    "BatchToSpace",
    "input: T, crops: static Tidx -> output: T",
    Tidx=default("int32", INDEX),
    block_size=at_least(2),
)
def batch_to_space_op(xp, input, crops, *, block_size: int):
    """Moves parts of the batch to the positions inside each square block of images, and crops them."""
    if len(input.shape) != 4:
        raise invalid_argument(f"Input rank should be 4 instead of {len(input.shape)}")
    return _from_batch(xp, input, _square(block_size), crops)


@batch_to_space_op.shape
def _batch_to_space_shape(input, crops, *, block_size):
    if input is not None and len(input) != 4:
        raise ValueError(f"Shape must be rank 4 but is rank {len(input)}")
    full = (None,) * 4 if input is None else input
    return _blocks_shape(_spaced_shape, full, _Known(_square(block_size)), crops, "crops")


@batch_to_space_op.gradient
def _batch_to_space_gradient(call, dy):
    return space_to_batch_op(dy, call.inputs[1], block_size=call.attr("block_size")), None


@batch_to_space_op.samples
def _batch_to_space_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((4, 2, 3, 2), dtype), [[0, 1], [2, 0]], block_size=2)
    yield s(s.normal(3, 1, 1, 1), [[0, 0], [0, 0]], block_size=2, error="InvalidArgumentError")


# Public functions.


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Returns images in which each block of pixels has become the depth of one.

    Args:
      input: images of rank 4 whose height and width are multiples of ``block_size``.
      block_size: the height and width of a block.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      name: the node's name.
    """
    return space_to_depth_op(input, block_size=block_size, data_format=data_format, name=name)


def space_to_depth_v1(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Returns :func:`space_to_depth`, with TensorFlow 1.x's argument order."""
    return space_to_depth(input, block_size, data_format, name)


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Returns images in which the depth of each pixel has become a block of pixels.

    Args:
      input: images of rank 4 whose depth is a multiple of ``block_size ** 2``.
      block_size: the height and width of a block.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      name: the node's name.
    """
    return depth_to_space_op(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space_v1(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Returns :func:`depth_to_space`, with TensorFlow 1.x's argument order."""
    return depth_to_space(input, block_size, data_format, name)


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Returns a tensor padded with zeros, with the positions inside each block moved into the batch.

    Args:
      input: a tensor of shape ``[batch, *space, *rest]``.
      block_shape: the size of a block in each dimension of space.
      paddings: how much to add before and after each of these.
      name: the node's name.
    """
    return space_to_batch_nd_op(input, block_shape, paddings, name=name)


space_to_batch_nd = space_to_batch


def space_to_batch_v1(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Any:
    """Returns images with the positions inside each square block moved into the batch.

    Args:
      input: images of rank 4.
      paddings: how much to add before and after height and width.
      block_size: the height and width of a block.
      name: the node's name.
      block_shape: another name of ``block_size``.
    """
    block = _one_of(block_shape, block_size)
    return space_to_batch(input, np.array([block, block]), paddings, name)


def _one_of(block_shape: Any, block_size: Any) -> Any:
    if block_shape is not None and block_size is not None:
        raise ValueError("Cannot specify both 'block_shape' and 'block_size'.")
    return block_size if block_shape is None else block_shape


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """Returns a tensor with parts of the batch moved to the positions inside each block, cropped.

    Args:
      input: a tensor of shape ``[batch, *space, *rest]``.
      block_shape: the size of a block in each dimension of space; an integer for both of two.
      crops: how much to cut off before and after each of these.
      name: the node's name.
    """
    if isinstance(block_shape, int):
        block_shape = np.array([block_shape, block_shape], np.int64)
    return batch_to_space_nd_op(input, block_shape, crops, name=name)


batch_to_space_nd = batch_to_space


def batch_to_space_v1(input: Any, crops: Any, block_size: Any, name: str | None = None, block_shape: Any = None) -> Any:
    """Returns images with parts of the batch moved to the positions inside each square block, cropped.

    Args:
      input: images of rank 4.
      crops: how much to cut off before and after height and width.
      block_size: the height and width of a block.
      name: the node's name.
      block_shape: another name of ``block_size``.
    """
    block = _one_of(block_shape, block_size)
    return batch_to_space(input, np.array([block, block]), crops, name)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """Returns paddings that make a shape divisible into blocks, and the crops that undo them.

    Args:
      input_shape: the sizes of the dimensions of space, a vector.
      block_shape: the size of a block in each.
      base_paddings: the least paddings, of shape ``[n, 2]``; zero by default.
      name: the scope of the nodes.
    """
    with name_scope(name, "required_space_to_batch_paddings"):
        sizes = convert_to_tensor(input_shape, dtypes.int32, name="input_shape")
        blocks = convert_to_tensor(block_shape, dtypes.int32, name="block_shape")
        count = blocks.shape.as_list()
        if base_paddings is None:
            base = zeros([*count, 2], dtypes.int32)
        else:
            base = convert_to_tensor(base_paddings, dtypes.int32, name="base_paddings")
        known = [static_value(item) for item in (sizes, blocks, base)]
        if all(item is not None for item in known):
            extents, steps, least = known
            start, end = least[:, 0], least[:, 1]
            more = (steps - (extents + start + end) % steps) % steps
            paddings = np.stack([start, end + more], 1)
            crops = np.stack([np.zeros_like(more), more], 1)
            return _constant(paddings, "paddings"), _constant(crops, "crops")
        start, end = base[:, 0], base[:, 1]
        more = raw.FloorMod(blocks - raw.FloorMod(sizes + start + end, blocks), blocks)
        paddings = raw.Pack([start, end + more], axis=1)
        return paddings, raw.Pack([raw.ZerosLike(more), more], axis=1)


def _constant(value: np.ndarray[Any, Any], name: str) -> Any:
    graph = context.current_graph()
    value = value.astype(np.int32)
    return wrap(value) if graph is None else constant_node(graph, value, name)
