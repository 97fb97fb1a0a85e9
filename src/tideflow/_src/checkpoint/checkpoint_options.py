"""``tf.train.CheckpointOptions``: how a checkpoint is written and read."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from tideflow._src.checkpoint.sharding import ShardingCallback


class CheckpointOptions:
    """Says how ``tf.train.Checkpoint`` writes and reads.

    Args:
      experimental_io_device: the device whose host reads and writes in a graph; the files are this machine's in any
        case.
      experimental_enable_async_checkpoint: the older name of ``enable_async``.
      experimental_write_callbacks: functions to call when a checkpoint has been written, without arguments or with its
        path.
      enable_async: whether saving returns at once, and a thread writes the values of that moment.
      experimental_skip_slot_variables: whether restoring leaves out what optimizers keep for variables.
      experimental_sharding_callback: a `ShardingCallback`, which says what goes into which file.

    Raises:
      AssertionError: a function takes more than one argument.
      ValueError: ``experimental_sharding_callback`` is none.
    """

    __slots__ = (
        "enable_async",
        "experimental_enable_async_checkpoint",
        "experimental_io_device",
        "experimental_sharding_callback",
        "experimental_skip_slot_variables",
        "experimental_write_callbacks",
    )

    def __init__(
        self,
        experimental_io_device: str | None = None,
        experimental_enable_async_checkpoint: bool = False,
        experimental_write_callbacks: list[Callable[..., Any]] | None = None,
        enable_async: bool = False,
        experimental_skip_slot_variables: bool = False,
        experimental_sharding_callback: ShardingCallback | None = None,
    ) -> None:
        self.experimental_io_device = experimental_io_device
        self.enable_async = bool(experimental_enable_async_checkpoint or enable_async)
        self.experimental_enable_async_checkpoint = self.enable_async
        for callback in experimental_write_callbacks or ():
            if len(inspect.signature(callback).parameters) > 1:
                raise AssertionError(f"A callback takes no argument, or the path of the checkpoint: {callback}")
        self.experimental_write_callbacks = experimental_write_callbacks
        if experimental_sharding_callback is not None and not isinstance(
            experimental_sharding_callback, ShardingCallback
        ):
            raise ValueError(
                "The experimental_sharding_callback checkpoint option must be of type ShardingCallback. The option "
                f"provided was of type {type(experimental_sharding_callback)}."
            )
        self.experimental_sharding_callback = experimental_sharding_callback
        self.experimental_skip_slot_variables = experimental_skip_slot_variables

    def __copy__(self) -> CheckpointOptions:
        result = object.__new__(CheckpointOptions)
        for name in self.__slots__:
            setattr(result, name, getattr(self, name))
        result.experimental_write_callbacks = copy.copy(self.experimental_write_callbacks)
        return result
