"""Code written as text in which names stand for nodes."""

from __future__ import annotations

import ast
import copy
import textwrap
from typing import Any

from tideflow._src.compat.private.pyct import qual_names, syntax


def replace(template: str, **replacements: Any) -> list[Any]:
    """Returns the statements of a template, with names in it replaced.

    Args:
      template: the text.
      **replacements: for a name, another name (text or ``QN``), a node, or a list of them: statements where the name
        stands alone as one, parameters, arguments.

    Raises:
      ValueError: a node does not fit where its name stands.
    """
    filled = _Filled({name: _as_nodes(value) for name, value in replacements.items()})
    result: list[Any] = []
    for statement in syntax.parsed(textwrap.dedent(template)):
        found = filled.visit(statement)
        result.extend(found if isinstance(found, list) else [found])
    return [qual_names.resolve(node) for node in result]


def replace_as_expression(template: str, **replacements: Any) -> Any:
    """Returns the expression of a template, with names in it replaced; a ValueError if it is none."""
    nodes = replace(template, **replacements)
    if len(nodes) != 1 or not syntax.is_a(nodes[0], "Expr"):
        raise ValueError(f"a template that is one expression is wanted, not {template!r}")
    return nodes[0].value


def _as_nodes(value: Any) -> Any:
    if isinstance(value, qual_names.QN):
        return value.ast()
    if isinstance(value, str):
        return syntax.expression(value)
    if isinstance(value, list | tuple):
        return [_as_nodes(item) for item in value]
    return value


class _Filled(ast.NodeTransformer):
    """Replaces names in the nodes of a template.

    Args:
      given: what to replace names by.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def _identifier(self, name: str) -> str:
        """Returns what stands for a name that is no expression: of a function, a parameter or an attribute."""
        if name not in self._given:
            return name
        node = self._given[name]
        if not syntax.is_a(node, "Name"):
            raise ValueError(f"'{name}' stands for a name, but got {node!r}.")
        found: str = node.id
        return found

    def _copied(self, name: str) -> Any:
        return copy.deepcopy(self._given[name])

    def visit_Expr(self, node: Any) -> Any:
        """Replaces a name that stands alone by statements."""
        if syntax.is_a(node.value, "Name") and node.value.id in self._given:
            found = self._copied(node.value.id)
            found = found if isinstance(found, list) else [found]
            if not all(map(syntax.is_expression, found)) or len(found) != 1:
                return found
        return self.generic_visit(node)

    def visit_Name(self, node: Any) -> Any:
        """Replaces a name by an expression."""
        if node.id not in self._given:
            return node
        found = self._copied(node.id)
        several = found if isinstance(found, list) else [found]
        for item in several:
            if not syntax.is_expression(item):
                raise ValueError(f"'{node.id}' stands for an expression, but got {item!r}.")
            syntax.with_context(item, node.ctx)
        return found

    def visit_arguments(self, node: Any) -> Any:
        """Replaces names of parameters."""
        for field in ("posonlyargs", "args", "kwonlyargs"):
            made: list[Any] = []
            for each in getattr(node, field):
                name = syntax.parameter_name(each)
                if name not in self._given:
                    made.append(each)
                    continue
                found = self._given[name]
                for item in found if isinstance(found, list) else [found]:
                    made.append(syntax.parameter(syntax.parameter_name(item)))
            setattr(node, field, made)
        node.defaults = [self.visit(item) for item in node.defaults]
        node.kw_defaults = [item if item is None else self.visit(item) for item in node.kw_defaults]
        return node

    def visit_keyword(self, node: Any) -> Any:
        """Replaces an argument that is named as a replacement by keyword arguments."""
        if node.arg in self._given:
            return self._copied(node.arg)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: Any) -> Any:
        """Replaces the name of a function, and what is inside."""
        node.name = self._identifier(node.name)
        return self.generic_visit(node)

    def visit_Attribute(self, node: Any) -> Any:
        """Replaces the name of an attribute, and what it belongs to."""
        node = self.generic_visit(node)
        node.attr = self._identifier(node.attr)
        return node
