"""What an import loads and costs, in processes of their own."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import tideflow

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


def test_importing_loads_what_every_program_needs_only():
    # What takes time is the modules: of families, layers and training, those load that somebody uses.
    code = "import sys, tideflow\nprint(sum(name.startswith('tideflow.') for name in sys.modules))"
    every = sum(1 for _ in pkgutil.walk_packages(tideflow.__path__, "tideflow."))
    assert int(run(code)) < every / 2
