"""Defines ``RaggedTensor``: a tensor with dimensions along which lengths differ."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.errors import OperatorNotAllowedInGraphError
from tideflow._src.core.tensor import EagerTensor, Tensor, TensorProtocol
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math import arithmetic, comparison, division, logical, operators, unary
from tideflow._src.ops.ragged import conversion
from tideflow._src.ops.ragged.indexing import ragged_getitem
from tideflow._src.ops.ragged.ragged_making import RaggedMaking
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue, rows_as_lists, value_of_components
from tideflow._src.runtime.convert import register_tensor_conversion_function


class ValuesGradient:
    """Lets gradients flow through the values of a ragged tensor."""

    def get_gradient_components(self, value: Any) -> Any:
        """Returns what gradients flow through."""
        return value.values

    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        """Returns a gradient like ``value``, of the gradients of its components."""
        return value.with_values(component_grads)


@named_in_tensorflow("ops.ragged.ragged_tensor.RaggedTensor")
class RaggedTensor(RaggedMaking, TensorProtocol):
    """Is a tensor whose rows, along one dimension or several, may be of different lengths.

    It consists of the values of all rows, one after another, and a partition that says where rows begin and end. The
    values may be a ragged tensor themselves: the number of such levels is the ragged rank.

    >>> print(RaggedTensor.from_row_splits([3, 1, 4, 1, 5, 9, 2, 6], [0, 4, 4, 7, 8]))
    <tf.RaggedTensor [[3, 1, 4, 1], [], [5, 9, 2], [6]]>

    The constructor is private: use one of the ``from_*`` methods, or ``tf.ragged.constant``.
    """

    #: NumPy leaves an operator between an array and a ragged tensor to the latter.
    __array_priority__ = 100
    __composite_gradient__ = ValuesGradient()

    # As something else.

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Any:
        """Returns a dense tensor in which rows that are too short are filled up.

        Args:
          default_value: what to fill up with: zero (or an empty string) by default.
          name: the name scope.
          shape: the shape of the result: what is beyond is left out. By default, and where it is None, what is needed.

        Raises:
          TypeError: ``default_value`` is of another type.
          ValueError: ``shape`` does not fit.
        """
        return conversion.to_tensor(self, default_value, name, shape)

    def to_sparse(self, name: str | None = None) -> Any:
        """Returns a sparse tensor with the elements in their places."""
        return conversion.to_sparse(self, name)

    def _to_variant(self, batched_input: bool = False, name: str | None = None) -> Any:
        return conversion.to_variant(self, batched_input, name)

    def _is_eager(self) -> bool:
        parts = (*self.nested_row_splits, self.flat_values)
        return all(isinstance(part, Tensor) and hasattr(type(part), "numpy") for part in parts)

    def numpy(self) -> Any:
        """Returns the value as an array: of arrays, where rows differ in length.

        Raises:
          ValueError: this tensor belongs to a graph.
        """
        if not self._is_eager():
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        values = self._values.numpy()
        splits = self.row_splits.numpy()
        lengths = np.diff(splits)
        if not lengths.size:
            return np.zeros((0, 0, *values.shape[1:]), values.dtype)
        part = values[splits[0] : splits[-1]]
        if (lengths == lengths[0]).all() and len(part) == len(lengths) * lengths[0]:
            return part.reshape(len(lengths), int(lengths[0]), *values.shape[1:])
        rows = np.empty(len(lengths), object)
        bounds = splits.tolist()
        rows[:] = [values[start:limit] for start, limit in itertools.pairwise(bounds)]
        return rows

    def to_list(self) -> list[Any]:
        """Returns the value as nested lists.

        Raises:
          ValueError: this tensor belongs to a graph, or its values have no lists.
        """
        if not isinstance(self.row_splits, EagerTensor) and not hasattr(type(self.row_splits), "numpy"):
            raise ValueError("to_list can only be used in eager mode.")
        values = self.flat_values
        splits = [each.numpy() for each in self.nested_row_splits]
        if hasattr(type(values), "numpy"):
            return rows_as_lists(values.numpy(), splits)
        if hasattr(values, "to_list"):
            return rows_as_lists(_Listed(values.to_list()), splits)
        raise ValueError("values must be convertible to a list")

    def _eager_value(self) -> Any:
        return value_of_components([each.numpy() for each in (*self.nested_row_splits, self.flat_values)])

    def __repr__(self) -> str:
        if self._is_eager():
            with np.printoptions(formatter={"all": element_text}):
                return f"<tf.RaggedTensor {element_text(self.numpy())}>"
        return f"tf.RaggedTensor(values={self.values}, row_splits={self.row_splits})"

    # In sessions, functions and loops.

    @property
    def _type_spec(self) -> RaggedTensorSpec:
        return RaggedTensorSpec.from_value(self)

    def _shape_invariant_to_type_spec(self, shape: Any) -> RaggedTensorSpec:
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self._row_partition.dtype)

    def _with_static_shape(self, shape: Any) -> Any:
        """Returns this tensor, of which no more is known statically than its shape says."""
        spec = self._shape_invariant_to_type_spec(shape)
        parts = zip(spec._to_components(self), spec._component_specs, strict=True)
        return spec._from_components([raw.PlaceholderWithDefault(part, shape=known.shape) for part, known in parts])

    def consumers(self) -> list[Any]:
        """Returns the operations of the graph that take a part of this tensor."""
        return self._consumers()

    def _fetch_components(self) -> tuple[list[Any], Callable[[list[Any]], Any]]:
        return [*self.nested_row_splits, self.flat_values], value_of_components

    def _feed_components(self, value: Any) -> list[Any]:
        """Returns what the components of this tensor are fed where it is fed a ragged tensor or the value of one."""
        return [*value.nested_row_splits, value.flat_values]

    def _as_graph_element(self) -> Any:
        return self.flat_values

    # Operators.

    __getitem__ = ragged_getitem

    def __iter__(self) -> Iterator[Any]:
        """Yields the rows.

        Raises:
          OperatorNotAllowedInGraphError: how many there are is known when the graph runs only.
        """
        count = self.shape[0] if not self._is_eager() else int(self.nrows())
        if count is None:
            raise OperatorNotAllowedInGraphError(
                f"Iterating over a symbolic RaggedTensor whose number of rows is unknown is not allowed: {self!r}. "
                "Use a `for` statement in a function that AutoGraph converts, or tf.map_fn."
            )
        return (self[row] for row in range(count))

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    __nonzero__ = __bool__

    def __hash__(self) -> int:
        graph = getattr(self.row_splits, "graph", None) if not self._is_eager() else None
        if context.mode.tensor_equality and (graph is None or graph.building_function):
            raise TypeError("RaggedTensor is unhashable.")
        return id(self)

    def __eq__(self, other: object) -> Any:
        return operators.tensor_equals(self, other)

    def __ne__(self, other: object) -> Any:
        return operators.tensor_not_equals(self, other)


class _Listed:
    """Is a list where an array is expected."""

    def __init__(self, items: list[Any]) -> None:
        self.tolist = lambda: items


def _operator(name: str, function: Callable[[Any, Any], Any]) -> None:
    """Makes a function of two arguments the operator ``name`` of ragged tensors, on either side."""
    setattr(RaggedTensor, f"__{name}__", lambda self, other: function(self, other))
    setattr(RaggedTensor, f"__r{name}__", lambda self, other: function(other, self))


for _name, _function in (
    ("add", arithmetic.add),
    ("sub", arithmetic.subtract),
    ("mul", arithmetic.multiply),
    ("truediv", division.truediv),
    ("floordiv", division.floordiv),
    ("mod", division.floormod),
    ("pow", arithmetic.pow),
    ("and", logical.logical_and),
    ("or", logical.logical_or),
    ("xor", logical.logical_xor),
):
    _operator(_name, _function)
for _name, _function in (
    ("lt", comparison.less),
    ("le", comparison.less_equal),
    ("gt", comparison.greater),
    ("ge", comparison.greater_equal),
):
    setattr(RaggedTensor, f"__{_name}__", lambda self, other, _function=_function: _function(self, other))
for _name, _unary in (("neg", unary.negative), ("abs", unary.abs), ("invert", logical.logical_not)):
    setattr(RaggedTensor, f"__{_name}__", lambda self, _unary=_unary: _unary(self))

RaggedTensorSpec.ragged_class = RaggedTensor


def is_ragged(value: Any) -> bool:
    """Tells whether a value is a ragged tensor or the value of one."""
    return isinstance(value, RaggedTensor | RaggedTensorValue)


def match_row_splits_dtypes(*tensors: Any, return_dtype: bool = False) -> Any:
    """Returns tensors, the ragged ones of which all have row splits of one type.

    Args:
      *tensors: tensors and ragged tensors.
      return_dtype: whether to return that type, too: ``(dtype, tensors)``.

    Raises:
      ValueError: their types differ.
    """
    kinds = {tensor._row_partition.dtype for tensor in tensors if isinstance(tensor, RaggedTensor)}
    if len(kinds) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
            "convert them to compatible dtypes."
        )
    return (kinds.pop() if kinds else dtypes.int64, tensors) if return_dtype else tensors


def element_text(item: Any) -> str:
    """Writes an element, a row or the whole value of a ragged tensor as it is printed."""
    if not isinstance(item, np.ndarray):
        return str(item)
    return np.array2string(item, separator=", ") if item.size else repr(item.tolist())


def _refuse_conversion(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
    del value, dtype, name, as_ref
    kind = ValueError if context.executing_eagerly() else TypeError
    raise kind("TypeError: object of type 'RaggedTensor' has no len()")


register_tensor_conversion_function(RaggedTensor, _refuse_conversion)
