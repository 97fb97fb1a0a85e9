"""Datasets that keep the elements of others in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.logger import get_logger
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar, stack
from tideflow._src.ops.data.seed_generators import Deleter
from tideflow._src.ops.data.sources import Arrays, Elements, RowsRunning
from tideflow._src.ops.data.stage import RowTable, Run, Running, Stage, stage_in
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.runtime.op import op


class MemoryCache:
    """Is the elements that the iterators of one dataset share, once one of them has read all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_complete = False
        self.elements: Sequence[Element] = ()
        self.table: RowTable | None = None

    def complete(self, elements: list[Element]) -> None:
        """Keeps the elements: stacked where they have one shape, so that they can be taken many at once."""
        with self._lock:
            if self.is_complete:
                return
            if elements and _have_one_shape(elements):
                self.table = Arrays([stack(items) for items in zip(*elements, strict=True)])
            else:
                self.elements = elements
            self.is_complete = True


def _have_one_shape(elements: Sequence[Element]) -> bool:
    first = elements[0]
    if any(item.dtype is dtypes.variant for item in first):
        return False
    return all(item.shape == one.shape for element in elements for item, one in zip(element, first, strict=True))


class Cache(Stage):
    """Is its input, which is read once."""

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, cache: MemoryCache) -> None:
        super().__init__(kind, types, shapes, [source])
        self._cache = cache

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def table(self) -> RowTable | None:
        return self._cache.table

    @property
    def is_light(self) -> bool:
        return self._cache.is_complete or super().is_light

    starts_at_once = True  # what is complete then is not made again

    def iterate(self, run: Run) -> Running:
        cache = self._cache
        if not cache.is_complete:
            return _CacheRunning(self.inputs[0].start(run), cache)
        if cache.table is not None:
            return _CachedRows(cache.table)
        return Elements(self.kind, self.types, self.shapes, cache.elements).iterate(run)

    def describe(self) -> str:
        return f"cache() in memory, {'complete' if self._cache.is_complete else 'to be filled'}"


class _CachedRows(RowsRunning):
    """Goes over a complete cache, perhaps from where an iterator stood that was filling it."""

    def restore(self, position: Any) -> None:
        super().restore(position if isinstance(position, int) else len(position[0]))


class _CacheRunning(Running):
    def __init__(self, source: Running, cache: MemoryCache) -> None:
        self._running = source
        self._source: Singles | None = Singles(source)
        self._cache = cache
        self._kept: list[Element] = []

    def next(self) -> Element | None:
        if self._source is None:
            return None
        element = self._source.next()
        if element is None:
            self._source = None
            self._cache.complete(self._kept)
            self._kept = []
        else:
            self._kept.append(element)
        return element

    def save(self) -> Any:
        return list(self._kept), None if self._source is None else self._source.save()

    def restore(self, position: Any) -> None:
        if isinstance(position, int):  # of a complete cache, which this one is not yet
            self.skip(position)
            return
        kept, source = position
        self._kept = [list(element) for element in kept]
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)

    def close(self) -> None:
        if self._source is not None and self._kept:
            get_logger().warning(
                "The calling iterator did not fully read the dataset being cached. In order to avoid unexpected "
                "truncation of the dataset, the partially cached contents of the dataset will be discarded. This can "
                "happen if you have an input pipeline similar to `dataset.cache().take(k).repeat()`. You should use "
                "`dataset.take(k).cache().repeat()` instead."
            )
            self._kept = []
        self._running.close()


@dataset_op("CacheDataset", "input_dataset: variant, filename: string")
def cache_dataset(
    input_dataset, filename, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""
):
    """Makes a dataset that reads another one once and keeps what it read."""
    return _cached("CacheDataset", output_types, output_shapes, input_dataset, filename, None)


@dataset_op("CacheDatasetV2", "input_dataset: variant, filename: string, cache: resource", stateful=True)
def cache_dataset_v2(
    input_dataset, filename, cache, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""
):
    """Makes a dataset that reads another one once and keeps what it read, in a cache that is given or its own."""
    return _cached("CacheDatasetV2", output_types, output_shapes, input_dataset, filename, cache)


def _cached(kind: str, types: Any, shapes: Any, source: Any, filename: Any, handle: Any) -> Stage:
    path = scalar(filename, "filename")
    if path:
        from tideflow._src.ops.data.file_cache import FileCache  # loads the formats of files

        return FileCache(kind, types, shapes, stage_in(source), os.fsdecode(path))
    held = getattr(handle, "resource", None)
    cache = held if isinstance(held, MemoryCache) else MemoryCache()
    return Cache(kind, types, shapes, stage_in(source), cache)


@op("AnonymousMemoryCache", "-> handle: resource, deleter: variant", tier="host", stateful=True, differentiable=False)
def anonymous_memory_cache():
    """Makes a cache."""
    return ResourceHandle(MemoryCache(), "AnonymousMemoryCache"), Deleter()


@op("DummyMemoryCache", "-> handle: resource", tier="host", stateful=True, differentiable=False)
def dummy_memory_cache():
    """Gives a handle that lets a dataset make its own cache."""
    return ResourceHandle(None, "DummyMemoryCache")


@op("DeleteMemoryCache", "handle: resource, deleter: variant ->", tier="host", stateful=True, differentiable=False)
def delete_memory_cache(handle, deleter):
    """Ends the use of a cache: it goes with its last dataset."""


@anonymous_memory_cache.shape
def _anonymous_shape():
    return (), ()


@dummy_memory_cache.shape
def _dummy_shape():
    return ()


@delete_memory_cache.shape
def _delete_shape(handle, deleter):
    return []


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 7, 1, **_NUMBERS)


@cache_dataset.samples
def _cache_samples(s):
    yield s(_numbers(s), "", **_NUMBERS)


@cache_dataset_v2.samples
def _cache_v2_samples(s):
    yield s(_numbers(s), "", s.produced("DummyMemoryCache"), **_NUMBERS)
    yield s(_numbers(s), "", s.produced("AnonymousMemoryCache"), **_NUMBERS)


@anonymous_memory_cache.samples
def _anonymous_samples(s):
    yield s()


@dummy_memory_cache.samples
def _dummy_samples(s):
    yield s()


@delete_memory_cache.samples
def _delete_samples(s):
    yield s(s.produced("AnonymousMemoryCache"), s.produced("AnonymousMemoryCache", output=1))
