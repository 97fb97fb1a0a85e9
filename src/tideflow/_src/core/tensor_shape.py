"""Defines ``TensorShape``, what is known about a tensor's shape, and ``Dimension``, TF 1.x's wrapped size.

A shape is a tuple of sizes, with ``None`` for an unknown size, or ``None`` when even the rank is unknown. TF
1.x shows sizes as ``Dimension`` objects, TF 2.x as ``int | None``; :func:`set_v2_behavior` chooses.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.core.dimension import Dimension, as_dimension, checked_size, dimension_value

__all__ = [
    "Dimension",
    "TensorShape",
    "as_dimension",
    "as_shape",
    "broadcast_static_shape",
    "dimension_at_index",
    "dimension_value",
    "set_v2_behavior",
    "unknown_shape",
]

_v2_behavior = True


def set_v2_behavior(enabled: bool) -> None:
    """Chooses whether indexing a shape gives ``int | None`` (TF 2.x, as by default) or ``Dimension``."""
    global _v2_behavior
    _v2_behavior = enabled


#: Makes a ``TensorShapeProto`` of a shape. The graph floor, which owns the protos, sets it.
to_proto: Callable[[TensorShape], Any] | None = None

_new_object = object.__new__


class TensorShape:
    """Is what is known about a shape: all sizes, some of them, only the rank, or nothing.

    >>> TensorShape([32, None])
    TensorShape([32, None])
    >>> TensorShape([None, 784]).merge_with([32, None])
    TensorShape([32, 784])

    Args:
      dims: an iterable of sizes, each an integer, a ``Dimension`` or ``None`` for unknown; a single integer
        for a vector; a ``TensorShape`` or ``TensorShapeProto``; or ``None`` for an unknown rank.

    Raises:
      TypeError: ``dims`` cannot be understood as sizes.
      ValueError: a size is negative.
    """

    __slots__ = ("_dims",)

    _dims: tuple[int | None, ...] | None

    def __init__(self, dims: Any) -> None:
        if type(dims) is tuple or type(dims) is list:
            self._dims = tuple(
                [size if (type(size) is int and size >= 0) or size is None else checked_size(size) for size in dims]
            )
        elif dims is None:
            self._dims = None
        elif isinstance(dims, TensorShape):
            self._dims = dims._dims
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):
            self._dims = _from_proto(dims)
        else:
            self._dims = _from_iterable_or_size(dims)

    @classmethod
    def _from_tuple(cls, dims: tuple[int | None, ...] | None) -> TensorShape:
        """Makes a shape of a tuple that is known to hold only ``None`` and integers that are not negative."""
        shape: TensorShape = _new_object(cls)
        shape._dims = dims
        return shape

    @property
    def _v2_behavior(self) -> bool:
        return _v2_behavior

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or ``None`` if it is unknown."""
        dims = self._dims
        return None if dims is None else len(dims)

    ndims = rank

    @property
    def dims(self) -> list[Dimension] | None:
        """The sizes as ``Dimension`` objects, or ``None`` if the rank is unknown."""
        return None if self._dims is None else [Dimension(size) for size in self._dims]

    def as_list(self) -> list[int | None]:
        """Returns the sizes as a list of integers and ``None``; a ``ValueError`` if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self) -> Any:
        """Returns this shape as a ``TensorShapeProto``."""
        if to_proto is None:
            raise RuntimeError("TensorShape.as_proto needs tideflow's graph package, which is not imported yet.")
        return to_proto(self)

    experimental_as_proto = as_proto

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> TensorShape:
        """Returns the shape that a ``TensorShapeProto`` describes."""
        return cls(proto)

    def num_elements(self) -> int | None:
        """Returns the number of elements, or ``None`` if the shape is not fully defined."""
        if self._dims is None:
            return None
        count = 1
        for size in self._dims:
            if size is None:
                return None
            count *= size
        return count

    def is_fully_defined(self) -> bool:
        """Tells whether the rank and every size are known."""
        return self._dims is not None and None not in self._dims

    # Combining two shapes.

    def merge_with(self, other: Any) -> TensorShape:
        """Returns the shape that knows what this one and ``other`` know.

        Raises:
          ValueError: the two disagree.
        """
        other = as_shape(other)
        if self._dims is None:
            return other  # type: ignore[no-any-return]
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape._from_tuple(
            tuple([mine if mine is not None else its for mine, its in zip(self._dims, other._dims, strict=True)])
        )

    def concatenate(self, other: Any) -> TensorShape:
        """Returns this shape followed by ``other``; unknown if the rank of either is."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return unknown_shape()
        return TensorShape._from_tuple(self._dims + other._dims)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """Returns the shape that knows only what this one and ``other`` agree on."""
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return unknown_shape()
        return TensorShape._from_tuple(
            tuple([mine if mine == its else None for mine, its in zip(self._dims, other._dims, strict=True)])
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorShape | None:
        """Returns the most specific shape that this one and all ``others`` are subtypes of."""
        if any(not isinstance(other, TensorShape) for other in others):
            return None
        shape = self
        for other in others:
            shape = shape.most_specific_compatible_shape(other)
        return shape

    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether every shape that this one allows is allowed by ``other``."""
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(its is None or mine == its for mine, its in zip(self._dims, other._dims, strict=True))

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether some fully defined shape fits both this one and ``other``."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        if len(self._dims) != len(other._dims):
            return False
        return all(
            mine is None or its is None or mine == its for mine, its in zip(self._dims, other._dims, strict=True)
        )

    # Narrowing by rank, and assertions.

    def with_rank(self, rank: int) -> TensorShape:
        """Returns this shape if it has the given rank, or one of that rank if this one's is unknown.

        Raises:
          ValueError: this shape has another rank.
        """
        if self._dims is None:
            return unknown_shape(rank)
        if len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Returns this shape; a ``ValueError`` if its rank is known and below ``rank``."""
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Returns this shape; a ``ValueError`` if its rank is known and above ``rank``."""
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Raises ``ValueError`` if this shape cannot have the given rank."""
        if self._dims is not None and len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Raises ``ValueError`` if this shape and ``other`` are known to differ in rank."""
        other = as_shape(other)
        if self._dims is not None and other._dims is not None and len(self._dims) != len(other._dims):
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ``ValueError`` if no fully defined shape fits both this one and ``other``."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Raises ``ValueError`` if the rank or a size is unknown."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    # As a sequence.

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    __nonzero__ = __bool__

    def __iter__(self) -> Iterator[Any]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims) if _v2_behavior else map(Dimension, self._dims)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return _slice_of_unknown(key)
        if isinstance(key, slice):
            return TensorShape._from_tuple(self._dims[key])
        size = self._dims[key]
        return size if _v2_behavior else Dimension(size)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TensorShape):
            return self._dims == other._dims
        try:
            return self._dims == as_shape(other)._dims
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        return f"TensorShape({list(self._dims) if _v2_behavior else self.dims})"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        unknown = "None" if _v2_behavior else "?"
        text = ", ".join([unknown if size is None else str(size) for size in self._dims])
        return f"({text},)" if len(self._dims) == 1 else f"({text})"

    def __reduce__(self) -> Any:
        return TensorShape, (self._dims,)


def _from_proto(proto: Any) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple([None if dim.size == -1 else checked_size(dim.size) for dim in proto.dim])


def _from_iterable_or_size(dims: Any) -> tuple[int | None, ...]:
    if isinstance(dims, str | bytes):
        raise TypeError(
            f"Failed to convert {dims!r} to a shape: a shape is a single size (10) or an iterable of sizes "
            "([1, 10, None]), not a string."
        )
    if isinstance(dims, Dimension):
        return (dims.value,)
    if not hasattr(dims, "shape") or dims.shape:  # a rank-0 array or tensor is a size, though it has __iter__
        try:
            sizes = list(dims)
        except TypeError:
            return (checked_size(dims),)
        return tuple([checked_size(size) for size in sizes])
    return (checked_size(dims),)


def _slice_of_unknown(key: Any) -> Any:
    """Returns what indexing a shape of unknown rank gives: the rank of a slice may follow from its bounds."""
    if not isinstance(key, slice):
        return None if _v2_behavior else Dimension(None)
    if key.step is not None:
        raise ValueError("Steps are not yet handled")
    start = 0 if key.start is None else operator.index(key.start)
    if key.stop is None or start < 0 or operator.index(key.stop) < 0:
        return unknown_shape()
    return unknown_shape(max(operator.index(key.stop) - start, 0))


def as_shape(shape: Any) -> TensorShape:
    """Returns ``shape`` if it is a ``TensorShape``, else makes one of it."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """Returns a shape of unknown rank, or one of the given rank whose sizes are unknown."""
    return TensorShape._from_tuple(None if rank is None else (None,) * rank)


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """Returns the size at ``index`` as a ``Dimension``, in either behaviour; unknown if the rank is."""
    if shape._dims is None:
        return Dimension(None)
    return Dimension(shape._dims[index])


def broadcast_static_shape(
    first: tuple[int | None, ...] | None, second: tuple[int | None, ...] | None
) -> tuple[int | None, ...] | None:
    """Returns the sizes that two shapes have after NumPy's broadcasting, as far as they are known.

    >>> broadcast_static_shape((None, 1), (7,))
    (None, 7)

    Args:
      first, second: sizes as in ``TensorShape._dims``.

    Raises:
      ValueError: the two cannot be broadcast together.
    """
    if first == second and first is not None and None not in first:
        return first
    if first is None or second is None:
        return None
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    sizes = list(longer)
    offset = len(longer) - len(shorter)
    for position, its in enumerate(shorter, offset):
        mine = sizes[position]
        if mine == its or its == 1:
            continue
        if mine == 1:
            sizes[position] = its
        elif mine is None or its is None:
            # One size is unknown and the other is above 1: the unknown one is 1 or the same.
            sizes[position] = its if mine is None else mine
        else:
            raise ValueError(
                "Incompatible shapes for broadcasting. Two shapes are compatible if for each dimension pair "
                "they "
                f"are either equal or one of them is 1. Received: {TensorShape._from_tuple(first)} and "
                f"{TensorShape._from_tuple(second)}."
            )
    return tuple(sizes)
