"""Functions as syntax trees, and trees as text."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from typing import Any

from tideflow._src.compat.private.pyct import syntax
from tideflow._src.function.autograph import source

STANDARD_PREAMBLE = ""


def dedent_block(code_string: str) -> str:
    """Returns text without the indentation that all its lines share."""
    return textwrap.dedent(code_string)


def parse_entity(entity: Any, future_features: Sequence[str]) -> tuple[Any, str]:
    """Returns the definition of a function as a tree, and its text.

    Args:
      entity: a function of Python.
      future_features: what its module imports from ``__future__``.

    Raises:
      ValueError: its source is not available.
    """
    try:
        node = source.syntax_of(entity)
    except source.NoSource as error:
        raise ValueError(f"Unable to locate the source code of {entity}: {error}") from None
    imports = f"from __future__ import {', '.join(future_features)}\n" if future_features else ""
    tree: Any = ast.fix_missing_locations(node)
    wrapped = ast.Module([tree] if isinstance(tree, ast.stmt) else [ast.copy_location(ast.Expr(tree), tree)], [])
    (adopted,) = syntax.adopted(wrapped).body
    return (adopted.value if syntax.is_a(adopted, "Expr") else adopted), imports + syntax.text_of(adopted)


def parse(src: str, preamble_len: int = 0, single_node: bool = True) -> Any:
    """Returns the statement that a text is, or its statements.

    Args:
      src: the text.
      preamble_len: how many statements at its start to leave out.
      single_node: whether it is to be one statement.

    Raises:
      ValueError: it is not.
    """
    nodes = syntax.parsed(src)[preamble_len:]
    if not single_node:
        return nodes
    if len(nodes) != 1:
        raise ValueError(f"expected exactly one node, got {nodes}")
    return nodes[0]


def parse_expression(src: str) -> Any:
    """Returns the expression that a text is; a ValueError if it is none."""
    node = parse(src.strip())
    if not syntax.is_a(node, "Expr"):
        raise ValueError(f"expected a single expression, found {src!r}")
    return node.value


def unparse(node: Any, indentation: str | None = None, include_encoding_marker: bool = True) -> str:
    """Returns the text of a node, or of several.

    Args:
      node: the node, or a list of nodes.
      indentation: kept for TensorFlow's signature: lines are indented by four spaces.
      include_encoding_marker: whether the first line tells the encoding.
    """
    del indentation
    text = syntax.text_of(node)
    return f"# coding=utf-8\n{text}" if include_encoding_marker else text
