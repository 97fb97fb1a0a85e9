"""Modules made of syntax trees, in memory."""

from __future__ import annotations

import itertools
import linecache
import types
from typing import Any

from tideflow._src.compat.private.pyct import syntax

_numbers = itertools.count(1)


def load_source(source: str, delete_on_exit: bool = True) -> tuple[types.ModuleType, str]:
    """Returns a module that runs a text, and the name of its file, which only ``linecache`` knows."""
    del delete_on_exit
    name = f"<tideflow pyct {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = types.ModuleType(f"pyct_module_{next(_numbers)}")
    module.__file__ = name
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
    return module, name


def load_ast(
    nodes: Any, indentation: str = "  ", include_source_map: bool = False, delete_on_exit: bool = True
) -> tuple[types.ModuleType, str, dict[Any, Any] | None]:
    """Returns a module that runs nodes, its text, and, if asked for, an empty map of origins.

    Args:
      nodes: a statement or several.
      indentation, delete_on_exit: kept for TensorFlow's signature.
      include_source_map: whether a map is wanted; the module's own lines are shown in tracebacks.
    """
    del indentation, delete_on_exit
    source = syntax.text_of(nodes)
    module, _ = load_source(source)
    return module, source, {} if include_source_map else None
