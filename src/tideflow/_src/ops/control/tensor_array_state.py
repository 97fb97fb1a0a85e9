"""Defines what changes in place behind the ``TensorArray`` operations and the stacks of TensorFlow 1.x graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.list_value import merged, shape_text, zeros_of


class StringHandle(np.ndarray):
    """Is the handle of a state among strings: container and name, as TensorFlow 0.x and 1.0 had it."""

    resource: Any

    @classmethod
    def of(cls, state: Any, name: str) -> StringHandle:
        """Returns the handle of a state."""
        handle = np.array([b"_tensor_arrays", name.encode()], object).view(cls)
        handle.resource = state
        return handle

    def read(self) -> StringHandle:
        """Returns the handle itself: what a reference to it reads."""
        return self

    def __array_finalize__(self, source: Any) -> None:
        """Keeps the state when NumPy makes another view of the handle."""
        self.resource = getattr(source, "resource", None)


class TensorArrayState:
    """Is an array of tensors that operations change in place.

    Args:
      dtype: the dtype of the elements.
      size: how many there are.
      element_shape: what is known of their shape.
      dynamic_size: whether writing behind the end makes the array longer.
      clear_after_read: whether an element can be read once only.
      identical_element_shapes: whether all have the shape of the first.
      name: what messages call the array.
      shapes: for an array of gradients, the shapes that its elements have where nothing was written.
      adds: whether writing twice adds, as gradients do.
    """

    def __init__(
        self,
        dtype: DType,
        size: int,
        element_shape: Shape = None,
        *,
        dynamic_size: bool = False,
        clear_after_read: bool = False,
        identical_element_shapes: bool = False,
        name: str = "",
        shapes: Sequence[Shape] | None = None,
        adds: bool = False,
    ) -> None:
        if size < 0:
            raise InvalidArgumentError(None, None, f"Size should be >= 0, but got {size}.")
        self.dtype = dtype
        self.name = name
        require_memory((size,), 16)
        self._items: list[Any] = [None] * size
        self._shapes: list[Shape] = list(shapes) if shapes is not None else [None] * size
        self._cleared: set[int] = set()
        self._element_shape = element_shape
        self._dynamic = dynamic_size
        self._clears = clear_after_read
        self._identical = identical_element_shapes
        self._adds = adds
        self._gradients: dict[str, TensorArrayState] = {}
        self._closed = False

    def __len__(self) -> int:
        self._check_open()
        return len(self._items)

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidArgumentError(None, None, f"TensorArray {self.name} has already been closed.")

    def _fail(self, problem: str) -> InvalidArgumentError:
        return InvalidArgumentError(None, None, f"TensorArray {self.name}: {problem}")

    def write(self, index: int, value: Any) -> None:
        """Writes an element, once; in an array of gradients, adds to it."""
        self._check_open()
        dtype = dtypes.of_numpy[value.dtype]
        if dtype is not self.dtype:
            raise self._fail(
                f"Could not write to TensorArray index {index} because the value dtype is {dtype.name} but TensorArray "
                f"dtype is {self.dtype.name}."
            )
        size = len(self._items)
        if index < 0 or (index >= size and not self._dynamic):
            raise self._fail(
                f"Tried to write to index {index} but array is not resizeable and size is: {size}"
                if index >= 0
                else f"Tried to write to index {index} but the index must not be negative"
            )
        if index >= size:
            extra = index + 1 - size
            self._items += [None] * extra
            self._shapes += [None] * extra
        try:
            shape = merged(self._element_shape, value.shape)
        except InvalidArgumentError:
            raise self._fail(
                f"Could not write to TensorArray index {index} because the value shape is {shape_text(value.shape)} "
                f"which is incompatible with the TensorArray's inferred element shape: "
                f"{shape_text(self._element_shape)} (consider setting infer_shape=False)."
            ) from None
        if self._identical:
            self._element_shape = shape
        if index in self._cleared:
            raise self._fail(f"Could not write to TensorArray index {index} because it has already been read.")
        held = self._items[index]
        if held is None:
            self._items[index] = value
        elif not self._adds:
            raise self._fail(f"Could not write to TensorArray index {index} because it has already been written to.")
        elif held.shape != value.shape:
            raise self._fail(
                f"Could not aggregate to TensorArray index {index} because the existing shape is "
                f"{shape_text(held.shape)} but the new input shape is {shape_text(value.shape)}."
            )
        else:
            self._items[index] = held + value
        self._shapes[index] = value.shape

    def read(self, index: int) -> Any:
        """Returns an element; zeros, if nothing was written there and the shape is known."""
        self._check_open()
        if not 0 <= index < len(self._items):
            raise self._fail(f"Tried to read from index {index} but array size is: {len(self._items)}")
        if index in self._cleared:
            raise self._fail(
                f"Could not read index {index} twice because it was cleared after a previous read (perhaps try setting "
                "clear_after_read = false?)."
            )
        item = self._items[index]
        if item is None:
            shape = self._shapes[index] if self._shapes[index] is not None else self._element_shape
            if shape is None or None in shape:
                raise self._fail(
                    f"Could not read from TensorArray index {index}.  Furthermore, the element shape is not fully "
                    f"defined: {shape_text(shape)}.  It is possible you are working with a resizeable TensorArray and "
                    "stop_gradients is not allowing the gradients to be written.  If you set the full element_shape "
                    "property on the forward TensorArray, the proper all-zeros tensor will be returned instead of "
                    "incurring this error."
                )
            item = zeros_of(self.dtype, shape)
        if self._clears:
            self._items[index] = None
            self._cleared.add(index)
        return item

    def zeros(self, count: int, element_shape: Shape) -> Any:
        """Returns ``count`` elements of zeros: what none of them looks like when stacked."""
        shape = merged(self._element_shape, element_shape)
        if shape is None or None in shape:
            raise self._fail(
                "Element shape is not fully defined, so that an array of no elements cannot be stacked: "
                f"{shape_text(shape)}. Consider setting element_shape."
            )
        return zeros_of(self.dtype, (count, *shape))

    def check_shape(self, shape: Shape) -> None:
        """Rejects a shape of elements that contradicts what the array knows."""
        merged(self._element_shape, shape)

    def resize(self, count: int) -> None:
        """Makes room for ``count`` elements, if the array may grow."""
        self._check_open()
        if count != len(self._items) and not self._dynamic:
            raise self._fail(
                f"TensorArray's size is not equal to the size of lengths ({len(self._items)} vs. {count}), and the "
                "TensorArray is not marked as dynamically resizeable."
            )

    def gradient(self, source: str, prepended: Sequence[int] = ()) -> TensorArrayState:
        """Returns the array of gradients for a source: the same one for the same source."""
        self._check_open()
        found = self._gradients.get(source)
        if found is None:
            self._dynamic = False
            shapes = [None if shape is None else (*prepended, *shape) for shape in self._shapes]
            known = self._element_shape
            found = self._gradients[source] = TensorArrayState(
                self.dtype,
                len(self._items),
                None if known is None else (*prepended, *known),
                name=f"{self.name}@{source}",
                shapes=shapes,
                adds=True,
            )
        return found

    def close(self) -> None:
        """Frees the elements; the array cannot be used any more."""
        self._items = []
        self._closed = True


class StackState:
    """Is a stack of values: what the loops of TensorFlow 1.x keep for their gradients."""

    def __init__(self, dtype: DType, most: int, name: str) -> None:
        self.dtype = dtype
        self.name = name
        self._most = most
        self._items: list[Any] = []
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidArgumentError(None, None, f"Stack[{self.name}] has already been closed.")

    def push(self, value: Any) -> None:
        """Puts a value on top."""
        self._check_open()
        if value.dtype is not dtypes.variant and dtypes.of_numpy[value.dtype] is not self.dtype:
            raise InvalidArgumentError(
                None, None, f"Must have type {self.dtype.name} but got {dtypes.of_numpy[value.dtype].name}"
            )
        if 0 <= self._most <= len(self._items):
            raise InvalidArgumentError(None, None, f"Stack[{self.name}] overflowed its max_size ({self._most})")
        self._items.append(value)

    def pop(self) -> Any:
        """Takes the topmost value off."""
        self._check_open()
        if not self._items:
            raise InvalidArgumentError(None, None, f"Stack[{self.name}] is empty when calling Pop().")
        return self._items.pop()

    def close(self) -> None:
        """Frees the values; the stack cannot be used any more."""
        self._items = []
        self._closed = True
