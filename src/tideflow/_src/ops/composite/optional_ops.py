"""The operations on values of dtype ``variant`` that hold tensors, or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.runtime.list_value import shape_text
from tideflow._src.runtime.op import op
from tideflow._src.runtime.optional_value import OptionalValue, dtype_of, type_text


def _components(optional: Any, operation: str) -> list[Any] | None:
    if not isinstance(optional, OptionalValue):
        raise InvalidArgumentError(None, None, f"Input to {operation} must be an OptionalVariant object.")
    return optional.components


@op("OptionalFromValue", "components: list(Toutput_types) -> optional: variant", tier="host")
def optional_from_value(components):
    """Holds tensors."""
    return OptionalValue(list(components))


@op("OptionalNone", "-> optional: variant", tier="host", differentiable=False)
def optional_none():
    """Holds nothing."""
    return OptionalValue(None)


@op("OptionalHasValue", "optional: variant -> has_value: bool", tier="host", differentiable=False)
def optional_has_value(optional):
    """Tells whether there are tensors."""
    return np.bool_(_components(optional, "OptionalHasValue") is not None)


@op(
    "OptionalGetValue",
    "optional: variant -> components: list(output_types)",
    tier="host",
    output_types=at_least(1),
    output_shapes=at_least(1),
)
def optional_get_value(optional, *, output_types: list[DType], output_shapes: list[Shape]):
    """Returns the tensors.

    Raises:
      InvalidArgumentError: there are none, or other ones than expected.
    """
    found = _components(optional, "OptionalGetValue")
    if found is None:
        raise InvalidArgumentError(None, None, "The given optional does not have a value.")
    if len(found) != len(output_types):
        raise InvalidArgumentError(
            None, None, f"The given optional has {len(found)} components, expected {len(output_types)}"
        )
    for position, (item, dtype, shape) in enumerate(zip(found, output_types, output_shapes, strict=False)):
        have = dtype_of(item)
        if have is not dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"The given optional does not match the expected type for component {position}. Expected: "
                f"{type_text(dtype)}. Actual: {type_text(have)}.",
            )
        if not _fits(shape, item.shape):
            raise InvalidArgumentError(
                None,
                None,
                f"The given optional does not match the expected shape for component {position}. Expected: "
                f"{shape_text(shape)}. Actual: {shape_text(item.shape)}.",
            )
    return found


def _fits(wanted: Shape, have: tuple[int, ...]) -> bool:
    if wanted is None:
        return True
    return len(wanted) == len(have) and all(one in (None, -1, other) for one, other in zip(wanted, have, strict=True))


@optional_from_value.shape
def _from_value_shape(components):
    return ()


@optional_none.shape
def _none_shape():
    return ()


@optional_has_value.shape
def _has_value_shape(optional):
    return ()


@optional_get_value.shape
def _get_value_shape(optional, *, output_types, output_shapes):
    return list(output_shapes)


@optional_from_value.gradient
def _from_value_gradient(call, d_optional):
    inputs = call.inputs[0]
    shapes = [tensor.shape for tensor in inputs]
    return list(optional_get_value(d_optional, output_types=[tensor.dtype for tensor in inputs], output_shapes=shapes))


@optional_get_value.gradient
def _get_value_gradient(call, *d_components):
    return optional_from_value(list(d_components))


# Samples.


@optional_from_value.samples
def _from_value_samples(s):
    yield s([s.normal(2, 3)])
    yield s([s.normal(2), s.integers(0, 9, (3,)), s.strings((2,))])


@optional_none.samples
def _none_samples(s):
    yield s()


@optional_has_value.samples
def _has_value_samples(s):
    yield s(s.produced("OptionalNone"))
    yield s(s.produced("OptionalFromValue", [s.normal(2)]))
    yield s(s.produced("EmptyTensorMap"), error="InvalidArgumentError")


@optional_get_value.samples
def _get_value_samples(s):
    def kept() -> Any:
        return s.produced("OptionalFromValue", [np.float32([1, 2]), np.int32(3)])

    yield s(kept(), output_types=["float32", "int32"], output_shapes=[(2,), ()])
    yield s(kept(), output_types=["float32", "int32"], output_shapes=[(None,), None])
    yield s(kept(), output_types=["float32"], output_shapes=[(2,)], error="InvalidArgumentError")
    yield s(kept(), output_types=["int32", "int32"], output_shapes=[(2,), ()], error="InvalidArgumentError")
    yield s(kept(), output_types=["float32", "int32"], output_shapes=[(3,), ()], error="InvalidArgumentError")
    yield s(s.produced("OptionalNone"), output_types=["int32"], output_shapes=[()], error="InvalidArgumentError")
