"""Rewrites ``break``, ``continue`` and ``return`` inside of statements as flags, so that every block runs to its end.

    while a:                     broken = False
        if b:                    while not broken and a:
            break                    if b:
        c                                broken = True
                                     else:
                                         c

What follows a branch that surely jumps moves into the other branch; what follows one that may jump is guarded.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

#: Names that no program of a user contains.
PREFIX = "_ag_"
VALUE = f"{PREFIX}value"
#: The same in functions that may end without a ``return``.
MAYBE_VALUE = f"{PREFIX}value_or_none"
RETURNED = f"{PREFIX}returned"


class _Loop(NamedTuple):
    """The flags that the jumps of a loop set."""

    broken: str
    skipped: str


def lower(body: list[ast.stmt]) -> list[ast.stmt]:
    """Returns the body of a function without jumps, but for a last ``return``."""
    if not any(map(_needs_lowering, body[:-1])) and not _needs_lowering(body[-1], last=True):
        return body
    lowering = _Lowering(VALUE if _ends(body) else MAYBE_VALUE)
    lowered = lowering.block(body, None)
    if not lowering.returns:
        return lowered
    last = _parse(f"return ag__.returned({lowering.value})", body[-1])
    start = _parse(f"{lowering.value} = ag__.NOTHING", body[0])
    if RETURNED in lowering.read:
        return [*_parse(f"{RETURNED} = False", body[0]), *start, *lowered, *last]
    return [*start, *lowering.without(lowered, RETURNED), *last]


def _needs_lowering(statement: ast.stmt, last: bool = False) -> bool:
    """Tells whether a statement holds a jump, or a loop that is more than its condition and its body."""
    if isinstance(statement, ast.Return):
        return not last
    return _jumps_inside(statement) or any(
        (isinstance(node, ast.While) and _binds(node.test))
        or (isinstance(node, ast.For | ast.While) and bool(node.orelse))
        for node in _own(statement)
    )


def _jumps_inside(statement: ast.stmt) -> bool:
    """Tells whether a statement holds a jump in one of its blocks."""
    return not isinstance(statement, ast.Return) and any(
        isinstance(node, ast.Return | ast.Break | ast.Continue) for node in _own(statement)
    )


def _binds(test: ast.expr) -> bool:
    return any(isinstance(node, ast.NamedExpr) for node in ast.walk(test))


def _own(statement: ast.stmt) -> list[ast.AST]:
    """Returns the nodes of a statement but for those of functions inside of it."""
    known: list[ast.AST] | None = statement.__dict__.get("_ag_own")
    if known is not None:
        return known
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            found.append(node)
            waiting.extend(ast.iter_child_nodes(node))
    statement._ag_own = found  # type: ignore[attr-defined]
    return found


class _Lowering:
    """Rewrites one function.

    Args:
      value: the name of the value that it returns.

    Attributes:
      returns: whether there was a ``return``.
      read: the flags that something looks at.
    """

    def __init__(self, value: str) -> None:
        self.value = value
        self.returns = False
        self.read: set[str] = set()
        self._count = 0

    def block(self, statements: Sequence[ast.stmt], loop: _Loop | None) -> list[ast.stmt]:
        """Returns a block without jumps."""
        result: list[ast.stmt] = []
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            match statement:
                case ast.Break():
                    assert loop is not None
                    return [*result, *_parse(f"{loop.broken} = True", statement)]
                case ast.Continue():
                    assert loop is not None
                    return [*result, *_parse(f"{loop.skipped} = True", statement)]
                case ast.Return(value=value):
                    self.returns = True
                    given = ast.Assign([ast.Name(self.value, ast.Store())], value or ast.Constant(None))
                    return [
                        *result,
                        ast.fix_missing_locations(ast.copy_location(given, statement)),  # it may raise
                        *_parse(f"{RETURNED} = True", statement),
                    ]
            flags = self._flags(statement, loop)
            if not flags:
                result.extend(self._statement(statement, loop))
                continue
            if isinstance(statement, ast.If) and (_ends(statement.body) or _ends(statement.orelse)):
                # The rest belongs to the branch that goes on.
                first, second = statement.body, statement.orelse
                if _ends(first):
                    second = [*second, *rest] if not _ends(second) else second
                else:
                    first = [*first, *rest]
                chosen = ast.If(statement.test, self.block(first, loop) or [_pass(statement)], self.block(second, loop))
                return [*result, ast.copy_location(chosen, statement)]
            result.extend(self._statement(statement, loop))
            if rest:
                result.append(self._guarded(self.block(rest, loop), flags, rest[0]))
            return result
        return result

    def _guarded(self, lowered: list[ast.stmt], flags: set[str], like: ast.stmt) -> ast.stmt:
        """Returns a statement that runs others if no flag is set."""
        self.read |= flags
        test = " and ".join(f"not {flag}" for flag in sorted(flags))
        return ast.copy_location(ast.If(_expression(test, like), lowered, []), like)

    def _flags(self, statement: ast.stmt, loop: _Loop | None) -> set[str]:
        """Returns the flags by which a statement may end the block that it stands in."""
        flags: set[str] = set()
        if any(isinstance(node, ast.Return) for node in _own(statement)):
            flags.add(RETURNED)
        if loop is not None:
            kinds = {type(node) for node in _jumps_of(statement)}
            flags |= {loop.broken} if ast.Break in kinds else set()
            flags |= {loop.skipped} if ast.Continue in kinds else set()
        return flags

    def _statement(self, statement: ast.stmt, loop: _Loop | None) -> list[ast.stmt]:
        """Returns a statement whose blocks have no jumps, with what has to come before and after it."""
        match statement:
            case ast.For() | ast.While():
                return self._loop(statement, loop)
            case ast.If(test=test, body=body, orelse=orelse):
                new: ast.stmt = ast.If(test, self._filled(body, loop), self.block(orelse, loop))
            case ast.With(items=items, body=body):
                new = ast.With(items, self._filled(body, loop))
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                caught = [
                    ast.copy_location(ast.ExceptHandler(h.type, h.name, self._filled(h.body, loop)), h)
                    for h in handlers
                ]
                otherwise = self.block(orelse, loop)
                flags = set().union(*[self._flags(item, loop) for item in body])
                if otherwise and flags:
                    otherwise = [self._guarded(otherwise, flags, orelse[0])]  # a jump out of the body leaves it out
                new = type(statement)(self._filled(body, loop), caught, otherwise, self.block(final, loop))
            case ast.Match(subject=subject, cases=cases):
                new = ast.Match(
                    subject, [ast.match_case(case.pattern, case.guard, self._filled(case.body, loop)) for case in cases]
                )
            case _:
                return [statement]
        return [ast.copy_location(new, statement)]

    def _filled(self, body: Sequence[ast.stmt], loop: _Loop | None) -> list[ast.stmt]:
        return self.block(body, loop) or [_pass(body[0])]

    def _loop(self, statement: ast.For | ast.While, outer: _Loop | None) -> list[ast.stmt]:
        self._count += 1
        flags = _Loop(f"{PREFIX}broken_{self._count}", f"{PREFIX}skipped_{self._count}")
        kinds = {type(node) for node in _jumps_of(statement, inside=True)}
        returns = any(isinstance(node, ast.Return) for part in statement.body for node in _own(part))
        body = self.block(statement.body, flags)
        before: list[ast.stmt] = []
        if ast.Continue in kinds:
            body = [*_parse(f"{flags.skipped} = False", statement.body[0]), *body]
            before += _parse(f"{flags.skipped} = False", statement)
        stops = []
        if ast.Break in kinds:
            before += _parse(f"{flags.broken} = False", statement)
            stops.append(flags.broken)
        if returns:
            stops.append(RETURNED)
        self.read |= set(stops)
        going_on = " and ".join(f"not {flag}" for flag in stops)
        if isinstance(statement, ast.While):
            test = statement.test
            if _binds(test):
                # What it binds, the body needs: it is evaluated before the loop, and at the end of each turn.
                on = f"{PREFIX}on_{self._count}"
                decided = ast.copy_location(ast.Assign([ast.Name(on, ast.Store())], test), test)
                again = ast.If(_expression(going_on, test), [decided], []) if stops else decided
                before.append(ast.fix_missing_locations(decided))
                body = [*body, ast.fix_missing_locations(ast.copy_location(again, test))]
                test = _expression(on, test)
            if stops:
                test = ast.BoolOp(ast.And(), [*[_expression(f"not {flag}", test) for flag in stops], test])
                ast.copy_location(test, statement.test)
            new: ast.stmt = ast.While(test, body, [])
        else:
            new = ast.For(statement.target, statement.iter, body, [])
            if stops:
                new.going_on = _expression(going_on, statement)  # type: ignore[attr-defined]
        ast.copy_location(new, statement)
        orelse = self.block(statement.orelse, outer)
        if orelse and stops:
            orelse = [ast.copy_location(ast.If(_expression(going_on, orelse[0]), orelse, []), orelse[0])]
        return [*before, new, *orelse]

    @staticmethod
    def without(statements: list[ast.stmt], flag: str) -> list[ast.stmt]:
        """Returns statements without those that set a flag which nothing reads."""
        module = _Remover(flag).visit(ast.Module(statements, []))
        return list(module.body)


class _Remover(ast.NodeTransformer):
    def __init__(self, flag: str) -> None:
        self._flag = flag

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Drops an assignment to the flag."""
        target = node.targets[0]
        return None if isinstance(target, ast.Name) and target.id == self._flag else node


def _jumps_of(statement: ast.stmt, inside: bool = False) -> list[ast.AST]:
    """Returns each ``break`` and ``continue`` in a statement of the loop around it, or else of the loop itself."""
    found: list[ast.AST] = []
    if isinstance(statement, ast.For | ast.While | ast.AsyncFor):
        blocks: list[ast.AST] = [*(statement.body if inside else statement.orelse)]
    else:
        blocks = [statement]
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.Break | ast.Continue):
            found.append(node)
        elif isinstance(node, ast.For | ast.While | ast.AsyncFor):
            blocks.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            blocks.extend(ast.iter_child_nodes(node))
    return found


def _ends(block: Sequence[ast.stmt]) -> bool:
    """Tells whether a block surely jumps or raises."""
    if not block:
        return False
    match block[-1]:
        case ast.Return() | ast.Break() | ast.Continue() | ast.Raise():
            return True
        case ast.If(body=body, orelse=orelse):
            return _ends(body) and _ends(orelse)
        case ast.With(body=body):
            return _ends(body)
    return False


def _parse(text: str, like: ast.AST) -> list[ast.stmt]:
    """Returns statements that have the position of a node of the user's code."""
    statements = ast.parse(text).body
    for statement in statements:
        for node in ast.walk(statement):
            ast.copy_location(node, like)
    return statements


def _expression(text: str, like: ast.AST) -> ast.expr:
    statement = _parse(text, like)[0]
    assert isinstance(statement, ast.Expr)
    return statement.value


def _pass(like: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Pass(), like)
