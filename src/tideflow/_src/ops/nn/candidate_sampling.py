"""Candidate samplers: a few classes to contrast the true ones with, where there are too many to look at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.files.file_system import read
from tideflow._src.ops.nn import candidate_kernels as kernels
from tideflow._src.ops.random.seeds import operation_seeds
from tideflow._src.runtime.op import op

__all__ = [
    "all_candidate_sampler",
    "compute_accidental_hits",
    "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler",
    "uniform_candidate_sampler",
]

_LOWEST = np.finfo(np.float32).min
_SIGNATURE = (
    "true_classes: int64 -> sampled_candidates: int64, true_expected_count: float32, sampled_expected_count: float32"
)
_WORDS_PER_SAMPLE = 2048


def _blocks(true_classes: Any, *, num_sampled: int, **attributes: Any) -> int:
    return _WORDS_PER_SAMPLE // 4 * num_sampled


def _remembered(generator: Any, make: Callable[[], Any]) -> tuple[Any, kernels.CallsAhead]:
    """Returns the sampler that this stream keeps, made at the first call, and what draws ahead for it."""
    state = generator.state
    if state.memory is None:
        state.memory = make(), kernels.CallsAhead()
    return state.memory


def _check(true_classes: NDArray[np.int64], num_true: int, num_sampled: int, unique: bool, range_max: int) -> None:
    problem = ""
    if true_classes.ndim != 2:
        problem = f"true_classes must be a matrix, got shape {list(true_classes.shape)}"
    elif true_classes.shape[1] != num_true:
        problem = f"true_classes must have num_true columns, expected: {true_classes.shape[1]} was: {num_true}"
    elif unique and num_sampled > range_max:
        problem = f"Sampler's range is too small: {num_sampled} different classes are wanted of {range_max}."
    elif true_classes.size:
        if true_classes.min() < 0 or true_classes.max() >= range_max:
            outside = (true_classes < 0) | (true_classes >= range_max)
            problem = f"`true_candidate` out of range [0, {range_max}), received {true_classes[outside][0]}"
    if problem:
        raise InvalidArgumentError(None, None, problem)


def _sampled(
    remembered: tuple[Any, kernels.CallsAhead],
    generator: Any,
    true_classes: NDArray[np.int64],
    num_true: int,
    num_sampled: int,
    unique: bool,
) -> tuple[Any, Any, Any]:
    """Draws classes with one of the samplers of :mod:`.candidate_kernels`."""
    sampler, ahead = remembered
    _check(true_classes, num_true, num_sampled, unique, sampler.range_max)
    blocks = -(-2 * kernels.draws_of(num_sampled, unique) // 4)  # two words for a class
    step = _blocks(true_classes, num_sampled=num_sampled)
    words = ahead.words(generator.key, generator.counter, blocks, step)
    classes, expected = kernels.sample(sampler, words, num_sampled, unique)
    counts = expected(np.concatenate([true_classes.reshape(-1), classes]))
    return classes, counts[: true_classes.size].reshape(true_classes.shape), counts[true_classes.size :]


def _shape(true_classes, *, num_sampled, num_true):
    if true_classes is not None and len(true_classes) != 2:
        raise ValueError(f"Shape must be rank 2 but is rank {len(true_classes)}")
    return (num_sampled,), (None if true_classes is None else true_classes[0], num_true), (num_sampled,)


def _define(name: str, sampler: Callable[[int], Any], text: str) -> Any:
    """Defines a sampler whose distribution follows from the number of classes."""

    @op(
        name,
        _SIGNATURE,
        tier="host",
        random=_blocks,
        differentiable="missing",
        num_true=at_least(1),
        num_sampled=at_least(1),
        range_max=at_least(1),
    )
    def candidate_sampler(
        true_classes,
        *,
        num_true: int,
        num_sampled: int,
        unique: bool,
        range_max: int,
        seed: int = 0,
        seed2: int = 0,
        generator,
    ):
        remembered = _remembered(generator, lambda: sampler(range_max))
        result = _sampled(remembered, generator, true_classes, num_true, num_sampled, unique)
        if isinstance(remembered[0], kernels.LearnedUnigram):
            remembered[0].learn(true_classes)
        return result

    candidate_sampler.kernel.__doc__ = text
    candidate_sampler.shape(_shape)
    candidate_sampler.samples(_sampler_samples)
    return candidate_sampler


def _classes(*rows: list[int]) -> NDArray[np.int64]:
    return np.array(rows, np.int64)


def _sampler_samples(s: Any) -> Any:
    """With and without replacement, every class, powers of two, no rows; and what does not fit."""
    few = {"num_true": 1, "range_max": 10, "seed": 3}
    yield s(_classes([5], [0]), num_sampled=4, unique=True, seed2=4, num_true=1, range_max=10, seed=3)
    yield s(_classes([5], [0], [9]), num_sampled=6, unique=False, **few)
    yield s(_classes([5]), num_sampled=10, unique=True, **few)
    yield s(_classes([1, 2], [63, 0]), num_sampled=12, unique=True, num_true=2, range_max=64, seed2=7)
    yield s(_classes([700]), num_sampled=300, unique=True, num_true=1, range_max=1000, seed=1)
    yield s(np.zeros((0, 1), np.int64), num_sampled=2, unique=True, **few)
    yield s(_classes([0]), num_sampled=2, unique=False, num_true=1, range_max=1, seed=3)
    error = {"error": "InvalidArgumentError", "unique": True, **few}
    yield s(_classes([0]), num_sampled=11, **error)
    yield s(_classes([10]), num_sampled=2, **error)
    yield s(_classes([-1]), num_sampled=2, **error)
    yield s(_classes([1, 2]), num_sampled=2, **error)
    yield s(_classes([1])[0], num_sampled=2, **error)


uniform_candidate_sampler_op = _define(
    "UniformCandidateSampler", kernels.Uniform, "Samples classes from the uniform distribution."
)
log_uniform_candidate_sampler_op = _define(
    "LogUniformCandidateSampler", kernels.LogUniform, "Samples classes from a log-uniform distribution: of Zipf's kind."
)
learned_unigram_candidate_sampler_op = _define(
    "LearnedUnigramCandidateSampler",
    kernels.LearnedUnigram,
    "Samples classes from a distribution that is learned from the true classes of earlier calls.",
)
thread_unsafe_unigram_candidate_sampler_op = _define(
    "ThreadUnsafeUnigramCandidateSampler",
    kernels.LearnedUnigram,
    "Samples classes from a distribution that is learned from the true classes of earlier calls, of one thread.",
)


@op(
    "FixedUnigramCandidateSampler",
    _SIGNATURE,
    tier="host",
    random=_blocks,
    differentiable="missing",
    num_true=at_least(1),
    num_sampled=at_least(1),
    range_max=at_least(1),
    num_shards=at_least(1, default=1),
    shard=at_least(0, default=0),
)
def fixed_unigram_candidate_sampler_op(
    true_classes,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: list[float] = [],  # noqa: B006
    seed: int = 0,
    seed2: int = 0,
    generator,
):
    """Samples classes in proportion to their counts, which are given or read from a file of the vocabulary."""

    def make() -> kernels.FixedUnigram:
        if bool(vocab_file) == bool(unigrams):
            raise InvalidArgumentError(
                None,
                None,
                "Must only provide one of vocab_file and unigrams."
                if unigrams
                else "Must provide either vocab_file or unigrams.",
            )
        weights = _read_weights(vocab_file) if vocab_file else list(unigrams)
        return kernels.fixed_unigram(
            weights,
            range_max=range_max,
            distortion=distortion,
            num_reserved_ids=num_reserved_ids,
            num_shards=num_shards,
            shard=shard,
        )

    return _sampled(_remembered(generator, make), generator, true_classes, num_true, num_sampled, unique)


fixed_unigram_candidate_sampler_op.shape(_shape)


def _read_weights(path: Any) -> list[float]:
    return kernels.vocabulary_weights(read(path).decode("utf-8", "replace"))


@fixed_unigram_candidate_sampler_op.samples
def _fixed_unigram_samples(s):
    counts = [float(count) for count in range(1, 11)]
    ten = {"num_true": 1, "range_max": 10, "seed": 3, "unigrams": counts}
    yield s(_classes([5], [0]), num_sampled=4, unique=True, **ten)
    yield s(_classes([5]), num_sampled=9, unique=False, distortion=0.75, **ten)
    yield s(_classes([5]), num_sampled=5, unique=False, num_true=1, range_max=4, seed2=1, unigrams=counts[:2],
            num_reserved_ids=2, error="InvalidArgumentError")  # fmt: skip
    yield s(_classes([1, 3]), num_sampled=7, unique=False, num_true=2, range_max=4, seed2=1, unigrams=counts[:2],
            num_reserved_ids=2)  # fmt: skip
    yield s(_classes([1]), num_sampled=2, unique=True, num_true=1, range_max=5, seed=1, unigrams=counts, num_shards=2,
            shard=1)  # fmt: skip
    zipf = [1.0 / (index + 1) for index in range(777)]
    yield s(_classes([776]), num_sampled=200, unique=True, num_true=1, range_max=777, seed=5, unigrams=zipf)
    error = {"error": "InvalidArgumentError", "num_sampled": 2, "unique": True}
    yield s(_classes([0]), num_true=1, range_max=10, seed=3, **error)
    yield s(_classes([0]), num_true=1, range_max=9, seed=3, unigrams=counts, **error)
    yield s(_classes([0]), vocab_file="vocabulary", **ten, **error)
    yield s(_classes([10]), **ten, **error)


def _all_blocks(true_classes: Any, **attributes: Any) -> int:
    return 0


@op(
    "AllCandidateSampler",
    _SIGNATURE,
    tier="host",
    random=_all_blocks,
    differentiable="missing",
    num_true=at_least(1),
    num_sampled=at_least(1),
)
def all_candidate_sampler_op(
    true_classes, *, num_true: int, num_sampled: int, unique: bool, seed: int = 0, seed2: int = 0, generator
):
    """Gives every class, each expected once."""
    _check(true_classes, num_true, num_sampled, unique, num_sampled)
    return (
        np.arange(num_sampled, dtype=np.int64),
        np.ones(true_classes.shape, np.float32),
        np.ones(num_sampled, np.float32),
    )


all_candidate_sampler_op.shape(_shape)


@all_candidate_sampler_op.samples
def _all_candidate_samples(s):
    yield s(_classes([1, 3], [0, 0]), num_true=2, num_sampled=5, unique=True, seed=1)
    yield s(_classes([1]), num_true=1, num_sampled=5, unique=False, seed=1)
    yield s(_classes([5]), num_true=1, num_sampled=5, unique=True, seed=1, error="InvalidArgumentError")
    yield s(_classes([1]), num_true=2, num_sampled=5, unique=True, seed=1, error="InvalidArgumentError")


@op(
    "ComputeAccidentalHits",
    "true_classes: int64, sampled_candidates: int64 -> indices: int32, ids: int64, weights: float32",
    tier="host",
    differentiable="missing",
)
def compute_accidental_hits_op(true_classes, sampled_candidates, *, num_true: int, seed: int = 0, seed2: int = 0):
    """Finds sampled classes that are true ones: rows of ``true_classes``, positions, and float32's lowest number."""
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        raise InvalidArgumentError(
            None,
            None,
            f"true_candidates must be a batch_size * num_true matrix, got shape {list(true_classes.shape)} with "
            f"num_true {num_true}",
        )
    if sampled_candidates.ndim != 1:
        raise InvalidArgumentError(
            None,
            None,
            "sampled_candidates must be a vector, which is typically an output from CandidateSampler, got shape "
            f"{list(sampled_candidates.shape)}",
        )
    if not sampled_candidates.size:
        return np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32)
    # Of a class that was sampled twice, the last place counts: in the reversed order, the first.
    values, places = np.unique(sampled_candidates[::-1], return_index=True)
    found = np.minimum(np.searchsorted(values, true_classes), values.size - 1)
    rows, columns = np.nonzero(values[found] == true_classes)
    ids = sampled_candidates.size - 1 - places[found[rows, columns]]
    return rows.astype(np.int32), ids.astype(np.int64), np.full(rows.size, _LOWEST)


@compute_accidental_hits_op.shape
def _compute_accidental_hits_shape(true_classes, sampled_candidates, *, num_true):
    if true_classes is not None:
        if len(true_classes) != 2:
            raise ValueError(f"Shape must be rank 2 but is rank {len(true_classes)}")
        if true_classes[1] is not None and true_classes[1] != num_true:
            raise ValueError(f"Dimension must be {num_true} but is {true_classes[1]}")
    if sampled_candidates is not None and len(sampled_candidates) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(sampled_candidates)}")
    return (None,), (None,), (None,)


@compute_accidental_hits_op.samples
def _compute_accidental_hits_samples(s):
    sampled = np.array([2, 2, 1, 7], np.int64)
    yield s(_classes([1, 2], [5, 2], [5, 6]), sampled, num_true=2, seed=3)
    yield s(_classes([9], [-1]), sampled, num_true=1)
    yield s(np.zeros((0, 2), np.int64), sampled, num_true=2)
    yield s(_classes([1, 2]), sampled[:0], num_true=2)
    yield s(_classes([1, 2]), sampled, num_true=3, error="InvalidArgumentError")
    yield s(_classes([1, 2])[0], sampled, num_true=2, error="InvalidArgumentError")
    yield s(_classes([1, 2]), sampled[None], num_true=2, error="InvalidArgumentError")


# The public functions.


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Samples classes from the uniform distribution.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      num_true: how many true classes each example has.
      num_sampled: how many classes to sample.
      unique: whether all of them must differ.
      range_max: the number of classes.
      seed: the seed of this call, an integer.
      name: the node's name; ``UniformCandidateSampler`` by default.

    Returns:
      The sampled classes, and how often each true class and each sampled class is expected among them.

    Raises:
      InvalidArgumentError: a true class is none, or ``unique`` classes are more than there are.
    """
    return _draw(uniform_candidate_sampler_op, true_classes, num_true, num_sampled, unique, seed, name, range_max)


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Samples classes from a log-uniform distribution, which fits classes that are sorted by falling frequency.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      num_true: how many true classes each example has.
      num_sampled: how many classes to sample.
      unique: whether all of them must differ.
      range_max: the number of classes.
      seed: the seed of this call, an integer.
      name: the node's name; ``LogUniformCandidateSampler`` by default.

    Returns:
      The sampled classes, and how often each true class and each sampled class is expected among them.

    Raises:
      InvalidArgumentError: a true class is none, or ``unique`` classes are more than there are.
    """
    return _draw(log_uniform_candidate_sampler_op, true_classes, num_true, num_sampled, unique, seed, name, range_max)


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Samples classes from the distribution of the true classes of all calls so far.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      num_true: how many true classes each example has.
      num_sampled: how many classes to sample.
      unique: whether all of them must differ.
      range_max: the number of classes.
      seed: the seed of this call, an integer.
      name: the node's name; ``LearnedUnigramCandidateSampler`` by default.

    Returns:
      The sampled classes, and how often each true class and each sampled class is expected among them.

    Raises:
      InvalidArgumentError: a true class is none, or ``unique`` classes are more than there are.
    """
    operation = learned_unigram_candidate_sampler_op
    return _draw(operation, true_classes, num_true, num_sampled, unique, seed, name, range_max)


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Any = (),
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Samples classes in proportion to given counts.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      num_true: how many true classes each example has.
      num_sampled: how many classes to sample.
      unique: whether all of them must differ.
      range_max: the number of classes.
      vocab_file: a file with a line for each class, whose last field, after a comma, is the count.
      distortion: the power that counts are raised to: 1 keeps them, 0 makes the distribution uniform.
      num_reserved_ids: how many classes, of count 0, come before those of ``vocab_file`` or ``unigrams``.
      num_shards: of how many parts of the classes this is one.
      shard: the number of the part.
      unigrams: the counts, a list of floats; either these or ``vocab_file``.
      seed: the seed of this call, an integer.
      name: the node's name; ``FixedUnigramCandidateSampler`` by default.

    Returns:
      The sampled classes, and how often each true class and each sampled class is expected among them.

    Raises:
      InvalidArgumentError: the counts do not fit ``range_max``, or a true class is none.
    """
    return fixed_unigram_candidate_sampler_op(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=list(unigrams),
        name=name,
        **operation_seeds(seed),
    )


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: Any = None, name: str | None = None
) -> Any:
    """Gives all ``num_sampled`` classes: what the other samplers can be tested against.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      num_true: how many true classes each example has.
      num_sampled: how many classes there are.
      unique: changes nothing.
      seed: changes nothing.
      name: the node's name; ``AllCandidateSampler`` by default.

    Returns:
      The classes in order, and 1 as the expected count of each true and each sampled class.
    """
    return _draw(all_candidate_sampler_op, true_classes, num_true, num_sampled, unique, seed, name)


def _draw(
    operation: Any,
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: Any,
    name: str | None,
    range_max: int | None = None,
) -> Any:
    attributes = {} if range_max is None else {"range_max": range_max}
    return operation(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        name=name,
        **attributes,
        **operation_seeds(seed),
    )


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: Any = None, name: str | None = None
) -> Any:
    """Finds the sampled classes that are true classes of an example.

    Args:
      true_classes: the true classes, int64 of shape ``[batch_size, num_true]``.
      sampled_candidates: the sampled classes, an int64 vector.
      num_true: how many true classes each example has.
      seed: accepted for TensorFlow's signature.
      name: the node's name; ``ComputeAccidentalHits`` by default.

    Returns:
      Three vectors with an element for each hit: the example, the position in ``sampled_candidates``, and the lowest
      number of float32, to be added to the logit of that class.
    """
    return compute_accidental_hits_op(
        true_classes, sampled_candidates, num_true=num_true, name=name, **operation_seeds(seed)
    )
