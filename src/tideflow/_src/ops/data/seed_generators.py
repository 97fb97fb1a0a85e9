"""The generators that give each iterator of a shuffled dataset its seeds, and the operations that make them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tideflow._src.core.variant_array import variants
from tideflow._src.ops.data.elements import scalar
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox, seed_key_counter

_AHEAD = 64


class Words:
    """Gives the words of a Philox stream one after the other, as TensorFlow's generators for single numbers do.

    Args:
      seed, seed2: the key, and the high half of the counter.
    """

    def __init__(self, seed: int, seed2: int) -> None:
        self._key = seed & (1 << 64) - 1
        self._high = seed2 & (1 << 64) - 1
        self.drawn = 0

    def take(self, count: int) -> Any:
        """Returns the next words as ``uint32``."""
        first, last = self.drawn, self.drawn + count
        start = first // 4
        blocks = philox(np, self._key, (start, self._high), (last + 3) // 4 - start)
        self.drawn = last
        return blocks.reshape(-1)[first - 4 * start : last - 4 * start]


class SeedGenerator:
    """Gives a pair of seeds to each iterator.

    Args:
      seed, seed2: the seeds that it starts from; if both are zero, they come from the operating system.
      fixed: whether every iterator gets these very seeds.
    """

    def __init__(self, seed: int, seed2: int, fixed: bool) -> None:
        if seed == 0 and seed2 == 0:
            seed, (_, seed2) = seed_key_counter(0, 0)
        self._seeds = seed, seed2
        self._fixed = fixed
        self._words = Words(seed, seed2)
        self._lock = threading.Lock()

    def next(self) -> tuple[int, int]:
        """Returns the seeds of one more iterator."""
        if self._fixed:
            return self._seeds
        with self._lock:
            first, second = self._words.take(2).tolist()
        return first, second

    @property
    def drawn(self) -> int:
        """How many numbers were drawn: the position that a checkpoint keeps."""
        return self._words.drawn

    @drawn.setter
    def drawn(self, count: int) -> None:
        self._words.drawn = count


class _Dummy:
    """Is what the handle of a dataset refers to that is to make a generator of its own."""


def generator_in(handle: Any) -> SeedGenerator | None:
    """Returns the generator that a handle refers to, or None if the dataset is to have its own."""
    found = getattr(handle, "resource", None)
    return found if isinstance(found, SeedGenerator) else None


class Deleter:
    """Is the variant that stands for the right to delete a resource, which ends by itself here."""

    dtype: Any = variants([]).dtype
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def zeros_like(self) -> Deleter:
        """Returns itself."""
        return self


@op("DummySeedGenerator", "-> handle: resource", tier="host", stateful=True, differentiable=False)
def dummy_seed_generator():
    """Gives a handle that lets a dataset make its own generator."""
    return ResourceHandle(_Dummy(), "DummySeedGenerator")


@op(
    "AnonymousSeedGenerator", "seed: int64, seed2: int64, reshuffle: bool -> handle: resource, deleter: variant",
    tier="host", stateful=True, differentiable=False,
)  # fmt: skip
def anonymous_seed_generator(seed, seed2, reshuffle):
    """Makes a generator of seeds."""
    generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), not scalar(reshuffle, "reshuffle"))
    return ResourceHandle(generator, "AnonymousSeedGenerator"), Deleter()


@op(
    "AnonymousRandomSeedGenerator", "seed: int64, seed2: int64 -> handle: resource, deleter: variant",
    tier="host", stateful=True, differentiable=False,
)  # fmt: skip
def anonymous_random_seed_generator(seed, seed2):
    """Makes a generator of seeds that are other ones for each iterator."""
    generator = SeedGenerator(scalar(seed, "seed"), scalar(seed2, "seed2"), fixed=False)
    return ResourceHandle(generator, "AnonymousRandomSeedGenerator"), Deleter()


def _delete(handle: Any, deleter: Any) -> None:
    """Ends the use of a generator: it goes with its last dataset."""


delete_seed_generator = op(
    "DeleteSeedGenerator", "handle: resource, deleter: variant ->", tier="host", stateful=True, differentiable=False
)(_delete)
delete_random_seed_generator = op(
    "DeleteRandomSeedGenerator", "handle: resource, deleter: variant ->",
    tier="host", stateful=True, differentiable=False,
)(_delete)  # fmt: skip


@dummy_seed_generator.shape
def _dummy_shape():
    return ()


@anonymous_seed_generator.shape
def _generator_shape(seed, seed2, reshuffle):
    return (), ()


@anonymous_random_seed_generator.shape
def _random_generator_shape(seed, seed2):
    return (), ()


@delete_seed_generator.shape
def _delete_shape(handle, deleter):
    return []


@delete_random_seed_generator.shape
def _delete_random_shape(handle, deleter):
    return []


@dummy_seed_generator.samples
def _dummy_samples(s):
    yield s()


@anonymous_seed_generator.samples
def _generator_samples(s):
    yield s(1, 2, True)


@anonymous_random_seed_generator.samples
def _random_generator_samples(s):
    yield s(1, 2)


@delete_seed_generator.samples
def _delete_samples(s):
    made = s.produced("AnonymousSeedGenerator", 1, 2, True)
    yield s(made, s.produced("AnonymousSeedGenerator", 1, 2, True, output=1))


@delete_random_seed_generator.samples
def _delete_random_samples(s):
    made = s.produced("AnonymousRandomSeedGenerator", 1, 2)
    yield s(made, s.produced("AnonymousRandomSeedGenerator", 1, 2, output=1))
