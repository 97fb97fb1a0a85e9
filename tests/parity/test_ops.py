"""Compares every registered op with TensorFlow, from its samples and from calls generated from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tideflow._src.graph.op_def import OpDef

from . import predicates, subject
from .checks import Checks, Problem
from .exemptions import EXEMPTIONS, UNSET, UNSTABLE, Exemption, exemptions_of
from .generated import generated_calls
from .hostile import Hostile, compiled
from .oracle import Oracle, from_environment

EVERY_OP = subject.every_op()
SEEDED = [name for name in EVERY_OP if {"seed", "seed2"} & OpDef.registry[name].attributes.keys()]


@pytest.fixture(scope="session")
def checks(oracle: Oracle, request: pytest.FixtureRequest) -> Checks:
    """Holds TensorFlow's answers; static shapes are asked for where a test of this session compares them."""
    return Checks(oracle, shapes=any(item.name.startswith("test_static_shapes") for item in request.session.items))


@pytest.fixture(scope="session")
def hostile() -> Iterator[Hostile]:
    """Is the comparison of wrong calls, with a TensorFlow whose time and memory are bounded."""
    with from_environment(timeout=20, memory=6 << 30) as process:
        yield Hostile(process)


def report(aspect: str, name: str, problems: list[str]) -> None:
    if name.startswith(UNSTABLE) and aspect not in ("op_def", "static_shapes"):
        return
    exemptions = exemptions_of(aspect, name)
    for exemption in exemptions:
        if not exemption.sometimes and not any(_covers(exemption, problem) for problem in problems):
            pytest.fail(f"{name} agrees with TensorFlow in {aspect}: its exemption ({exemption.reason}) can go")
    problems = [problem for problem in problems if not any(_covers(exemption, problem) for exemption in exemptions)]
    if problems:
        pytest.fail(f"{name}: {len(problems)} problems\n" + "\n".join(problems[:20]), pytrace=False)


def _covers(exemption: Exemption, problem: str) -> bool:
    """Tells whether an exemption covers a difference; one without a call, in a definition, only as a whole."""
    if not isinstance(problem, Problem):
        return exemption.when is predicates.always
    return exemption.covers(problem.sample, problem.what)


def test_there_are_ops() -> None:
    assert EVERY_OP


def test_exemptions_are_of_ops_that_exist() -> None:
    assert {name for names in EXEMPTIONS.values() for name in names} <= set(EVERY_OP)


@pytest.mark.parametrize("name", EVERY_OP)
class TestOp:
    """Is one op, in each of its aspects."""

    def test_definition(self, checks: Checks, name: str) -> None:
        report("op_def", name, checks.op_def(name))

    def test_values(self, checks: Checks, name: str) -> None:
        report("values", name, checks.values(name))

    def test_static_shapes(self, checks: Checks, name: str) -> None:
        report("static_shapes", name, checks.static_shapes(name))

    def test_first_gradients(self, checks: Checks, name: str) -> None:
        report("first_gradients", name, checks.first_gradients(name))

    def test_second_gradients(self, checks: Checks, name: str) -> None:
        report("second_gradients", name, checks.second_gradients(name))

    def test_graph_def_from_tensorflow(self, checks: Checks, name: str) -> None:
        report("graph_def_from_tensorflow", name, checks.graph_def_from_tensorflow(name))

    def test_graph_def_to_tensorflow(self, checks: Checks, name: str) -> None:
        report("graph_def_to_tensorflow", name, checks.graph_def_to_tensorflow(name))

    def test_bad_input(self, hostile: Hostile, name: str) -> None:
        problems = hostile.outcomes(name).wrong
        if name not in UNSET:
            report("bad_input", name, problems)

    def test_refused_input(self, hostile: Hostile, name: str) -> None:
        report("refused_input", name, hostile.outcomes(name).refused)

    def test_bad_input_compiled(self, name: str) -> None:
        report("bad_input_compiled", name, compiled(OpDef.registry[name]))

    def test_generated_calls(self, checks: Checks, name: str) -> None:
        problems = generated_calls(checks, name, only_run=name.startswith(UNSTABLE))
        if problems:
            pytest.fail(f"{name}: {problems[0]}", pytrace=False)


@pytest.mark.parametrize("name", SEEDED)
def test_random_stream(checks: Checks, name: str) -> None:
    report("random_stream", name, checks.random_stream(name))
