"""``ParseSequenceExample`` and its kin: serialized ``SequenceExample`` messages as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Constraint, Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.parsing import assembly, batch, sequences
from tideflow._src.ops.parsing.example_ops import (
    as_bytes,
    bytes_of,
    check_count,
    check_defaults,
    dense_features,
    feature_types,
    fill_sample_feature,
    sample_strings,
    scalars,
    sparse_shapes_of,
)
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.op import op

_SHAPES = Constraint(None, [], 0, "list(shape)")
_SPLITS = Constraint(("int32", "int64"), [], 0, "list(type)")
_COUNT = at_least(0, default=0)


def _read(
    serialized: Any, names: Any, rank: Sequence[int], context: Sequence[bytes], lists: Sequence[bytes]
) -> sequences.Sequences:
    if np.ndim(serialized) not in rank:
        expected = " or ".join(("a scalar", "a vector")[item] for item in rank)
        raise InvalidArgumentError(
            None, None, f"Expected serialized to be {expected}, got shape: {shape_text(np.shape(serialized))}"
        )
    if np.size(names) and np.shape(names) != np.shape(serialized):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected names have the same shape as serialized: name.shape={shape_text(np.shape(names))}, "
            f"serialized.shape={shape_text(np.shape(serialized))}",
        )
    called = [name for name in bytes_of(names) if name or np.size(names) > 1]
    blob = batch.join(bytes_of(serialized))
    return sequences.read(blob, called, not np.ndim(serialized), context, lists)


def _columns(parts: Sequence[Sequence[Any]], count: int) -> tuple[list[Any], ...]:
    """Turns a list of tuples into a tuple of lists."""
    return tuple([part[number] for part in parts] for number in range(count))


def _context(
    found: sequences.Sequences,
    sparse: Sequence[bytes],
    sparse_types: Sequence[DType],
    dense: Sequence[bytes],
    defaults: Sequence[Any],
    shapes: Sequence[Any],
) -> tuple[list[Any], ...]:
    parts = [assembly.sparse(found.context, key, dtype) for key, dtype in zip(sparse, sparse_types, strict=True)]
    values = [
        assembly.dense(found.context, key, dtype, shape, default)
        for key, dtype, shape, default in dense_features(dense, defaults, shapes)
    ]
    return (*_columns(parts, 3), values)


def _lists(
    found: sequences.Sequences,
    sparse: Sequence[bytes],
    sparse_types: Sequence[DType],
    dense: Sequence[tuple[bytes, DType, Any, bool]],
) -> tuple[list[Any], ...]:
    parts = [sequences.sparse(found, key, dtype) for key, dtype in zip(sparse, sparse_types, strict=True)]
    values = [sequences.dense(found, *feature) for feature in dense]
    return (*_columns(parts, 3), *_columns(values, 2))


@op(
    "ParseSequenceExample",
    "serialized: string, debug_name: string, context_dense_defaults: list(Tcontext_dense) -> "
    "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: list(context_sparse_types), "
    "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: list(Tcontext_dense), "
    "feature_list_sparse_indices: Nfeature_list_sparse * int64, "
    "feature_list_sparse_values: list(feature_list_sparse_types), "
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
    "feature_list_dense_values: list(feature_list_dense_types), "
    "feature_list_dense_lengths: Nfeature_list_dense * int64",
    tier="host",
    differentiable="missing",
    feature_list_dense_missing_assumed_empty=at_least(0),
    context_sparse_keys=at_least(0),
    context_dense_keys=at_least(0),
    feature_list_sparse_keys=at_least(0),
    feature_list_dense_keys=at_least(0),
    Ncontext_sparse=_COUNT,
    Ncontext_dense=at_least(0, default=0, type="int"),
    Nfeature_list_sparse=_COUNT,
    Nfeature_list_dense=_COUNT,
    context_sparse_types=feature_types(optional=True),
    Tcontext_dense=feature_types(optional=True),
    feature_list_dense_types=feature_types(optional=True),
    context_dense_shapes=_SHAPES,
    feature_list_sparse_types=feature_types(optional=True),
    feature_list_dense_shapes=_SHAPES,
)
def parse_sequence_example_op(
    serialized,
    debug_name,
    context_dense_defaults,
    *,
    feature_list_dense_missing_assumed_empty: list[str],
    context_sparse_keys: list[str],
    context_dense_keys: list[str],
    feature_list_sparse_keys: list[str],
    feature_list_dense_keys: list[str],
    Ncontext_sparse: int = 0,
    Ncontext_dense: int = 0,
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    context_sparse_types: list[DType],
    feature_list_dense_types: list[DType],
    context_dense_shapes: list[Shape],
    feature_list_sparse_types: list[DType],
    feature_list_dense_shapes: list[Shape],
):
    """Turns a vector of serialized sequence examples into tensors."""
    sparse, dense = as_bytes(context_sparse_keys), as_bytes(context_dense_keys)
    list_sparse, list_dense = as_bytes(feature_list_sparse_keys), as_bytes(feature_list_dense_keys)
    empty = set(as_bytes(feature_list_dense_missing_assumed_empty))
    check_count("context sparse keys", Ncontext_sparse, len(sparse))
    check_count("context dense keys", Ncontext_dense, len(dense))
    check_count("context sparse types", len(sparse), len(context_sparse_types))
    check_count("feature list sparse keys", Nfeature_list_sparse, len(list_sparse))
    check_count("feature list sparse types", len(list_sparse), len(feature_list_sparse_types))
    check_count("feature list dense keys", Nfeature_list_dense, len(list_dense))
    check_count("feature list dense types", len(list_dense), len(feature_list_dense_types))
    check_count("feature list dense shapes", len(list_dense), len(feature_list_dense_shapes))
    check_defaults(context_dense_defaults, dense, context_dense_shapes)
    found = _read(serialized, debug_name, (1,), [*sparse, *dense], [*list_sparse, *list_dense])
    missing = [key in empty for key in list_dense]
    return (
        *_context(found, sparse, context_sparse_types, dense, context_dense_defaults, context_dense_shapes),
        *_lists(
            found,
            list_sparse,
            feature_list_sparse_types,
            list(zip(list_dense, feature_list_dense_types, feature_list_dense_shapes, missing, strict=True)),
        ),
    )


def _joined(*parts: Any) -> Any:
    """Returns parts of a shape joined; None if one is unknown."""
    return None if any(part is None for part in parts) else tuple(size for part in parts for size in part)


@parse_sequence_example_op.shape
def _parse_sequence_example_shape(
    serialized,
    debug_name,
    context_dense_defaults,
    *,
    Ncontext_sparse,
    Nfeature_list_sparse,
    Nfeature_list_dense,
    context_dense_shapes,
    feature_list_dense_shapes,
):
    with_rank(serialized, 1)
    outer = (None,) if serialized is None else serialized
    return (
        *sparse_shapes_of(Ncontext_sparse, 2),
        [_joined(outer, shape) for shape in context_dense_shapes],
        *sparse_shapes_of(Nfeature_list_sparse, 3),
        [_joined(outer, (None,), shape) for shape in feature_list_dense_shapes],
        [outer] * Nfeature_list_dense,
    )


@op(
    "ParseSequenceExampleV2",
    "serialized: string, debug_name: string, context_sparse_keys: string, context_dense_keys: string, "
    "context_ragged_keys: string, feature_list_sparse_keys: string, feature_list_dense_keys: string, "
    "feature_list_ragged_keys: string, feature_list_dense_missing_assumed_empty: bool, "
    "context_dense_defaults: list(Tcontext_dense) -> context_sparse_indices: Ncontext_sparse * int64, "
    "context_sparse_values: list(context_sparse_types), context_sparse_shapes: Ncontext_sparse * int64, "
    "context_dense_values: list(Tcontext_dense), context_ragged_values: list(context_ragged_value_types), "
    "context_ragged_row_splits: list(context_ragged_split_types), "
    "feature_list_sparse_indices: Nfeature_list_sparse * int64, "
    "feature_list_sparse_values: list(feature_list_sparse_types), "
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
    "feature_list_dense_values: list(feature_list_dense_types), "
    "feature_list_dense_lengths: Nfeature_list_dense * int64, "
    "feature_list_ragged_values: list(feature_list_ragged_value_types), "
    "feature_list_ragged_outer_splits: list(feature_list_ragged_split_types), "
    "feature_list_ragged_inner_splits: list(feature_list_ragged_split_types)",
    tier="host",
    differentiable="missing",
    Ncontext_sparse=_COUNT,
    Tcontext_dense=feature_types(optional=True),
    context_sparse_types=feature_types(optional=True),
    context_ragged_value_types=feature_types(optional=True),
    context_ragged_split_types=_SPLITS,
    context_dense_shapes=_SHAPES,
    Nfeature_list_sparse=_COUNT,
    Nfeature_list_dense=_COUNT,
    feature_list_dense_types=feature_types(optional=True),
    feature_list_sparse_types=feature_types(optional=True),
    feature_list_ragged_value_types=feature_types(optional=True),
    feature_list_ragged_split_types=_SPLITS,
    feature_list_dense_shapes=_SHAPES,
)
def parse_sequence_example_v2_op(
    serialized,
    debug_name,
    context_sparse_keys,
    context_dense_keys,
    context_ragged_keys,
    feature_list_sparse_keys,
    feature_list_dense_keys,
    feature_list_ragged_keys,
    feature_list_dense_missing_assumed_empty,
    context_dense_defaults,
    *,
    Ncontext_sparse: int = 0,
    context_sparse_types: list[DType],
    context_ragged_value_types: list[DType],
    context_ragged_split_types: list[DType],
    context_dense_shapes: list[Shape],
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    feature_list_dense_types: list[DType],
    feature_list_sparse_types: list[DType],
    feature_list_ragged_value_types: list[DType],
    feature_list_ragged_split_types: list[DType],
    feature_list_dense_shapes: list[Shape],
):
    """Turns one serialized sequence example, or a vector of them, into tensors."""
    sparse, dense, ragged = map(bytes_of, (context_sparse_keys, context_dense_keys, context_ragged_keys))
    list_sparse, list_dense, list_ragged = map(
        bytes_of, (feature_list_sparse_keys, feature_list_dense_keys, feature_list_ragged_keys)
    )
    check_count("context sparse keys", Ncontext_sparse, len(sparse))
    check_count("context sparse types", len(sparse), len(context_sparse_types))
    check_count("context ragged value types", len(ragged), len(context_ragged_value_types))
    check_count("context ragged split types", len(ragged), len(context_ragged_split_types))
    check_count("feature list sparse keys", Nfeature_list_sparse, len(list_sparse))
    check_count("feature list sparse types", len(list_sparse), len(feature_list_sparse_types))
    check_count("feature list dense keys", Nfeature_list_dense, len(list_dense))
    check_count("feature list dense types", len(list_dense), len(feature_list_dense_types))
    check_count("feature list dense shapes", len(list_dense), len(feature_list_dense_shapes))
    check_count("feature list ragged value types", len(list_ragged), len(feature_list_ragged_value_types))
    check_count("feature list ragged split types", len(list_ragged), len(feature_list_ragged_split_types))
    missing = np.ravel(feature_list_dense_missing_assumed_empty).tolist()
    check_count("elements of feature_list_dense_missing_assumed_empty", len(list_dense), len(missing))
    check_defaults(context_dense_defaults, dense, context_dense_shapes)
    found = _read(serialized, debug_name, (0, 1), [*sparse, *dense, *ragged], [*list_sparse, *list_dense, *list_ragged])
    rows = [
        assembly.ragged(found.context, key, value_type, split_type)
        for key, value_type, split_type in zip(
            ragged, context_ragged_value_types, context_ragged_split_types, strict=True
        )
    ]
    list_rows = [
        sequences.ragged(found, key, value_type, split_type)
        for key, value_type, split_type in zip(
            list_ragged, feature_list_ragged_value_types, feature_list_ragged_split_types, strict=True
        )
    ]
    return (
        *_context(found, sparse, context_sparse_types, dense, context_dense_defaults, context_dense_shapes),
        *_columns(rows, 2),
        *_lists(
            found,
            list_sparse,
            feature_list_sparse_types,
            list(zip(list_dense, feature_list_dense_types, feature_list_dense_shapes, missing, strict=True)),
        ),
        *_columns(list_rows, 3),
    )


@parse_sequence_example_v2_op.shape
def _parse_sequence_example_v2_shape(
    serialized,
    debug_name,
    context_sparse_keys,
    context_dense_keys,
    context_ragged_keys,
    feature_list_sparse_keys,
    feature_list_dense_keys,
    feature_list_ragged_keys,
    feature_list_dense_missing_assumed_empty,
    context_dense_defaults,
    *,
    Ncontext_sparse,
    context_ragged_value_types,
    context_dense_shapes,
    Nfeature_list_sparse,
    Nfeature_list_dense,
    feature_list_ragged_value_types,
    feature_list_dense_shapes,
):
    ragged, list_ragged = len(context_ragged_value_types), len(feature_list_ragged_value_types)
    if serialized is None:
        vectors, list_vectors = [(None,)] * Ncontext_sparse, [(None,)] * Nfeature_list_sparse
        return (
            [(None, None)] * Ncontext_sparse,
            vectors,
            vectors,
            [None] * len(context_dense_shapes),
            [(None,)] * ragged,
            [(None,)] * ragged,
            [(None, None)] * Nfeature_list_sparse,
            list_vectors,
            list_vectors,
            [None] * len(feature_list_dense_shapes),
            [None] * Nfeature_list_dense,
            [(None,)] * list_ragged,
            [(None,)] * list_ragged,
            [(None,)] * list_ragged,
        )
    if len(serialized) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(serialized)}")
    rank = len(serialized)
    rows = tuple(None if size is None else size + 1 for size in serialized) or (0,)
    return (
        *sparse_shapes_of(Ncontext_sparse, 1 + rank),
        [_joined(serialized, shape) for shape in context_dense_shapes],
        [(None,)] * ragged,
        [rows] * ragged,
        *sparse_shapes_of(Nfeature_list_sparse, 2 + rank),
        [_joined(serialized, (None,), shape) for shape in feature_list_dense_shapes],
        [serialized] * Nfeature_list_dense,
        [(None,)] * list_ragged,
        [rows] * list_ragged,
        [(None,)] * list_ragged,
    )


@op(
    "ParseSingleSequenceExample",
    "serialized: string, feature_list_dense_missing_assumed_empty: string, "
    "context_sparse_keys: Ncontext_sparse * string, context_dense_keys: Ncontext_dense * string, "
    "feature_list_sparse_keys: Nfeature_list_sparse * string, feature_list_dense_keys: Nfeature_list_dense * string, "
    "context_dense_defaults: list(Tcontext_dense), debug_name: string -> "
    "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: list(context_sparse_types), "
    "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: list(Tcontext_dense), "
    "feature_list_sparse_indices: Nfeature_list_sparse * int64, "
    "feature_list_sparse_values: list(feature_list_sparse_types), "
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
    "feature_list_dense_values: list(feature_list_dense_types)",
    tier="host",
    differentiable="missing",
    Ncontext_sparse=_COUNT,
    Ncontext_dense=_COUNT,
    Nfeature_list_sparse=_COUNT,
    Nfeature_list_dense=_COUNT,
    context_sparse_types=feature_types(optional=True),
    Tcontext_dense=feature_types(optional=True),
    feature_list_dense_types=feature_types(optional=True),
    context_dense_shapes=_SHAPES,
    feature_list_sparse_types=feature_types(optional=True),
    feature_list_dense_shapes=_SHAPES,
    checks_shapes=True,
)
def parse_single_sequence_example_op(
    serialized,
    feature_list_dense_missing_assumed_empty,
    context_sparse_keys,
    context_dense_keys,
    feature_list_sparse_keys,
    feature_list_dense_keys,
    context_dense_defaults,
    debug_name,
    *,
    context_sparse_types: list[DType],
    feature_list_dense_types: list[DType],
    context_dense_shapes: list[Shape],
    feature_list_sparse_types: list[DType],
    feature_list_dense_shapes: list[Shape],
):
    """Turns a serialized sequence example into tensors."""
    for key in (*context_sparse_keys, *context_dense_keys, *feature_list_sparse_keys, *feature_list_dense_keys):
        scalar(key, "a key")
    sparse, dense = scalars(context_sparse_keys), scalars(context_dense_keys)
    list_sparse, list_dense = scalars(feature_list_sparse_keys), scalars(feature_list_dense_keys)
    empty = set(bytes_of(feature_list_dense_missing_assumed_empty))
    check_count("context sparse types", len(sparse), len(context_sparse_types))
    check_count("feature list sparse types", len(list_sparse), len(feature_list_sparse_types))
    check_count("feature list dense types", len(list_dense), len(feature_list_dense_types))
    check_count("feature list dense shapes", len(list_dense), len(feature_list_dense_shapes))
    check_defaults(context_dense_defaults, dense, context_dense_shapes)
    found = _read(serialized, debug_name, (0,), [*sparse, *dense], [*list_sparse, *list_dense])
    missing = [key in empty for key in list_dense]
    features = list(zip(list_dense, feature_list_dense_types, feature_list_dense_shapes, missing, strict=True))
    return (
        *_context(found, sparse, context_sparse_types, dense, context_dense_defaults, context_dense_shapes),
        *_lists(found, list_sparse, feature_list_sparse_types, features)[:4],
    )


@parse_single_sequence_example_op.shape
def _parse_single_sequence_example_shape(
    serialized,
    feature_list_dense_missing_assumed_empty,
    context_sparse_keys,
    context_dense_keys,
    feature_list_sparse_keys,
    feature_list_dense_keys,
    context_dense_defaults,
    debug_name,
    *,
    context_dense_shapes,
    feature_list_dense_shapes,
):
    with_rank(serialized, 0)
    with_rank(feature_list_dense_missing_assumed_empty, 1)
    return (
        *sparse_shapes_of(len(context_sparse_keys), 1),
        list(context_dense_shapes),
        *sparse_shapes_of(len(feature_list_sparse_keys), 2),
        [_joined((None,), shape) for shape in feature_list_dense_shapes],
    )


def _sample(context: dict[str, Any], lists: dict[str, Any]) -> bytes:
    """Returns a serialized sequence example, for samples."""
    from tideflow._src.graph import protos  # only tests ask for samples

    message = protos.get("SequenceExample")()
    for name, values in context.items():
        fill_sample_feature(message.context.feature[name], values)
    for name, features in lists.items():
        for values in features:
            fill_sample_feature(message.feature_lists.feature_list[name].feature.add(), values)
    return message.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


_LONG = (
    {"id": [5], "w": [1.0, 2.0], "v": [3.0]},
    {"a": [[1, 2], [3]], "d": [[7], [8, 9]], "b": [[b"x"], [b"y"], [b"z"]], "c": [[1.0, 2.0]]},
)
_SHORT = ({"id": [6]}, {"a": [[4]], "b": [[b"q"]]})
_TYPES = {
    "context_sparse_types": ["float32"],
    "context_dense_shapes": [()],
    "feature_list_sparse_types": ["int64"],
    "feature_list_dense_types": ["string", "float32"],
    "feature_list_dense_shapes": [(), (2,)],
}
_COUNTS = {"Ncontext_sparse": 1, "Nfeature_list_sparse": 1, "Nfeature_list_dense": 2}


@parse_sequence_example_op.samples
def _parse_sequence_example_samples(s):
    both = sample_strings(_sample(*_LONG), _sample(*_SHORT))
    keys = {
        "context_sparse_keys": ["w"],
        "context_dense_keys": ["id"],
        "feature_list_sparse_keys": ["a"],
        "feature_list_dense_keys": ["b", "c"],
        "Ncontext_dense": 1,
        **_COUNTS,
        **_TYPES,
    }
    none, identity = sample_strings(), [np.empty(0, np.int64)]
    yield s(both, none, identity, feature_list_dense_missing_assumed_empty=["c"], **keys)
    bad = {**keys, "error": "InvalidArgumentError"}
    yield s(both, none, identity, feature_list_dense_missing_assumed_empty=[], **bad)
    wrong = {**bad, "feature_list_dense_shapes": [(), (3,)]}
    yield s(both, none, identity, feature_list_dense_missing_assumed_empty=["c"], **wrong)
    yield s(sample_strings(b"\xff"), none, identity, feature_list_dense_missing_assumed_empty=["c"], **bad)


@parse_sequence_example_v2_op.samples
def _parse_sequence_example_v2_samples(s):
    first, second = _sample(*_LONG), _sample(*_SHORT)
    none = sample_strings()
    keys = [
        sample_strings(b"w"),
        sample_strings(b"id"),
        sample_strings(b"v"),
        sample_strings(b"a"),
        sample_strings(b"b", b"c"),
        sample_strings(b"d"),
        np.array([False, True]),
        [np.empty(0, np.int64)],
    ]
    types = {
        **_COUNTS,
        **_TYPES,
        "context_ragged_value_types": ["float32"],
        "context_ragged_split_types": ["int64"],
        "feature_list_ragged_value_types": ["int64"],
        "feature_list_ragged_split_types": ["int32"],
    }
    yield s(sample_strings(first, second), none, *keys, **types)
    yield s(sample_strings(b"\xff"), none, *keys, **types, error="InvalidArgumentError")
    # Of one message, TensorFlow returns outer row splits that it never wrote.
    none_ragged = types | {name: [] for name in types if "_ragged_" in name}
    keys[2] = keys[5] = none
    yield s(np.array(first, object), np.array(b"", object), *keys, **none_ragged)


@parse_single_sequence_example_op.samples
def _parse_single_sequence_example_samples(s):
    first = np.array(_sample(*_LONG), object)
    keys = [[b"w"], [b"id"], [b"a"], [b"b", b"c"], [np.empty(0, np.int64)], np.array(b"", object)]
    yield s(first, sample_strings(), *keys, **_TYPES)
    second = np.array(_sample(*_SHORT), object)
    yield s(second, sample_strings(b"c"), *keys, **_TYPES)
    yield s(second, sample_strings(), *keys, **_TYPES, error="InvalidArgumentError")
