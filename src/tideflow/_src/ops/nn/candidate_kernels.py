"""Draws classes to contrast the true ones with, as the candidate samplers of TensorFlow do, number for number.

Each distribution reads 32-bit words off a Philox stream, one draw after the other; here whole chunks of draws are
computed at once. A draw is uniform, log-uniform (Zipf's law), from fixed counts by Walker's alias method, or from
counts that are learned while sampling goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.random.direct_sampling import unit_float32, unit_float64
from tideflow._src.runtime.philox import philox_at

Draw = Callable[["Words", int], NDArray[np.int64]]

_MASK_32 = 0xFFFFFFFF
_MASK_64 = 0xFFFFFFFFFFFFFFFF
_MOST_WORDS = 1 << 20
#: How many calls' words are computed at a time, and the most blocks of a call.
_CALLS_AHEAD, _BLOCKS_AHEAD = 16, 256


class Words:
    """Reads a Philox stream word by word, in chunks.

    Args:
      key: the key of the stream.
      counter: the counter of its first block.
      first: the words of its first blocks, if they are known.
    """

    __slots__ = ("_block", "_counter", "_key", "_position", "_words")

    def __init__(self, key: Any, counter: Any, first: NDArray[np.uint32] | None = None) -> None:
        self._key = key
        self._counter = counter
        self._position = 0
        self._words = np.empty(0, np.uint32) if first is None else first
        self._block = self._words.size // 4

    def peek(self, count: int) -> NDArray[np.uint32]:
        """Returns the next ``count`` words without passing them."""
        missing = self._position + count - self._words.size
        if missing > 0:
            blocks = -(-missing // 4)
            offsets = np.arange(self._block, self._block + blocks, dtype=np.uint64)
            more = philox_at(np, self._key, self._counter, offsets).reshape(-1)
            self._block += blocks
            self._words = np.concatenate([self._words[self._position :], more])
            self._position = 0
        return self._words[self._position : self._position + count]

    def take(self, count: int) -> NDArray[np.uint32]:
        """Returns the next ``count`` words and passes them."""
        words = self.peek(count)
        self._position += count
        return words


class CallsAhead:
    """Computes the first words of the next calls of a stream together: a call's few take NumPy as long.

    They follow from the counter alone: whoever has drawn in between, what is kept is right, or nobody asks for it.
    """

    __slots__ = ("_expected", "_kept")

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, int], NDArray[np.uint32]] = {}
        self._expected: tuple[int, int, int] | None = None

    def words(self, key: int, counter: tuple[int, int], blocks: int, step: int) -> Words:
        """Returns the words of a call.

        Args:
          key: the key of the stream.
          counter: the counter of the call's first block, low word first.
          blocks: how many blocks the call reads as a rule.
          step: how many blocks behind that of this call the counter of the next one is.
        """
        low, high = counter
        first = self._kept.pop((key, low, high), None)
        if first is None and self._expected == (key, low, high) and blocks <= _BLOCKS_AHEAD:
            starts = np.arange(_CALLS_AHEAD, dtype=np.uint64) * np.uint64(step)
            offsets = starts[:, None] + np.arange(blocks, dtype=np.uint64)
            first, *others = philox_at(np, key, counter, offsets.reshape(-1)).reshape(_CALLS_AHEAD, -1)
            self._kept = {(key, low + number * step, high): row for number, row in enumerate(others, start=1)}
        self._expected = key, low + step, high
        return Words(key, counter, first)


def _wide(words: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Joins pairs of words to 64-bit numbers, low word first."""
    return words[0::2].astype(np.uint64) | words[1::2].astype(np.uint64) << np.uint64(32)


def _below(words: Words, limit: int, count: int, width: int) -> NDArray[np.uint64]:
    """Returns ``count`` numbers below ``limit``, each of ``width`` words, without bias."""
    mask = _MASK_32 if width == 1 else _MASK_64
    if limit & (limit - 1) == 0:
        taken = words.take(count * width)
        return (taken.astype(np.uint64) if width == 1 else _wide(taken)) & np.uint64(limit - 1)
    least = np.uint64(mask % limit + 1)
    chunks: list[NDArray[np.uint64]] = []
    while count:
        taken = words.take(count * width)
        candidates = taken.astype(np.uint64) if width == 1 else _wide(taken)
        good = candidates[candidates >= least] if least <= mask else candidates
        chunks.append(good % np.uint64(limit))
        count -= good.size
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)


class Uniform:
    """Draws every class with the same probability."""

    def __init__(self, range_max: int) -> None:
        self.range_max = range_max

    def draw(self, words: Words, count: int) -> NDArray[np.int64]:
        """Returns ``count`` classes."""
        return _below(words, self.range_max, count, 2).astype(np.int64)

    def probability(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the probability of each class."""
        return np.full(classes.shape, np.float32(1.0 / self.range_max))


class LogUniform:
    """Draws class k with probability (log(k + 2) - log(k + 1)) / log(range_max + 1)."""

    def __init__(self, range_max: int) -> None:
        self.range_max = range_max
        self._log_range = float(np.log1p(np.float64(range_max)))

    def draw(self, words: Words, count: int) -> NDArray[np.int64]:
        """Returns ``count`` classes."""
        taken = words.take(2 * count)
        # One double takes two words, the high one first.
        units = unit_float64(np, taken[0::2], taken[1::2])
        return (np.exp(units * self._log_range).astype(np.int64) - 1) % self.range_max

    def probability(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the probability of each class."""
        return (np.log((classes + 2.0) / (classes + 1.0)) / self._log_range).astype(np.float32)


class LearnedUnigram:
    """Draws a class with a probability that is one more than how often it has been a true class, to scale."""

    def __init__(self, range_max: int) -> None:
        self.range_max = range_max
        self.counts = np.ones(range_max, np.int64)
        self.total = range_max
        self._sums: NDArray[np.int64] | None = None

    def draw(self, words: Words, count: int) -> NDArray[np.int64]:
        """Returns ``count`` classes."""
        if self._sums is None:
            self._sums = np.cumsum(self.counts)
        places = _below(words, self.total, count, 1).astype(np.int64)
        return np.searchsorted(self._sums, places, side="right").astype(np.int64)

    def probability(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the probability of each class."""
        return self.counts[classes].astype(np.float32) / np.float32(self.total)

    def learn(self, classes: NDArray[np.int64]) -> None:
        """Counts the true classes of one call."""
        room = np.iinfo(np.int32).max - self.total
        classes = classes.reshape(-1)[:room]
        np.add.at(self.counts, classes, 1)
        self.total += classes.size
        self._sums = None


class FixedUnigram:
    """Draws classes in proportion to given weights, by the alias method (Walker 1977; Vose 1991).

    Args:
      weights: a weight for each class, float32.
      total: the sum that probabilities are relative to.
    """

    def __init__(self, weights: NDArray[np.float32], total: float) -> None:
        self.range_max = weights.size
        self._probabilities = (weights.astype(np.float64) / total).astype(np.float32)
        self._threshold, self._alias = _alias_table(weights)

    def draw(self, words: Words, count: int) -> NDArray[np.int64]:
        """Returns ``count`` classes: each a fraction, and a bucket that may take several words to find."""
        size = self.range_max
        if size & (size - 1) == 0:
            taken = words.take(2 * count)
            return self._choose(taken[0::2], taken[1::2] & np.uint32(size - 1))
        least = np.uint32(_MASK_32 % size + 1)
        chunks = []
        while count:
            taken = words.peek(2 * count)
            rejected = np.flatnonzero(taken[1::2] < least)
            good = count if rejected.size == 0 else int(rejected[0])
            chunks.append(self._choose(taken[0 : 2 * good : 2], taken[1 : 2 * good : 2] % np.uint32(size)))
            words.take(2 * good)
            count -= good
            if rejected.size:
                fraction = words.take(1)
                place = words.take(1)
                while place[0] < least:
                    place = words.take(1)
                chunks.append(self._choose(fraction, place % np.uint32(size)))
                count -= 1
        return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)

    def _choose(self, fractions: NDArray[np.uint32], buckets: NDArray[np.uint32]) -> NDArray[np.int64]:
        stays = unit_float32(np, fractions) < self._threshold[buckets]
        return np.where(stays, buckets.astype(np.int64), self._alias[buckets])

    def probability(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the probability of each class; 0 for what is none."""
        known = (classes >= 0) & (classes < self.range_max)
        return np.where(known, self._probabilities[np.where(known, classes, 0)], np.float32(0))


def _alias_table(weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns, for each bucket, how much of it is the class of its own number, and the class of the rest."""
    size = weights.size
    scaled = (weights * np.float32(size)).astype(np.float64)
    parts = (scaled / np.cumsum(weights, dtype=np.float64)[-1]).tolist()
    alias = list(range(size))
    small = [index for index, part in enumerate(parts) if part < 1.0]
    large = [index for index, part in enumerate(parts) if not part < 1.0]
    while small and large:
        low, high = small.pop(), large.pop()
        alias[low] = high
        parts[high] = rest = parts[high] - (1.0 - parts[low])
        (small if rest < 1.0 else large).append(high)
    threshold = np.array(parts, np.float32)
    threshold[large + small] = 1.0  # what is left differs from 1 by rounding only
    return threshold, np.array(alias, np.int64)


def fixed_unigram(
    weights: list[float],
    *,
    range_max: int,
    distortion: float,
    num_reserved_ids: int,
    num_shards: int,
    shard: int,
) -> FixedUnigram:
    """Returns the sampler of one shard's share of weighted words, behind the reserved ids.

    Raises:
      InvalidArgumentError: there are not ``range_max`` words in the shard.
    """
    reserved = sum(1 for index in range(num_reserved_ids) if index % num_shards == shard)
    powers = np.power(np.array(weights, np.float32), np.float32(distortion))
    # Reserved ids come first; the words' numbers go on from how many of them this shard has.
    mine = powers[(np.arange(powers.size) + reserved) % num_shards == shard]
    total = float(np.cumsum(mine, dtype=np.float64)[-1]) if mine.size else 0.0
    held = np.concatenate([np.zeros(reserved, np.float32), mine])
    if held.size != range_max:
        raise InvalidArgumentError(None, None, f"range is {range_max} must be equal to weights size {held.size}")
    return FixedUnigram(held, total)


def vocabulary_weights(text: str) -> list[float]:
    """Reads the weights off a vocabulary: the last of the fields, between commas, of each line.

    Raises:
      InvalidArgumentError: that field is no number.
    """
    weights = []
    for line in text.replace("\r", "").split("\n"):
        if not line:
            continue
        try:
            weights.append(float(line.rpartition(",")[2]))
        except ValueError:
            raise InvalidArgumentError(None, None, f"Wrong vocabulary format at line: {line}") from None
    return weights


def draws_of(count: int, unique: bool) -> int:
    """Returns how many classes a call draws first: of those that are to differ, some more than are wanted."""
    return count + count // 4 + 4 if unique else count


def sample(
    sampler: Any, words: Words, count: int, unique: bool
) -> tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], NDArray[np.float32]]]:
    """Draws classes; returns them, and the function that says how often a class is expected among them.

    Without replacement, that is the probability of having been drawn in as many tries as it took.
    """
    tries = count
    if not unique:
        classes = sampler.draw(words, count)
    else:
        classes, tries = _distinct(sampler.draw, words, count)

    def expected(values: NDArray[np.int64]) -> NDArray[np.float32]:
        chance = sampler.probability(values)
        if tries == count:
            return chance * np.float32(count)
        return -np.expm1(np.float32(tries) * np.log1p(-chance))

    return classes, expected


def _distinct(draw: Draw, words: Words, count: int) -> tuple[NDArray[np.int64], int]:
    """Draws until there are ``count`` different classes; returns them as drawn, and how many tries it took."""
    drawn = draw(words, draws_of(count, True)).tolist()
    while True:
        distinct = list(dict.fromkeys(drawn))
        if len(distinct) >= count:
            chosen = distinct[:count]
            return np.array(chosen, np.int64), drawn.index(chosen[-1]) + 1
        # Twice what is missing, or as much again where classes repeat a lot.
        repeated = len(drawn) if len(distinct) < len(drawn) // 2 else 0
        drawn += draw(words, min(max(2 * (count - len(distinct)), repeated), _MOST_WORDS)).tolist()
