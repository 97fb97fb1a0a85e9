"""Matrices whose rows and columns stand for words, read from a checkpoint for another vocabulary."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import float32, int64, string
from tideflow._src.core.errors import FailedPreconditionError, InternalError, UnimplementedError, invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.checkpoint.bundle import BundleReader
from tideflow._src.ops.checkpoint.tensor_slice import parse
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.files.file_ops import check_scalar
from tideflow._src.ops.lookup.vocabulary import LINE_NUMBER, WHOLE_LINE, Columns
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]


def _file(value: Any, name: str) -> bytes:
    if np.ndim(value):
        raise invalid_argument(f"{name} should be a single string, but got {shape_text(np.shape(value))}")
    path: bytes = value.item() if isinstance(value, np.ndarray) else value
    if not path:
        raise invalid_argument(f"{name} cannot be empty: it must name a file.")
    return path


def _lines(path: bytes, count: int) -> Array:
    """Returns the words of a vocabulary, or the first ``count`` of them; no word is there twice."""
    words = Columns(WHOLE_LINE, LINE_NUMBER, count, "\t", 0).read(path, string, int64)[0]
    seen: dict[bytes, int] = {}
    for number, word in enumerate(words.tolist()):
        if seen.setdefault(word, number) != number:
            raise FailedPreconditionError(
                None,
                None,
                f"HashTable has different value for same key. Key {word.decode(errors='replace')} has {seen[word]} and "
                f"trying to add value {number}",
            )
    return words


@op(
    "GenerateVocabRemapping",
    "new_vocab_file: string, old_vocab_file: string -> remapping: int64, num_present: int32",
    tier="host",
    declared_pure=True,
    differentiable=False,
    new_vocab_offset=at_least(0),
    num_new_vocab=at_least(0),
    old_vocab_size=at_least(-1, default=-1),
)
def generate_vocab_remapping_op(
    new_vocab_file, old_vocab_file, *, new_vocab_offset: int, num_new_vocab: int, old_vocab_size: int = -1
):
    """Finds where the words of one vocabulary are in another; -1 for those that are not there."""
    words = Columns(LINE_NUMBER, WHOLE_LINE, -1, "\t", 0).read(_file(new_vocab_file, "new_vocab_file"), int64, string)[
        1
    ]
    if new_vocab_offset + num_new_vocab > len(words):
        raise invalid_argument(
            f"lookup table size must be larger than last new vocab entry's line: there are {len(words)} lines, and the "
            f"last one asked for is {new_vocab_offset + num_new_vocab}"
        )
    old = {word: number for number, word in enumerate(_lines(_file(old_vocab_file, "old_vocab_file"), old_vocab_size))}
    wanted = words[new_vocab_offset : new_vocab_offset + num_new_vocab]
    found = np.array([old.get(word, -1) for word in wanted], np.int64)
    return found, np.int32(np.count_nonzero(found >= 0))


@generate_vocab_remapping_op.shape
def _generate_vocab_remapping_shape(new_vocab_file, old_vocab_file, *, num_new_vocab):
    check_scalar(new_vocab_file)
    check_scalar(old_vocab_file)
    return (num_new_vocab,), ()


def _new_places(remapping: Array) -> tuple[Array, Array]:
    """Returns the old places that a remapping names, and the new ones that they go to."""
    new = np.flatnonzero(remapping >= 0)
    old = remapping[new]
    order = np.argsort(old, kind="stable")
    same = np.flatnonzero(old[order][1:] == old[order][:-1])
    if same.size:
        first, second = new[order[same[0]]], new[order[same[0] + 1]]
        raise UnimplementedError(
            None,
            None,
            f"Old ID {old[order[same[0]]]} is mapped to both new ID {first} and {second}, which is not supported.",
        )
    return old, new


def _reader_of_matrix(ckpt_path: Any, old_tensor_name: Any) -> tuple[BundleReader, bytes, tuple[int, int]]:
    if np.size(ckpt_path) != 1:
        raise invalid_argument(
            "The `ckpt_path` tensor must have exactly one element, got tensor of shape "
            f"{shape_text(np.shape(ckpt_path))}"
        )
    if np.size(old_tensor_name) != 1:
        raise invalid_argument(
            "The `old_tensor_name` tensor must have exactly one element, got tensor of shape "
            f"{shape_text(np.shape(old_tensor_name))}"
        )
    reader = BundleReader(np.asarray(ckpt_path, object).item())
    name = np.asarray(old_tensor_name, object).item()
    dtype, shape = reader.described(name)
    described = f"Tensor {name.decode(errors='replace')} has"
    if dtype is not float32:
        raise invalid_argument(f"{described} invalid type {dtype.name} instead of expected type float")
    if len(shape) != 2:
        raise invalid_argument(
            f"{described} shape {shape_text(shape)} of invalid rank {len(shape)} instead of expected shape of rank 2."
        )
    return reader, name, (shape[0], shape[1])


@op(
    "LoadAndRemapMatrix",
    "ckpt_path: string, old_tensor_name: string, row_remapping: int64, col_remapping: int64, "
    "initializing_values: float -> output_matrix: float",
    tier="host",
    stateful=True,
    differentiable=False,
    num_rows=at_least(0),
    num_cols=at_least(1),
)
def load_and_remap_matrix_op(
    ckpt_path,
    old_tensor_name,
    row_remapping,
    col_remapping,
    initializing_values,
    *,
    num_rows: int,
    num_cols: int,
    max_rows_in_memory: int = -1,
):
    """Reads a matrix from a checkpoint, its rows and columns in another order; what is missing is given."""
    if row_remapping.ndim != 1:
        raise invalid_argument(
            f"The `row_remapping` tensor must be 1-D, got a tensor of shape {shape_text(row_remapping.shape)}"
        )
    if row_remapping.size != num_rows:
        raise invalid_argument(
            f"Size of row_remapping is {row_remapping.size} instead of being equal to num_rows={num_rows}"
        )
    old_rows, new_rows = _new_places(row_remapping)
    if col_remapping.ndim != 1:
        raise invalid_argument(
            f"The `col_remapping` tensor must be 1-D, got a tensor of shape {shape_text(col_remapping.shape)}"
        )
    if col_remapping.size not in (0, num_cols):
        raise invalid_argument(
            f"Provided col_remapping, but its size is {col_remapping.size} instead of being equal to "
            f"num_cols={num_cols}"
        )
    old_columns, new_columns = _new_places(col_remapping)
    reader, name, shape = _reader_of_matrix(ckpt_path, old_tensor_name)
    if not col_remapping.size:
        if num_cols != shape[1]:
            raise invalid_argument(
                f"Tensor {name.decode(errors='replace')} has shape {shape_text(shape)}, where the size of its 2nd "
                f"dimension is {shape[1]} instead of being equal to num_cols={num_cols}"
            )
        old_columns = new_columns = np.arange(num_cols)
    require_memory((num_rows, num_cols), 4)
    result = np.zeros((num_rows, num_cols), np.float32)
    missing = np.ones((num_rows, num_cols), bool)
    inside = old_columns < shape[1]
    _copy_rows(
        reader,
        name,
        shape,
        (old_rows, new_rows),
        (old_columns[inside], new_columns[inside]),
        result,
        max_rows_in_memory,
    )
    missing[np.ix_(new_rows, new_columns)] = False
    values = initializing_values.reshape(-1)
    count = int(missing.sum())
    if values.size < count:
        raise invalid_argument(f"initializing_values contained {values.size} elements, but more missing values remain.")
    if values.size > count:
        raise invalid_argument(
            f"initializing_values contained {values.size} elements, but only {count} elements were used to fill in "
            "missing values."
        )
    result[missing] = values
    return result


def _copy_rows(
    reader: BundleReader,
    name: bytes,
    shape: tuple[int, int],
    rows: tuple[Array, Array],
    columns: tuple[Array, Array],
    result: Array,
    most: int,
) -> None:
    """Copies from the stored matrix, at most ``most`` rows at once; all that are needed if it is not positive."""
    old, new = rows
    if not old.size:
        return
    first, last = int(old.min()), int(old.max())
    if last >= shape[0]:
        raise InternalError(
            None,
            None,
            f"Extent in dimension 0 out of bounds: shape = {shape_text(shape)}, row {last} of "
            f"{name.decode(errors='replace')}",
        )
    step = last - first + 1 if most <= 0 else min(most, last - first + 1)
    for begin in range(first, last + 1, step):
        length = min(step, last + 1 - begin)
        chosen = (old >= begin) & (old < begin + length)
        if chosen.any():
            part = reader.read(name, parse(f"{shape[0]} {shape[1]} {begin},{length}:-"))
            result[np.ix_(new[chosen], columns[1])] = part[np.ix_(old[chosen] - begin, columns[0])]


@load_and_remap_matrix_op.shape
def _load_and_remap_matrix_shape(
    ckpt_path, old_tensor_name, row_remapping, col_remapping, initializing_values, *, num_rows, num_cols
):
    with_rank(old_tensor_name, 0)
    return num_rows, num_cols


def _write(name: str, content: bytes) -> bytes:
    import tempfile  # only tests ask for samples

    folder = os.path.join(tempfile.gettempdir(), "tideflow_samples")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return os.fsencode(path)


@generate_vocab_remapping_op.samples
def _generate_vocab_remapping_samples(s):
    new, old = (
        _write("new.txt", b"venus\njupiter\nmercury\n\xff\nmars"),
        _write("old.txt", b"mercury\nvenus\r\n\xff\nmars\n"),
    )
    twice, empty = _write("twice.txt", b"a\nmars\na\n"), _write("none.txt", b"")
    yield s(new, old, new_vocab_offset=0, num_new_vocab=5)
    yield s(new, old, new_vocab_offset=1, num_new_vocab=3, old_vocab_size=1)
    yield s(new, old, new_vocab_offset=5, num_new_vocab=0)
    yield s(twice, old, new_vocab_offset=0, num_new_vocab=3)
    yield s(new, twice, new_vocab_offset=0, num_new_vocab=1, error="FailedPreconditionError")
    yield s(new, old, new_vocab_offset=1, num_new_vocab=5, error="InvalidArgumentError")
    yield s(new, old, new_vocab_offset=0, num_new_vocab=5, old_vocab_size=9, error="InvalidArgumentError")
    yield s(new + b"?", old, new_vocab_offset=0, num_new_vocab=1, error="NotFoundError")
    yield s(new, b"", new_vocab_offset=0, num_new_vocab=1, error="InvalidArgumentError")
    yield s(empty, old, new_vocab_offset=0, num_new_vocab=0, error="OutOfRangeError")
    yield s([new], old, new_vocab_offset=0, num_new_vocab=1, error="InvalidArgumentError")


def _names(*names: bytes) -> Array:
    array = np.empty(len(names), object)
    array[:] = names
    return array


@load_and_remap_matrix_op.samples
def _load_and_remap_matrix_samples(s):
    prefix = _write("remapped", b"")
    tensors = [s.normal(4, 3), s.normal(3), s.array((2, 2), "int64")]
    texts = _names(b"", b"", b"")
    before = {"before": [s.of("SaveV2", prefix, _names(b"m", b"v", b"n"), texts, tensors)]}
    all_columns, wrong = np.zeros(0, np.int64), {"error": "InvalidArgumentError", **before}
    for most in (-1, 1, 2):
        more = {"max_rows_in_memory": most, **before}
        yield s(
            prefix, b"m", np.int64([3, -1, 0]), np.int64([2, -1, 1, 0]), s.normal(6), num_rows=3, num_cols=4, **more
        )
        yield s(prefix, b"m", np.int64([1, 2]), all_columns, s.empty(0), num_rows=2, num_cols=3, **more)
    yield s(prefix, b"m", np.int64([-1, -1]), all_columns, s.normal(2, 3), num_rows=2, num_cols=3, **before)
    yield s(prefix, b"m", all_columns, all_columns, s.empty(0), num_rows=0, num_cols=3, **before)
    yield s([prefix], b"m", np.int64([1]), np.int64([0, 2]), s.empty(0), num_rows=1, num_cols=2, **before)
    one = np.int64([1])
    yield s(prefix, b"m", one, all_columns, s.normal(1), num_rows=1, num_cols=3, **wrong)
    yield s(prefix, b"m", -one, all_columns, s.normal(1), num_rows=1, num_cols=3, **wrong)
    yield s(prefix, b"m", one, all_columns, s.empty(0), num_rows=1, num_cols=2, **wrong)
    yield s(prefix, b"m", one, one, s.empty(0), num_rows=1, num_cols=2, **wrong)
    yield s(prefix, b"m", one, one, s.empty(0), num_rows=2, num_cols=1, **wrong)
    yield s(prefix, b"v", one, all_columns, s.empty(0), num_rows=1, num_cols=3, **wrong)
    yield s(prefix, b"n", one, all_columns, s.empty(0), num_rows=1, num_cols=2, **wrong)
    yield s(prefix, b"m", [one], all_columns, s.empty(0), num_rows=1, num_cols=3, **wrong)
    yield s(prefix, b"m", one * 4, all_columns, s.empty(0), num_rows=1, num_cols=3, error="InternalError", **before)
    twice = np.int64([1, 1])
    yield s(prefix, b"m", twice, all_columns, s.empty(0), num_rows=2, num_cols=3, error="UnimplementedError", **before)
    yield s(prefix, b"none", one, all_columns, s.empty(0), num_rows=1, num_cols=3, error="NotFoundError", **before)
    yield s(prefix + b"?", b"m", one, all_columns, s.empty(0), num_rows=1, num_cols=3, error="NotFoundError")
