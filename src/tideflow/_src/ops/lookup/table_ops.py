"""Lookup tables as operations: making them, filling them, and what is done with them through their handles.

Each comes twice: with a resource handle, and, without ``V2`` in its name, with the reference of TensorFlow 1.x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.lookup import vocabulary
from tideflow._src.ops.lookup.table_resources import HashTable, MutableDenseHashTable, MutableHashTable, Table
from tideflow._src.runtime.buffers import ResourceHandle, resources
from tideflow._src.runtime.op import op

_MAKER = {"tier": "host", "stateful": True, "differentiable": False}
_EFFECT = {"tier": "host", "stateful": True, "differentiable": False}
_UNREGISTERED: dict[str, Any] = {"differentiable": "missing"}
#: Operations on references are not stateful by their definitions, but those without outputs run for their effect.
_REFERENCE = {"tier": "host", "differentiable": False}


def table_of(handle: Any) -> Table:
    """Returns the table that a handle refers to.

    Raises:
      InvalidArgumentError: it refers to something else.
    """
    table = getattr(handle, "resource", None)
    if not isinstance(table, Table):
        raise InvalidArgumentError(
            None,
            None,
            f"Trying to access a handle's resource using the wrong type: expected a lookup table, got {handle!r}.",
        )
    return table


def _handle(container: str, shared_name: str, kind: type, create: Callable[[], Table]) -> ResourceHandle:
    """Returns the handle of the table of that name, made at the first call; without a name, of a new one."""
    if not shared_name:
        table = create()
        return ResourceHandle(table, table.name)
    container = container or "localhost"
    wanted = create()
    table = resources().get_or_create(container, shared_name, kind, lambda: wanted)
    table.check_dtypes(wanted.key_dtype, wanted.value_dtype)
    return ResourceHandle(table, shared_name, container)


# Making tables.


def _hash_table(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
):
    """Gives the handle of a table that is filled once."""
    name = shared_name or "hash_table"
    return _handle(container, shared_name, HashTable, lambda: HashTable(name, key_dtype, value_dtype))


def _mutable_hash_table(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
):
    """Gives the handle of a table whose entries come and go, each value a scalar."""
    name = shared_name or "table"
    return _handle(container, shared_name, MutableHashTable, lambda: MutableHashTable(name, key_dtype, value_dtype))


def _value_shape(value_shape: Any) -> tuple[int, ...]:
    if value_shape is None or None in value_shape:
        raise InvalidArgumentError(
            None, None, f"The shape of a table's values must be known, got {shape_text(value_shape)}"
        )
    return tuple(value_shape)


def _vectors(shape: Any) -> tuple[int, ...]:
    shape = _value_shape(shape)
    if len(shape) != 1:
        raise InvalidArgumentError(None, None, f"Default value must be a vector, got shape {shape_text(shape)}")
    return shape


def _mutable_hash_table_of_tensors(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
    value_shape: Shape = (),
):
    """Gives the handle of a table whose entries come and go, each value a vector."""
    name, shape = shared_name or "table", _vectors(value_shape)
    return _handle(
        container, shared_name, MutableHashTable, lambda: MutableHashTable(name, key_dtype, value_dtype, shape)
    )


def _dtype_of(value: Any) -> DType:
    return dtypes.as_dtype(np.asarray(value).dtype)


def _dense(
    container: str,
    shared_name: str,
    types: tuple[DType, DType],
    shape: Any,
    keys: tuple[Any, Any],
    buckets: int,
    load: float,
) -> ResourceHandle:
    shape = _value_shape(shape)
    if buckets < 4 or buckets & (buckets - 1):
        raise InvalidArgumentError(None, None, f"Number of buckets must be at least 4 and a power of 2, got: {buckets}")
    if not 0 < load < 1:
        raise InvalidArgumentError(None, None, f"max_load_factor must be between 0 and 1, got: {load}")
    name = shared_name or "table"
    return _handle(
        container,
        shared_name,
        MutableDenseHashTable,
        lambda: MutableDenseHashTable(name, *types, shape, *keys, buckets, load),
    )


def _mutable_dense_hash_table(
    empty_key,
    deleted_key,
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: DType,
    value_shape: Shape = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.8,
):
    """Gives the handle of a table whose entries come and go, with two keys set apart."""
    return _dense(
        container,
        shared_name,
        (_dtype_of(empty_key), value_dtype),
        value_shape,
        (empty_key, deleted_key),
        initial_num_buckets,
        max_load_factor,
    )


hash_table_v2 = op("HashTableV2", "-> table_handle: resource", **_MAKER)(_hash_table)
hash_table_v1 = op("HashTable", "-> table_handle: Ref(string)", **_MAKER)(_hash_table)
mutable_hash_table_v2 = op("MutableHashTableV2", "-> table_handle: resource", **_MAKER)(_mutable_hash_table)
mutable_hash_table_v1 = op("MutableHashTable", "-> table_handle: Ref(string)", **_MAKER)(_mutable_hash_table)
mutable_hash_table_of_tensors_v2 = op("MutableHashTableOfTensorsV2", "-> table_handle: resource", **_MAKER)(
    _mutable_hash_table_of_tensors
)
mutable_hash_table_of_tensors_v1 = op("MutableHashTableOfTensors", "-> table_handle: Ref(string)", **_MAKER)(
    _mutable_hash_table_of_tensors
)
mutable_dense_hash_table_v2 = op(
    "MutableDenseHashTableV2", "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource", **_MAKER
)(_mutable_dense_hash_table)


@op("MutableDenseHashTable", "empty_key: key_dtype -> table_handle: Ref(string)", **_MAKER)
def mutable_dense_hash_table_v1(
    empty_key,
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: DType,
    value_shape: Shape = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.8,
):
    """Gives the reference of a table whose entries come and go, with one key set apart."""
    return _dense(
        container,
        shared_name,
        (_dtype_of(empty_key), value_dtype),
        value_shape,
        (empty_key, None),
        initial_num_buckets,
        max_load_factor,
    )


@op("AnonymousHashTable", "-> table_handle: resource", **(_MAKER | _UNREGISTERED))
def anonymous_hash_table(*, key_dtype: DType, value_dtype: DType):
    """Gives the handle of a new table that is filled once; it lives as long as its handle."""
    return _hash_table(key_dtype=key_dtype, value_dtype=value_dtype)


@op("AnonymousMutableHashTable", "-> table_handle: resource", **(_MAKER | _UNREGISTERED))
def anonymous_mutable_hash_table(*, key_dtype: DType, value_dtype: DType):
    """Gives the handle of a new table whose entries come and go; it lives as long as its handle."""
    return _mutable_hash_table(key_dtype=key_dtype, value_dtype=value_dtype)


@op("AnonymousMutableHashTableOfTensors", "-> table_handle: resource", **(_MAKER | _UNREGISTERED))
def anonymous_mutable_hash_table_of_tensors(*, key_dtype: DType, value_dtype: DType, value_shape: Shape = ()):
    """Gives the handle of a new table of vectors; it lives as long as its handle."""
    return _mutable_hash_table_of_tensors(key_dtype=key_dtype, value_dtype=value_dtype, value_shape=value_shape)


@op(
    "AnonymousMutableDenseHashTable",
    "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource",
    **(_MAKER | _UNREGISTERED),
)
def anonymous_mutable_dense_hash_table(
    empty_key,
    deleted_key,
    *,
    value_dtype: DType,
    value_shape: Shape = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.8,
):
    """Gives the handle of a new table with two keys set apart; it lives as long as its handle."""
    types, keys = (_dtype_of(empty_key), value_dtype), (empty_key, deleted_key)
    return _dense("", "", types, value_shape, keys, initial_num_buckets, max_load_factor)


for _maker in (
    hash_table_v2,
    mutable_hash_table_v2,
    mutable_hash_table_of_tensors_v2,
    anonymous_hash_table,
    anonymous_mutable_hash_table,
    anonymous_mutable_hash_table_of_tensors,
):
    _maker.shape(lambda: ())
for _maker in (hash_table_v1, mutable_hash_table_v1, mutable_hash_table_of_tensors_v1):
    _maker.shape(lambda: (2,))
for _maker in (mutable_dense_hash_table_v2, anonymous_mutable_dense_hash_table):
    _maker.shape(lambda empty_key, deleted_key: ())
mutable_dense_hash_table_v1.shape(lambda empty_key: (2,))


# Filling tables.


def _initialize_table(table_handle, keys, values):
    """Fills a table with keys and their values, two vectors."""
    for name, item in (("Keys", keys), ("Values", values)):
        if np.ndim(item) != 1:
            raise InvalidArgumentError(
                None, None, f"{name} must be a vector, but received shape {shape_text(np.shape(item))}"
            )
    if np.size(keys) != np.size(values):
        raise InvalidArgumentError(
            None,
            None,
            "Keys and values must have the same size, but received shapes "
            f"{shape_text(np.shape(keys))} and {shape_text(np.shape(values))}",
        )
    if not np.size(keys):
        raise InvalidArgumentError(None, None, "keys and values cannot be empty tensors.")
    table_of(table_handle).initialize(keys, values)


initialize_table_v2 = op("InitializeTableV2", "table_handle: resource, keys: Tkey, values: Tval ->", **_EFFECT)(
    _initialize_table
)
initialize_table_v1 = op("InitializeTable", "table_handle: Ref(string), keys: Tkey, values: Tval ->", **_REFERENCE)(
    _initialize_table
)


def _initialize_table_shape(table_handle, keys, values):
    if keys is not None and len(keys) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(keys)}")
    if values is not None and len(values) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(values)}")
    if keys and values and None not in (keys[0], values[0]) and keys != values:
        raise ValueError(
            f"Dimension 0 in both shapes must be equal, but are {keys[0]} and {values[0]}. Shapes are "
            f"{shape_text(keys)} and {shape_text(values)}."
        )
    return []


def _initialize_table_from_text_file(
    table_handle,
    filename,
    *,
    key_index: int,
    value_index: int,
    vocab_size: int = -1,
    delimiter: str = "\t",
    offset: int = 0,
):
    """Fills a table from the lines of a file."""
    if np.ndim(filename):
        raise InvalidArgumentError(
            None, None, f"filename should be a single string, but got shape {shape_text(np.shape(filename))}"
        )
    table = table_of(table_handle)
    path = filename.item() if isinstance(filename, np.ndarray) else filename
    columns = vocabulary.Columns(key_index, value_index, vocab_size, delimiter, offset)
    table.initialize(*columns.read(path, table.key_dtype, table.value_dtype))


_TEXT_FILE = {"key_index": at_least(-2), "value_index": at_least(-2), "vocab_size": at_least(-1, default=-1)}
initialize_table_from_text_file_v2 = op(
    "InitializeTableFromTextFileV2", "table_handle: resource, filename: string ->", **_EFFECT, **_TEXT_FILE
)(_initialize_table_from_text_file)
initialize_table_from_text_file_v1 = op(
    "InitializeTableFromTextFile", "table_handle: Ref(string), filename: string ->", **_REFERENCE, **_TEXT_FILE
)(_initialize_table_from_text_file)


def _text_file_shape(table_handle, filename):
    if filename is not None and len(filename):
        raise ValueError(f"Shape must be rank 0 but is rank {len(filename)}")
    return []


def _import(table_handle, keys, values):
    """Makes a table hold these keys and values only."""
    table_of(table_handle).replace(keys, values)


def _insert(table_handle, keys, values):
    """Sets the values of keys."""
    table_of(table_handle).insert(keys, values)


lookup_table_import_v2 = op(
    "LookupTableImportV2", "table_handle: resource, keys: Tin, values: Tout ->", **(_EFFECT | _UNREGISTERED)
)(_import)
lookup_table_import_v1 = op(
    "LookupTableImport", "table_handle: Ref(string), keys: Tin, values: Tout ->", **(_REFERENCE | _UNREGISTERED)
)(_import)
lookup_table_insert_v2 = op("LookupTableInsertV2", "table_handle: resource, keys: Tin, values: Tout ->", **_EFFECT)(
    _insert
)
lookup_table_insert_v1 = op("LookupTableInsert", "table_handle: Ref(string), keys: Tin, values: Tout ->", **_REFERENCE)(
    _insert
)


@op("LookupTableRemoveV2", "table_handle: resource, keys: Tin ->", **(_EFFECT | _UNREGISTERED))
def lookup_table_remove_v2(table_handle, keys):
    """Removes keys from a table."""
    table_of(table_handle).remove(keys)


@lookup_table_remove_v2.shape
def _remove_shape(table_handle, keys):
    if keys is not None and not keys:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return []


# Asking tables.


def _find(table_handle, keys, default_value):
    """Gives the values of keys, and ``default_value`` for those that are not in the table."""
    return table_of(table_handle).find(keys, default_value)


lookup_table_find_v2 = op(
    "LookupTableFindV2", "table_handle: resource, keys: Tin, default_value: Tout -> values: Tout", **_EFFECT
)(_find)
lookup_table_find_v1 = op(
    "LookupTableFind", "table_handle: Ref(string), keys: Tin, default_value: Tout -> values: Tout", **_REFERENCE
)(_find)


def _size(table_handle):
    """Gives the number of entries of a table."""
    return np.int64(len(table_of(table_handle)))


lookup_table_size_v2 = op("LookupTableSizeV2", "table_handle: resource -> size: int64", **_EFFECT)(_size)
lookup_table_size_v1 = op("LookupTableSize", "table_handle: Ref(string) -> size: int64", **_REFERENCE)(_size)


def _export(table_handle, *, Tkeys: DType, Tvalues: DType):
    """Gives the keys of a table and their values."""
    table = table_of(table_handle)
    table.check_dtypes(Tkeys, Tvalues)
    return table.export()


lookup_table_export_v2 = op(
    "LookupTableExportV2", "table_handle: resource -> keys: Tkeys, values: Tvalues", **(_EFFECT | _UNREGISTERED)
)(_export)
lookup_table_export_v1 = op(
    "LookupTableExport", "table_handle: Ref(string) -> keys: Tkeys, values: Tvalues", **(_REFERENCE | _UNREGISTERED)
)(_export)

for _operation in (initialize_table_v2, initialize_table_v1):
    _operation.shape(_initialize_table_shape)
for _operation in (initialize_table_from_text_file_v2, initialize_table_from_text_file_v1):
    _operation.shape(_text_file_shape)
for _operation in (lookup_table_import_v2, lookup_table_import_v1, lookup_table_insert_v2, lookup_table_insert_v1):
    _operation.shape(lambda table_handle, keys, values: [])
for _operation in (lookup_table_find_v2, lookup_table_find_v1):
    _operation.shape(lambda table_handle, keys, default_value: None)
for _operation in (lookup_table_size_v2, lookup_table_size_v1):
    _operation.shape(lambda table_handle: ())
lookup_table_export_v2.shape(lambda table_handle: (None, None))
lookup_table_export_v1.shape(lambda table_handle: ((None,), None))


_WORDS = np.array([b"a", b"b", b"c"], object)
_NUMBERS = np.array([1, 2, 3], np.int64)
_TYPES: dict[str, Any] = {"key_dtype": "string", "value_dtype": "int64"}


def _table(s: Any, op_name: str = "MutableHashTableV2", **attributes: Any) -> Any:
    """Returns a table of its own for a sample: eagerly, TensorFlow shares those that have no name."""
    name = f"{s.definition.name}_{s.random.integers(1 << 62)}"
    return s.produced(op_name, **(_TYPES | {"shared_name": name} | attributes))


@initialize_table_v2.samples
def _initialize_table_samples(s):
    yield s(_table(s, "HashTableV2"), _WORDS, _NUMBERS)
    yield s(_table(s), _WORDS, _NUMBERS, error="InvalidArgumentError")
    yield s(_table(s, "HashTableV2"), _WORDS, _NUMBERS[:2], error="InvalidArgumentError")
    yield s(_table(s, "HashTableV2"), _WORDS, np.float32([1, 2, 3]), error="InvalidArgumentError")
    twice = np.array([b"a", b"a"], object)
    yield s(_table(s, "HashTableV2"), twice, _NUMBERS[:2], error="FailedPreconditionError")


@lookup_table_find_v2.samples
def _find_samples(s):
    table = _table(s)
    filled = [s.of("LookupTableInsertV2", table, _WORDS, _NUMBERS)]
    wanted = np.array([[b"b", b"z"]], object)
    yield s(table, wanted, np.int64(-1), before=filled)
    yield s(table, wanted, np.array([[-1, -2]], np.int64), before=filled)
    yield s(table, wanted, np.int64([1, 2, 3]), error="InvalidArgumentError")
    yield s(table, wanted, np.float32(1), error="InvalidArgumentError")
    many = _table(s, key_dtype="int64", value_dtype="float32")
    keys = s.random.integers(-(1 << 62), 1 << 62, 500)
    filled = [s.of("LookupTableInsertV2", many, keys, s.normal(500))]
    yield s(many, np.concatenate([keys[::2], keys[:9] + 1]), np.float32(0), before=filled)
    yield s(_table(s, "HashTableV2"), wanted, np.int64(-1), error="FailedPreconditionError")


@lookup_table_insert_v2.samples
def _insert_samples(s):
    yield s(_table(s), _WORDS, _NUMBERS)
    yield s(_table(s), _WORDS, _NUMBERS[:2], error="InvalidArgumentError")
    vectors = _table(s, "MutableHashTableOfTensorsV2", value_shape=(2,))
    yield s(vectors, _WORDS, np.ones((3, 2), np.int64))
    yield s(vectors, _WORDS, np.ones((3, 1), np.int64), error="InvalidArgumentError")
    yield s(_table(s, "HashTableV2"), _WORDS, _NUMBERS, error="UnimplementedError")


@lookup_table_import_v2.samples
def _import_samples(s):
    yield s(_table(s), _WORDS, _NUMBERS)
    yield s(_table(s, "HashTableV2"), _WORDS, _NUMBERS)
    yield s(_table(s), _WORDS, _NUMBERS[:2], error="InvalidArgumentError")


@lookup_table_remove_v2.samples
def _remove_samples(s):
    table = _table(s)
    yield s(table, _WORDS[1:], before=[s.of("LookupTableInsertV2", table, _WORDS[:2], _NUMBERS[:2])])
    yield s(table, _NUMBERS, error="InvalidArgumentError")


@lookup_table_size_v2.samples
def _size_samples(s):
    table = _table(s)
    inserted = s.of("LookupTableInsertV2", table, _WORDS, _NUMBERS)
    yield s(table, before=[inserted, s.of("LookupTableRemoveV2", table, _WORDS[:1])])
    yield s(s.variable(s.normal(2)), error="InvalidArgumentError")


@lookup_table_export_v2.samples
def _export_samples(s):
    table = _table(s)
    inserted = s.of("LookupTableInsertV2", table, _WORDS[:1], _NUMBERS[:1])
    yield s(table, Tkeys="string", Tvalues="int64", before=[inserted])


def _maker_samples(s: Any) -> Any:
    for key, value in (("string", "int64"), ("int64", "float32"), ("int32", "int32")):
        yield s(key_dtype=key, value_dtype=value)


def _vector_maker_samples(s: Any) -> Any:
    yield s(value_shape=(2,), **_TYPES)
    yield s(value_shape=(), error="InvalidArgumentError", **_TYPES)


def _dense_maker_samples(s: Any) -> Any:
    keys = [np.int64(number) for number in range(len(s.definition.inputs))]
    yield s(*keys, value_dtype="int64")
    yield s(*keys, value_dtype="int64", value_shape=(2,), initial_num_buckets=8)
    yield s(*keys, value_dtype="int64", initial_num_buckets=7, error="InvalidArgumentError")
    yield s(*keys, value_dtype="int64", max_load_factor=1.5, error="InvalidArgumentError")


for _maker in (
    hash_table_v2,
    hash_table_v1,
    mutable_hash_table_v2,
    mutable_hash_table_v1,
    anonymous_hash_table,
    anonymous_mutable_hash_table,
):
    _maker.samples(_maker_samples)
for _maker in (
    mutable_hash_table_of_tensors_v2,
    mutable_hash_table_of_tensors_v1,
    anonymous_mutable_hash_table_of_tensors,
):
    _maker.samples(_vector_maker_samples)
for _maker in (mutable_dense_hash_table_v2, mutable_dense_hash_table_v1, anonymous_mutable_dense_hash_table):
    _maker.samples(_dense_maker_samples)


def _samples_file() -> Any:
    import os
    import tempfile  # only tests ask for samples

    path = os.path.join(tempfile.gettempdir(), "tideflow_samples", "vocabulary")
    return np.array(path.encode(), object)


@initialize_table_from_text_file_v2.samples
def _text_file_samples(s):
    path = _samples_file()
    written = [s.of("WriteFile", path, b"a\t1\nb\t2\n")]
    yield s(_table(s, "HashTableV2"), path, key_index=0, value_index=1, before=written)
    yield s(_table(s, "HashTableV2"), path, key_index=-2, value_index=-1, offset=4, before=written)
    bad = {"before": written, "error": "InvalidArgumentError"}
    yield s(_table(s, "HashTableV2"), path, key_index=0, value_index=2, **bad)
    yield s(_table(s, "HashTableV2"), path, key_index=0, value_index=0, **bad)
    yield s(_table(s, "HashTableV2"), path, key_index=0, value_index=1, vocab_size=3, **bad)
    missing = np.array(path.item() + b"_missing", object)
    yield s(_table(s, "HashTableV2"), missing, key_index=0, value_index=1, error="NotFoundError")


def _reference(s: Any, op_name: str = "MutableHashTable") -> Any:
    return s.produced(op_name, **_TYPES)


@initialize_table_v1.samples
def _initialize_reference_samples(s):
    yield s(_reference(s, "HashTable"), _WORDS, _NUMBERS)


@initialize_table_from_text_file_v1.samples
def _text_file_reference_samples(s):
    written = [s.of("WriteFile", _samples_file(), b"a\t1\nb\t2\n")]
    yield s(_reference(s, "HashTable"), _samples_file(), key_index=0, value_index=1, before=written)


@lookup_table_import_v1.samples
@lookup_table_insert_v1.samples
def _insert_reference_samples(s):
    yield s(_reference(s), _WORDS, _NUMBERS)


@lookup_table_find_v1.samples
def _find_reference_samples(s):
    table = _reference(s)
    yield s(table, _WORDS, np.int64(-1), before=[s.of("LookupTableInsert", table, _WORDS[:2], _NUMBERS[:2])])


@lookup_table_size_v1.samples
def _size_reference_samples(s):
    table = _reference(s)
    yield s(table, before=[s.of("LookupTableInsert", table, _WORDS, _NUMBERS)])


@lookup_table_export_v1.samples
def _export_reference_samples(s):
    table = _reference(s)
    inserted = s.of("LookupTableInsert", table, _WORDS[:1], _NUMBERS[:1])
    yield s(table, Tkeys="string", Tvalues="int64", before=[inserted])
