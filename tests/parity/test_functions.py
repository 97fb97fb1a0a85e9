"""Compares what functions are and what they refuse with TensorFlow's."""

from __future__ import annotations

from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime import must_compile

from .oracle import Oracle

_KERNELS = """
from tensorflow.python.framework import kernels

tf.function(lambda x: x, jit_compile=True)(1)  # registers the kernels of compiled programs
result = []
for name in {names!r}:
    found = kernels.get_registered_kernels_for_op(name).kernel
    if any(kernel.device_type == "XLA_CPU_JIT" for kernel in found):
        result.append(name)
"""


def test_operations_that_only_tensorflow_compiles(oracle: Oracle) -> None:
    definitions = [OpDef.registry[name] for name in OpDef.registry.all_names()]
    for_host = sorted(item.name for item in definitions if item.tier == "host" and item.xla_kernel is None)
    assert len(for_host) > 300
    answer = oracle.ask("evaluate", source=_KERNELS.format(names=for_host))
    assert set(answer["result"]) == must_compile.COMPILED_BY_TENSORFLOW
