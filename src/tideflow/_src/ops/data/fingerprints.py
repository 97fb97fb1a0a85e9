"""Fingerprints of datasets: numbers that tell whether two pipelines were made in the same way.

A fingerprint follows from the operations that made a dataset, from what they were given, and from the operations in
their functions; not from names, nor from what a resource holds. It is the same in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.variant_array import items_of
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.data.stage import Stage, stage_in
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.runtime.op import op


def fingerprint(stage: Stage) -> int:
    """Returns the fingerprint of a dataset, a number of 64 bits."""
    return int.from_bytes(_Digest().of(stage)[:8], "little")


class _Digest:
    """Makes digests of values; those of stages and graphs are kept, for a pipeline may use one many times."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def of(self, value: Any) -> bytes:
        """Returns the digest of a value."""
        if not isinstance(value, (Stage, Graph)):
            return _digest(*self._parts(value))
        known = self._known.get(id(value))
        if known is None:
            parts = self._stage(value) if isinstance(value, Stage) else self._graph(value)
            known = self._known[id(value)] = _digest(*parts)
        return known

    def _parts(self, value: Any) -> list[bytes]:
        if isinstance(value, (str, bytes, bool, int, float, complex, type(None))):
            return [type(value).__name__.encode(), repr(value).encode()]
        if isinstance(value, DType):
            return [b"dtype", value.name.encode()]
        if isinstance(value, ResourceHandle):
            return [b"resource"]
        if isinstance(value, Mapping):
            return [b"mapping", *(self.of(item) for key in sorted(value) for item in (key, value[key]))]
        if isinstance(value, (list, tuple)):
            return [b"sequence", *map(self.of, value)]
        dtype = getattr(value, "dtype", None)
        if dtype is dtypes.variant:
            items = items_of(value)
            if len(items) == 1 and items[0] is value:
                return [type(value).__name__.encode()]
            return [b"variants", *map(self.of, items)]
        if dtype is dtypes.resource or dtype == dtypes.resource:
            return [b"resource"]
        if isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            head = [b"array", str(array.dtype).encode(), repr(array.shape).encode()]
            if array.dtype == object:
                return [*head, *map(self.of, array.ravel().tolist())]
            return [*head, array.tobytes()]
        return [type(value).__name__.encode()]

    def _stage(self, stage: Stage) -> list[bytes]:
        if stage.made_by is None:
            return [stage.kind.encode(), self.of(stage.types), self.of(stage.shapes), *map(self.of, stage.inputs)]
        name, inputs, attributes = stage.made_by
        return [name.encode(), self.of(inputs), self.of(attributes)]

    def _graph(self, graph: Any) -> list[bytes]:
        places = {id(operation): number for number, operation in enumerate(graph.get_operations())}
        parts = [b"graph"]
        for operation in graph.get_operations():
            inputs = [(places.get(id(item.op), -1), item.value_index) for item in operation.inputs]
            after = sorted(places.get(id(other), -1) for other in operation.control_inputs)
            parts += [operation.type.encode(), self.of(inputs), self.of(after), self.of(operation.attrs)]
        outputs = [(places.get(id(item.op), -1), item.value_index) for item in getattr(graph, "outputs", ())]
        return [*parts, self.of(outputs)]


def _digest(*parts: bytes) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


@op("DatasetFingerprint", "input_dataset: variant -> fingerprint: uint64", tier="host", differentiable=False)
def dataset_fingerprint(input_dataset):
    """Returns a number that is the same for datasets that were made in the same way."""
    return np.uint64(fingerprint(stage_in(input_dataset)))


@dataset_fingerprint.shape
def _fingerprint_shape(input_dataset):
    return ()


@dataset_fingerprint.samples
def _fingerprint_samples(s):
    yield s(s.produced("RangeDataset", 0, 5, 1, output_types=["int64"], output_shapes=[()]))
