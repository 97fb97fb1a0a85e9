"""``tensorflow.python.autograph.converters.return_statements``: functions with one ``return``, at their end."""

from __future__ import annotations

from typing import Any

from tideflow._src.compat.private.pyct import jumps, qual_names, syntax, templates, transformer


def transform(node: Any, ctx: transformer.Context, default_to_null_return: bool = True) -> Any:
    """Returns a function that assigns what it returns, and returns it at its end.

    What follows a branch that returns goes into the other branch, so that nothing needs to be asked for most functions.

    Args:
      node: the definition of the function.
      ctx: what goes with its rewriting.
      default_to_null_return: whether the result begins as None, which a function that may end without a ``return``
        needs.
    """
    return qual_names.resolve(_Returns(ctx, default_to_null_return).visit(node))


class _Returns(transformer.Base):
    def __init__(self, ctx: transformer.Context, begins_as_none: bool) -> None:
        super().__init__(ctx)
        self._begins_as_none = begins_as_none

    def visit_FunctionDef(self, node: Any) -> Any:
        """Rewrites a function, and those inside of it."""
        self.generic_visit(node)
        body = node.body
        if not jumps.has_return(body):
            return node
        done, result = jumps.name(self.ctx, node, "do_return"), jumps.name(self.ctx, node, "retval_")
        body = jumps.nested(body)
        head = [] if not self._begins_as_none else templates.replace("result = None", result=result)
        if jumps.needs_asking(body):
            head += templates.replace("done = False", done=done)
            body = self._in_loops(_assigned(body, "result = value\ndone = True", result, done), done)
            body = jumps.guarded(body, done)
        else:
            body = _assigned(body, "result = value", result, done)
        documented = syntax.is_a(body[0], "Expr") and syntax.is_a(body[0].value, "Constant")
        node.body = [*body[:documented], *head, *body[documented:], *templates.replace("return result", result=result)]
        return node

    def visit_Lambda(self, node: Any) -> Any:
        """Leaves lambda expressions as they are."""
        return node

    def _in_loops(self, body: list[Any], done: str) -> list[Any]:
        """Ends loops in which something is returned."""
        for node in body:
            for field in syntax.blocks(node):
                setattr(node, field, self._in_loops(getattr(node, field), done))
            for handler in getattr(node, "handlers", ()):
                handler.body = self._in_loops(handler.body, done)
            if not syntax.is_a(node, "While", "For") or not jumps.assigns(node.body, done):
                continue
            if syntax.is_a(node, "While"):
                node.test = templates.replace_as_expression("not done and test", done=done, test=node.test)
            else:
                node.body = templates.replace("if not done:\n  body", done=done, body=node.body)
            if node.orelse:
                node.orelse = templates.replace("if not done:\n  body", done=done, body=node.orelse)
        return body


def _assigned(body: list[Any], template: str, result: str, done: str) -> list[Any]:
    none = syntax.expression("None")

    def assigned(node: Any) -> list[Any]:
        return templates.replace(template, value=node.value or none, result=result, done=done)

    return jumps.rewritten(body, "Return", assigned, jumps.FUNCTIONS)
