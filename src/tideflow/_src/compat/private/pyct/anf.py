"""``pyct.common_transformers.anf``: code in which what is computed inside of other expressions has a name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.compat.private.pyct import syntax, templates, transformer

#: Stands for any class, or any field.
ANY = object()


def REPLACE(parent: Any, field: str, child: Any) -> bool:
    """Says that an expression gets a name."""
    del parent, field, child
    return True


def LEAVE(parent: Any, field: str, child: Any) -> bool:
    """Says that an expression stays where it is."""
    del parent, field, child
    return False


class ASTEdgePattern(NamedTuple):
    """Is where an expression stands.

    Attributes:
      parent: the class of the node that it belongs to, or ``ANY``.
      field: the field of that, or ``ANY``.
      child: the class of the expression, or ``ANY``.
    """

    parent: Any
    field: Any
    child: Any

    def matches(self, parent: Any, field: str, child: Any) -> bool:
        """Tells whether an expression stands there."""
        return _is(parent, self.parent) and self.field in (ANY, field) and _is(child, self.child)


def _is(node: Any, kinds: Any) -> bool:
    if kinds is ANY:
        return True
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    names = {each.__name__ for each in type(node).__mro__}  # of ``gast`` or of ``ast``
    return any(kind.__name__ in names for kind in wanted)


#: Constants stay where they are, all else gets a name.
_ALL = [(ASTEdgePattern(ANY, ANY, ast.Constant), LEAVE), (ASTEdgePattern(ANY, ANY, ast.expr), REPLACE)]


def transform(node: Any, ctx: transformer.Context, config: Any = None) -> Any:
    """Returns code in A-normal form (Flanagan et al. 1993, "The essence of compiling with continuations").

    Args:
      node: the definition of a function.
      ctx: what goes with its rewriting.
      config: pairs of an ``ASTEdgePattern`` and a function of a node, a field and an expression there, which tells
        whether the expression gets a name; of those whose pattern matches, the first decides. By default all but
        constants and names do.

    Raises:
      ValueError: what is to have a name is not computed once, before its statement: the condition of a ``while``, say.
    """
    return _Named(ctx, _ALL if config is None else config).visit(node)


class _Named(transformer.Base):
    def __init__(self, ctx: transformer.Context, config: Any) -> None:
        super().__init__(ctx)
        self._config = [entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, REPLACE) for entry in config]
        self._pending: list[Any] = []
        self._number = 1000

    def visit(self, node: Any) -> Any:
        """Returns a statement with those before it that name what it computes; an expression with names in it."""
        if not isinstance(node, ast.stmt) and not any(kind.__name__ == "stmt" for kind in type(node).__mro__):
            return super().visit(node)
        outside, self._pending = self._pending, []
        made = super().visit(node)
        before, self._pending = self._pending, outside
        return [*before, *(made if isinstance(made, list) else [made])] if before else made

    def generic_visit(self, node: Any) -> Any:
        """Gives names to the expressions that belong to a node."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                self._list(node, field, value)
            elif isinstance(value, ast.AST):
                setattr(node, field, self._child(node, field, value))
        return node

    def _list(self, node: Any, field: str, values: list[Any]) -> None:
        made: list[Any] = []
        for value in values:
            found = self._child(node, field, value) if isinstance(value, ast.AST) else value
            made.extend(found if isinstance(found, list) else [found])
        values[:] = made

    def _child(self, node: Any, field: str, child: Any) -> Any:
        is_target = syntax.is_a(getattr(child, "ctx", None), "Store", "Del")
        found = self.visit(child)
        if not syntax.is_expression(child) or is_target or syntax.is_a(child, "Name", "Starred", "Slice"):
            return found
        if (syntax.is_a(node, "Assign", "Expr") and field == "value") or (
            syntax.is_a(node, "Call") and field == "func"
        ):
            return found
        if (field == "slice" and syntax.is_a(child, "Tuple")) or not self._gets_name(node, field, child):
            return found
        self._number += 1
        name = self.ctx.namer.new_symbol(f"tmp_{self._number}", ())
        self._pending += templates.replace("name = value", name=name, value=found)
        return syntax.expression(name)

    def _gets_name(self, parent: Any, field: str, child: Any) -> bool:
        for pattern, decides in self._config:
            if pattern is ANY or pattern.matches(parent, field, child):
                return bool(decides(parent, field, child))
        return False

    def visit_FunctionDef(self, node: Any) -> Any:
        """Leaves the head of a function as it is."""
        self._list(node, "body", node.body)
        return node

    def visit_While(self, node: Any) -> Any:
        """Leaves the condition of a loop as it is, which is computed in each turn."""
        what = "condition of a while statement"
        node.test = self._unnamed(node.test, what, lambda: self._child(node, "test", node.test))
        self._list(node, "body", node.body)
        self._list(node, "orelse", node.orelse)
        return node

    def visit_For(self, node: Any) -> Any:
        """Gives a name to what a loop goes over."""
        node.iter = self._child(node, "iter", node.iter)
        self._list(node, "body", node.body)
        self._list(node, "orelse", node.orelse)
        return node

    def _later(self, node: Any) -> Any:
        return self._unnamed(node, f"part of {type(node).__name__}", lambda: self.generic_visit(node))

    def _unnamed(self, node: Any, what: str, visit: Callable[[], Any]) -> Any:
        """Returns what a visit returns; a ValueError if it gave something a name."""
        before = len(self._pending)
        found = visit()
        if len(self._pending) > before:
            raise ValueError(f"Nontrivial {what} is not supported in A-normal form: {syntax.text_of(node)}")
        return found

    visit_BoolOp = visit_IfExp = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _later

    def visit_Lambda(self, node: Any) -> Any:
        """Leaves a lambda expression as it is."""
        return node

    visit_ClassDef = visit_AsyncFunctionDef = visit_Lambda
