"""Operations that check or show values: assertions and printing."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least
from tideflow._src.runtime.op import op
from tideflow._src.runtime.state import Remaining


@op("Assert", "condition: bool, data: list(T) ->", tier="host", stateful=True, differentiable=False, T=at_least(1))
def assert_op(condition, data, *, summarize: int = 3):
    """Fails with ``data`` in the message unless ``condition`` holds."""
    if np.ndim(condition):
        raise InvalidArgumentError(None, None, f"In[0] should be a scalar: {list(np.shape(condition))}")
    if not condition:
        shown = " ".join(summary(item, summarize) for item in data)
        raise InvalidArgumentError(None, None, f"assertion failed: {shown}")
    return ()


@assert_op.samples
def _assert_samples(s):
    yield s(True, [s.normal(3)])
    yield s(True, [s.strings((2,)), s.array((), "int64")], summarize=1)
    yield s(np.zeros(0, bool), [np.float32(1)], error="InvalidArgumentError")
    yield s(False, [s.normal(3), s.strings(()), np.array([True, False])], error="InvalidArgumentError")
    yield s(False, [s.integers(0, 9, (7,))], summarize=-1, error="InvalidArgumentError")
    yield s(np.array([True, False]), [np.float32(1)], error="InvalidArgumentError")


def summary(value: Any, count: int) -> str:
    """Writes the first elements of a value as TensorFlow's messages do: ``[1 2 3...]``."""
    array = np.asarray(value)
    flat = array.reshape(-1)
    limit = flat.size if count < 0 else count
    items = [_element(item) for item in flat[:limit]]
    return f"[{' '.join(items)}{'...' if flat.size > limit else ''}]"


def _element(item: Any) -> str:
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    if isinstance(item, bool | np.bool_):
        return "1" if item else "0"
    if isinstance(item, float | np.floating):
        return f"{item:g}"
    return str(item)


@op("Print", "input: T, data: list(U) -> output: T", tier="host", stateful=True, U=at_least(0))
def print_op(input, data, *, message: str = "", first_n: int = -1, summarize: int = 3):
    """Passes ``input`` on and prints ``data`` to the standard error stream."""
    if not _may_print(first_n, (message, summarize, input.dtype, *[item.dtype for item in data])):
        return input
    print(message + "".join(summary(item, summarize) for item in data), file=sys.stderr, flush=True)
    return input


#: What eager calls that print a few times only have left: those of the same attributes and dtypes are one operation.
_eager: dict[Any, Remaining] = {}


def _may_print(first_n: int | Remaining, key: Any) -> bool:
    if isinstance(first_n, Remaining):  # the node's own, in a graph
        return first_n.take()
    return first_n <= 0 or _eager.setdefault((first_n, key), Remaining(first_n)).take()


@print_op.shape
def _print_shape(input, data):
    return input


@print_op.gradient
def _print_gradient(call, dy):
    return dy, [None] * len(call.inputs[1])


@print_op.samples
def _print_samples(s):
    yield s(s.normal(2), [s.strings((2,)), s.normal(2, 2)], message="values: ")
    yield s(s.normal(2, 3), [], first_n=1, summarize=1)
    for dtype in s.dtypes("U"):
        if not dtype.name.startswith(("int2", "uint2", "int4", "uint4", "float8")):
            yield s(s.array((2,), dtype), [s.array((), dtype)])


_STREAMS = ("stdout", "stderr", "log(info)", "log(warning)", "log(error)")


@op("PrintV2", "input: string ->", tier="host", stateful=True, differentiable=False)
def print_v2(input, *, output_stream: str = "stderr", end: str = "\n"):
    """Prints a string to a stream, or appends it to a file (``file://path``)."""
    if np.ndim(input):
        raise InvalidArgumentError(None, None, f"Input is expected to be scalar, but got {list(np.shape(input))}")
    if output_stream not in _STREAMS and not output_stream.startswith("file://"):
        raise InvalidArgumentError(
            None, None, f"Unknown output stream: {output_stream}, Valid streams are: {' '.join(_STREAMS)}"
        )
    string: Any = np.asarray(input)[()]
    text = string.decode("utf-8", "replace") + end
    if output_stream.startswith("file://"):
        with open(output_stream[7:], "a", encoding="utf-8") as file:
            file.write(text)
    elif output_stream == "stdout":
        print(text, end="", flush=True)
    else:
        print(text, end="", file=sys.stderr, flush=True)
    return ()


@print_v2.shape
def _print_v2_shape(input):
    if input:
        raise ValueError(f"input must be a scalar, but has rank: {len(input)}")
    return ()


@print_v2.samples
def _print_v2_samples(s):
    yield s("shown")
    yield s("on the standard output", output_stream="stdout", end="")
    yield s("logged", output_stream="log(info)")
    yield s("nowhere", output_stream="paper", error="InvalidArgumentError")
    yield s(np.array([b"a", b"b"], object), error="InvalidArgumentError")
