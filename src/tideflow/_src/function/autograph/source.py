"""Finds the syntax tree of a function in its source."""

from __future__ import annotations

import ast
import inspect
import linecache
from types import CodeType, FunctionType


class NoSource(Exception):
    """Says that the source of a function cannot be found, or is not the function's."""


def syntax_of(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """Returns the definition of a function, with the positions that it has in its file.

    Raises:
      NoSource: there is no source, or it has changed since the function was made.
    """
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if len(lines) < code.co_firstlineno:
        raise NoSource(f"the source of {function.__qualname__!r} is not available ({code.co_filename})")
    node = _lambda(code, lines) if code.co_name == "<lambda>" else _definition(code, lines)
    if node is None or _parameters(node) != code.co_varnames[: _count(code)]:
        raise NoSource(
            f"the source of {function.__qualname__!r} is not available (line {code.co_firstlineno} of "
            f"{code.co_filename} does not define it any more)"
        )
    return node


def _definition(code: CodeType, lines: list[str]) -> ast.FunctionDef | None:
    block = inspect.getblock(lines[code.co_firstlineno - 1 :])
    indented = block[0][:1].isspace()
    try:
        tree = ast.parse("".join(["if True:\n", *block] if indented else block))
    except SyntaxError:
        tree, indented = _whole(code, lines), False
        found = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and node.name == code.co_name
            and _first_line(node) == code.co_firstlineno
        ]
        return found[0] if found else None
    ast.increment_lineno(tree, code.co_firstlineno - 1 - indented)
    node = tree.body[0].body[0] if indented else tree.body[0]  # type: ignore[attr-defined]
    return node if isinstance(node, ast.FunctionDef) and node.name == code.co_name else None


def _first_line(node: ast.FunctionDef) -> int:
    return min(node.lineno, *(decorator.lineno for decorator in node.decorator_list), node.lineno)


def _lambda(code: CodeType, lines: list[str]) -> ast.Lambda | None:
    """Returns the lambda expression that encloses every instruction of a code object."""
    starts = [
        (line, column)
        for line, _, column, _ in code.co_positions()
        if line is not None and column is not None and (line, column) != (code.co_firstlineno, 0)
    ]
    found = []
    for node in ast.walk(_whole(code, lines)):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            body = node.body
            first, last = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
            if all(first <= start <= last for start in starts):
                found.append(node)
    return max(found, key=lambda node: (node.lineno, node.col_offset), default=None)


def _whole(code: CodeType, lines: list[str]) -> ast.Module:
    try:
        return ast.parse("".join(lines))
    except SyntaxError as error:
        raise NoSource(f"{code.co_filename} cannot be parsed: {error}") from None


def _count(code: CodeType) -> int:
    flags = code.co_flags
    variable = bool(flags & inspect.CO_VARARGS) + bool(flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + variable


def _parameters(node: ast.FunctionDef | ast.Lambda) -> tuple[str, ...]:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [item for item in (arguments.vararg, arguments.kwarg) if item is not None]
    return tuple(item.arg for item in named)
