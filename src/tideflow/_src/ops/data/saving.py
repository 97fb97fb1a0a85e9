"""Datasets that are written to snapshot files and read from them: ``save``, ``load`` and ``snapshot``."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, NotFoundError
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.ops.data import snapshot_files
from tideflow._src.ops.data.blocks import Reading
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, fits, scalar, shape_text
from tideflow._src.ops.data.fingerprints import fingerprint
from tideflow._src.ops.data.flattening import dataset_of
from tideflow._src.ops.data.sources import Elements
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, named, stage_in
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.op import op

#: How long a snapshot that is not complete is taken to be written by somebody else, in microseconds.
_PENDING = 24 * 60 * 60 * 1_000_000


class Writer:
    """Writes the elements of a run, each to its shard.

    Args:
      folder: that of the snapshot.
      types: the dtypes of components.
      compression: as of ``ShardWriter``.
      shard_of: returns the number of the shard of an element.
      graph_hash: that of the pipeline, or nothing.
      counts: whether the number of elements is written down.
    """

    def __init__(
        self, folder: str, types: Sequence[DType], compression: str, shard_of: Callable[[Element], int],
        graph_hash: str = "", counts: bool = False,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._compression = compression
        self._shard_of = shard_of
        self._counts = counts
        self._metadata = snapshot_files.begun(types, graph_hash)
        self._run = os.path.join(folder, self._metadata.run)
        self._shards: dict[int, snapshot_files.ShardWriter] = {}
        self._count = 0
        file_system.make_folders(self._run)
        snapshot_files.write_metadata(folder, self._metadata)

    def write(self, element: Element) -> None:
        """Writes an element."""
        index = self._shard_of(element)
        shard = self._shards.get(index)
        if shard is None:
            folder = snapshot_files.shard_folder(self._run, index)
            shard = self._shards[index] = snapshot_files.ShardWriter(folder, self._compression)
        shard.write(element)
        self._count += 1

    def complete(self) -> None:
        """Says that all elements are there."""
        self.close()
        count = self._count if self._counts else None
        snapshot_files.write_metadata(self._folder, replace(self._metadata, count=count, is_complete=True))

    def close(self) -> None:
        """Closes the files."""
        for shard in self._shards.values():
            shard.close()


def _shard_function(stage: Stage, run: Run, graph: Any, captured: Sequence[Any]) -> Callable[[Element], int]:
    """Returns what gives the number of the shard of an element."""
    call = run.function(stage, graph, captured)

    def shard_of(element: Element) -> int:
        found = call(element)
        if len(found) != 1 or found[0].ndim or found[0].dtype != np.int64:
            raise named(InvalidArgumentError(None, None, "`shard_func` must return a scalar int64."), stage.kind)
        index = int(found[0])
        if index < 0:
            problem = f"`shard_func` must not return a negative number, but returned {index}."
            raise named(InvalidArgumentError(None, None, problem), stage.kind)
        return index

    return shard_of


def _first_shard(element: Element) -> int:
    return 0


class Save(Stage):
    """Is its input, written to files while it is gone over.

    Args:
      kind, types, shapes, source: as of a stage.
      path, compression: where and how.
      function, captured: the function that gives the number of a shard, and what it gets after an element; or None.
    """

    is_light = False

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, path: str, compression: str,
        function: Any, captured: Sequence[Any],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self.path = path
        self._compression = compression
        self._function = function
        self._captured = captured

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def iterate(self, run: Run) -> Running:
        shard_of = _first_shard
        if self._function is not None:
            shard_of = _shard_function(self, run, self._function, self._captured)
        types = self.inputs[0].types

        def begin() -> Writer:
            return Writer(self.path, types, self._compression, shard_of, counts=True)

        return _Writing(self.inputs[0].start(run), begin)

    def describe(self) -> str:
        return f"save({self.path!r})"


class _Writing(Reading):
    """Writes what it gives."""

    def __init__(self, source: Running, begin: Callable[[], Writer]) -> None:
        super().__init__(source)
        self._begin = begin
        self._writer: Writer | None = None
        self._is_over = False

    def next(self) -> Element | None:
        if self._is_over:
            return None
        if self._writer is None:
            self._writer = self._begin()
        element = self._source.next()
        if element is None:
            self._is_over = True
            self._writer.complete()
        else:
            self._writer.write(element)
        return element

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        super().close()


class Shard(Stage):
    """Is the elements of one shard of a snapshot.

    Args:
      kind, types, shapes: as of a stage.
      folder, compression: that of the shard, and how it was written.
      first: how many elements are passed over.
      version: that of the format.
    """

    is_light = False

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], folder: str, compression: str, first: int = 0,
        version: int = 2,
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes)
        self._version = version
        self._folder = folder
        self._compression = compression
        self._first = first

    def iterate(self, run: Run) -> Running:
        if self._version != 2:
            problem = f"Snapshots of version {self._version} cannot be read; only those of 2 can."
            raise named(InvalidArgumentError(None, None, problem), self.kind)
        return _ShardRunning(self.elements)

    def elements(self, passed: int) -> Iterator[Element]:
        """Yields the elements from one on."""
        first = self._first + passed
        for element in snapshot_files.elements_of(self._folder, self._compression, self.types, first):
            for place, (item, shape) in enumerate(zip(element, self.shapes, strict=True)):
                if not fits(shape, item.shape):
                    problem = (
                        f"Incompatible shapes at component {place}: expected {shape_text(shape)} but got "
                        f"{shape_text(item.shape)}."
                    )
                    raise named(InvalidArgumentError(None, None, problem), self.kind)
            yield element


class _ShardRunning(Running):
    def __init__(self, elements: Callable[[int], Iterator[Element]]) -> None:
        self._elements_from = elements
        self._elements: Any = elements(0)
        self._given = 0

    def next(self) -> Element | None:
        element: Element | None = next(self._elements, None)
        self._given += element is not None
        return element

    def save(self) -> Any:
        return self._given

    def restore(self, position: Any) -> None:
        self._elements.close()
        self._given = int(position)
        self._elements = self._elements_from(self._given)

    def close(self) -> None:
        self._elements.close()


def _read(stage: Stage, run: Run, function: Any, captured: Sequence[Any], folder: str, compression: str) -> Running:
    """Starts what a reader makes of the shards of a run."""
    kind = "SnapshotDatasetReader"
    shards = [
        Shard(kind, stage.types, stage.shapes, shard, compression) for shard in snapshot_files.shards_of(folder)
    ]  # fmt: skip
    datasets = Elements("SnapshotNestedDatasetReader", [dtypes.variant], [()], [[shard] for shard in shards])
    return dataset_of(run.function(stage, function, captured)([datasets]), stage.kind).start(run)


class Load(Stage):
    """Is what a reader makes of the shards of a snapshot.

    Args:
      kind, types, shapes: as of a stage.
      path, compression: where it is, and how it was written.
      function, captured: the reader, which takes a dataset of the datasets of shards.

    Raises:
      NotFoundError: there is no snapshot.
    """

    is_light = False

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], path: str, compression: str, function: Any,
        captured: Sequence[Any],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes)
        self.path = path
        self._compression = compression
        self._function = function
        self._captured = captured
        found = snapshot_files.read_metadata(path)
        if found is None:
            raise NotFoundError(None, None, f"Could not find metadata file [{path}]")
        self._metadata = found

    def cardinality(self) -> int:
        count = self._metadata.count or 0
        return count if self._metadata.is_complete and count < 1 << 63 else UNKNOWN

    def iterate(self, run: Run) -> Running:
        folder = os.path.join(self.path, self._metadata.run)
        return _read(self, run, self._function, self._captured, folder, self._compression)

    def describe(self) -> str:
        return f"load({self.path!r})"


class Snapshot(Stage):
    """Is its input, which is written to files once and then read from there.

    Args:
      kind, types, shapes, source: as of a stage.
      path, compression: where and how.
      reader, reader_captured: the function that makes a dataset of that of the datasets of shards.
      sharder, sharder_captured: the function that gives the number of an element's shard.
      graph_hash: the name of the folder of this pipeline in ``path``; by default its fingerprint.
    """

    is_light = False
    starts_at_once = True  # files that are there then are read

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, path: str, compression: str,
        reader: Any, reader_captured: Sequence[Any], sharder: Any, sharder_captured: Sequence[Any],
        graph_hash: int | None,
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self.path = path
        self._compression = "SNAPPY" if compression == "AUTO" else compression
        self._reader = reader, reader_captured
        self._sharder = sharder, sharder_captured
        self._hash = graph_hash

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def iterate(self, run: Run) -> Running:
        number = fingerprint(self.inputs[0]) if self._hash is None else self._hash
        name = str(number)
        folder = os.path.join(self.path, name)
        metadata = snapshot_files.read_metadata(folder)
        if metadata is not None and metadata.is_complete:
            run_folder = os.path.join(folder, metadata.run)
            return _read(self, run, *self._reader, run_folder, self._compression)
        source = self.inputs[0].start(run)
        if metadata is not None and metadata.begun + _PENDING > time.time_ns() // 1000:
            return source  # somebody else is writing it
        shard_of = _shard_function(self, run, *self._sharder)
        return _Writing(source, lambda: Writer(folder, self.types, self._compression, shard_of, name))

    def describe(self) -> str:
        return f"snapshot({self.path!r})"


def _path(value: Any) -> str:
    return file_system.text_of(scalar(value, "path"))


_SHARDS = {"Tshard_func_args": at_least(0)}
_READS = {"Treader_func_args": at_least(0)}


@op(
    "SaveDataset", "input_dataset: variant, path: string, shard_func_other_args: list(Tshard_func_args) ->",
    tier="host", stateful=True, differentiable=False, **_SHARDS,
)  # fmt: skip
def save_dataset(
    input_dataset,
    path,
    shard_func_other_args,
    *,
    compression: str = "",
    shard_func: Function,
    use_shard_func: bool = True,
):
    """Writes the elements of a dataset to files.

    Raises:
      InvalidArgumentError: the function gives no scalar ``int64`` that is not negative.
    """
    source = stage_in(input_dataset)
    function = shard_func if use_shard_func else None
    stage = Save(
        "SaveDataset", source.types, source.shapes, source, _path(path), compression, function, shard_func_other_args
    )
    running = stage.start(Run(source.options))
    try:
        while running.next() is not None:
            pass
    finally:
        running.close()


@dataset_op(
    "SaveDatasetV2", "input_dataset: variant, path: string, shard_func_other_args: list(Tshard_func_args)",
    stateful=True, **_SHARDS,
)  # fmt: skip
def save_dataset_v2(
    input_dataset,
    path,
    shard_func_other_args,
    *,
    compression: str = "",
    shard_func: Function,
    use_shard_func: bool = True,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Makes a dataset of another one, which is written to files while it is gone over."""
    function = shard_func if use_shard_func else None
    return Save(
        "SaveDatasetV2", output_types, output_shapes, stage_in(input_dataset), _path(path), compression, function,
        shard_func_other_args,
    )  # fmt: skip


@dataset_op(
    "LoadDataset", "path: string, reader_func_other_args: list(Treader_func_args)", stateful=True, **_READS
)  # fmt: skip
def load_dataset(
    path,
    reader_func_other_args,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    compression: str = "",
    reader_func: Function,
):
    """Makes a dataset of what a reader makes of the shards of a snapshot.

    Raises:
      NotFoundError: there is no snapshot.
    """
    return Load(
        "LoadDataset", output_types, output_shapes, _path(path), compression, reader_func, reader_func_other_args
    )


@dataset_op(
    "SnapshotDatasetV2",
    "input_dataset: variant, path: string, reader_func_other_args: list(Treader_func_args), "
    "shard_func_other_args: list(Tshard_func_args)",
    **_SHARDS, **_READS,
)  # fmt: skip
def snapshot_dataset_v2(
    input_dataset,
    path,
    reader_func_other_args,
    shard_func_other_args,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    compression: str = "",
    reader_prefix: str = "",
    writer_prefix: str = "",
    hash_valid: bool = False,
    hash: int = 0,
    reader_func: Function,
    shard_func: Function,
    metadata: str = "",
):
    """Makes a dataset of another one, which is written to files once and then read from there."""
    return Snapshot(
        "SnapshotDatasetV2", output_types, output_shapes, stage_in(input_dataset), _path(path), compression,
        reader_func, reader_func_other_args, shard_func, shard_func_other_args,
        hash & (1 << 64) - 1 if hash_valid else None,
    )  # fmt: skip


@dataset_op("SnapshotDatasetReader", "shard_dir: string, start_index: int64")
def snapshot_dataset_reader(
    shard_dir,
    start_index,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    compression: str = "",
    version: int,
):
    """Makes a dataset of the elements of one shard of a snapshot, from one on.

    Raises:
      InvalidArgumentError: while iterating, the version is not 2.
    """
    kind, first = "SnapshotDatasetReader", scalar(start_index, "start_index")
    return Shard(kind, output_types, output_shapes, _path(shard_dir), compression, first, version)


@dataset_op("SnapshotNestedDatasetReader", "inputs: N * variant", N=at_least(1))
def snapshot_nested_dataset_reader(inputs, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of datasets."""
    elements = [[stage_in(item)] for item in inputs]
    return Elements("SnapshotNestedDatasetReader", output_types, output_shapes, elements)


def _call(name: str, *inputs: Any, **attributes: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs, **attributes)


_KINDS = {"output_types": ["int64"], "output_shapes": [()]}


def _folder(name: str) -> bytes:
    return os.fsencode(os.path.join(tempfile.gettempdir(), "tideflow_samples", name))


def _same(s: Any) -> Any:
    return s.body("same", lambda x: [x], (dtypes.int64, ()))


def _first(s: Any) -> Any:
    return s.body(
        "first",
        lambda shards: [_call("DatasetToSingleElement", shards, output_types=["variant"], output_shapes=[()])],
        (dtypes.variant, ()),
    )


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 5, 1, **_KINDS)


@save_dataset.samples
def _save_samples(s):
    yield s(_numbers(s), _folder("saved"), [], shard_func=_same(s), use_shard_func=False)
    wrong = s.body("wrong", lambda x: [_call("Cast", x, DstT="int32")], (dtypes.int64, ()))
    yield s(_numbers(s), _folder("saved_wrong"), [], shard_func=wrong, error="InvalidArgumentError")


@save_dataset_v2.samples
def _save_v2_samples(s):
    yield s(_numbers(s), _folder("saved_v2"), [], shard_func=_same(s), use_shard_func=True, **_KINDS)


@load_dataset.samples
def _load_samples(s):
    for compression in ("", "GZIP", "SNAPPY"):
        folder = _folder(f"loaded{compression}")
        saved = s.of(
            "SaveDataset", _numbers(s), folder, [], shard_func=_same(s), use_shard_func=False, compression=compression
        )
        yield s(folder, [], reader_func=_first(s), compression=compression, before=[saved], **_KINDS)
    yield s(_folder("nothing"), [], reader_func=_first(s), error="NotFoundError", **_KINDS)


@snapshot_dataset_v2.samples
def _snapshot_samples(s):
    zero = s.body("zero", lambda x: [_call("ZerosLike", x)], (dtypes.int64, ()))
    for compression in ("", "GZIP", "SNAPPY"):
        yield s(
            _numbers(s), _folder(f"snapshot{compression}"), [], [], reader_func=_first(s), shard_func=zero,
            compression=compression, **_KINDS,
        )  # fmt: skip
    # With a hash of its own, a snapshot that one program has written is read by the other.
    yield s(
        _numbers(s), _folder("snapshot_of_all"), [], [], reader_func=_first(s), shard_func=zero, hash_valid=True,
        hash=12, **_KINDS,
    )  # fmt: skip


@snapshot_nested_dataset_reader.samples
def _nested_samples(s):
    yield s([_numbers(s), _numbers(s)], output_types=["variant"], output_shapes=[()])


@snapshot_dataset_reader.samples
def _reader_samples(s):
    folder = snapshot_files.shard_folder(os.fsdecode(_folder("shard")), 0)
    for compression in ("", "SNAPPY"):
        writer = snapshot_files.ShardWriter(folder + compression, compression)
        for number in range(5):
            writer.write([np.array(number)])
        writer.close()
        yield s(os.fsencode(folder + compression), 2, version=2, compression=compression, **_KINDS)
