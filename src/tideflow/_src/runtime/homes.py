"""Knows where the compiled stages of a plan run, and brings variables there."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter, is_
from typing import Any

import numpy as np

from tideflow._src.runtime import cost_model, engine
from tideflow._src.runtime.buffers import HOST_VALUES, Buffer
from tideflow._src.runtime.lazy import jax

_SHARDING = attrgetter("sharding")


class Home:
    """Is the device of the engine that runs the compiled stages of a plan, whose memory holds their variables.

    The host is two such devices: programs of one are divided among the threads of the processors, those of the other
    are not. Both use the host's memory, but a variable is in the hands of one.

    Args:
      accelerator: the engine's device; None for the host.
      undivided: where the host runs the stages, whether in one thread.

    Attributes:
      device: the engine's device; None for its own choice, where there is but one.
      sharding: what arrays in its memory are marked with; None for the engine's own choice.
      is_host: whether that is the host.
      is_undivided: whether its programs run in one thread.
      array_class: the class of arrays in the engine's memory.
      moves: the seconds that it has taken to bring variables here from other devices.
      most_moves: after how many the programs go where the variables are.
    """

    def __init__(self, accelerator: Any = None, *, undivided: bool = False) -> None:
        self.is_host = accelerator is None
        one_thread = engine.undivided_device() if self.is_host and jax.default_backend() == "cpu" else None
        self.is_undivided = undivided and one_thread is not None
        if one_thread is not None:
            accelerator = one_thread if undivided else engine.host_device()
        self.device = accelerator
        self.sharding = None if accelerator is None else _sharding(accelerator)
        self.array_class = _array_class()
        # Of arrays that are put there by this object it is the sharding itself, which is known at a glance.
        self._place = self.device if self.sharding is None else self.sharding
        self.moves = 0.0
        self.most_moves = math.inf

    def holds(self, value: Any) -> bool:
        """Tells whether a program that runs here may take a value as it is."""
        sharding = self.sharding
        if sharding is None or value.__class__ is not self.array_class:
            return True
        return value.sharding is sharding or bool(value.sharding == sharding)

    def holds_all(self, values: list[Any]) -> bool:
        """Tells whether values are arrays that programs which run here take as they are."""
        return all(map(is_, map(type, values), repeat(self.array_class))) and (
            self.sharding is None or all(map(is_, map(_SHARDING, values), repeat(self.sharding)))
        )

    def take_in(self, buffer: Buffer) -> None:
        """Moves a value that programs read to this memory once, not at each call. The lock is held."""
        value = buffer.value
        if isinstance(value, HOST_VALUES):
            buffer.value = jax.device_put(value, self._place)
        elif not self.holds(value):
            self.moves += cost_model.of_move(value.nbytes)
            buffer.value = self.at_hand(value)

    def at_hand(self, value: Any) -> Any:
        """Returns a value that nobody changes for a program that reads it here."""
        return value if self.holds(value) else jax.device_put(np.asarray(value) if self.is_host else value, self._place)

    def given_up(self, buffers: Sequence[Buffer]) -> list[Any]:
        """Returns the values of variables whose memory a program takes over. The locks are held.

        Values of the host, such as those of metrics that begin again, are brought here in one call: it costs the same
        for one and for several.
        """
        sharding, array_class = self.sharding, self.array_class
        found: list[Any] = []
        of_host: list[int] = []
        for position, buffer in enumerate(buffers):
            value = buffer.value
            is_free = buffer.lease is None and not buffer.pins
            if is_free and (sharding is None or (value.__class__ is array_class and value.sharding is sharding)):
                found.append(value)
            elif sharding is not None and isinstance(value, HOST_VALUES):
                of_host.append(position)
                found.append(np.array(value))
            else:
                found.append(self._given_up(buffer))
        if of_host:
            # As what the program gives, or it is compiled twice.
            brought = jax.device_put([found[position] for position in of_host], self._place)
            for position, value in zip(of_host, brought, strict=True):
                found[position] = value
        return found

    def _given_up(self, buffer: Buffer) -> Any:
        """Returns the value of one that is elsewhere, or that somebody reads.

        Of a value that is leased, somebody keeps the memory, and then the engine copies it.
        """
        value = buffer.value
        if not self.holds(value):
            self.moves += cost_model.of_move(value.nbytes)
            # Both devices of the host would otherwise hold the same memory.
            return jax.device_put(np.array(value) if self.is_host else value, self._place)
        if buffer.lease is value and isinstance(value, jax.Array):
            return value.copy()  # a tensor holds it
        return np.array(value) if buffer.pins and value is not None else value


@functools.cache
def _array_class() -> Any:
    return type(jax.device_put(np.zeros(0, np.int32), engine.host_device()))


@functools.cache
def _sharding(device: Any) -> Any:
    """Returns the one object that marks arrays in the memory of a device."""
    return jax.sharding.SingleDeviceSharding(device)
