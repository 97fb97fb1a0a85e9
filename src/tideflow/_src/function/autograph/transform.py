"""Rewrites the syntax tree of a function so that its control flow goes through :mod:`.operators`.

Each block of a statement becomes a function of its own, which declares as ``nonlocal`` what it changes:

    if a:              def _ag_then():
        x = 1              nonlocal x
                           x = 1
                       def _ag_else():
                           nonlocal x
                       ag__.if_stmt(a, _ag_then, _ag_else, ('x',), 1, ())

All that is made has the position of the statement that it comes from, so that tracebacks show the user's own lines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.function.autograph import items, jumps, names
from tideflow._src.function.autograph.items import OPERATORS

#: Functions of Python that are left alone, since they say nothing of the value of a tensor.
_LEFT_ALONE = frozenset(
    "isinstance issubclass getattr hasattr setattr delattr type id repr str bytes tuple list dict set frozenset "
    "callable locals globals vars dir slice property object hash iter bool".split()
)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def is_plain(node: ast.AST) -> bool:
    """Tells whether there is nothing in a function that would be rewritten."""
    rewritten = (ast.If, ast.For, ast.While, ast.IfExp, ast.BoolOp, ast.Call, ast.Assert, ast.Match)
    for item in ast.walk(node):
        if isinstance(item, rewritten) or (isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.Not)):
            return False
        if isinstance(item, ast.Compare) and len(item.ops) > 1:
            return False
    return True


def runs_as_it_is(node: ast.FunctionDef | ast.Lambda) -> bool:
    """Tells whether a function is a generator, whose body cannot be cut into functions."""
    waiting: list[ast.AST] = [*(node.body if isinstance(node.body, list) else [node.body])]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(item, (*_FUNCTION, ast.ClassDef, ast.GeneratorExp)):
            waiting.extend(ast.iter_child_nodes(item))
    return False


def transform(node: ast.FunctionDef | ast.Lambda, shadowed: frozenset[str]) -> ast.FunctionDef | ast.Lambda:
    """Returns the definition of a function rewritten.

    Args:
      node: the definition; it is changed.
      shadowed: names of Python's own functions that mean something else here.
    """
    first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
    return _Function(node, shadowed, None if first is None else first.arg).rewritten(node)


class _Function:
    """Rewrites one function; functions inside of it have their own, which this one makes.

    Args:
      node: the definition.
      shadowed: names of Python's own functions that mean something else.
      owner: the name of the first parameter of the outermost function, which ``super()`` is about.
    """

    def __init__(self, node: ast.FunctionDef | ast.Lambda, shadowed: frozenset[str], owner: str | None) -> None:
        body = node.body if isinstance(node.body, list) else [node.body]
        self._owner = owner
        self._shadowed = shadowed | names.bound(body)
        self._outer = names.declared(body)
        self._inner = names.used_by_inner_functions(body)
        #: Variables that calls of inner functions change.
        self._changed_inside = names.changed_by_inner_functions(body)
        self._outer |= self._changed_inside - names.bound(body) - _parameters(node)
        self._globals = {name for item in ast.walk(node) if isinstance(item, ast.Global) for name in item.names}
        self._count = 0
        #: Names that functions made so far share with the one that is being made.
        self._wanted: set[str] = set()
        self._expressions = _Expressions(self._shadowed, owner, self)

    def rewritten(self, node: Any) -> Any:
        """Returns the definition with its body rewritten."""
        if isinstance(node, ast.Lambda):
            node.body = self._expressions.visit(node.body)
            return node
        declarations = _Declarations()
        prepared = [declarations.visit(statement) for statement in node.body]
        self._wanted |= declarations.annotated - _parameters(node)
        body = self.block(jumps.lower(_matches_as_branches(prepared)), set(self._outer))
        head = [_located(statement, node) for statement in declarations.found]
        node.body = [*head, *self._bindings(_parameters(node), self._outer, node), *body]
        return node

    def expression(self, node: Any) -> Any:
        """Returns an expression, or a statement without blocks, rewritten."""
        return self._expressions.visit(node)

    def inner(self, node: Any) -> Any:
        """Returns the definition of an inner function rewritten."""
        if isinstance(node, ast.AsyncFunctionDef) or runs_as_it_is(node):
            return node
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [self.expression(item) for item in node.decorator_list]
        node.args.defaults = [self.expression(item) for item in node.args.defaults]
        node.args.kw_defaults = [None if item is None else self.expression(item) for item in node.args.kw_defaults]
        return _Function(node, self._shadowed | _parameters(node), self._owner).rewritten(node)

    # Blocks.

    def block(self, statements: Sequence[ast.stmt], after: set[str]) -> list[ast.stmt]:
        """Returns statements rewritten; ``after`` are the names that are needed at their end."""
        live = after | self._outer
        result: list[ast.stmt] = []
        for statement in reversed(statements):
            before = names.live_before([statement], live) | self._outer
            result[:0] = self._statement(statement, live)
            live = before
        return result

    def _statement(self, statement: ast.stmt, live: set[str]) -> list[ast.stmt]:
        match statement:
            case ast.If():
                return self._if(statement, live)
            case ast.While():
                return self._while(statement, live)
            case ast.For():
                return self._for(statement, live)
            case ast.With(items=items, body=body):
                statement.items = [self.expression(item) for item in items]
                statement.body = self.block(body, live)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                end = names.live_before(final, live)
                caught = {name for handler in handlers for name in names.read(handler.body)} | end
                statement.body = self.block(body, names.live_before(orelse, end) | caught)
                for handler in handlers:
                    handler.body = self.block(handler.body, end)
                statement.orelse = self.block(orelse, end)
                statement.finalbody = self.block(final, live)
            case ast.Match(subject=subject, cases=cases):
                statement.subject = self.expression(subject)
                for case in cases:
                    case.body = self.block(case.body, live)
            case ast.Assert(test=test, msg=message):
                shown = ast.Lambda(_no_parameters(), self.expression(message) if message else ast.Constant(None))
                call = _call("assert_stmt", [self.expression(test), shown])
                return [_located(ast.Expr(call), statement)]
            case ast.FunctionDef():
                return [self.inner(statement)]
            case ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                return [self.expression(statement)]
        return [statement]

    def _if(self, statement: ast.If, live: set[str]) -> list[ast.stmt]:
        blocks = [statement.body, statement.orelse]
        test = self.expression(statement.test)
        shared, results = self._shared(
            blocks, live, names.live_before(blocks[0], live) | names.live_before(blocks[1], live)
        )
        then, orelse = self._name("then"), self._name("else")
        where = self._places(blocks)
        arguments = [test, _name(then), _name(orelse), *_described(shared, results, where)]
        return [
            self._function(then, blocks[0], shared, live, statement),
            self._function(orelse, blocks[1], shared, live, statement),
            _located(ast.Expr(_call("if_stmt", arguments)), statement),
        ]

    def _while(self, statement: ast.While, live: set[str]) -> list[ast.stmt]:
        at_test = names.live_at_test(statement, live)
        options, block = self._options(statement.body)
        changed: list[Sequence[ast.AST]] = [statement.body, [statement.test]]
        shared, results = self._shared(changed, at_test, at_test | names.live_before(block, at_test))
        test, body = self._name("test"), self._name("body")
        arguments = [_name(test), _name(body), *_described(shared, results, self._places(changed)), *options]
        returned = _located(ast.Return(self.expression(statement.test)), statement.test)
        return [
            self._test(test, returned, shared, statement),
            self._function(body, block, shared, at_test, statement),
            _located(ast.Expr(_call("while_stmt", arguments)), statement),
        ]

    def _for(self, statement: ast.For, live: set[str]) -> list[ast.stmt]:
        at_test = names.live_at_test(statement, live)
        options, block = self._options(statement.body)
        item = f"{jumps.PREFIX}item"
        assigned = _located(ast.Assign([statement.target], _name(item)), statement)
        block = [assigned, *block]
        going_on = getattr(statement, "going_on", None)
        changed = [block]
        shared, results = self._shared(changed, at_test, at_test | names.live_before(block, at_test))
        items = self.expression(statement.iter)
        body, test = self._name("body"), self._name("going_on")
        result = []
        if going_on is not None:
            returned = _located(ast.Return(self.expression(going_on)), statement)
            result.append(self._test(test, returned, [], statement))
        arguments = [
            items,
            _name(test) if going_on is not None else ast.Constant(None),
            _name(body),
            *_described(shared, results, self._places(changed)),
            ast.Tuple([ast.Constant(name) for name in sorted(names.bound(statement.target))], ast.Load()),
            *options,
        ]
        return [
            *result,
            self._function(body, block, shared, at_test, statement, item),
            _located(ast.Expr(_call("for_stmt", arguments)), statement),
        ]

    def _shared(self, blocks: Sequence[Iterable[ast.AST]], after: set[str], before: set[str]) -> tuple[list[str], int]:
        """Returns the names that blocks share with the code around them, and how many of them are results.

        Args:
          blocks: what is made a function.
          after: the names that are needed after it; those that are changed are its results.
          before: the names whose values it needs.
        """
        changed = set().union(*[names.bound(block) for block in blocks])
        if self._changed_inside and any(
            isinstance(node, ast.Call) for block in blocks for part in block for node in ast.walk(part)
        ):
            changed |= self._changed_inside
        results = sorted(changed & (after | self._inner))
        others = sorted((changed & (before | self._outer)) - set(results))
        return [*results, *others], len(results)

    def _places(self, blocks: Sequence[Iterable[ast.AST]]) -> list[str]:
        """Returns the attributes and items that blocks assign, of variables that do not change meanwhile."""
        changed = set().union(*[names.bound(block) for block in blocks])
        found = {place: made_of for block in blocks for place, made_of in names.places(block).items()}
        return sorted(place for place, made_of in found.items() if not made_of & changed)

    def _options(self, body: list[ast.stmt]) -> tuple[list[ast.expr], list[ast.stmt]]:
        """Takes the call of ``set_loop_options`` out of the body of a loop."""
        for position, statement in enumerate(body):
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "set_loop_options":
                rest = [*body[:position], *body[position + 1 :]]
                named = [
                    ast.Tuple(
                        [ast.Constant(item.arg), ast.Lambda(_no_parameters(), _with_names(item.value))], ast.Load()
                    )
                    for item in call.keywords
                ]
                options = ast.Tuple([ast.Tuple([_copy(call.func)], ast.Load()), *named], ast.Load())
                return [_located(options, statement)], rest or [_located(ast.Pass(), statement)]
        return [], body

    # Functions that are made.

    def _function(
        self,
        name: str,
        block: Sequence[ast.stmt],
        shared: Sequence[str],
        live: set[str],
        like: ast.AST,
        *parameters: str,
    ) -> ast.stmt:
        """Returns the definition of a function that runs a block, and changes variables of the code around it."""
        outside, self._wanted = self._wanted, set()
        body = self.block(block, live)
        made = self._made(name, body, shared, like, *parameters)
        self._wanted = outside | set(shared) - self._globals
        return made

    def _made(
        self, name: str, body: Sequence[ast.stmt], shared: Sequence[str], like: ast.AST, *parameters: str
    ) -> ast.stmt:
        head: list[ast.stmt] = []
        inner = [item for item in shared if item not in self._globals]
        if inner:
            head.append(ast.Nonlocal(inner))
        outer = [item for item in shared if item in self._globals]
        if outer:
            head.append(ast.Global(outer))
        bindings = self._bindings(set(parameters), [*shared, *self._outer], like)
        arguments = ast.arguments([], [ast.arg(item) for item in parameters], None, [], [], None, [])
        made = ast.FunctionDef(name, arguments, [*head, *bindings, *body] or [ast.Pass()], [])
        if "type_params" in ast.FunctionDef._fields:
            made.type_params = []  # type: ignore[attr-defined]
        return _located(made, like)

    def _test(self, name: str, returned: ast.stmt, shared: Sequence[str], like: ast.AST) -> ast.stmt:
        """Returns the definition of a function that says whether a loop goes on."""
        outside, self._wanted = self._wanted, set()
        made = self._made(name, [returned], shared, like)
        self._wanted = outside | set(shared) - self._globals
        return made

    def _bindings(self, parameters: set[str], outer: Iterable[str], like: ast.AST) -> list[ast.stmt]:
        """Returns a statement that never runs, for the names that functions made inside of one share with it.

        Without it they might not be variables of the function, and nothing could declare them ``nonlocal``.
        """
        missing = sorted(self._wanted - parameters - set(outer))
        if not missing:
            return []
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in missing]
        return [_located(ast.If(ast.Constant(False), [ast.Assign(targets, ast.Constant(None))], []), like)]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{jumps.PREFIX}{kind}_{self._count}"


class _Expressions(ast.NodeTransformer):
    """Rewrites expressions, and statements that have no blocks."""

    def __init__(self, shadowed: frozenset[str] | set[str], owner: str | None, function: _Function) -> None:
        self._shadowed = shadowed
        self._owner = owner
        self._function = function

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """Rewrites the body of a lambda."""
        return self._function.inner(node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """Rewrites ``a if b else c``."""
        if _has_walrus(node.body) or _has_walrus(node.orelse):
            return self.generic_visit(node)
        text = ast.Constant(ast.unparse(node.test))
        test = self.visit(node.test)
        arms = [ast.Lambda(_no_parameters(), self.visit(arm)) for arm in (node.body, node.orelse)]
        return _located(_call("if_exp", [test, *arms, text]), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """Rewrites ``a and b``."""
        if any(_has_walrus(value) for value in node.values[1:]):
            return self.generic_visit(node)
        kind = "and_" if isinstance(node.op, ast.And) else "or_"
        first, *rest = [self.visit(value) for value in node.values]
        return _located(_call(kind, [first, *[ast.Lambda(_no_parameters(), value) for value in rest]]), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Rewrites ``not a``."""
        self.generic_visit(node)
        return _located(_call("not_", [node.operand]), node) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> Any:
        """Rewrites ``a < b < c``."""
        if len(node.ops) == 1 or any(_has_walrus(item) for item in node.comparators):
            return self.generic_visit(node)
        left, *others = [self.visit(item) for item in (node.left, *node.comparators)]
        steps: list[ast.expr] = []
        for operator, other in zip(node.ops, others, strict=True):
            compared = ast.Compare(_name("_ag_a"), [operator], [_name("_ag_b")])
            arguments = ast.arguments([], [ast.arg("_ag_a"), ast.arg("_ag_b")], None, [], [], None, [])
            steps += [ast.Lambda(arguments, compared), ast.Lambda(_no_parameters(), other)]
        return _located(_call("chained", [left, *steps]), node)

    def visit_Call(self, node: ast.Call) -> Any:
        """Rewrites a call, so that what is called is converted, too."""
        if items.is_made(node):
            return self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self._shadowed:
            if function.id == "super" and not node.args and self._owner is not None:
                node.args = [_located(_name("__class__"), node), _located(_name(self._owner), node)]
                return node
            if function.id in _LEFT_ALONE:
                return self.generic_visit(node)
        self.generic_visit(node)
        node.func = _located(_call("converted", [node.func]), function)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Leaves the definitions of functions to their own rewriting."""
        return self._function.inner(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """Leaves classes as they are; their methods are converted when they are called."""
        return node


class _Declarations(ast.NodeTransformer):
    """Takes out of a function what says of a name where it belongs, as that has to stand outside of all blocks.

    Attributes:
      found: the declarations.
      annotated: names that have an annotation and no value.
    """

    def __init__(self) -> None:
        self.found: list[ast.stmt] = []
        self.annotated: set[str] = set()

    def visit_Global(self, node: ast.Global) -> Any:
        """Keeps the declaration."""
        self.found.append(node)
        return ast.copy_location(ast.Pass(), node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        """Keeps the declaration."""
        self.found.append(node)
        return ast.copy_location(ast.Pass(), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """Drops the annotation: a name that has one cannot be ``nonlocal`` in a block, and Python does not keep it."""
        if node.value is not None:
            return ast.copy_location(ast.Assign([node.target], node.value), node)
        if isinstance(node.target, ast.Name):
            self.annotated.add(node.target.id)
        return ast.copy_location(ast.Pass(), node)

    def _leave(self, node: Any) -> Any:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave


def _matches_as_branches(body: list[ast.stmt]) -> list[ast.stmt]:
    """Returns statements with each ``match`` over plain values, names and wildcards made a chain of branches."""
    return list(_Matches().visit(ast.Module(body, [])).body)


class _Matches(ast.NodeTransformer):
    def __init__(self) -> None:
        self._count = 0

    def visit_Match(self, node: ast.Match) -> Any:
        """Makes branches, if every pattern compares the whole subject."""
        self.generic_visit(node)
        if not all(_compares(case.pattern) for case in node.cases):
            return node
        self._count += 1
        subject = f"{jumps.PREFIX}subject_{self._count}_{node.lineno}"
        chain: list[ast.stmt] = []
        for case in reversed(node.cases):
            test = _matched(case.pattern, subject)
            name = case.pattern.name if isinstance(case.pattern, ast.MatchAs) else None
            taken: list[ast.stmt] = case.body
            if name is not None:
                assigned: list[ast.stmt] = [ast.Assign([ast.Name(name, ast.Store())], _name(subject))]
                guarded = [ast.If(case.guard, taken, chain)] if case.guard is not None else taken
                chain = [*assigned, *guarded]
                continue
            if case.guard is not None:
                test = case.guard if test is None else ast.BoolOp(ast.And(), [test, case.guard])
            chain = taken if test is None else [ast.If(test, taken, chain)]
        first = ast.Assign([ast.Name(subject, ast.Store())], node.subject)
        return [_located(statement, node) for statement in (first, *chain)]

    def _leave(self, node: Any) -> Any:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave


def _compares(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchValue() | ast.MatchSingleton():
            return True
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchOr(patterns=patterns):
            return all(isinstance(item, ast.MatchValue | ast.MatchSingleton) for item in patterns)
    return False


def _matched(pattern: ast.pattern, subject: str) -> ast.expr | None:
    match pattern:
        case ast.MatchValue(value=value):
            return ast.Compare(_name(subject), [ast.Eq()], [value])
        case ast.MatchSingleton(value=value):
            return ast.Compare(_name(subject), [ast.Is()], [ast.Constant(value)])
        case ast.MatchOr(patterns=patterns):
            return ast.BoolOp(ast.Or(), [test for item in patterns if (test := _matched(item, subject)) is not None])
    return None


def _described(shared: Sequence[str], results: int, places: Sequence[str]) -> list[ast.expr]:
    """Returns the arguments by which an operator finds the variables of its statement."""
    where: list[ast.expr] = []
    for place in places:
        node = _parsed(place)
        assert isinstance(node, ast.Attribute | ast.Subscript)
        is_item = isinstance(node, ast.Subscript)
        key = ast.unparse(node.slice) if isinstance(node, ast.Subscript) else repr(node.attr)
        text = f"({place!r}, lambda: {ast.unparse(node.value)}, lambda: {key}, {is_item})"
        where.append(_parsed(text))
    listed = ast.Tuple([ast.Constant(name) for name in shared], ast.Load())
    return [listed, ast.Constant(results), ast.Tuple(where, ast.Load())]


def _with_names(value: ast.expr) -> ast.expr:
    """Returns the value of a loop's option, with the variables that it speaks of replaced by their names."""
    if not isinstance(value, ast.List | ast.Tuple):
        return value
    items = []
    for item in value.elts:
        if isinstance(item, ast.Tuple) and len(item.elts) == 2:
            item = ast.Tuple([ast.Constant(ast.unparse(item.elts[0])), item.elts[1]], ast.Load())
        items.append(item)
    return ast.List(items, ast.Load())


def _has_walrus(node: ast.AST) -> bool:
    return any(isinstance(item, ast.NamedExpr) for item in ast.walk(node))


def _parameters(node: Any) -> set[str]:
    return {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}


def _no_parameters() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _parsed(text: str) -> ast.expr:
    """Returns an expression that has no position yet."""
    expression = ast.parse(text, mode="eval").body
    for node in ast.walk(expression):
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            node.__dict__.pop(field, None)
    return expression


def _copy(node: ast.expr) -> ast.expr:
    return _parsed(ast.unparse(node))


def _call(operator: str, arguments: Sequence[ast.expr]) -> ast.Call:
    return ast.Call(ast.Attribute(_name(OPERATORS), operator, ast.Load()), list(arguments), [])


def _located(node: Any, like: ast.AST) -> Any:
    """Gives a node the position of one of the user's code; what is inside of it and has none inherits it.

    Of several lines it is the first alone, since Python says of the call of a method that it is where its name ends.
    """
    ast.copy_location(node, like)
    if getattr(like, "end_lineno", None) != getattr(like, "lineno", None):
        node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return node
