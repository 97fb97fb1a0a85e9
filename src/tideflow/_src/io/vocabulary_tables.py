"""Tables of vocabularies, made in one call: of ``tf.contrib.lookup``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.io.lookup_initializers import KeyValueTensorInitializer, TextFileIndex, TextFileInitializer
from tideflow._src.io.lookup_tables import StaticHashTableV1, StaticVocabularyTableV1
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import convert_to_tensor


def index_table_from_tensor(
    vocabulary_list: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: Any = None,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Returns a table that gives keys their places in a list.

    Args:
      vocabulary_list: a vector of strings or integers.
      num_oov_buckets: how many further numbers there are for other keys, which get one by their hash.
      default_value: the number of other keys, where there are no further ones.
      hasher_spec: not used: keys are hashed fast.
      dtype: the type of the keys that are looked up.
      name: not used.

    Raises:
      ValueError: there is no list, or it is of another type, or `num_oov_buckets` is negative.
      TypeError: the type of keys is neither a string nor an integer.
    """
    del hasher_spec, name
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    dtype = _checked(dtype, num_oov_buckets, "`dtype` must either be integer or string.")
    keys = convert_to_tensor(vocabulary_list)
    if keys.dtype.is_integer != dtype.is_integer:
        raise ValueError(
            f"Invalid `dtype`: Expected {'integer' if dtype.is_integer else 'non-integer'}, got {keys.dtype}."
        )
    keys = cast(keys, dtypes.int64) if dtype.is_integer else keys
    numbers = cast(raw.Range(0, raw.Size(keys), 1), dtypes.int64)
    return _table(KeyValueTensorInitializer(keys, numbers), num_oov_buckets, default_value, dtype)


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: Any = None,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:
    """Returns a table that gives the lines of a file their numbers.

    Args:
      vocabulary_file: the file.
      num_oov_buckets: how many further numbers there are for other keys, which get one by their hash.
      vocab_size: how many lines are read; all by default.
      default_value: the number of other keys, where there are no further ones.
      hasher_spec: not used: keys are hashed fast.
      key_dtype: the type of the keys that are looked up.
      name: not used.
      key_column_index: the column of the key; the whole line by default.
      value_column_index: the column of the number; the line's by default.
      delimiter: what columns are separated by.

    Raises:
      ValueError: there is no file, or a number is negative.
      TypeError: the type of keys is neither a string nor an integer.
    """
    del hasher_spec, name
    _check_file(vocabulary_file, vocab_size)
    dtype = _checked(key_dtype, num_oov_buckets, "Dtype for `keys` should be either integer or string.")
    stored = dtypes.int64 if dtype.is_integer else dtype
    content = TextFileInitializer(
        vocabulary_file, stored, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter
    )
    return _table(content, num_oov_buckets, default_value, dtype)


def index_to_string_table_from_tensor(vocabulary_list: Any, default_value: Any = "UNK", name: str | None = None) -> Any:
    """Returns a table that gives places in a list the strings that are there.

    Args:
      vocabulary_list: a vector of strings.
      default_value: the string of other numbers.
      name: not used.

    Raises:
      ValueError: there is no list.
    """
    del name
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    words = convert_to_tensor(vocabulary_list, dtypes.string)
    numbers = cast(raw.Range(0, raw.Size(words), 1), dtypes.int64)
    return StaticHashTableV1(KeyValueTensorInitializer(numbers, words), default_value)


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: Any = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> Any:
    """Returns a table that gives the numbers of lines of a file the lines; see `index_table_from_file`."""
    del name
    _check_file(vocabulary_file, vocab_size)
    content = TextFileInitializer(
        vocabulary_file, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size, delimiter
    )
    return StaticHashTableV1(content, default_value)


def _table(content: Any, num_oov_buckets: int, default_value: int, dtype: Any) -> Any:
    if num_oov_buckets:
        return StaticVocabularyTableV1(content, num_oov_buckets, lookup_key_dtype=dtype)
    return StaticHashTableV1(content, default_value)


def _checked(dtype: Any, num_oov_buckets: int, message: str) -> Any:
    if num_oov_buckets < 0:
        raise ValueError(f"`num_oov_buckets` must be greater or equal than 0, got {num_oov_buckets}.")
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_integer and dtype is not dtypes.string:
        raise TypeError(message)
    return dtype


def _check_file(vocabulary_file: Any, vocab_size: int | None) -> None:
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("`vocabulary_file` must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(
            f"`vocab_size` must be greater than 0, got {vocab_size} for vocabulary_file: {vocabulary_file}."
        )
