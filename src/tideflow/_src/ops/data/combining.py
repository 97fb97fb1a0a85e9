"""Datasets that are parts of others, several at once, or one again and again: take, skip, shard, repeat, zip, join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.data.blocks import Beside, PartOfTable, fill
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.sources import RowsRunning
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN, RowTable, Run, Running, Stage, stage_in


class Part(Stage):
    """Is a part of its input that can be a part of a table."""

    def iterate(self, run: Run) -> Running:
        table = self.table()
        return self._run(run) if table is None else RowsRunning(table)

    def _run(self, run: Run) -> Running:
        raise AssertionError


class Take(Part):
    """Is the first elements; all of them if the count is negative."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, count: int) -> None:
        super().__init__("TakeDataset", types, shapes, [source])
        self._count = count

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        if self._count < 0 or found == UNKNOWN:
            return found if self._count else 0
        return self._count if found == INFINITE else min(found, self._count)

    def table(self) -> RowTable | None:
        table = self.inputs[0].table()
        if table is None or self._count < 0:
            return table
        return PartOfTable(table, 0, self._count)

    def _run(self, run: Run) -> Running:
        if self._count < 0:
            return self.inputs[0].start(run)
        return _TakeRunning(self.inputs[0].start(run), self._count)

    def describe(self) -> str:
        return f"take({self._count})"


class _TakeRunning(Running):
    def __init__(self, source: Running, count: int) -> None:
        self._source = source
        self._left = count
        self.has_blocks = source.has_blocks

    def next(self) -> Element | None:
        if self._left <= 0:
            return None
        element = self._source.next()
        self._left = 0 if element is None else self._left - 1
        return element

    def next_block(self, count: int) -> list[Any] | None:
        if self._left <= 0:
            return None
        block = self._source.next_block(min(count, self._left))
        self._left = 0 if block is None else self._left - len(block[0])
        return block

    def skip(self, count: int) -> int:
        found = self._source.skip(min(count, self._left))
        self._left = self._left - found if found == count else 0
        return found

    def save(self) -> Any:
        return self._left, self._source.save()

    def restore(self, position: Any) -> None:
        if isinstance(position, int):  # of rows of a table, as a complete cache has them
            self.skip(position)
            return
        left, source = position
        self._left = int(left)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


class Skip(Part):
    """Is all but the first elements; nothing if the count is negative."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, count: int) -> None:
        super().__init__("SkipDataset", types, shapes, [source])
        self._count = count

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        if self._count < 0:
            return 0
        return found if found < 0 else max(0, found - self._count)

    def table(self) -> RowTable | None:
        table = self.inputs[0].table()
        if table is None:
            return None
        return PartOfTable(table, table.length if self._count < 0 else self._count, table.length)

    def _run(self, run: Run) -> Running:
        if self._count < 0:
            return _TakeRunning(self.inputs[0].start(run), 0)
        return _SkipRunning(self.inputs[0].start(run), self._count)

    def describe(self) -> str:
        return f"skip({self._count})"


class _SkipRunning(Running):
    def __init__(self, source: Running, count: int) -> None:
        self._source = source
        self._to_skip = count
        self.has_blocks = source.has_blocks

    def _begin(self) -> None:
        if self._to_skip:
            count, self._to_skip = self._to_skip, 0
            self._source.skip(count)

    def next(self) -> Element | None:
        self._begin()
        return self._source.next()

    def next_block(self, count: int) -> list[Any] | None:
        self._begin()
        return self._source.next_block(count)

    def skip(self, count: int) -> int:
        self._begin()
        return self._source.skip(count)

    def save(self) -> Any:
        return self._to_skip, self._source.save()

    def restore(self, position: Any) -> None:
        if isinstance(position, int):  # of rows of a table, as a complete cache has them
            self.skip(position)
            return
        to_skip, source = position
        self._to_skip = int(to_skip)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


class Shard(Part):
    """Is every so many-th element."""

    def __init__(
        self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, count: int, index: int, non_empty: bool
    ) -> None:
        super().__init__("ShardDataset", types, shapes, [source])
        self._count = count
        self._index = index
        self._non_empty = non_empty

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        return found if found < 0 else found // self._count + (self._index < found % self._count)

    def table(self) -> RowTable | None:
        table = self.inputs[0].table()
        if table is None or (self._non_empty and table.length < self._count):
            return None
        return PartOfTable(table, self._index, table.length, self._count)

    def _run(self, run: Run) -> Running:
        return _ShardRunning(self.inputs[0].start(run), self._count, self._index, self._non_empty)

    def describe(self) -> str:
        return f"shard({self._count}, {self._index})"


class _ShardRunning(Running):
    def __init__(self, source: Running, count: int, index: int, non_empty: bool) -> None:
        self._source = source
        self._count = count
        self._index = index
        self._to_check = non_empty
        self._to_skip = index

    def next(self) -> Element | None:
        if self._to_check:
            return self._first()
        if self._source.skip(self._to_skip) < self._to_skip:
            return None
        self._to_skip = self._count - 1
        return self._source.next()

    def _first(self) -> Element:
        """Returns the first element, once it is known that every shard has one."""
        elements = [self._source.next() for _ in range(self._count)]
        if elements[-1] is None:
            raise InvalidArgumentError(
                None,
                None,
                f"The dataset has fewer elements than there are shards ({self._count}), so that some have none; "
                "`require_non_empty` forbids that.",
            )
        self._to_check, self._to_skip = False, self._index
        element = elements[self._index]
        assert element is not None
        return element

    def save(self) -> Any:
        return self._to_check, self._to_skip, self._source.save()

    def restore(self, position: Any) -> None:
        if isinstance(position, int):  # of rows of a table, as a complete cache has them
            self.skip(position)
            return
        to_check, to_skip, source = position
        self._to_check, self._to_skip = bool(to_check), int(to_skip)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


class Repeat(Stage):
    """Is its input again and again; for ever if the count is negative."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, count: int) -> None:
        super().__init__("RepeatDataset", types, shapes, [source])
        self._count = count

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        if self._count < 0:
            return 0 if found == 0 else INFINITE
        if self._count == 0:
            return 0
        return found if found < 0 else found * self._count

    def iterate(self, run: Run) -> Running:
        return _RepeatRunning(self.inputs[0], self._count, run)

    def describe(self) -> str:
        return "repeat()" if self._count < 0 else f"repeat({self._count})"


class _RepeatRunning(Running):
    def __init__(self, source: Stage, count: int, run: Run) -> None:
        self._stage = source
        self._left = count
        self._run = run
        self._is_first = True
        self._source = source.start(run) if count else None
        self.has_blocks = self._source is not None and self._source.has_blocks
        # TensorFlow starts its input once more at the end, which costs a shuffle a pair of seeds; but not where it has
        # made one stage of the two, or none of a single repetition.
        self._starts_one_more = count > 1 and not source.takes_seeds and _takes_seeds(source)

    def next(self) -> Element | None:
        while self._source is not None:
            element = self._source.next()
            if element is not None:
                self._is_first = False
                return element
            self._turn()
        return None

    def next_block(self, count: int) -> list[Any] | None:
        while self._source is not None:
            block = self._source.next_block(count)
            if block is not None:
                self._is_first = False
                return block
            self._turn()
        return None

    def _turn(self) -> None:
        """Begins the next epoch, if there is one. An epoch without any element is the last one of endless ones."""
        assert self._source is not None
        self._source.close()
        self._source = None
        if self._left > 0:
            self._left -= 1
        if self._left and not (self._left < 0 and self._is_first):
            self._is_first = True
            self._source = self._stage.start(self._run)
        elif not self._left and self._starts_one_more:
            self._stage.start(self._run).close()

    def save(self) -> Any:
        return self._left, self._is_first, None if self._source is None else self._source.save()

    def restore(self, position: Any) -> None:
        left, is_first, source = position
        self._left, self._is_first = int(left), bool(is_first)
        if source is None:
            self._source = None
        else:
            self._source = self._source or self._stage.start(self._run)
            self._source.restore(source)

    def close(self) -> None:
        if self._source is not None:
            self._source.close()


def _takes_seeds(stage: Stage) -> bool:
    return stage.takes_seeds or any(_takes_seeds(source) for source in stage.inputs)


class Zip(Part):
    """Is the elements of several datasets side by side, as many as the shortest has."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], sources: Sequence[Stage]) -> None:
        super().__init__("ZipDataset", types, shapes, sources)

    def cardinality(self) -> int:
        found = [stage.cardinality() for stage in self.inputs]
        if UNKNOWN in found:
            return UNKNOWN
        return min((size for size in found if size != INFINITE), default=INFINITE)

    @property
    def is_light_after_first(self) -> bool:
        return all(stage.is_light_after_first for stage in self.inputs)

    def table(self) -> RowTable | None:
        tables = [stage.table() for stage in self.inputs]
        found = [table for table in tables if table is not None]
        return Beside(found) if len(found) == len(tables) else None

    def _run(self, run: Run) -> Running:
        return _ZipRunning([stage.start(run) for stage in self.inputs])


class _ZipRunning(Running):
    def __init__(self, sources: Sequence[Running]) -> None:
        self._sources: Sequence[Running] | None = sources
        self._all = sources
        self.has_blocks = all(source.has_blocks for source in sources)

    def next(self) -> Element | None:
        element: Element = []
        for source in self._sources or ():
            part = source.next()
            if part is None:
                self._sources = None
                return None
            element += part
        return element if self._sources else None

    def next_block(self, count: int) -> list[Any] | None:
        blocks = []
        for source in self._sources or ():
            block = fill(source, count)
            if block is None:
                self._sources = None
                return None
            count = min(count, len(block[0]))
            blocks.append(block)
        if not blocks:
            return None
        return [stacked[:count] for block in blocks for stacked in block]

    def save(self) -> Any:
        return None if self._sources is None else [source.save() for source in self._sources]

    def restore(self, position: Any) -> None:
        if isinstance(position, int):  # of rows of a table, as a complete cache has them
            self.skip(position)
            return
        self._sources = None if position is None else self._all
        for source, inner in zip(self._all, position or (), strict=False):
            source.restore(inner)

    def close(self) -> None:
        for source in self._all:
            source.close()


class Concatenate(Stage):
    """Is one dataset, and then another."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], sources: Sequence[Stage]) -> None:
        super().__init__("ConcatenateDataset", types, shapes, sources)

    def cardinality(self) -> int:
        found = [stage.cardinality() for stage in self.inputs]
        if INFINITE in found:
            return INFINITE
        return UNKNOWN if UNKNOWN in found else sum(found)

    def iterate(self, run: Run) -> Running:
        return _ConcatenateRunning(self.inputs, run)


class _ConcatenateRunning(Running):
    def __init__(self, stages: Sequence[Stage], run: Run) -> None:
        self._stages = stages
        self._run = run
        self._index = 0
        self._source = stages[0].start(run)
        self.has_blocks = _of_one_shape(stages) and all(stage.table() is not None for stage in stages)

    def next(self) -> Element | None:
        while True:
            element = self._source.next()
            if element is not None or not self._advance():
                return element

    def next_block(self, count: int) -> list[Any] | None:
        while True:
            block = self._source.next_block(count)
            if block is not None or not self._advance():
                return block

    def _advance(self) -> bool:
        if self._index + 1 >= len(self._stages):
            return False
        self._source.close()
        self._index += 1
        self._source = self._stages[self._index].start(self._run)
        return True

    def save(self) -> Any:
        return self._index, self._source.save()

    def restore(self, position: Any) -> None:
        index, source = position
        if int(index) != self._index:
            self._source.close()
            self._index = int(index)
            self._source = self._stages[self._index].start(self._run)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


def _of_one_shape(stages: Sequence[Stage]) -> bool:
    """Tells whether it is known that all elements of several datasets can be stacked."""
    known = all(shape is not None and None not in shape for shape in stages[0].shapes)
    return known and all(stage.shapes == stages[0].shapes for stage in stages)


@dataset_op("TakeDataset", "input_dataset: variant, count: int64")
def take_dataset(input_dataset, count, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of the first elements of another one; of all if ``count`` is negative."""
    return Take(output_types, output_shapes, stage_in(input_dataset), scalar(count, "count"))


@dataset_op("SkipDataset", "input_dataset: variant, count: int64")
def skip_dataset(input_dataset, count, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of all but the first elements of another one; of none if ``count`` is negative."""
    return Skip(output_types, output_shapes, stage_in(input_dataset), scalar(count, "count"))


@dataset_op("ShardDataset", "input_dataset: variant, num_shards: int64, index: int64")
def shard_dataset(
    input_dataset,
    num_shards,
    index,
    *,
    require_non_empty: bool = False,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements ``index``, ``index + num_shards``, ... of another one.

    Raises:
      InvalidArgumentError: there is no such shard.
    """
    shards, which = scalar(num_shards, "num_shards"), scalar(index, "index")
    if shards <= 0:
        raise InvalidArgumentError(
            None, None, f"Number of shards must be greater than zero (currently num_shards = {shards})."
        )
    if not 0 <= which < shards:
        raise InvalidArgumentError(None, None, f"Index must be between 0 and {shards - 1} (currently index = {which}).")
    return Shard(output_types, output_shapes, stage_in(input_dataset), shards, which, require_non_empty)


@dataset_op("RepeatDataset", "input_dataset: variant, count: int64")
def repeat_dataset(input_dataset, count, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of another one ``count`` times; for ever if that is negative."""
    return Repeat(output_types, output_shapes, stage_in(input_dataset), scalar(count, "count"))


@dataset_op("ZipDataset", "input_datasets: N * variant", N=at_least(1))
def zip_dataset(input_datasets, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of the elements of several ones side by side."""
    return Zip(output_types, output_shapes, [stage_in(item) for item in input_datasets])


@dataset_op("ConcatenateDataset", "input_dataset: variant, another_dataset: variant")
def concatenate_dataset(
    input_dataset, another_dataset, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""
):
    """Makes a dataset of one dataset followed by another one.

    Raises:
      InvalidArgumentError: their elements have different dtypes.
    """
    first, second = stage_in(input_dataset), stage_in(another_dataset)
    if first.types != second.types:
        raise InvalidArgumentError(
            None,
            None,
            "input dataset and dataset to concatenate have different output_types "
            f"{[item.name for item in first.types]} and {[item.name for item in second.types]}",
        )
    return Concatenate(output_types, output_shapes, [first, second])


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}


def _numbers(s: Any, count: int = 5) -> Any:
    return s.produced("RangeDataset", 0, count, 1, **_NUMBERS)


@take_dataset.samples
def _take_samples(s):
    yield s(_numbers(s), 3, **_NUMBERS)
    yield s(_numbers(s), -1, **_NUMBERS)
    yield s(s.produced("EmptyTensorMap"), 3, error="InvalidArgumentError", **_NUMBERS)


@skip_dataset.samples
def _skip_samples(s):
    yield s(_numbers(s), 3, **_NUMBERS)
    yield s(_numbers(s), -1, **_NUMBERS)


@shard_dataset.samples
def _shard_samples(s):
    yield s(_numbers(s), 2, 1, **_NUMBERS)
    yield s(_numbers(s), 2, 2, error="InvalidArgumentError", **_NUMBERS)
    yield s(_numbers(s), 0, 0, error="InvalidArgumentError", **_NUMBERS)


@repeat_dataset.samples
def _repeat_samples(s):
    yield s(_numbers(s), 2, **_NUMBERS)
    yield s(_numbers(s), 0, **_NUMBERS)


@zip_dataset.samples
def _zip_samples(s):
    yield s([_numbers(s), _numbers(s, 3)], output_types=["int64", "int64"], output_shapes=[(), ()])


@concatenate_dataset.samples
def _concatenate_samples(s):
    yield s(_numbers(s), _numbers(s, 3), **_NUMBERS)
    text = s.produced("TensorDataset", [s.strings(())], output_shapes=[()])
    yield s(_numbers(s), text, error="InvalidArgumentError", **_NUMBERS)
