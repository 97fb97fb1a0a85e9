"""Runs the numeric tests as other processors would, which round differently.

    python tests/processors.py [ARGUMENT ...]

OpenBLAS, NumPy and XLA choose their instructions by the processor and their order of sums by the number of threads.
Environment variables make them choose as elsewhere. With the oracle in ``TIDEFLOW_ORACLE_PYTHON``, values and gradients
are also compared with a TensorFlow that does without oneDNN. Arguments go to pytest.
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

NARROW_ON_ONE_THREAD = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": " ".join(WIDE),
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "NPROC": "1",  # XLA's threads
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TIDEFLOW_TEST_THREADS": "1",
}
WIDE_ON_FOUR_THREADS = {
    "OPENBLAS_CORETYPE": "SkylakeX",
    "OPENBLAS_NUM_THREADS": "4",
    "NPROC": "4",
    "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
    "TIDEFLOW_TEST_THREADS": "4",
}

#: Folders and files whose tests compute with floating numbers.
FOLDERS = "autodiff function layers ops/image ops/linalg ops/math ops/nn ops/quantization ops/signal train"
#: Of the tests of every operation, those that compare what two computations gave.
CHECKS = "tiers or gradients"
#: Of the comparisons with TensorFlow, those of numbers.
ASPECTS = "test_values or test_first_gradients or test_second_gradients"


def main() -> int:
    """Runs everything on each kind of processor that this one can stand in for; returns 0 if all of it passed."""
    kinds = [NARROW_ON_ONE_THREAD]
    if numpy_build.__cpu_features__.get("AVX512_SKX"):
        kinds.append(WIDE_ON_FOUR_THREADS)
    failed = 0
    for kind in kinds:
        print("as with", " ".join(f"{name}={value!r}" for name, value in kind.items()), flush=True)
        failed |= _pytest(kind, *(str(HERE / name) for name in FOLDERS.split()))
        failed |= _pytest(kind, str(HERE / "ops" / "test_every_op.py"), "-k", CHECKS)
        if "TF_ENABLE_ONEDNN_OPTS" in kind and os.environ.get("TIDEFLOW_ORACLE_PYTHON"):
            failed |= _pytest(kind, str(HERE / "parity" / "test_ops.py"), "-k", ASPECTS)
    return failed


def _pytest(kind: dict[str, str], *arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *arguments, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, **kind}, cwd=HERE.parent).returncode


if __name__ == "__main__":
    sys.exit(main())
