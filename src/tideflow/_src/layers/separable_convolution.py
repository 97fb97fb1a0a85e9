"""Layers that convolve each channel by itself, then mix the channels."""

from __future__ import annotations

from typing import Any

from tideflow._src.layers.convolution import Conv, tensor_format
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.signatures import layer_function, with_defaults
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.ops.nn.depthwise_functions import separable_conv2d_v1
from tideflow._src.state.initializers import Zeros


class SeparableConv(Conv):
    """Convolves each channel by itself, then mixes the channels, adds a bias, and calls ``activation``.

    Args:
      filters: the number of channels of the result.
      kernel_size, strides, padding, data_format, dilation_rate: as of :class:`.convolution.Conv`.
      depth_multiplier: how many channels the first step makes of each.
      activation: a function of the result; None to leave it as it is.
      use_bias: whether to add a bias.
      depthwise_initializer, pointwise_initializer, bias_initializer: the initializers.
      depthwise_regularizer, pointwise_regularizer, bias_regularizer: functions of a variable that give a loss.
      activity_regularizer: a function of the result that gives a loss.
      depthwise_constraint, pointwise_constraint, bias_constraint: functions that optimizers apply after each update.
      trainable: whether the variables are to be trained.
      name: the name.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = Zeros(),  # noqa: B008
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint

    def build(self, input_shape: Any) -> None:
        """Makes ``depthwise_kernel``, ``pointwise_kernel`` and ``bias``."""
        channels = self._channels(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis(): channels})
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            trainable=True,
            dtype=self._dtype,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            shape=(*(1,) * self.rank, self.depth_multiplier * channels, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            trainable=True,
            dtype=self._dtype,
        )
        self._build_bias()
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Computes the layer's result."""
        return self._over_images(inputs) if self.rank == 2 else self._over_sequences(inputs)

    def _over_images(self, inputs: Any) -> Any:
        last = self.data_format == "channels_last"
        outputs = separable_conv2d_v1(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            strides=[1, *self.strides, 1] if last else [1, 1, *self.strides],
            padding=self.padding.upper(),
            rate=list(self.dilation_rate),
            data_format=tensor_format(self.data_format, 2),
        )
        return self._finished(outputs)

    def _over_sequences(self, inputs: Any) -> Any:
        """Convolves sequences as images of height 1."""
        last = self.data_format == "channels_last"
        if self.padding == "causal":
            inputs = self._padded_ahead(inputs)
        axis = 1 if last else 2
        inputs = expand_dims(inputs, axis)
        depthwise_kernel = expand_dims(self.depthwise_kernel, 0)
        pointwise_kernel = expand_dims(self.pointwise_kernel, 0)
        steps = self.strides * 2
        outputs = separable_conv2d_v1(
            inputs,
            depthwise_kernel,
            pointwise_kernel,
            strides=[1, *steps, 1] if last else [1, 1, *steps],
            padding="VALID" if self.padding == "causal" else self.padding.upper(),
            rate=[1, *self.dilation_rate],
            data_format=tensor_format(self.data_format, 2),
        )
        if self.use_bias:
            outputs = bias_add(outputs, self.bias, data_format=tensor_format(self.data_format, 2))
        outputs = squeeze(outputs, [axis])
        return outputs if self.activation is None else self.activation(outputs)


class SeparableConv1D(SeparableConv):
    """Convolves the channels of sequences each by itself, then mixes them; see :class:`SeparableConv`."""

    rank = 1
    _causal = True


separable_conv1d = layer_function(SeparableConv1D)


class SeparableConv2D(SeparableConv):
    """Convolves the channels of images each by itself, then mixes them; see :class:`SeparableConv`."""

    rank = 2
    __init__ = with_defaults(SeparableConv.__init__, strides=(1, 1), dilation_rate=(1, 1))


separable_conv2d = layer_function(SeparableConv2D)
