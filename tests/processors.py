"""Runs the numeric tests as a smaller processor would, which rounds differently.

    python tests/processors.py [ARGUMENT ...]

OpenBLAS, NumPy and XLA choose their instructions by the processor and their order of sums by the number of threads.
Environment variables make them choose as on a processor without AVX-512 that has one core. With the oracle in
``TIDEFLOW_ORACLE_PYTHON``, values and gradients are also compared with a TensorFlow that does without oneDNN.
Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from numpy._core import _multiarray_umath as numpy_build

HERE = Path(__file__).parent

#: What NumPy has written for AVX-512, by the names that its release gives the groups.
WIDE = [name for name in numpy_build.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]

#: The tests themselves run with the widest instructions that there are, on as many threads as there are cores.
NARROW_ON_ONE_THREAD = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": " ".join(WIDE),
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "NPROC": "1",  # XLA's threads
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TIDEFLOW_TEST_THREADS": "1",
}
#: Folders and files whose tests compute with floating numbers.
FOLDERS = "autodiff layers ops/image ops/linalg ops/math ops/nn ops/quantization ops/signal train"
#: Of the tests of every operation, those that compare what two computations gave.
CHECKS = "tiers or gradients"
#: Of the comparisons with TensorFlow, those of numbers.
ASPECTS = "test_values or test_first_gradients or test_second_gradients"


def main() -> int:
    """Runs everything as on a processor with narrow instructions and one core; returns 0 if all of it passed."""
    print("as with", " ".join(f"{name}={value!r}" for name, value in NARROW_ON_ONE_THREAD.items()), flush=True)
    failed = _pytest(*(str(HERE / name) for name in FOLDERS.split()))
    failed |= _pytest(str(HERE / "ops" / "test_every_op.py"), "-k", CHECKS)
    if os.environ.get("TIDEFLOW_ORACLE_PYTHON"):
        failed |= _pytest(str(HERE / "parity" / "test_ops.py"), "-k", ASPECTS)
    return failed


def _pytest(*arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *arguments, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, **NARROW_ON_ONE_THREAD}, cwd=HERE.parent).returncode


if __name__ == "__main__":
    sys.exit(main())
