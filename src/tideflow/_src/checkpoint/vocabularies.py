"""Matrices of a checkpoint for another vocabulary: old rows and columns go where their words are now."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import as_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.checkpoint.remapping import generate_vocab_remapping_op, load_and_remap_matrix_op
from tideflow._src.state.initializers import Zeros, truncated_normal_initializer


class VocabInfo(
    NamedTuple(
        "VocabInfo",
        [
            ("new_vocab", str),
            ("new_vocab_size", int),
            ("num_oov_buckets", int),
            ("old_vocab", str),
            ("old_vocab_size", int),
            ("backup_initializer", Any),
            ("axis", int),
        ],
    )
):
    """Says how the words of a variable's rows or columns changed, for :func:`warm_start`.

    Args:
      new_vocab: the file of the vocabulary now, a word a line.
      new_vocab_size: how many of its words are used.
      num_oov_buckets: how many rows (columns) for unknown words come after those of the words.
      old_vocab: the file of the vocabulary of the checkpoint.
      old_vocab_size: how many of its words were used; -1 for all.
      backup_initializer: gives what the checkpoint has not: new words and unknown ones; zeros if None.
      axis: what the words stand for: rows (0) or columns (1).

    Raises:
      ValueError: ``axis`` is neither.
    """

    __slots__ = ()

    def __new__(
        cls,
        new_vocab: Any,
        new_vocab_size: int,
        num_oov_buckets: int,
        old_vocab: Any,
        old_vocab_size: int = -1,
        backup_initializer: Any = None,
        axis: int = 0,
    ) -> VocabInfo:
        if axis not in (0, 1):
            raise ValueError(f"The only supported values for the axis argument are 0 and 1.  Provided axis: {axis}")
        return super().__new__(
            cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size, backup_initializer, axis
        )


def load_and_remap_matrix(
    ckpt_path: Any,
    old_tensor_name: str,
    new_row_vocab_offset: int,
    num_rows_to_load: int,
    new_col_vocab_size: int,
    initializer: Callable[..., Any],
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    max_rows_in_memory: int = -1,
) -> Any:
    """Reads a matrix from a checkpoint, its rows and columns where their words are in new vocabularies.

    Args:
      ckpt_path: the prefix of the checkpoint.
      old_tensor_name: the name of the matrix (``float32``) in it.
      new_row_vocab_offset: the line of the new vocabulary of rows to begin with.
      num_rows_to_load: the number of rows from there on.
      new_col_vocab_size: the number of columns.
      initializer: a function of a shape, a list of two numbers, that gives what the checkpoint has not. It is asked for
        a whole matrix, of which as many numbers as are missing are taken.
      old_row_vocab_size: how many words of the old vocabulary of rows count; -1 for all.
      old_row_vocab_file, new_row_vocab_file: the vocabularies of the rows, a word a line; None if they are the same.
      old_col_vocab_file, new_col_vocab_file: those of the columns.
      num_row_oov_buckets, num_col_oov_buckets: how many rows and columns for unknown words follow.
      max_rows_in_memory: how many rows to read at once; all if it is not positive.

    Returns:
      A ``float32`` matrix of ``num_rows_to_load + num_row_oov_buckets`` rows and ``new_col_vocab_size +
      num_col_oov_buckets`` columns.

    Raises:
      ValueError: a number of buckets is negative, one vocabulary of two is given, or none at all.
    """
    for name, count in (("num_row_oov_buckets", num_row_oov_buckets), ("num_col_oov_buckets", num_col_oov_buckets)):
        if count < 0:
            raise ValueError(f"{name} must be >= 0, but received {count}")
    for kind, old, new in (
        ("row", old_row_vocab_file, new_row_vocab_file),
        ("col", old_col_vocab_file, new_col_vocab_file),
    ):
        if (old is None) != (new is None):
            raise ValueError(
                f"old_{kind}_vocab_file and new_{kind}_vocab_file must both be specified or left unspecified. "
                f"old_{kind}_vocab_file='{old}', new_{kind}_vocab_file='{new}'"
            )
    if new_row_vocab_file is None and new_col_vocab_file is None:
        raise ValueError(
            "Must provide either row or column vocab files. If no remapping is necessary, consider using "
            "`tf.contrib.framework.init_from_checkpoint` instead."
        )
    rows_present: Any = num_rows_to_load
    if new_row_vocab_file is not None:
        rows, rows_present = generate_vocab_remapping_op(
            new_row_vocab_file,
            old_row_vocab_file,
            new_vocab_offset=new_row_vocab_offset,
            num_new_vocab=num_rows_to_load,
            old_vocab_size=old_row_vocab_size,
        )
    else:
        rows = raw.Range(
            dtypes.int64.as_numpy_dtype(new_row_vocab_offset),
            dtypes.int64.as_numpy_dtype(new_row_vocab_offset + num_rows_to_load),
            dtypes.int64.as_numpy_dtype(1),
        )
    columns: Any = raw.Fill([0], dtypes.int64.as_numpy_dtype(0))
    columns_present: Any = new_col_vocab_size
    if new_col_vocab_file is not None:
        columns, columns_present = generate_vocab_remapping_op(
            new_col_vocab_file, old_col_vocab_file, new_vocab_offset=0, num_new_vocab=new_col_vocab_size
        )
    # A whole matrix, whose shape is known: initializers that depend on the numbers of rows and columns can be used.
    spare = raw.Reshape(initializer([num_rows_to_load, new_col_vocab_size]), [-1])
    missing = num_rows_to_load * new_col_vocab_size - rows_present * columns_present
    result = load_and_remap_matrix_op(
        ckpt_path,
        old_tensor_name,
        rows,
        columns,
        raw.Slice(spare, [0], raw.Reshape(missing, [1])),
        num_rows=num_rows_to_load,
        num_cols=new_col_vocab_size,
        max_rows_in_memory=max_rows_in_memory,
    )
    if num_row_oov_buckets:
        result = raw.ConcatV2([result, initializer([num_row_oov_buckets, new_col_vocab_size])], 0)
    if num_col_oov_buckets:
        result = raw.ConcatV2([result, initializer([num_rows_to_load + num_row_oov_buckets, num_col_oov_buckets])], 1)
    return result


def load_and_remap_matrix_initializer(
    ckpt_path: Any,
    old_tensor_name: str,
    new_row_vocab_size: int,
    new_col_vocab_size: int,
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Any]:
    """Returns an initializer, of a variable or a part of one, that reads what :func:`load_and_remap_matrix` does.

    Args:
      ckpt_path: the prefix of the checkpoint.
      old_tensor_name: the name of the matrix in it.
      new_row_vocab_size, new_col_vocab_size: the numbers of rows and columns, less those for unknown words.
      old_row_vocab_size: how many words of the old vocabulary of rows count; -1 for all.
      old_row_vocab_file, new_row_vocab_file: the vocabularies of the rows, a word a line; None if they are the same.
      old_col_vocab_file, new_col_vocab_file: those of the columns.
      num_row_oov_buckets, num_col_oov_buckets: how many rows and columns for unknown words follow.
      initializer: gives what the checkpoint has not; zeros if None.
      max_rows_in_memory: how many rows to read at once; all if it is not positive.

    Raises:
      TypeError: ``initializer`` cannot be called.
    """
    fill = Zeros() if initializer is None else initializer
    if not callable(fill):
        raise TypeError(f"initializer must be callable, instead of being {fill} of type {type(fill)}.")
    columns = new_col_vocab_size + num_col_oov_buckets
    rows = new_row_vocab_size + num_row_oov_buckets

    def initialize(shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Any:
        if dtypes.as_dtype(dtype) != dtypes.float32:
            raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
        sizes: list[Any] = as_shape(shape).as_list()
        if len(sizes) != 2:
            raise ValueError(f"Expected 2-dim shape, but received: {sizes}")
        if sizes[0] <= 0:
            raise ValueError(f"Expected 1st dim of shape to be > 0, but received shape: {sizes}")
        if sizes[1] != columns:
            raise ValueError(
                f"Expected 2nd dim of shape to be new_col_vocab_size ({new_col_vocab_size}) + num_col_oov_buckets "
                f"({num_col_oov_buckets}) = {columns}, but received shape: {sizes}"
            )
        offset = 0 if partition_info is None else partition_info.single_offset(sizes)
        if offset + sizes[0] > rows:
            raise ValueError(
                f"Trying to initialize {sizes[0]} additional rows after {offset} rows have already been initialized, "
                "which would exceed expected total row count of new_row_vocab_size "
                f"({new_row_vocab_size}) + num_row_oov_buckets ({num_row_oov_buckets}) = {rows}."
            )
        unknown = min(sizes[0], max(0, offset + sizes[0] - new_row_vocab_size))
        if unknown == sizes[0]:
            return fill(sizes)
        return load_and_remap_matrix(
            ckpt_path=ckpt_path,
            old_tensor_name=old_tensor_name,
            new_row_vocab_offset=offset,
            num_rows_to_load=sizes[0] - unknown,
            new_col_vocab_size=new_col_vocab_size,
            initializer=fill,
            old_row_vocab_size=old_row_vocab_size,
            old_row_vocab_file=old_row_vocab_file,
            new_row_vocab_file=new_row_vocab_file,
            old_col_vocab_file=old_col_vocab_file,
            new_col_vocab_file=new_col_vocab_file,
            num_row_oov_buckets=unknown,
            num_col_oov_buckets=num_col_oov_buckets,
            max_rows_in_memory=max_rows_in_memory,
        )

    return initialize


def load_embedding_initializer(
    ckpt_path: Any,
    embedding_tensor_name: str,
    new_vocab_size: int,
    embedding_dim: int,
    old_vocab_file: Any,
    new_vocab_file: Any,
    old_vocab_size: int = -1,
    num_oov_buckets: int = 0,
    initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Any]:
    """Returns an initializer that takes the vectors of words from a checkpoint with another vocabulary.

    Args:
      ckpt_path: the prefix of the checkpoint.
      embedding_tensor_name: the name of the matrix in it, a row a word.
      new_vocab_size: the number of words now.
      embedding_dim: the size of a vector.
      old_vocab_file, new_vocab_file: the vocabularies, a word a line.
      old_vocab_size: how many words of the old one count; -1 for all.
      num_oov_buckets: how many rows for unknown words follow.
      initializer: gives the vectors of new words; a truncated normal distribution of deviation ``1 /
        sqrt(embedding_dim)`` if None.
      max_rows_in_memory: how many rows to read at once; all if it is not positive.
    """
    if initializer is None:
        initializer = truncated_normal_initializer(stddev=1.0 / math.sqrt(embedding_dim))
    return load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path,
        old_tensor_name=embedding_tensor_name,
        new_row_vocab_size=new_vocab_size,
        new_col_vocab_size=embedding_dim,
        old_row_vocab_size=old_vocab_size,
        old_row_vocab_file=old_vocab_file,
        new_row_vocab_file=new_vocab_file,
        num_row_oov_buckets=num_oov_buckets,
        initializer=initializer,
        max_rows_in_memory=max_rows_in_memory,
    )
