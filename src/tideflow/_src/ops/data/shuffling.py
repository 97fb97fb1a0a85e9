"""Datasets in random order: TensorFlow's order for a seed.

A buffer is filled from the input; each element that is given is drawn from it at random and replaced by the next one of
the input. Where the input is a table, the buffer holds the numbers of rows, and the rows are gathered many at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.combining import Repeat
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, row, scalar
from tideflow._src.ops.data.seed_generators import SeedGenerator, Words, generator_in
from tideflow._src.ops.data.stage import UNKNOWN, RowTable, Run, Running, Stage, stage_in

#: Random words, and with them numbers of rows, that are made at once.
_CHUNK = 8192


class Shuffle(Stage):
    """Is its input in random order."""

    takes_seeds = True

    def __init__(
        self, kind: str, types: Any, shapes: Any, source: Stage, buffer_size: int, generator: SeedGenerator
    ) -> None:
        super().__init__(kind, types, shapes, [source])
        self._buffer_size = buffer_size
        self.generator = generator

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def iterate(self, run: Run) -> Running:
        seeds = self.generator.next()
        table = self.inputs[0].table()
        if table is not None:
            return _ShuffledRows(table, self._buffer_size, seeds, self.generator)
        return _Shuffled(self.inputs[0].start(run), self._buffer_size, seeds, self.generator)

    def describe(self) -> str:
        return f"shuffle({self._buffer_size})"


class _ShuffledRows(Running):
    """Goes over a table in random order."""

    has_blocks = True

    def __init__(self, table: RowTable, buffer_size: int, seeds: tuple[int, int], generator: SeedGenerator) -> None:
        self._table = table
        self._buffer_size = buffer_size
        self._generator = generator
        self._begin(seeds)

    def _begin(self, seeds: tuple[int, int]) -> None:
        length = self._table.length
        held = length if self._buffer_size == UNKNOWN else min(self._buffer_size, length)
        self._seeds = seeds
        self._words = Words(*seeds)
        self._slots = np.arange(held)
        self._slots_list: list[int] | None = None
        self._drawn = 0
        self._given = 0
        self._ahead: Any = np.zeros(0, np.int64)

    def _draw(self, count: int) -> Any:
        """Returns the numbers of the next ``count`` rows: what ``count`` draws from the buffer give."""
        slots = self._slots_list
        if slots is None:
            slots = self._slots_list = self._slots.tolist()
        length, held, first = self._table.length, len(slots), self._drawn
        words = self._words.take(count).astype(np.int64)
        starts = np.arange(first, first + count)
        # While the input lasts the buffer is full; then it holds what is left.
        sizes = np.minimum(held, length - starts)
        places = ((starts + words % sizes) % held).tolist()
        fronts = (starts % held).tolist()
        found = [0] * count
        for index, (place, front) in enumerate(zip(places, fronts, strict=True)):
            found[index] = slots[place]
            slots[place] = slots[front]
            slots[front] = first + index + held  # the next row of the input, if there is one
        self._drawn = first + count
        return np.array(found, np.int64)

    def _indices(self, count: int) -> Any:
        ahead = self._ahead
        if len(ahead) < count and self._drawn < self._table.length:
            more = max(count - len(ahead), min(_CHUNK, 4 * self._drawn + 64))
            ahead = np.concatenate([ahead, self._draw(min(more, self._table.length - self._drawn))])
        self._ahead = ahead[count:]
        found = ahead[:count]
        self._given += len(found)
        return found

    def next(self) -> Element | None:
        indices = self._indices(1)
        return [row(stacked, 0) for stacked in self._table.take(indices)] if len(indices) else None

    def next_block(self, count: int) -> list[Any] | None:
        indices = self._indices(count)
        return self._table.take(indices) if len(indices) else None

    def skip(self, count: int) -> int:
        return len(self._indices(count))

    def save(self) -> Any:
        return self._seeds, self._given, self._generator.drawn

    def restore(self, position: Any) -> None:
        # Drawing from a buffer of elements, the position was that of a cache that was not complete yet.
        seeds, given, drawn = position if len(position) == 3 else (*position[:2], position[-1])
        self._begin((int(seeds[0]), int(seeds[1])))
        self._indices(int(given))
        self._generator.drawn = int(drawn)


class _Shuffled(Running):
    """Draws elements of any input from a buffer."""

    def __init__(self, source: Running, buffer_size: int, seeds: tuple[int, int], generator: SeedGenerator) -> None:
        self._running = source
        self._source: Singles | None = Singles(source)
        self._buffer_size = buffer_size
        self._generator = generator
        self._seeds = seeds
        self._words = Words(*seeds)
        self._ahead: list[int] = []
        self._drawn = 0
        #: The elements from the ``_start``-th to the last that was read, each at its number modulo the length.
        self._slots: list[Any] = []
        self._start = 0
        self._end = 0

    def _fill(self) -> None:
        source = self._source
        while source is not None and (self._buffer_size == UNKNOWN or self._end - self._start < self._buffer_size):
            element = source.next()
            if element is None:
                source = self._source = None
                break
            if self._end < self._buffer_size or self._buffer_size == UNKNOWN:
                self._slots.append(element)
            else:
                self._slots[self._end % len(self._slots)] = element
            self._end += 1

    def _word(self) -> int:
        if not self._ahead:
            self._ahead = self._words.take(min(_CHUNK, 64 + self._drawn)).tolist()[::-1]
        self._drawn += 1
        return self._ahead.pop()

    def next(self) -> Element | None:
        self._fill()
        slots, start = self._slots, self._start
        if self._end == start:
            return None
        place = (start + self._word() % (self._end - start)) % len(slots)
        front = start % len(slots)
        element: Element = slots[place]
        slots[place] = slots[front]
        slots[front] = None
        self._start = start + 1
        return element

    def save(self) -> Any:
        source = None if self._source is None else self._source.save()
        return self._seeds, self._drawn, list(self._slots), self._start, self._end, source, self._generator.drawn

    def restore(self, position: Any) -> None:
        if len(position) == 3:  # of rows of a complete cache, which this one is not yet
            self._seeds = int(position[0][0]), int(position[0][1])
            self._words = Words(*self._seeds)
            self.skip(int(position[1]))
            self._generator.drawn = int(position[2])
            return
        seeds, drawn, slots, start, end, source, generated = position
        self._seeds = int(seeds[0]), int(seeds[1])
        self._words = Words(*self._seeds)
        self._words.drawn = self._drawn = int(drawn)
        self._ahead = []
        self._slots, self._start, self._end = list(slots), int(start), int(end)
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)
        self._generator.drawn = int(generated)

    def close(self) -> None:
        self._running.close()


def _checked(buffer_size: Any) -> int:
    size: int = scalar(buffer_size, "buffer_size")
    if size <= 0 and size != UNKNOWN:
        raise InvalidArgumentError(None, None, "buffer_size must be greater than zero or UNKNOWN_CARDINALITY")
    return size


def _checked_count(count: Any) -> int:
    times: int = scalar(count, "count")
    if times <= 0 and times != -1:
        raise InvalidArgumentError(None, None, "count must be greater than zero or equal to -1")
    return times


def _shuffled(
    kind: str, types: Any, shapes: Any, source: Any, buffer_size: Any, seed: Any, seed2: Any, handle: Any,
    reshuffles: bool,
) -> Shuffle:  # fmt: skip
    generator = generator_in(handle)
    if generator is None:
        generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), not reshuffles)
    return Shuffle(kind, types, shapes, stage_in(source), _checked(buffer_size), generator)


@dataset_op("ShuffleDataset", "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64")
def shuffle_dataset(
    input_dataset,
    buffer_size,
    seed,
    seed2,
    *,
    reshuffle_each_iteration: bool = True,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of another one in random order."""
    return _shuffled(
        "ShuffleDataset", output_types, output_shapes, input_dataset, buffer_size, seed, seed2, None,
        reshuffle_each_iteration,
    )  # fmt: skip


@dataset_op("ShuffleDatasetV2", "input_dataset: variant, buffer_size: int64, seed_generator: resource", stateful=True)
def shuffle_dataset_v2(
    input_dataset,
    buffer_size,
    seed_generator,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of another one in random order, by seeds that a generator gives."""
    return _shuffled(
        "ShuffleDatasetV2", output_types, output_shapes, input_dataset, buffer_size, np.int64(0), np.int64(0),
        seed_generator, True,
    )  # fmt: skip


@dataset_op(
    "ShuffleDatasetV3",
    "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, seed_generator: resource",
    stateful=True,
)
def shuffle_dataset_v3(
    input_dataset,
    buffer_size,
    seed,
    seed2,
    seed_generator,
    *,
    reshuffle_each_iteration: bool = True,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of another one in random order, by seeds that a generator gives or its own."""
    return _shuffled(
        "ShuffleDatasetV3", output_types, output_shapes, input_dataset, buffer_size, seed, seed2, seed_generator,
        reshuffle_each_iteration,
    )  # fmt: skip


@dataset_op(
    "ShuffleAndRepeatDataset", "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, count: int64"
)
def shuffle_and_repeat_dataset(
    input_dataset,
    buffer_size,
    seed,
    seed2,
    count,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    reshuffle_each_iteration: bool = True,
    metadata: str = "",
):
    """Makes a dataset of another one again and again, each time in random order."""
    shuffled = _shuffled(
        "ShuffleAndRepeatDataset", output_types, output_shapes, input_dataset, buffer_size, seed, seed2, None,
        reshuffle_each_iteration,
    )  # fmt: skip
    return Repeat(output_types, output_shapes, shuffled, _checked_count(count))


@dataset_op(
    "ShuffleAndRepeatDatasetV2",
    "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, count: int64, seed_generator: resource",
    stateful=True,
)
def shuffle_and_repeat_dataset_v2(
    input_dataset,
    buffer_size,
    seed,
    seed2,
    count,
    seed_generator,
    *,
    reshuffle_each_iteration: bool = True,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of another one again and again, each time in random order."""
    shuffled = _shuffled(
        "ShuffleAndRepeatDatasetV2", output_types, output_shapes, input_dataset, buffer_size, seed, seed2,
        seed_generator, reshuffle_each_iteration,
    )  # fmt: skip
    return Repeat(output_types, output_shapes, shuffled, _checked_count(count))


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 20, 1, **_NUMBERS)


@shuffle_dataset.samples
def _shuffle_samples(s):
    for size in (1, 5, 20, 40, -2):
        yield s(_numbers(s), size, 3, 4, **_NUMBERS)
    yield s(_numbers(s), 5, 3, 4, reshuffle_each_iteration=False, **_NUMBERS)
    yield s(_numbers(s), 0, 3, 4, error="InvalidArgumentError", **_NUMBERS)


@shuffle_dataset_v2.samples
def _shuffle_v2_samples(s):
    yield s(_numbers(s), 5, s.produced("AnonymousSeedGenerator", 1, 2, True), **_NUMBERS)


@shuffle_dataset_v3.samples
def _shuffle_v3_samples(s):
    for reshuffles in (True, False):
        dummy = s.produced("DummySeedGenerator")
        yield s(_numbers(s), 5, 3, 4, dummy, reshuffle_each_iteration=reshuffles, **_NUMBERS)


@shuffle_and_repeat_dataset.samples
def _shuffle_and_repeat_samples(s):
    yield s(_numbers(s), 30, 3, 4, 2, **_NUMBERS)


@shuffle_and_repeat_dataset_v2.samples
def _shuffle_and_repeat_v2_samples(s):
    yield s(_numbers(s), 30, 3, 4, 2, s.produced("DummySeedGenerator"), **_NUMBERS)
