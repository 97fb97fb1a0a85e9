"""Memory of large arrays stays in the process once the engine is loaded, unless the environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tideflow._src.runtime import host_memory

pytestmark = pytest.mark.skipif(not host_memory._is_glibc(), reason="other C libraries stay as they are")

#: Prints how many pages the system had to provide for an array of 64 MB that is made and dropped 20 times.
_PROGRAM = """
import resource
import numpy as np
from tideflow._src.runtime import host_memory
print(host_memory.keep())
np.ones(1 << 24, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(1 << 24, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _run(**variables: str) -> tuple[str, int]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUN"))}
    environment.pop("TIDEFLOW_KEEP_MEMORY", None)
    command = [sys.executable, "-c", _PROGRAM]
    output = subprocess.run(command, env={**environment, **variables}, check=True, capture_output=True, text=True)
    kept, faults = output.stdout.split()
    return kept, int(faults)


def test_freed_memory_is_used_again() -> None:
    kept, faults = _run()
    assert kept == "True"
    assert faults < 20  # at pages of the largest size there would be 32 at each turn


@pytest.mark.parametrize("variables", [{"TIDEFLOW_KEEP_MEMORY": "0"}, {"MALLOC_TRIM_THRESHOLD_": "131072"}])
def test_the_environment_leaves_the_library_as_it_is(variables: dict[str, str]) -> None:
    kept, faults = _run(**variables)
    assert kept == "False"
    assert faults >= 20


def test_what_it_does_not_know_it_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_KEEP_MEMORY", "yes")
    with pytest.raises(ValueError, match="not one of 0, 1"):
        host_memory.keep()
