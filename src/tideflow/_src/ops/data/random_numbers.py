"""Datasets of random numbers without end, and of random elements of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.seed_generators import SeedGenerator, Words, generator_in
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN, Run, Running, Stage, stage_in


class RandomNumbers(Stage):
    """Is random numbers from 0 to 2³² - 1, as ``int64``."""

    takes_seeds = True

    def __init__(self, kind: str, types: Any, shapes: Any, generator: SeedGenerator) -> None:
        super().__init__(kind, types, shapes)
        self.generator = generator

    def cardinality(self) -> int:
        return INFINITE

    def iterate(self, run: Run) -> Running:
        return _RandomRunning(self.generator.next(), self.generator)


class _RandomRunning(Running):
    has_blocks = True

    def __init__(self, seeds: tuple[int, int], generator: SeedGenerator) -> None:
        self._seeds = seeds
        self._words = Words(*seeds)
        self._generator = generator

    def next(self) -> Element | None:
        return [np.int64(self._words.take(1)[0])]

    def next_block(self, count: int) -> list[Any] | None:
        return [self._words.take(count).astype(np.int64)]

    def skip(self, count: int) -> int:
        self._words.drawn += count
        return count

    def save(self) -> Any:
        return self._seeds, self._words.drawn, self._generator.drawn

    def restore(self, position: Any) -> None:
        seeds, given, drawn = position
        self._seeds = int(seeds[0]), int(seeds[1])
        self._words = Words(*self._seeds)
        self._words.drawn = int(given)
        self._generator.drawn = int(drawn)


class Sampled(Stage):
    """Is those elements of its input for which a random number is below a rate.

    Args:
      types, shapes, source: as of a stage.
      rate: the rate, from 0 to 1.
      seeds: the seeds.
    """

    def __init__(self, types: Any, shapes: Any, source: Stage, rate: float, seeds: tuple[int, int]) -> None:
        super().__init__("SamplingDataset", types, shapes, [source])
        self._rate = rate
        self._seeds = seeds

    def cardinality(self) -> int:
        return 0 if self.inputs[0].cardinality() == 0 else UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _SampledRunning(self.inputs[0].start(run), self._rate, self._seeds)


class _SampledRunning(Running):
    def __init__(self, source: Running, rate: float, seeds: tuple[int, int]) -> None:
        self._running = source
        self._source = Singles(source)
        self._rate = np.float32(rate)
        self._words = Words(*seeds)

    def next(self) -> Element | None:
        while (element := self._source.next()) is not None:
            # The 23 low bits are the fraction of a number from 1 to 2.
            bits = np.uint32(127 << 23) | (self._words.take(1)[0] & np.uint32((1 << 23) - 1))
            if np.uint32(bits).view(np.float32) - np.float32(1) < self._rate:
                return element
        return None

    def save(self) -> Any:
        return self._source.save(), self._words.drawn

    def restore(self, position: Any) -> None:
        source, drawn = position
        self._source.restore(source)
        self._words.drawn = int(drawn)

    def close(self) -> None:
        self._running.close()


@dataset_op("RandomDataset", "seed: int64, seed2: int64", stateful=True)
def random_dataset(
    seed, seed2, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""
):  # fmt: skip
    """Makes a dataset of random numbers."""
    generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), fixed=True)
    return RandomNumbers("RandomDataset", output_types, output_shapes, generator)


@dataset_op("ExperimentalRandomDataset", "seed: int64, seed2: int64", stateful=True)
def experimental_random_dataset(seed, seed2, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of random numbers."""
    generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), fixed=True)
    return RandomNumbers("ExperimentalRandomDataset", output_types, output_shapes, generator)


@dataset_op("RandomDatasetV2", "seed: int64, seed2: int64, seed_generator: resource", stateful=True)
def random_dataset_v2(
    seed,
    seed2,
    seed_generator,
    *,
    rerandomize_each_iteration: bool = False,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of random numbers, perhaps other ones in each iteration."""
    generator = generator_in(seed_generator)
    if generator is None:
        fixed = not rerandomize_each_iteration
        generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), fixed)
    return RandomNumbers("RandomDatasetV2", output_types, output_shapes, generator)


@dataset_op("SamplingDataset", "input_dataset: variant, rate: float32, seed: int64, seed2: int64")
def sampling_dataset(
    input_dataset, rate, seed, seed2, *, output_types: list[DType], output_shapes: list[Shape]
):  # fmt: skip
    """Makes a dataset of a random part of the elements of another."""
    seeds = scalar(seed, "seed"), scalar(seed2, "seed2")
    return Sampled(output_types, output_shapes, stage_in(input_dataset), scalar(rate, "rate"), seeds)


_NUMBER = {"output_types": ["int64"], "output_shapes": [()]}


@random_dataset.samples
def _random_samples(s):
    yield s(5, 6, **_NUMBER)


@experimental_random_dataset.samples
def _experimental_random_samples(s):
    yield s(5, 6, **_NUMBER)


@random_dataset_v2.samples
def _random_v2_samples(s):
    made = s.produced("DummySeedGenerator")
    yield s(5, 6, made, **_NUMBER)
    yield s(5, 6, made, rerandomize_each_iteration=True, **_NUMBER)


@sampling_dataset.samples
def _sampling_samples(s):
    numbers = s.produced("RangeDataset", 0, 40, 1, **_NUMBER)
    yield s(numbers, np.float32(0.4), 5, 6, **_NUMBER)
