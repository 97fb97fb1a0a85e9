"""``tensorflow.python.autograph.converters.break_statements``: loops without ``break``."""

from __future__ import annotations

from typing import Any

from tideflow._src.compat.private.pyct import anno, jumps, qual_names, syntax, templates, transformer


def transform(node: Any, ctx: transformer.Context) -> Any:
    """Returns a function in which a variable tells whether a loop was left, in place of ``break``.

    Of a ``while`` loop the condition says so. A ``for`` loop goes on to the end and does nothing; who rewrites it
    further finds the condition under which it goes on as the note ``EXTRA_LOOP_TEST``.
    """
    return qual_names.resolve(_Breaks(ctx).visit(node))


class _Breaks(transformer.Loops):
    def loop(self, node: Any) -> Any:
        """Rewrites a loop and those inside of it."""
        self.generic_visit(node)
        if not jumps.has(node.body, "Break"):
            return node
        left = jumps.name(self.ctx, node, "break_")
        node.body = jumps.replaced(node.body, "Break", "left = True\ncontinue", left=left)
        going_on = templates.replace_as_expression("not left", left=left)
        if syntax.is_a(node, "While"):
            node.test = templates.replace_as_expression("not left and test", left=left, test=node.test)
        else:
            anno.setanno(node, anno.Basic.EXTRA_LOOP_TEST, going_on)
            node.body = templates.replace("if not left:\n  body", left=left, body=node.body)
        after: list[Any] = []
        if node.orelse:
            after = templates.replace("if not left:\n  body", left=left, body=node.orelse)
            node.orelse = []
        return [*templates.replace("left = False", left=left), node, *after]
