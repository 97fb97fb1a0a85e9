"""Long short-term memory (Hochreiter and Schmidhuber 1997), plain and with all of its additions."""

from __future__ import annotations

from typing import Any

from tideflow._src.layers.basic_cells import require_floating
from tideflow._src.layers.recurrent_cell import BIAS, KERNEL, LayerRNNCell, LSTMStateTuple, activation_function
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.splitting import split
from tideflow._src.ops.math.clip import clip_by_value
from tideflow._src.ops.math.matrix_product_functions import matmul
from tideflow._src.ops.math.unary import sigmoid
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.initializers import Zeros
from tideflow._src.state.partitioned_variable import fixed_size_partitioner


class BasicLSTMCell(LayerRNNCell):
    """Is an LSTM cell without peepholes, clipping or projection (Zaremba et al., https://arxiv.org/abs/1409.2329).

    Args:
      num_units: the size of the state.
      forget_bias: what is added to the bias of the forget gate, so that little is forgotten at the beginning.
      state_is_tuple: whether the state is an :class:`LSTMStateTuple`, or both of its parts in one tensor.
      activation: a function, or its name; ``tanh`` by default.
      reuse: whether to share variables of that name.
      name: the name.
      dtype: the dtype of the variables; by default that of the inputs.
    """

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: bool | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_function(activation)

    @property
    def state_size(self) -> Any:
        """The sizes of both parts of the state, or their sum."""
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Makes ``kernel`` and ``bias``."""
        depth = self._input_depth(inputs_shape)
        self._kernel = self.add_weight(KERNEL, shape=[depth + self._num_units, 4 * self._num_units])
        self._bias = self.add_weight(
            BIAS, shape=[4 * self._num_units], initializer=Zeros(dtype=self._dtype or "float32")
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Computes one step."""
        require_floating(self, inputs)
        one = convert_to_tensor(1, name="Const")
        c, h = state if self._state_is_tuple else split(state, 2, one)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(gates, 4, one)
        forget = sigmoid(raw.AddV2(f, convert_to_tensor(self._forget_bias, f.dtype, name="Const"), name="Add"))
        new_c = raw.AddV2(raw.Mul(c, forget), raw.Mul(sigmoid(i), self._activation(j)), name="Add")
        new_h = raw.Mul(self._activation(new_c), sigmoid(o))
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class LSTMCell(LayerRNNCell):
    """Is an LSTM cell with peepholes, clipping and projection (Sak et al. 2014).

    Args:
      num_units: the size of what the cell remembers.
      use_peepholes: whether the gates see what the cell remembers.
      cell_clip: the limit of what it remembers, on both sides.
      initializer: the initializer of the kernels; that of the variable scope by default.
      num_proj: the size of the output, to which a product brings it; as it is by default.
      proj_clip: the limit of the output, on both sides.
      num_unit_shards, num_proj_shards: into how many parts the kernels are cut; use a partitioner instead.
      forget_bias: what is added to the bias of the forget gate.
      state_is_tuple: whether the state is an :class:`LSTMStateTuple`, or both of its parts in one tensor.
      activation: a function, or its name; ``tanh`` by default.
      reuse: whether to share variables of that name.
      name: the name.
      dtype: the dtype of the variables; by default that of the inputs.
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None, initializer: Any = None,
        num_proj: int | None = None, proj_clip: float | None = None, num_unit_shards: int | None = None,
        num_proj_shards: int | None = None, forget_bias: float = 1.0, state_is_tuple: bool = True,
        activation: Any = None, reuse: bool | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards = num_unit_shards
        self._num_proj_shards = num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_function(activation)

    @property
    def state_size(self) -> Any:
        """The sizes of both parts of the state, or their sum."""
        sizes = (self._num_units, self.output_size)
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self._num_proj or self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Makes ``kernel``, ``bias``, the weights of the peepholes, and ``projection/kernel``."""
        depth = self._input_depth(inputs_shape)
        units = self._num_units

        def parts(count: int | None) -> Any:
            return fixed_size_partitioner(count) if count is not None else None

        self._kernel = self.add_weight(
            KERNEL,
            shape=[depth + self.output_size, 4 * units],
            initializer=self._initializer,
            partitioner=parts(self._num_unit_shards),
        )
        self._bias = self.add_weight(BIAS, shape=[4 * units], initializer=Zeros(dtype=self._dtype or "float32"))
        if self._use_peepholes:
            self._w_f_diag = self.add_weight("w_f_diag", shape=[units], initializer=self._initializer)
            self._w_i_diag = self.add_weight("w_i_diag", shape=[units], initializer=self._initializer)
            self._w_o_diag = self.add_weight("w_o_diag", shape=[units], initializer=self._initializer)
        if self._num_proj is not None:
            self._proj_kernel = self.add_weight(
                f"projection/{KERNEL}",
                shape=[units, self._num_proj],
                initializer=self._initializer,
                partitioner=parts(self._num_proj_shards),
            )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Computes one step.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        require_floating(self, inputs)
        units, outputs = self._num_units, self.output_size
        if self._state_is_tuple:
            c, h = state
        else:
            c = raw.Slice(state, [0, 0], [-1, units])
            h = raw.Slice(state, [0, units], [-1, outputs])
        if inputs.shape.rank is not None and inputs.shape.as_list()[-1] is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        gates = bias_add(matmul(concat([inputs, h], 1), convert_to_tensor(self._kernel)), self._bias)
        i, j, f, o = split(gates, 4, 1)
        if self._use_peepholes:
            new_c = sigmoid(f + self._forget_bias + self._w_f_diag * c) * c
            new_c = new_c + sigmoid(i + self._w_i_diag * c) * self._activation(j)
        else:
            new_c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            new_c = clip_by_value(new_c, -self._cell_clip, self._cell_clip)
        gate = sigmoid(o + self._w_o_diag * new_c) if self._use_peepholes else sigmoid(o)
        new_h = gate * self._activation(new_c)
        if self._num_proj is not None:
            new_h = matmul(new_h, convert_to_tensor(self._proj_kernel))
            if self._proj_clip is not None:
                new_h = clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)
