"""Fully connected layers, dropout, flattening."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.dimension import dimension_value
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.layer import Layer
from tideflow._src.layers.signatures import layer_function
from tideflow._src.layers.smart_conditional import smart_cond
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.matrix_product_functions import matmul, tensordot
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.ops.nn.dropout import dropout as drop
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.initializers import Zeros

zeros_initializer = Zeros


class Dense(Layer):
    """Computes ``activation(inputs @ kernel + bias)``.

    Args:
      units: the size of the last dimension of the result.
      activation: a function of the result; None to leave it as it is.
      use_bias: whether to add a bias.
      kernel_initializer: the initializer of the kernel; that of the variable scope by default.
      bias_initializer: the initializer of the bias.
      kernel_regularizer, bias_regularizer: functions of a variable that give a loss.
      activity_regularizer: a function of the result that gives a loss.
      kernel_constraint, bias_constraint: functions that optimizers apply after each update.
      trainable: whether the variables are to be trained.
      name: the name.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        if self.units < 0:
            raise ValueError(f"Received an invalid value for `units`, expected a positive integer. Received: {units}")
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes ``kernel`` and ``bias``."""
        if self._dtype is not None and not (self._dtype.is_floating or self._dtype.is_complex):
            raise TypeError(
                f"A Dense layer can only be built with a floating-point dtype. Received: dtype={self._dtype!r}"
            )
        shape = as_shape(input_shape)
        last = dimension_value(shape[-1]) if shape.rank else None
        if last is None:
            raise ValueError(
                "The last dimension of the inputs to a Dense layer should be defined. Found None. Full input shape "
                f"received: {shape}"
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self.add_weight(
            "kernel",
            shape=[last, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            dtype=self._dtype,
            trainable=True,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                dtype=self._dtype,
                trainable=True,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Computes the layer's result."""
        inputs = convert_to_tensor(inputs)
        if inputs.dtype.base_dtype is not self._dtype:
            inputs = cast(inputs, self._dtype)
        if inputs.shape.rank in (None, 2):
            outputs = matmul(inputs, convert_to_tensor(self.kernel) if _is_partitioned(self.kernel) else self.kernel)
        else:
            outputs = tensordot(inputs, self.kernel, [[inputs.shape.rank - 1], [0]])
            if context.current_graph() is not None:
                outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        if self.use_bias:
            outputs = bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Returns the shape of the result: the last dimension becomes ``units``."""
        shape = as_shape(input_shape).with_rank_at_least(2)
        if dimension_value(shape[-1]) is None:
            raise ValueError(f"The innermost dimension of `input_shape` must be defined, but saw: {input_shape}")
        return TensorShape([*shape.as_list()[:-1], self.units])


def _is_partitioned(variable: Any) -> bool:
    return hasattr(variable, "_get_variable_list")


dense = layer_function(Dense)


class Dropout(Layer):
    """Sets elements to zero at random while training, and scales the others up.

    Args:
      rate: the probability that an element is dropped.
      noise_shape: the shape of what is drawn at random; None for that of the inputs.
      seed: the seed.
      name: the name.
    """

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        if isinstance(rate, int | float) and not 0 <= rate <= 1:
            raise ValueError(f"Invalid value {rate} received for `rate`, expected a value between 0 and 1.")
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def _noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        sizes = raw.Shape(inputs)
        given = [sizes[index] if size is None else size for index, size in enumerate(self.noise_shape)]
        return convert_to_tensor(given)

    def call(self, inputs: Any, training: Any = False) -> Any:
        """Drops elements if ``training`` is true: a boolean or a scalar boolean tensor."""

        def dropped() -> Any:
            return drop(inputs, self.rate, self._noise_shape(inputs), self.seed)

        return smart_cond(False if training is None else training, dropped, lambda: identity(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs."""
        return input_shape


dropout = layer_function(Dropout)


class Flatten(Layer):
    """Makes all dimensions but the first into one.

    Args:
      data_format: where the channels are: ``channels_last``, or ``channels_first``, which are moved to the end first.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalized_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """Returns the inputs as a matrix."""
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = raw.Transpose(inputs, [0, *range(2, rank), 1])
        sizes = inputs.shape.as_list() if inputs.shape.rank is not None else None
        if sizes is not None and None not in sizes[1:]:
            wanted = convert_to_tensor(np.array([-1, int(np.prod(sizes[1:]))], np.int32), name="Const")
        elif sizes is not None and sizes[0] is not None:
            wanted = convert_to_tensor(np.array([sizes[0], -1], np.int32), name="Const")
        else:
            wanted = convert_to_tensor([raw.Shape(inputs)[0], -1])
        if sizes is not None and None not in sizes[1:] and 0 in sizes[1:]:
            wanted = convert_to_tensor([raw.Shape(inputs)[0], 0])  # -1 cannot be found where there are no elements
        outputs = raw.Reshape(inputs, wanted)
        if context.current_graph() is not None:
            outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Returns the shape of the result."""
        shape = as_shape(input_shape)
        if shape.rank is None:
            return TensorShape([None, None])
        sizes: list[Any] = shape.as_list()
        rest = sizes[1:]
        return TensorShape([sizes[0] if sizes else 1, None if None in rest else int(np.prod(rest))])


def normalized_format(data_format: str | None) -> str:
    """Returns where the channels are, in small letters; at the end by default.

    Raises:
      ValueError: it is neither of the two places.
    """
    chosen = "channels_last" if data_format is None else data_format.lower()
    if chosen not in ("channels_first", "channels_last"):
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last". Received: '
            f"data_format={data_format}"
        )
    return chosen


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """Makes all dimensions but the first into one.

    Args:
      inputs: a tensor.
      name: the name.
      data_format: where the channels are: ``channels_last``, or ``channels_first``, which are moved to the end first.
    """
    return Flatten(name=name, data_format=data_format).apply(inputs)
