"""Tells which names statements read and bind, and which names are needed after a statement.

What is found of a node is kept with it, and stays true of the user's code when the node is rewritten.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound(nodes: ast.AST | Iterable[ast.AST]) -> set[str]:
    """Returns the names that code binds in its own scope."""
    return set().union(*map(_bound, _roots(nodes)))


def _bound(node: ast.AST) -> set[str]:
    known: set[str] | None = node.__dict__.get("_ag_bound")
    if known is not None:
        return known
    found: set[str] = set()
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            found.add(name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            found.add(name)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            found.add(name)
        case ast.MatchMapping(rest=str(name)):
            found.add(name)
        case ast.alias(name=name, asname=other):
            found.add(other or name.partition(".")[0])
    if isinstance(node, _COMPREHENSIONS):
        found |= bound([item.target for item in ast.walk(node) if isinstance(item, ast.NamedExpr)])
    elif not isinstance(node, _SCOPES):
        found.update(*map(_bound, ast.iter_child_nodes(node)))
    node._ag_bound = found  # type: ignore[attr-defined]
    return found


def places(nodes: ast.AST | Iterable[ast.AST]) -> dict[str, set[str]]:
    """Returns the attributes and items of variables that code assigns, as it writes them: ``self.x``, ``row[0]``.

    With each come the names that it is made of.
    """
    found: dict[str, set[str]] = {}
    for node in _in_scope(nodes):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store) and _is_path(node):
            found[ast.unparse(node)] = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    return found


def _is_path(node: ast.AST) -> bool:
    """Tells whether an expression leads from a variable to what it names without computing anything."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript):
            key = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
            if not isinstance(key, ast.Constant | ast.Name):
                return False
        node = node.value
    return isinstance(node, ast.Name)


def read(nodes: ast.AST | Iterable[ast.AST]) -> set[str]:
    """Returns the names of its own and outer scopes that code reads, also in inner functions."""
    return set().union(*map(_read, _roots(nodes)))


def _read(node: ast.AST) -> set[str]:
    known: set[str] | None = node.__dict__.get("_ag_read")
    if known is None:
        known = _read_anew(node)
        node._ag_read = known  # type: ignore[attr-defined]
    return known


def _read_anew(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return {name}
        case ast.Lambda(args=parameters, body=body):
            return read(parameters) | (read(body) - _parameters(node))
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            around = [*node.decorator_list, node.args, *([] if node.returns is None else [node.returns])]
            return read(around) | (read(body) - _own(node))
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first, *others = node.generators
            found = read([item for item in ast.iter_child_nodes(node) if not isinstance(item, ast.comprehension)])
            found |= read([*others, first.target, *first.ifs])
            return (found - bound([item.target for item in node.generators])) | read(first.iter)
    return set().union(*map(_read, ast.iter_child_nodes(node)))


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    return {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Returns the names that are a function's own: its parameters, and what it binds without declaring it."""
    return _parameters(function) | (bound(function.body) - declared(function.body))


def used_by_inner_functions(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns the names that functions and classes inside of code use of it: they may read them at any time."""
    return set().union(*map(_used, _roots(nodes)))


def _used(node: ast.AST) -> set[str]:
    """Returns what the functions in a node, itself included, use of the scope that it is in."""
    if isinstance(node, _SCOPES):
        return _mentioned(node)
    return set().union(*map(_used, ast.iter_child_nodes(node)))


def _mentioned(node: ast.AST) -> set[str]:
    """Returns the names of its own and outer scopes that code reads, binds or declares, also in inner functions."""
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Nonlocal(names=names):
            return set(names)
        case ast.Lambda(args=parameters, body=body):
            return _mentioned(parameters) | (_mentioned(body) - _parameters(node))
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            within = set().union(*map(_mentioned, body)) - _own(node)
            others = [item for item in ast.iter_child_nodes(node) if item not in body]
            return within.union(*map(_mentioned, others))
    return set().union(*map(_mentioned, ast.iter_child_nodes(node)))


def changed_by_inner_functions(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns the names of this scope, or of one around it, that functions inside of code declare ``nonlocal``."""
    found: set[str] = set()
    for node in _in_scope(nodes):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            outer = {name for item in _in_scope(node.body) if isinstance(item, ast.Nonlocal) for name in item.names}
            own = bound(node.body) | _parameters(node)
            found |= outer | (changed_by_inner_functions(node.body) - (own - outer))
    return found


def declared(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns the names that code declares to be those of an outer scope."""
    return {name for node in _in_scope(nodes) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}


def live_before(statements: Sequence[ast.stmt], after: set[str]) -> set[str]:
    """Returns the names whose values code may still need at its start, given those that are needed at its end.

    The code has no jumps but returns and raises.
    """
    live = after
    for statement in reversed(statements):
        live = _before(statement, live)
    return live


def live_at_test(loop: ast.While | ast.For, after: set[str]) -> set[str]:
    """Returns the names that are needed where a loop decides whether to go on."""
    end = live_before(loop.orelse, after)
    live = set(end)
    while True:
        if isinstance(loop, ast.While):
            again = read(loop.test) | (live_before(loop.body, live | read(loop.test)) | end)
        else:
            going_on = getattr(loop, "going_on", None)  # what jumps became
            flags = set() if going_on is None else read(going_on)
            again = live_before(loop.body, live) - bound(loop.target) | end | flags
        if again <= live:
            return live
        live |= again


def _before(statement: ast.stmt, live: set[str]) -> set[str]:
    match statement:
        case ast.If(test=test, body=body, orelse=orelse):
            return read(test) | live_before(body, live) | live_before(orelse, live)
        case ast.While(test=test):
            return read(test) | live_at_test(statement, live)
        case ast.For(iter=items) | ast.AsyncFor(iter=items):
            return read(items) | live_at_test(statement, live)  # type: ignore[arg-type]
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            return read(items) | (live_before(body, live) - bound(items))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
            end = live_before(final, live)
            caught = {name for handler in handlers for name in read(handler.body)} | end
            # The body may end anywhere: what is needed in a handler is needed throughout.
            return live_before(body, live_before(orelse, end) | caught) | caught | read(handlers)
        case ast.Return() | ast.Raise():
            return read(statement)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (live - {statement.name}) | read(statement)
        case ast.AugAssign(target=ast.Name(id=name)):
            return live | read(statement.value) | {name}
        case ast.Match():
            return live | read(statement)
        case ast.Delete():
            return live | {item.id for item in ast.walk(statement) if isinstance(item, ast.Name)}
        case _:
            return (live - bound(statement)) | read(statement)


def _roots(nodes: ast.AST | Iterable[ast.AST]) -> list[ast.AST]:
    return [nodes] if isinstance(nodes, ast.AST) else list(nodes)


def _in_scope(nodes: ast.AST | Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Goes over code without what has a scope of its own; of a comprehension, over the walruses."""
    waiting = _roots(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _SCOPES):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting.extend(node.decorator_list)
        elif isinstance(node, _COMPREHENSIONS):
            waiting.extend(item.target for item in ast.walk(node) if isinstance(item, ast.NamedExpr))
        else:
            waiting.extend(ast.iter_child_nodes(node))
