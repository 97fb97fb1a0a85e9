"""Graphs prepared for inference: ``tensorflow.python.tools.optimize_for_inference_lib`` and ``strip_unused_lib``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.graph import attr_value
from tideflow._src.graph.import_graph import as_graph_def_message
from tideflow._src.io.graph_util import extract_sub_graph, remove_training_nodes

_NORMALIZATIONS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "BatchNormWithGlobalNormalization")
#: Convolutions, and the axes of their filters that tell the channel of the result.
_CONVOLUTIONS = {"Conv2D": (3,), "DepthwiseConv2dNative": (2, 3)}


def strip_unused(
    input_graph_def: Any, input_node_names: Sequence[str], output_node_names: Sequence[str], placeholder_type_enum: Any
) -> Any:
    """Returns the part of a ``GraphDef`` between some nodes and others; the first become placeholders.

    Args:
      input_graph_def: the ``GraphDef``.
      input_node_names: the nodes that are fed.
      output_node_names: the nodes that are fetched.
      placeholder_type_enum: the number of the placeholders' dtype, or a list of one for each.

    Raises:
      KeyError: there is no node of such a name.
      ValueError: an input is named with an output's number, as a tensor.
    """
    for name in input_node_names:
        if ":" in name:
            raise ValueError(f"Name '{name}' appears to refer to a Tensor, not an Operation.")
    result = type(input_graph_def)()
    missing = set(input_node_names)
    for node in input_graph_def.node:
        if node.name not in missing:
            result.node.add().CopyFrom(node)
            continue
        missing.discard(node.name)
        placeholder = result.node.add(op="Placeholder", name=node.name)
        several = isinstance(placeholder_type_enum, list | tuple)
        place = list(input_node_names).index(node.name)
        placeholder.attr["dtype"].type = placeholder_type_enum[place] if several else placeholder_type_enum
        for attribute in ("_output_shapes", "shape"):
            if attribute in node.attr:
                placeholder.attr[attribute].CopyFrom(node.attr[attribute])
    if missing:
        raise KeyError(f"The following input nodes were not found: {missing}")
    result.library.CopyFrom(input_graph_def.library)
    result.versions.CopyFrom(input_graph_def.versions)
    return extract_sub_graph(result, output_node_names)


def optimize_for_inference(
    input_graph_def: Any,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: Any,
    toco_compatible: bool = False,
    placeholder_to_const_names: Any = None,
) -> Any:
    """Returns a ``GraphDef`` of what inference needs, with normalizations folded into the weights before them.

    Args:
      input_graph_def: a ``GraphDef`` whose variables are constants.
      input_node_names: the nodes that are fed; they become placeholders.
      output_node_names: the nodes that are fetched.
      placeholder_type_enum: the number of the placeholders' dtype, or a list of one for each.
      toco_compatible: kept for TensorFlow's signature: nothing is fused here that another program could not read.
      placeholder_to_const_names: names of ``PlaceholderWithDefault`` nodes that become their defaults, each optionally
        followed by ``=True`` or ``=False`` for another boolean.

    Raises:
      KeyError: there is no node of such a name.
    """
    del toco_compatible
    graph = type(input_graph_def)()
    graph.CopyFrom(as_graph_def_message(input_graph_def))
    names = [placeholder_to_const_names] if isinstance(placeholder_to_const_names, str) else placeholder_to_const_names
    graph = _with_defaults(graph, names or ())
    graph = strip_unused(graph, input_node_names, output_node_names, placeholder_type_enum)
    graph = fold_batch_norms(remove_training_nodes(graph, output_node_names), output_node_names)
    return extract_sub_graph(graph, output_node_names)


def _with_defaults(graph: Any, names: Sequence[str]) -> Any:
    nodes = {node.name: node for node in graph.node}
    for entry in names:
        name, _, value = entry.partition("=")
        node = nodes[name]
        if node.op != "PlaceholderWithDefault":
            raise KeyError(f"There is no PlaceholderWithDefault node '{name}'.")
        if value:
            _become_constant(node, np.array(value.lower() in ("true", "1", "yes", "y", "t", "on")))
        else:
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr["dtype"])
            for attribute in ("dtype", "shape"):
                del node.attr[attribute]
    return graph


def fold_batch_norms(input_graph_def: Any, output_node_names: Sequence[str] = ()) -> Any:
    """Returns a ``GraphDef`` in which normalizations by constants are part of the convolutions before them.

    ``scale (Wx - mean) / sqrt(variance + epsilon) + offset`` is ``W'x + b`` with another filter and an offset. What
    others use, too, stays as it is.

    Args:
      input_graph_def: the ``GraphDef``.
      output_node_names: nodes that are fetched, and so keep their values.
    """
    result = type(input_graph_def)()
    result.CopyFrom(input_graph_def)
    nodes = {node.name: node for node in result.node}
    uses: dict[str, int] = dict.fromkeys(output_node_names, 2)
    for node in result.node:
        for text in node.input:
            uses[_name(text)] = uses.get(_name(text), 0) + 1
    added = []
    for node in result.node:
        folded = _Folded.of(node, nodes, uses) if node.op in _NORMALIZATIONS else None
        if folded is not None:
            added += folded.apply()
    for name, value in added:
        _become_constant(result.node.add(name=name), value)
    return result


def _name(text: str) -> str:
    return text.removeprefix("^").split(":")[0]


class _Folded:
    """Is a normalization that can be part of the convolution before it.

    Args:
      node: the normalization.
      convolution: the convolution.
      weights: the constant that it multiplies by.
      factors: what each channel is multiplied by.
      offsets: what is added to each channel then.
    """

    def __init__(self, node: Any, convolution: Any, weights: Any, factors: Any, offsets: Any) -> None:
        self.node, self.convolution, self.weights, self.factors, self.offsets = (
            node,
            convolution,
            weights,
            factors,
            offsets,
        )

    @classmethod
    def of(cls, node: Any, nodes: dict[str, Any], uses: dict[str, int]) -> _Folded | None:
        """Returns how a normalization is folded; None if it cannot be."""
        if node.attr["is_training"].b if "is_training" in node.attr else node.op != _NORMALIZATIONS[-1]:
            return None
        if any(text.startswith("^") for text in node.input) or _has_other_outputs_used(node, nodes):
            return None
        convolution = nodes.get(_name(node.input[0]))
        if (
            convolution is None
            or convolution.op not in _CONVOLUTIONS
            or uses[convolution.name] != 1
            or uses.get(node.name, 0) == 0
        ):
            return None
        constants = [_constant(nodes.get(_name(text))) for text in (convolution.input[1], *node.input[1:5])]
        layouts = {each.attr["data_format"].s for each in (node, convolution) if "data_format" in each.attr}
        if any(value is None for value in constants) or len(layouts) > 1:
            return None
        weights, *parameters = constants
        if node.op == _NORMALIZATIONS[-1]:
            mean, variance, offset, scale = parameters
            epsilon = node.attr["variance_epsilon"].f
            if not node.attr["scale_after_normalization"].b:
                scale = np.ones_like(scale)
        else:
            scale, offset, mean, variance = parameters
            epsilon = node.attr["epsilon"].f if "epsilon" in node.attr else 1e-4
        channels = np.prod([weights.shape[axis] for axis in _CONVOLUTIONS[convolution.op]])
        if any(each.shape != (channels,) for each in (scale, offset, mean, variance)):
            return None
        factors = scale / np.sqrt(variance + np.float32(epsilon))
        return cls(node, convolution, weights, factors, offset - mean * factors)

    def apply(self) -> list[tuple[str, Any]]:
        """Changes the two nodes; returns names and values of the constants that they need."""
        node, convolution = self.node, self.convolution
        shape = [self.weights.shape[axis] for axis in _CONVOLUTIONS[convolution.op]]
        weights, offsets = f"{node.name}_folded_weights", f"{node.name}_folded_offsets"
        convolution.input[1] = weights
        dtype = convolution.attr["T"].type
        layout = convolution.attr["data_format"].s if "data_format" in convolution.attr else b"NHWC"
        source = node.input[0]
        name = node.name
        node.Clear()
        node.op, node.name = "BiasAdd", name
        node.input.extend([source, offsets])
        node.attr["T"].type = dtype
        node.attr["data_format"].s = layout
        folded = (self.weights * self.factors.reshape(shape)).astype(self.weights.dtype)
        return [(weights, folded), (offsets, self.offsets.astype(self.weights.dtype))]


def _has_other_outputs_used(node: Any, nodes: dict[str, Any]) -> bool:
    inputs = (text for each in nodes.values() for text in each.input)
    return any(text.startswith(f"{node.name}:") and text != f"{node.name}:0" for text in inputs)


def _constant(node: Any) -> Any:
    return attr_value.read_tensor(node.attr["value"].tensor) if node is not None and node.op == "Const" else None


def _become_constant(node: Any, value: Any) -> None:
    name = node.name
    node.Clear()
    node.op, node.name = "Const", name
    attr_value.write(node.attr["dtype"], "type", attr_value.dtype_of(value))
    attr_value.write(node.attr["value"], "tensor", value)
