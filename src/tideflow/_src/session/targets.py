"""Knows the targets that sessions can connect to, and the resources that sessions of one target share."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tideflow._src.core.errors import NotFoundError
from tideflow._src.runtime.buffers import ResourceManager

_lock = threading.Lock()
_targets: dict[str, ResourceManager] = {}


def open_target(target: str) -> None:
    """Lets sessions connect to a target; does nothing if they can already."""
    with _lock:
        _targets.setdefault(target, ResourceManager())


def resources_of(target: str) -> ResourceManager:
    """Returns the resources of a new session: its own for the empty target, else those of the target.

    Raises:
      NotFoundError: nothing serves the target.
    """
    if not target:
        return ResourceManager()
    with _lock:
        shared = _targets.get(target)
    if shared is None:
        raise NotFoundError(
            None,
            None,
            f"No session factory registered for the target {target!r}: a session runs in this process (an empty "
            "target) or connects to a tf.train.Server that this process has started.",
        )
    return shared.shared()


def clear(target: str, containers: Sequence[str] | None = None) -> None:
    """Forgets the resources of a target, or those of the containers named."""
    with _lock:
        shared = _targets.get(target)
    if shared is not None:
        shared.clear(containers)
