"""Statistics of operations by name: ``OpStats``, and how many floating-point operations a node of a graph takes.

The figures count what the textbook algorithm does: a product of matrices with an inner dimension of k takes 2k
operations for each element of the result, a reduction one for each element that goes in and is not the first of its
group. What each operation counts is TensorFlow's choice: an exponential or a hyperbolic tangent has no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self, TypeVar

from tideflow._src.io.graph_util import tensor_shape_from_node_def_name

F = TypeVar("F", bound=Callable[..., Any])
Shape = list[int]
#: What counts an operation, given the shapes of its inputs and of its first output, and the node.
Count = Callable[[list[Shape], Shape, Any], float]

_registered: dict[tuple[str, str], Callable[[Any, Any], Any]] = {}


class OpStats:
    """Is how much of something an operation takes.

    Attributes:
      statistic_type: of what: ``"flops"``, or any text that functions are registered for.
      value: how much; None if it is not known.
    """

    __slots__ = ("statistic_type", "value")

    def __init__(self, statistic_type: str, value: Any = None) -> None:
        self.statistic_type = statistic_type
        self.value = value

    def __iadd__(self, other: OpStats) -> Self:
        if other.statistic_type != self.statistic_type:
            raise ValueError(f"Can't add an OpStat of type {self.statistic_type} to one of {other.statistic_type}.")
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value += other.value
        return self


class RegisterStatistics:
    """Registers a function of a graph and a ``NodeDef`` that returns the ``OpStats`` of an operation; a decorator.

    Args:
      op_type: the operation.
      statistic_type: what the function tells.

    Raises:
      TypeError: one of them is no text, or holds a comma.
      KeyError: (by the decorator) there is such a function already.
    """

    def __init__(self, op_type: str, statistic_type: str) -> None:
        for argument, text in (("op_type", op_type), ("statistic_type", statistic_type)):
            if not isinstance(text, str):
                raise TypeError(f"{argument} must be a string.")
            if "," in text:
                raise TypeError(f"{argument} must not contain a comma.")
        self._key = op_type, statistic_type

    def __call__(self, f: F) -> F:
        if self._key in _registered or (self._key[1] == "flops" and self._key[0] in _COUNTS):
            raise KeyError(f"Registering two statistical functions with name '{','.join(self._key)}'!")
        _registered[self._key] = f
        return f


def get_stats_for_node_def(graph: Any, node: Any, statistic_type: str) -> Any:
    """Returns the ``OpStats`` of a node; its value is None where no function is registered.

    Args:
      graph: the graph that the node belongs to.
      node: its ``NodeDef``.
      statistic_type: what to tell, ``"flops"`` for floating-point operations.

    Raises:
      ValueError: a shape that the figure depends on is not known.
    """
    found = _registered.get((node.op, statistic_type))
    if found is not None:
        return found(graph, node)
    count = _COUNTS.get(node.op) if statistic_type == "flops" else None
    if count is None:
        return OpStats(statistic_type)
    names = [name for name in node.input if not name.startswith("^")]
    inputs = [_known_shape(graph, name) for name in names]
    return OpStats(statistic_type, count(inputs, _known_shape(graph, node.name), node))


def _known_shape(graph: Any, name: str) -> Shape:
    shape = tensor_shape_from_node_def_name(graph, name)
    shape.assert_is_fully_defined()
    sizes: Shape = shape.as_list()
    return sizes


def _for_each_output(operations: int) -> Count:
    return lambda inputs, output, node: operations * math.prod(output)


def _for_each_input(operations: int, less: int = 0) -> Count:
    return lambda inputs, output, node: operations * math.prod(inputs[0]) - less


def _reduction(finish: int) -> Count:
    """Counts one for each element that is added to another, and ``finish`` for each result."""
    return lambda inputs, output, node: math.prod(inputs[0]) + (finish - 1) * math.prod(output)


def _sum_of_all(inputs: list[Shape], output: Shape, node: Any) -> int:
    return math.prod(output) * (len(inputs) - 1)


def _product(transposed: str) -> Count:
    """Counts products of matrices; TensorFlow forgets that those of a batch may be transposed."""

    def count(inputs: list[Shape], output: Shape, node: Any) -> int:
        inner = inputs[0][-2] if node.attr[transposed].b else inputs[0][-1]
        return 2 * inner * math.prod(output)

    return count


def _convolution(inputs: list[Shape], output: Shape, node: Any) -> int:
    return 2 * math.prod(output) * math.prod(inputs[1][:-1])


def _depthwise_convolution(inputs: list[Shape], output: Shape, node: Any) -> int:
    return 2 * math.prod(output) * math.prod(inputs[1][:2])


def _by_positions(image: Shape, filters: Shape, node: Any) -> float:
    """Counts what each pixel of an image has to do with a filter that is moved by strides."""
    strides: int = math.prod(node.attr["strides"].list.i)
    return 2 * math.prod(image) * math.prod(filters) / (image[-1] * strides)


def _window(node: Any) -> int:
    return math.prod(node.attr["ksize"].list.i)


_ONE_EACH = """
    Add AddV2 AssignAdd AssignSub BiasAdd Equal Greater GreaterEqual Less LessEqual Log Maximum Minimum Mul Neg NotEqual
    Pow RealDiv Reciprocal Square Sub
""".split()

_COUNTS: dict[str, Count] = {
    **dict.fromkeys(_ONE_EACH, _for_each_output(1)),
    "Rsqrt": _for_each_output(2),
    "SquaredDifference": _for_each_output(2),
    "RsqrtGrad": _for_each_output(4),
    "Softmax": _for_each_input(5),
    "L2Loss": _for_each_input(3, less=1),
    "AddN": _sum_of_all,
    "Sum": _reduction(0),
    "ArgMax": _reduction(0),
    "ArgMin": _reduction(0),
    "BiasAddGrad": _reduction(0),
    "Mean": _reduction(1),
    "MatMul": _product("transpose_a"),
    "BatchMatMul": _product("adj_x"),
    "BatchMatMulV2": _product("adj_x"),
    "BatchMatMulV3": _product("adj_x"),
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise_convolution,
    "Dilation2D": _depthwise_convolution,
    "Conv2DBackpropInput": lambda inputs, output, node: _by_positions(output, inputs[1], node),
    "Conv2DBackpropFilter": lambda inputs, output, node: _by_positions(inputs[0], output, node),
    "MaxPool": lambda inputs, output, node: _window(node) * math.prod(output),
    "AvgPool": lambda inputs, output, node: _window(node) * math.prod(output),
    "AvgPoolGrad": lambda inputs, output, node: 2 * _window(node) * math.prod(inputs[1]),
    "MaxPoolGrad": lambda inputs, output, node: (_window(node) + 1) * math.prod(inputs[1]),
}
