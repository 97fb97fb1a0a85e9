"""Defines ``StagingArea``: elements that wait for a step, as ``tf.contrib.staging`` had it."""

from __future__ import annotations

import itertools
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.default_graph import get_default_graph
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.queues.queue_classes import as_type_list
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_eager_numbers = itertools.count(1)


class StagingArea:
    """Holds elements, each some tensors, in no promised order, so that the next step finds its inputs ready.

    Args:
      dtypes: the dtypes of the tensors of an element.
      shapes: their shapes, or None.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: the name by which graphs share the area.
      capacity: how many elements there may be; ``put`` waits beyond. 0 for any number.
      memory_limit: how many bytes they may have. 0 for any number.

    Raises:
      ValueError: the lists have different lengths.
    """

    def __init__(
        self,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        capacity: int = 0,
        memory_limit: int = 0,
    ) -> None:
        self.dtypes = as_type_list(dtypes)
        if shapes is not None and len(shapes) != len(self.dtypes):
            raise ValueError("StagingArea shapes must be the same length as dtypes")
        if names is not None and len(names) != len(self.dtypes):
            raise ValueError("StagingArea names must be the same length as dtypes")
        self.shapes = [TensorShape(shape) for shape in shapes or [None] * len(self.dtypes)]
        self.names = names
        self.capacity, self.memory_limit = capacity, memory_limit
        if shared_name is None:
            number = next(_eager_numbers) if context.executing_eagerly() else None
            shared_name = f"StagingArea_{number}" if number else get_default_graph().unique_name("StagingArea")
        elif not isinstance(shared_name, str):
            raise ValueError(f"shared_name must be a string, got {shared_name}")
        self.name = shared_name
        self._options = {
            "dtypes": self.dtypes, "shared_name": shared_name, "capacity": capacity, "memory_limit": memory_limit,
        }  # fmt: skip

    def put(self, values: Any, name: str | None = None) -> Any:
        """Adds an element; waits while there is no room.

        Args:
          values: a tensor, a list of tensors, or a dictionary of them.
          name: the name of the operation.

        Raises:
          ValueError: they do not fit the area.
        """
        with name_scope(name, f"{self.name}_put") as scope:
            if isinstance(values, dict):
                if not self.names:
                    raise ValueError("Staging areas must have names to enqueue a dictionary")
                if sorted(values) != sorted(self.names):
                    raise ValueError(
                        "Keys in dictionary to put do not match names of staging area. "
                        f"Dictionary: {sorted(values)}Queue: {sorted(self.names)}"
                    )
                values = [values[key] for key in self.names]
            elif self.names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            elif not isinstance(values, list | tuple):
                values = [values]
            if len(values) != len(self.dtypes):
                raise ValueError(f"Unexpected number of inputs {len(values)} vs {len(self.dtypes)}")
            parts = []
            for number, (value, dtype, shape) in enumerate(zip(values, self.dtypes, self.shapes, strict=True)):
                part = convert_to_tensor(value, dtype, name=f"component_{number}")
                part.shape.assert_is_compatible_with(shape)
                parts.append(part)
            return raw.Stage(
                parts,
                capacity=self.capacity, memory_limit=self.memory_limit, shared_name=self.name, name=scope,
            )  # fmt: skip

    def get(self, name: str | None = None) -> Any:
        """Takes an element out; waits for one. Returns a list of its tensors, or a dictionary."""
        return self._shaped(raw.Unstage(**self._options, name=name or f"{self.name}_get"))

    def peek(self, index: Any, name: str | None = None) -> Any:
        """Returns the element at a place and leaves it there; waits for it."""
        return self._shaped(raw.StagePeek(index, **self._options, name=name or f"{self.name}_peek"))

    def size(self, name: str | None = None) -> Any:
        """Returns the number of elements, an int32 scalar."""
        return raw.StageSize(**self._options, name=name or f"{self.name}_size")

    def clear(self, name: str | None = None) -> Any:
        """Takes all elements out."""
        return raw.StageClear(**self._options, name=name or f"{self.name}_clear")

    def _shaped(self, found: Any) -> Any:
        tensors = list(found) if isinstance(found, list | tuple) else [found]
        for tensor, shape in zip(tensors, self.shapes, strict=True):
            tensor.set_shape(shape)
        return dict(zip(self.names, tensors, strict=True)) if self.names else tensors
