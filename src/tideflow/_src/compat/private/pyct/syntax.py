"""Syntax trees in the form that libraries expect: of the package ``gast`` where that is installed, else of ``ast``.

Both have the same classes by name but for parameters, which are names in one and ``arg`` in the other. So code here
asks for names of classes, and makes nodes by parsing text.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

_gast: Any = importlib.import_module("gast") if importlib.util.find_spec("gast") else None


def parsed(text: str) -> list[Any]:
    """Returns the statements of a text."""
    return list(adopted(ast.parse(text)).body)


def adopted(node: ast.AST) -> Any:
    """Returns a tree of ``ast`` in the form that is used here."""
    return node if _gast is None else _gast.ast_to_gast(node)


def plain(node: Any) -> ast.AST:
    """Returns a tree as one of ``ast``."""
    module, _, _ = type(node).__module__.partition(".")
    result: ast.AST = _gast.gast_to_ast(node) if module == "gast" else node
    return result


def text_of(nodes: Any) -> str:
    """Returns the source text of a node or of several."""
    nodes = nodes if isinstance(nodes, list | tuple) else [nodes]
    return "\n".join(ast.unparse(ast.fix_missing_locations(plain(node))) for node in nodes)


def expression(text: str) -> Any:
    """Returns the expression that a text is."""
    (statement,) = parsed(text)
    return statement.value


def is_a(node: Any, *names: str) -> bool:
    """Tells whether a node's class has one of these names."""
    return type(node).__name__ in names


def is_expression(node: Any) -> bool:
    """Tells whether a node is an expression."""
    return any(kind.__name__ == "expr" for kind in type(node).__mro__)


def parameter(name: str) -> Any:
    """Returns the node of a parameter without a default."""
    return expression(f"lambda {name}: 0").args.args[0]


def parameter_name(node: Any) -> str:
    """Returns the name of a parameter."""
    name: str = node.id if hasattr(node, "id") else node.arg
    return name


def parameters(arguments: Any) -> Iterator[Any]:
    """Gives the parameters of a function."""
    yield from arguments.posonlyargs
    yield from arguments.args
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)
    yield from arguments.kwonlyargs


def blocks(node: Any) -> Iterator[str]:
    """Gives the names of a statement's fields that hold statements."""
    for field in ("body", "orelse", "finalbody"):
        if isinstance(getattr(node, field, None), list):
            yield field


def with_context(node: Any, context: Any) -> Any:
    """Gives an expression, and what is unpacked in it, the context of the place that it is put in."""
    if "ctx" in node._fields:
        node.ctx = type(context)()
    if is_a(node, "Tuple", "List", "Starred"):
        for item in getattr(node, "elts", None) or [getattr(node, "value", None)]:
            if item is not None:
                with_context(item, context)
    return node
