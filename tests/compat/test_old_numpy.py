"""Programs of TensorFlow 1.x find the NumPy of their time."""

from __future__ import annotations

PROGRAM = """
import warnings
warnings.simplefilter("error")
import numpy as np
print(np.int, np.float(1), np.asscalar(np.array([2])), np.product([2, 3]), np.in1d([[1, 2]], [2]).tolist())
print(np.reshape(np.arange(4), newshape=(2, 2)).tolist(), np.reshape([1, 2], (2, 1)).tolist(), np.NaN, np.object)
"""


def test_old_dialects_restore_what_numpy_removed(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    expected = "<class 'int'> 1.0 2 6 [False, True]\n[[0, 1], [2, 3]] [[1], [2]] nan <class 'object'>\n"
    for dialect in ("--v1", "--v0"):
        done = tideflow(dialect, "program.py")
        assert done.stdout == expected, done.stderr


def test_numpy_is_left_alone_otherwise(tideflow, python, tmp_path):
    (tmp_path / "program.py").write_text("import numpy as np\nprint('asscalar' in vars(np), 'int' in vars(np))")
    assert tideflow("program.py").stdout == "False False\n"
    code = "import numpy as np, tideflow.v1\nprint('asscalar' in vars(np))"
    assert python("-c", code).stdout == "False\n"
