"""Merges two lists of numbers as they come, the lesser head first: what TensorFlow makes of unsorted positions."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Numbers up to which a loop over them is the shortest way; and how many there must be for each one that is shared.
_FEW = 256
#: How often, on an average, a number may be looked at before the loop takes over.
_PATIENCE = 3


def merge_heads(a: Any, b: Any) -> tuple[Any, Any]:
    """Returns the rows that two lists of numbers get in one table.

    The table is made row by row: of the first numbers left in both lists the lesser one takes a row, or both take the
    same one if they are equal.

    A number that is less than one before it in its list, a record, follows that at once: the other list's head is
    no less than the record. So the lists merge as their records do, which ascend, and which a stable sort merges. Only
    where both lists have the same record does that take a row for two, and what follows it there in the one list is
    then merged with what follows in the other: two shorter lists of the same kind.

    Args:
      a, b: the numbers, int64 vectors in any order.

    Returns:
      The row of each number of `a`, and of each of `b`.
    """
    if np.array_equal(a, b):
        return np.arange(len(a)), np.arange(len(a))
    # First every number has a place of its own, and those of `b` that share the row of `a` before them are marked.
    places = np.empty(len(a), np.intp), np.empty(len(b), np.intp)
    shares = np.zeros(len(a) + len(b), bool)
    patience = _PATIENCE * (len(a) + len(b))
    work = [(0, len(a), 0, len(b), 0)]
    while work:
        a_begin, a_end, b_begin, b_end, place = work.pop()
        of_a, of_b = a[a_begin:a_end], b[b_begin:b_end]
        size = len(of_a) + len(of_b)
        patience -= size
        records = np.maximum.accumulate(of_a), np.maximum.accumulate(of_b)
        both = np.intersect1d(*records) if size > _FEW and patience >= 0 else None
        if both is None or len(both) * _FEW > size:
            firsts, seconds, shared = _one_by_one(of_a.tolist(), of_b.tolist())
            places[0][a_begin:a_end] = np.array(firsts, np.intp) + place
            places[1][b_begin:b_end] = np.array(seconds, np.intp) + place
            shares[np.array(shared, np.intp) + place] = True
            continue
        order = np.argsort(np.concatenate(records), kind="stable")
        found = np.empty(size, np.intp)
        found[order] = np.arange(place, place + size)
        places[0][a_begin:a_end], places[1][b_begin:b_end] = found[: len(of_a)], found[len(of_a) :]
        a_firsts, a_lasts = (np.searchsorted(records[0], both, side) for side in ("left", "right"))
        b_firsts, b_lasts = (np.searchsorted(records[1], both, side) for side in ("left", "right"))
        starts = found[a_firsts]
        places[1][b_begin + b_firsts] = starts + 1
        shares[starts + 1] = True
        bounds = np.stack(
            (a_begin + a_firsts + 1, a_begin + a_lasts, b_begin + b_firsts + 1, b_begin + b_lasts, starts + 2), 1
        )
        # Where both lists go on in order, nothing is left.
        work.extend(map(tuple, bounds[(bounds[:, 0] < bounds[:, 1]) | (bounds[:, 2] < bounds[:, 3])].tolist()))
    rows = np.cumsum(~shares) - 1
    return rows[places[0]], rows[places[1]]


def _one_by_one(a: list[int], b: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Returns the place of each number of two lists, and the places of those that share a row with the one before."""
    firsts, seconds, shared = [], [], []
    i = j = place = 0
    while i < len(a) and j < len(b):
        left, right = a[i], b[j]
        if left <= right:
            firsts.append(place)
            i += 1
            place += 1
        if right <= left:
            if left == right:
                shared.append(place)
            seconds.append(place)
            j += 1
            place += 1
    firsts.extend(range(place, place + len(a) - i))
    seconds.extend(range(place, place + len(b) - j))
    return firsts, seconds, shared
