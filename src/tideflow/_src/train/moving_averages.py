"""Running averages: of variables in training, and of one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import Zeros
from tideflow._src.state.variable import Variable
from tideflow._src.state.variable_collections import (
    moving_average_variables,
    trainable_variables,
    value_or_initial,
)
from tideflow._src.state.variable_scope import get_variable, variable_scope
from tideflow._src.train import slot_creator


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Moves a variable towards a value: ``variable -= (1 - decay) * (variable - value)``.

    Args:
      variable: the running average.
      value: a tensor of its shape and dtype.
      decay: how much of the average remains, between 0 and 1.
      zero_debias: whether to correct for the average having started at zero (Kingma and Ba 2014).
      name: the name of the operation.

    Returns:
      A reference to the variable after the update.
    """
    with name_scope(name, "AssignMovingAvg") as scope:
        dtype = variable.dtype.base_dtype
        rest = cast(convert_to_tensor(1.0 - decay, name="decay"), dtype)
        if zero_debias:
            return _zero_debias(variable, value, rest)
        with slot_creator.beside(variable):
            delta = (variable - value) * rest
            if variable.dtype._is_ref_dtype:
                return assignment.assign_sub(variable, delta, name=scope or None)
            return variable.assign_sub(delta, name=scope or None)


def _zero_debias(unbiased: Any, value: Any, rest: Any) -> Any:
    """Updates a biased average beside ``unbiased`` and assigns its corrected value to it."""
    with (
        variable_scope(unbiased.name[: -len(":0")], values=[unbiased, value, rest]),
        slot_creator.beside(unbiased),
        init_scope(),
    ):
        biased = get_variable("biased", unbiased.shape, unbiased.dtype.base_dtype, Zeros(), trainable=False)
        step = get_variable("local_step", [], unbiased.dtype.base_dtype, Zeros(), trainable=False)
    with slot_creator.beside(unbiased):
        new_biased = assignment.assign_sub(biased, (biased - value) * rest)
        new_step = step.assign_add(1)
        corrected = new_biased / (1 - raw.Pow(1.0 - rest, convert_to_tensor(new_step)))
        return unbiased.assign(corrected)


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None, name: str | None = None
) -> Any:
    """Returns the running average of a tensor, in which each value counts as much as its weight.

    Args:
      value: the tensor.
      decay: how much of the average remains, between 0 and 1.
      weight: the weight of this value; it broadcasts with ``value``.
      truediv: whether to divide truly where the dtypes are integers.
      collections: the collections of the variables that keep the sums; the global ones by default.
      name: the name scope.
    """
    collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    value = convert_to_tensor(value)
    weight = convert_to_tensor(weight)
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]):
        shape = value.shape.as_list()
        numerator = get_variable(
            "value_x_weight_numerator", shape, value.dtype, Zeros(), trainable=False, collections=collections
        )
        denominator = get_variable(
            "value_x_weight_denominator", shape, value.dtype, Zeros(), trainable=False, collections=collections
        )
        top = assign_moving_average(numerator, value * weight, decay, zero_debias=False)
        bottom = assign_moving_average(denominator, raw.BroadcastTo(weight, raw.Shape(value)), decay, zero_debias=False)
        return raw.RealDiv(top, bottom) if truediv else raw.Div(top, bottom)


class ExponentialMovingAverage:
    """Keeps running averages of variables, which often do better than the variables themselves.

    Args:
      decay: how much of an average remains with each update, close to 1.
      num_updates: a count of updates that limits the decay at the start: ``(1 + n) / (10 + n)``.
      zero_debias: whether to correct averages of tensors for having started at zero.
      name: the name of the averages.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """The name of the averages."""
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Any:
        """Returns an operation that updates the averages of variables and tensors; makes those that are missing.

        Args:
          var_list: variables and tensors of float dtypes; by default the trainable variables.

        Raises:
          TypeError: a dtype is not a float.
        """
        if var_list is None:
            var_list = trainable_variables()
        for variable in var_list:
            if variable.dtype.base_dtype not in (
                dtypes.bfloat16,
                dtypes.float16,
                dtypes.float32,
                dtypes.float64,
            ):
                raise TypeError(f"The variables must be half, float, or double: {variable.name}")
            key = _ref(variable)
            if key in self._averages:
                continue
            with init_scope():
                self._averages[key] = self._new_average(variable)
        with name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, dtypes.float32, name="decay")
            if self._num_updates is not None:
                updates = cast(self._num_updates, dtypes.float32)
                decay = raw.Minimum(decay, (1.0 + updates) / (10.0 + updates))
            done = []
            for variable in var_list:
                average = self._averages[_ref(variable)]
                debias = self._zero_debias and _is_tensor(variable)
                done.append(assign_moving_average(average, variable, decay, zero_debias=debias))
            return group(*done, name=scope or None)

    def _new_average(self, variable: Any) -> Any:
        if isinstance(variable, Variable):
            value = value_or_initial(variable) if variable._in_graph else variable.value()
            average = slot_creator.create_slot(variable, value, self._name, colocate_with_primary=True)
            if variable._in_graph:
                context.default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, variable)
            return average
        return slot_creator.create_zeros_slot(
            variable, self._name, colocate_with_primary=variable.op.type in ("Variable", "VariableV2", "VarHandleOp")
        )

    def average(self, var: Any) -> Any:
        """Returns the variable that holds the average of ``var``, or None if there is none."""
        return self._averages.get(_ref(var))

    def average_name(self, var: Any) -> str:
        """Returns the name that the average of ``var`` has, or will have, in a checkpoint."""
        found = self.average(var)
        if found is not None:
            return str(found.op.name) if getattr(found, "_in_graph", False) else str(found._shared_name)
        if isinstance(var, Variable):
            return f"{var._shared_name}/{self._name}"
        return f"{var.op.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """Returns the variables by the names under which a checkpoint has the values to use: averages if there are.

        Args:
          moving_avg_variables: the variables to restore from averages; by default those that have some and the
            trainable ones.
        """
        names: dict[str, Any] = {}
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        averaged = {_ref(variable): variable for variable in moving_avg_variables}
        for variable in averaged.values():
            names[self.average_name(variable)] = variable
        taken = {variable.name for variable in averaged.values()}
        for variable in context.default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES):
            if variable.name not in taken and variable.op.name not in names:
                names[variable.op.name] = variable
        return names


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and not isinstance(value, Variable)


def _ref(value: Any) -> Any:
    return value.ref()
