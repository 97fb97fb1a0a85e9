"""Checks every registered op from its samples; the checks are shown wrong ops, which they must find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pytest

from parity import consistency, subject
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.op import op

EVERY_OP = subject.every_op()


def test_there_are_ops() -> None:
    assert EVERY_OP


@pytest.mark.parametrize("checks", [consistency.RULES, consistency.NUMBERS], ids=["rules", "numbers"])
@pytest.mark.parametrize("name", EVERY_OP)
def test_op(name: str, checks: tuple[consistency.Check, ...]) -> None:
    problems = [f"{check.__name__}: {problem}" for check in checks for problem in check(OpDef.registry[name])]
    if problems:
        pytest.fail(f"{name}: {len(problems)} problems\n" + "\n".join(problems[:20]), pytrace=False)


# The checks, shown an op that is right and the same op with one thing wrong.


@contextmanager
def scaled_square(
    *,
    kernel_power: int = 2,
    slope: float = 2.0,
    rank_lost: bool = False,
    samples: bool = True,
    compiled_error: float = 0.0,
    tier: Literal["any", "host"] = "any",
    second_slope: float = 1.0,
) -> Iterator[Any]:
    """Registers, while the block runs, an op that squares a float, with flaws as asked."""

    def kernel(xp: Any, x: Any) -> Any:
        return x**kernel_power + (0 if xp is np else compiled_error)

    multiply: Any = OpDef.registry["Mul"]
    stop: Any = OpDef.registry.get("StopGradient")
    arguments: dict[str, Any] = {"T": ("float", "double"), "tier": tier}
    definition = op("TestSquare", "x: T -> y: T", **arguments)(kernel if tier == "any" else lambda x: kernel(np, x))
    try:
        if tier == "host":
            definition.xla(lambda x: kernel(None, x))

        @definition.shape
        def _shape(x: Any) -> Any:
            return x[:-1] if rank_lost and x else x

        @definition.gradient
        def _gradient(call: Any, dy: Any) -> Any:
            x = call.inputs[0]
            factor = np.asarray(slope, x.dtype.as_numpy_dtype)
            product = multiply(multiply(x, factor), dy)
            return product if second_slope == 1.0 or stop is None else stop(product)

        if samples:

            @definition.samples
            def _samples(s: Any) -> Iterator[Any]:
                yield s(s.normal(2, 3))
                yield s(s.normal(dtype="float64"))

        yield definition
    finally:
        del OpDef.registry["TestSquare"]


def found_by(definition: OpDef) -> set[str]:
    return {
        check.__name__
        for check in consistency.CHECKS
        if check is consistency.completeness or definition.samples_rule
        if check(definition)
    }


def test_a_right_op_passes() -> None:
    with scaled_square() as definition:
        assert found_by(definition) == set()


def test_missing_samples_are_found() -> None:
    with scaled_square(samples=False) as definition:
        assert found_by(definition) == {"completeness"}


def test_a_wrong_kernel_is_found() -> None:
    with scaled_square(kernel_power=3) as definition:
        assert "first_gradients" in found_by(definition)


def test_a_wrong_gradient_is_found() -> None:
    with scaled_square(slope=2.001) as definition:
        assert found_by(definition) == {"first_gradients"}


def test_a_gradient_that_cuts_the_second_one_is_found() -> None:
    with scaled_square(second_slope=0.0) as definition:
        assert found_by(definition) == {"second_gradients"}


def test_a_wrong_shape_is_found() -> None:
    with scaled_square(rank_lost=True) as definition:
        assert "static_shapes" in found_by(definition)


@pytest.mark.parametrize("tier", ["any", "host"])
def test_a_difference_between_the_tiers_is_found(tier: Literal["any", "host"]) -> None:
    with scaled_square(compiled_error=1e-3, tier=tier) as definition:
        assert "tiers" in found_by(definition)
    with scaled_square(tier=tier) as definition:
        assert "tiers" not in found_by(definition)


def test_other_random_numbers_of_a_tier_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    definition: Any = OpDef.registry["RandomStandardNormal"]
    assert consistency.tiers(definition) == []
    kernel = definition.xla_kernel or definition.kernel
    monkeypatch.setattr(definition, "xla_kernel", lambda *arguments, **options: -kernel(*arguments, **options))
    assert len(consistency.tiers(definition)) >= 3
