"""``tensorflow.python.autograph.converters.continue_statements``: loops without ``continue``."""

from __future__ import annotations

from typing import Any

from tideflow._src.compat.private.pyct import jumps, qual_names, templates, transformer


def transform(node: Any, ctx: transformer.Context) -> Any:
    """Returns a function in which a variable tells whether the rest of a turn is left out, in place of ``continue``."""
    return qual_names.resolve(_Continues(ctx).visit(node))


class _Continues(transformer.Loops):
    def loop(self, node: Any) -> Any:
        """Rewrites a loop and those inside of it."""
        self.generic_visit(node)
        if jumps.has(node.body, "Continue"):
            done = jumps.name(self.ctx, node, "continue_")
            body = jumps.replaced(node.body, "Continue", "done = True", done=done)
            node.body = [*templates.replace("done = False", done=done), *jumps.guarded(body, done)]
        return node
