"""What statements read and change, noted on them (``anno.Static.SCOPE``)."""

from __future__ import annotations

import ast
from typing import Any

from tideflow._src.compat.private.pyct import anno, qual_names, syntax

_COMPREHENSIONS = ("ListComp", "SetComp", "DictComp", "GeneratorExp")


class Scope:
    """Is what some code does to names.

    Attributes:
      read: the qualified names that it reads, those they are attributes or items of included.
      modified: those that it assigns.
      bound: the plain names that it binds.
      deleted: those that it deletes.
      params: the parameters of a function.
    """

    def __init__(self) -> None:
        self.read: set[qual_names.QN] = set()
        self.modified: set[qual_names.QN] = set()
        self.bound: set[qual_names.QN] = set()
        self.deleted: set[qual_names.QN] = set()
        self.params: set[qual_names.QN] = set()

    @property
    def referenced(self) -> set[qual_names.QN]:
        """All that it names."""
        return self.read | self.modified | self.deleted

    @property
    def free_vars(self) -> set[qual_names.QN]:
        """What it reads and does not bind."""
        return {name for name in self.read if not name.support_set & (self.bound | self.params)}

    def merge_from(self, other: Scope) -> None:
        """Adds what other code does."""
        for name in ("read", "modified", "bound", "deleted", "params"):
            getattr(self, name).update(getattr(other, name))

    def __repr__(self) -> str:
        return f"Scope{{r={tuple(sorted(self.read))}, w={tuple(sorted(self.modified))}}}"


def resolve(node: Any, context: Any = None, parent_scope: Any = None) -> Any:
    """Notes on every statement inside of a node what it reads and changes.

    Args:
      node: a tree whose names are resolved (:mod:`.qual_names`).
      context: kept for TensorFlow's signature.
      parent_scope: the scope to add what is found to, or None.
    """
    del context
    found = _statement(node) if isinstance(node, ast.stmt) or hasattr(node, "body") else _of_expression(node)
    if parent_scope is not None:
        parent_scope.merge_from(found)
    return node


def _statement(node: Any) -> Scope:
    scope = Scope()
    if syntax.is_a(node, "FunctionDef", "AsyncFunctionDef", "Lambda"):
        arguments, body = Scope(), Scope()
        for each in syntax.parameters(node.args):
            arguments.params.add(qual_names.QN(syntax.parameter_name(each)))
        before = [*node.args.defaults, *node.args.kw_defaults, *getattr(node, "decorator_list", ())]
        for default in filter(None, before):
            scope.merge_from(_of_expression(default))
        body = _block(node.body) if isinstance(node.body, list) else _of_expression(node.body)
        anno.setanno(node, anno.Static.ARGS_SCOPE, arguments)
        anno.setanno(node, anno.Static.BODY_SCOPE, body)
        inner = Scope()
        inner.merge_from(body)
        inner.merge_from(arguments)
        scope.read |= inner.free_vars
        if not syntax.is_a(node, "Lambda"):
            _add(scope, qual_names.QN(node.name), "Store")
    else:
        for field, value in ast.iter_fields(node):
            if field in ("body", "orelse", "finalbody", "handlers", "cases") and isinstance(value, list):
                inner = _block(value)
                key = anno.Static.BODY_SCOPE if field == "body" else anno.Static.ORELSE_SCOPE
                if field in ("body", "orelse"):
                    anno.setanno(node, key, inner)
                scope.merge_from(inner)
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    inner = _of_expression(item)
                    if field in ("test", "iter"):
                        anno.setanno(node, anno.Static.COND_SCOPE, inner)
                    scope.merge_from(inner)
        if syntax.is_a(node, "AugAssign"):
            scope.read |= scope.modified
        if syntax.is_a(node, "ExceptHandler") and node.name:
            _add(scope, qual_names.QN(node.name if isinstance(node.name, str) else node.name.id), "Store")
        if syntax.is_a(node, "ClassDef"):
            inner, scope = scope, Scope()
            scope.read |= inner.free_vars
            _add(scope, qual_names.QN(node.name), "Store")
    anno.setanno(node, anno.Static.SCOPE, scope)
    return scope


def _block(nodes: list[Any]) -> Scope:
    scope = Scope()
    for node in nodes:
        scope.merge_from(_statement(node))
    return scope


def _add(scope: Scope, name: qual_names.QN, context: str) -> None:
    if context == "Load":
        scope.read |= {name} | name.owner_set
        return
    target = scope.deleted if context == "Del" else scope.modified
    target.add(name)
    if name.is_symbol():
        scope.bound.add(name)
    else:  # x.y = z reads x
        scope.read |= name.owner_set


def _of_expression(node: Any) -> Scope:
    scope = Scope()
    if syntax.is_a(node, "Lambda"):
        return _statement(node)
    if syntax.is_a(node, *_COMPREHENSIONS):
        inner = Scope()
        for child in ast.iter_child_nodes(node):
            inner.merge_from(_of_expression(child))
        scope.read |= inner.free_vars
        return scope
    if syntax.is_a(node, "alias"):
        _add(scope, qual_names.QN(node.asname or node.name.partition(".")[0]), "Store")
        return scope
    name = anno.getanno(node, anno.Basic.QN, None)
    if name is not None and hasattr(node, "ctx"):
        _add(scope, name, type(node.ctx).__name__)
        if syntax.is_a(node, "Subscript"):
            scope.merge_from(_of_expression(node.slice))
        return scope
    for child in ast.iter_child_nodes(node):
        scope.merge_from(_of_expression(child))
    return scope
