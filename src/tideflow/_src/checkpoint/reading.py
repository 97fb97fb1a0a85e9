"""Looking into checkpoints without a graph."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.checkpoint.state_file import latest_checkpoint
from tideflow._src.core.errors import NotFoundError
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.files import file_system


class CheckpointReader:
    """Reads a checkpoint.

    Args:
      filepattern: what ``Saver.save`` returned.

    Raises:
      NotFoundError: there is none.
      DataLossError: it is damaged.
    """

    def __init__(self, filepattern: Any) -> None:
        self._reader = open_checkpoint(file_system.text_of(filepattern))
        self._variables = self._reader.variables()

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Returns the shape of each tensor, by name."""
        return {name: list(shape) for name, (_, shape) in self._variables.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """Returns the dtype of each tensor, by name."""
        return {name: dtype for name, (dtype, _) in self._variables.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Tells whether there is a tensor of this name."""
        return self._reader.has(_bytes(tensor_str))

    def get_tensor(self, tensor_str: str) -> Any:
        """Returns a tensor as a NumPy array.

        Raises:
          NotFoundError: there is none of this name.
        """
        name = _bytes(tensor_str)
        if not self._reader.has(name):
            raise NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint")
        value = self._reader.read(name)
        if value.dtype == object:
            return value if value.ndim else value.item()
        return value if value.ndim else value[()]

    def debug_string(self) -> bytes:
        """Returns a line for each tensor: its name, dtype and shape."""
        names = ((name, *self._variables[name]) for name in self._variables)
        return b"".join(
            b"%s (DT_%s) [%s]\n"
            % (
                name.encode(),
                _ENUM_NAMES.get(dtype.name, dtype.name).upper().encode(),
                ",".join(str(size) for size in shape).encode(),
            )
            for name, dtype, shape in names
        )


_ENUM_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


def _bytes(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def new_checkpoint_reader(filepattern: Any) -> CheckpointReader:
    """Returns a reader of a checkpoint.

    Args:
      filepattern: what ``Saver.save`` returned.

    Raises:
      NotFoundError: there is none.
      DataLossError: it is damaged.
    """
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Returns a reader of a checkpoint, or of the latest one of a folder.

    Raises:
      ValueError: the folder has no checkpoint.
      NotFoundError: there is no such checkpoint.
    """
    return new_checkpoint_reader(checkpoint_of(ckpt_dir_or_file))


def checkpoint_of(folder_or_file: Any) -> str:
    text = file_system.text_of(folder_or_file)
    if not file_system.is_folder(text):
        return text
    latest = latest_checkpoint(text)
    if latest is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {text}")
    return latest


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray[Any, Any]:
    """Returns a tensor of a checkpoint as a NumPy array.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder with checkpoints.
      name: the tensor's name; a ``:0`` behind it is left away.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Returns the names and shapes of the tensors of a checkpoint, sorted by name.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder with checkpoints.
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Yields the path of each new checkpoint of a folder as it is written.

    Args:
      checkpoint_dir: the folder.
      min_interval_secs: the least time between two checkpoints that are yielded.
      timeout: how long to wait for a new one, in seconds; for ever if None.
      timeout_fn: is asked after each timeout whether to stop; without it the first timeout stops.
    """
    seen: str | None = None
    while True:
        new = wait_for_new_checkpoint(checkpoint_dir, seen, timeout=timeout)
        if new is None:
            if not timeout_fn or timeout_fn():
                return
            continue
        start = time.monotonic()
        seen = new
        yield new
        remaining = start + min_interval_secs - time.monotonic()
        if remaining > 0:
            time.sleep(remaining)


def wait_for_new_checkpoint(
    checkpoint_dir: Any, last_checkpoint: str | None = None, seconds_to_sleep: float = 1, timeout: float | None = None
) -> str | None:
    """Waits until a folder has another latest checkpoint than ``last_checkpoint``.

    Returns:
      Its path; None after the timeout.
    """
    stop = time.monotonic() + timeout if timeout is not None else None
    while True:
        path = latest_checkpoint(os.fspath(checkpoint_dir))
        if path is not None and path != last_checkpoint:
            return path
        if stop is not None and time.monotonic() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)
