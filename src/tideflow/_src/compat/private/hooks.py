"""What Keras hangs into TensorFlow: functions that it registers, and nobody calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: What was registered, by the name of the hook.
REGISTERED: dict[str, Callable[..., Any]] = {}


def register_call_context_function(func: Callable[..., Any]) -> None:
    """Registers what tells the context of a layer's call."""
    REGISTERED["call_context"] = func


def register_clear_session_function(func: Callable[..., Any]) -> None:
    """Registers what forgets a session."""
    REGISTERED["clear_session"] = func


def register_get_session_function(func: Callable[..., Any]) -> None:
    """Registers what gives a session."""
    REGISTERED["get_session"] = func


def register_load_model_function(func: Callable[..., Any]) -> None:
    """Registers what loads a model."""
    REGISTERED["load_model"] = func


def register_load_context_function(func: Callable[..., Any]) -> None:
    """Registers what tells the context of loading."""
    REGISTERED["load_context"] = func
