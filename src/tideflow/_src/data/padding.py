"""The shapes that padded batches are filled up to, and what they are filled with."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.graph.static_value import static_value
from tideflow._src.runtime.convert import convert_to_tensor


def padding_of(specs: Any, shapes: Any, values: Any, batch_size: int | None) -> tuple[list[Any], list[Any], Any]:
    """Returns the shapes and values for each component of an element, and the specs of a batch.

    Raises:
      TypeError, ValueError: elements have other components than tensors, or shapes or values do not fit them.
    """
    leaves = structure.flattened(specs)
    for spec in leaves:
        if not isinstance(spec, TensorSpec):
            raise TypeError(
                "`padded_batch` is only supported for datasets that produce tensor elements but the input dataset "
                f"produces elements of {spec}."
            )
    if shapes is None:
        for spec in leaves:
            if spec.shape.rank is None:
                raise ValueError(
                    "You must provide `padded_shapes` argument because component shape is unknown: `padded_shapes` "
                    "cannot be inferred."
                )
        wanted: list[Any] = [spec.shape for spec in leaves]
    elif len(leaves) == 1 and structure.children(specs) is None:
        wanted = [shapes]
    else:
        wanted = structure.flattened_up_to(specs, shapes)
    if values is None:
        given = [None] * len(leaves)
    elif structure.children(values) is None:
        given = [values] * len(leaves)
    else:
        given = structure.flattened_up_to(specs, values)
    tensors = [_shape_tensor(shape, spec) for shape, spec in zip(wanted, leaves, strict=True)]
    paddings = [_padding(value, spec) for value, spec in zip(given, leaves, strict=True)]
    batches = iter([
        TensorSpec(TensorShape([batch_size]).concatenate(_static(tensor)), spec.dtype)
        for tensor, spec in zip(tensors, leaves, strict=True)
    ])  # fmt: skip
    return tensors, paddings, structure.mapped(lambda spec: next(batches), specs)


def _shape_tensor(shape: Any, spec: TensorSpec) -> Any:
    if isinstance(shape, Tensor):
        if shape.dtype is not dtypes.int64 and shape.dtype is not dtypes.int32:
            raise TypeError(f"Padded shape {shape} must be a `tf.int64` vector tensor, but its type was {shape.dtype}.")
        return convert_to_tensor(shape, dtypes.int64) if shape.dtype is dtypes.int64 else _as_int64(shape)
    if not isinstance(shape, TensorShape):
        sizes = np.asarray(shape).tolist() if isinstance(shape, np.ndarray) else list(shape)
        shape = TensorShape([None if size in (None, -1) else size for size in sizes])
    if not _fits(shape, spec.shape):
        raise ValueError(
            f"The padded shape {shape} is not compatible with the shape {spec.shape} of the corresponding input "
            "component."
        )
    return convert_to_tensor(np.array([-1 if size is None else size for size in shape._dims], np.int64))


def _as_int64(tensor: Any) -> Any:
    from tideflow._src.ops.array.raw import raw  # a rare use

    return raw.Cast(tensor, DstT=dtypes.int64)


def _fits(padded: TensorShape, shape: TensorShape) -> bool:
    if padded.rank is None or shape.rank is None:
        return padded.rank is not None
    return padded.rank == shape.rank and all(
        wanted is None or have is None or wanted >= have
        for wanted, have in zip(padded._dims, shape._dims, strict=True)  # type: ignore[arg-type]
    )


def _static(tensor: Any) -> TensorShape:
    found = static_value(tensor)
    if found is None:
        return TensorShape([None] * tensor.shape[0]) if tensor.shape.rank and tensor.shape[0] else TensorShape(None)
    return TensorShape([None if size < 0 else size for size in found.tolist()])


def _padding(value: Any, spec: TensorSpec) -> Any:
    if value is None:
        if spec.dtype is dtypes.string:
            return convert_to_tensor("")
        if spec.dtype is dtypes.variant:
            raise TypeError("Unable to create padding for field of type 'variant'.")
        return convert_to_tensor(np.zeros((), spec.dtype.as_numpy_dtype))
    tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, spec.dtype)
    if tensor.dtype is not spec.dtype:
        raise TypeError(
            f"Invalid `padding_values`. `padding_values` values type {tensor.dtype!r} does not match type "
            f"{spec.dtype!r} of the corresponding input component."
        )
    if tensor.shape.rank not in (0, None):
        raise ValueError(
            f"Invalid `padding_values`. `padding_values` values should be scalars, but got {tensor.shape}."
        )
    return tensor
