"""Sobol's sequence, and pseudorandom permutations that can be asked for one index at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.stateful_ops import numpy_type
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_MOST_DIMENSIONS = 21200
_LARGEST_INT32 = 2**31 - 1
#: What ``index_shuffle`` puts before its seed of two, since the cipher has a key of three words.
_FIRST_WORD = 498247692
_SEQUENCE = 0x7369F885192C0EF5
_FEWEST_BITS = 16
#: How many turns of encrypting few indices cost as much as encrypting all of the smallest blocks once.
_TURNS_OF_A_TABLE = 80


@op(
    "SobolSample",
    "dim: static int32, num_results: static int32, skip: static int32 -> samples: dtype",
    dtype=default("float32", ("float", "double")),
    tier="host",
    differentiable="missing",
)
def sobol_sample(dim, num_results, skip, *, dtype: DType = "float32"):
    """Gives points of Sobol's sequence in Gray code order, with the direction numbers of Joe and Kuo (2008)."""
    for name, value in (("dim", dim), ("num_results", num_results), ("skip", skip)):
        if np.ndim(value) != 0:
            raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {list(np.shape(value))}")
    dim, num_results, skip = int(dim), int(num_results), int(skip)
    problem = ""
    if dim < 1:
        problem = f"dim must be at least one, got {dim}"
    elif dim > _MOST_DIMENSIONS:
        problem = f"dim must be at most {_MOST_DIMENSIONS}, got {dim}"
    elif num_results < 1:
        problem = f"num_results must be at least one, got {num_results}"
    elif skip < 0:
        problem = f"skip must be non-negative, got {skip}"
    elif num_results >= _LARGEST_INT32 - skip:
        problem = f"num_results+skip must be less than {_LARGEST_INT32}, got {num_results + skip}"
    if problem:
        raise InvalidArgumentError(None, None, problem)
    from scipy.stats import qmc  # heavy; JAX needs it anyway

    sequence = qmc.Sobol(dim, scramble=False, bits=32)
    sequence.fast_forward(skip + 1)  # the first point, the origin, is left out
    return sequence.random(num_results).astype(numpy_type(dtype))


@sobol_sample.shape
def _sobol_sample_shape(dim, num_results, skip):
    sizes = []
    for value in (dim, num_results, skip):
        if value.shape is not None and len(value.shape) != 0:
            raise ValueError(f"Shape must be rank 0 but is rank {len(value.shape)}")
        known = value.integers()
        sizes.append(known[0] if known else None)
    return sizes[1], sizes[0]


@sobol_sample.samples
def _sobol_sample_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s(5, 9, 0, dtype=dtype)
    yield s(1, 1, 0)
    yield s(40, 7, 1000)
    for bad in ((0, 5, 0), (30000, 5, 0), (2, 0, 0), (2, 3, -1), (2, _LARGEST_INT32, 1), ([2], 3, 1)):
        yield s(*bad, error="InvalidArgumentError")


@op(
    "RandomIndexShuffle",
    "index: dtype, seed: Tseed, max_index: dtype -> output: dtype",
    dtype=("int32", "uint32", "int64", "uint64"),
    Tseed=("int32", "uint32", "int64", "uint64"),
    tier="host",
    differentiable=False,
)
def random_index_shuffle_op(index, seed, max_index, *, rounds: int = 4):
    """Gives where a permutation of 0 to ``max_index`` puts ``index``: the block cipher Simon, until it lands inside."""
    count = _check_shuffle(index, seed, max_index, rounds)
    size = max(count, 1)
    keys = np.broadcast_to(seed, (size, 3)).astype(np.uint64) & np.uint64(0xFFFFFFFF)
    places = np.broadcast_to(index, (size,)).astype(np.uint64)
    limits = np.broadcast_to(max_index, (size,)).astype(np.uint64)
    result = np.empty(size, np.uint64)
    bits = np.array([_block_bits(int(limit)) for limit in np.unique(limits)])
    of_limit = bits[np.searchsorted(np.unique(limits), limits)]
    for width in np.unique(of_limit):
        rows = np.flatnonzero(of_limit == width)
        result[rows] = _permuted(places[rows], keys[rows], limits[rows], int(width) // 2, rounds)
    return result.astype(index.dtype).reshape(() if not count else (count,))


def _check_shuffle(index: Any, seed: Any, max_index: Any, rounds: int) -> int:
    """Rejects what does not fit; returns how many indices there are, 0 for a scalar."""
    sizes = [np.shape(index)[0] if np.ndim(index) == 1 else 0, np.shape(seed)[0] if np.ndim(seed) == 2 else 0]
    sizes.append(np.shape(max_index)[0] if np.ndim(max_index) == 1 else 0)
    count = max(sizes)
    problem = ""
    if np.ndim(index) > 1:
        problem = f"Index must be a scalar or vector but got {list(np.shape(index))}."
    elif np.shape(seed)[-1:] != (3,) or np.ndim(seed) > 2 or sizes[1] not in (0, count):
        problem = f"Seed must be a vector of size [3] or a matrix of size [{max(count, 1)}, 3] but got "
        problem += f"{list(np.shape(seed))}."
    elif np.ndim(max_index) > 1 or sizes[2] not in (0, count):
        problem = f"Maxval must be a scalar or a vector of the same size as index but got {list(np.shape(max_index))}"
    elif sizes[0] not in (0, count):
        problem = f"Index must be a scalar or a vector of size {count} but got {list(np.shape(index))}."
    elif rounds < 4 or rounds % 2:
        problem = f"rounds must be even and at least 4, got {rounds}"
    elif np.any(np.asarray(index) < 0):
        problem = f"index must be >= 0 but was {np.min(index)}"
    elif np.any(np.asarray(index) > np.asarray(max_index)):
        problem = f"max_index must be >= index, but {np.min(max_index)} < {np.max(index)}"
    if problem:
        raise InvalidArgumentError(None, None, problem)
    return count


def _block_bits(limit: int) -> int:
    bits = (limit - 1).bit_length() if limit > 1 else 0
    return max(bits + bits % 2, _FEWEST_BITS)


def _permuted(places: Any, keys: Any, limits: Any, width: int, rounds: int) -> Any:
    """Encrypts indices, again and again those that are too large, in two words of ``width`` bits."""
    turns = (1 << 2 * width) // (int(limits.min()) + 1)  # that an index takes, on average
    if 2 * width == _FEWEST_BITS and turns > _TURNS_OF_A_TABLE:
        distinct, key_of = np.unique(keys, axis=0, return_inverse=True)
        if turns > _TURNS_OF_A_TABLE * len(distinct):
            return _looked_up(places, distinct, key_of.reshape(-1), limits, rounds)
    schedule = _schedule(keys, width, rounds)
    result = places.copy()
    active = np.arange(places.size)
    while active.size:
        result[active] = _encrypted(result[active], [words[active] for words in schedule], width)
        active = active[result[active] > limits[active]]
    return result


def _looked_up(places: Any, keys: Any, key_of: Any, limits: Any, rounds: int) -> Any:
    """Does what `_permuted` does with a table for each key of what the smallest block becomes."""
    blocks = np.arange(1 << _FEWEST_BITS, dtype=np.uint64)
    result = np.empty_like(places)
    for number in range(len(keys)):
        width = _FEWEST_BITS // 2
        table = _encrypted(blocks, _schedule(keys[number : number + 1], width, rounds), width).tolist()
        known: dict[tuple[int, int], int] = {}
        rows = np.flatnonzero(key_of == number)
        asked = list(zip(places[rows].tolist(), limits[rows].tolist(), strict=True))
        for place, limit in asked:
            if (place, limit) not in known:
                found = table[place]
                while found > limit:
                    found = table[found]
                known[place, limit] = found
        result[rows] = [known[pair] for pair in asked]
    return result


def _turned(value: Any, by: int, width: int) -> Any:
    """Rotates words of ``width`` bits to the left."""
    by %= width
    return (value << np.uint64(by) | value >> np.uint64(width - by)) & np.uint64((1 << width) - 1)


def _schedule(keys: Any, width: int, rounds: int) -> list[Any]:
    """Returns a word for each round, of keys of shape ``[n, 3]``."""
    mask = np.uint64((1 << width) - 1)
    schedule = [keys[:, column] & mask for column in range(3)]
    sequence = _SEQUENCE
    for number in range(3, rounds):
        bit = np.uint64(sequence & 1)
        sequence >>= 1
        last = schedule[-1]
        added = (np.uint64(0xFFFFFFFC) & mask) ^ bit ^ schedule[number - 3]
        schedule.append(added ^ _turned(last, width - 3, width) ^ _turned(last, width - 4, width))
    return schedule


def _encrypted(blocks: Any, schedule: list[Any], width: int) -> Any:
    """Encrypts blocks of two words each."""

    def mixed(value: Any) -> Any:
        return _turned(value, 1, width) & _turned(value, 8, width) ^ _turned(value, 2, width)

    left, right = blocks >> np.uint64(width), blocks & np.uint64((1 << width) - 1)
    for number in range(0, len(schedule), 2):
        left = left ^ mixed(right) ^ schedule[number]
        right = right ^ mixed(left) ^ schedule[number + 1]
    return left << np.uint64(width) | right


@random_index_shuffle_op.shape
def _random_index_shuffle_shape(index, seed, max_index):
    shapes: list[tuple[int, ...] | None] = []
    for shape, rank in ((index, 0), (seed, 1), (max_index, 0)):
        if shape is None:
            shapes.append(None)
            continue
        if not rank <= len(shape) <= rank + 1:
            raise ValueError(f"Shape must be rank {rank} or {rank + 1} but is rank {len(shape)}")
        if rank and shape[-1] not in (3, None):
            raise ValueError(f"Seed must have shape [3] or [n, 3] but got {list(shape)}.")
        shapes.append(shape[: len(shape) - rank])
    if None in shapes:
        return next((shape for shape in shapes if shape), None)
    return broadcast(broadcast(shapes[0], shapes[1]), shapes[2])


@random_index_shuffle_op.samples
def _random_index_shuffle_samples(s):
    for dtype in s.dtypes("dtype"):
        kind = numpy_type(dtype)
        yield s(np.arange(8, dtype=kind), [1, 2, 3], np.array(7, kind))
    for dtype in s.dtypes("Tseed"):
        yield s(3, np.array([1, 2, 3], numpy_type(dtype)), 70000)
    yield s(
        np.arange(4, dtype=np.int32),
        [[1, 2, 3], [4, 5, 6], [7, -8, 9], [1, 1, 1]],
        np.array([3, 5, 7, 90000], np.int32),
        rounds=8,
    )
    yield s(np.array([5, 900], np.int64), [1, 2, 3], np.int64(1 << 40))
    yield s(0, [1, 2, 3], 0)
    for bad in ((9, [1, 2, 3], 7), (-1, [1, 2, 3], 7), (1, [1, 2], 7), ([1, 2], [1, 2, 3], [7, 7, 7])):
        yield s(*bad, error="InvalidArgumentError")


def index_shuffle(index: Any, seed: Any, max_index: Any) -> Any:
    """Returns where a pseudorandom permutation of 0, 1, ..., ``max_index`` puts an index.

    Args:
      index: the index, a scalar, or a vector of several.
      seed: two integers, or a matrix with two for each index.
      max_index: the largest index, a scalar or a vector.

    Returns:
      An index, or a vector of them, of the dtype of ``index``.
    """
    seed = convert_to_tensor(seed)
    rank = len(seed.shape) if seed.shape.rank is not None else 1
    paddings = np.array([[1, 0]] + [[0, 0]] * (rank - 1), np.int32) if rank == 1 else None
    if rank > 1:
        paddings = np.array([[0, 0]] * (rank - 1) + [[1, 0]], np.int32)
    seed = raw.PadV2(seed, paddings, convert_to_tensor(_FIRST_WORD, seed.dtype))
    return random_index_shuffle_op(index, seed, max_index, rounds=4)
