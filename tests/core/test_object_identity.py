"""Collections that tell objects apart by identity."""

from __future__ import annotations

import gc

import numpy as np

from tideflow._src.core import object_identity


def test_objects_are_told_apart_by_identity() -> None:
    one, same = np.zeros(2), np.zeros(2)
    table = object_identity.ObjectIdentityDictionary()
    table[one] = "one"
    table[same] = "same"
    assert (table[one], table[same], len(table)) == ("one", "same", 2)
    del table[one]
    assert one not in table and [item is same for item in table] == [True]
    found = object_identity.ObjectIdentitySet([one, one, same])
    assert len(found) == 2 and one in found and np.zeros(2) not in found
    found.discard(one)
    assert one not in found
    assert object_identity.Reference(one).deref() is one
    assert object_identity.Reference(one) != object_identity.Reference(same)


def test_weak_keys_do_not_keep_objects() -> None:
    class Key:
        pass

    key, other = Key(), Key()
    table = object_identity.ObjectIdentityWeakKeyDictionary()
    table[key], table[other] = 1, 2
    found = object_identity.ObjectIdentityWeakSet([key, other])
    del other
    gc.collect()
    assert (len(table), len(found)) == (1, 1)
    assert list(found) == [key] and table[key] == 1


def test_references_have_an_order() -> None:
    one, other = object_identity.Reference(np.zeros(2)), object_identity.Reference(np.zeros(2))
    assert (one < other) != (one > other)
    assert sorted([one, other]) == sorted([other, one])
