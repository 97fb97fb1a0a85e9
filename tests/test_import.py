"""What an import loads and costs, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ["jax", "jaxlib", "keras", "google.protobuf", "grpc", "scipy", "tensorflow", "torch", "matplotlib"]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
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


def test_importing_is_quick():
    # The bound is generous, since machines are shared; benchmarks/ holds the real target of 0.3 s.
    code = "from time import perf_counter\nstart = perf_counter()\nimport tideflow\nprint(perf_counter() - start)"
    assert min(float(run(code)) for _ in range(3)) < 1.0
