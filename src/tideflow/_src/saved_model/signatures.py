"""Finds the functions that become signatures of a SavedModel, and gives them the form of signatures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.trace_types import VariableType
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.saved_view import SIGNATURES, ConcreteFunctionNode, FunctionNode, SavedModelView
from tideflow._src.saved_model.signature_map import _SignatureMap
from tideflow._src.state.variable_spec import VariableSpec

#: The attribute of a root whose function is its signature.
_DEFAULT_ATTRIBUTE = "_default_save_signature"


def find_function_to_export(view: SavedModelView) -> Any:
    """Returns the one function of the root that can be a signature; None if there are none or several."""
    possible = []
    for name, child in view.children(view.root).items():
        if not isinstance(child, FunctionNode | ConcreteFunctionNode):
            continue
        if name == _DEFAULT_ATTRIBUTE:
            return child.function
        concrete = concrete_signature(child.function)
        if concrete is not None and _is_valid(concrete):
            possible.append(concrete)
    return possible[0] if len(possible) == 1 else None


def concrete_signature(function: Any) -> ConcreteFunction | None:
    """Returns a function as a concrete one, if it has one signature."""
    if isinstance(function, TracedFunction) and function.input_signature is not None:
        return function.get_concrete_function()
    return function if isinstance(function, ConcreteFunction) else None


def _is_valid(function: ConcreteFunction) -> bool:
    if not function.outputs:
        return False
    try:
        _check_inputs(function)
        normalized(function.structured_outputs, "unused", "unused")
    except ValueError:
        return False
    return True


def _check_inputs(function: ConcreteFunction) -> None:
    kinds = nest.flatten(function.structured_input_signature)
    if any(isinstance(kind, VariableSpec | VariableType) for kind in kinds):
        raise ValueError(
            f"Unable to serialize concrete_function '{function.name!r}'with tf.Variable input. Functions that expect "
            "tf.Variable inputs cannot be exported as signatures."
        )


def normalized(outputs: Any, function_name: Any, signature_key: str) -> dict[str, Any]:
    """Returns what a function returns as a dictionary of tensors.

    Raises:
      ValueError: a key is no string, or a value no tensor.
    """
    if isinstance(outputs, Mapping):
        named = dict(outputs)
    elif hasattr(outputs, "_asdict"):
        named = outputs._asdict()
    else:
        parts = outputs if isinstance(outputs, Sequence) else [outputs]
        named = {f"output_{number}": part for number, part in enumerate(parts)}
    name = function_name.decode() if isinstance(function_name, bytes) else function_name
    for key, value in named.items():
        if not isinstance(key, str | bytes):
            raise ValueError(
                f"Got a dictionary with a non-string key {key!r} in the output of the function {name} used to generate "
                f"the SavedModel signature {signature_key!r}."
            )
        if not isinstance(value, Tensor | CompositeTensor | TensorSpec) and not hasattr(value, "_type_spec"):
            raise ValueError(
                f"Got a non-Tensor value {value!r} for key {key!r} in the output of the function {name} used to "
                f"generate the SavedModel signature {signature_key!r}. Outputs for functions used as signatures must "
                "be a single Tensor, a sequence of Tensors, or a dictionary from string to Tensor."
            )
    return named


def argument_names(function: ConcreteFunction) -> list[str]:
    """Returns the names of the tensors of a function's arguments, as signatures have them."""
    known = getattr(function, "_arg_keywords", None)
    if known is not None:
        return list(known)
    inputs = function.graph.inputs[: function.graph.argument_count]
    return [str(item._op.name) for item in inputs]


def canonical_signatures(signatures: Any) -> tuple[dict[str, ConcreteFunction], dict[str, dict[str, Any]]]:
    """Returns signatures as concrete functions that take tensors by name and return a dictionary of tensors.

    Args:
      signatures: a function, a dictionary of functions, or None.

    Returns:
      The functions by the names of the signatures; by the same names, the default values of inputs.

    Raises:
      ValueError: one is no function of one signature, or takes or returns what no signature can have.
    """
    if signatures is None:
        return {}, {}
    if not isinstance(signatures, Mapping):
        signatures = {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    made: dict[str, ConcreteFunction] = {}
    defaults: dict[str, dict[str, Any]] = {}
    for key, function in signatures.items():
        concrete = concrete_signature(function)
        if concrete is None:
            raise ValueError(
                f"Expected a TensorFlow function for which to generate a signature, but got {function}. Only "
                "`tf.functions` with an input signature or concrete functions can be used as a signature."
            )
        _check_inputs(concrete)
        names = argument_names(concrete)
        specs = {
            name: TensorSpec(item.shape, item.dtype, name)
            for name, item in zip(names, concrete.graph.inputs, strict=False)
        }
        wrapper = _wrapper(concrete, names, key)
        traced = TracedFunction(wrapper, wrapper.__name__, autograph=False)
        traced._omit_frequent_tracing_warning = True  # it is traced once for each signature
        final = traced.get_concrete_function(**specs)
        final._arg_keywords = sorted(names)  # type: ignore[attr-defined]
        final._num_positional_args = 1 if len(names) == 1 else 0  # type: ignore[attr-defined]
        made[key] = final
        if isinstance(function, TracedFunction):
            given = function.function_spec.fullargspec.defaults or ()
            flat = nest.flatten(list(given))
            for name, default in zip(names[len(names) - len(flat) :], flat, strict=False):
                if isinstance(default, Tensor):
                    defaults.setdefault(key, {})[name] = default
    return made, defaults


def _wrapper(function: ConcreteFunction, names: Sequence[str], key: str) -> Callable[..., Any]:
    def signature_wrapper(**kwargs: Any) -> dict[str, Any]:
        result = function._call_flat([kwargs[name] for name in names])
        return normalized(result, function.name, key)

    name = getattr(function, "_python_name", "")
    if name and name != "signature_wrapper":
        signature_wrapper.__name__ = f"signature_wrapper_{name}"
    return signature_wrapper


def check_root(view: SavedModelView) -> None:
    """Checks that the root has no attribute ``signatures`` of its own.

    Raises:
      ValueError: it has.
    """
    found = view.children(view.root).get(SIGNATURES)
    if found is not None and not isinstance(found, _SignatureMap):
        raise ValueError(
            f"Exporting an object {view.root} which has an attribute named '{SIGNATURES}'. This is a reserved "
            "attribute used to store SavedModel signatures in objects which come from `tf.saved_model.load`. Delete "
            f"this attribute (e.g. `del obj.{SIGNATURES}`) before saving if this shadowing is acceptable."
        )
