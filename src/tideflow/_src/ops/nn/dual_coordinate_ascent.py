"""Linear models that are trained by stochastic dual coordinate ascent (Shalev-Shwartz and Zhang, 2013)."""

from __future__ import annotations

import itertools
import zlib
from typing import Any, Literal, NamedTuple

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.nn.dual_losses import LOSSES, DualLoss
from tideflow._src.ops.strings.fingerprint128 import fingerprint128
from tideflow._src.runtime import rollback
from tideflow._src.runtime.buffers import locked
from tideflow._src.runtime.op import op

_SMALLEST = 2

Array = np.ndarray[Any, Any]


@op("SdcaFprint", "input: string -> output: int64", tier="host", differentiable="missing")
def sdca_fprint_op(input):
    """Computes fingerprints of 128 bits of the names of examples: two numbers each, the first of them not 0 or 1."""
    if input.ndim != 1:
        raise invalid_argument(f"Input must be a vector, got shape {list(input.shape)}")
    found = np.empty((input.size, 2), np.uint64)
    for row, item in zip(found, input, strict=True):
        low, high = fingerprint128(item)
        # Zero and one are what tables of examples mark places with.
        row[0] = low if low >= _SMALLEST else (low + 0xFFFFFFFFFFFFFFFE) & 0xFFFFFFFFFFFFFFFF
        row[1] = high
    return found.view(np.int64)


@sdca_fprint_op.shape
def _sdca_fprint_shape(input):
    if input is not None and len(input) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(input)}")
    return (None if input is None else input[0], 2)


@sdca_fprint_op.samples
def _sdca_fprint_samples(s):
    yield s(s.strings((9,)))
    yield s(np.array([bytes(range(length)) for length in range(0, 256, 5)], object))
    yield s(np.array([b"ab" * length for length in (63, 64, 65, 127, 128, 129, 200, 500)], object))
    yield s(np.zeros(0, object))
    yield s(s.strings((2, 2)), error="InvalidArgumentError")
    yield s(s.strings(()), error="InvalidArgumentError")


# One pass over a batch of examples.


class _Column(NamedTuple):
    """Is a feature column of one example: where its weights are, and its values.

    A sparse column computes in double precision, a dense one in single precision, as in TensorFlow.
    """

    places: Any
    values: Array


class _Model:
    """Holds the weights of all columns, and how much the pass changes them.

    Args:
      weights: the weights of each column, sparse ones first.
      l1: the strength of the absolute values' penalty.
      l2: that of the squares'.
      partitions: how many parts of the examples are trained at once.
    """

    def __init__(self, weights: list[Array], l1: float, l2: float, partitions: int) -> None:
        self._nominal = [item.reshape(-1) for item in weights]
        self._deltas = [np.zeros(item.shape, np.float32) for item in self._nominal]
        self._shapes = [item.shape for item in weights]
        self.l2 = np.float32(l2)
        self._shrinkage = np.float64(np.float32(l1) / self.l2)
        self.partitions = partitions

    @property
    def deltas(self) -> list[Array]:
        """The changes, in the shapes of the weights."""
        return [delta.reshape(shape) for delta, shape in zip(self._deltas, self._shapes, strict=True)]

    def predictions(self, example: list[_Column]) -> tuple[Any, Any]:
        """Returns what the weights give for an example, before the pass and now."""
        before = now = np.float64(0)
        for column, nominal, delta in zip(example, self._nominal, self._deltas, strict=True):
            old, new = (
                nominal[column.places],
                nominal[column.places] + delta[column.places] * np.float32(self.partitions),
            )
            kind = column.values.dtype
            before += (column.values * _shrunk(old.astype(kind), self._shrinkage)).sum(dtype=kind)
            now += (column.values * _shrunk(new.astype(kind), self._shrinkage)).sum(dtype=kind)
        return before, now

    def move(self, example: list[_Column], amount: Any) -> None:
        """Adds a multiple of an example's features to the changes."""
        for column, delta in zip(example, self._deltas, strict=True):
            delta[column.places] += (column.values * column.values.dtype.type(amount)).astype(np.float32)


def _shrunk(weights: Array, by: Any) -> Array:
    """Moves weights towards zero, but not beyond (the proximal step of an absolute value)."""
    rest = np.abs(weights) - weights.dtype.type(by)
    if weights.dtype == np.float64:
        return np.where(rest > 0, np.copysign(rest, weights), 0.0)
    return np.sign(weights) * np.maximum(rest, 0)  # passes on what is not a number, as TensorFlow does here


def _sparse_columns(rows: Array, features: Array, values: Array | None, known: Array, count: int) -> list[_Column]:
    """Splits a sparse column into those of the ``count`` examples; ``known`` are the features that have weights.

    As in TensorFlow, what comes after a number that is no example, or after an example that came before, is left out.
    """
    rows, features = rows.reshape(-1), features.reshape(-1)
    if rows.size != features.size:
        raise invalid_argument(
            f"Found mismatched example_indices and feature_indices [{_listed(rows)}] vs [{_listed(features)}]"
        )
    numbers = np.ones(rows.size) if values is None else values.reshape(-1).astype(np.float64)
    if numbers.size != rows.size:
        raise invalid_argument(
            f"Found mismatched feature_indices and feature_values: {rows.size} indices but {numbers.size} values"
        )
    wrong = (rows < 0) | (rows >= count)
    wrong[1:] |= np.diff(rows) < 0
    used = int(wrong.argmax()) if wrong.any() else rows.size
    rows, features, numbers = rows[:used], features[:used], numbers[:used]
    known = known.reshape(-1)
    order = np.argsort(known, kind="stable")
    found = np.searchsorted(known[order], features, side="right") - 1
    places = order[np.maximum(found, 0)] if known.size else np.zeros(used, np.int64)
    missing = np.ones(used, bool) if not known.size else (found < 0) | (known[places] != features)
    if missing.any():
        raise invalid_argument(f"Found sparse feature indices out of valid range: {features[missing.argmax()]}")
    if len(np.unique(np.stack([rows, places]), axis=1).T) != used:
        raise invalid_argument("Duplicate index in sparse vector.")
    ends = np.searchsorted(rows, np.arange(count + 1))
    return [_Column(places[a:b], numbers[a:b]) for a, b in itertools.pairwise(ends)]


def _listed(numbers: Array) -> str:
    return " ".join(map(str, numbers[:20].tolist()))


def _dense_columns(number: int, features: Array, weights: Array, count: int) -> list[_Column]:
    if features.ndim != 2:
        raise invalid_argument(f"Dense features at index {number} must be rank 2 but is rank {features.ndim}")
    if not 0 < features.shape[1] <= weights.size:
        raise invalid_argument(f"More dense features than we have parameters for: {features.shape[1]}")
    if features.shape != (count, weights.size):
        raise invalid_argument(
            f"Dense features at index {number} must have shape {[count, weights.size]} for {count} examples and "
            f"{weights.size} weights, but have {list(features.shape)}"
        )
    return [_Column(slice(None), row) for row in features]


def _random(state: Array) -> np.random.Generator:
    """Returns a source of numbers that depends on the examples' state alone.

    TensorFlow takes an order that nobody can repeat. This one differs from pass to pass, too, since the state does.
    """
    return np.random.Generator(np.random.Philox(key=zlib.crc32(state.tobytes())))


def _likely_order(chances: Array, random: np.random.Generator) -> Array:
    """Draws as many examples as there are, each the less likely the more often it was drawn (Csiba et al., 2015)."""
    count = len(chances)
    if not count or not np.isfinite(chances).all() or not chances.any():
        return random.permutation(count)
    drawn = random.choice(count, 2 * count, p=chances / chances.sum())
    luck = random.uniform(size=2 * count)
    times = np.zeros(count, np.int64)
    order: list[int] = []
    for example, chance in zip(drawn.tolist(), luck.tolist(), strict=True):
        if len(order) == count:
            break
        if chance <= 0.1 ** times[example]:
            times[example] += 1
            order.append(example)
    unseen = np.flatnonzero(times == 0)
    rest = unseen[np.argsort(-chances[unseen], kind="stable")]
    return np.array(order + rest.tolist()[: count - len(order)], np.int64)


def _pass(
    loss: DualLoss,
    model: _Model,
    examples: list[list[_Column]],
    weights: Array,
    labels: Array,
    state: Array,
    likely: bool,
) -> None:
    """Goes over the examples once, and changes the model and the state of each."""
    norms = np.array(
        [sum(float(np.square(column.values).sum()) for column in example) for example in examples], np.float64
    )
    l2 = np.float64(model.l2)
    if likely:
        kappa = np.zeros(len(examples))
        for number, example in enumerate(examples):
            slope = loss.slope(model.predictions(example)[1], loss.label(labels[number]))
            kappa[number] = np.abs(state[number, 0] + slope)
        order = _likely_order(weights * np.sqrt(norms + l2 * loss.smoothness) * kappa, _random(state))
    else:
        order = _random(state).permutation(len(examples))
    for number in order.tolist():
        example, weight, dual = examples[number], weights[number], np.float64(state[number, 0])
        label = loss.label(labels[number])
        before, now = model.predictions(example)
        best = np.float64(loss.best_dual(label, dual, now, model.partitions * weight * norms[number] / l2))
        model.move(example, (best - dual) * weight / l2)
        state[number] = (
            best,
            loss.primal(before, label) * weight,
            _weighted(loss.conjugate(dual, label), weight),
            weight,
        )


def _weighted(conjugate: Any, weight: Any) -> Any:
    """The weighted loss of the dual problem; where there is none, it stays the greatest number."""
    return conjugate if conjugate == np.finfo(np.float64).max else conjugate * weight


def _optimize(
    sparse_example_indices: list[Array],
    sparse_feature_indices: list[Array],
    sparse_feature_values: list[Array],
    dense_features: list[Array],
    example_weights: Array,
    example_labels: Array,
    sparse_indices: list[Array],
    sparse_weights: list[Array],
    dense_weights: list[Array],
    example_state_data: Array,
    *,
    loss_type: str,
    likely: bool,
    l1: float,
    l2: float,
    partitions: int,
) -> Any:
    if not sparse_indices and not dense_features:
        raise invalid_argument("Requires at least one feature to train.")
    if len(sparse_feature_values) > len(sparse_indices):
        raise invalid_argument(
            f"Expected at most {len(sparse_indices)} tensors in sparse_feature_values but got "
            f"{len(sparse_feature_values)}"
        )
    weights = example_weights.reshape(-1).astype(np.float64)
    labels = example_labels.reshape(-1).astype(np.float64)
    if labels.size != weights.size:
        raise invalid_argument(f"Expected {weights.size} example labels but got {labels.size}")
    columns = []
    for number, (rows, features, known) in enumerate(
        zip(sparse_example_indices, sparse_feature_indices, sparse_indices, strict=True)
    ):
        if known.size != sparse_weights[number].size:
            raise invalid_argument(
                f"sparse_indices and sparse_weights must have the same size, got {known.size} and "
                f"{sparse_weights[number].size}"
            )
        values = sparse_feature_values[number] if number < len(sparse_feature_values) else None
        columns.append(_sparse_columns(rows, features, values, known, weights.size))
    for number, (matrix, vector) in enumerate(zip(dense_features, dense_weights, strict=True)):
        columns.append(_dense_columns(number, matrix, vector, weights.size))
    if example_state_data.ndim != 2:
        raise invalid_argument(f"example_state_data must be rank 2 but is rank {example_state_data.ndim}")
    if example_state_data.shape != (weights.size, 4):
        raise invalid_argument(
            f"Expected shape [{weights.size},4] for example_state_data, got "
            f"[{','.join(map(str, example_state_data.shape))}]"
        )
    model = _Model([*sparse_weights, *dense_weights], l1, l2, partitions)
    state = np.array(example_state_data, np.float32)
    examples = [list(example) for example in zip(*columns, strict=True)]
    _pass(LOSSES[loss_type], model, examples, weights, labels, state, likely)
    deltas = model.deltas
    return state, deltas[: len(sparse_indices)], deltas[len(sparse_indices) :]


_OPTIMIZER = (
    "sparse_example_indices: num_sparse_features * int64, sparse_feature_indices: num_sparse_features * int64, "
    "sparse_feature_values: num_sparse_features_with_values * float, dense_features: num_dense_features * float, "
    "example_weights: float, example_labels: float, sparse_indices: num_sparse_features * int64, "
    "sparse_weights: num_sparse_features * float, dense_weights: num_dense_features * float, example_state_data: float "
    "-> out_example_state_data: float, out_delta_sparse_weights: num_sparse_features * float, "
    "out_delta_dense_weights: num_dense_features * float"
)
_COUNTS: dict[str, Any] = {
    "num_sparse_features": at_least(0),
    "num_sparse_features_with_values": at_least(0),
    "num_dense_features": at_least(0),
    "num_loss_partitions": at_least(1),
    "num_inner_iterations": at_least(1),
}


@op("SdcaOptimizer", _OPTIMIZER, tier="host", differentiable=False, **_COUNTS)
def sdca_optimizer_op(
    sparse_example_indices,
    sparse_feature_indices,
    sparse_feature_values,
    dense_features,
    example_weights,
    example_labels,
    sparse_indices,
    sparse_weights,
    dense_weights,
    example_state_data,
    *,
    loss_type: Literal["logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss"],
    adaptative: bool = False,
    l1: float,
    l2: float,
    num_loss_partitions: int,
    num_inner_iterations: int,
):
    """Goes once over examples and gives their new state, and what is to be added to the weights of a linear model."""
    return _optimize(
        sparse_example_indices,
        sparse_feature_indices,
        sparse_feature_values,
        dense_features,
        example_weights,
        example_labels,
        sparse_indices,
        sparse_weights,
        dense_weights,
        example_state_data,
        loss_type=loss_type,
        likely=adaptative,
        l1=l1,
        l2=l2,
        partitions=num_loss_partitions,
    )


@op("SdcaOptimizerV2", _OPTIMIZER, tier="host", differentiable=False, **_COUNTS)
def sdca_optimizer_v2_op(
    sparse_example_indices,
    sparse_feature_indices,
    sparse_feature_values,
    dense_features,
    example_weights,
    example_labels,
    sparse_indices,
    sparse_weights,
    dense_weights,
    example_state_data,
    *,
    loss_type: Literal["logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss"],
    adaptive: bool = False,
    l1: float,
    l2: float,
    num_loss_partitions: int,
    num_inner_iterations: int,
):
    """Goes once over examples and gives their new state, and what is to be added to the weights of a linear model."""
    return _optimize(
        sparse_example_indices,
        sparse_feature_indices,
        sparse_feature_values,
        dense_features,
        example_weights,
        example_labels,
        sparse_indices,
        sparse_weights,
        dense_weights,
        example_state_data,
        loss_type=loss_type,
        likely=adaptive,
        l1=l1,
        l2=l2,
        partitions=num_loss_partitions,
    )


def _optimizer_shape(
    sparse_example_indices: Any,
    sparse_feature_indices: Any,
    sparse_feature_values: Any,
    dense_features: Any,
    example_weights: Any,
    example_labels: Any,
    sparse_indices: Any,
    sparse_weights: Any,
    dense_weights: Any,
    example_state_data: Any,
) -> Any:
    return (None, 4), sparse_weights, dense_weights


def _optimizer_samples(s: Any) -> Any:
    # Examples without a feature in common, since TensorFlow takes them in an order of its own.
    rows, features = np.int64([0, 0, 1, 3]), np.int64([7, 5, 2, 11])
    known, weights = np.int64([11, 2, 5, 7, 3]), s.normal(5)
    state = np.float32([[0.25, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0, 0], [0.75, 0, 0, 0]])
    importance, labels = np.float32([1, 2, 0.5, 1]), np.float32([1, 0, 0, 1])
    signs = np.float32([1, -1, -1, 1])[:, None]
    single = s.normal(1, 3), np.float32([0.5]), np.float32([1])
    more: dict[str, Any] = {"l1": 0.01, "l2": 0.5, "num_loss_partitions": 1, "num_inner_iterations": 1}
    apart: Any = [rows], [features], [s.normal(4)], [], importance, labels, [known], [weights], []
    for loss_type in LOSSES:
        # The dual variable of a binary label lies between zero and the label.
        own = state if loss_type in ("squared_loss", "poisson_loss") else state * signs
        yield s(*apart, own, loss_type=loss_type, **more)
        yield s(*apart[:2], [], *apart[3:], own, loss_type=loss_type, **{**more, "num_loss_partitions": 3, "l1": 0.0})
        yield s([], [], [], [single[0]], *single[1:], [], [], [s.normal(3)], own[:1], loss_type=loss_type, **more)
    yield s(*apart[:4], importance, labels + 2, *apart[6:], state, loss_type="poisson_loss", **more)
    both = [rows[:2]], [features[:2]], [s.normal(2)], [single[0]], *single[1:], [known], [weights], [s.normal(3)]
    yield s(*both, state[:1], loss_type="squared_loss", **more)
    yield s(*both, state, loss_type="squared_loss", error="InvalidArgumentError", **more)
    yield s(*both, state[0], loss_type="squared_loss", error="InvalidArgumentError", **more)
    wrong = "InvalidArgumentError"
    yield s(*apart[:5], labels + 2, *apart[6:], state, loss_type="hinge_loss", error=wrong, **more)
    yield s(*apart[:5], labels - 2, *apart[6:], state, loss_type="poisson_loss", error=wrong, **more)
    yield s(*apart[:5], labels[:2], *apart[6:], state, loss_type="squared_loss", error=wrong, **more)
    yield s([rows], [features + 1], *apart[2:], state, loss_type="squared_loss", error=wrong, **more)
    yield s([rows], [features * 0 + 7], *apart[2:], state, loss_type="squared_loss", error=wrong, **more)
    yield s([rows[:2]], *apart[1:], state, loss_type="squared_loss", error=wrong, **more)
    yield s([], [], [], [], *single[1:], [], [], [], state[:1], loss_type="squared_loss", error=wrong, **more)
    wide: Any = [s.normal(1, 4)], *single[1:], [], [], [s.normal(3)], state[:1]
    yield s([], [], [], *wide, loss_type="squared_loss", error=wrong, **more)
    flat: Any = [s.normal(3)], *single[1:], [], [], [s.normal(3)], state[:1]
    yield s([], [], [], *flat, loss_type="squared_loss", error=wrong, **more)


for _optimizer in (sdca_optimizer_op, sdca_optimizer_v2_op):
    _optimizer.shape(_optimizer_shape)
    _optimizer.samples(_optimizer_samples)


@op(
    "SdcaShrinkL1",
    "weights: num_features * Ref(float) ->",
    tier="host",
    differentiable=False,
    updates=("weights",),
    num_features=at_least(0),
)
def sdca_shrink_l1_op(weights, *, l1: float, l2: float):
    """Moves the weights of a linear model towards zero by ``l1 / l2``, but not beyond."""
    by = np.float64(np.float32(l1) / np.float32(l2))
    with locked(set(weights)):
        for buffer in weights:
            rollback.replace(buffer, _shrunk(buffer.peek(), by))


@sdca_shrink_l1_op.samples
def _sdca_shrink_l1_samples(s):
    yield s([s.reference(s.normal(3, 2)), s.reference(s.normal(4))], l1=0.25, l2=0.5)
    yield s([s.reference(np.float32([-0.0, 0.5, -0.5, 0.75, -3]))], l1=0.5, l2=1.0)
    yield s([s.reference(s.normal(4))], l1=0.0, l2=2.0)
