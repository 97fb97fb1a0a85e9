"""The tables that resource handles of lookup operations refer to."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.lookup.key_index import KeyIndex
from tideflow._src.ops.strings.hash_kernels import murmur64
from tideflow._src.ops.strings.packed import Packed

Array = np.ndarray[Any, Any]
#: How many keys are looked up at once: what is computed on the way then stays in the processor's cache.
_CHUNK = 1 << 15
_KEYS = ("int32", "int64", "string")
_VALUES = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool", "string")


class Table:
    """Maps keys to values; the class of all tables.

    Args:
      name: what error messages call the table.
      key_dtype, value_dtype: the types of keys and values.
      value_shape: the shape of one value.
      key_shape: the shape of one key.
    """

    kind = "Table"

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: tuple[int, ...] = (),
        key_shape: tuple[int, ...] = (),
    ) -> None:
        if key_dtype.name not in _KEYS or value_dtype.name not in _VALUES:
            raise NotFoundError(
                None,
                None,
                f"No {self.kind} maps {key_dtype.name} to {value_dtype.name}: keys may be {', '.join(_KEYS)}, and "
                f"values {', '.join(_VALUES)}.",
            )
        self.name = name
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.value_shape = value_shape
        self.key_shape = key_shape
        self._lock = threading.RLock()
        self._index = KeyIndex(math.prod(key_shape) if key_shape else 0, key_dtype.name != "string")
        self._values: Array = np.empty((0, *value_shape), value_dtype.as_numpy_dtype)

    def __len__(self) -> int:
        return len(self._index)

    # What operations do.

    def find(self, keys: Any, default_value: Any) -> Array:
        """Returns the value of each key: ``default_value``, or the key's own part of it, where there is none."""
        keys, default_value = np.asarray(keys), np.asarray(default_value)
        self._check_types(keys.dtype, default_value.dtype)
        outer = self._outer_shape(keys)
        shape = outer + self.value_shape
        if default_value.shape not in (self.value_shape, shape):
            raise InvalidArgumentError(
                None,
                None,
                f"Expected shape {shape_text(self.value_shape)} or {shape_text(shape)} for default value, got "
                f"{shape_text(default_value.shape)}",
            )
        flat = keys.reshape(-1, *self.key_shape)
        own = default_value.reshape(-1, *self.value_shape) if default_value.shape != self.value_shape else None
        result = np.empty((len(flat), *self.value_shape), self._values.dtype)
        with self._lock:
            self._check_ready()
            self._check_keys(keys)
            for start in range(0, len(flat), _CHUNK):
                part = slice(start, start + _CHUNK)
                self._find(flat[part], len(flat), default_value if own is None else own[part], result[part])
        return result.reshape(shape)

    def _find(self, keys: Array, count: int, default_value: Array, result: Array) -> None:
        """Puts the values of a part of the keys into ``result``."""
        positions = self._index.find(keys, count)
        if len(self._values):
            np.take(self._values, positions, axis=0, out=result, mode="clip")
        missing = positions < 0
        if missing.any():
            result[missing] = default_value if default_value.shape == self.value_shape else default_value[missing]

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys."""
        raise UnimplementedError(None, None, "Insert not supported by InitializableLookupTable implementations")

    def remove(self, keys: Any) -> None:
        """Removes keys."""
        raise UnimplementedError(None, None, "Remove not supported by InitializableLookupTable implementations")

    def replace(self, keys: Any, values: Any) -> None:
        """Makes the table hold these keys and values only; one that is filled once is filled."""
        if not np.size(keys):
            raise InvalidArgumentError(None, None, "keys and values cannot be empty tensors.")
        self.initialize(keys, values)

    def initialize(self, keys: Any, values: Any) -> None:
        """Gives a table that is filled once its content."""
        raise InvalidArgumentError(None, None, f"Table {self.name} is not initializable")

    def export(self) -> tuple[Array, Array]:
        """Returns the keys and their values, oldest first."""
        with self._lock:
            found = self._index.keys()
            values = self._values.take(self._index.positions(), axis=0)
        keys = np.empty((len(found), *self.key_shape), self.key_dtype.as_numpy_dtype)
        if found:
            keys[...] = found if not self.key_shape or keys.dtype != object else np.array(found, object)
        return keys, values

    # Checks.

    def check_dtypes(self, key_dtype: DType, value_dtype: DType) -> None:
        """Raises InvalidArgumentError if a handle of this name is asked for that holds other types."""
        if key_dtype is not self.key_dtype or value_dtype is not self.value_dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"Conflicting key/value dtypes {key_dtype.name}->{value_dtype.name} with "
                f"{self.key_dtype.name}-{self.value_dtype.name} for table {self.name}",
            )

    def _check_types(self, keys: Any, values: Any = None) -> None:
        key_dtype = dtypes.as_dtype(keys)
        value_dtype = self.value_dtype if values is None else dtypes.as_dtype(values)
        if key_dtype is not self.key_dtype or value_dtype is not self.value_dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"Signature mismatch, have: {key_dtype.name}->{value_dtype.name} expected: "
                f"{self.key_dtype.name}->{self.value_dtype.name}",
            )

    def _outer_shape(self, keys: Array) -> tuple[int, ...]:
        """Returns the shape of an array of keys without that of a key."""
        rank = len(self.key_shape)
        if rank and keys.shape[-rank:] != self.key_shape:
            raise InvalidArgumentError(
                None,
                None,
                f"Input key shape {shape_text(keys.shape)} must end with the table's key shape "
                f"{shape_text(self.key_shape)}",
            )
        return keys.shape[: keys.ndim - rank]

    def _check_ready(self) -> None:
        """Raises FailedPreconditionError if nothing can be looked up yet."""

    def _check_keys(self, keys: Array) -> None:
        """Raises InvalidArgumentError if a key may not be used."""

    def _checked(self, keys: Any, values: Any) -> tuple[Array, Array]:
        keys, values = np.asarray(keys), np.asarray(values)
        self._check_types(keys.dtype, values.dtype)
        expected = self._outer_shape(keys) + self.value_shape
        if values.shape != expected:
            raise InvalidArgumentError(
                None, None, f"Expected shape {shape_text(expected)} for value, got {shape_text(values.shape)}"
            )
        return keys, values.reshape(-1, *self.value_shape)

    def _store(self, keys: Array, values: Array) -> None:
        positions = self._index.add(keys)
        needed = self._index.end
        if needed > len(self._values):
            grown = np.empty((max(needed, len(self._values) * 3 // 2), *self.value_shape), self._values.dtype)
            grown[: len(self._values)] = self._values
            self._values = grown
        self._values[positions] = values


class HashTable(Table):
    """Is a table that is filled once."""

    kind = "HashTable"

    def __init__(self, name: str, key_dtype: DType, value_dtype: DType) -> None:
        super().__init__(name, key_dtype, value_dtype)
        self._ready = False

    def initialize(self, keys: Any, values: Any) -> None:
        """Fills the table. To fill it again with as many entries does nothing.

        Raises:
          FailedPreconditionError: a key has two values, or the table is already filled with other data.
        """
        keys, values = self._checked(keys, values)
        with self._lock:
            if self._ready:
                if len(values) != len(self):
                    raise FailedPreconditionError(None, None, "Table was already initialized with different data.")
                return
            self._store(keys, values)
            if len(self) != len(values):
                self._check_duplicates(keys, values)
            self._ready = True

    def export(self) -> tuple[Array, Array]:
        """Returns the keys and their values.

        Raises:
          AbortedError: the table is not filled yet.
        """
        if not self._ready:
            raise AbortedError(None, None, "HashTable is not initialized.")
        return super().export()

    def _check_ready(self) -> None:
        if not self._ready:
            raise FailedPreconditionError(None, None, "Table not initialized.")

    def _check_duplicates(self, keys: Array, values: Array) -> None:
        first: dict[Any, Any] = {}
        for key, value in zip(keys.ravel().tolist(), values.tolist(), strict=True):
            if first.setdefault(key, value) != value:
                self._index.clear()
                raise FailedPreconditionError(
                    None,
                    None,
                    f"HashTable has different value for same key. Key {_shown(key)} has {_shown(first[key])} and "
                    f"trying to add value {_shown(value)}",
                )


def _shown(item: Any) -> str:
    return item.decode("utf-8", "backslashreplace") if isinstance(item, bytes) else str(item)


class MutableHashTable(Table):
    """Is a table whose entries come and go."""

    kind = "MutableHashTable"

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys, new or not; of equal keys the last counts."""
        keys, values = self._checked(keys, values)
        with self._lock:
            self._check_keys(keys)
            self._store(keys, values)

    def remove(self, keys: Any) -> None:
        """Removes keys; those that are not there are no error."""
        keys = np.asarray(keys)
        self._check_types(keys.dtype)
        self._outer_shape(keys)
        with self._lock:
            self._check_keys(keys)
            self._index.remove(keys)

    def replace(self, keys: Any, values: Any) -> None:
        """Makes the table hold these keys and values only."""
        keys, values = self._checked(keys, values)
        with self._lock:
            self._index.clear()
            self._values = np.empty((0, *self.value_shape), self._values.dtype)
            self._store(keys, values)


class MutableDenseHashTable(MutableHashTable):
    """Is a table of entries that come and go, in which two keys, ``empty_key`` and ``deleted_key``, may not be used.

    Args:
      name, key_dtype, value_dtype, value_shape: as of a table.
      empty_key: the key that stands for an unused bucket; its shape is that of keys.
      deleted_key: the key that stands for a removed one; None where there is none.
      buckets: how many buckets `export` gives at least, a power of two.
      load: the part of them that may be in use.
    """

    kind = "MutableDenseHashTable"

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: tuple[int, ...],
        empty_key: Any,
        deleted_key: Any,
        buckets: int = 4,
        load: float = 0.8,
    ) -> None:
        self._fewest_buckets, self._load = buckets, load
        empty_key = np.asarray(empty_key)
        if empty_key.ndim > 1:
            raise InvalidArgumentError(
                None, None, f"Empty key must be a scalar or a vector, got shape {shape_text(empty_key.shape)}"
            )
        if len(value_shape) > 1:
            raise InvalidArgumentError(
                None, None, f"Empty value must be a scalar or a vector, got shape {shape_text(value_shape)}"
            )
        self._forbidden = [("empty_key", empty_key)]
        if deleted_key is not None:
            deleted_key = np.asarray(deleted_key)
            if deleted_key.shape != empty_key.shape:
                raise InvalidArgumentError(
                    None,
                    None,
                    "Empty and deleted keys must have same shape, got shapes: "
                    f"{shape_text(empty_key.shape)} and {shape_text(deleted_key.shape)}",
                )
            if np.array_equal(empty_key, deleted_key):
                raise InvalidArgumentError(None, None, "Empty and deleted keys cannot be equal")
            self._forbidden.append(("deleted_key", deleted_key))
        super().__init__(name, key_dtype, value_dtype, value_shape, empty_key.shape)

    def _check_keys(self, keys: Array) -> None:
        for name, key in self._forbidden:
            equal = np.asarray(keys == key)
            if self.key_shape:
                equal = equal.all(-1)
            if equal.any():
                raise InvalidArgumentError(None, None, f"Using the {name} as a table key is not allowed")

    def replace(self, keys: Any, values: Any) -> None:
        """Makes the table hold these keys and values only; unused buckets among them are left out."""
        keys, values = np.asarray(keys), np.asarray(values)
        sizes = math.prod(self.key_shape), math.prod(self.value_shape)
        if keys.ndim == values.ndim == 2 and (keys.shape[1], values.shape[1]) == sizes:  # as `export` has them
            keys, values = keys.reshape(-1, *self.key_shape), values.reshape(-1, *self.value_shape)
        keys, values = self._checked(keys, values)
        used = np.ones(len(values), bool)
        flat = keys.reshape(-1, *self.key_shape)
        for _, key in self._forbidden:
            equal = np.asarray(flat == key)
            used &= ~(equal.all(-1) if self.key_shape else equal)
        super().replace(flat[used], values[used])

    def export(self) -> tuple[Any, Any]:
        """Returns the buckets of the table as TensorFlow lays them out: matrices of keys and of values.

        A key stands in the bucket of its hash, or in the next free one, each step longer by one bucket. What reads a
        checkpoint takes them for its own buckets.
        """
        keys, values = (np.asarray(each) for each in super().export())
        count = len(values)
        buckets = self._fewest_buckets
        while count > self._load * buckets:
            buckets *= 2
        flat = keys.reshape(count, math.prod(self.key_shape))
        all_keys = np.empty((buckets, flat.shape[1]), flat.dtype)
        all_keys[:] = self._forbidden[0][1].reshape(1, -1)
        all_values = np.zeros((buckets, math.prod(self.value_shape)), values.dtype)
        if values.dtype == object:
            all_values[:] = b""
        places = np.full(buckets, -1)
        for number, bucket in enumerate(_hashes(flat).tolist()):
            bucket, step = bucket & (buckets - 1), 0
            while places[bucket] >= 0:
                step += 1
                bucket = (bucket + step) & (buckets - 1)
            places[bucket] = number
        used = places >= 0
        all_keys[used] = flat[places[used]]
        all_values[used] = values.reshape(count, all_values.shape[1])[places[used]]
        return all_keys, all_values


def _hashes(keys: Array) -> Array:
    """Returns the hash by which TensorFlow finds the bucket of each row of keys."""
    parts = [_hashes_of(column) for column in keys.T]
    if len(parts) == 1:
        return parts[0]
    result = np.zeros(len(keys), np.uint64)
    for part in parts:
        result ^= part + np.uint64(0x9E3779B97F4A7800) + (result << np.uint64(10)) + (result >> np.uint64(4))
    return result


def _hashes_of(column: Array) -> Array:
    if column.dtype == object:
        return murmur64(Packed.of(column.tolist()))
    if column.dtype.kind in "iub":
        return column.astype(np.int64).view(np.uint64) if column.dtype.kind == "i" else column.astype(np.uint64)
    return np.trunc(column).astype(np.int64).view(np.uint64)
