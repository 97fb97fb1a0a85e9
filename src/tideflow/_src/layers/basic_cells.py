"""Recurrent cells: the plain one, gated recurrent units, and a stack of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.layers.recurrent_cell import BIAS, KERNEL, LayerRNNCell, RNNCell, activation_function
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.splitting import split
from tideflow._src.ops.math.matrix_product_functions import matmul
from tideflow._src.ops.math.unary import sigmoid
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.ops.scopes import name_scope
from tideflow._src.state.initializers import Constant, Zeros
from tideflow._src.state.variable_scope import variable_scope


def require_floating(cell: Any, inputs: Any) -> None:
    """Raises ``ValueError`` if inputs are not of a floating-point dtype."""
    dtype = inputs.dtype.base_dtype
    if not (dtype.is_floating or dtype.is_complex):
        raise ValueError(f"{type(cell).__name__} needs inputs of a floating-point dtype. Received: {dtype.name}")


class BasicRNNCell(LayerRNNCell):
    """Computes ``activation(inputs @ W + state @ U + b)``, which is the output and the state.

    Args:
      num_units: the size of the state.
      activation: a function, or its name; ``tanh`` by default.
      reuse: whether to share variables of that name.
      name: the name.
      dtype: the dtype of the variables; by default that of the inputs.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: bool | None = None, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation_function(activation)

    @property
    def state_size(self) -> int:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Makes ``kernel`` and ``bias``."""
        depth = self._input_depth(inputs_shape)
        self._kernel = self.add_weight(KERNEL, shape=[depth + self._num_units, self._num_units])
        self._bias = self.add_weight(BIAS, shape=[self._num_units], initializer=Zeros(dtype=self._dtype or "float32"))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Computes one step."""
        require_floating(self, inputs)
        output = self._activation(bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


class GRUCell(LayerRNNCell):
    """Is a gated recurrent unit (Cho et al. 2014, https://arxiv.org/abs/1406.1078).

    Args:
      num_units: the size of the state.
      activation: a function, or its name; ``tanh`` by default.
      reuse: whether to share variables of that name.
      kernel_initializer: the initializer of the kernels; that of the variable scope by default.
      bias_initializer: the initializer of the biases; by default ones for the gates, and zeros for the candidate.
      name: the name.
      dtype: the dtype of the variables; by default that of the inputs.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: bool | None = None, kernel_initializer: Any = None,
        bias_initializer: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation_function(activation)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Makes the kernels and biases of the gates and of the candidate."""
        rows = self._input_depth(inputs_shape) + self._num_units
        dtype = self._dtype or "float32"
        self._gate_kernel = self.add_weight(
            f"gates/{KERNEL}", shape=[rows, 2 * self._num_units], initializer=self._kernel_initializer
        )
        self._gate_bias = self.add_weight(
            f"gates/{BIAS}",
            shape=[2 * self._num_units],
            initializer=Constant(1.0, dtype=dtype) if self._bias_initializer is None else self._bias_initializer,
        )
        self._candidate_kernel = self.add_weight(
            f"candidate/{KERNEL}", shape=[rows, self._num_units], initializer=self._kernel_initializer
        )
        self._candidate_bias = self.add_weight(
            f"candidate/{BIAS}",
            shape=[self._num_units],
            initializer=Zeros(dtype=dtype) if self._bias_initializer is None else self._bias_initializer,
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Computes one step."""
        require_floating(self, inputs)
        gates = sigmoid(bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias))
        reset, update = split(gates, 2, 1)
        kept = reset * state
        candidate = bias_add(matmul(concat([inputs, kept], 1), self._candidate_kernel), self._candidate_bias)
        new_state = update * state + (1 - update) * self._activation(candidate)
        return new_state, new_state


class MultiRNNCell(RNNCell):
    """Is a stack of cells, each of which gets the output of the one before.

    Args:
      cells: the cells, the first one first.
      state_is_tuple: whether the state is a tuple of their states, or all of them in one tensor.

    Raises:
      ValueError: there are no cells, or one has a structure for a state and ``state_is_tuple`` is false.
      TypeError: ``cells`` is not a list or tuple.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_nested(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        self._cells = cells
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(nest.is_nested(cell.state_size) for cell in cells):
            raise ValueError(
                "Some cells return tuples of states, but the flag state_is_tuple is not set.  State sizes are: "
                f"{[cell.state_size for cell in cells]}"
            )

    @property
    def state_size(self) -> Any:
        """The sizes of the states of the cells, or their sum."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the output of the last cell."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros for each cell."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
        return super().zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        """Computes one step of each cell.

        Raises:
          ValueError: the state is no tuple of as many states as there are cells.
        """
        if self._state_is_tuple and (not nest.is_nested(state) or len(state) != len(self._cells)):
            raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}, but received: {state}")
        position, states = 0, []
        for index, cell in enumerate(self._cells):
            with variable_scope(f"cell_{index}"):
                if self._state_is_tuple:
                    part = state[index]
                else:
                    part = raw.Slice(state, [0, position], [-1, cell.state_size])
                    position += cell.state_size
                inputs, new_state = cell(inputs, part)
                states.append(new_state)
        return inputs, tuple(states) if self._state_is_tuple else concat(states, 1)
