"""Crosses of features: strings or hashes of all combinations in a row, one feature of each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import REQUIRED, Constraint, at_least
from tideflow._src.ops.dimensions import text
from tideflow._src.ops.strings.hash_kernels import concatenated, fingerprint64, siphash
from tideflow._src.ops.strings.packed import Packed
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

_FEATURES = ("int64", "string")
_INPUTS = (
    "indices: N * int64, values: list(sparse_types), shapes: N * int64, dense_inputs: list(dense_types){more} -> "
    "output_indices: int64, output_values: {output}, output_shape: int64"
)
_LISTS: dict[str, Any] = {
    "tier": "host",
    "N": at_least(0),
    "sparse_types": Constraint(_FEATURES, REQUIRED, 0, "list(type)"),
    "dense_types": Constraint(_FEATURES, REQUIRED, 0, "list(type)"),
    "differentiable": "missing",
}
_MOST = (1 << 63) - 1


class _Column:
    """Is a column of features: which of them belong to each row.

    Attributes:
      values: all features, flat.
      starts, counts: where those of each row begin, and how many there are.
      is_dense: whether they come from a dense matrix.
    """

    def __init__(self, values: Any, starts: Any, counts: Any, is_dense: bool = False) -> None:
        self.values, self.starts, self.counts, self.is_dense = values, starts, counts, is_dense


def _columns(indices: Any, values: Any, shapes: Any, dense_inputs: Any) -> tuple[list[_Column], int]:
    """Checks the inputs; returns a column for each, and the number of rows."""
    for what, items, rank in (("indices", indices, 2), ("values", values, 1), ("shapes", shapes, 1)):
        for place, item in enumerate(items):
            if np.ndim(item) != rank:
                kind = "matrix" if rank == 2 else "vector"
                raise invalid_argument(
                    f"Input {what} should be a {kind} but received shape {text(np.shape(item))} at position {place}"
                )
        if len(items) != len(indices):
            raise invalid_argument(f"Expected {len(indices)} input {what}, got {len(items)}")
    for place, (each, held) in enumerate(zip(indices, values, strict=True)):
        if each.shape[1] != 2:
            raise invalid_argument(f"Expected D2 of index to be 2 got {each.shape[1]} at position {place}")
        if len(each) != len(held):
            raise invalid_argument(f"Expected size of values to be {len(each)} got {len(held)} at position {place}")
    for place, item in enumerate(dense_inputs):
        if np.ndim(item) != 2:
            raise invalid_argument(
                f"Dense inputs should be a matrix but received shape {text(np.shape(item))} at position {place}"
            )
    for place, shape in enumerate(shapes):
        if len(shape) != 2:
            raise invalid_argument(f"shape should imply a 2D tensor, but got {text(shape.shape)} at position {place}")
        if shape[0] != shapes[0][0]:
            raise invalid_argument(f"Expected batch size {shapes[0][0]} got {shape[0]} at position {place}")
    rows = int(shapes[0][0]) if len(shapes) else len(dense_inputs[0]) if len(dense_inputs) else 0
    for place, item in enumerate(dense_inputs):
        if len(item) != rows:
            raise invalid_argument(f"Expected batch size {rows} got {len(item)} at dense tensor {place}")
    if rows < 0:
        raise invalid_argument(f"Expected shape dimensions to be non-negative, got {rows}")
    require_memory((rows,), 16)
    columns = []
    for each, held in zip(indices, values, strict=True):
        row = each[:, 0]
        # Positions are read in order, up to the first that goes back or is outside.
        bad = (row < 0) | (row >= rows)
        bad[1:] |= row[1:] < row[:-1]
        counts = np.bincount(row[: int(np.argmax(bad)) if bad.any() else len(row)], minlength=rows)
        columns.append(_Column(held, np.cumsum(counts) - counts, counts))
    for item in dense_inputs:
        width = item.shape[1]
        columns.append(_Column(item.reshape(-1), np.arange(rows) * width, np.full(rows, width), True))
    return columns, rows


class _Combinations:
    """Numbers all combinations of features, row by row, the last column's feature changing first."""

    def __init__(self, columns: list[_Column], rows: int) -> None:
        counts = np.ones(rows, np.int64) if columns else np.zeros(rows, np.int64)
        total = np.ones(rows, np.float64)
        for column in columns:
            counts = counts * column.counts
            total = total * column.counts
        require_memory((int(min(total.sum(), 2.0**62)) if columns else 0,), 16)
        self.row = np.repeat(np.arange(rows), counts)
        self.place = np.arange(len(self.row)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._columns = columns
        self.width = int(counts.max()) if rows else 0
        self.rows = rows

    def choices(self) -> list[Any]:
        """Returns for each column which of its features each combination takes."""
        rest = self.place
        chosen = []
        for column in reversed(self._columns):
            count = column.counts[self.row]
            chosen.append(column.starts[self.row] + rest % np.maximum(count, 1))
            rest = rest // np.maximum(count, 1)
        return chosen[::-1]

    def sparse(self, values: Any) -> tuple[Any, Any, Any]:
        """Returns a value for each combination as a sparse matrix."""
        indices = np.stack([self.row, self.place], 1).astype(np.int64)
        return indices, values, np.array([self.rows, self.width], np.int64)


def _texts(values: Any) -> list[bytes]:
    if values.dtype == object:
        return list(values.tolist())
    return [b"%d" % number for number in values.tolist()]


def _joined(columns: list[_Column], rows: int, separator: bytes) -> tuple[Any, Any, Any]:
    """Returns the texts of all combinations."""
    combinations = _Combinations(columns, rows)
    texts = [_texts(column.values) for column in columns]
    chosen = [choice.tolist() for choice in combinations.choices()]
    parts = [[held[place] for place in places] for held, places in zip(texts, chosen, strict=True)]
    result = np.empty(len(combinations.row), object)
    result[:] = [separator.join(features) for features in zip(*parts, strict=True)]
    return combinations.sparse(result)


def _numbered(columns: list[_Column], rows: int, features: list[Any], start: int | None, buckets: int) -> Any:
    """Returns the hashes of all combinations, given that of each feature."""
    combinations = _Combinations(columns, rows)
    hashes = [held[choice] for held, choice in zip(features, combinations.choices(), strict=True)]
    if start is not None:
        hashes.insert(0, np.full(len(combinations.row), start & 0xFFFFFFFFFFFFFFFF, np.uint64))
    result = hashes[0] if hashes else np.zeros(0, np.uint64)
    for more in hashes[1:]:
        result = concatenated(result, more)
    result = result % np.uint64(buckets if buckets > 0 else _MOST)
    return combinations.sparse(result.astype(np.int64))


def _single(value: Any, problem: str) -> Any:
    if np.size(value) != 1:
        raise invalid_argument(problem)
    return np.reshape(value, ())[()]


@op(
    "SparseCross",
    _INPUTS.format(more="", output="out_type"),
    **_LISTS,
    num_buckets=at_least(0),
    out_type=_FEATURES,
    internal_type=_FEATURES,
)
def sparse_cross_op(
    indices,
    values,
    shapes,
    dense_inputs,
    *,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    out_type: DType,
    internal_type: DType,
):
    """Crosses features into strings, or into hashes that begin with a key."""
    columns, rows = _columns(indices, values, shapes, dense_inputs)
    if internal_type is dtypes.string:
        for what, items in (("Input values", values), ("Dense inputs", dense_inputs)):
            if any(item.dtype != object for item in items):
                raise invalid_argument(f"{what} should be of internal type 7 but received 9")
    if out_type is dtypes.string:
        return _joined(columns, rows, b"_X_")
    features = [_hashes_or_numbers(column.values) for column in columns]
    return _numbered(columns, rows, features, hash_key, num_buckets)


def _hashes_or_numbers(values: Any) -> Any:
    if values.dtype == object:
        return fingerprint64(Packed.of(values.tolist()))
    return values.astype(np.uint64)


@op("SparseCrossV2", _INPUTS.format(more=", sep: string", output="string"), **_LISTS)
def sparse_cross_v2_op(indices, values, shapes, dense_inputs, sep):
    """Crosses features into strings."""
    columns, rows = _columns(indices, values, shapes, dense_inputs)
    if np.ndim(sep):
        shown = " ".join(item.decode("utf-8", "replace") for item in np.reshape(sep, -1)[:3].tolist())
        raise invalid_argument(
            f"Input separator should be a scalar. Received: Tensor<type: string shape: {text(np.shape(sep))} values: "
            f"{shown}>"
        )
    return _joined(columns, rows, sep.item() if isinstance(sep, np.ndarray) else sep)


@op(
    "SparseCrossHashed",
    _INPUTS.format(more=", num_buckets: int64, strong_hash: bool, salt: int64", output="int64"),
    **_LISTS,
)
def sparse_cross_hashed_op(indices, values, shapes, dense_inputs, num_buckets, strong_hash, salt):
    """Crosses features into hashes, strong ones under a key."""
    columns, rows = _columns(indices, values, shapes, dense_inputs)
    buckets = int(_single(num_buckets, f"num_buckets must be a scalar, got shape {text(np.shape(num_buckets))}"))
    strong = bool(_single(strong_hash, f"strong_hash must be a scalar, got shape {text(np.shape(strong_hash))}"))
    if np.size(salt) != 2:
        raise invalid_argument(f'Input "salt" must have length 2 but has length {np.size(salt)}')
    key = tuple(np.reshape(salt, -1).tolist())
    features = [_salted(column, key if strong else None) for column in columns]
    return _numbered(columns, rows, features, None, buckets)


def _salted(column: _Column, key: Any) -> Any:
    """Hashes the features of a column as TensorFlow does: dense integers are their own hashes."""
    if column.values.dtype != object and column.is_dense:
        return column.values.astype(np.uint64)
    if column.values.dtype == object:
        packed = Packed.of(column.values.tolist())
    else:  # Of an integer in a sparse tensor, TensorFlow looks at the lower half only.
        packed = Packed(column.values.astype("<i4").tobytes(), np.full(len(column.values), 4))
    return fingerprint64(packed) if key is None else siphash(packed, key)


def _cross_shape(indices, values, shapes, dense_inputs, *more):
    return (None, 2), (None,), (2,)


for _definition in (sparse_cross_op, sparse_cross_v2_op, sparse_cross_hashed_op):
    _definition.shape(_cross_shape)


_PLACES = np.int64([[0, 0], [1, 0], [1, 1]])
_SIZES = np.int64([2, 2])
_WORDS = np.array([b"a", b"bc", b""], object)
_NUMBERS = np.int64([1, -2, 3])
_DENSE = np.array([[b"d"], [b"e"]], object)


def _samples(s: Any, *more: Any, **attributes: Any) -> Any:
    def cross(indices: Any, values: Any, shapes: Any, dense: Any, **options: Any) -> Any:
        return s(indices, values, shapes, dense, *more, **{**attributes, **options})

    mixed = attributes.get("internal_type") != "string"
    yield cross([_PLACES], [_WORDS], [_SIZES], [_DENSE])
    yield cross([_PLACES, _PLACES], [_WORDS, _WORDS], [_SIZES, _SIZES], [np.tile(_DENSE, (1, 2))])
    if mixed:
        yield cross([_PLACES, _PLACES], [_WORDS, _NUMBERS], [_SIZES, _SIZES], [np.int64([[4, 5], [6, 7]])])
        yield cross([_PLACES], [_NUMBERS], [_SIZES], [])
    yield cross([_PLACES[1:2]], [_WORDS[:1]], [_SIZES], [_DENSE])
    yield cross([], [], [], [_DENSE])
    yield cross([_PLACES[:0]], [_WORDS[:0]], [_SIZES], [])
    yield cross([_PLACES[[1, 0, 2]]], [_WORDS], [_SIZES], [_DENSE])
    yield cross([_PLACES + 1], [_WORDS], [_SIZES], [_DENSE])
    bad = {"error": "InvalidArgumentError"}
    yield cross([_PLACES], [_WORDS[:2]], [_SIZES], [_DENSE], **bad)
    yield cross([_PLACES], [_WORDS], [_SIZES], [_DENSE[:1]], **bad)
    yield cross([_PLACES], [_WORDS], [_SIZES], [_DENSE[0]], **bad)
    yield cross([_PLACES], [_WORDS], [np.int64([2, 2, 2])], [_DENSE], **bad)
    yield cross([_PLACES[:, :1]], [_WORDS], [_SIZES], [_DENSE], **bad)
    yield cross([_PLACES, _PLACES], [_WORDS, _WORDS], [_SIZES, _SIZES + 1], [], **bad)


@sparse_cross_op.samples
def _sparse_cross_samples(s):
    hashed = {"hashed_output": True, "out_type": "int64", "hash_key": 956888297470}
    yield from _samples(s, **hashed, internal_type="int64", num_buckets=0)
    yield from _samples(s, **hashed, internal_type="string", num_buckets=100)
    yield from _samples(s, hashed_output=False, out_type="string", hash_key=1, internal_type="string", num_buckets=0)
    yield s(
        [_PLACES], [_NUMBERS], [_SIZES], [], hashed_output=False, out_type="string", hash_key=1,
        internal_type="string", num_buckets=0, error="InvalidArgumentError",
    )  # fmt: skip


@sparse_cross_v2_op.samples
def _sparse_cross_v2_samples(s):
    yield from _samples(s, np.array(b"-", object))
    yield s([_PLACES], [_WORDS], [_SIZES], [], np.array([b"a", b"b"], object), error="InvalidArgumentError")


@sparse_cross_hashed_op.samples
def _sparse_cross_hashed_samples(s):
    yield from _samples(s, np.int64(0), np.False_, np.int64([1, 2]))
    yield s([_PLACES], [_WORDS], [_SIZES], [_DENSE], np.int64(100), np.True_, np.int64([1, -2]))
    yield s([_PLACES], [_WORDS], [_SIZES], [_DENSE], np.int64(0), np.True_, np.int64([1]), error="InvalidArgumentError")
