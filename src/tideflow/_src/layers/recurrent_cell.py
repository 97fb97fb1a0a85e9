"""Defines ``RNNCell``: one step of a recurrent network, a function of an input and a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.graph.static_value import static_value
from tideflow._src.layers.layer import Layer
from tideflow._src.ops.array.constants import zeros
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims
from tideflow._src.ops.math.unary import sigmoid, tanh
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.partitioned_variable import PartitionedVariable
from tideflow._src.state.variable import Variable
from tideflow._src.state.variable_scope import get_variable_scope, variable_scope

#: The names of the variables of cells, also in checkpoints.
KERNEL = "kernel"
BIAS = "bias"


class LSTMStateTuple(NamedTuple):
    """Is the state of an LSTM cell.

    Attributes:
      c: what the cell remembers.
      h: what it gave last.
    """

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """The dtype of both.

        Raises:
          TypeError: they differ.
        """
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


def activation_function(activation: Any, standard: Callable[..., Any] = tanh) -> Any:
    """Returns an activation: a function as it is, a name as the function of that name, None as the standard one.

    Raises:
      ValueError: there is no activation of that name.
    """
    if activation is None:
        return standard
    if callable(activation):
        return activation
    named: dict[str, Any] = {
        "tanh": tanh,
        "sigmoid": sigmoid,
        "linear": lambda x: x,
        "relu": lambda x: raw.Relu(x),
        "elu": lambda x: raw.Elu(x),
        "selu": lambda x: raw.Selu(x),
        "softplus": lambda x: raw.Softplus(x),
        "softsign": lambda x: raw.Softsign(x),
        "softmax": lambda x: raw.Softmax(x),
        "exponential": lambda x: raw.Exp(x),
        "hard_sigmoid": lambda x: raw.Minimum(raw.Maximum(x * 0.2 + 0.5, 0.0), 1.0),
    }
    if activation not in named:
        raise ValueError(f"Unknown activation function: {activation}. Known are {sorted(named)}.")
    return named[activation]


def assert_like_rnncell(name: str, cell: Any) -> None:
    """Checks that an object has what recurrent networks need of a cell.

    Raises:
      TypeError: it has not.
    """
    problems = [
        f"'{attribute}' property is missing"
        for attribute in ("output_size", "state_size")
        if not hasattr(cell, attribute)
    ]
    if not hasattr(cell, "zero_state") and not hasattr(cell, "get_initial_state"):
        problems.append("either 'zero_state' or 'get_initial_state' method is required")
    if not callable(cell):
        problems.append("is not callable")
    if problems:
        raise TypeError(f"The argument {name!r} ({cell}) is not an RNNCell: {', '.join(problems)}.")


def batched_size(batch_size: Any, size: Any) -> tuple[Any, list[int | None]]:
    """Returns the shape of a batch of tensors of a size: to make it with, and as far as it is known.

    Args:
      batch_size: the size of the batch: a number or a scalar tensor.
      size: a number, or a shape.

    Raises:
      ValueError: ``batch_size`` is no scalar, or ``size`` is not fully known.
    """
    rest = as_shape([int(size)] if isinstance(size, int | np.integer) else size)
    if rest.rank is None or not rest.is_fully_defined():
        raise ValueError(f"The size of a state must be fully defined, but is {rest}.")
    sizes = [int(number) for number in rest.as_list()]  # type: ignore[arg-type]
    if isinstance(batch_size, Tensor):
        if batch_size.shape.rank not in (0, None):
            raise ValueError(f"batch_size must be a scalar, but has shape {batch_size.shape}.")
        known: Any = static_value(batch_size)
    else:
        known = int(batch_size)
    static = [None if known is None else int(known), *sizes]
    if context.current_graph() is None:
        return static, static
    return concat([_vector(batch_size), _constant(sizes)], 0), static


def _constant(sizes: Any) -> Any:
    return convert_to_tensor(np.array(sizes, np.int32), name="Const")


def _vector(batch_size: Any) -> Any:
    return expand_dims(batch_size, 0) if isinstance(batch_size, Tensor) else _constant([int(batch_size)])


def zeros_of_size(size: Any, batch_size: Any, dtype: Any) -> Any:
    """Returns a batch of zeros of a size: a number, or a shape."""
    shape, known = batched_size(batch_size, size)
    result = zeros(shape, dtype)
    if context.current_graph() is not None:
        # TensorFlow builds the shape a second time, to read what is known of it. Nothing uses that, but the seeds that
        # operations built later get by default count the operations before them.
        _vector(batch_size), _constant(known[1:])
        result.set_shape(known)
    return result


def zero_states(state_size: Any, batch_size: Any, dtype: Any) -> Any:
    """Returns states of zeros for a structure of sizes."""
    if isinstance(state_size, TensorShape):
        return zeros_of_size(state_size, batch_size, dtype)
    return nest.map_structure(lambda size: zeros_of_size(size, batch_size, dtype), state_size)


class RNNCell(Layer):
    """Is one step of a recurrent network: ``output, new_state = cell(inputs, state)``.

    A subclass says its ``state_size`` and ``output_size``, numbers, shapes or structures of those, and computes a step
    in ``call(inputs, state)``. Variables it gets with ``tf.get_variable`` are those of the cell.
    """

    #: Whether variables made with ``get_variable`` during a call belong to the cell.
    _captures_variables = True

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Computes one step.

        Args:
          inputs: a tensor of shape ``[batch, size]``, or a structure of those.
          state: the state before, in the structure of ``state_size``.
          scope: the variable scope of the cell's variables; by default the name of its class.

        Returns:
          The output and the state after.
        """
        if not self._captures_variables:
            return super().__call__(inputs, state, *args, scope=scope, **kwargs)
        if scope is not None:
            with variable_scope(scope, custom_getter=self._captured) as entered:
                return super().__call__(inputs, state, *args, scope=entered, **kwargs)
        entry = getattr(self, "_cell_scope", None)
        if entry is None:
            entry = self._cell_scope = variable_scope(get_variable_scope(), custom_getter=self._captured)
        with entry:
            return super().__call__(inputs, state, *args, **kwargs)

    def _captured(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        variable = getter(*args, **kwargs)
        for part in variable if isinstance(variable, PartitionedVariable) else [variable]:
            if isinstance(part, Variable) and not self._knows(part):
                self._track(part, part.trainable)
        return variable

    @property
    def state_size(self) -> Any:
        """The size of the state: a number, a shape, or a structure of those."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output: a number, a shape, or a structure of those."""
        raise NotImplementedError("Abstract method")

    def build(self, _: Any) -> None:
        """Makes the variables; what ``call`` gets with ``get_variable`` needs none of this."""
        self.built = True

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Returns a state to start with.

        Args:
          inputs: inputs to take batch size and dtype from, of shape ``[batch, ...]``.
          batch_size: the batch size.
          dtype: the dtype.

        Raises:
          ValueError: batch size or dtype are not known, or differ from those of ``inputs``.
        """
        if inputs is not None:
            inputs = convert_to_tensor(inputs, name="inputs")
            if batch_size is not None:
                given = static_value(convert_to_tensor(batch_size))
                if given is not None and inputs.shape.as_list()[0] not in (None, int(given)):
                    raise ValueError(
                        f"batch size from input tensor is different from the input param. Input tensor batch: "
                        f"{inputs.shape.as_list()[0]}, batch_size: {batch_size}"
                    )
            if dtype is not None and inputs.dtype.base_dtype != dtype:
                raise ValueError(
                    f"dtype from input tensor is different from the input param. Input tensor dtype: {inputs.dtype}, "
                    f"dtype: {dtype}"
                )
            known = inputs.shape.as_list()[0]
            batch_size = known if known is not None else raw.Shape(inputs)[0]
            dtype = inputs.dtype.base_dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros.

        Args:
          batch_size: the batch size: a number or a scalar tensor.
          dtype: the dtype.
        """
        with name_scope(f"{type(self).__name__}ZeroState"):
            return zero_states(self.state_size, batch_size, dtype)


class LayerRNNCell(RNNCell):
    """Is a cell that makes its variables in :meth:`build`, as other layers do."""

    _captures_variables = False

    def _input_depth(self, inputs_shape: Any) -> int:
        shape = as_shape(inputs_shape)
        depth = shape.as_list()[-1] if shape.rank else None
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, received shape: {inputs_shape}")
        return depth
