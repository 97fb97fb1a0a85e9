"""What an import loads and costs, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ["jax", "jaxlib", "keras", "google.protobuf", "grpc", "scipy", "tensorflow", "torch", "matplotlib"]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_heavy():
    for statement in ("import tideflow", "import tideflow.v1", "import tideflow.v0", "import tideflow.compat.v1"):
        loaded = json.loads(run(f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"))
        assert [name for name in HEAVY if name in loaded] == [], statement


def test_a_first_session_run_of_a_small_graph_loads_no_jax():
    code = """
import sys
import tideflow.v1 as tf
with tf.Graph().as_default():
    x = tf.placeholder(tf.float32, [2])
    print(tf.Session().run(x + 1.0, {x: [1.0, 2.0]}).tolist(), "jax" in sys.modules)
"""
    assert run(code) == "[2.0, 3.0] False\n"


def test_importing_leaves_numpy_warnings_alone():
    code = "import numpy as np\nbefore = np.geterr()\nimport tideflow\nprint(np.geterr() == before)"
    assert run(code) == "True\n"


# What takes time in an import is the modules: of families, layers and training, those load that somebody uses.
MOST_MODULES = 215
#: Modules of Python's own that are not worth their time in every program, where NumPy does not load them itself.
NOT_IN_EVERY_PROGRAM = [
    "concurrent.futures", "dataclasses", "glob", "importlib.util", "ipaddress", "logging", "pathlib", "pprint", "queue",
    "random", "shutil", "traceback", "urllib.parse",
]  # fmt: skip


def test_importing_loads_what_every_program_needs_only():
    code = """
import json, sys
import ml_dtypes, numpy
before = set(sys.modules)
import tideflow
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    added = json.loads(run(code))
    assert [name for name in NOT_IN_EVERY_PROGRAM if name in added] == []
    own = [name for name in added if name.startswith("tideflow.")]
    assert 0 < len(own) <= MOST_MODULES, own
    assert len(added) - len(own) <= 25, added


def test_importing_compiles_hardly_any_pattern():
    code = """
import re
import ml_dtypes, numpy
compiled = []
compile_pattern = re._compiler.compile
re._compiler.compile = lambda pattern, flags=0: compiled.append(pattern) or compile_pattern(pattern, flags)
import tideflow
print(len(compiled))
"""
    assert int(run(code)) <= 5


def test_the_garbage_collector_is_as_it_was_after_an_import():
    code = "import gc\n{}\nimport tideflow\nprint(gc.isenabled(), gc.get_freeze_count() > 0, gc.get_threshold())"
    assert run(code.format("gc.set_threshold(500, 7, 8)")) == "True True (500, 7, 8)\n"
    assert run(code.format("gc.set_threshold(500, 7, 8); gc.disable()")) == "False False (500, 7, 8)\n"


def test_a_late_import_freezes_nothing_of_the_program():
    code = "import gc\nkept = [[] for _ in range(60_000)]\nimport tideflow\nprint(gc.get_freeze_count())"
    assert run(code) == "0\n"


def test_an_import_that_fails_leaves_the_garbage_collector_on():
    code = """
import gc, sys
sys.modules["tideflow._src.ops.everything"] = None
try:
    import tideflow
except ImportError:
    print(gc.isenabled(), gc.get_freeze_count())
"""
    assert run(code) == "True 0\n"
