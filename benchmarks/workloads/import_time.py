"""Import time, in fresh processes: the whole process less the bare interpreter, and the import alone."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from time import perf_counter

from harness.peers import HIDDEN, PEERS, peer_of
from harness.workload import ProcessWorkload, Target

IMPORT = """
import sys
from time import perf_counter as clock

sys.modules.update(dict.fromkeys({hidden}))
start = clock()
import {module}
seconds = clock() - start
{module}.__version__  # An empty folder can be imported too, very fast; it has no version.
loaded = [name for name in {others} if sys.modules.get(name)]
if loaded:
    raise RuntimeError(f"import {module} loads another peer: {{loaded}}")
print(seconds)
"""


def _run(python: str, code: str, environment: Mapping[str, str]) -> tuple[float, str]:
    """Runs some Python in a process of its own; returns the seconds it took and what it printed."""
    start = perf_counter()
    done = subprocess.run([python, "-c", code], env=dict(environment), capture_output=True, text=True, check=True)
    return perf_counter() - start, done.stdout


def measure(label: str, python: str, environment: Mapping[str, str]) -> dict[str, float]:
    """Measures one import; the process is started once before, so that files are in memory and compiled."""
    peer = peer_of(label)
    others = tuple(name for name in PEERS if name != peer)
    code = IMPORT.format(module=peer, hidden=HIDDEN.get(peer, ()), others=others)
    _run(python, code, environment)
    bare, _ = _run(python, "pass", environment)
    whole, printed = _run(python, code, environment)
    return {"process less interpreter": whole - bare, "inside": float(printed.split()[-1])}


WORKLOAD = ProcessWorkload(
    name="import_time",
    title="import",
    measure=measure,
    measured=("tideflow", "tensorflow", "torch", "jax"),
    targets={"process less interpreter": (Target(0.3), Target(1 / 8, "tensorflow")), "inside": ()},
)
