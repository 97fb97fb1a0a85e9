"""Operations that put the tensors of a composite tensor into one value of dtype ``variant``, and take them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.variant_array import Variant
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.parsing import wire
from tideflow._src.runtime.op import op

#: The kinds of composite tensors, by their number in a ``TypeSpecProto``.
_KINDS = {
    0: "UNKNOWN", 1: "SPARSE_TENSOR_SPEC", 2: "INDEXED_SLICES_SPEC", 3: "RAGGED_TENSOR_SPEC", 4: "TENSOR_ARRAY_SPEC",
    5: "DATA_DATASET_SPEC", 6: "DATA_ITERATOR_SPEC", 7: "OPTIONAL_SPEC", 8: "PER_REPLICA_SPEC", 9: "VARIABLE_SPEC",
    10: "ROW_PARTITION_SPEC", 12: "REGISTERED_TYPE_SPEC", 13: "EXTENSION_TYPE_SPEC",
}  # fmt: skip


class CompositeValue(Variant):
    """Is what the variant refers to: the tensors, and the kind of composite tensor that they make up."""

    __slots__ = ("components", "kind")

    def __init__(self, components: list[Any], kind: int) -> None:
        self.components = components
        self.kind = kind

    def zeros_like(self) -> CompositeValue:
        """Returns zeros of the same types."""
        return CompositeValue([np.zeros_like(item) for item in self.components], self.kind)


def _kind(metadata: str) -> int:
    """Returns the kind that a serialized ``CompositeTensorVariantMetadata`` names.

    Raises:
      InvalidArgumentError: the bytes are no such message.
    """
    data = metadata if isinstance(metadata, bytes) else metadata.encode("utf-8", "surrogateescape")
    kind = 0
    try:
        for start, end in wire.fields(data, 0, len(data), 1):
            position = start
            while position < end:
                tag, position = wire.varint(data, position, end)
                if tag == 1 << 3:
                    kind, position = wire.varint(data, position, end)
                else:
                    position = wire.skip(data, tag, position, end)
    except wire.Malformed:
        raise InvalidArgumentError(None, None, "Error parsing metadata") from None
    return kind


@op(
    "CompositeTensorVariantFromComponents",
    "components: list(Tcomponents) -> encoded: variant",
    tier="host",
    Tcomponents=at_least(0),
)
def composite_tensor_variant_from_components_op(components, *, metadata: str):
    """Puts tensors, and what they make up, into one value."""
    return CompositeValue(list(components), _kind(metadata))


@op(
    "CompositeTensorVariantToComponents",
    "encoded: variant -> components: list(Tcomponents)",
    tier="host",
    Tcomponents=at_least(0),
)
def composite_tensor_variant_to_components_op(encoded, *, metadata: str, Tcomponents: list[DType]):
    """Takes tensors out of the value that holds them.

    Raises:
      InvalidArgumentError: it holds something else, or tensors of other types.
    """
    if not isinstance(encoded, CompositeValue):
        raise InvalidArgumentError(None, None, "The input `encoded` is not a valid CompositeTensorVariant object.")
    kind = _kind(metadata)
    if kind != encoded.kind:
        wanted, found = (_KINDS.get(item, str(item)) for item in (kind, encoded.kind))
        raise InvalidArgumentError(
            None, None, f"Expected a {wanted} (based on `type_spec`), but `encoded` contains a {found}"
        )
    if len(encoded.components) != len(Tcomponents):
        raise InvalidArgumentError(
            None,
            None,
            f"Encoded value has {len(encoded.components)} tensor components; expected {len(Tcomponents)} components "
            "based on type_spec",
        )
    for position, (item, wanted_type) in enumerate(zip(encoded.components, Tcomponents, strict=True)):
        found_type = dtypes.variant if item.dtype is dtypes.variant else dtypes.as_dtype(item.dtype)
        if found_type is not wanted_type:
            raise InvalidArgumentError(
                None,
                None,
                f"Tensor component {position} had dtype {found_type.name}; expected dtype {wanted_type.name}",
            )
    return list(encoded.components)


@composite_tensor_variant_from_components_op.shape
def _from_components_shape(components):
    return ()


@composite_tensor_variant_to_components_op.shape
def _to_components_shape(encoded, *, Tcomponents):
    return [None] * len(Tcomponents)


@composite_tensor_variant_from_components_op.gradient
def _from_components_gradient(call, dencoded):
    types = [item.dtype.base_dtype for item in call.inputs[0]]
    found = raw.CompositeTensorVariantToComponents(dencoded, metadata=call.attr("metadata"), Tcomponents=types)
    return (list(found),)


@composite_tensor_variant_to_components_op.gradient
def _to_components_gradient(call, *dcomponents):
    return raw.CompositeTensorVariantFromComponents(list(dcomponents), metadata=call.attr("metadata"))


def _ragged_metadata() -> bytes:
    return b"\x0a\x02\x08\x03"


@composite_tensor_variant_from_components_op.samples
def _from_components_samples(s):
    yield s([s.normal(2, 3), s.array((2,), "int64")], metadata=b"", gradient=False)
    yield s([s.normal(2)], metadata=_ragged_metadata(), gradient=False)
    yield s([s.normal(2)], metadata=b"\xff\xff", error="InvalidArgumentError")


@composite_tensor_variant_to_components_op.samples
def _to_components_samples(s):
    plain = s.produced("CompositeTensorVariantFromComponents", [s.normal(2, 3), s.array((2,), "int64")], metadata=b"")
    yield s(plain, metadata=b"", Tcomponents=["float32", "int64"], gradient=False)
    yield s(plain, metadata=b"", Tcomponents=["float32"], error="InvalidArgumentError")
    yield s(plain, metadata=b"", Tcomponents=["float32", "int32"], error="InvalidArgumentError")
    yield s(plain, metadata=_ragged_metadata(), Tcomponents=["float32", "int64"], error="InvalidArgumentError")
