"""Special functions over the whole range of floats: both tiers answer at once, and alike."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import jax
import jax.scipy.special
import numpy as np
import pytest

from tideflow._src.graph import evaluation
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops import everything  # noqa: F401 - registers the operations
from tideflow._src.runtime.tracing import xla_kernel

_HALF = [0.0, 1e-30, 1e-10, 1e-3, 0.1, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.5, 50.0, 171.0, 1e3, 1e4, 1e5, 1e6]
_HALF += [1e7, 1e10, 1e15, 1e20, 1e30, 1e38, np.inf]
_WIDE = [1e-300, 1e100, 1e300, float(np.finfo("float64").max)]
_NAMES = "Erf Erfc Erfinv Expint Ndtri Lgamma Digamma BesselI0 BesselI0e BesselI1 BesselI1e".split()
_NAMES += "Spence Zeta Polygamma Igamma Igammac".split()
#: Where a value of the function is the difference of two that are near 1, compiled code answers with their precision.
_ABSOLUTE = {"Igammac": 1e-13, "Lgamma": 2e-6, "Igamma": 1e-14}


def _arguments(name: str, dtype: str) -> list[np.ndarray]:
    half = np.array(_HALF + (_WIDE if dtype == "float64" else []), dtype)
    values = np.concatenate([half, -half[1:], [np.array(np.nan, dtype)]])
    if len(OpDef.registry[name].inputs) == 1:
        return [values]
    first = np.array([0, 1, 2, 3, 5, 10, 50, 0.5, -1, np.nan], dtype) if name == "Polygamma" else values
    return [grid.ravel() for grid in np.meshgrid(first, values)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", _NAMES)
def test_both_tiers_agree(name: str, dtype: str) -> None:
    definition = OpDef.registry[name]
    arguments = _arguments(name, dtype)
    with np.errstate(all="ignore"):
        host = np.asarray(evaluation.host_kernel(definition)(*arguments))
    with jax.enable_x64(True):
        compiled = np.asarray(jax.jit(xla_kernel(definition))(*arguments))
    assert compiled.dtype == host.dtype == np.dtype(dtype)
    np.testing.assert_allclose(
        compiled, host, rtol=2e-5 if dtype == "float32" else 1e-8, atol=_ABSOLUTE.get(name, np.finfo(dtype).tiny)
    )


@functools.cache
def _program(name: str) -> Callable[..., jax.Array]:
    """Returns an operation that JAX compiles once for all numbers that it is asked for."""
    return jax.jit(xla_kernel(OpDef.registry[name]))


def _compiled(name: str, *arguments: float) -> float:
    with jax.enable_x64(True):
        return float(_program(name)(*map(np.float64, arguments)))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(("IgammaGradA", pair) for pair in itertools.product([1e-30, 0.5, 1e5, 1e6, 1e300], repeat=2)),
        *(("RandomGammaGrad", pair) for pair in itertools.product([1e-30, 0.5, 1e5, 1e6, 1e300, np.inf], repeat=2)),
    ],
)
def test_derivatives_end_everywhere(name: str, arguments: tuple[float, float]) -> None:
    value = _compiled(name, *arguments)
    assert np.isfinite(value) or np.inf in arguments


@pytest.mark.parametrize("a", [0.9e5, 1.1e5])
@pytest.mark.parametrize("deviations", [-5, -2, -0.01, 0, 1, 4])
def test_the_derivative_with_respect_to_the_parameter_is_that_of_the_function(a: float, deviations: float) -> None:
    """On both sides of where the expansion takes over, against differences of SciPy's function."""
    from scipy.special import gammainc

    x = a + deviations * np.sqrt(a)
    step = np.sqrt(a) * 1e-3
    steps = np.array([-2, -1, 1, 2])
    slope = float(gammainc(a + steps * step, x) @ np.array([1, -8, 8, -1]) / (12 * step))
    density = float(gammainc(a, x + steps * step) @ np.array([1, -8, 8, -1]) / (12 * step))
    assert _compiled("IgammaGradA", a, x) == pytest.approx(slope, rel=1e-6)
    assert _compiled("RandomGammaGrad", a, x) == pytest.approx(-slope / density, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [  # SciPy's, direct sums, and limits.
        ("Igamma", (1e300, 1e300), 0.5),
        ("Igamma", (1e6, 1e6), 0.5001329807608725),
        ("Igammac", (1e8, 1e8 + 1e4), 0.158655253528),
        ("Zeta", (3.0, -1.5), 0.11810202582086),
        ("Zeta", (2.0, -4.5), 9.67026201409973),
        ("Zeta", (2.0, -3.0), np.inf),
        ("Zeta", (3.0, -3.0), np.nan),
        ("Zeta", (2.5, -0.5), np.nan),
        ("RandomGammaGrad", (1e300, 1e300), 1.0),
        ("IgammaGradA", (1e10, 1e10), -3.989422804047572e-06),
        ("Igammac", (1e-30, 0.5), 5.597735947761619e-31),
        ("Igammac", (1.6e-35, 0.275255024433136), 1.5524105865184213e-35),
        ("Igammac", (9.332636185032189e-302, 1.0), 2.0474304445543604e-302),
        ("Igammac", (0.25, 1e-12), 0.9988967373486793),
        ("Igammac", (0.5, 0.5), 0.31731050786291115),
        ("Igamma", (2.2250738585072014e-308, 0.5), 1.0),
        ("Expint", (1e-30,), -68.50033712491984),
        ("Expint", (1.0,), 1.895117816355937),
        ("Expint", (39.9,), 5479032048901892.0),
        ("Expint", (40.0,), 6039718263611238.0),
        ("Expint", (709.0,), 1.1607943366572636e305),
        ("Expint", (1e10,), np.inf),
        ("Spence", (1.7976931348623157e308,), -251897.39469521283),
        ("Spence", (1e30,), -2387.49908378),
    ],
)
def test_values(name: str, arguments: tuple[float, float], expected: float) -> None:
    assert _compiled(name, *arguments) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_the_exponential_integral_overflows_no_earlier_than_its_value() -> None:
    """Expected is ``exp(x) / x`` times the series ``1 + 1 / x + 2 / x ** 2 + ...``."""
    x = 712.0
    series = sum(float(math.factorial(k)) / x**k for k in range(12))
    expected = math.exp(x - math.log(x)) * series
    host = evaluation.host_kernel(OpDef.registry["Expint"])(np.float64([x, 1.0]))
    np.testing.assert_allclose(host, [expected, 1.895117816355937], rtol=1e-12)
    assert _compiled("Expint", x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("a", [1e-300, 1e-30, 0.01, 0.25, 0.5])
@pytest.mark.parametrize("x", [1e-300, 1e-30, 0.01, 0.5, 1.0])
def test_the_upper_function_of_small_parameters_has_its_digits_right(a: float, x: float) -> None:
    from scipy.special import gammaincc

    assert _compiled("Igammac", a, x) == pytest.approx(float(gammaincc(a, x)), rel=1e-12, abs=0)


@pytest.mark.parametrize("name", ["Expint", "Ndtri", "Zeta", "Polygamma"])
def test_no_loop_depends_on_values(name: str) -> None:
    """What would loop until the last number of an array has converged in every branch takes long for large arrays."""
    definition = OpDef.registry[name]
    arguments = [np.ones(3)] * len(definition.inputs)
    with jax.enable_x64(True):
        assert "while[" not in str(jax.make_jaxpr(xla_kernel(definition))(*arguments))


def test_a_loop_that_depends_on_values_is_seen() -> None:
    assert "while[" in str(jax.make_jaxpr(jax.scipy.special.exp1)(np.ones(3)))
