"""Makes the workload of a family of operations: its heaviest ones, each eager and compiled.

*Compiled* is ``Session.run`` of a graph for the two TensorFlows; PyTorch does the same eagerly. Such a
step gives the sum of the squares of the results, so that no result is left out or copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

Array = np.ndarray[Any, Any]

LIMIT = 1.25  # of the time of the faster peer


class Case(NamedTuple):
    """Is one operation of a family.

    Attributes:
      name: what the table calls it.
      inputs: the arrays that it takes.
      tensorflow: ``tensorflow(tf, *tensors)`` gives its results: a tensor or several.
      torch: the same for PyTorch, or None where it has no such operation.
      eager, compiled: whether it is timed so.
    """

    name: str
    inputs: Callable[[], Sequence[Array]]
    tensorflow: Callable[..., Any]
    torch: Callable[..., Any] | None = None
    eager: bool = True
    compiled: bool = True


def family(name: str, title: str, cases: Sequence[Case]) -> SteadyWorkload:
    """Returns the workload of a family."""
    metrics = [metric for case in cases for metric in _metrics(case)]
    programs: dict[str, Callable[[Any], Mapping[str, Step]]] = {
        "tideflow": lambda tf: _tensorflow_steps(tf, cases),
        "tensorflow": lambda tf: _tensorflow_steps(tf, cases),
    }
    targets = {metric: [Target(LIMIT, "tensorflow")] for metric in metrics}
    in_torch = [case for case in cases if case.torch is not None]
    if in_torch:
        programs["torch"] = lambda torch: _torch_steps(torch, in_torch)
        for case in in_torch:
            for metric in _metrics(case):
                targets[metric].append(Target(LIMIT, "torch"))
    return SteadyWorkload(
        name=name,
        title=title,
        programs=programs,
        verify=_finite,
        targets={metric: tuple(found) for metric, found in targets.items()},
    )


def _metrics(case: Case) -> list[str]:
    return [f"{case.name}, {way}" for way, asked in (("eager", case.eager), ("compiled", case.compiled)) if asked]


def _tensorflow_steps(tf: Any, cases: Sequence[Case]) -> dict[str, Step]:
    return {metric: step for case in cases for metric, step in _tensorflow_case(tf, case).items()}


def _tensorflow_case(tf: Any, case: Case) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    arrays = case.inputs()
    if case.eager:
        tensors = [tf.constant(array) for array in arrays]
        steps[f"{case.name}, eager"] = lambda: case.tensorflow(tf, *tensors)
    if case.compiled:
        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph:
            held = [v1.get_variable(f"input{index}", initializer=array) for index, array in enumerate(arrays)]
            tensors_in_graph = [
                variable.read_value() if hasattr(variable, "read_value") else variable for variable in held
            ]
            total = _total(tf, case.tensorflow(tf, *tensors_in_graph))
            initialize = v1.global_variables_initializer()
        session = v1.Session(graph=graph)
        session.run(initialize)
        steps[f"{case.name}, compiled"] = lambda: session.run(total)
    return steps


def _total(tf: Any, results: Any) -> Any:
    parts = []
    for result in results if isinstance(results, list | tuple) else [results]:
        size = tf.abs(result) if result.dtype.is_complex else tf.cast(result, tf.float32)
        parts.append(tf.reduce_sum(tf.square(size)))
    return tf.add_n(parts)


def _torch_steps(torch: Any, cases: Sequence[Case]) -> dict[str, Step]:
    return {metric: step for case in cases for metric, step in _torch_case(torch, case).items()}


def _torch_case(torch: Any, case: Case) -> dict[str, Step]:
    tensors = [torch.from_numpy(array) for array in case.inputs()]
    run = case.torch
    assert run is not None

    def total() -> Any:
        results = run(torch, *tensors)
        parts = [
            (result.abs() if result.is_complex() else result.float()).square().sum()
            for result in (results if isinstance(results, list | tuple) else [results])
        ]
        return sum(parts)

    def compiled() -> Any:
        return total().item()

    steps: dict[str, Step] = {}
    if case.eager:
        steps[f"{case.name}, eager"] = lambda: run(torch, *tensors)
    if case.compiled:
        steps[f"{case.name}, compiled"] = compiled
    return steps


def _finite(steps: Mapping[str, Step]) -> None:
    """Checks that what a compiled step gives is a finite number, and that an eager one gives anything."""
    for metric, step in steps.items():
        result = step()
        assert result is not None, f"{metric} gives nothing"
        if metric.endswith("compiled"):
            assert np.isfinite(np.asarray(result)), f"{metric} gives {result}"


def normal(*shape: int, seed: int = 0) -> Array:
    """Returns standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def integers(high: int, *shape: int, seed: int = 0) -> Array:
    """Returns int32 numbers below ``high``."""
    return np.random.default_rng(seed).integers(0, high, shape, dtype=np.int32)
