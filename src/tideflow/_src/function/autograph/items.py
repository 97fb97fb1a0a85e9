"""Makes ``x[i] = v`` of a variable the assignment of a value: ``x = ag__.set_item(x, i, v)``. Tensors never change."""

from __future__ import annotations

import ast
from typing import Any

from tideflow._src.function.autograph import names

#: The name of the module of operators in what is made.
OPERATORS = "ag__"


def as_values(node: Any) -> Any:
    """Returns the definition of a function, which is changed, with items of its own variables assigned so."""
    if not isinstance(node, ast.Lambda):
        _Items(node).rewrite(node)
    return node


def is_made(node: ast.Call) -> bool:
    """Tells whether a call is one that was made here."""
    return "_ag_made" in node.__dict__


class _Items(ast.NodeTransformer):
    """Rewrites one function; functions inside of it have variables of their own.

    Args:
      node: its definition.
    """

    def __init__(self, node: ast.FunctionDef) -> None:
        parameters = {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
        self._own = (names.bound(node.body) | parameters) - names.declared(node.body)

    def rewrite(self, node: ast.FunctionDef) -> None:
        node.body = [self.visit(statement) for statement in node.body]
        for item in ast.walk(node):
            item.__dict__.pop("_ag_bound", None)  # what was found of the names before
            item.__dict__.pop("_ag_read", None)

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Rewrites the assignment of one item of a variable of this function."""
        target = node.targets[0]
        if len(node.targets) > 1 or not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
            return node
        name = target.value.id
        if name not in self._own:
            return node
        operator = ast.Attribute(ast.Name(OPERATORS, ast.Load()), "set_item", ast.Load())
        call = ast.Call(operator, [ast.Name(name, ast.Load()), _as_expression(target.slice), node.value], [])
        call._ag_made = True  # type: ignore[attr-defined]
        made = ast.Assign([ast.Name(name, ast.Store())], call)
        return ast.fix_missing_locations(ast.copy_location(made, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Rewrites an inner function."""
        return as_values(node)

    def _leave(self, node: Any) -> Any:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave


def _as_expression(index: ast.expr) -> ast.expr:
    """Returns what stands between brackets as an expression: ``1:`` is ``ag__.slice(1, None, None)``."""
    if isinstance(index, ast.Tuple):
        return ast.Tuple([_as_expression(item) for item in index.elts], ast.Load())
    if not isinstance(index, ast.Slice):
        return index
    parts = [ast.Constant(None) if part is None else part for part in (index.lower, index.upper, index.step)]
    made = ast.Call(ast.Attribute(ast.Name(OPERATORS, ast.Load()), "slice", ast.Load()), parts, [])
    made._ag_made = True  # type: ignore[attr-defined]
    return made
