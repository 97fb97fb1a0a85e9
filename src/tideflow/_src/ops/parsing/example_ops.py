"""``ParseExample`` and its kin: serialized ``Example`` messages as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import REQUIRED, Constraint, Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.parsing import assembly, batch
from tideflow._src.runtime.op import op

FEATURE_TYPES = ("float32", "int64", "string")


def feature_types(minimum: int = 0, *, optional: bool = False) -> Any:
    """Constrains a list of types to those that features have."""
    return Constraint(FEATURE_TYPES, [] if optional else REQUIRED, minimum, "list(type)")


#: Constrains the types of row splits.
SPLIT_TYPES = Constraint(("int32", "int64"), REQUIRED, 0, "list(type)")


def bytes_of(values: Any) -> list[bytes]:
    """Returns the elements of a string tensor."""
    return np.asarray(values, object).ravel().tolist()  # type: ignore[no-any-return]


def scalars(values: Sequence[Any]) -> list[bytes]:
    """Returns the values of scalar string tensors."""
    for value in values:
        if np.size(value) != 1:
            raise InvalidArgumentError(
                None, None, f"Expected a key to be a scalar string, got shape: {shape_text(np.shape(value))}"
            )
    return [bytes_of(value)[0] for value in values]


def read_batch(serialized: Any, names: Any, wanted: Sequence[bytes], *, batched: bool = False) -> assembly.Batch:
    """Reads the wanted features of one serialized example, or of a vector of them."""
    rank = np.ndim(serialized)
    if rank > 1 or (batched and rank != 1):
        kind = "a vector" if batched else "a scalar or vector"
        raise InvalidArgumentError(
            None, None, f"Expected serialized to be {kind}, got shape: {shape_text(np.shape(serialized))}"
        )
    if np.size(names) and np.shape(names) != np.shape(serialized):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected names have the same shape as serialized: name.shape={shape_text(np.shape(names))}, "
            f"serialized.shape={shape_text(np.shape(serialized))}",
        )
    called = bytes_of(names)
    blob = batch.join(bytes_of(serialized))
    return assembly.Batch(blob, batch.read(blob, set(wanted), called), called, not rank)


def check_defaults(defaults: Sequence[Any], keys: Sequence[bytes], shapes: Sequence[Any]) -> None:
    """Raises InvalidArgumentError if default values do not fit the shapes of their features."""
    if not len(defaults) == len(keys) == len(shapes):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected one default and one shape for each of {len(keys)} dense features, got {len(defaults)} and "
            f"{len(shapes)}",
        )
    for number, (value, shape) in enumerate(zip(defaults, shapes, strict=True)):
        if shape and shape[0] is None:
            if np.size(value) > 1:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"dense_shape[{number}] is a variable length shape: {shape_text(shape)}, therefore "
                    f"def_value[{number}] must contain a single element: the padding element. But its shape is: "
                    f"{shape_text(np.shape(value))}",
                )
        elif np.size(value) and shape is not None and np.shape(value) != tuple(shape):
            raise InvalidArgumentError(
                None,
                None,
                f"def_value[{number}].shape() == {shape_text(np.shape(value))} is not compatible with "
                f"dense_shapes_[{number}] == {shape_text(shape)}",
            )


def check_count(name: str, expected: int, given: int) -> None:
    """Raises InvalidArgumentError if there is not one of something for each key."""
    if expected != given:
        raise InvalidArgumentError(None, None, f"Expected {expected} {name}, got {given}")


def _parsed(
    found: assembly.Batch,
    sparse: Sequence[tuple[bytes, DType]],
    dense: Sequence[tuple[bytes, DType, Any, Any]],
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    parts = [assembly.sparse(found, key, dtype) for key, dtype in sparse]
    values = [assembly.dense(found, key, dtype, shape, value) for key, dtype, shape, value in dense]
    return [part[0] for part in parts], [part[1] for part in parts], [part[2] for part in parts], values


def dense_features(keys: Sequence[bytes], defaults: Sequence[Any], shapes: Sequence[Any]) -> Any:
    """Returns key, type, shape and default of each dense feature."""
    types = [dtypes.as_dtype(np.asarray(value).dtype) for value in defaults]
    return list(zip(keys, types, shapes, defaults, strict=True))


@op(
    "ParseExample",
    "serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * string, "
    "dense_defaults: list(Tdense) -> sparse_indices: Nsparse * int64, sparse_values: list(sparse_types), "
    "sparse_shapes: Nsparse * int64, dense_values: list(Tdense)",
    tier="host",
    differentiable="missing",
    Nsparse=at_least(0),
    Ndense=at_least(0),
    Tdense=feature_types(),
    sparse_types=feature_types(),
    dense_shapes=at_least(0),
)
def parse_example_op(
    serialized, names, sparse_keys, dense_keys, dense_defaults, *, sparse_types: list[DType], dense_shapes: list[Shape]
):
    """Turns a vector of serialized examples into tensors."""
    sparse, dense = scalars(sparse_keys), scalars(dense_keys)
    check_count("sparse types", len(sparse), len(sparse_types))
    check_defaults(dense_defaults, dense, dense_shapes)
    found = read_batch(serialized, names, [*sparse, *dense], batched=True)
    return _parsed(
        found, list(zip(sparse, sparse_types, strict=True)), dense_features(dense, dense_defaults, dense_shapes)
    )


def sparse_shapes_of(count: int, rank: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Returns the static shapes of the parts of sparse tensors."""
    return [(None, rank)] * count, [(None,)] * count, [(rank,)] * count


@parse_example_op.shape
def _parse_example_shape(serialized, names, sparse_keys, dense_keys, dense_defaults, *, sparse_types, dense_shapes):
    with_rank(serialized, 1)
    with_rank(names, 1)
    size = None if serialized is None else serialized[0]
    dense = [None if shape is None else (size, *shape) for shape in dense_shapes]
    return (*sparse_shapes_of(len(sparse_types), 2), dense)


@op(
    "ParseExampleV2",
    "serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: string, "
    "dense_defaults: list(Tdense) -> sparse_indices: num_sparse * int64, sparse_values: list(sparse_types), "
    "sparse_shapes: num_sparse * int64, dense_values: list(Tdense), ragged_values: list(ragged_value_types), "
    "ragged_row_splits: list(ragged_split_types)",
    tier="host",
    differentiable="missing",
    num_sparse=at_least(0),
    Tdense=feature_types(),
    sparse_types=feature_types(),
    ragged_value_types=feature_types(),
    ragged_split_types=SPLIT_TYPES,
    dense_shapes=at_least(0),
)
def parse_example_v2_op(
    serialized,
    names,
    sparse_keys,
    dense_keys,
    ragged_keys,
    dense_defaults,
    *,
    num_sparse: int,
    sparse_types: list[DType],
    ragged_value_types: list[DType],
    ragged_split_types: list[DType],
    dense_shapes: list[Shape],
):
    """Turns one serialized example, or a vector of them, into tensors."""
    sparse, dense, ragged = bytes_of(sparse_keys), bytes_of(dense_keys), bytes_of(ragged_keys)
    check_count("sparse types", num_sparse, len(sparse_types))
    check_count("sparse keys", num_sparse, len(sparse))
    check_count("ragged value types", len(ragged), len(ragged_value_types))
    check_count("ragged split types", len(ragged), len(ragged_split_types))
    check_defaults(dense_defaults, dense, dense_shapes)
    found = read_batch(serialized, names, [*sparse, *dense, *ragged])
    parts = _parsed(
        found, list(zip(sparse, sparse_types, strict=True)), dense_features(dense, dense_defaults, dense_shapes)
    )
    rows = [
        assembly.ragged(found, key, value_type, split_type)
        for key, value_type, split_type in zip(ragged, ragged_value_types, ragged_split_types, strict=True)
    ]
    return (*parts, [row[0] for row in rows], [row[1] for row in rows])


@parse_example_v2_op.shape
def _parse_example_v2_shape(
    serialized,
    names,
    sparse_keys,
    dense_keys,
    ragged_keys,
    dense_defaults,
    *,
    num_sparse,
    ragged_value_types,
    dense_shapes,
):
    for keys in (sparse_keys, dense_keys, ragged_keys):
        with_rank(keys, 1)
    count = len(ragged_value_types)
    if serialized is None:
        vectors = [(None,)] * num_sparse
        rows: list[Any] = [(None,)] * count
        return [(None, None)] * num_sparse, vectors, vectors, [None] * len(dense_shapes), rows, rows
    if len(serialized) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(serialized)}")
    dense = [None if shape is None else (*serialized, *shape) for shape in dense_shapes]
    rows = [tuple(None if size is None else size + 1 for size in serialized) or (0,)] * count
    return (*sparse_shapes_of(num_sparse, 1 + len(serialized)), dense, [(None,)] * count, rows)


@op(
    "ParseSingleExample",
    "serialized: string, dense_defaults: list(Tdense) -> sparse_indices: num_sparse * int64, "
    "sparse_values: list(sparse_types), sparse_shapes: num_sparse * int64, dense_values: list(Tdense)",
    tier="host",
    differentiable="missing",
    num_sparse=at_least(0),
    sparse_keys=at_least(0),
    dense_keys=at_least(0),
    sparse_types=feature_types(),
    Tdense=feature_types(),
    dense_shapes=at_least(0),
)
def parse_single_example_op(
    serialized,
    dense_defaults,
    *,
    num_sparse: int,
    sparse_keys: list[str],
    dense_keys: list[str],
    sparse_types: list[DType],
    dense_shapes: list[Shape],
):
    """Turns a serialized example into tensors."""
    if np.ndim(serialized):
        raise InvalidArgumentError(
            None, None, f"Expected serialized to be a scalar, got shape: {shape_text(np.shape(serialized))}"
        )
    sparse, dense = as_bytes(sparse_keys), as_bytes(dense_keys)
    check_count("sparse keys", num_sparse, len(sparse))
    check_count("sparse types", num_sparse, len(sparse_types))
    check_defaults(dense_defaults, dense, dense_shapes)
    found = read_batch(serialized, (), [*sparse, *dense])
    return _parsed(
        found, list(zip(sparse, sparse_types, strict=True)), dense_features(dense, dense_defaults, dense_shapes)
    )


def as_bytes(keys: Sequence[Any]) -> list[bytes]:
    """Returns keys given as attributes."""
    return [key.encode() if isinstance(key, str) else bytes(key) for key in keys]


@parse_single_example_op.shape
def _parse_single_example_shape(serialized, dense_defaults, *, num_sparse, dense_shapes):
    with_rank(serialized, 0)
    return (*sparse_shapes_of(num_sparse, 1), list(dense_shapes))


def sample_example(**features: Any) -> bytes:
    """Returns a serialized example, for samples."""
    from tideflow._src.graph import protos  # only tests ask for samples

    message = protos.get("Example")()
    for name, values in features.items():
        fill_sample_feature(message.features.feature[name], values)
    return message.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


def fill_sample_feature(feature: Any, values: Sequence[Any]) -> None:
    """Gives a feature of a sample its values."""
    lists = {bytes: feature.bytes_list, float: feature.float_list, int: feature.int64_list}
    if values:
        lists[type(values[0])].value.extend(values)


def sample_strings(*values: bytes) -> Any:
    """Returns a vector of strings, for samples."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


_FIRST = {"x": [1.5], "y": [1, 2, -3], "s": [b"tide", b"flow"]}
_SECOND = {"x": [2.5], "y": [400000, 5, 1 << 40], "z": [7]}


@parse_example_op.samples
def _parse_example_samples(s):
    batch_of_two = sample_strings(sample_example(**_FIRST), sample_example(**_SECOND))
    none = sample_strings()
    x, y, text = np.empty(0, np.float32), np.empty(0, np.int64), sample_strings()
    names = {"sparse_types": ["string", "int64"], "dense_shapes": [(), (3,)]}
    sparse, dense = [b"s", b"z"], [b"x", b"y"]
    yield s(batch_of_two, none, sparse, dense, [x, y], **names)
    yield s(sample_strings(*[batch_of_two[0], batch_of_two[1]] * 20), none, sparse, dense, [x, y], **names)
    yield s(none, none, sparse, dense, [x, y], **names)
    yield s(batch_of_two, none, [], [b"s"], [sample_strings(b"none")], sparse_types=[], dense_shapes=[(None,)])
    bad = {"sparse_types": [], "error": "InvalidArgumentError"}
    yield s(batch_of_two, none, [], [b"z"], [y], dense_shapes=[(1,)], **bad)
    yield s(batch_of_two, sample_strings(b"a", b"b"), [], [b"x"], [y], dense_shapes=[()], **bad)
    yield s(batch_of_two, none, [], [b"y"], [y], dense_shapes=[(2,)], **bad)
    yield s(batch_of_two, none, [], [b"s"], [text], dense_shapes=[(1,)], **bad)
    yield s(sample_strings(b"\x0a\x05"), none, [], [b"y"], [y], dense_shapes=[(2,)], **bad)


@parse_example_v2_op.samples
def _parse_example_v2_samples(s):
    first, second = sample_example(**_FIRST), sample_example(**_SECOND)
    none = sample_strings()
    y = np.empty(0, np.int64)
    attributes = {
        "num_sparse": 1,
        "sparse_types": ["string"],
        "ragged_value_types": ["int64"],
        "ragged_split_types": ["int32"],
        "dense_shapes": [(3,), (None,)],
    }
    keys = [sample_strings(b"s"), sample_strings(b"y", b"x"), sample_strings(b"z"), [y, np.float32(0)]]
    yield s(sample_strings(first, second), none, *keys, **attributes)
    yield s(sample_strings(*[first, second] * 20), none, *keys, **attributes)
    yield s(np.array(first, object), none, *keys, **attributes)
    yield s(sample_strings(first), sample_strings(b"a", b"b"), *keys, **attributes, error="InvalidArgumentError")
    yield s(np.array([[first]], object), none, *keys, **attributes, error="InvalidArgumentError")


@parse_single_example_op.samples
def _parse_single_example_samples(s):
    first = np.array(sample_example(**_FIRST), object)
    attributes = {"num_sparse": 1, "sparse_keys": ["s"], "sparse_types": ["string"]}
    y = np.empty(0, np.int64)
    yield s(first, [y, np.float32(0)], dense_keys=["y", "x"], dense_shapes=[(3,), ()], **attributes)
    yield s(first, [y], dense_keys=["z"], dense_shapes=[()], **attributes, error="InvalidArgumentError")
    yield s(first, [y], dense_keys=["y"], dense_shapes=[(2,)], **attributes, error="InvalidArgumentError")
