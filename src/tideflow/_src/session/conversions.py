"""Types that can be fetched and fed because somebody registered how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Conversion(NamedTuple):
    """How objects of a type are fetched and fed."""

    type: type
    fetch: Callable[[Any], tuple[list[Any], Callable[[list[Any]], Any]]]
    feed: Callable[[Any, Any], list[tuple[Any, Any]]] | None
    feed_partial: Callable[[Any], list[Any]] | None


#: The latest first.
CONVERSIONS: list[Conversion] = []


def register_session_run_conversion_functions(
    tensor_type: type,
    fetch_function: Callable[[Any], Any],
    feed_function: Callable[[Any, Any], Any] | None = None,
    feed_function_for_partial_run: Callable[[Any], Any] | None = None,
) -> None:
    """Lets sessions fetch and feed objects of a type.

    Args:
      tensor_type: the type.
      fetch_function: returns for an object what is fetched instead, and a function that makes the result of the values.
      feed_function: returns for an object and a value a list of pairs of what is fed instead, and its value.
      feed_function_for_partial_run: returns for an object what is fed instead.

    Raises:
      ValueError: the type, or one that it is derived from, is registered.
    """
    for known in CONVERSIONS:
        if issubclass(tensor_type, known.type):
            raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    CONVERSIONS.insert(0, Conversion(tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


def conversion_of(item: Any) -> Conversion | None:
    """Returns how an object is fetched and fed, if that was registered for its type."""
    return next((known for known in CONVERSIONS if isinstance(item, known.type)), None)
