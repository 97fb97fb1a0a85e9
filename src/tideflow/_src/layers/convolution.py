"""Layers that convolve over one, two or three dimensions of space."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dimension import dimension_value
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.layers.core import normalized_format
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.layer import Layer
from tideflow._src.layers.signatures import layer_function, with_defaults
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.ops.nn.convolution_functions import convolution
from tideflow._src.state.initializers import Zeros

LETTERS = {1: "W", 2: "HW", 3: "DHW"}


def one_for_each(value: Any, count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """Returns a number for each dimension of space, of one number or as many.

    Raises:
      ValueError: it is neither, or a number is less than ``least``.
    """
    message = f"The `{name}` argument must be a tuple of {count} integers. Received: {value}"
    if isinstance(value, int) or hasattr(value, "__index__"):
        numbers = (int(value),) * count
    else:
        try:
            numbers = tuple(int(number) for number in value)
        except (TypeError, ValueError):
            raise ValueError(message) from None
        if len(numbers) != count:
            raise ValueError(message)
    if any(number < least for number in numbers):
        raise ValueError(f"{message}, including values that are less than {least}.")
    return numbers


def normalized_padding(padding: Any, causal: bool = False) -> str:
    """Returns the name of a padding in small letters.

    Raises:
      ValueError: it is none of those.
    """
    name = str(padding).lower()
    allowed = {"valid", "same"} | ({"causal"} if causal else set())
    if name not in allowed:
        raise ValueError(f"The `padding` argument must be one of {sorted(allowed)}. Received: {padding}")
    return name


def tensor_format(data_format: str, rank: int) -> str:
    """Returns where the channels are, in the words of the operations: ``NHWC``, ``NCHW`` and so on."""
    letters = LETTERS[rank]
    return f"N{letters}C" if data_format == "channels_last" else f"NC{letters}"


def output_length(length: int | None, kernel: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """Returns how many positions a window has along a dimension."""
    if length is None:
        return None
    extent = (kernel - 1) * dilation + 1
    if padding in ("same", "causal"):
        return -(-length // stride)
    return max(-(-(length - extent + 1) // stride), 0)


class Conv(Layer):
    """Convolves over ``rank`` dimensions of space, adds a bias, and calls ``activation``.

    Args:
      filters: the number of channels of the result.
      kernel_size: the size of the window: a number, or one for each dimension.
      strides: its step, likewise.
      padding: ``"valid"``, ``"same"`` or, in one dimension, ``"causal"``.
      data_format: ``"channels_last"`` or ``"channels_first"``.
      dilation_rate: the distance between elements of the window.
      activation: a function of the result; None to leave it as it is.
      use_bias: whether to add a bias.
      kernel_initializer, bias_initializer: the initializers; that of the variable scope by default for the kernel.
      kernel_regularizer, bias_regularizer: functions of a variable that give a loss.
      activity_regularizer: a function of the result that gives a loss.
      kernel_constraint, bias_constraint: functions that optimizers apply after each update.
      trainable: whether the variables are to be trained.
      name: the name.
    """

    #: The number of dimensions of space.
    rank: int
    _causal = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros(),  # noqa: B008
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
        rank = self.rank
        if filters is not None and int(filters) <= 0:
            raise ValueError(
                f"Invalid value for argument `filters`. Expected a strictly positive value. Received {filters}."
            )
        self.filters = int(filters) if filters is not None else None
        self.kernel_size = one_for_each(kernel_size, rank, "kernel_size")
        self.strides = one_for_each(strides, rank, "strides")
        self.padding = normalized_padding(padding, self._causal)
        self.data_format = normalized_format(data_format)
        self.dilation_rate = one_for_each(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=rank + 2)

    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _channels(self, input_shape: Any) -> int:
        shape = as_shape(input_shape)
        size = dimension_value(shape[self._channel_axis()]) if shape.rank else None
        if size is None:
            raise ValueError(
                f"The channel dimension of the inputs should be defined. The input_shape received is {shape}, where "
                f"axis {self._channel_axis()} (0-based) is the channel dimension, which found to be `None`."
            )
        return size

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.filters)

    def build(self, input_shape: Any) -> None:
        """Makes ``kernel`` and ``bias``."""
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            shape=self._kernel_shape(channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            trainable=True,
            dtype=self._dtype,
        )
        self._build_bias()
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis(): channels})
        self.built = True

    def _build_bias(self) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                trainable=True,
                dtype=self._dtype,
            )

    def _finished(self, outputs: Any) -> Any:
        """Adds the bias and calls the activation."""
        if self.use_bias:
            outputs = bias_add(outputs, self.bias, data_format=tensor_format(self.data_format, self.rank))
        return outputs if self.activation is None else self.activation(outputs)

    def _padded_ahead(self, inputs: Any) -> Any:
        """Pads sequences so that no result depends on what comes later."""
        ahead = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
        last = self.data_format == "channels_last"
        return raw.Pad(inputs, [[0, 0], ahead, [0, 0]] if last else [[0, 0], [0, 0], ahead])

    def call(self, inputs: Any) -> Any:
        """Computes the layer's result."""
        padding = self.padding.upper()
        if self.padding == "causal":
            inputs = self._padded_ahead(inputs)
            padding = "VALID"
        outputs = convolution(
            inputs,
            self.kernel,
            strides=list(self.strides),
            padding=padding,
            data_format=tensor_format(self.data_format, self.rank),
            dilations=list(self.dilation_rate),
            name=type(self).__name__,
        )
        if context.current_graph() is not None and outputs.shape.rank is not None:
            outputs.set_shape(self._convolved_shape(as_shape(inputs.shape), padding.lower()))
        return self._finished(outputs)

    def _convolved_shape(self, shape: TensorShape, padding: str) -> TensorShape:
        sizes = shape.as_list()
        last = self.data_format == "channels_last"
        space = sizes[-self.rank - 1 : -1] if last else sizes[-self.rank :]
        lengths = [
            output_length(size, self.kernel_size[index], padding, self.strides[index], self.dilation_rate[index])
            for index, size in enumerate(space)
        ]
        batch = sizes[: len(sizes) - self.rank - 1]
        return TensorShape([*batch, *lengths, self.filters] if last else [*batch, self.filters, *lengths])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Returns the shape of the result."""
        return self._convolved_shape(as_shape(input_shape), self.padding)


class Conv1D(Conv):
    """Convolves sequences; see :class:`Conv` for the arguments."""

    rank = 1
    _causal = True


conv1d = layer_function(Conv1D)


class Conv2D(Conv):
    """Convolves images; see :class:`Conv` for the arguments."""

    rank = 2
    __init__ = with_defaults(Conv.__init__, strides=(1, 1), dilation_rate=(1, 1))


conv2d = layer_function(Conv2D)


class Conv3D(Conv):
    """Convolves volumes; see :class:`Conv` for the arguments."""

    rank = 3
    __init__ = with_defaults(Conv.__init__, strides=(1, 1, 1), dilation_rate=(1, 1, 1))


conv3d = layer_function(Conv3D)
