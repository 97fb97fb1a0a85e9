"""Makes operators composite tensors: taken apart into the tensors that they are made of, and put together again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import nest, type_spec
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.linalg.operators.arguments import is_reference

_HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")


class LinearOperatorSpec(type_spec.BatchableTypeSpec):
    """Describes an operator: the specs of its tensors, and everything else that its constructor takes.

    Args:
      param_specs: the specs of the parameters that are tensors or hold tensors, by name.
      non_tensor_params: the other parameters.
      prefer_static_fields: the parameters kept as values where those are known.
    """

    operator_type: Any = None

    def __init__(self, param_specs: Any, non_tensor_params: Any, prefer_static_fields: Any = ()) -> None:
        self._param_specs = param_specs
        self._non_tensor_params = non_tensor_params
        self._prefer_static_fields = prefer_static_fields

    @classmethod
    def from_operator(cls, operator: Any) -> LinearOperatorSpec:
        """Returns the spec of an operator."""
        if not operator._composite_tensor_fields:
            return cls({}, {"operator": operator})  # of a class that does not say what it is made of
        specs: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name in (*operator._composite_tensor_fields, *_HINTS):
            value = _parameter_of(operator, name)
            spec = _spec_of(value)
            leaves = nest.flatten(spec)
            described = [isinstance(leaf, TypeSpec) for leaf in leaves]
            if leaves and all(described):
                specs[name] = spec
            elif not any(described):
                others[name] = value
            else:
                raise NotImplementedError(f"Field {name} contains a mix of `Tensor` and non-`Tensor` values.")
        return cls(specs, others, operator._composite_tensor_prefer_static_fields)

    @property
    def value_type(self) -> Any:
        """The class of the operators that this spec describes."""
        return self.operator_type

    def _serialize(self) -> Any:
        return self._param_specs, self._non_tensor_params, self._prefer_static_fields

    @property
    def _component_specs(self) -> Any:
        return self._param_specs

    def _to_components(self, value: Any) -> Any:
        return {name: _parameter_of(value, name) for name in self._param_specs}

    def _from_components(self, components: Any) -> Any:
        if "operator" in self._non_tensor_params and not self._param_specs:
            return self._non_tensor_params["operator"]
        return self.value_type(**self._non_tensor_params, **components)

    def _batch(self, batch_size: int | None) -> Any:
        specs = nest.map_structure(lambda spec: spec._batch(batch_size), self._param_specs)
        return type(self)(specs, self._non_tensor_params, self._prefer_static_fields)

    def _unbatch(self) -> Any:
        specs = nest.map_structure(lambda spec: spec._unbatch(), self._param_specs)
        return type(self)(specs, self._non_tensor_params, self._prefer_static_fields)


def _parameter_of(operator: Any, name: str) -> Any:
    """Returns a parameter as it is now; those that are better kept as values as values."""
    if hasattr(operator, name):
        value = getattr(operator, name)
    else:
        value = getattr(operator, f"_{name}", operator.parameters.get(name))
    if name in operator._composite_tensor_prefer_static_fields and isinstance(value, Tensor):
        known = static_value(value)
        value = value if known is None else known
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _spec_of(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_spec_of(item) for item in value)
    if is_reference(value) and not hasattr(value, "_type_spec"):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, Tensor) or hasattr(value, "_type_spec"):
        return type_spec.type_spec_from_value(value)
    return value


def make_spec_class(operator_type: Any) -> Any:
    """Returns the class of the specs of one class of operators."""
    name = f"{operator_type.__name__}Spec"
    return type(name, (LinearOperatorSpec,), {"operator_type": operator_type, "__module__": operator_type.__module__})
