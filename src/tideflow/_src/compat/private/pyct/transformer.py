"""The base of what rewrites functions, and what it knows of them."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from tideflow._src.compat.private.pyct import naming


class EntityInfo(NamedTuple):
    """Is what is known of a function that is rewritten."""

    name: str
    source_code: str
    source_file: str | None
    future_features: tuple[str, ...]
    namespace: dict[str, Any]


class Context:
    """Is what goes with the rewriting of one function.

    Attributes:
      info: what is known of it.
      namer: makes names.
      current_origin: where the statement comes from that is being rewritten; None if that is not known.
      user: what the caller keeps here.
    """

    def __init__(self, info: EntityInfo, namer: naming.Namer, user_context: Any) -> None:
        self.info = info
        self.namer = namer
        self.current_origin: Any = None
        self.user = user_context


class Base(ast.NodeTransformer):
    """Rewrites a tree.

    Attributes:
      ctx: what goes with it.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def visit_block(self, nodes: list[Any]) -> list[Any]:
        """Returns statements rewritten."""
        result: list[Any] = []
        for node in nodes:
            found = self.visit(node)
            result.extend(found if isinstance(found, list) else [] if found is None else [found])
        return result


class Loops(Base):
    """Rewrites loops of both kinds in one way."""

    def visit_While(self, node: Any) -> Any:
        """Rewrites a loop."""
        return self.loop(node)

    def visit_For(self, node: Any) -> Any:
        """Rewrites a loop."""
        return self.loop(node)

    def loop(self, node: Any) -> Any:
        """Returns what becomes of a loop."""
        raise NotImplementedError
