"""tanh, sigmoid, exp and sum of 8 M floats that the peer already holds: fusion and threads, once warm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

SIZE = 8 * 1024 * 1024


def values() -> np.ndarray[Any, Any]:
    """Returns the input, the same for all peers."""
    return np.linspace(-3.0, 3.0, SIZE, dtype=np.float32)


def tensorflow_chain(tf: Any, x: Any) -> Any:
    return tf.reduce_sum(tf.exp(tf.sigmoid(tf.tanh(x))))


def session_program(tf: Any) -> dict[str, Step]:
    with tf.Graph().as_default() as graph:
        fed = tf.placeholder(tf.float32, [SIZE])
        x = tf.Variable(tf.zeros([SIZE]))
        assign = tf.assign(x, fed)
        y = tensorflow_chain(tf, x)
    session = tf.Session(graph=graph)
    session.run(assign.op, feed_dict={fed: values()})
    return {"": lambda: session.run(y)}


def function_program(tf: Any) -> dict[str, Step]:
    tf.enable_v2_behavior()
    function = tf.function(lambda x: tensorflow_chain(tf, x))
    x = tf.constant(values())
    return {"": lambda: function(x).numpy()}


def torch_chain(torch: Any, x: Any) -> Any:
    return torch.sum(torch.exp(torch.sigmoid(torch.tanh(x))))


def torch_program(torch: Any) -> dict[str, Step]:
    x = torch.from_numpy(values())
    return {"": lambda: torch_chain(torch, x).item()}


def torch_compiled_program(torch: Any) -> dict[str, Step]:
    x = torch.from_numpy(values())
    compiled = torch.compile(lambda x: torch_chain(torch, x))
    return {"": lambda: compiled(x).item()}


def jax_program(jax: Any) -> dict[str, Step]:
    jnp = jax.numpy
    x = jnp.array(values())
    compiled = jax.jit(lambda x: jnp.sum(jnp.exp(jax.nn.sigmoid(jnp.tanh(x)))))
    return {"": lambda: np.asarray(compiled(x))}


def verify(steps: Mapping[str, Step]) -> None:
    """Checks the sum against one in double precision."""
    x = values().astype(np.float64)
    gives({"": np.exp(1 / (1 + np.exp(-np.tanh(x)))).sum()})(steps)


WORKLOAD = SteadyWorkload(
    name="elementwise_chain",
    title="8 M-element chain of tanh, sigmoid, exp, sum, warm",
    programs={
        "tideflow": session_program,
        "tensorflow": session_program,
        "tensorflow:function": function_program,
        "torch": torch_program,
        "torch:compile": torch_compiled_program,
        "jax": jax_program,
    },
    verify=verify,
    dialect="v1",
    targets={"": (Target(1.1, "jax"),)},
)
