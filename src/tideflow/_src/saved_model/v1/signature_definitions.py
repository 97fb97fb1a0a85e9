"""Builds ``SignatureDef`` messages: which tensors a model takes, which it gives, and what calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import NotFoundError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import make_tensor_proto
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.v1.tensor_info import (
    build_tensor_info,
    build_tensor_info_from_op,
    get_element_from_tensor_info,
)

_STRING, _FLOAT = dtypes.string.as_datatype_enum, dtypes.float32.as_datatype_enum


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Returns a ``SignatureDef``.

    Args:
      inputs: the ``TensorInfo`` of each input, by its name in the signature.
      outputs: the ``TensorInfo`` of each output.
      method_name: what calls it, such as ``tensorflow/serving/predict``.
      defaults: for inputs that may be left out, an eager tensor or a constant of a graph.

    Raises:
      ValueError: a default is no constant.
    """
    signature = protos.get("SignatureDef")()
    for name, info in (inputs or {}).items():
        signature.inputs[name].CopyFrom(info)
    for name, info in (outputs or {}).items():
        signature.outputs[name].CopyFrom(info)
    if method_name is not None:
        signature.method_name = method_name
    for name, default in (defaults or {}).items():
        if isinstance(default, EagerTensor):
            signature.defaults[name].CopyFrom(make_tensor_proto(default.numpy()))
        elif default.op.type == "Const":
            value = protos.get("AttrValue")()
            attr_value.write(value, "tensor", default.op.attrs["value"])
            signature.defaults[name].CopyFrom(value.tensor)
        else:
            raise ValueError(f"Unable to convert object {default} of type {type(default)} to TensorProto.")
    return signature


def predict_signature_def(inputs: Mapping[str, Any] | None, outputs: Mapping[str, Any] | None) -> Any:
    """Returns a signature for the Predict service, which takes and gives any tensors.

    Args:
      inputs: the tensors of the graph that are fed, by name.
      outputs: those that are fetched.

    Raises:
      ValueError: there are none.
    """
    if not inputs:
        raise ValueError("Prediction `inputs` cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction `outputs` cannot be None or empty.")
    return build_signature_def(_infos(inputs), _infos(outputs), constants.PREDICT_METHOD_NAME)


def _infos(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: build_tensor_info(tensor) for name, tensor in tensors.items()}


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """Returns a signature for the Regress service.

    Args:
      examples: a string tensor that takes serialized ``tf.train.Example`` messages.
      predictions: a float32 tensor.

    Raises:
      ValueError: one of them is missing or of another dtype.
    """
    if examples is None:
        raise ValueError("Regression `examples` cannot be None.")
    if not isinstance(examples, Tensor):
        raise ValueError(
            f"Expected regression `examples` to be of type Tensor. Found `examples` of type {type(examples)}."
        )
    if predictions is None:
        raise ValueError("Regression `predictions` cannot be None.")
    taken = build_tensor_info(examples)
    if taken.dtype != _STRING:
        raise ValueError(f"Regression input tensors must be of type string. Found tensors with type {taken.dtype}.")
    given = build_tensor_info(predictions)
    if given.dtype != _FLOAT:
        raise ValueError(f"Regression output tensors must be of type float. Found tensors with type {given.dtype}.")
    return build_signature_def(
        {constants.REGRESS_INPUTS: taken}, {constants.REGRESS_OUTPUTS: given}, constants.REGRESS_METHOD_NAME
    )


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """Returns a signature for the Classify service.

    Args:
      examples: a string tensor that takes serialized ``tf.train.Example`` messages.
      classes: a string tensor with the labels of the classes, or None.
      scores: a float32 tensor with their scores, or None.

    Raises:
      ValueError: one is of another dtype, or what is needed is missing.
    """
    if examples is None:
        raise ValueError("Classification `examples` cannot be None.")
    if not isinstance(examples, Tensor):
        raise ValueError(
            f"Classification `examples` must be a string Tensor. Found `examples` of type {type(examples)}."
        )
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    taken = build_tensor_info(examples)
    if taken.dtype != _STRING:
        raise ValueError(f"Classification input tensors must be of type string. Found tensors of type {taken.dtype}")
    given = {}
    if classes is not None:
        given[constants.CLASSIFY_OUTPUT_CLASSES] = info = build_tensor_info(classes)
        if info.dtype != _STRING:
            raise ValueError(
                f"Classification classes must be of type string Tensor. Found tensors of type {info.dtype}.`"
            )
    if scores is not None:
        given[constants.CLASSIFY_OUTPUT_SCORES] = info = build_tensor_info(scores)
        if info.dtype != _FLOAT:
            raise ValueError("Classification scores must be a float Tensor.")
    return build_signature_def({constants.CLASSIFY_INPUTS: taken}, given, constants.CLASSIFY_METHOD_NAME)


def supervised_train_signature_def(inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None) -> Any:
    """Returns a signature for a step of training; each argument holds tensors by name."""
    return _supervised(constants.SUPERVISED_TRAIN_METHOD_NAME, inputs, loss, predictions, metrics)


def supervised_eval_signature_def(inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None) -> Any:
    """Returns a signature for a step of evaluation; each argument holds tensors by name."""
    return _supervised(constants.SUPERVISED_EVAL_METHOD_NAME, inputs, loss, predictions, metrics)


def _supervised(method_name: str, inputs: Any, *outputs: Any) -> Any:
    if not inputs:
        raise ValueError(f"{method_name} `inputs` cannot be None or empty.")
    given: dict[str, Any] = {}
    for tensors in outputs:
        given.update(_infos(tensors or {}))
    return build_signature_def(_infos(inputs), given, method_name)


def is_valid_signature(signature_def: Any) -> bool:
    """Tells whether a ``SignatureDef`` is one that a service can call: Predict, Regress or Classify."""
    if signature_def is None:
        return False
    inputs = {name: info.dtype for name, info in signature_def.inputs.items()}
    outputs = {name: info.dtype for name, info in signature_def.outputs.items()}
    if signature_def.method_name == constants.PREDICT_METHOD_NAME:
        return bool(inputs and outputs)
    if signature_def.method_name == constants.REGRESS_METHOD_NAME:
        return inputs == {constants.REGRESS_INPUTS: _STRING} and outputs == {constants.REGRESS_OUTPUTS: _FLOAT}
    if signature_def.method_name == constants.CLASSIFY_METHOD_NAME:
        allowed = {(constants.CLASSIFY_OUTPUT_CLASSES, _STRING), (constants.CLASSIFY_OUTPUT_SCORES, _FLOAT)}
        return inputs == {constants.CLASSIFY_INPUTS: _STRING} and bool(outputs) and allowed.issuperset(outputs.items())
    return False


def op_signature_def(op: Any, key: str) -> Any:
    """Returns a signature whose only output, ``key``, is an operation."""
    return build_signature_def(outputs={key: build_tensor_info_from_op(op)})


def load_op_from_signature_def(signature_def: Any, key: str, import_scope: str | None = None) -> Any:
    """Returns the operation or tensor of the default graph that an output of a signature names.

    Raises:
      NotFoundError: the graph has none of that name.
    """
    try:
        return get_element_from_tensor_info(signature_def.outputs[key], import_scope=import_scope)
    except KeyError:
        raise NotFoundError(
            None,
            None,
            f'The key "{key}" could not be found in the graph. Please make sure the SavedModel was created by the '
            "internal _SavedModelBuilder. If you are using the public API, please make sure the SignatureDef in the "
            f'SavedModel does not contain the key "{key}".',
        ) from None
