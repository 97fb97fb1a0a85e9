"""Checks that a workload computes what it should: a wrong answer is not worth timing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.workload import Step


def gives(expected: Mapping[str, Any]) -> Callable[[Mapping[str, Step]], None]:
    """Returns a check that each step's result is close to a value, one for each metric."""

    def verify(steps: Mapping[str, Step]) -> None:
        for metric, step in steps.items():
            np.testing.assert_allclose(np.asarray(step()), expected[metric], rtol=1e-4, err_msg=metric)

    return verify


def learns(steps_to_learn: int = 200) -> Callable[[Mapping[str, Step]], None]:
    """Returns a check that the loss that each step gives falls to less than half within so many steps."""

    def verify(steps: Mapping[str, Step]) -> None:
        for metric, step in steps.items():
            losses = [float(np.asarray(step())) for _ in range(steps_to_learn)]
            first, last = np.mean(losses[:5]), np.mean(losses[-5:])
            assert np.isfinite(last) and last < 0.5 * first, f"{metric}: the loss went from {first} to {last}"

    return verify
