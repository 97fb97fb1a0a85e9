"""What the rewriting of ``break``, ``continue`` and ``return`` has in common."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from tideflow._src.compat.private.pyct import syntax, templates, transformer

FUNCTIONS = ("FunctionDef", "AsyncFunctionDef", "Lambda", "ClassDef")
_LOOPS = ("For", "AsyncFor", "While")


def name(ctx: transformer.Context, node: Any, root: str) -> str:
    """Returns a name that nothing in a node has."""
    return ctx.namer.new_symbol(root, {each.id for each in _names(node)})


def has(body: list[Any], kind: str) -> bool:
    """Tells whether statements hold a ``break`` or ``continue`` that belongs to the loop around them."""
    for node in body:
        if syntax.is_a(node, kind):
            return True
        if syntax.is_a(node, *_LOOPS):
            inside = [node.orelse]  # what follows the loop
        else:
            inside = [] if syntax.is_a(node, *FUNCTIONS) else _blocks(node)
        if any(has(block, kind) for block in inside):
            return True
    return False


def has_return(body: list[Any]) -> bool:
    """Tells whether statements hold a ``return`` of the function around them."""
    return any(
        syntax.is_a(node, "Return")
        or (not syntax.is_a(node, *FUNCTIONS) and any(has_return(block) for block in _blocks(node)))
        for node in body
    )


def assigns(body: list[Any], variable: str) -> bool:
    """Tells whether statements assign a variable."""
    return any(each.id == variable and syntax.is_a(each.ctx, "Store") for node in body for each in _names(node))


def _names(node: Any) -> list[Any]:
    return [each for each in ast.walk(node) if syntax.is_a(each, "Name")]


def _blocks(node: Any) -> list[list[Any]]:
    return [
        *[getattr(node, field) for field in syntax.blocks(node)],
        *[handler.body for handler in getattr(node, "handlers", ())],
        *[case.body for case in getattr(node, "cases", ())],
    ]


def rewritten(body: list[Any], kind: str, make: Callable[[Any], list[Any]], outside: tuple[str, ...]) -> list[Any]:
    """Returns statements with those of one kind replaced, but inside of what is named ``outside``.

    The ``else`` of a loop is not inside of it.
    """
    result: list[Any] = []
    for node in body:
        if syntax.is_a(node, kind):
            result.extend(make(node))
            continue
        is_outside = syntax.is_a(node, *outside)
        for field in syntax.blocks(node):
            if not is_outside or (field == "orelse" and syntax.is_a(node, *_LOOPS)):
                setattr(node, field, rewritten(getattr(node, field), kind, make, outside))
        for part in () if is_outside else (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            part.body = rewritten(part.body, kind, make, outside)
        result.append(node)
    return result


def replaced(body: list[Any], kind: str, template: str, **names: str) -> list[Any]:
    """Returns statements with each ``break`` or ``continue`` of the loop around them replaced by a template."""
    return rewritten(body, kind, lambda node: templates.replace(template, **names), (*_LOOPS, *FUNCTIONS))


def guarded(body: list[Any], variable: str) -> list[Any]:
    """Returns statements of which those that follow an assignment of a variable are left out once it is true."""
    result: list[Any] = []
    for position, node in enumerate(body):
        if not syntax.is_a(node, *FUNCTIONS):
            for field in syntax.blocks(node):
                setattr(node, field, guarded(getattr(node, field), variable))
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                part.body = guarded(part.body, variable)
        result.append(node)
        rest = body[position + 1 :]
        if assigns([node], variable) and rest:
            if syntax.is_a(node, "Assign"):
                return result  # what follows a jump is never reached
            inner = guarded(rest, variable)
            return [*result, *templates.replace("if not variable:\n  body", variable=variable, body=inner)]
    return result


def nested(body: list[Any]) -> list[Any]:
    """Returns statements of which those that follow a branch that returns are in the other branch."""
    result: list[Any] = []
    for position, node in enumerate(body):
        result.append(node)
        if syntax.is_a(node, "Return", "Raise"):
            return result
        if not syntax.is_a(node, "If"):
            continue
        rest = body[position + 1 :]
        if _ends(node.body) and not _ends(node.orelse):
            node.orelse = nested([*node.orelse, *rest])
            node.body = nested(node.body)
            return result
        if node.orelse and _ends(node.orelse) and not _ends(node.body):
            node.body = nested([*node.body, *rest])
            node.orelse = nested(node.orelse)
            return result
        node.body, node.orelse = nested(node.body), nested(node.orelse)
        if _ends(node.body) and _ends(node.orelse):
            return result
    return result


def _ends(body: list[Any]) -> bool:
    """Tells whether nothing runs after statements: each of their ends returns or fails."""
    if not body:
        return False
    last = body[-1]
    return syntax.is_a(last, "Return", "Raise") or (
        syntax.is_a(last, "If") and _ends(last.body) and bool(last.orelse) and _ends(last.orelse)
    )


def needs_asking(body: list[Any]) -> bool:
    """Tells whether something follows, or goes round, after a ``return`` of these statements, which are nested."""
    for position, node in enumerate(body):
        if syntax.is_a(node, "Return", *FUNCTIONS) or not has_return([node]):
            continue
        if not syntax.is_a(node, "If") or position < len(body) - 1:
            return True
        if needs_asking(node.body) or needs_asking(node.orelse):
            return True
    return False
