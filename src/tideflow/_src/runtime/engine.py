"""Loads and configures JAX, the engine of compiled programs, when it is first needed."""

from __future__ import annotations

import os
import threading
from typing import Any

_lock = threading.Lock()
_jax: Any = None


def load() -> Any:
    """Returns the module ``jax``, configured: 64-bit types real, calls on the CPU synchronous."""
    global _jax
    if _jax is None:
        with _lock:
            if _jax is None:
                os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # XLA's own start-up chatter
                import jax

                jax.config.update("jax_enable_x64", True)
                jax.config.update("jax_cpu_enable_async_dispatch", False)
                _jax = jax
    return _jax


def is_loaded() -> bool:
    """Tells whether JAX has been loaded."""
    return _jax is not None
