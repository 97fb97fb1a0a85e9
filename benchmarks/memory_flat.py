"""Checks that training leaves memory flat: 100,000 session steps, fed from NumPy, must not grow the process.

    python benchmarks/memory_flat.py [--steps N] [--limit MIB] [--module tideflow.v1]

Two things are asserted from the end of the warm-up to the last step: that the resident memory grows by less
than a limit, and that the number of Python objects the collector knows does not grow with the steps. The
module may be ``tensorflow.compat.v1``, to see that the check passes where memory is known to be flat.
``--leak`` keeps what every step returns, to see that it fails where it should.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from harness.peers import SOURCES
from workloads.mlp_step import tensorflow_program

STATISTICS = Path("/proc/self/statm")
SAMPLES = 10
OBJECT_LIMIT = 1000


def resident_mebibytes() -> float:
    """Returns the resident memory of this process; where the system does not tell, its peak."""
    if STATISTICS.exists():
        return int(STATISTICS.read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=100_000, help="steps after the warm-up (100,000)")
    parser.add_argument("--warm-up", type=int, default=5_000, help="steps before the first sample (5,000)")
    parser.add_argument("--limit", type=float, default=8.0, metavar="MIB", help="growth allowed in MiB (8)")
    parser.add_argument("--module", default="tideflow.v1", help="the module to train with (tideflow.v1)")
    parser.add_argument("--leak", action="store_true", help="leak on purpose, to see the check fail")
    arguments = parser.parse_args()
    if arguments.steps < SAMPLES:
        parser.error(f"--steps must be at least {SAMPLES}, not {arguments.steps}")
    return arguments


def load(name: str) -> Any:
    """Imports the module; the real TensorFlow is put in its 1.x behaviour."""
    sys.path.insert(0, str(SOURCES))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module = importlib.import_module(name)
    if name.startswith("tensorflow"):
        module.disable_v2_behavior()
    return module


def main() -> int:
    arguments = parse_arguments()
    step = tensorflow_program(load(arguments.module))[""]
    kept: list[Any] = []

    def run(steps: int) -> tuple[float, int]:
        """Does some steps; returns the resident memory and the number of objects after them."""
        for _ in range(steps):
            loss = step()
            if arguments.leak:
                kept.append([float(loss)])
        gc.collect()
        return resident_mebibytes(), len(gc.get_objects())

    first_memory, first_objects = run(arguments.warm_up)
    print(f"{0:>9,} steps  {first_memory:8.1f} MiB  {first_objects:>9,} objects", flush=True)
    memory, objects = first_memory, first_objects
    start = perf_counter()
    for sample in range(1, SAMPLES + 1):
        memory, objects = run(arguments.steps // SAMPLES)
        done = sample * (arguments.steps // SAMPLES)
        print(f"{done:>9,} steps  {memory:8.1f} MiB  {objects:>9,} objects", flush=True)
    taken = perf_counter() - start

    growth, new_objects = memory - first_memory, objects - first_objects
    print(f"{growth:+.1f} MiB, at most {arguments.limit:g} allowed")
    print(f"{new_objects:+,} objects, at most {OBJECT_LIMIT:,} allowed")
    print(f"{taken:.0f} s")
    flat = growth <= arguments.limit and new_objects <= OBJECT_LIMIT
    print("memory is flat" if flat else "memory grows")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
