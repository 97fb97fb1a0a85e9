"""Prints how ops differ from TensorFlow, and from their own rules, while one is being written.

Run it in the folder `tests`, with the oracle's interpreter in `TIDEFLOW_ORACLE_PYTHON`:

    python -m parity MatMul ConcatV2
    python -m parity --aspects values,static_shapes Softmax
    python -m parity --file math.arithmetic
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable

from tideflow._src.graph.op_def import OpDef

from . import consistency, subject
from .checks import Checks, Problem
from .exemptions import exemptions_of
from .generated import generated_calls
from .oracle import from_environment

AGAINST_TENSORFLOW = (
    "op_def",
    "values",
    "static_shapes",
    "first_gradients",
    "second_gradients",
    "graph_def_from_tensorflow",
    "graph_def_to_tensorflow",
    "random_stream",
)
AGAINST_ITSELF = {f"own_{check.__name__}": check for check in consistency.CHECKS}


def main() -> int:
    """Runs the checks that the command line asks for and returns the number of problems, at most 100."""
    every = [*AGAINST_TENSORFLOW, "generated_calls", *AGAINST_ITSELF]
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__.partition("\n")[0])
    parser.add_argument("ops", nargs="*", help="names of ops; all by default")
    parser.add_argument("--file", help="the ops that a file below _src/ops defines, such as math.arithmetic")
    parser.add_argument("--aspects", default=",".join(every), help=f"any of {','.join(every)}")
    parser.add_argument("--most", type=int, default=5, help="how many problems to print for each aspect")
    options = parser.parse_args()
    registered = subject.every_op(lambda file, error: print(f"cannot import {file}: {error!r}"))
    names = options.ops or registered
    if options.file:
        names = [name for name in names if OpDef.registry[name].kernel.__module__.endswith(f".{options.file}")]
    total = 0
    with from_environment() as oracle:
        checks = Checks(oracle)
        for name in names:
            aspects = options.aspects.split(",")
            if OpDef.registry[name].samples_rule is None:
                print(f"{name} has no samples")
                total, aspects = total + 1, [aspect for aspect in aspects if aspect == "op_def"]
            for aspect in aspects:
                start = time.monotonic()
                problems = _problems(_check(checks, aspect), name)
                problems = [problem for problem in problems if not _is_known(aspect, name, problem)]
                total += len(problems)
                if problems:
                    print(f"{name} {aspect}: {len(problems)} problems ({time.monotonic() - start:.1f} s)")
                    for problem in problems[: options.most]:
                        print("   ", problem.replace("\n", "\n    "))
    print(f"{len(names)} ops, {total} problems")
    return min(total, 100)


def _check(checks: Checks, aspect: str) -> Callable[[str], list[str]]:
    if aspect in AGAINST_ITSELF:
        return lambda name: AGAINST_ITSELF[aspect](OpDef.registry[name])
    if aspect == "generated_calls":
        return lambda name: generated_calls(checks, name)
    return getattr(checks, aspect)  # type: ignore[no-any-return]


def _is_known(aspect: str, name: str, problem: str) -> bool:
    return isinstance(problem, Problem) and any(
        exemption.covers(problem.sample, problem.what) for exemption in exemptions_of(aspect, name)
    )


def _problems(check: Callable[[str], list[str]], name: str) -> list[str]:
    try:
        return check(name)
    except Exception:  # an unfinished op must not hide what is wrong with the others
        return [traceback.format_exc(limit=-4)]


if __name__ == "__main__":
    sys.exit(main())
