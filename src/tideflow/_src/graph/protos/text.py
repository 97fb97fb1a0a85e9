"""Messages in protobuf's text, JSON and binary formats, with errors that need no import of protobuf to catch."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError


def to_text(message: Any) -> str:
    """Returns a message in protobuf's text format."""
    text: str = text_format.MessageToString(message)
    return text


def from_text(text: str | bytes, message: Any) -> Any:
    """Reads a message in protobuf's text format into ``message``, and returns that.

    Raises:
      ValueError: the text is not one of such a message.
    """
    try:
        return text_format.Parse(text, message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"This is not a {message.DESCRIPTOR.name} in text format: {error}") from None


def from_bytes(content: bytes, message: Any) -> Any:
    """Reads a message in protobuf's binary format into ``message``, and returns that.

    Raises:
      ValueError: the bytes are not such a message.
    """
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"This is not a {message.DESCRIPTOR.name}: {error}") from None
    return message


def from_json(text: str | bytes, message: Any) -> Any:
    """Reads a message in protobuf's JSON format into ``message``, and returns that.

    Raises:
      ValueError: the text is not one of such a message.
    """
    from google.protobuf import json_format

    try:
        return json_format.Parse(text, message)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"This is not a {message.DESCRIPTOR.name} in JSON: {error}") from None
