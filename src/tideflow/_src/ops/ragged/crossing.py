"""Crosses features: every combination of one value of each, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import Constraint, at_least
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.ragged.partitions import check_encoded_splits, check_size, positions_of, splits_of
from tideflow._src.ops.strings.elements import array_of
from tideflow._src.ops.strings.hash_kernels import concatenated, fingerprint64
from tideflow._src.ops.strings.packed import Packed
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]

_VALUES = ("int64", "string")
_RANK = "tf.ragged.cross only supports inputs with rank=2."


class _Feature:
    """Is one feature: its values, and where those of each row start and how many they are."""

    def __init__(self, values: Array, starts: Array, lengths: Array) -> None:
        self.values, self.starts, self.lengths = values, starts, lengths


def _ragged(values: Array, splits: Array) -> _Feature:
    if values.ndim != 1 or splits.ndim != 1:
        raise invalid_argument(_RANK)
    check_encoded_splits(splits, values.shape[0])
    return _Feature(values, splits[:-1].astype(np.int64), np.diff(splits).astype(np.int64))


def _sparse(number: int, indices: Array, values: Array, shape: Array) -> _Feature:
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise invalid_argument(f"Invalid SparseTensor {number}")
    if shape.size != 2 or indices.shape[1] != 2:
        raise invalid_argument(_RANK)
    if indices.shape[0] != values.size:
        raise invalid_argument("sparse indices and values must have the same length")
    height = int(shape[0])
    if height < 0:
        raise invalid_argument(f"Invalid SparseTensor {number}: it has {height} rows")
    check_size((height,), "RaggedCross")
    # What is out of order counts to the row that is reached, and what is behind the last row to none, as in TensorFlow.
    reached = np.maximum.accumulate(indices[:, 0]) if values.size else indices[:, 0]
    starts = np.searchsorted(reached, np.arange(height + 1), side="left")
    return _Feature(values, starts[:-1], np.diff(starts))


def _dense(values: Array) -> _Feature:
    if values.ndim != 2:
        raise invalid_argument(_RANK)
    height, width = values.shape
    return _Feature(values.reshape(-1), np.arange(height) * width, np.full(height, width))


@op(
    "RaggedCross",
    "ragged_values: list(ragged_values_types), ragged_row_splits: list(ragged_splits_types), "
    "sparse_indices: Nsparse * int64, sparse_values: list(sparse_values_types), sparse_shape: Nsparse * int64, "
    "dense_inputs: list(dense_types) -> output_values: out_values_type, output_row_splits: out_row_splits_type",
    tier="host",
    Nsparse=at_least(0),
    num_buckets=at_least(0),
    ragged_values_types=Constraint(_VALUES, minimum=0),
    ragged_splits_types=Constraint(INDEX, minimum=0),
    sparse_values_types=Constraint(_VALUES, minimum=0),
    dense_types=Constraint(_VALUES, minimum=0),
    out_values_type=_VALUES,
    out_row_splits_type=INDEX,
    differentiable="missing",
)
def ragged_cross_op(
    ragged_values,
    ragged_row_splits,
    sparse_indices,
    sparse_values,
    sparse_shape,
    dense_inputs,
    *,
    input_order: str,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    out_values_type: DType,
    out_row_splits_type: DType,
):
    """Combines the values of features row by row, joined to strings or hashed to numbers."""
    if len(ragged_values) != len(ragged_row_splits):
        raise invalid_argument("ragged values and splits must have the same length")
    if len(sparse_values) != len(sparse_indices):
        raise invalid_argument("sparse indices and values must have the same length")
    kinds = {
        "R": [_ragged(*item) for item in zip(ragged_values, ragged_row_splits, strict=True)],
        "S": [
            _sparse(number, *item)
            for number, item in enumerate(zip(sparse_indices, sparse_values, sparse_shape, strict=True))
        ],
        "D": [_dense(item) for item in dense_inputs],
    }
    if len(input_order) != sum(map(len, kinds.values())):
        raise invalid_argument("Invalid length for input_order")
    if any(input_order.count(kind) != len(kinds[kind]) for kind in kinds):
        raise invalid_argument("Unexpected input_order value.")
    rest = {kind: iter(features) for kind, features in kinds.items()}
    features = [next(rest[kind]) for kind in input_order]
    kind = out_row_splits_type.as_numpy_dtype
    hashed = out_values_type is not dtypes.string
    if not features:
        return np.zeros(0, np.int64 if hashed else object), np.zeros(1, kind)
    if len({feature.lengths.size for feature in features}) > 1:
        raise invalid_argument("inputs must all have the same batch dimension size.")
    counts = np.ones(features[0].lengths.size, np.int64)
    for feature in features:
        if (counts.astype(np.float64) * feature.lengths > 2.0**62).any():
            raise invalid_argument("The number of combinations is too large.")
        counts = counts * feature.lengths
    splits = splits_of(counts)
    total = float(counts.sum(dtype=np.float64))
    if total > np.iinfo(kind).max:
        raise invalid_argument(f"The number of combinations, {total:.0f}, is larger than {kind.__name__} holds.")
    check_size((int(total),), "RaggedCross")
    chosen = _combinations(features, counts, splits)
    values = _hashes(chosen, hash_key, num_buckets) if hashed else _joined(chosen)
    return values, splits.astype(kind)


def _combinations(features: list[_Feature], counts: Array, splits: Array) -> list[Array]:
    """Returns for each feature its value in every combination; the last feature changes fastest."""
    numbers = positions_of(np.zeros_like(counts), counts, splits)
    result: list[Array] = []
    for feature in reversed(features):
        lengths = np.repeat(feature.lengths, counts)
        result.append(feature.values[np.repeat(feature.starts, counts) + numbers % lengths])
        numbers //= lengths
    return result[::-1]


def _joined(chosen: list[Array]) -> Array:
    columns = [
        values.tolist() if values.dtype == object else [b"%d" % value for value in values.tolist()] for values in chosen
    ]
    if len(columns) == 1:
        return array_of(columns[0], (len(columns[0]),))
    return array_of([b"_X_".join(items) for items in zip(*columns, strict=True)], (len(columns[0]),))


def _hashes(chosen: list[Array], key: int, buckets: int) -> Array:
    """Returns FarmHash's fingerprints of the combinations, concatenated by the mixer of MurmurHash."""
    total = np.full(chosen[0].size, np.int64(key).view(np.uint64) if key < 1 << 63 else np.uint64(key))
    for values in chosen:
        if values.dtype == object:
            parts = fingerprint64(Packed.of(values.tolist()))
        else:
            parts = values.view(np.uint64)
        total = concatenated(total, parts)
    return (total % np.uint64(buckets if buckets > 0 else np.iinfo(np.int64).max)).astype(np.int64)


@ragged_cross_op.shape
def _ragged_cross_shape(ragged_values, ragged_row_splits, sparse_indices, sparse_values, sparse_shape, dense_inputs):
    if len(ragged_values) != len(ragged_row_splits):
        raise ValueError("ragged values and splits must have the same length.")
    sizes = []
    for values in ragged_values:
        with_rank(values, 1)
    for splits in ragged_row_splits:
        sizes.append(with_rank(splits, 1)[0])
    for dense in dense_inputs:
        height = with_rank(dense, 2)[0]
        sizes.append(None if height is None else height + 1)
    known = {size for size in sizes if size is not None}
    if len(known) > 1:
        raise ValueError("inputs must all have the same batch dimension size.")
    return (None,), (known.pop() if known else None,)


@ragged_cross_op.samples
def _ragged_cross_samples(s):
    words, more = array_of([b"a", b"b", b"c"], (3,)), array_of([b"d", b"", b"fgh", b"g" * 40], (4,))
    numbers = np.int64([1, -2, 3])
    splits, others = np.int64([0, 1, 3]), np.int64([0, 2, 4])
    joined = {"hashed_output": False, "num_buckets": 0, "hash_key": 7, "out_values_type": "string"}
    hashed = {"hashed_output": True, "hash_key": 956888297470, "out_values_type": "int64"}
    long = {"out_row_splits_type": "int64"}
    yield s([words, more], [splits, others], [], [], [], [], input_order="RR", **joined, **long)
    yield s([words, numbers], [splits, splits], [], [], [], [], input_order="RR", **joined, **long)
    yield s([words], [splits], [], [], [], [s.integers(0, 9, (2, 2), "int64")], input_order="DR", **joined, **long)
    for buckets in (0, 10):
        yield s(
            [words, numbers], [splits, splits], [], [], [], [], input_order="RR", num_buckets=buckets, **hashed, **long
        )
    places = np.int64([[0, 0], [1, 0], [1, 2]])
    for output in (joined, {"num_buckets": 100, **hashed}):
        yield s([words], [splits], [places], [numbers], [np.int64([2, 3])], [], input_order="RS", **output, **long)
    yield s([words], [np.int64([0, 3, 3])], [], [], [], [], input_order="R", **joined, **long)
    yield s([], [], [], [], [], [], input_order="", **joined, **long)
    error = {"error": "InvalidArgumentError"}
    yield s([words], [splits], [], [], [], [], input_order="RR", **joined, **long, **error)
    yield s([words], [splits], [], [], [], [], input_order="X", **joined, **long, **error)
    yield s([words, more], [splits, splits], [], [], [], [], input_order="RR", **joined, **long, **error)
    yield s([words, more], [splits, np.int64([0, 4])], [], [], [], [], input_order="RR", **joined, **long, **error)
    yield s([words], [splits], [], [], [], [numbers], input_order="RD", **joined, **long, **error)
    yield s([words], [splits, splits], [], [], [], [], input_order="R", **joined, **long, **error)
