"""Maps keys to positions in an array of values: a dict, and for integers a form that NumPy searches at once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Fewer keys than this are looked up in the dict.
_FEW = 128
#: How many times its number of keys a table by value may span.
_SPARSITY = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class _Positions(dict[Any, int]):
    """Is a dict in which what is missing has the position -1."""

    def __missing__(self, key: Any) -> int:
        return -1


class KeyIndex:
    """Is the map from the keys of a table to positions 0, 1, ..., of which removed ones are given out again.

    Args:
      width: 0 for keys that are single values; else the number of elements of a key.
      integers: whether the keys are single integers.
    """

    def __init__(self, width: int, integers: bool) -> None:
        self._width = width
        self._integers = integers and not width
        self._positions = _Positions()
        self._free: list[int] = []
        self._end = 0
        self._search: Any = None

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def end(self) -> int:
        """One more than the largest position that was ever given out."""
        return self._end

    def _items(self, keys: Array) -> list[Any]:
        """Returns the keys as what the dict holds: Python values, or tuples for keys of several elements."""
        if self._width:
            return list(map(tuple, keys.reshape(-1, self._width).tolist()))
        return keys.ravel().tolist()  # type: ignore[no-any-return]

    def find(self, keys: Array, of: int = 0) -> Array:
        """Returns the position of each key, -1 where there is none.

        Args:
          keys: the keys.
          of: how many keys there are in all, if these are a part: whether it pays to prepare for many.
        """
        count = keys.size // (self._width or 1)
        if self._integers and count >= _FEW:
            if self._search is None and 4 * max(count, of) >= len(self._positions):
                self._search = _searcher(self._positions)
            if self._search is not None:
                return self._search(keys.ravel())  # type: ignore[no-any-return]
        return np.fromiter(map(self._positions.__getitem__, self._items(keys)), np.int64, count)

    def add(self, keys: Array) -> Array:
        """Returns the position of each key, a new one for a key that is not there yet."""
        items = self._items(keys)
        positions, free = self._positions, self._free
        self._search = None
        if not positions and not free:
            end = self._end
            positions.update(zip(items, range(end, end + len(items)), strict=True))
            if len(positions) == len(items):
                self._end += len(items)
                return np.arange(end, self._end)
            positions.clear()
        result = []
        for item in items:
            position = positions.get(item)
            if position is None:
                if free:
                    position = free.pop()
                else:
                    position = self._end
                    self._end += 1
                positions[item] = position
            result.append(position)
        return np.array(result, np.int64)

    def remove(self, keys: Array) -> None:
        """Removes the keys that are there."""
        for item in self._items(keys):
            position = self._positions.pop(item, None)
            if position is not None:
                self._free.append(position)
                self._search = None

    def clear(self) -> None:
        """Removes all keys."""
        self._positions.clear()
        self._free.clear()
        self._end = 0
        self._search = None

    def keys(self) -> list[Any]:
        """Returns the keys, oldest first."""
        return list(self._positions)

    def positions(self) -> Array:
        """Returns the positions of :meth:`keys`."""
        return np.fromiter(self._positions.values(), np.int64, len(self._positions))


def _searcher(positions: dict[int, int]) -> Any:
    """Returns the function that finds the positions of many integers at once."""
    keys = np.fromiter(positions, np.int64, len(positions))
    values = np.fromiter(positions.values(), np.int64, len(positions))
    if not len(keys):
        return lambda wanted: np.full(wanted.size, -1, np.int64)
    lowest, highest = int(keys.min()), int(keys.max())
    span = highest - lowest + 1
    if span <= _SPARSITY * len(keys) + 4096:
        return _by_value(keys, values, lowest, span)
    return _by_hash(keys, values)


def _by_value(keys: Array, values: Array, lowest: int, span: int) -> Any:
    table = np.full(span + 1, -1, np.int64)
    table[keys - lowest] = values

    def find(wanted: Array) -> Array:
        wanted = wanted.astype(np.int64, copy=False)
        # A difference that overflows becomes a large unsigned number, like one below zero.
        offset = (wanted - np.int64(lowest)).view(np.uint64)
        np.minimum(offset, np.uint64(span), out=offset)
        return table.take(offset.view(np.int64))

    return find


def _by_hash(keys: Array, values: Array) -> Any:
    """Builds a table with open addressing; both building and searching go in rounds over what is left."""
    bits = max(4, (2 * len(keys) - 1).bit_length())
    shift = np.uint64(64 - bits)
    mask = np.int64((1 << bits) - 1)

    def slots_of(items: Array) -> Array:
        return ((items.view(np.uint64) * _MULTIPLIER) >> shift).view(np.int64)

    taken = np.full(1 << bits, -1, np.int64)
    slots = slots_of(keys)
    left = np.arange(len(keys))
    while len(left):
        free = taken[slots] < 0
        taken[slots[free]] = left[free]  # of several for one slot, the last gets it
        left_over = taken[slots] != left
        left, slots = left[left_over], (slots[left_over] + 1) & mask
    filled = taken >= 0
    slot_keys = np.zeros(1 << bits, np.int64)
    slot_keys[filled] = keys[taken[filled]]
    slot_values = np.full(1 << bits, -1, np.int64)
    slot_values[filled] = values[taken[filled]]

    def find(wanted: Array) -> Array:
        wanted = np.ascontiguousarray(wanted, np.int64)
        slots = slots_of(wanted)
        result = slot_values.take(slots)
        left = np.flatnonzero((slot_keys.take(slots) != wanted) & (result >= 0))
        slots, items = slots[left], wanted[left]
        while len(left):
            slots = (slots + 1) & mask
            found = slot_values.take(slots)
            result[left] = found
            again = (slot_keys.take(slots) != items) & (found >= 0)
            left, slots, items = left[again], slots[again], items[again]
        return result

    return find
