"""Runs the numeric tests as a smaller processor would, which rounds differently.

    python tests/processors.py [ARGUMENT ...]

OpenBLAS, NumPy and XLA choose their instructions by the processor and their order of sums by the number of threads.
Environment variables make them choose as on a processor without AVX-512 that has one core. With the oracle in
``TIDEFLOW_ORACLE_PYTHON``, values and gradients are also compared with a TensorFlow that does without oneDNN.
Arguments go to pytest.

The same file is the plugin that keeps, of what pytest finds, the tests that can come out otherwise: those of folders
that compute with floating numbers, and of every operation, its tiers, values and gradients, unless it takes and gives
no floating numbers, or all operations of its family move values, or round each number once, which every processor does
alike.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
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
#: Of the files with tests of every operation, those that compare what two computations gave.
OF_EVERY_OPERATION = {
    HERE / "ops" / "test_every_op.py": ("numbers",),
    # Second gradients are made of the same kernels.
    HERE / "parity" / "test_ops.py": ("test_values", "test_first_gradients"),
}
#: Families of operations of which none sums floating numbers or evaluates a function of them.
EXACT = frozenset("checkpoint composite control data files lookup parsing queues strings".split())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests whose outcome may depend on the processor."""
    kept = [item for item in items if _may_differ(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _may_differ(item)])
    items[:] = kept


def _may_differ(item: pytest.Item) -> bool:
    checks = OF_EVERY_OPERATION.get(item.path)
    parameters = getattr(item, "callspec", None)
    if checks is None or parameters is None or "name" not in parameters.params:
        return True
    return any(check in item.name for check in checks) and _computes(parameters.params["name"])


@functools.cache
def _computes(name: str) -> bool:
    """Tells whether an operation may compute with floating numbers."""
    # The program that starts pytest has no need of the package.
    from tideflow._src import ops
    from tideflow._src.core.dtypes import all_dtypes
    from tideflow._src.graph.op_def import OpDef

    definition = OpDef.registry[name]
    if definition.kernel.__module__.removeprefix(f"{ops.__name__}.").partition(".")[0] in EXACT:
        return False
    dtypes = {argument.dtype for argument in (*definition.inputs, *definition.outputs)} - {None}
    for attribute in definition.attributes.values():
        if attribute.type in ("type", "list(type)"):
            dtypes.update(all_dtypes() if attribute.allowed is None else attribute.allowed)
        elif attribute.type in ("float", "list(float)", "func", "list(func)", "tensor"):
            return True
    return any(dtype.is_quantized or not (dtype.is_integer or dtype.name in ("bool", "string")) for dtype in dtypes)


def main() -> int:
    """Runs everything as on a processor with narrow instructions and one core; returns 0 if all of it passed."""
    print("as with", " ".join(f"{name}={value!r}" for name, value in NARROW_ON_ONE_THREAD.items()), flush=True)
    paths = [HERE / name for name in FOLDERS.split()]
    paths += [
        path for path in OF_EVERY_OPERATION if "parity" not in path.parts or "TIDEFLOW_ORACLE_PYTHON" in os.environ
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", Path(__file__).stem, *map(str, paths), *sys.argv[1:]]
    found = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **NARROW_ON_ONE_THREAD, "PYTHONPATH": found}
    return subprocess.run(command, env=environment, cwd=HERE.parent).returncode


if __name__ == "__main__":
    sys.exit(main())
