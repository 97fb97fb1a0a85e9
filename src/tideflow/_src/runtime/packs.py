"""Lets small variables that one program updates live in one array, since each output of a program costs a call.

A :class:`Pack` is the storage of several variables, one behind the other: to the program that updates them it is one
variable, with one lock, which it takes over and gives back as one array. A member of a pack is a
:class:`PackedBuffer`. Whoever reads it gets a view; whoever wants to change it, or to hold its value by itself, takes
it out, and then the pack is no longer *whole*. The program sees that at its next run, from the pack alone, and gathers
the members again (:class:`Packing`); if that happens too often, the variables stay apart for good.

Locks are taken in the order of numbers, and the numbers of packs come after those of all variables: who holds the lock
of a variable may wait for its pack, and not the other way round.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.runtime import cost_model
from tideflow._src.runtime.buffers import Buffer, locked
from tideflow._src.runtime.lazy import jax, jnp

#: Elements of the largest variable in a pack: copying more costs as much as an output of its own. A single number is
#: in none: counts and sums of metrics are, which others set between runs.
_LARGEST = 4096
#: Variables of one dtype that are worth a pack.
_FEWEST = 16
#: How often the members of a pack may be gathered: so many times, and once more for so many runs, as gathering a
#: hundred members costs about what two runs on their pack save.
_SPARE_GATHERINGS, _RUNS_FOR_ANOTHER = 4, 4

_AUTO, _ALWAYS, _NEVER = "auto", "always", "never"
#: Numbers of packs, which come after those of all variables.
_numbers = itertools.count(1 << 62)
#: What an attribute of :class:`Buffer` really holds, whatever the class of the buffer makes of it.
_held: Any = Buffer.__dict__["value"]
#: Packs by the numbers of their members.
_packs: weakref.WeakValueDictionary[tuple[int, ...], Pack] = weakref.WeakValueDictionary()
_packs_lock = threading.Lock()


def held_by(buffer: Buffer) -> Any:
    """Returns what a buffer holds for a value: that, or for a member of a pack its place there."""
    return _held.__get__(buffer)


def policy() -> str:
    """Returns when variables are packed, as the environment says (``TIDEFLOW_PACKS``: auto, always or never)."""
    wanted = os.environ.get("TIDEFLOW_PACKS", _AUTO).lower()
    if wanted not in (_AUTO, _ALWAYS, _NEVER):
        raise ValueError(f"TIDEFLOW_PACKS is {wanted!r}, not one of auto, always, never.")
    return wanted


class Place(NamedTuple):
    """Is what a member of a pack holds for a value: where that is."""

    pack: Pack
    start: int
    stop: int
    shape: tuple[int, ...]


class Pack(Buffer):
    """Is the storage of several variables, of one dtype and in host memory, as one array.

    It refers weakly to its members: those who use them keep them.

    Args:
      members: the variables; their shapes are known.

    Attributes:
      is_whole: whether all members are in it, so that whoever holds its lock may change them.
      is_abandoned: whether the program that made it is gone; then its members leave it when one is next touched.
    """

    __slots__ = ("is_whole", "is_abandoned", "shapes", "starts", "_members")

    def __init__(self, members: Sequence[Buffer]) -> None:
        self.shapes: list[tuple[int, ...]] = [tuple(member.shape) for member in members]  # type: ignore[arg-type]
        self.starts = [0, *itertools.accumulate(map(math.prod, self.shapes))]
        super().__init__("pack", members[0].dtype, (self.starts[-1],))
        self.number = next(_numbers)
        self._members = [weakref.ref(member) for member in members]
        self.is_whole = self.is_abandoned = False

    @property
    def members(self) -> list[Buffer]:
        """The variables in it that somebody still uses, in order."""
        return [member for reference in self._members if (member := reference()) is not None]

    def gather(self) -> bool:
        """Takes in the members that are not in it; tells whether all are.

        A variable without a value, or with one of another shape, stays outside.
        """
        members = self.members
        with locked([*members, self]):
            if self.is_whole:
                return True
            flat: Any = np.empty(self.starts[-1], self._numpy_dtype) if self.value is None else np.array(self.value)
            outside = []
            for index, member in enumerate(members):
                start, stop, shape = self.starts[index], self.starts[index + 1], self.shapes[index]
                held = held_by(member)
                if held.__class__ is Place and held.pack is self:
                    continue
                if member.pins:  # a program reads it
                    return False
                value = member.value
                if value is None or value.shape != shape or value.dtype != flat.dtype or member.placement is not None:
                    return False
                flat[start:stop] = np.asarray(value).reshape(-1)
                outside.append((member, Place(self, start, stop, shape)))
            flat.flags.writeable = False
            self.value, self.lease = flat, None
            for member, place in outside:
                # In this order Ctrl-C finds it a member, or a variable of its own, and never half of each.
                member.lease = member.writer = None
                member.__class__ = PackedBuffer
                _held.__set__(member, place)
            self.is_abandoned = False
            self.is_whole = True
            return True

    @property
    def _numpy_dtype(self) -> Any:
        return self.dtype.base_dtype.as_numpy_dtype

    def view(self, place: Place) -> Any:
        """Returns, under the lock, the value of a member as a part of the array, whose memory is not given up then."""
        return np.asarray(self.value)[place.start : place.stop].reshape(place.shape)

    def dissolve(self) -> None:
        """Gives every member, under the lock, its own value again."""
        for member in self.members:
            held = held_by(member)
            if held.__class__ is Place and held.pack is self:
                self.release(member, np.array(self.view(held)))
        self.value = None

    def release(self, member: Buffer, value: Any) -> None:
        """Lets a member go, under the lock, which has a value of its own from now on."""
        self.is_whole = False  # first: whoever finds the pack whole relies on it
        member.lease = None
        _held.__set__(member, value)
        member.__class__ = Buffer

    def opened(self, value: Any) -> dict[Buffer, Any]:
        """Returns the values of the members, in a program that is traced, given that of the pack."""
        # XLA makes one kernel of all slices of one size where it does not know where they begin.
        starts = jax.lax.optimization_barrier([jnp.int32(start) for start in self.starts[:-1]])
        flat = [
            jax.lax.dynamic_slice(value, (start,), (math.prod(shape),)).reshape(shape)
            for start, shape in zip(starts, self.shapes, strict=True)
        ]
        # What is computed from them is compiled as if they were arguments, and gives the same bits.
        return dict(zip(self.members, jax.lax.optimization_barrier(flat), strict=True))

    def closed(self, values: dict[Buffer, Any]) -> Any:
        """Returns the value of the pack, in a program that is traced, given those of the members.

        Raises:
          Unpackable: one of them has another shape now.
        """
        found = [values[member] for member in self.members]
        if any(np.shape(value) != shape for value, shape in zip(found, self.shapes, strict=True)):
            raise Unpackable
        return jnp.concatenate([jnp.ravel(value) for value in jax.lax.optimization_barrier(found)])

    def described(self) -> Any:
        """Returns the shape and dtype of its value, as JAX takes them."""
        return jax.ShapeDtypeStruct((self.starts[-1],), self._numpy_dtype)


class PackedBuffer(Buffer):
    """Is a variable whose value is a part of a pack, until somebody wants it by itself."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The value, which from now on is the variable's own: whoever asks holds the lock and may change it."""
        place = held_by(self)
        if place.__class__ is Place:
            pack = place.pack
            with pack.lock:
                if held_by(self) is place:
                    if pack.is_abandoned:
                        pack.dissolve()
                    else:
                        pack.release(self, np.array(pack.view(place)))
        return held_by(self)

    @value.setter
    def value(self, value: Any) -> None:
        place = held_by(self)
        if place.__class__ is Place:
            with place.pack.lock:
                if held_by(self) is place:
                    place.pack.release(self, value)
                    return
        _held.__set__(self, value)

    @property
    def is_initialized(self) -> bool:
        """Whether the variable has a value."""
        return held_by(self) is not None

    @property
    def nbytes(self) -> int:
        """The bytes of the value."""
        place = held_by(self)
        if place.__class__ is not Place:
            return super().nbytes
        return int((place.stop - place.start) * self.dtype.base_dtype.size)

    def read(self) -> Any:
        """Returns the value as a view of the pack, which then changes no more, as no value does that was handed out."""
        place = held_by(self)
        if place.__class__ is Place:
            pack = place.pack
            with pack.lock:
                if held_by(self) is place and not pack.is_abandoned:
                    return pack.view(place)
        return super().read()


class Unpackable(Exception):
    """Says that a program cannot keep its variables in a pack."""


class Scattered(Exception):
    """Says that not all variables of a pack are in it."""


class Packing:
    """Decides whether the variables that a compiled stage updates live in packs. It counts runs and reads no clock.

    Args:
      candidates: the variables that it updates as a whole.
      operations: how many operations the stage has.

    Attributes:
      packs: the packs, one for each dtype.
      count: how many variables are in them.
      is_given_up: whether the variables stay apart for good.
    """

    def __init__(self, candidates: Iterable[Buffer], operations: int) -> None:
        wanted = policy()
        groups: dict[DType, list[Buffer]] = {}
        for buffer in sorted(candidates, key=lambda buffer: buffer.number):
            shape = buffer.shape
            if shape is None or None in shape or not buffer.dtype.base_dtype.is_floating or buffer.placement:
                continue
            if wanted == _ALWAYS or 1 < math.prod(shape) <= _LARGEST:  # type: ignore[arg-type]
                groups.setdefault(buffer.dtype.base_dtype, []).append(buffer)
        fewest = 1 if wanted == _ALWAYS else _FEWEST
        #: The variables, which packs refer to weakly.
        self._members = [members for members in groups.values() if len(members) >= fewest]
        self.packs = [_pack_of(members) for members in self._members]
        self.count = sum(map(len, self._members))
        self.is_given_up = wanted == _NEVER or not self.packs
        self._left = 0
        if wanted != _ALWAYS and not self.is_given_up:
            self._left = cost_model.runs_before_packing(self.count, operations)
        self._runs = self._gatherings = 0
        #: Is held by the thread that compiles the program for the packs; others do not wait for it.
        self.making = threading.Lock()

    def __del__(self) -> None:
        for pack in getattr(self, "packs", ()):
            pack.is_abandoned = True  # no more: this may run in the middle of anything

    def is_due(self) -> bool:
        """Counts a run, and tells whether it is one on packs."""
        if self.is_given_up:
            return False
        if self._left > 0:
            self._left -= 1
            return False
        return True

    def ready(self) -> bool:
        """Gathers what has left the packs; tells whether the program can run on them."""
        self._runs += 1
        for pack in self.packs:
            if not pack.is_whole:
                self._gatherings += 1
                if self._gatherings > _SPARE_GATHERINGS + self._runs // _RUNS_FOR_ANOTHER and policy() != _ALWAYS:
                    self.give_up()
                    return False
                if not pack.gather():
                    return False
        return True

    def give_up(self) -> None:
        """Keeps the variables apart from now on."""
        self.is_given_up = True
        for pack in self.packs:
            with pack.lock:
                pack.dissolve()


def _pack_of(members: Sequence[Buffer]) -> Pack:
    """Returns the pack of variables, which all programs share that update just these."""
    key = tuple([member.number for member in members])
    with _packs_lock:
        pack = _packs.get(key)
        if pack is None:
            pack = _packs[key] = Pack(members)
        return pack
