"""Checks and converts the values that a run is fed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.runtime.convert import string_array
from tideflow._src.session.conversions import CONVERSIONS, conversion_of

_ARRAY = np.ndarray


class Feed:
    """Is a tensor that runs are fed: converts the caller's value and checks it."""

    __slots__ = ("tensor", "dtype", "accepted", "_is_string", "_is_resource")

    def __init__(self, tensor: SymbolicTensor) -> None:
        self.tensor = tensor
        self._is_resource = tensor._dtype.name in ("resource", "variant")
        self._is_string = tensor._dtype.base_dtype is dtypes.string
        self.dtype = None if self._is_resource else np.dtype(tensor._dtype.base_dtype.as_numpy_dtype)
        #: A shape that is known to fit: the latest that did.
        self.accepted: tuple[int, ...] | None = None

    def convert(self, value: Any) -> Any:
        """Returns ``value`` as an array of the tensor's dtype.

        Raises:
          TypeError: the value cannot be a tensor, or is of a wrong dtype.
          ValueError: its shape does not fit.
        """
        if value.__class__ is _ARRAY and value.dtype is self.dtype and not self._is_string:
            array = value
        else:
            array = self._convert(value)
            if self._is_resource:
                return array
        shape = array.shape
        if shape != self.accepted:
            if not self._fits(shape):
                raise ValueError(
                    f"Cannot feed value of shape {shape} for Tensor {self.tensor.name}, which has shape "
                    f"{_shape_text(self.tensor._shape)}"
                )
            self.accepted = shape
        return array

    def _convert(self, value: Any) -> Any:
        if isinstance(value, SymbolicTensor):
            raise TypeError(
                "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, "
                f"strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object was {value} "
                f"which was passed to the feed with key {self.tensor}."
            )
        if isinstance(value, EagerTensor):
            value = value._value if self._is_resource else value.numpy()
        if self._is_resource:
            return value
        if self._is_string:
            try:
                return string_array(value)
            except ValueError as error:
                raise TypeError(str(error)) from None
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                converted = self.dtype.type(value)  # type: ignore[union-attr]
            except OverflowError:
                raise _wrong_number(value, self.tensor) from None
            if isinstance(value, int) and self.dtype.kind in "iub" and int(converted) != value:  # type: ignore[union-attr]
                raise _wrong_number(value, self.tensor)
            return np.asarray(converted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            return np.asarray(value, dtype=self.dtype)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        expected = self.tensor._shape
        if expected is None:
            return True
        return len(expected) == len(shape) and all(
            want is None or want == have for want, have in zip(expected, shape, strict=True)
        )


def _wrong_number(value: Any, tensor: SymbolicTensor) -> TypeError:
    return TypeError(
        f"Type of feed value {value!r} with type {type(value)} is not compatible with Tensor type "
        f"{tensor._dtype.name}. Try explicitly setting the type of the feed tensor to a larger type (e.g. int64)."
    )


def _shape_text(shape: Any) -> str:
    if shape is None:
        return "<unknown>"
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def expand(graph: Graph, key: Any, value: Any) -> list[tuple[SymbolicTensor, Any]]:
    """Returns the tensors that a key of a feed dictionary stands for, each with its value.

    Raises:
      TypeError: the key is no tensor of this graph.
      ValueError: the tensor may not be fed.
    """
    conversion = conversion_of(key) if CONVERSIONS else None
    if conversion is not None and conversion.feed is not None:
        return [pair for part, each in conversion.feed(key, value) for pair in expand(graph, part, each)]
    if isinstance(key, IndexedSlices):
        parts = [key.values, key.indices] + ([key.dense_shape] if key.dense_shape is not None else [])
        return [pair for part, each in zip(parts, value, strict=False) for pair in expand(graph, part, each)]
    components = getattr(key, "_fetch_components", None)
    if components is not None:
        parts, _ = components()
        fed = getattr(key, "_feed_components", tuple)(value)
        return [pair for part, each in zip(parts, fed, strict=False) for pair in expand(graph, part, each)]
    if isinstance(key, tuple | list) and not isinstance(key, str):
        return [pair for part, each in zip(key, value, strict=True) for pair in expand(graph, part, each)]
    try:
        tensor = graph.as_graph_element(key, allow_tensor=True, allow_operation=False)
    except (KeyError, TypeError, ValueError) as error:
        text = error.args[0] if error.args else error
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {text}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor.name} may not be fed.")
    assert isinstance(tensor, SymbolicTensor)
    return [(tensor, value)]


def expand_key(graph: Graph, key: Any) -> list[SymbolicTensor]:
    """Returns the tensors that a key of a feed dictionary stands for; errors are those of ``expand``."""
    parts: Any = None
    conversion = conversion_of(key) if CONVERSIONS else None
    if conversion is not None and conversion.feed_partial is not None:
        parts = conversion.feed_partial(key)
    elif isinstance(key, IndexedSlices):
        parts = [key.values, key.indices] + ([key.dense_shape] if key.dense_shape is not None else [])
    elif getattr(key, "_fetch_components", None) is not None:
        parts, _ = key._fetch_components()
    elif isinstance(key, tuple | list):
        parts = key
    if parts is None:
        return [tensor for tensor, _ in expand(graph, key, None)]
    return [tensor for part in parts for tensor in expand_key(graph, part)]
