"""Describes tensors of a graph as ``TensorInfo`` messages, and finds them again."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.graph import protos
from tideflow._src.graph.tensor_proto import shape_to_proto
from tideflow._src.runtime.sparse_tensor import SparseTensor
from tideflow._src.state.resource_variable import ResourceVariable


def build_tensor_info(tensor: Any) -> Any:
    """Returns the ``TensorInfo`` of a tensor of a graph: its name, dtype and static shape.

    A sparse tensor is described by the names of its three parts, another composite tensor by its type and those of its
    components.

    Args:
      tensor: a graph tensor, a variable or a composite tensor.

    Raises:
      RuntimeError: execution is eager; eager tensors have no names.
    """
    if context.executing_eagerly():
        raise RuntimeError("`build_tensor_info` is not supported in eager execution.")
    return _tensor_info(tensor)


def _tensor_info(tensor: Any) -> Any:
    if isinstance(tensor, CompositeTensor) and not isinstance(tensor, SparseTensor | ResourceVariable):
        return _composite_tensor_info(tensor)
    info = protos.get("TensorInfo")(dtype=dtypes.as_dtype(tensor.dtype).as_datatype_enum)
    info.tensor_shape.CopyFrom(shape_to_proto(tensor.get_shape()))
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name
    return info


def _composite_tensor_info(tensor: Any) -> Any:
    from tideflow._src.saved_model.structures import encode  # few signatures have such tensors

    info = protos.get("TensorInfo")()
    info.composite_tensor.type_spec.CopyFrom(encode(tensor._type_spec).type_spec_value)
    for component in nest.flatten(tensor, expand_composites=True):
        info.composite_tensor.components.add().CopyFrom(_tensor_info(component))
    return info


def build_tensor_info_from_op(op: Any) -> Any:
    """Returns a ``TensorInfo`` that holds nothing but the name of an operation.

    Raises:
      RuntimeError: execution is eager.
    """
    if context.executing_eagerly():
        raise RuntimeError("`build_tensor_info_from_op` is not supported in eager execution.")
    info = protos.get("TensorInfo")(name=op.name)
    info.tensor_shape.CopyFrom(shape_to_proto(TensorShape(None)))
    return info


def in_scope(name: str, import_scope: str | None) -> str:
    """Returns the name that a node or tensor has where its graph was imported into a name scope."""
    return f"{import_scope.rstrip('/')}/{name}" if import_scope else name


def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """Returns the tensor, or the composite tensor, that a ``TensorInfo`` describes.

    Args:
      tensor_info: the message.
      graph: the graph; the default graph if None.
      import_scope: the name scope into which the graph was imported.

    Raises:
      KeyError: the graph has no such tensor.
      ValueError: the message describes none.
    """
    graph = graph or context.default_graph()

    def tensor(name: str) -> Any:
        return graph.get_tensor_by_name(in_scope(name, import_scope))

    encoding = tensor_info.WhichOneof("encoding")
    if encoding == "name":
        return tensor(tensor_info.name)
    if encoding == "coo_sparse":
        parts = tensor_info.coo_sparse
        return SparseTensor(
            tensor(parts.indices_tensor_name),
            tensor(parts.values_tensor_name),
            tensor(parts.dense_shape_tensor_name),
        )
    if encoding == "composite_tensor":
        from tideflow._src.saved_model.structures import decode  # few signatures have such tensors

        structure = protos.get("StructuredValue")(type_spec_value=tensor_info.composite_tensor.type_spec)
        components = [tensor(component.name) for component in tensor_info.composite_tensor.components]
        return nest.pack_sequence_as(decode(structure), components, expand_composites=True)
    raise ValueError(
        f"Invalid TensorInfo.encoding: {encoding}. Expected `coo_sparse`, `composite_tensor`, or `name` for a dense "
        "tensor."
    )


def get_element_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """Returns the operation or tensor whose name a ``TensorInfo`` holds.

    Raises:
      KeyError: the graph has none of that name.
    """
    graph = graph or context.default_graph()
    return graph.as_graph_element(in_scope(tensor_info.name, import_scope))
