"""Elements of datasets in few bytes: what a service sends over the network, or a cache keeps."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType, of_numpy
from tideflow._src.core.errors import FailedPreconditionError, invalid_argument
from tideflow._src.core.variant_array import Variant
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.checkpoint import element_bytes
from tideflow._src.runtime.op import op

_FAST = 1


class CompressedElement(Variant):
    """Holds the components of an element: tensors as compressed bytes, variants as they are."""

    __slots__ = ("_parts",)

    def __init__(self, components: list[Any]) -> None:
        self._parts = [_compressed(component) for component in components]

    def __len__(self) -> int:
        return len(self._parts)

    def types(self) -> list[DType]:
        """Returns the dtypes of the components."""
        return [dtype for dtype, *_ in self._parts]

    def components(self) -> list[Any]:
        """Returns the components as they were."""
        found = []
        for dtype, shape, content, crc in self._parts:
            if dtype.name == "variant":
                found.append(content)
                continue
            data = bytearray(zlib.decompress(content))
            found.append(element_bytes.decode(data, dtype, shape, crc, "A compressed element"))
        return found

    def zeros_like(self) -> CompressedElement:
        """Returns the element: there is no gradient through it, and so no zero."""
        return self

    def __repr__(self) -> str:
        return f"<CompressedElement of {len(self)}>"


def _compressed(component: Any) -> tuple[DType, tuple[int, ...], Any, int]:
    dtype = of_numpy.get(component.dtype, component.dtype)
    shape = tuple(component.shape)
    if dtype.name == "variant":
        return dtype, shape, component, 0
    content, crc = element_bytes.encode(np.asarray(component), dtype)
    return dtype, shape, zlib.compress(content, _FAST), crc


@op(
    "CompressElement",
    "components: list(input_types) -> compressed: variant",
    tier="host",
    differentiable="missing",
    input_types=at_least(1),
)
def compress_element_op(components):
    """Makes one value of the components of an element, in few bytes."""
    return CompressedElement(components)


@compress_element_op.shape
def _compress_shape(components):
    return ()


@op(
    "UncompressElement",
    "compressed: variant -> components: list(output_types)",
    tier="host",
    differentiable="missing",
    output_types=at_least(1),
    output_shapes=at_least(1),
)
def uncompress_element_op(compressed, *, output_types: list[DType], output_shapes: list[Shape]):
    """Gives the components of an element back."""
    held = compressed.item() if isinstance(compressed, np.ndarray) and compressed.size == 1 else compressed
    if not isinstance(held, CompressedElement):
        raise invalid_argument(f"Input does not contain a compressed element. Instead got tensor {compressed!r}")
    if len(held) != len(output_types):
        raise FailedPreconditionError(
            None, None, f"Expected {len(output_types)} outputs from uncompress, but got {len(held)}"
        )
    for wanted, found in zip(output_types, held.types(), strict=True):
        if wanted is not found:
            raise FailedPreconditionError(
                None, None, f"Expected a tensor of type {wanted.name} but got a tensor of type {found.name}"
            )
    return held.components()


@uncompress_element_op.shape
def _uncompress_shape(compressed, *, output_shapes):
    return list(output_shapes)


@compress_element_op.samples
def _compress_samples(s):
    yield s([s.normal(2, 3), s.strings((2,)), s.array((), "int64")])


@uncompress_element_op.samples
def _uncompress_samples(s):
    components = [s.normal(2, 3), s.strings((2,)), s.array((), "int64"), s.empty(0, 2, dtype="bool")]
    made = s.produced("CompressElement", components)
    types: list[Any] = ["float32", "string", "int64", "bool"]
    yield s(made, output_types=types, output_shapes=[(2, 3), (2,), (), (0, 2)])
    yield s(made, output_types=types, output_shapes=[(None, 3), None, (), None])
    wrong = "FailedPreconditionError"
    yield s(made, output_types=types[:2], output_shapes=[(2, 3), (2,)], error=wrong)
    yield s(made, output_types=[*types[:3], "int32"], output_shapes=[(2, 3), (2,), (), (0, 2)], error=wrong)
    other = s.produced("OptionalNone")
    yield s(other, output_types=["int32"], output_shapes=[()], error="InvalidArgumentError")
