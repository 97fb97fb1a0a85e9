"""Functions that arrange elements anew: shapes, axes, joining, splitting, padding, repeating, taking and choosing."""

from __future__ import annotations

import builtins
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.arrays import array, as_array, as_type, asarray, promoted
from tideflow._src.numpy_api.ranks import broadcast, canonical_axis, choose, known_rank, rank_of, shape_of
from tideflow._src.ops.array import joining, padding, permuting, sequences, splitting
from tideflow._src.ops.array import shape as shapes
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape
from tideflow._src.ops.array.broadcasting import broadcast_to as repeated_to
from tideflow._src.ops.array.constants import fill, zeros
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.scattering import scatter_nd, tensor_scatter_nd_update
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.math import arithmetic, comparison, division, sorting
from tideflow._src.ops.math.clip import clip_by_value
from tideflow._src.runtime.convert import convert_to_tensor

# Shapes.


def shape(a: Any) -> Any:
    """Returns the static shape of an array.

    Returns:
      A ``tf.TensorShape``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.shape([[1, 2]])
      TensorShape([1, 2])
    """
    return asarray(a).shape


def ndim(a: Any) -> Any:
    """Returns the number of axes of an array, or None if it is not known.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.ndim([[1, 2]])
      2
    """
    return known_rank(asarray(a))


def isscalar(num: Any) -> Any:
    """Tells whether ``num`` has no axes.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.isscalar(3)
      True
    """
    return ndim(num) == 0


def size(x: Any, axis: Any = None) -> Any:
    """Returns the number of elements.

    Args:
      x: an array or tensor.
      axis: must be None.

    Returns:
      An integer if the shape is known, else a tensor.

    Raises:
      NotImplementedError: ``axis`` is given.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.size([[1, 2]]))
      2
    """
    if axis is not None:
        raise NotImplementedError("axis argument is not supported in the current `np.size` implementation")
    if isinstance(x, int | float | np.int32 | np.int64 | np.float32 | np.float64):
        return 1
    x = asarray(x)
    if x.shape.is_fully_defined():
        return np.prod(x.shape.as_list(), dtype=int)
    return shapes.size(x)


def reshape(a: Any, newshape: Any, order: str = "C") -> Any:
    """Gives an array another shape with as many elements.

    Args:
      a: an array or tensor.
      newshape: an integer or a sequence of them, of which one may be -1: whatever is left.
      order: ``"C"``: elements are taken with the last axis fastest; ``"F"``: with the first.

    Raises:
      ValueError: another ``order``.
      InvalidArgumentError (in a graph, ValueError): the numbers of elements differ.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.reshape([1, 2, 3, 4], (2, 2), order="F").numpy().tolist()
      [[1, 3], [2, 4]]
    """
    if order not in ("C", "F"):
        raise ValueError(f"Unsupported order argument {order}")
    a = asarray(a)
    if isinstance(newshape, numbers.Integral):
        newshape = [newshape]
    if order == "F":
        return permuting.transpose(shapes.reshape(permuting.transpose(a), newshape[::-1]))
    return shapes.reshape(a, newshape)


def ravel(a: Any) -> Any:
    """Returns all elements as a vector.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.ravel([[1, 2], [3, 4]]).numpy().tolist()
      [1, 2, 3, 4]
    """
    return shapes.reshape(asarray(a), [-1])


def flatten(a: Any, order: str = "C") -> Any:
    """Returns all elements as a vector.

    Args:
      a: an array or tensor.
      order: ``"C"``, ``"A"`` or ``"K"``: with the last axis fastest; ``"F"``: with the first.

    Raises:
      ValueError: another ``order``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.flatten([[1, 2], [3, 4]], "F").numpy().tolist()
      [1, 3, 2, 4]
    """
    a = asarray(a)
    if order in ("C", "A", "K"):
        return shapes.reshape(a, [-1])
    if order == "F":
        return shapes.reshape(permuting.transpose(a), [-1])
    raise ValueError("order can only be C, A, K (all row major) or F (column major).")


def expand_dims(a: Any, axis: Any) -> Any:
    """Puts an axis of size 1 in.

    Args:
      a: an array or tensor.
      axis: its place in the result.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.expand_dims([1, 2], 0).shape
      TensorShape([1, 2])
    """
    return shapes.expand_dims(asarray(a), axis=axis)


def squeeze(a: Any, axis: Any = None) -> Any:
    """Takes axes of size 1 away.

    Args:
      a: an array or tensor.
      axis: which axes; all of size 1 by default.

    Raises:
      InvalidArgumentError (in a graph, ValueError): an axis is not of size 1.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.squeeze([[1, 2]]).shape
      TensorShape([2])
    """
    return shapes.squeeze(asarray(a), axis)


def _at_least(count: int, widened: Callable[[Any], Any], arrays: Sequence[Any]) -> Any:
    def one(x: Any) -> Any:
        x = asarray(x)
        return choose(comparison.greater(count, rank_of(x)), lambda: shapes.reshape(x, widened(shape_of(x))), lambda: x)

    results = [one(x) for x in arrays]
    return results[0] if len(results) == 1 else results


def _padded_left(count: int) -> Callable[[Any], Any]:
    def widened(sizes: Any) -> Any:
        if isinstance(sizes, np.ndarray):
            return np.array([1] * (count - len(sizes)) + sizes.tolist(), np.int32)
        missing = arithmetic.maximum(count - shapes.size(sizes), 0)
        return padding.pad(sizes, [[missing, 0]], constant_values=1)

    return widened


def atleast_1d(*arys: Any) -> Any:
    """Makes scalars vectors of one element.

    Returns:
      A tensor, or a list of tensors if there are several arguments.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.atleast_1d(3).shape
      TensorShape([1])
    """
    return _at_least(1, _padded_left(1), arys)


def atleast_2d(*arys: Any) -> Any:
    """Puts axes of size 1 in front until there are two.

    Returns:
      A tensor, or a list of tensors if there are several arguments.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.atleast_2d([1, 2]).shape
      TensorShape([1, 2])
    """
    return _at_least(2, _padded_left(2), arys)


def atleast_3d(*arys: Any) -> Any:
    """Adds axes of size 1 until there are three: a vector becomes ``(1, n, 1)``, a matrix ``(m, n, 1)``.

    Returns:
      A tensor, or a list of tensors if there are several arguments.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.atleast_3d([1, 2]).shape
      TensorShape([1, 2, 1])
    """

    def widened(sizes: Any) -> Any:
        if isinstance(sizes, np.ndarray):
            known = sizes.tolist()
            return np.array([[1, 1, 1], [1, *known, 1], [*known, 1]][len(known)], np.int32)
        rank = shapes.size(sizes)
        return choose(
            comparison.equal(rank, 0),
            lambda: convert_to_tensor([1, 1, 1]),
            lambda: choose(
                comparison.equal(rank, 1),
                lambda: padding.pad(sizes, [[1, 1]], constant_values=1),
                lambda: padding.pad(sizes, [[0, 1]], constant_values=1),
            ),
        )

    return _at_least(3, widened, arys)


def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeats an array until it has a shape.

    Args:
      array: an array or tensor.
      shape: the shape.

    Raises:
      InvalidArgumentError (in a graph, ValueError): it does not broadcast to that shape.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.broadcast_to([1, 2], (2, 2)).numpy().tolist()
      [[1, 2], [1, 2]]
    """
    if not isinstance(shape, Tensor):
        shape = convert_to_tensor(shape, dtype_hint=dtypes.int32)
    return repeated_to(asarray(array), atleast_1d(shape))


def broadcast_arrays(*args: Any, **kwargs: Any) -> Any:
    """Repeats arrays until they have a common shape.

    Args:
      args: arrays or tensors.
      kwargs: ``subok``, which must be False.

    Returns:
      A list of tensors.

    Raises:
      ValueError: ``subok`` is true, or there is another option.

    Example:
      >>> import tideflow as tf
      >>> [one.shape for one in tf.experimental.numpy.broadcast_arrays([1, 2], [[3]])]
      [TensorShape([1, 2]), TensorShape([1, 2])]
    """
    if kwargs.pop("subok", False):
        raise ValueError("subok=True is not supported.")
    if kwargs:
        raise ValueError(f"Received unsupported arguments {kwargs.keys()}")
    return broadcast(*map(asarray, args))


# Axes.


def transpose(a: Any, axes: Any = None) -> Any:
    """Puts axes in another order.

    Args:
      a: an array or tensor.
      axes: the order; reversed by default.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.transpose([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    return permuting.transpose(asarray(a), perm=None if axes is None else asarray(axes))


def swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    """Exchanges two axes.

    Args:
      a: an array or tensor.
      axis1, axis2: the axes; they may be negative.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.swapaxes([[1, 2, 3]], 0, 1).shape
      TensorShape([3, 1])
    """
    a = asarray(a)
    rank = a.shape.rank
    if rank is not None and isinstance(axis1, numbers.Integral) and isinstance(axis2, numbers.Integral):
        first, second = canonical_axis(axis1, rank), canonical_axis(axis2, rank)
        order = list(range(rank))
        for axis in (first, second):
            if not 0 <= axis < rank:
                raise IndexError(f"swapaxes: an axis is out of bounds for an array of {rank} axes")
        order[first], order[second] = second, first
        return permuting.transpose(a, order)
    count = rank_of(a)
    first, second = (where_v2(axis < 0, axis + count, axis) for axis in map(convert_to_tensor, (axis1, axis2)))
    order = tensor_scatter_nd_update(sequences.range(count), [[first], [second]], [second, first])
    return permuting.transpose(a, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Moves axes to other places; the others keep their order.

    Args:
      a: an array or tensor.
      source: an axis or a sequence of axes.
      destination: where they go.

    Raises:
      ValueError: there are not as many of the one as of the other.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.moveaxis(tf.zeros([2, 3, 4]), 0, -1).shape
      TensorShape([3, 4, 2])
    """
    a = asarray(a)
    source = (source,) if isinstance(source, numbers.Integral) else tuple(source)
    destination = (destination,) if isinstance(destination, numbers.Integral) else tuple(destination)
    if len(source) != len(destination):
        raise ValueError("The lengths of source and destination must equal")
    if not source:
        return a
    count = rank_of(a)
    source = tuple(canonical_axis(axis, count) for axis in source)
    destination = tuple(canonical_axis(axis, count) for axis in destination)
    if isinstance(count, int):
        order = [axis for axis in range(count) if axis not in source]
        for place, axis in sorted(zip(destination, source, strict=True)):
            if not 0 <= place <= len(order) or not 0 <= axis < count:
                raise ValueError(f"moveaxis: an axis is out of bounds for an array of {count} axes")
            order.insert(place, axis)
        return permuting.transpose(a, order)
    places = sequences.range(count)
    rest = scatter_nd(
        shapes.expand_dims(_without(places, destination), 1), _without(places, source), shapes.reshape(count, [1])
    )
    order = tensor_scatter_nd_update(rest, shapes.expand_dims(joining.stack(destination), 1), joining.stack(source))
    return permuting.transpose(a, order)


def _without(places: Any, removed: Any) -> Any:
    """Takes positions out of a vector."""
    in_order = splitting.unstack(sorting.sort(joining.stack(removed)), num=len(removed))
    parts, start = [], 0
    for place in in_order:
        parts.append(places[start:place])
        start = place + 1
    return joining.concat([*parts, places[start:]], 0)


def flip(m: Any, axis: Any = None) -> Any:
    """Reverses an axis.

    Args:
      m: an array or tensor.
      axis: which one; all by default.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.flip([1, 2, 3]).numpy().tolist()
      [3, 2, 1]
    """
    m = asarray(m)
    if axis is None:
        return permuting.reverse(m, sequences.range(rank_of(m)))
    return permuting.reverse(m, [canonical_axis(axis, rank_of(m))])


def flipud(m: Any) -> Any:
    """Reverses the first axis.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.flipud([[1], [2]]).numpy().tolist()
      [[2], [1]]
    """
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """Reverses the second axis.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.fliplr([[1, 2]]).numpy().tolist()
      [[2, 1]]
    """
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turns the plane of two axes by quarter turns.

    Args:
      m: an array or tensor of two or more axes.
      k: how many quarter turns, from the first of ``axes`` toward the second.
      axes: the plane.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.rot90([[1, 2], [3, 4]]).numpy().tolist()
      [[2, 4], [1, 3]]
    """
    m = asarray(m)
    first, second = (canonical_axis(axis, rank_of(m)) for axis in axes)
    k = k % 4
    if k == 0:
        return m
    if k == 2:
        return flip(flip(m, first), second)
    if k == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Moves elements along an axis; those pushed out come in at the other end.

    Args:
      a: an array or tensor.
      shift: by how many places.
      axis: which axis; by default all elements move in order.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.roll([1, 2, 3], 1).numpy().tolist()
      [3, 1, 2]
    """
    a = asarray(a)
    if axis is not None:
        return permuting.roll(a, shift, axis)
    return shapes.reshape(permuting.roll(shapes.reshape(a, [-1]), shift, 0), shape_of(a))


# Joining and splitting.


def concatenate(arys: Any, axis: Any = 0) -> Any:
    """Joins arrays along an axis.

    Args:
      arys: a sequence of arrays; they are promoted to one dtype.
      axis: the axis.

    Raises:
      ValueError: there are no arrays.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.concatenate([[1, 2], [3.5]]).numpy().tolist()
      [1.0, 2.0, 3.5]
    """
    if not isinstance(arys, list | tuple):
        arys = [arys]
    if not arys:
        raise ValueError(f"Need at least one array to concatenate. Received empty input: arys={arys}")
    dtype = promotion.result_type(*arys)
    return joining.concat([array(one, dtype) for one in arys], axis)


def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Joins two arrays.

    Args:
      arr, values: arrays or tensors.
      axis: the axis; by default all elements are joined in order.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.append([1, 2], [[3]]).numpy().tolist()
      [1, 2, 3]
    """
    if axis is None:
        return concatenate([ravel(arr), ravel(values)], 0)
    return concatenate([arr, values], axis=axis)


def stack(arrays: Any, axis: Any = 0) -> Any:
    """Joins arrays of one shape along a new axis.

    Args:
      arrays: a sequence of arrays, or one array, whose first axis is moved.
      axis: the place of the new axis.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    if isinstance(arrays, Tensor):
        return arrays if axis == 0 else swapaxes(arrays, 0, axis)
    return joining.stack(promoted(*arrays), axis)


def hstack(tup: Any) -> Any:
    """Joins arrays along the second axis; vectors along the first.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.hstack([[1, 2], [3]]).numpy().tolist()
      [1, 2, 3]
    """
    arrays = promoted(*[atleast_1d(one) for one in tup])
    return choose(
        comparison.equal(rank_of(arrays[0]), 1), lambda: joining.concat(arrays, 0), lambda: joining.concat(arrays, 1)
    )


def vstack(tup: Any) -> Any:
    """Joins arrays along the first axis; vectors are rows.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.vstack([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 2], [3, 4]]
    """
    return joining.concat(promoted(*[atleast_2d(one) for one in tup]), 0)


def dstack(tup: Any) -> Any:
    """Joins arrays along the third axis, which vectors and matrices are given first.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.dstack([[1, 2], [3, 4]]).numpy().tolist()
      [[[1, 3], [2, 4]]]
    """
    return joining.concat(promoted(*[atleast_3d(one) for one in tup]), 2)


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Cuts an array into parts.

    Args:
      ary: an array or tensor.
      indices_or_sections: how many parts of equal size; or where to cut, a sequence of positions.
      axis: the axis.

    Returns:
      A list of tensors.

    Raises:
      ValueError: the axis does not exist, or a position lies before the one before it.
      InvalidArgumentError (in a graph, ValueError): there are no parts of equal size.

    Example:
      >>> import tideflow as tf
      >>> [part.numpy().tolist() for part in tf.experimental.numpy.split([1, 2, 3, 4], [1, 3])]
      [[1], [2, 3], [4]]
    """
    ary = asarray(ary)
    if not isinstance(indices_or_sections, int):
        indices_or_sections = _sizes_between(ary, indices_or_sections, axis)
    return splitting.split(ary, indices_or_sections, axis=axis)


def _sizes_between(a: Any, positions: Any, axis: Any) -> list[int]:
    """Returns the sizes of the parts that cuts at positions make."""
    if axis >= len(a.shape):
        raise ValueError(f"axis {axis} is out of bound for shape {a.shape}")
    total = a.shape.as_list()[axis]
    sizes: list[int] = []
    previous = 0
    for number, position in enumerate(positions):
        if position < previous:
            raise ValueError(f"The {number}-th boundary {position} is smaller than the previous boundary {previous}")
        size = position - previous
        sizes.append(size if total is None else builtins.min(size, builtins.max(0, total - builtins.sum(sizes))))
        previous = position
    if total is None:
        return [*sizes, -1]  # what is left when the graph runs
    return [*sizes, builtins.max(0, total - builtins.sum(sizes))]


def _split_along(ary: Any, indices_or_sections: Any, axis: int) -> Any:
    ary = asarray(ary)
    if isinstance(indices_or_sections, int):
        count = ary.shape.as_list()[axis]
        if count is not None and count % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
    return split(ary, indices_or_sections, axis=axis)


def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cuts an array along its first axis; see :func:`split`.

    Example:
      >>> import tideflow as tf
      >>> [part.numpy().tolist() for part in tf.experimental.numpy.vsplit([[1], [2]], 2)]
      [[[1]], [[2]]]
    """
    return _split_along(ary, indices_or_sections, 0)


def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cuts an array along its second axis, a vector along its first; see :func:`split`.

    Example:
      >>> import tideflow as tf
      >>> [part.numpy().tolist() for part in tf.experimental.numpy.hsplit([1, 2], 2)]
      [[1], [2]]
    """
    ary = asarray(ary)
    return _split_along(ary, indices_or_sections, 0 if ary.shape.rank == 1 else 1)


def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cuts an array along its third axis; see :func:`split`.

    Example:
      >>> import tideflow as tf
      >>> [part.shape for part in tf.experimental.numpy.dsplit(tf.zeros([1, 1, 2]), 2)]
      [TensorShape([1, 1, 1]), TensorShape([1, 1, 1])]
    """
    return _split_along(ary, indices_or_sections, 2)


# Repeating and padding.


def tile(a: Any, reps: Any) -> Any:
    """Repeats an array as a whole.

    Args:
      a: an array or tensor.
      reps: how often along each axis; the shorter of ``reps`` and the shape is filled up with ones in front.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.tile([1, 2], 2).numpy().tolist()
      [1, 2, 1, 2]
    """
    a = asarray(a)
    counts = shapes.reshape(_counts(reps), [-1])
    rank, length = rank_of(a), counts.shape.as_list()[0]
    if isinstance(rank, int) and length is not None:
        if rank < length:
            a = shapes.reshape(a, joining.concat([[1] * (length - rank), shape_of(a)], 0))
        elif length < rank:
            counts = joining.concat([convert_to_tensor([1] * (rank - length), counts.dtype), counts], 0)
        return permuting.tile(a, counts)
    length = shapes.size(counts)
    counts = padding.pad(counts, [[arithmetic.maximum(rank - length, 0), 0]], constant_values=1)
    sizes = padding.pad(shapes.shape(a), [[arithmetic.maximum(length - rank, 0), 0]], constant_values=1)
    return permuting.tile(shapes.reshape(a, sizes), counts)


def _counts(x: Any) -> Any:
    """Returns numbers of elements as a tensor of int32, or of int64 where they are given so and may need it."""
    counts = asarray(x)
    return counts if counts.dtype is dtypes.int64 else as_type(counts, dtypes.int32)


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeats each element.

    Args:
      a: an array or tensor.
      repeats: how often; one number, or one for each element along the axis.
      axis: the axis; by default all elements are taken in order.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.repeat([1, 2], 2).numpy().tolist()
      [1, 1, 2, 2]
    """
    return sequences.repeat(asarray(a), asarray(repeats), axis)


def pad(array: Any, pad_width: Any, mode: str, **kwargs: Any) -> Any:
    """Puts elements around an array.

    Args:
      array: an array or tensor.
      pad_width: a pair for each axis: how many before, how many behind.
      mode: ``"constant"``; ``"reflect"``, mirrored at the outermost elements; ``"symmetric"``, mirrored at the edge.
      kwargs: ``constant_values``, the value of the mode ``"constant"``; 0 by default.

    Raises:
      ValueError: another mode.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.pad([1, 2], [[1, 1]], "constant").numpy().tolist()
      [0, 1, 2, 0]
    """
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError("Unsupported padding mode: " + mode)
    return padding.pad(
        asarray(array), _counts(pad_width), mode=mode.upper(), constant_values=kwargs.get("constant_values", 0)
    )


# Taking and choosing.


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "clip") -> Any:
    """Takes elements by their positions along an axis.

    Args:
      a: an array or tensor.
      indices: the positions, of any shape.
      axis: the axis; by default all elements are taken in order.
      out: must be None.
      mode: what becomes of a position beyond the axis: ``"clip"`` takes the nearest, ``"wrap"`` counts around.

    Raises:
      ValueError: ``out`` is given, or another mode.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.take([10, 20, 30], [0, 5]).numpy().tolist()
      [10, 30]
    """
    if out is not None:
        raise ValueError("out argument is not supported in take.")
    if mode not in ("raise", "clip", "wrap"):
        raise ValueError(f"Invalid mode '{mode}' for take")
    if mode == "raise":
        raise ValueError("The 'raise' mode to take is not supported.")
    a, indices = asarray(a), asarray(indices)
    if axis is None:
        a, axis = shapes.reshape(a, [-1]), 0
    count = as_type(shapes.shape(a)[axis], indices.dtype)
    if mode == "clip":
        indices = clip_by_value(indices, convert_to_tensor(0, indices.dtype), count - convert_to_tensor(1, count.dtype))
    else:
        indices = division.floor_mod(indices, count)
    return gather(a, indices, axis=axis)


def take_along_axis(arr: Any, indices: Any, axis: Any) -> Any:
    """Takes, from each slice along an axis, the elements at positions of its own.

    Args:
      arr: an array or tensor.
      indices: the positions: of the rank of ``arr``, and of sizes that broadcast but for the axis.
      axis: the axis; None takes all elements of ``arr`` in order.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.take_along_axis([[10, 20], [30, 40]], [[1], [0]], axis=1).numpy().tolist()
      [[20], [30]]
    """
    arr, indices = asarray(arr), asarray(indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = canonical_axis(axis, rank_of(arr))
    count = as_type(shapes.shape(arr)[axis], indices.dtype)
    arr, indices = _alike_but_for(axis, arr, indices)
    static_shape = indices.shape
    indices = where_v2(indices < convert_to_tensor(0, indices.dtype), indices + count, indices)
    is_last = comparison.equal(axis, rank_of(arr) - 1)
    arr = choose(is_last, lambda: arr, lambda: swapaxes(arr, axis, -1))
    indices = choose(is_last, lambda: indices, lambda: swapaxes(indices, axis, -1))
    sizes = shape_of(indices)
    rows = gather(shapes.reshape(arr, _rows(arr)), shapes.reshape(indices, _rows(indices)), batch_dims=1)
    result = shapes.reshape(rows, sizes)
    result = choose(is_last, lambda: result, lambda: swapaxes(result, axis, -1))
    result.set_shape(static_shape)
    return result


def _rows(x: Any) -> Any:
    """The shape of ``x`` as a matrix, whose rows lie along its last axis; no axis may be left to be found, if empty."""
    known = x.shape
    if known.is_fully_defined():
        *rest, last = known.as_list()
        return [int(np.prod(rest)), last]
    return [-1, shapes.shape(x)[-1]]


def _alike_but_for(axis: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Broadcasts two arrays to each other, but for one axis."""
    if isinstance(axis, int) and x.shape.is_fully_defined() and y.shape.is_fully_defined():
        ours, theirs = x.shape.as_list(), y.shape.as_list()
        if len(ours) == len(theirs) and axis < len(ours):
            rest = list(
                np.broadcast_shapes([*ours[:axis], 1, *ours[axis + 1 :]], [*theirs[:axis], 1, *theirs[axis + 1 :]])
            )
            wanted = [rest[:axis] + [sizes[axis]] + rest[axis + 1 :] for sizes in (ours, theirs)]
            return tuple(
                one if sizes == have else repeated_to(one, sizes)
                for one, sizes, have in zip((x, y), wanted, (ours, theirs), strict=True)
            )
    sizes = shapes.shape(x), shapes.shape(y)
    common = broadcast_dynamic_shape(*(tensor_scatter_nd_update(one, [[axis]], [1]) for one in sizes))
    return tuple(
        repeated_to(one, tensor_scatter_nd_update(common, [[axis]], [own[axis]]))
        for one, own in zip((x, y), sizes, strict=True)
    )


def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """Keeps the slices along an axis for which a condition holds.

    Args:
      condition: a vector of booleans; where it is shorter than the axis, the rest is left out.
      a: an array or tensor.
      axis: the axis; by default all elements are taken in order.

    Raises:
      ValueError: ``condition`` is no vector.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.compress([True, False], [1, 2, 3]).numpy().tolist()
      [1]
    """
    condition, a = as_array(condition, dtypes.bool), asarray(a)
    if condition.shape.rank != 1:
        raise ValueError("condition must be a 1-d array.")
    if axis is None or a.shape.rank == 0:
        a, axis = ravel(a), 0
    if a.shape.rank is None:
        raise ValueError("The rank of `a` must be known.")
    axis = canonical_axis(axis, rank_of(a))
    if not 0 <= axis < a.shape.rank:
        raise ValueError(f"axis {axis} is out of bounds for an array of {a.shape.rank} axes")
    given, count = condition.shape.as_list()[0], a.shape.as_list()[axis]
    if given is None or count is None:
        missing = arithmetic.maximum(shapes.shape(a)[axis] - shapes.size(condition), 0)
        condition = joining.concat([condition, fill(shapes.reshape(missing, [1]), False)], 0)
    elif given < count:
        condition = joining.concat([condition, zeros([count - given], dtypes.bool)], 0)
    return boolean_mask(a, condition, axis=axis)


def nonzero(a: Any) -> Any:
    """Finds the positions of the elements that are not zero.

    Args:
      a: an array or tensor of known rank.

    Returns:
      A list of int64 vectors, one for each axis.

    Raises:
      ValueError: the rank is not known.

    Example:
      >>> import tideflow as tf
      >>> [axis.numpy().tolist() for axis in tf.experimental.numpy.nonzero([[1, 0], [0, 2]])]
      [[0, 1], [0, 1]]
    """
    a = atleast_1d(a)
    if a.shape.rank is None:
        raise ValueError("The rank of `a` is unknown, so we can't decide how many arrays to return.")
    return splitting.unstack(where_v2(as_type(a, dtypes.bool)), a.shape.rank, axis=1)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Chooses elements of ``x`` where a condition holds, and of ``y`` elsewhere; or tells where it holds.

    Args:
      condition: booleans; numbers count as true if they are not zero.
      x, y: arrays or tensors, all three of shapes that broadcast; both or neither.

    Returns:
      A tensor of the dtype that ``x`` and ``y`` promote to; without them, what :func:`nonzero` returns.

    Raises:
      ValueError: just one of ``x`` and ``y`` is given.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.where([True, False], [1, 2], 0.5).numpy().tolist()
      [1.0, 0.5]
    """
    condition = as_array(condition, dtypes.bool)
    if x is None and y is None:
        return nonzero(condition)
    if x is not None and y is not None:
        return where_v2(condition, *promoted(x, y))
    raise ValueError("Both x and y must be ndarrays, or both must be None.")


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Chooses, for each element, from the first choice whose condition holds.

    Args:
      condlist: a list of conditions.
      choicelist: as many arrays.
      default: what to take where no condition holds.

    Raises:
      ValueError: there are no conditions, or not as many choices.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.select([[True, False], [True, True]], [[1, 2], [3, 4]]).numpy().tolist()
      [1, 4]
    """
    if len(condlist) != len(choicelist):
        raise ValueError(f"condlist must have length equal to choicelist ({len(condlist)} vs {len(choicelist)})")
    if not condlist:
        raise ValueError("condlist must be non-empty")
    result, *choices = promoted(default, *choicelist)
    for condition, choice in zip(condlist[::-1], choices[::-1], strict=True):
        result = where(condition, choice, result)
    return result


def ix_(*args: Any) -> Any:
    """Makes indices that take the cross product of positions: a row for the first argument, and so on.

    Args:
      args: vectors of positions, or of booleans.

    Returns:
      A list of tensors, each of as many axes as there are arguments.

    Raises:
      ValueError: an argument is no vector, or of another dtype.

    Example:
      >>> import tideflow as tf
      >>> [index.numpy().tolist() for index in tf.experimental.numpy.ix_([0, 1], [2, 3])]
      [[[0], [1]], [[2, 3]]]
    """
    indices = []
    for number, given in enumerate(args):
        index = asarray(given)
        if index.shape.rank is None:
            Assert(comparison.equal(rank_of(index), 1), [rank_of(index)])
        elif index.shape.rank != 1:
            raise ValueError(f"Arguments must be 1-d, got arg {number} of rank {index.shape.rank}")
        if index.dtype is dtypes.bool:
            index = nonzero(index)[0]
        elif not index.dtype.is_integer:
            raise ValueError(f"Only integer and bool dtypes are supported, got {index.dtype}")
        indices.append(shapes.reshape(index, [-1 if place == number else 1 for place in range(len(args))]))
    return indices


# Sorting.


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Finds the order that sorts an array.

    Args:
      a: an array or tensor of real numbers.
      axis: the axis to sort along; None takes all elements in order.
      kind: ``"quicksort"`` or ``"stable"``.
      order: must be None.

    Returns:
      A tensor of int64.

    Raises:
      ValueError: another ``kind``, or an ``order``.
      TypeError: complex numbers.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.argsort([3, 1, 2]).numpy().tolist()
      [1, 2, 0]
    """
    if kind not in ("quicksort", "stable"):
        raise ValueError(
            'Invalid value for argument `kind`. Only kind="quicksort" and kind="stable" are supported. '
            f"Received: kind={kind}"
        )
    _refuse_order(order)
    a = asarray(a)
    if a.dtype.is_complex:
        raise TypeError(f"argsort does not support complex64/complex128 dtypes. Received dtype: {a.dtype!r}")

    def found() -> Any:
        if axis is None:
            return sorting.argsort(shapes.reshape(a, [-1]), 0, stable=kind == "stable")
        return sorting.argsort(a, axis, stable=kind == "stable")

    result = choose(comparison.equal(rank_of(a), 0), lambda: convert_to_tensor([0]), found)
    return as_type(result, dtypes.int32 if promotion.rules.is_weak else dtypes.int64)


def _refuse_order(order: Any) -> None:
    if order is not None:
        raise ValueError("The `order` argument is not supported. Pass order=None")


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Sorts an array along an axis.

    Args:
      a: an array or tensor of real numbers.
      axis: the axis; None takes all elements in order.
      kind: must be ``"quicksort"``.
      order: must be None.

    Raises:
      ValueError: another ``kind``, or an ``order``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.sort([3, 1, 2]).numpy().tolist()
      [1, 2, 3]
    """
    if kind != "quicksort":
        raise ValueError(
            f'Invalid value for argument `kind`. Only kind="quicksort" is supported. Received: kind={kind}'
        )
    _refuse_order(order)
    a = asarray(a)
    return sorting.sort(shapes.reshape(a, [-1]), 0) if axis is None else sorting.sort(a, axis)
