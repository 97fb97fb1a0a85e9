"""Refuses to run functions that XLA must compile (``jit_compile=True``) if they hold what no compiler takes.

Whoever asks for a compiled function wants an error where that cannot be, as TensorFlow gives it, not one that runs on
the host in silence. What TensorFlow compiles and Tideflow runs on the host, mostly since its shape depends on data, is
allowed. So is what no result needs: it is never compiled.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.devices import ACCELERATED
from tideflow._src.runtime.effects import inner_functions
from tideflow._src.runtime.plan import DATAFLOW_OPS
from tideflow._src.runtime.stages import SHAPE_OPS

#: Operations that have no kernel for compiled programs here, while TensorFlow's compiler takes them.
COMPILED_BY_TENSORFLOW = frozenset(
    "Assert Betainc CheckNumerics CollectiveAssignGroupV2 Dequantize DeviceIndex DynamicPartition Empty ListDiff "
    "NonMaxSuppressionV3 NonMaxSuppressionV4 ParameterizedTruncatedNormal RandomShuffle StackCloseV2 StackPopV2 "
    "StackPushV2 StackV2 StatefulUniformInt StatelessParameterizedTruncatedNormal SymbolicGradient TensorArrayCloseV3 "
    "TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayGradV3 TensorArrayReadV3 TensorArrayScatterV3 "
    "TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcatV2 TensorListElementShape "
    "TensorListSplit ToBool UniformDequantize UniformQuantize UniformQuantizedAdd UniformQuantizedClipByValue "
    "UniformQuantizedConvolution UniformQuantizedDot UniformRequantize Unique UniqueV2 VarIsInitializedOp Where".split()
)
#: Switches and loop frames, which TensorFlow's compiler takes as the conditionals and loops that they are.
_FRAMES = DATAFLOW_OPS | {"LoopCond"}


def check(function: Any) -> None:
    """Checks a function that XLA must compile.

    Raises:
      InvalidArgumentError: it, or a function that it calls, holds operations that only the host can run.
    """
    found = _unsupported(function)
    if found:
        device = "XLA_GPU_JIT" if ACCELERATED else "XLA_CPU_JIT"
        reasons = [
            f"{kind} (No registered '{kind}' OpKernel for {device} devices compatible with node {{{{node {op.name}}}}})"
            for kind, op in found
        ]
        places = [f"\n  {op.name} is created at {op.source_line}" for _, op in found if op.source_line]
        raise InvalidArgumentError(
            None,
            None,
            f"Detected unsupported operations when trying to compile graph {function.name}[_XlaMustCompile=true] on "
            f"{device}: {', '.join(reasons)}{''.join(places)}\n"
            "Only the host can run these. Without jit_compile=True, XLA compiles the rest of the function around them.",
        )


def _unsupported(function: Any) -> list[tuple[str, Operation]]:
    """Returns the operations that no compiler takes, each with what TensorFlow calls its kind."""
    found: list[tuple[str, Operation]] = []
    for part in (function, *inner_functions(function.plan().ops)):
        found += [("_Arg", parameter._op) for parameter in part.inputs if _is_text(parameter)]
        known = {op for _, op in found}
        for op in part.plan().ops:
            if not op.op_def.takes_functions and op.type not in COMPILED_BY_TENSORFLOW and _is_for_host(op):
                known.add(op)
                found.append((op.type, op))
        found += [("_Retval", output._op) for output in part.outputs if _is_text(output) and output._op not in known]
    return found


def _is_for_host(op: Operation) -> bool:
    definition = op.op_def
    if definition.tier == "host" and definition.xla_kernel is None:
        return op.type not in _FRAMES
    return op.type not in SHAPE_OPS and any(map(_is_text, (*op._inputs, *op.outputs)))


def _is_text(tensor: SymbolicTensor) -> bool:
    return tensor._dtype.base_dtype.name == "string"
