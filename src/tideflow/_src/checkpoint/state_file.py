"""The file ``checkpoint`` of a folder, which says which checkpoints there are and which is the latest.

It is a ``CheckpointState`` in protobuf's text format.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.core.errors import OpError
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.ops.checkpoint.bundle import index_name
from tideflow._src.ops.files import file_system, replacement

V1, V2 = 1, 2
_STATE = "CheckpointState"


def _state_path(folder: Any, latest_filename: str | None) -> str:
    return os.path.join(file_system.text_of(folder), latest_filename or "checkpoint")


def generate_checkpoint_state_proto(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Returns a ``CheckpointState``.

    Args:
      save_dir: the folder.
      model_checkpoint_path: the latest checkpoint.
      all_model_checkpoint_paths: all that are kept, oldest first; the latest is added if it is not the last.
      all_model_checkpoint_timestamps: when they were written, in seconds since 1970.
      last_preserved_timestamp: when one was last kept for good.

    Raises:
      ValueError: the number of times is not that of the paths.
    """
    latest = file_system.text_of(model_checkpoint_path)
    paths = [file_system.text_of(path) for path in all_model_checkpoint_paths or ()]
    if not paths or paths[-1] != latest:
        paths.append(latest)
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths: "
            f"got {len(times)} timestamps for {len(paths)} paths."
        )
    folder = file_system.text_of(save_dir)
    if not os.path.isabs(folder):
        # The file's paths are relative to the folder it is in.
        paths = [path if os.path.isabs(path) else os.path.relpath(path, folder) for path in paths]
        latest = latest if os.path.isabs(latest) else os.path.relpath(latest, folder)
    state = protos.get(_STATE)(model_checkpoint_path=latest, all_model_checkpoint_paths=paths)
    state.all_model_checkpoint_timestamps.extend(times)
    if last_preserved_timestamp is not None:
        state.last_preserved_timestamp = last_preserved_timestamp
    return state


def update_checkpoint_state(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the state file of a folder.

    Args:
      save_dir, model_checkpoint_path, all_model_checkpoint_paths: as of `generate_checkpoint_state_proto`.
      latest_filename: the file's name; ``"checkpoint"`` if None.
      all_model_checkpoint_timestamps, last_preserved_timestamp: as of `generate_checkpoint_state_proto`.

    Raises:
      RuntimeError: the checkpoint itself has the name of the state file.
    """
    write_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        latest_filename,
        False,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


def write_state(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    save_relative_paths: bool = False,
    times: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the state file of a folder, with paths relative to it if ``save_relative_paths``."""
    from tideflow._src.graph.protos.text import to_text  # loads protobuf

    path = _state_path(save_dir, latest_filename)
    latest = file_system.text_of(model_checkpoint_path)
    paths = list(all_model_checkpoint_paths or ())
    if save_relative_paths:
        folder = file_system.text_of(save_dir) or "."
        latest = os.path.relpath(latest, folder) if os.path.isabs(latest) else latest
        paths = [os.path.relpath(item, folder) if os.path.isabs(item) else item for item in paths]
    state = generate_checkpoint_state_proto(save_dir, latest, paths, times, last_preserved_timestamp)
    if path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  Please use a "
            "different save path."
        )
    replacement.replace(path, to_text(state).encode())
    replacement.clear(file_system.local(path))


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """Returns the ``CheckpointState`` of a folder, or None if it has none.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the file's name; ``"checkpoint"`` if None.

    Raises:
      ValueError: the file names no checkpoint.
    """
    from tideflow._src.graph.protos.text import from_text  # loads protobuf

    folder = file_system.text_of(checkpoint_dir)
    path = _state_path(folder, latest_filename)
    try:
        if not file_system.exists(path):
            return None
        state = from_text(file_system.read(path), protos.get(_STATE)())
    except (OpError, ValueError) as error:
        get_logger().warning("%s: Checkpoint ignored: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {folder}")
    if not os.path.isabs(state.model_checkpoint_path):
        state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    for index, item in enumerate(state.all_model_checkpoint_paths):
        if not os.path.isabs(item):
            state.all_model_checkpoint_paths[index] = os.path.join(folder, item)
    return state


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """Returns the path of the latest checkpoint of a folder, or None if there is none.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the state file; ``"checkpoint"`` if None.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not state.model_checkpoint_path:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        return str(state.model_checkpoint_path)
    get_logger().error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


def _files_of(prefix: Any) -> list[str]:
    """Returns the index of a checkpoint, or its files if it is of the first format; none if it is not there."""
    text = file_system.text_of(prefix)
    if file_system.exists(index_name(text)):
        return [index_name(text)]
    return [text] if file_system.exists(text) else file_system.matching(text)


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Tells whether there is a checkpoint, of either format.

    Args:
      checkpoint_prefix: what `Saver.save` returned, or a pattern of files of the first format.
    """
    return bool(_files_of(checkpoint_prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[Any]) -> list[float]:
    """Returns when checkpoints were written, in seconds since 1970; those that do not exist are left out."""
    times = []
    for prefix in checkpoint_prefixes:
        for path in _files_of(prefix)[:1]:
            times.append(os.stat(file_system.local(path)).st_mtime)
    return times


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """Returns the name of the MetaGraph file of a checkpoint; of a sharded one without ``-?????-of-00010``."""
    return f"{re.sub(r'-[0-9?]+-of-[0-9]+$', '', checkpoint_filename)}.{meta_graph_suffix}"


def remove_checkpoint(
    checkpoint_prefix: Any, checkpoint_format_version: int = V2, meta_graph_suffix: str = "meta"
) -> None:
    """Removes the files of a checkpoint that there are.

    Args:
      checkpoint_prefix: what `Saver.save` returned.
      checkpoint_format_version: ``SaverDef.V1`` or ``SaverDef.V2``.
      meta_graph_suffix: the suffix of the MetaGraph file.
    """
    prefix = file_system.local(checkpoint_prefix)
    paths = [meta_graph_filename(prefix, meta_graph_suffix)]
    if checkpoint_format_version == V2:
        paths += [index_name(prefix), *glob.glob(f"{glob.escape(prefix)}.data-?????-of-?????")]
    else:
        paths += [prefix] if os.path.exists(prefix) else file_system.matching(prefix)
    for path in paths:
        with file_system.translated(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)
