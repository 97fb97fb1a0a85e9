"""Rewriting functions by TensorFlow's private modules, as TensorFlow Probability's batching does."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from tideflow._src.compat.private.pyct import (
    activity,
    anf,
    anno,
    breaks,
    continues,
    converter,
    inspect_utils,
    loader,
    naming,
    parser,
    qual_names,
    returns,
    syntax,
    templates,
    transformer,
)

#: Trees of ``ast``, and those of ``gast`` where it is installed, which is so wherever TensorFlow Probability is.
DIALECTS = ["ast", "gast"] if importlib.util.find_spec("gast") else ["ast"]


@pytest.fixture(params=DIALECTS, autouse=True)
def nodes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the classes of nodes."""
    if request.param == "ast":
        monkeypatch.setattr(syntax, "_gast", None)
        return ast
    return syntax._gast


def context() -> transformer.Context:
    names: dict[str, Any] = {}
    options = converter.ConversionOptions(recursive=True)
    info = transformer.EntityInfo("f", "", None, (), names)
    return transformer.Context(info, naming.Namer(names), converter.ProgramContext(options, None))


def parsed(function: Any) -> Any:
    return parser.parse_entity(function, inspect_utils.getfutureimports(function))[0]


def jumping(n, log):
    """Jumps in every way."""
    for i in range(n):
        log.append(i)
        if i == 1:
            continue
        for j in range(3):
            if j == i:
                break
            log.append((i, j))
            if i * j == 6:
                return "inner"
        else:
            log.append("else")
            if i == 4:
                break
        try:
            if i == 3:
                continue
            log.append("tried")
        finally:
            log.append("finally")
        if n == 9 and i == 2:
            return "ninth"
    else:
        log.append("outer else")
        if n == 2:
            return "second"
    k = 0
    while k < n:
        k += 1
        if k % 2:
            continue
        if k == 4:
            break
        log.append(k)
        while True:
            if n == 3:
                return "deep"
            break
    else:
        log.append("while else")

    def last(x):
        if x > 3:
            return 1
        return 2

    if n == 1:
        return last(0)
    elif n == 5:
        log.append("five")
    else:
        if n == 0:
            return None
        log.append("other")
    return last(n)


def test_functions_without_jumps_do_the_same() -> None:
    node, its_context = parsed(jumping), context()
    for transform in (breaks.transform, continues.transform, returns.transform):
        node = transform(node, its_context)
    kinds = [type(each).__name__ for each in ast.walk(node)]
    assert "Break" not in kinds and "Continue" not in kinds
    assert kinds.count("Return") == 2  # the function's, and that of the one inside of it
    module, text, source_map = loader.load_ast(node)
    assert source_map is None and module.jumping.__doc__ == jumping.__doc__
    ends = set()
    for n in range(11):
        expected: list[Any] = []
        found: list[Any] = []
        end = jumping(n, expected)
        ends.add(end)
        assert (module.jumping(n, found), found) == (end, expected), text
    assert ends == {None, "inner", "second", "deep", "ninth", 2}


def test_what_follows_a_branch_that_returns_needs_no_question() -> None:
    def choose(x: int) -> int:
        if x > 1:
            return x
        y = x + 1
        return -y

    text = parser.unparse(returns.transform(parsed(choose), context(), default_to_null_return=False))
    assert text.splitlines()[1:] == [
        "def choose(x: int) -> int:",
        "    if x > 1:",
        "        retval_ = x",
        "    else:",
        "        y = x + 1",
        "        retval_ = -y",
        "    return retval_",
    ]


def test_what_is_computed_inside_of_expressions_gets_a_name(nodes: Any) -> None:
    def computing(g, h, x):
        if x > g(x):
            y = g(h(x) + 1, 3)
        elif h(x):
            y = [h(x), x]
        return y

    config = [
        (anf.ASTEdgePattern(nodes.If, "test", anf.ANY), anf.REPLACE),
        (anf.ASTEdgePattern(anf.ANY, anf.ANY, nodes.Call), anf.REPLACE),
        (anf.ASTEdgePattern(nodes.Call, "args", anf.ANY), anf.REPLACE),
    ]
    node = anf.transform(parsed(computing), context(), config)
    assert parser.unparse(node, include_encoding_marker=False).splitlines() == [
        "def computing(g, h, x):",
        "    tmp_1001 = g(x)",
        "    tmp_1002 = x > tmp_1001",
        "    if tmp_1002:",
        "        tmp_1003 = h(x)",
        "        tmp_1004 = tmp_1003 + 1",
        "        tmp_1005 = 3",
        "        y = g(tmp_1004, tmp_1005)",
        "    else:",
        "        tmp_1006 = h(x)",
        "        if tmp_1006:",
        "            tmp_1007 = h(x)",
        "            y = [tmp_1007, x]",
        "    return y",
    ]

    def waiting(g, x):
        while g(x):
            pass

    with pytest.raises(ValueError, match="condition of a while statement is not supported in A-normal form"):
        anf.transform(parsed(waiting), context(), config)

    def lazy(g, x):
        return x and g(x)

    with pytest.raises(ValueError, match="part of BoolOp is not supported"):
        anf.transform(parsed(lazy), context())


def test_what_statements_read_and_change() -> None:
    def reading(x, y):
        z = x.b.c(y[0]) + x.d
        x.e, w = z, [y for y in z if y]
        z += 1
        return lambda v: v + w

    node = activity.resolve(qual_names.resolve(parsed(reading)), context())
    scopes = [anno.getanno(statement, anno.Static.SCOPE) for statement in node.body]
    assert [sorted(map(str, scope.read)) for scope in scopes] == [
        ["x", "x.b", "x.b.c", "x.d", "y", "y[0]"], ["x", "z"], ["z"], ["w"],
    ]  # fmt: skip
    assert [sorted(map(str, scope.modified)) for scope in scopes] == [["z"], ["w", "x.e"], ["z"], []]
    assert set().union(*[name.support_set for name in scopes[0].read]) == {qual_names.QN("x"), qual_names.QN("y")}


def test_qualified_names() -> None:
    name = qual_names.from_str("a.b[i]['k']")
    assert str(name) == "a.b[i]['k']" and name.has_subscript() and name.parent.parent.attr == "b"
    assert name.support_set == {qual_names.QN("a"), qual_names.QN("i")}
    assert anno.getanno(name.ast(), anno.Basic.QN) == name and name != name.parent
    assert {name, qual_names.from_str("a.b[i]['k']")} == {name}
    with pytest.raises(ValueError, match="no qualified name"):
        qual_names.from_str("f(x)")
    with pytest.raises(ValueError, match="base must be a QN"):
        qual_names.QN("a", attr="b")


def test_templates() -> None:
    statements = templates.replace(
        """
        def function(arguments):
          target = context.var.name(arguments, key=value)
          with header:
            body
          return owner.name""",
        function="made",
        arguments=["m", "n"],
        target=syntax.expression("(p, q.r)"),
        name=qual_names.QN("x"),
        value=syntax.expression("1 + 2"),
        header=templates.replace_as_expression("context.if_(cond)", cond=syntax.expression("t")),
        body=syntax.parsed("a = 1\nb = 2"),
        owner=qual_names.from_str("u.v"),
    )
    pair = ast.unparse(ast.parse("p, q.r = 1")).removesuffix(" = 1")  # with brackets or without
    assert parser.unparse(statements, include_encoding_marker=False).splitlines() == [
        "def made(m, n):",
        f"    {pair} = context.var.x(m, n, key=1 + 2)",
        "    with context.if_(t):",
        "        a = 1",
        "        b = 2",
        "    return u.v.x",
    ]
    compile(parser.unparse(statements), "made", "exec")
    with pytest.raises(ValueError, match="stands for a name"):
        templates.replace("x.name", name=syntax.expression("1"))
    with pytest.raises(ValueError, match="one expression"):
        templates.replace_as_expression("x = 1")
    (made,) = templates.replace("lambda given: value", given=[], value=syntax.expression("b"))
    assert not made.value.args.args and made.value.body.id == "b"


class Staged(transformer.Base):
    """Makes of each assignment a call that is told of it, as auto-batching does."""

    def visit_Assign(self, node: Any) -> Any:
        function = node.value.func if syntax.is_a(node.value, "Call") else None
        used = set().union(*[name.support_set for name in anno.getanno(node, anno.Static.SCOPE).read])
        if function is not None:
            used -= {anno.getanno(function, anno.Basic.QN)}
        return templates.replace(
            "target = told(names, lambda: value)",
            target=node.targets[0],
            names=templates.replace_as_expression(repr(sorted(map(str, used)))),
            value=node.value,
        )


def test_a_program_that_stages_a_function() -> None:
    def fibonacci(n):
        if n <= 1:
            return 1
        left = fibonacci(n - 2)
        return left + fibonacci(n - 1)

    its_context = context()
    node = returns.transform(parsed(fibonacci), its_context, default_to_null_return=False)
    node = anf.transform(node, its_context)
    node = activity.resolve(qual_names.resolve(node), its_context)
    module, _, _ = loader.load_ast(Staged(its_context).visit(node))
    log: list[Any] = []

    def told(names: list[str], compute: Callable[[], Any]) -> Any:
        log.append(names)
        return compute()

    module.told = told
    assert module.fibonacci(6) == fibonacci(6) == 13
    assert log[:3] == [["n"], ["n"], ["tmp_1002"]]


def test_names_options_and_futures() -> None:
    namer = naming.Namer({"x": 1})
    assert [namer.new_symbol("x", ["x_1"]), namer.new_symbol("x", []), namer.new_symbol("y", [])] == ["x_2", "x_1", "y"]
    options = converter.ConversionOptions(recursive=True, optional_features=converter.Feature.LISTS)
    assert options.uses(converter.Feature.LISTS) and not options.uses(converter.Feature.NAME_SCOPES)
    assert options.call_options() == converter.ConversionOptions(True, False, True, converter.Feature.LISTS)
    assert inspect_utils.getfutureimports(context) == ("annotations",)
    assert inspect_utils.islambda(lambda x: x) and not inspect_utils.islambda(context)
    assert parser.parse_expression("a + b").left.id == "a"
    with pytest.raises(ValueError, match="expected exactly one node"):
        parser.parse("a\nb")
    with pytest.raises(ValueError, match="Unable to locate the source"):
        parser.parse_entity(eval("lambda x: x"), ())
