"""The counter-based generator Philox 4x32-10 and TensorFlow's rules for its keys and counters.

Philox (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a 64-bit
key and a 128-bit counter to a block of four 32-bit words. Any block can be computed alone, so a random op is
a pure function of the key, of the counter it starts at and of the shape it fills. What is left as state is a
number: the next counter.

Three things live here:

* `philox` and `philox_at` compute blocks, with NumPy or, under `jax.jit`, with `jax.numpy` (x64 enabled);
* `seed_key_counter` and `stateless_key_counter` turn seeds into a key and a counter as TensorFlow does;
* `PhiloxState` is the counter of one stateful op, and the `blocks_for_*` functions say how far one call
  moves it.

A key is one 64-bit word: an integer, a `uint64` array of shape `()` or `(1,)` (the form in which
`StatelessRandomGetKeyCounter` returns it), or two `uint32` words, low word first. A counter is a pair of
64-bit words `(low, high)` or four `uint32` words, low word first.
"""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PhiloxState",
    "blocks_for_multinomial",
    "blocks_for_outputs",
    "blocks_for_shuffle",
    "philox",
    "philox_at",
    "seed_key_counter",
    "skip",
    "stateless_key_counter",
]

_MULTIPLIER_0 = 0xD2511F53
_MULTIPLIER_1 = 0xCD9E8D57
_KEY_STEP_0 = 0x9E3779B9
_KEY_STEP_1 = 0xBB67AE85
_ROUNDS = 10
_MASK_32 = 0xFFFFFFFF
_MASK_64 = 0xFFFFFFFFFFFFFFFF
_SCRAMBLE_KEY = 0x02461E293EC8F720
_RESERVED_BLOCKS_PER_OUTPUT = 256
_MASK = np.uint64(_MASK_32)
_HALF = np.uint64(32)
_MULTIPLIERS = np.array([[_MULTIPLIER_0], [_MULTIPLIER_1]], np.uint64)
_KEY_STEPS = np.array([[[n * _KEY_STEP_0], [n * _KEY_STEP_1]] for n in range(_ROUNDS)], np.uint64)
# Blocks that NumPy computes at a time: the eight or so arrays of 64-bit lanes then stay in the L2 cache.
CHUNK_BLOCKS = 16384
_FEW_BLOCKS = 3


def split_key(xp: Any, key: Any) -> tuple[Any, Any]:
    """Returns the two 32-bit halves of a key, each in a 64-bit lane, low half first."""
    if isinstance(key, int):
        return np.uint64(key & _MASK_32), np.uint64(key >> 32 & _MASK_32)
    words = xp.asarray(key).reshape(-1)
    if words.size == 2:
        words = words.astype(xp.uint64)
        return words[0], words[1]
    if words.size != 1:
        raise ValueError(f"A Philox key has one 64-bit word or two 32-bit words, got {words.size} words.")
    word = words.astype(xp.uint64)[0]
    return word & _MASK, word >> _HALF


def split_counter(xp: Any, counter: Any) -> tuple[Any, Any]:
    """Returns the low and the high 64-bit word of a counter."""
    if len(counter) == 4:
        words = xp.asarray(counter).astype(xp.uint64)
        return words[0] | words[1] << np.uint64(32), words[2] | words[3] << np.uint64(32)
    if len(counter) != 2:
        raise ValueError(f"A Philox counter has two 64-bit words or four 32-bit words, got {len(counter)} words.")
    if isinstance(counter, tuple) and all(isinstance(word, int) for word in counter):
        return np.uint64(counter[0] & _MASK_64), np.uint64(counter[1] & _MASK_64)
    words = xp.asarray(counter).astype(xp.uint64)
    return words[0], words[1]


def _rounds(lanes: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Applies the ten rounds to lanes of 64 bits that hold 32-bit words; they broadcast with each other.

    The second and the fourth word are left unmasked between the rounds: only their low halves count, and
    the next round masks them where it uses them.
    """
    word_0, word_1, word_2, word_3 = lanes
    for round_index in range(_ROUNDS):
        key_0 = (key[0] + np.uint64(round_index * _KEY_STEP_0)) & _MASK
        key_1 = (key[1] + np.uint64(round_index * _KEY_STEP_1)) & _MASK
        product_0 = word_0 * np.uint64(_MULTIPLIER_0)
        product_1 = word_2 * np.uint64(_MULTIPLIER_1)
        word_0 = ((product_1 >> _HALF) ^ word_1 ^ key_0) & _MASK
        word_2 = ((product_0 >> _HALF) ^ word_3 ^ key_1) & _MASK
        word_1, word_3 = product_1, product_0
    return word_0, word_1 & _MASK, word_2, word_3 & _MASK


def _rounds_in_place(
    lanes: tuple[Any, Any, Any, Any], key: tuple[Any, Any]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Does what `_rounds` does with NumPy, in half as many calls and without allocating in each round.

    Two words share an array: (0, 2), which are multiplied, and (1, 3). Returns both pairs; of the
    second, only the low halves count.
    """
    length = lanes[0].shape[0]
    multiplied = np.empty((2, length), np.uint64)
    multiplied[0], multiplied[1] = lanes[0], lanes[2]
    other = np.empty((2, length), np.uint64)
    other[0], other[1] = lanes[1], lanes[3]
    product = np.empty((2, length), np.uint64)
    keys = (np.array([[[int(key[0])], [int(key[1])]]], np.uint64) + _KEY_STEPS) & _MASK
    for round_key in keys:
        np.multiply(multiplied, _MULTIPLIERS, out=product)
        np.bitwise_xor(other, round_key, out=other)
        # The product of the second word of the pair goes into the first, and the other way round.
        swapped = product[::-1]
        np.right_shift(swapped, _HALF, out=multiplied)
        np.bitwise_xor(multiplied, other, out=multiplied)
        np.bitwise_and(multiplied, _MASK, out=multiplied)
        other, product = swapped, other
    return multiplied, other


def _block(key_0: int, key_1: int, counter: int) -> tuple[int, int, int, int]:
    """Computes one block with Python's integers, which for a few blocks is faster than NumPy's calls."""
    word_0, word_1 = counter & _MASK_32, counter >> 32 & _MASK_32
    word_2, word_3 = counter >> 64 & _MASK_32, counter >> 96 & _MASK_32
    for _ in range(_ROUNDS):
        product_0, product_1 = word_0 * _MULTIPLIER_0, word_2 * _MULTIPLIER_1
        word_0, word_1 = product_1 >> 32 ^ word_1 ^ key_0, product_1 & _MASK_32
        word_2, word_3 = product_0 >> 32 ^ word_3 ^ key_1, product_0 & _MASK_32
        key_0, key_1 = key_0 + _KEY_STEP_0 & _MASK_32, key_1 + _KEY_STEP_1 & _MASK_32
    return word_0, word_1, word_2, word_3


def _counter_lanes(xp: Any, counter: Any, offsets: Any) -> tuple[Any, Any, Any, Any]:
    """Returns the four words, in 64-bit lanes, of `counter + offsets` as 128-bit integers.

    The counter is two 64-bit words.
    """
    low_start, high_start = counter
    low = xp.asarray(low_start).reshape(1) + offsets
    high = xp.asarray(high_start).reshape(1) + (low < offsets).astype(xp.uint64)
    return low & _MASK, low >> _HALF, high & _MASK, high >> _HALF


def philox_at(xp: Any, key: Any, counter: Any, offsets: Any) -> Any:
    """Computes the blocks that lie at the given distances behind a counter.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key, in a form that the module's description names.
      counter: The counter from which the distances count.
      offsets: `uint64`, shape `(n,)`: how many blocks behind `counter` each block lies.

    Returns:
      `uint32`, shape `(n, 4)`: a block in each row.
    """
    offsets = xp.asarray(offsets, dtype=xp.uint64)
    if xp is np and offsets.shape[0] <= _FEW_BLOCKS:
        key_0, key_1 = (int(half) for half in split_key(np, key))
        low, high = (int(word) for word in split_counter(np, counter))
        blocks = [_block(key_0, key_1, (high << 64 | low) + offset) for offset in offsets.tolist()]
        return np.array(blocks, np.uint32).reshape(-1, 4)
    if xp is np:
        lanes = _counter_lanes(xp, split_counter(xp, counter), offsets)
        words = np.empty((offsets.shape[0], 4), np.uint32)
        # An assignment from 64 to 32 bits keeps the low half.
        words[:, 0::2], words[:, 1::2] = (pair.T for pair in _rounds_in_place(lanes, split_key(xp, key)))
        return words
    return _traced_once()(split_key(xp, key), split_counter(xp, counter), offsets)


@functools.cache
def _traced_once() -> Any:
    """Returns the blocks as a function that JAX traces once for each number of them: a loop draws in many places."""
    # Heavy and optional: only the compiled tier gets here, and it has loaded jax.
    import jax
    import jax.numpy as jnp

    def blocks(key: Any, counter: Any, offsets: Any) -> Any:
        # Without the barrier XLA computes all ten rounds again for each of the four columns.
        lanes = jax.lax.optimization_barrier(_rounds(_counter_lanes(jnp, counter, offsets), key))
        return jax.lax.optimization_barrier(jnp.stack([lane.astype(jnp.uint32) for lane in lanes], axis=1))

    return jax.jit(blocks, inline=True)


def philox(xp: Any, key: Any, counter: Any, n_blocks: int) -> Any:
    """Computes consecutive blocks of random words.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key, in a form that the module's description names.
      counter: The counter of the first block; it grows by one, as a 128-bit integer, from block to block.
      n_blocks: How many blocks to compute; static.

    Returns:
      `uint32`, shape `(n_blocks, 4)`.

    Example (the first known-answer test of the paper's authors):

    >>> [hex(word) for word in philox(np, 0, (0, 0), 1)[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    if xp is not np:
        return philox_at(xp, key, counter, xp.arange(n_blocks, dtype=xp.uint64))
    words = np.empty((n_blocks, 4), np.uint32)
    for start in range(0, n_blocks, CHUNK_BLOCKS):
        stop = min(start + CHUNK_BLOCKS, n_blocks)
        words[start:stop] = philox_at(np, key, counter, np.arange(start, stop, dtype=np.uint64))
    return words


def skip(xp: Any, counter: Any, blocks: Any) -> Any:
    """Returns the counter that lies `blocks` behind a counter, as `uint64` of shape `(2,)`: low, high."""
    low_start, high_start = split_counter(xp, counter)
    blocks = xp.asarray(blocks).astype(xp.uint64).reshape(1)
    low = xp.asarray(low_start).reshape(1) + blocks
    high = xp.asarray(high_start).reshape(1) + (low < blocks).astype(xp.uint64)
    return xp.concatenate([low, high])


def seed_key_counter(seed: int, seed2: int) -> tuple[int, tuple[int, int]]:
    """Returns the key and the first counter of a stateful op with attributes `seed` and `seed2`.

    `seed` becomes the key, `seed2` the high half of the counter. Two zeros ask for numbers that cannot be
    repeated: key and counter then come from the operating system.
    """
    if seed == 0 and seed2 == 0:
        entropy = os.urandom(16)
        return int.from_bytes(entropy[:8], "little"), (0, int.from_bytes(entropy[8:], "little"))
    return seed & _MASK_64, (0, seed2 & _MASK_64)


def stateless_key_counter(xp: Any, seed: Any) -> tuple[Any, Any]:
    """Returns the key and the counter that a stateless op makes of its seed.

    The two seeds are one counter, which Philox scrambles under a fixed key: the first half of the block is
    the key, the second half the high half of the counter. This is also the op `StatelessRandomGetKeyCounter`.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      seed: Integers of 32 or 64 bits, shape `(2,)`; negative 32-bit seeds are sign-extended.

    Returns:
      The key, `uint64` of shape `(1,)`, and the counter, `uint64` of shape `(2,)`.

    Raises:
      ValueError: If `seed` has not shape `(2,)`.

    >>> key, counter = stateless_key_counter(np, [1, 2])
    >>> key.shape, counter.shape
    ((1,), (2,))
    """
    seed = xp.asarray(seed)
    if seed.shape != (2,):
        raise ValueError(f"seed must have shape [2], not {list(seed.shape)}")
    if seed.dtype.itemsize < 8:
        seed = seed.astype(xp.int64)
    block = philox(xp, _SCRAMBLE_KEY, seed.astype(xp.uint64), 1).astype(xp.uint64)[0]
    halves = block[0::2] | block[1::2] << np.uint64(32)
    return halves[:1], xp.concatenate([xp.zeros(1, xp.uint64), halves[1:]])


def blocks_for_outputs(count: int) -> int:
    """Returns how many blocks one call that makes `count` numbers reserves.

    It is the same for every distribution that fills a tensor (uniform, integer, normal, truncated normal,
    gamma, Poisson): far more than most use, so that those which reject candidates never run into the
    next call's blocks. `tf.random.Generator` skips as far.
    """
    return count * _RESERVED_BLOCKS_PER_OUTPUT


def blocks_for_shuffle(size: int, element_count: int | None = None) -> int:
    """Returns how many blocks `RandomShuffle` of `size` rows reserves: one word for each row but the last.

    Args:
      size: The first dimension of the tensor.
      element_count: How many elements the whole tensor has, where that may be fewer than two: nothing is
        drawn then.
    """
    if size <= 1 or (element_count is not None and element_count <= 1):
        return 0
    return (size - 1 + 3) // 4


def blocks_for_multinomial(batch_size: int, num_samples: int) -> int:
    """Returns how many blocks one call of `Multinomial` reserves: two words for each double it draws."""
    return blocks_for_outputs(batch_size * ((num_samples + 3) // 4 * 4 * 2))


class PhiloxState:
    """The key and the next counter of one stateful random op in one session.

    In a graph, each session keeps one for each random operation; eagerly, each cached kernel has one
    (`tideflow._src.runtime.seed_rules`). Calls from several threads get disjoint blocks.

    Args:
      seed: The op's attribute `seed`.
      seed2: The op's attribute `seed2`; the state is unpredictable if both are zero.

    >>> state = PhiloxState(1, 2)
    >>> state.reserve(256), state.reserve(256)
    ((0, 2), (256, 2))
    """

    __slots__ = ("_counter", "_lock", "key", "memory")

    def __init__(self, seed: int = 0, seed2: int = 0) -> None:
        self.key, (low, high) = seed_key_counter(int(seed), int(seed2))
        self._counter = high << 64 | low
        self._lock = threading.Lock()
        #: What the kernel keeps from call to call, such as the counts of a sampler that learns; None at first.
        self.memory: Any = None

    @classmethod
    def from_key_counter(cls, key: int, counter: tuple[int, int]) -> PhiloxState:
        """Returns a state with the given key and next counter (low and high word)."""
        state = cls(1)
        state.key = int(key)
        state._counter = int(counter[1]) << 64 | int(counter[0])
        return state

    @property
    def counter(self) -> tuple[int, int]:
        """The low and the high word of the next counter."""
        counter = self._counter
        return counter & _MASK_64, counter >> 64

    @counter.setter
    def counter(self, counter: tuple[int, int]) -> None:
        with self._lock:
            self._counter = int(counter[1]) << 64 | int(counter[0])

    def reserve(self, blocks: int) -> tuple[int, int]:
        """Takes the next `blocks` blocks and returns the counter of their first."""
        with self._lock:
            counter = self._counter
            self._counter = (counter + blocks) & (1 << 128) - 1
        return counter & _MASK_64, counter >> 64
