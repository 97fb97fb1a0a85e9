"""``tf.edit_distance``: how many insertions, deletions and substitutions make one sequence of another.

Distances are found with the bits of words, one for each element of the shorter sequence (G. Myers, "A fast bit-vector
algorithm for approximate string matching", 1999, in the form of H. Hyyrö, 2003): short sequences in arrays of
64-bit words, all pairs at once, long ones in Python's integers of any length.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import InternalError, invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import merge_dimensions
from tideflow._src.runtime.op import op

_WORD = 64
_MOST_COMPARISONS = 1 << 22


@op(
    "EditDistance",
    "hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: static int64, "
    "truth_indices: int64, truth_values: T, truth_shape: static int64 -> output: float",
    tier="host",
    differentiable=False,
)
def edit_distance_op(
    hypothesis_indices,
    hypothesis_values,
    hypothesis_shape,
    truth_indices,
    truth_values,
    truth_shape,
    *,
    normalize: bool = True,
):
    """Computes the edit distance of the sequences at the same place of two sparse tensors."""
    _check("hypothesis", hypothesis_indices, hypothesis_values, hypothesis_shape)
    _check("truth", truth_indices, truth_values, truth_shape)
    first, second = np.asarray(hypothesis_shape), np.asarray(truth_shape)
    if first.size < 2 or second.size < 2:
        raise invalid_argument(
            f"Input SparseTensors must have rank at least 2, but truth_shape rank is: {second.size} and "
            f"hypothesis_shape rank is: {first.size}"
        )
    if first.size != second.size:
        raise invalid_argument(
            f"Expected truth and hypothesis to have matching ranks, but their shapes are: "
            f"{shape_text(tuple(second.tolist()))} and {shape_text(tuple(first.tolist()))}"
        )
    for shape in (first, second):
        if (shape < 0).any():
            raise invalid_argument(f"Dimension {int(shape.min())} must be >= 0")
        if math.prod(shape.tolist()) >= 2**63:
            raise invalid_argument(f"Shape {shape_text(tuple(shape.tolist()))} would have more than 2**63 - 1 elements")
    sizes = tuple(np.maximum(first, second)[:-1].tolist())
    count = math.prod(sizes)
    if count == 0:
        raise invalid_argument(f"Got output shape {shape_text(sizes)} which has 0 elements")
    if count > 1 << 36:
        raise invalid_argument(f"Got output shape {shape_text(sizes)}, whose elements do not fit in memory")
    result = np.zeros(count, np.float32)
    hypothesis, truth = _numbered(hypothesis_values, truth_values)
    one = _Sequences(hypothesis_indices, hypothesis, sizes)
    other = _Sequences(truth_indices, truth, sizes)
    places = np.union1d(one.places, other.places)
    if places.size:
        if places[0] < 0 or places[-1] >= count:
            wrong = int(places[0]) if places[0] < 0 else int(places[-1])
            raise InternalError(
                None, None, f"An index leads to element {wrong} of the output, which has {count} elements"
            )
        distances = _distances(*one.at(places), *other.at(places)).astype(np.float32)
        if normalize:
            lengths = other.at(places)[2]
            distances = np.where(
                lengths > 0, distances / lengths.astype(np.float32), np.where(distances > 0, np.inf, 0)
            )
        result[places] = distances
    return result.reshape(sizes)


def _check(described: str, indices: Any, values: Any, shape: Any) -> None:
    if np.ndim(indices) != 2:
        raise invalid_argument(
            f"{described}_indices should be a matrix, but got shape: {shape_text(np.shape(indices))}"
        )
    if np.ndim(values) != 1:
        raise invalid_argument(f"{described}_values should be a vector, but got shape: {shape_text(np.shape(values))}")
    if np.ndim(shape) != 1:
        raise invalid_argument(f"{described}_shape should be a vector, but got shape: {shape_text(np.shape(shape))}")
    rows, rank = np.shape(indices)
    if len(values) != rows:
        raise invalid_argument(
            f"Expected {described}_values.NumElements == #rows({described}_indices), but their sizes are "
            f"{len(values)} and {rows}"
        )
    if len(shape) != rank:
        raise invalid_argument(
            f"Expected {described}_shape.NumElements == #cols({described}_indices), but their sizes are "
            f"{len(shape)} and {rank}"
        )


def _numbered(first: Any, second: Any) -> tuple[Any, Any]:
    """Returns numbers for values such that equal values have equal ones; NaN equals nothing."""
    both = [*np.asarray(first).ravel().tolist(), *np.asarray(second).ravel().tolist()]
    known: dict[Any, int] = {}
    numbers = np.fromiter((known.setdefault(value, len(known)) for value in both), np.int64, len(both))
    return numbers[: len(first)], numbers[len(first) :]


class _Sequences:
    """Is the sequences of a sparse tensor: runs of values whose indices agree but for the last one."""

    def __init__(self, indices: Any, values: Any, sizes: tuple[int, ...]) -> None:
        strides = np.cumprod([1, *sizes[:0:-1]])[::-1]
        flat = np.asarray(indices)[:, :-1] @ strides.astype(np.int64)
        begins = np.flatnonzero(np.diff(flat, prepend=flat[:1] - 1))
        # Where a place comes again later, its last run counts.
        places, last = np.unique(flat[begins][::-1], return_index=True)
        chosen = begins.size - 1 - last
        ends = np.append(begins[1:], flat.size)
        self.values, self.places = values, places
        self._starts, self._lengths = begins[chosen], (ends - begins)[chosen]

    def at(self, places: Any) -> tuple[Any, Any, Any]:
        """Returns the values, and where the sequence of each place starts and how long it is."""
        if not self.places.size:
            nothing = np.zeros(places.size, np.int64)
            return self.values, nothing, nothing
        found = np.minimum(np.searchsorted(self.places, places), self.places.size - 1)
        there = self.places[found] == places
        return self.values, np.where(there, self._starts[found], 0), np.where(there, self._lengths[found], 0)


def _distances(values: Any, starts: Any, lengths: Any, others: Any, other_starts: Any, other_lengths: Any) -> Any:
    """Returns the distance of each pair of sequences."""
    result = np.maximum(lengths, other_lengths)
    shorter = np.minimum(lengths, other_lengths)
    open_pairs = np.flatnonzero(shorter > 0)
    swap = lengths > other_lengths
    content = np.concatenate([values, others])
    first = np.where(swap, other_starts + len(values), starts)
    second = np.where(swap, starts, other_starts + len(values))
    longer = np.maximum(lengths, other_lengths)
    short = open_pairs[shorter[open_pairs] <= _WORD]
    if short.size < 4:
        short = short[:0]
    order = short[np.argsort(-longer[short], kind="stable")]
    begin = 0
    while begin < order.size:
        width, height = int(shorter[order[begin:]].max()), int(longer[order[begin]])
        end = begin + max(1, _MOST_COMPARISONS // (width * height))
        pairs = order[begin:end]
        result[pairs] = _together(content, first[pairs], shorter[pairs], second[pairs], longer[pairs])
        begin = end
    for pair in np.setdiff1d(open_pairs, order, assume_unique=True).tolist():
        pattern = content[first[pair] : first[pair] + shorter[pair]].tolist()
        text = content[second[pair] : second[pair] + longer[pair]].tolist()
        result[pair] = _apart(pattern, text)
    return result


def _together(content: Any, first: Any, sizes: Any, second: Any, lengths: Any) -> Any:
    """Returns the distances of pairs, sorted by falling length of the second, whose first has at most 64 elements."""
    width = int(sizes.max())
    last = len(content) - 1
    columns = np.arange(width)
    patterns = content[np.minimum(first[:, None] + columns, last)]
    inside = columns < sizes[:, None]
    bits = np.where(inside, np.left_shift(np.uint64(1), columns.astype(np.uint64)), np.uint64(0))
    one = np.uint64(1)
    top = (sizes - 1).astype(np.uint64)
    positive = np.full(sizes.size, ~np.uint64(0))
    negative = np.zeros(sizes.size, np.uint64)
    score = sizes.copy()
    for step in range(int(lengths[0])):
        active = int(np.searchsorted(-lengths, -step))
        letters = content[second[:active] + step]
        equal = ((patterns[:active] == letters[:, None]) * bits[:active]).sum(1, dtype=np.uint64)
        up, down = positive[:active], negative[:active]
        cross = equal | down
        diagonal = (((equal & up) + up) ^ up) | equal
        grows = down | ~(diagonal | up)
        shrinks = up & diagonal
        score[:active] += ((grows >> top[:active]) & one).astype(np.int64)
        score[:active] -= ((shrinks >> top[:active]) & one).astype(np.int64)
        grows = (grows << one) | one
        shrinks = shrinks << one
        positive[:active] = shrinks | ~(cross | grows)
        negative[:active] = grows & cross
    return score


def _apart(pattern: list[int], text: list[int]) -> int:
    """Returns the distance of one pair of sequences of any length."""
    masks: dict[int, int] = {}
    for place, letter in enumerate(pattern):
        masks[letter] = masks.get(letter, 0) | 1 << place
    full = (1 << len(pattern)) - 1
    top = 1 << (len(pattern) - 1)
    up, down, score = full, 0, len(pattern)
    for letter in text:
        equal = masks.get(letter, 0)
        cross = equal | down
        diagonal = (((equal & up) + up) ^ up) | equal
        grows = down | (full & ~(diagonal | up))
        shrinks = up & diagonal
        if grows & top:
            score += 1
        elif shrinks & top:
            score -= 1
        grows = (grows << 1 | 1) & full
        shrinks = shrinks << 1 & full
        up = shrinks | (full & ~(cross | grows))
        down = grows & cross
    return score


@edit_distance_op.shape
def _edit_distance_shape(
    hypothesis_indices, hypothesis_values, hypothesis_shape, truth_indices, truth_values, truth_shape
):
    first = _static_sizes("hypothesis", hypothesis_indices, hypothesis_values, hypothesis_shape)
    second = _static_sizes("truth", truth_indices, truth_values, truth_shape)
    if first is None or second is None:
        return None
    if len(first) != len(second):
        raise ValueError(f"Num elements of hypothesis_shape does not match truth_shape: {len(first)} vs. {len(second)}")
    if len(first) < 2:
        raise ValueError(f"Input SparseTensors must have rank at least 2, but the rank is: {len(first)}")
    return tuple(max(pair) for pair in zip(first[:-1], second[:-1], strict=True))


def _static_sizes(described: str, indices: Any, values: Any, shape: Any) -> list[int] | None:
    """Returns the shape of a sparse tensor where it is known, and checks what is known of its components."""
    for part, rank in ((indices, 2), (values, 1), (shape.shape, 1)):
        if part is not None and len(part) != rank:
            raise ValueError(f"Shape must be rank {rank} but is rank {len(part)}, for the {described}")
    if indices is not None and values is not None:
        merge_dimensions(indices[0], values[0])
    if indices is not None and shape.shape is not None:
        merge_dimensions(indices[1], shape.shape[0])
    return None if shape.value is None else np.asarray(shape.value).tolist()


@edit_distance_op.samples
def _edit_distance_samples(s):
    def sparse(rows: Any, dtype: Any) -> tuple[Any, Any, Any]:
        indices = np.array([(row, place) for row, items in enumerate(rows) for place in range(len(items))], np.int64)
        widest = max(map(len, rows))
        shape = np.array([len(rows), max(widest, 1)], np.int64)
        numbers = np.array([item for items in rows for item in items], np.int64)
        letters = np.empty(numbers.size, object)
        letters[:] = [b"x" * number for number in numbers.tolist()]
        values = letters if dtype == "string" else numbers.astype(np.dtype(dtype))
        return indices.reshape(-1, 2), values, shape

    random = s.random
    rows = [[random.integers(0, 4, random.integers(0, 9)).tolist() for _ in range(12)] for _ in range(2)]
    for dtype in ("string", "int32", "float32", "int64", "uint8", "bool", "complex64"):
        yield s(*sparse(rows[0], dtype), *sparse(rows[1], dtype))
    yield s(*sparse(rows[0], "int32"), *sparse(rows[1], "int32"), normalize=False)
    long = [[random.integers(0, 3, size).tolist() for size in (90, 64, 200, 3, 65)] for _ in range(2)]
    long[1].reverse()
    yield s(*sparse(long[0], "int32"), *sparse(long[1], "int32"), normalize=False)
    yield s(*sparse([[1, 2, 3]], "int32"), *sparse([[1, 3], [2, 2]], "int32"))
    yield s(*sparse([[], []], "int32"), *sparse([[1], []], "int32"))
    yield s(*sparse([[1], []], "int32"), *sparse([[], []], "int32"))
    deep = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0]])
    yield s(deep, [1, 2, 3], np.array([2, 2, 2]), deep[:, [1, 0, 2]], [1, 2, 3], np.array([2, 2, 2]))
    nan = np.float32([np.nan, 0.0])
    pair = np.array([[0, 0], [0, 1]])
    yield s(pair, nan, np.array([1, 2]), pair, -nan, np.array([1, 2]))
    bad = {"error": "InvalidArgumentError"}
    yield s(pair, [1], np.array([1, 2]), pair, [1, 2], np.array([1, 2]), **bad)
    yield s(pair[:, :1], [1, 2], np.array([2]), pair[:, :1], [1, 2], np.array([2]), **bad)
    yield s(pair, [1, 2], np.array([0, 2]), pair, [1, 2], np.array([0, 2]), **bad)
    yield s(pair, [1, 2], np.array([-1, 2]), pair, [1, 2], np.array([1, 2]), **bad)
    yield s(pair + 1, [1, 2], np.array([1, 2]), pair, [1, 2], np.array([1, 2]), error="InternalError")
