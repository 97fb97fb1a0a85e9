"""Reads messages from the files that command lines name."""

from __future__ import annotations

import argparse
from typing import Any

from tideflow._src.graph import protos
from tideflow._src.graph.protos.text import from_bytes, from_text
from tideflow._src.ops.files import file_system


def read_message(kind: str, path: str, binary: bool, what: str) -> Any:
    """Returns the message in a file.

    Args:
      kind: the name of the message.
      path: the file.
      binary: whether it has protobuf's binary format rather than text.
      what: what the user calls the file, such as ``graph``.

    Raises:
      OSError: there is no such file.
      ValueError: it holds no such message.
    """
    if not file_system.exists(path):
        raise OSError(f"Input {what} file '{path}' does not exist!")
    content = file_system.read(path)
    try:
        return (from_bytes if binary else from_text)(content, protos.get(kind)())
    except ValueError as error:
        other = "text, without --input_binary" if binary else "binary, with --input_binary=true"
        raise ValueError(f"'{path}' cannot be read: {error} If it is {other}.") from None


def names_in(text: str) -> list[str]:
    """Returns the names in a list that has commas between them."""
    return text.replace(" ", "").split(",")


def parser_of(description: str) -> argparse.ArgumentParser:
    """Returns a parser of options, whose ``bool`` options are written ``--option`` or ``--option=true``."""
    parser = argparse.ArgumentParser(description=description)
    parser.register("type", "bool", lambda value: value.lower() == "true")
    return parser


def add_flag(parser: argparse.ArgumentParser, name: str, default: bool, help_text: str) -> None:
    """Adds an option that is on or off."""
    parser.add_argument(name, nargs="?", const=True, type="bool", default=default, help=help_text)
