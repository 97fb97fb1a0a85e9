"""``tf.lookup``: tables from keys to values, filled once or changed as a program runs."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.io.captured_resource import TrackableResource
from tideflow._src.io.lookup_initializers import TableInitializerBase
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.math.arithmetic import add
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.comparison import not_equal
from tideflow._src.ops.ragged.ragged_tensor import is_ragged
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor
from tideflow._src.state.variable_collections import tables_initializer


def _in_place(keys: Any, values: Any, shape: Any = ()) -> Any:
    """Returns the values of keys in the form of the keys: a tensor, or a sparse or ragged one."""
    values.set_shape(_flat(keys).shape.concatenate(TensorShape(shape)))
    if is_ragged(keys):
        return keys.with_flat_values(values)
    return SparseTensor(keys.indices, values, keys.dense_shape) if isinstance(keys, SparseTensor) else values


def _flat(keys: Any) -> Any:
    """Returns the keys of a sparse or ragged tensor as a tensor."""
    if is_ragged(keys):
        return keys.flat_values
    return keys.values if isinstance(keys, SparseTensor) else keys


class LookupInterface(TrackableResource):
    """Maps keys to values; the class of all tables.

    Args:
      key_dtype: the type of the keys.
      value_dtype: the type of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)
        super().__init__()

    @property
    def key_dtype(self) -> DType:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of the values."""
        return self._value_dtype

    @property
    def name(self) -> Any:
        """The name of the operation that makes the table; None if there is none."""
        return None

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Returns the values of keys, as a tensor or sparse tensor like ``keys``."""
        raise TypeError(f"{type(self).__name__} does not define how keys are looked up.")

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)

    def _keys(self, keys: Any) -> Any:
        """Returns keys as a tensor, or a sparse or ragged one.

        Raises:
          TypeError: they are of another type than the table's keys.
        """
        if not isinstance(keys, Tensor | SparseTensor) and not is_ragged(keys):
            if not hasattr(keys, "dtype"):
                return convert_to_tensor(keys, self._key_dtype, name="keys")
            keys = convert_to_tensor(keys, name="keys")
        if keys.dtype.base_dtype is not self._key_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}")
        return keys


class _Resource(LookupInterface):
    """Is a table that a handle refers to."""

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        super().__init__(key_dtype, value_dtype)
        self._name: Any = None

    @property
    def name(self) -> Any:
        """The name of the operation that makes the table; None if the table was made eagerly."""
        return self._name

    def _created(self, handle: Any) -> None:
        self._resource_handle = handle
        self._name = None if context.current_graph() is None else handle.op.name.split("/")[-1]

    def size(self, name: str | None = None) -> Any:
        """Returns the number of entries as an int64 scalar."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return raw.LookupTableSizeV2(self.resource_handle)

    def _export(self, name: str | None, default_name: str) -> tuple[Any, Any]:
        with name_scope(name, f"{self.name}_{default_name}", [self.resource_handle]):
            keys, values = raw.LookupTableExportV2(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )
        return keys, values


_numbers = itertools.count()


def _shared_name() -> str | None:
    """Returns the name of an eager table in graphs that it is saved in; one of a graph has that of its node."""
    return f"table_{next(_numbers)}" if context.current_graph() is None else None


def _sharing(anonymous: bool, shared_name: str | None) -> dict[str, Any]:
    """Returns the attributes by which several nodes have the same table."""
    if anonymous:
        return {}
    return {"use_node_name_sharing": True} if shared_name is None else {"shared_name": shared_name}


def _here(tensor: Any) -> Any:
    """Returns a tensor as the operations of this context take it: a graph without a function takes no eager ones."""
    graph = context.current_graph()
    if graph is None or graph.building_function or not isinstance(tensor, EagerTensor):
        return tensor
    return convert_to_tensor(tensor.numpy(), tensor.dtype)


class InitializableLookupTableBase(_Resource):
    """Is a table that is filled once; the class of all that are.

    Args:
      default_value: the value of keys that are not in the table, a scalar.
      initializer: what fills the table.
    """

    def __init__(self, default_value: Any, initializer: TableInitializerBase) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        with init_scope():
            self._default_value = convert_to_tensor(default_value, self._value_dtype)
            self._default_value.shape.merge_with(TensorShape([]))
            self._initializer = self._track_trackable(initializer, "_initializer")
            self._created(self._create_resource())
            self._init_op = self._initialize()

    def _initialize(self) -> Any:
        return self._initializer.initialize(self)

    @property
    def default_value(self) -> Any:
        """The value of keys that are not in the table."""
        return self._default_value

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Returns the values of keys.

        Args:
          keys: a tensor of keys, or a sparse or ragged one.
          name: the name of the operation.

        Returns:
          A tensor like ``keys``, sparse or ragged as they are.

        Raises:
          TypeError: ``keys`` are of another type than the table's.
        """
        keys = self._keys(keys)
        flat = _flat(keys)
        with name_scope(name, f"{self.name}_Lookup", (self.resource_handle, flat, self._default_value)):
            values = raw.LookupTableFindV2(self.resource_handle, flat, self._default_value)
        return _in_place(keys, values)

    def export(self, name: str | None = None) -> tuple[Any, Any]:
        """Returns all keys, and their values, as two vectors in the same order."""
        keys, values = self._export(name, "Export")
        keys.set_shape((None,))
        values.set_shape((None,))
        return keys, values


class StaticHashTable(InitializableLookupTableBase):
    """Is a table that is filled once, when it is made (eagerly) or when its initializer runs (in a graph).

    >>> import tideflow as tf
    >>> content = tf.lookup.KeyValueTensorInitializer(["tide", "flow"], [1, 2])
    >>> table = tf.lookup.StaticHashTable(content, default_value=-1)
    >>> table.lookup(tf.constant(["flow", "ebb"])).numpy().tolist()
    [2, -1]

    Args:
      initializer: what fills the table: a ``KeyValueTensorInitializer`` or a ``TextFileInitializer``.
      default_value: the value of keys that are not in the table, a scalar.
      name: the name of the operation.
      experimental_is_anonymous: whether only this object can reach the table.
    """

    def __init__(
        self,
        initializer: TableInitializerBase,
        default_value: Any,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if not isinstance(initializer, TableInitializerBase):
            raise TypeError(f"`initializer` must be a tf.lookup initializer, got {initializer!r}")
        self._is_anonymous = experimental_is_anonymous
        self._table_name = name or "hash_table"
        self._shared_name = initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        super().__init__(default_value, initializer)
        self._value_shape = self._default_value.shape

    def _create_resource(self) -> Any:
        types = {"key_dtype": self._initializer.key_dtype, "value_dtype": self._initializer.value_dtype}
        if self._is_anonymous or context.current_graph() is None:
            return raw.AnonymousHashTable(**types, name=self._table_name)
        return raw.HashTableV2(shared_name=self._shared_name, **types, name=self._table_name)


class StaticHashTableV1(StaticHashTable):
    """Is a table that is filled once, with the operation that fills it as ``initializer``."""

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return self._init_op


class StaticVocabularyTable(LookupInterface):
    """Gives words the numbers of a vocabulary, and words outside it one of a few further numbers, by their hash.

    Args:
      initializer: the vocabulary: maps string or int64 keys to int64 numbers; None for none.
      num_oov_buckets: how many further numbers there are.
      lookup_key_dtype: the type of the keys that are looked up, if not that of the vocabulary.
      name: a name for the operations.
      experimental_is_anonymous: whether only this object can reach the table.

    Raises:
      ValueError: ``num_oov_buckets`` is not positive.
      TypeError: the vocabulary's types are not these.
    """

    def __init__(
        self,
        initializer: TableInitializerBase | None,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable.")
        self._table: StaticHashTableV1 | None = None
        name = name.rstrip("/") if name else None
        if initializer is not None:
            key_dtype = initializer.key_dtype if lookup_key_dtype is None else dtypes.as_dtype(lookup_key_dtype)
            if initializer.key_dtype not in (dtypes.int64, dtypes.string):
                raise TypeError(
                    f"Invalid `key_dtype`, expected one of (tf.int64, tf.string), but got {initializer.key_dtype!r}."
                )
            if initializer.key_dtype.is_integer != key_dtype.is_integer:
                kind = "integer" if key_dtype.is_integer else "non-integer"
                raise TypeError(f"Invalid `key_dtype`, expected {kind} but got {initializer.key_dtype!r}.")
            if initializer.value_dtype is not dtypes.int64:
                raise TypeError(f"Invalid `value_dtype`, expected {dtypes.int64} but got {initializer.value_dtype}.")
            self._table = StaticHashTableV1(initializer, -1, experimental_is_anonymous=experimental_is_anonymous)
            self._initializer = self._track_trackable(initializer, "_initializer")
            self._name = name or self._table.name
        else:
            key_dtype = dtypes.string
            self._name = name or "hash_bucket"
        self._num_oov_buckets = num_oov_buckets
        super().__init__(key_dtype, dtypes.int64)

    @property
    def name(self) -> Any:
        """The name of the table."""
        return self._name

    @property
    def resource_handle(self) -> Any:
        """The handle of the vocabulary's table; None if there is no vocabulary."""
        return None if self._table is None else self._table.resource_handle

    def _create_resource(self) -> Any:
        return None if self._table is None else self._table._create_resource()

    def _initialize(self) -> Any:
        return None if self._table is None else self._table._initialize()

    def size(self, name: str | None = None) -> Any:
        """Returns how many numbers there are, those outside the vocabulary included."""
        with name_scope(name, f"{self.name}_Size"):
            count = convert_to_tensor(0, dtypes.int64) if self._table is None else self._table.size()
            return count + self._num_oov_buckets

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Returns the numbers of keys, int64.

        Args:
          keys: a tensor of keys, or a sparse or ragged one.
          name: a name for the operations.

        Raises:
          TypeError: ``keys`` are of another type than the table's.
        """
        keys = self._keys(keys)
        flat = _flat(keys)
        if self._table is not None and self._table.key_dtype is dtypes.int64:
            flat = cast(flat, dtypes.int64)
        with name_scope(name, f"{self.name}_Lookup"):
            text = flat if flat.dtype is dtypes.string else raw.AsString(flat)
            numbers = raw.StringToHashBucketFast(text, num_buckets=self._num_oov_buckets, name="hash_bucket")
            if self._table is not None:
                known = self._table.lookup(flat)
                numbers = add(numbers, self._table.size())
                numbers = where_v2(not_equal(known, self._table.default_value), known, numbers)
        return _in_place(keys, numbers)


class StaticVocabularyTableV1(StaticVocabularyTable):
    """Is a ``StaticVocabularyTable`` with the operation that fills it as ``initializer``."""

    @property
    def initializer(self) -> Any:
        """The operation that fills the vocabulary."""
        return group() if self._table is None else self._table.initializer


class MutableHashTable(_Resource):
    """Is a table whose entries come and go as a program runs.

    Args:
      key_dtype: the type of the keys.
      value_dtype: the type of the values.
      default_value: the value of keys that are not in the table: a scalar or a vector, as all values then are.
      name: the name of the operation.
      checkpoint: whether checkpoints hold the entries; kept for TensorFlow's signature.
      experimental_is_anonymous: whether only this object can reach the table.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._checkpoint = checkpoint
        self._is_anonymous = experimental_is_anonymous
        self._table_name = name
        with init_scope():
            self._default_value = convert_to_tensor(default_value, self._value_dtype)
            self._value_shape = self._default_value.shape
            self._shared_name = _shared_name()
            self._created(self._create_resource())

    def _create_resource(self) -> Any:
        anonymous = self._is_anonymous or context.current_graph() is None
        types: dict[str, Any] = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype}
        attributes = types | {"name": self._table_name} | _sharing(anonymous, self._shared_name)
        if self._value_shape.rank == 0:
            maker = raw.AnonymousMutableHashTable if anonymous else raw.MutableHashTableV2
        else:
            maker = raw.AnonymousMutableHashTableOfTensors if anonymous else raw.MutableHashTableOfTensorsV2
            attributes["value_shape"] = self._value_shape
        return maker(**attributes)

    # What a checkpoint holds of the table; the key was there before tables said it this way.

    _LEGACY_SAVEABLE_NAME = "table"

    def _serialize_to_tensors(self) -> dict[str, Any]:
        keys, values = self.export()
        return {"-keys": keys, "-values": values}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return raw.LookupTableImportV2(self.resource_handle, restored_tensors["-keys"], restored_tensors["-values"])

    def lookup(  # type: ignore[override]
        self, keys: Any, dynamic_default_values: Any = None, name: str | None = None
    ) -> Any:
        """Returns the values of keys.

        Args:
          keys: a tensor of keys, or a sparse or ragged one.
          dynamic_default_values: the values of keys that are not in the table, one for each key, if not the table's
            default value.
          name: the name of the operation.
        """
        with name_scope(name, f"{self.name}_lookup_table_find", (self.resource_handle,)):
            keys = self._keys(keys)
            flat = _flat(keys)
            default = self._default_value
            if dynamic_default_values is not None:
                default = convert_to_tensor(dynamic_default_values, self._value_dtype)
            values = raw.LookupTableFindV2(self.resource_handle, flat, default)
        return _in_place(keys, values, self._value_shape)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Sets the values of keys.

        Args:
          keys: the keys.
          values: a value for each.
          name: the name of the operation.

        Returns:
          The operation in a graph, None when called eagerly.

        Raises:
          TypeError: keys or values are not of the table's types.
        """
        with name_scope(name, f"{self.name}_lookup_table_insert", [self.resource_handle]):
            keys = convert_to_tensor(keys, self._key_dtype, name="keys")
            values = convert_to_tensor(values, self._value_dtype, name="values")
            return raw.LookupTableInsertV2(self.resource_handle, keys, values)

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Removes keys; those that are not there are no error.

        Args:
          keys: the keys.
          name: the name of the operation.

        Returns:
          The operation in a graph, None when called eagerly.

        Raises:
          TypeError: the keys are not of the table's type.
        """
        if getattr(keys, "dtype", self._key_dtype) != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype!r}, got {keys.dtype!r}")
        with name_scope(name, f"{self.name}_lookup_table_remove", (self.resource_handle, keys)):
            keys = convert_to_tensor(keys, self._key_dtype, name="keys")
            return raw.LookupTableRemoveV2(self.resource_handle, keys)

    def export(self, name: str | None = None) -> tuple[Any, Any]:
        """Returns all keys, and their values, in the same order."""
        return self._export(name, "lookup_table_export_values")


class DenseHashTable(MutableHashTable):
    """Is a table whose entries come and go, for which two keys are set apart that nothing may use.

    Args:
      key_dtype: the type of the keys.
      value_dtype: the type of the values.
      default_value: the value of keys that are not in the table: a scalar or a vector, as all values then are.
      empty_key: the first key set apart: a scalar or a vector, as all keys then are.
      deleted_key: the other one.
      initial_num_buckets: the room there is at first, a power of two.
      name: the name of the operation.
      checkpoint: whether checkpoints hold the entries; kept for TensorFlow's signature.
      experimental_is_anonymous: whether only this object can reach the table.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        _Resource.__init__(self, key_dtype, value_dtype)
        self._checkpoint = checkpoint
        self._is_anonymous = experimental_is_anonymous
        self._table_name = name
        self._initial_num_buckets = 1 << 17 if initial_num_buckets is None else initial_num_buckets
        with init_scope():
            self._default_value = convert_to_tensor(default_value, self._value_dtype, name="default_value")
            self._value_shape = self._default_value.shape
            self._empty_key = convert_to_tensor(empty_key, self._key_dtype, name="empty_key")
            self._deleted_key = convert_to_tensor(deleted_key, self._key_dtype, name="deleted_key")
            self._key_shape = self._empty_key.shape
            self._shared_name = _shared_name()
            self._created(self._create_resource())

    def _create_resource(self) -> Any:
        anonymous = self._is_anonymous or context.current_graph() is None
        maker = raw.AnonymousMutableDenseHashTable if anonymous else raw.MutableDenseHashTableV2
        return maker(
            _here(self._empty_key),
            _here(self._deleted_key),
            value_dtype=self._value_dtype,
            value_shape=self._value_shape,
            initial_num_buckets=self._initial_num_buckets,
            name=self._table_name,
            **_sharing(anonymous, self._shared_name),
        )

    def lookup(self, keys: Any, name: str | None = None) -> Any:  # type: ignore[override]
        """Returns the values of keys, a tensor or sparse tensor of them.

        Raises:
          InvalidArgumentError: one of the keys set apart is among them.
        """
        with name_scope(name, f"{self.name}_lookup_table_find", (self.resource_handle,)):
            keys = self._keys(keys)
            flat = _flat(keys)
            values = raw.LookupTableFindV2(self.resource_handle, flat, self._default_value)
        if self._key_shape.rank:
            if flat.shape.rank is not None:
                values.set_shape(flat.shape[: flat.shape.rank - self._key_shape.rank].concatenate(self._value_shape))
            return values
        return _in_place(keys, values, self._value_shape)

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Sets the values of keys, as ``insert`` does."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """Removes keys, as ``remove`` does."""
        return self.remove(keys, name)


def initialize_all_tables(name: str = "init_all_tables") -> Any:
    """Is ``tables_initializer`` under its name before TensorFlow 1.0."""
    return tables_initializer(name)
