"""Defines ``TensorArray``: tensors written and read one by one, as loops do it.

Eagerly it is a Python list. In a graph it is a list of tensors (``TensorList``) that flows from operation to operation:
every change gives a new array, so that control flow and gradients need nothing special.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import InvalidArgumentError, OutOfRangeError, ResourceExhaustedError
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec, register, register_type_spec_from_value_converter
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.convert import convert_to_tensor


class TensorArray:
    """Is an array of tensors whose elements are written and read one by one.

    Each method that changes the array returns the array to use from then on.

    Args:
      dtype: the dtype of the elements.
      size: how many elements there are, or are to start with.
      dynamic_size: whether writing behind the end makes the array longer.
      clear_after_read: whether, eagerly, an element can be read only once (the default).
      tensor_array_name: kept for TensorFlow's signature.
      handle: kept for TensorFlow's signature.
      flow: the state of an array that exists already, in a graph.
      infer_shape: whether all elements have the shape of the first one written.
      element_shape: the shape of all elements, as far as it is known.
      colocate_with_first_write_call: kept for TensorFlow's signature.
      name: a name for the operation.

    Raises:
      ValueError: the size is not given.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        kind = _GraphArray
        if context.executing_eagerly() and (flow is None or not _is_list(flow)):
            kind = _EagerArray
        self._implementation: Any = kind(
            dtype, size, dynamic_size, clear_after_read, tensor_array_name, handle, flow, infer_shape, element_shape,
            name, self,
        )  # fmt: skip
        del colocate_with_first_write_call

    @property
    def flow(self) -> Any:
        """The tensor that stands for the state of the array."""
        return self._implementation.flow

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._implementation.dtype

    @property
    def handle(self) -> None:
        """Is None: the array has no handle besides its flow."""
        return None

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of the elements."""
        return self._implementation.element_shape  # type: ignore[no-any-return]

    @property
    def dynamic_size(self) -> bool:
        """Whether writing behind the end makes the array longer."""
        return self._implementation.dynamic  # type: ignore[no-any-return]

    @property
    def _dynamic_size(self) -> bool:
        return self.dynamic_size

    @property
    def _infer_shape(self) -> bool:
        return self._implementation.infers  # type: ignore[no-any-return]

    def identity(self) -> TensorArray:
        """Returns an array with the same content, which waits for the control dependencies around."""
        return self._implementation.identity()  # type: ignore[no-any-return]

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """Is not supported: gradients flow through the array itself."""
        del source, flow, name
        raise NotImplementedError(
            "TensorArray.grad is not supported: gradients of operations that use TensorArrays do not need it."
        )

    def read(self, index: Any, name: str | None = None) -> Any:
        """Returns the element at an index."""
        return self._implementation.read(index, name)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Writes an element and returns the array that holds it.

        Raises:
          ValueError: its shape is not that of the other elements.
        """
        return self._implementation.write(index, value, name)  # type: ignore[no-any-return]

    def stack(self, name: str | None = None) -> Any:
        """Returns the elements, stacked along a new first dimension."""
        return self._implementation.stack(name)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """Returns the elements at several indices, stacked along a new first dimension."""
        return self._implementation.gather(indices, name)

    def concat(self, name: str | None = None) -> Any:
        """Returns the elements, joined along their first dimension."""
        return self._implementation.concat(name)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Writes the slices of ``value`` along its first dimension, and returns the array that holds them."""
        return self._implementation.unstack(value, name)  # type: ignore[no-any-return]

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Writes the slices of ``value`` at several indices, and returns the array that holds them."""
        return self._implementation.scatter(indices, value, name)  # type: ignore[no-any-return]

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Writes parts of ``value`` of the given lengths, and returns the array that holds them."""
        return self._implementation.split(value, lengths, name)  # type: ignore[no-any-return]

    def size(self, name: str | None = None) -> Any:
        """Returns the number of elements."""
        return self._implementation.size(name)

    def close(self, name: str | None = None) -> Any:
        """Frees what the array holds; a graph does so by itself."""
        return self._implementation.close(name)

    def __tf_tracing_type__(self, tracing_context: Any) -> TensorArraySpec:
        """Returns the spec that signs a traced function for this array."""
        del tracing_context
        return TensorArraySpec.from_value(self)


def _is_list(flow: Any) -> bool:
    return isinstance(flow, Tensor) and flow.dtype is dtypes.variant


def with_new_flow(old: TensorArray, flow: Any) -> TensorArray:
    """Returns an array like ``old`` whose state is ``flow``."""
    implementation = old._implementation
    if isinstance(implementation, _EagerArray) and not _is_list(flow):
        return old
    new = TensorArray.__new__(TensorArray)
    new._implementation = _GraphArray(
        implementation.dtype, None, implementation.dynamic, None, None, None, flow, implementation.infers,
        implementation.element_shape, None, new,
    )  # fmt: skip
    new._implementation.count = implementation.count
    return new


class _Array:
    """Is what arrays have in common, whatever their elements are kept in."""

    def __init__(self, dtype: Any, dynamic_size: bool | None, infer_shape: bool, element_shape: Any) -> None:
        self.dtype = dtypes.as_dtype(dtype).base_dtype
        self.dynamic = bool(dynamic_size)
        self.element_shape = TensorShape(element_shape)
        self.infers = infer_shape
        self.count: int | None = None

    def _learn(self, shape: TensorShape) -> None:
        """Takes the shape of an element for that of all.

        Raises:
          ValueError: the shapes known so far say otherwise.
        """
        if not self.element_shape.is_compatible_with(shape):
            raise ValueError(f"Incompatible shape for value ({shape}), expected ({self.element_shape})")
        if self.infers:
            self.element_shape = self.element_shape.merge_with(shape)

    def _converted(self, value: Any) -> Any:
        if isinstance(value, Tensor) or hasattr(value, "_dense_var_to_tensor"):
            tensor = convert_to_tensor(value)
        else:
            tensor = convert_to_tensor(value, dtype_hint=self.dtype)
        if tensor.dtype.base_dtype is not self.dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"TensorArray dtype is {self.dtype.name} but Op is trying to write dtype "
                f"{tensor.dtype.base_dtype.name} ",
            )
        return tensor


class _GraphArray(_Array):
    """Keeps the elements in a list of tensors that flows through the graph."""

    def __init__(
        self, dtype: Any, size: Any, dynamic_size: Any, clear_after_read: Any, tensor_array_name: Any, handle: Any,
        flow: Any, infer_shape: bool, element_shape: Any, name: Any, owner: TensorArray,
    ) -> None:  # fmt: skip
        super().__init__(dtype, dynamic_size, infer_shape, element_shape)
        del clear_after_read, tensor_array_name, handle
        self._owner = owner
        if flow is not None:
            if not _is_list(flow):
                raise TypeError(f"`flow` has to be a variant tensor in TensorArrays; got {flow!r}")
            self.flow = flow
            return
        if size is None:
            raise ValueError("Argument `size` must be provided if argument `flow` is not provided.")
        with name_scope(name, "TensorArrayV2", [size]) as scope:
            size = convert_to_tensor(size, "int32", name="num_elements")
            known = static_value(size)
            if known is not None and not self.dynamic:
                self.count = int(known)
            self.flow = raw.TensorListReserve(
                self._shape_input(self.element_shape), size, element_dtype=self.dtype, name=scope
            )

    @staticmethod
    def _shape_input(shape: TensorShape) -> Any:
        if shape.rank is None:
            return np.int32(-1)
        return np.array([-1 if size is None else size for size in shape.as_list()], np.int32)

    def _after(self, flow: Any) -> TensorArray:
        return with_new_flow(self._owner, flow)

    def as_list(self) -> Any:
        """Returns the list of tensors that holds the elements, as one scalar of dtype variant."""
        return self.flow

    def identity(self) -> TensorArray:
        return self._after(raw.Identity(self.flow))

    def read(self, index: Any, name: str | None) -> Any:
        with name_scope(name, "TensorArrayV2Read", [self.flow, index]):
            return raw.TensorListGetItem(
                self.flow, index, self._shape_input(self.element_shape), element_dtype=self.dtype
            )

    def write(self, index: Any, value: Any, name: str | None) -> TensorArray:
        with name_scope(name, "TensorArrayV2Write", [self.flow, index, value]):
            value = self._converted(value)
            self._learn(value.shape)
            flow = raw.TensorListSetItem(
                self.flow, index, value, **({"resize_if_index_out_of_bounds": True} if self.dynamic else {})
            )
        return self._after(flow)

    def stack(self, name: str | None) -> Any:
        with name_scope(name, "TensorArrayV2Stack", [self.flow]):
            count = {} if self.count is None else {"num_elements": self.count}
            return raw.TensorListStack(
                self.flow, self._shape_input(self.element_shape), element_dtype=self.dtype, **count
            )

    def gather(self, indices: Any, name: str | None) -> Any:
        return raw.TensorListGather(
            self.flow, indices, self._shape_input(self.element_shape), element_dtype=self.dtype, name=name
        )

    def concat(self, name: str | None) -> Any:
        shape = self.element_shape
        if shape.rank is not None and shape.rank > 0:
            shape = TensorShape([None, *shape.as_list()[1:]])
        value, _ = raw.TensorListConcatV2(
            self.flow, self._shape_input(shape), np.zeros(0, np.int64), element_dtype=self.dtype, name=name
        )
        return value

    def unstack(self, value: Any, name: str | None) -> TensorArray:
        with name_scope(name, "TensorArrayUnstack", [self.flow, value]):
            value = self._converted(value)
            self._learn(value.shape[1:])
            flow = raw.TensorListFromTensor(value, self._shape_input(value.shape[1:]))
        result = self._after(flow)
        result._implementation.count = value.shape[0] if value.shape.rank is not None and not self.dynamic else None
        return result

    def scatter(self, indices: Any, value: Any, name: str | None) -> TensorArray:
        with name_scope(name, "TensorArrayScatter", [self.flow, value, indices]):
            value = self._converted(value)
            self._learn(value.shape[1:])
            flow = raw.TensorListScatterIntoExistingList(self.flow, value, indices)
        result = self._after(flow)
        result._implementation.count = None
        return result

    def split(self, value: Any, lengths: Any, name: str | None) -> TensorArray:
        with name_scope(name, "TensorArraySplit", [self.flow, value, lengths]):
            value = self._converted(value)
            lengths = convert_to_tensor(lengths)
            if lengths.dtype is not dtypes.int64:
                lengths = raw.Cast(lengths, DstT=dtypes.int64)
            known = static_value(lengths)
            if value.shape.rank is not None:
                first = None
                if known is not None and known.size and known.max() == known.min():
                    first = int(known.flat[0])
                if self.infers or first is not None:
                    self._learn(TensorShape([first, *value.shape.as_list()[1:]]))
            flow = raw.TensorListSplit(value, self._shape_input(self.element_shape), lengths)
        result = self._after(flow)
        result._implementation.count = None
        return result

    def size(self, name: str | None) -> Any:
        if self.count is not None and not self.dynamic:
            return convert_to_tensor(np.int32(self.count), name=name)
        return raw.TensorListLength(self.flow, name=name)

    def close(self, name: str | None) -> Any:
        return raw.NoOp(name=name)


class _EagerArray(_Array):
    """Keeps the elements in a Python list."""

    def __init__(
        self, dtype: Any, size: Any, dynamic_size: Any, clear_after_read: Any, tensor_array_name: Any, handle: Any,
        flow: Any, infer_shape: bool, element_shape: Any, name: Any, owner: TensorArray,
    ) -> None:  # fmt: skip
        super().__init__(dtype, dynamic_size, infer_shape, element_shape)
        del tensor_array_name, flow, name
        if handle is not None:
            raise ValueError("TensorArray handles are not supported when eager execution is enabled.")
        if size is None:
            raise ValueError("Size must be declared for TensorArrays when eager execution is enabled.")
        size = int(size)
        if size < 0:
            raise InvalidArgumentError(None, None, f"The size of a TensorArray must not be negative, but is {size}.")
        self._owner = owner
        self._clears = clear_after_read is None or bool(clear_after_read)
        require_memory((size,), 8)
        try:
            self._items: list[Any] = [None] * size
        except MemoryError:
            raise ResourceExhaustedError(None, None, f"OOM: no memory for {size} elements of a TensorArray.") from None
        self._read: set[int] = set()

    @property
    def flow(self) -> Any:
        """Is a tensor that says nothing: the state is the object itself."""
        return convert_to_tensor(0)

    def as_list(self) -> Any:
        """Returns a list of tensors like that of an array in a graph: what a function or a loop takes an array by."""
        flow = raw.TensorListReserve(
            _GraphArray._shape_input(self.element_shape), np.int32(len(self._items)), element_dtype=self.dtype
        )
        for index, item in enumerate(self._items):
            if item is not None:
                flow = raw.TensorListSetItem(flow, np.int32(index), item)
        return flow

    def identity(self) -> TensorArray:
        return self._owner

    def _zeros(self) -> Any:
        if not self.element_shape.is_fully_defined():
            raise ValueError(
                "Cannot read an element that was not written while the shape of the elements is not fully defined: "
                f"{self.element_shape}."
            )
        return self._blank(self.element_shape.as_list())

    def _blank(self, sizes: Sequence[int | None]) -> Any:
        """Returns a tensor of zeros, or of empty strings."""
        return raw.Fill(
            np.array(sizes, np.int32), convert_to_tensor(b"" if self.dtype is dtypes.string else 0, self.dtype)
        )

    def _item(self, index: int) -> Any:
        """Returns an element, or None if it was never written, or was cleared."""
        if index < 0:
            raise OutOfRangeError(None, None, f"Reading from negative indices (index {index}) is not allowed.")
        if index >= len(self._items):
            raise OutOfRangeError(
                None, None, f"Tried to read from index {index} but array size is: {len(self._items)} "
            )
        return self._items[index]

    def read(self, index: Any, name: str | None = None) -> Any:
        index = int(index)
        item = self._item(index)
        if item is None:
            if index in self._read:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Could not read index {index} twice because it was cleared after a previous read (perhaps try "
                    "setting clear_after_read = false?)",
                )
            item = self._zeros()
        if self._clears:
            self._items[index] = None
            self._read.add(index)
        return item

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        index = int(index)
        if index < 0:
            raise OutOfRangeError(None, None, f"Writing to negative indices (index {index}) is not allowed.")
        size = len(self._items)
        if index >= size:
            if not self.dynamic:
                raise OutOfRangeError(
                    None, None, f"Tried to write to index {index} but array is not resizeable and size is: {size} "
                )
            self._items.extend([None] * (index + 1 - size))
        value = self._converted(value)
        self._learn(value.shape)
        self._items[index] = value
        return self._owner

    def _all(self) -> list[Any]:
        return [self._zeros() if item is None else item for item in self._items]

    def stack(self, name: str | None = None) -> Any:
        return self._packed(self._all())

    def _packed(self, items: list[Any]) -> Any:
        if items:
            return raw.Pack(items, axis=0)
        return self._blank([0, *(self.element_shape.as_list() if self.element_shape.is_fully_defined() else [])])

    def gather(self, indices: Any, name: str | None = None) -> Any:
        if isinstance(indices, Tensor):
            indices = indices.numpy()
        items = [self._item(int(index)) for index in np.ravel(indices).tolist()]
        return self._packed([self._zeros() if item is None else item for item in items])

    def concat(self, name: str | None = None) -> Any:
        items = self._all()
        if not items:
            return self._joined_nothing()
        for item in items:
            if item.shape.rank == 0:
                raise InvalidArgumentError(
                    None, None, "Concat requires the elements of a TensorArray to be at least vectors, not scalars."
                )
        return raw.ConcatV2(items, 0) if len(items) > 1 else raw.Identity(items[0])

    def _joined_nothing(self) -> Any:
        """Returns what no elements give side by side, as in a graph."""
        shape = self.element_shape
        if shape.rank is None or not shape[1:].is_fully_defined():
            raise InvalidArgumentError(
                None,
                None,
                "All except the first dimension must be fully defined when concating an empty tensor list. "
                f"element_shape: {shape}",
            )
        return self._blank([0, *shape.as_list()[1:]])

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        value = self._converted(value)
        if value.shape.rank == 0:
            raise ValueError("Cannot unstack a scalar into a TensorArray.")
        count = value.shape[0]
        if count > len(self._items) and not self.dynamic:
            raise ValueError(f"Cannot unstack {count} tensors into a TensorArray of static size {len(self._items)} ")
        return self._replace(raw.Unpack(value, num=count, axis=0), value.shape[1:])

    def _replace(self, items: list[Any], shape: TensorShape) -> TensorArray:
        """Makes these the elements. Parts of several lengths have a ``shape`` that leaves the length open."""
        if items:
            self._learn(shape)
        self._items = [*items, *([None] * (len(self._items) - len(items)))]
        return self._owner

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        if isinstance(indices, Tensor):
            indices = indices.numpy()
        value = self._converted(value)
        parts = raw.Unpack(value, num=value.shape[0], axis=0)
        positions = np.ravel(indices).tolist()
        if len(positions) != len(parts):
            raise InvalidArgumentError(
                None,
                None,
                f"Expected as many indices as slices, but got {len(positions)} indices and {len(parts)} slices.",
            )
        for index, item in zip(positions, parts, strict=True):
            self.write(index, item)
        return self._owner

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        value = self._converted(value)
        sizes = np.asarray(convert_to_tensor(lengths)).astype(np.int64)
        if sizes.ndim != 1:
            raise InvalidArgumentError(
                None, None, f"Expected lengths to be a vector, received shape: {list(sizes.shape)}"
            )
        if value.shape.rank == 0:
            raise InvalidArgumentError(None, None, "Expected value to be at least a vector, but received shape: []")
        total = int(sizes.sum())
        if total != value.shape[0]:
            raise InvalidArgumentError(
                None,
                None,
                f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {total} and value's "
                f"shape is: {value.shape.as_list()} ",
            )
        if not self.dynamic and len(sizes) != len(self._items):
            raise InvalidArgumentError(
                None,
                None,
                f"TensorArray's size is not equal to the size of lengths ({len(self._items)} vs. {len(sizes)}), and "
                "the TensorArray is not marked as dynamically resizeable.",
            )
        parts = list(raw.SplitV(value, sizes, 0, num_split=len(sizes))) if len(sizes) else []
        rows = int(sizes[0]) if len(sizes) and (sizes == sizes[0]).all() else None
        return self._replace(parts, TensorShape([rows, *value.shape.as_list()[1:]]))

    def size(self, name: str | None = None) -> Any:
        return convert_to_tensor(len(self._items))

    def close(self, name: str | None = None) -> None:
        self._items = []


@register("tf.TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """Describes a ``TensorArray``.

    Args:
      element_shape: the shape of the elements, as far as it is known.
      dtype: their dtype.
      dynamic_size: whether the array can grow.
      infer_shape: whether all elements have one shape.
    """

    __slots__ = ("_dtype", "_dynamic_size", "_element_shape", "_infer_shape")

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ) -> None:
        self._element_shape = TensorShape(element_shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @property
    def value_type(self) -> type:
        """The class of the values that this spec describes."""
        return TensorArray

    def _serialize(self) -> Any:
        return (self._element_shape, self._dtype, self._dynamic_size, self._infer_shape)

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: Any) -> Any:
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: `{type(value)}`")
        return [value._implementation.as_list()]

    def _from_components(self, components: Any) -> Any:
        return TensorArray(
            self._dtype,
            flow=components[0],
            dynamic_size=self._dynamic_size,
            infer_shape=self._infer_shape,
            element_shape=self._element_shape,
        )

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether an array, or what another spec describes, is of this spec."""
        other = TensorArraySpec.from_value(spec_or_value) if isinstance(spec_or_value, TensorArray) else spec_or_value
        return (
            isinstance(other, TensorArraySpec)
            and self._dtype.is_compatible_with(other._dtype)
            and self._element_shape.is_compatible_with(other._element_shape)
            and self._dynamic_size == other._dynamic_size
        )

    @classmethod
    def from_value(cls, value: TensorArray) -> TensorArraySpec:
        """Returns the spec of an array."""
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: `{type(value)}`")
        return cls(value.element_shape, value.dtype, value.dynamic_size, value._infer_shape)


register_type_spec_from_value_converter(TensorArray, TensorArraySpec.from_value, allow_subclass=True)
