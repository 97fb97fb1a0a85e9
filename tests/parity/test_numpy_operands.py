"""Compares what becomes of scalars and arrays of NumPy beside tensors of every dtype with what TensorFlow makes."""

from __future__ import annotations

from typing import Any

import tideflow

from .oracle import Oracle

#: Runs here and in TensorFlow: each pair of dtypes, from both sides, eagerly and in a function.
PROGRAM = """
import operator
import numpy as np

NAMES = (
    "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128"
).split()
FUNCTIONS = {
    "add": operator.add, "subtracted": lambda x, y: y - x, "equal": operator.eq, "maximum": tf.maximum,
    "where": lambda x, y: tf.where([True], y, x), "constant": lambda x, y: tf.constant(y, x.dtype),
}


def of(name, value):
    return np.bool_(value > 0) if name == "bool" else tf.as_dtype(name).as_numpy_dtype(value)


def outcome(call):
    try:
        found = call()
        return found.dtype.name, repr(found.numpy().tolist())
    except Exception as error:
        return type(error).__name__


result = []
for name in NAMES:
    x = tf.constant([True] if name == "bool" else [3], name)
    for other in NAMES:
        scalar = of(other, 2.7 if other[0] in "fc" or other == "bfloat16" else 2)
        for value in (scalar, np.array(scalar), np.array([scalar])):
            for label, function in FUNCTIONS.items():
                call = lambda: function(x, value)
                result.append((f"{name} {label} {other} of rank {value.ndim}", outcome(call)))
        traced = tf.function(lambda: x * scalar, autograph=False)
        if name != "bool":
            result.append((f"{name} multiply {other} in a function", outcome(traced)))
    for value in (True, [True], 2, 2.5):
        result.append((f"{name} from {value}", outcome(lambda: tf.constant(value, name))))
"""


def test_numpy_operands(oracle: Oracle) -> None:
    answer = oracle.ask("evaluate", source=PROGRAM)
    assert "result" in answer, answer
    here: dict[str, Any] = {"tf": tideflow}
    exec(PROGRAM, here)
    problems = [
        f"{label}: TensorFlow {theirs}, Tideflow {ours}"
        for (label, theirs), (_, ours) in zip(
            answer["result"], [(label, _plain(found)) for label, found in here["result"]], strict=True
        )
        if _plain(theirs) != ours
    ]
    assert not problems, "\n" + "\n".join(problems)


def _plain(outcome: Any) -> Any:
    return outcome if isinstance(outcome, str) else tuple(outcome)
