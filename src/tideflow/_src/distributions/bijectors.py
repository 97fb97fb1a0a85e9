"""Maps that can be inverted, with their Jacobians: ``tf.contrib.distributions.bijectors``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops


class Bijector:
    """A differentiable map that can be inverted.

    A subclass implements `_forward`, `_inverse`, and one of `_forward_log_det_jacobian` and
    `_inverse_log_det_jacobian`, which give the logarithm of the Jacobian's determinant for each event.

    Args:
      event_ndims: the rank of an event: 0 where the map is one of each number.
      graph_parents: tensors that the map is made of.
      is_constant_jacobian: whether the Jacobian is the same everywhere.
      validate_args: whether arguments are checked.
      dtype: the dtype of arguments, None for any.
      name: the prefix of the names of the operations.
    """

    def __init__(
        self,
        event_ndims: int = 0,
        graph_parents: Sequence[Any] | None = None,
        is_constant_jacobian: bool = False,
        validate_args: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        self._event_ndims = event_ndims
        self.graph_parents = list(graph_parents or ())
        self.is_constant_jacobian = is_constant_jacobian
        self.validate_args = validate_args
        self.dtype = dtype
        self._name = name or type(self).__name__.lower()

    @property
    def event_ndims(self) -> int:
        """The rank of an event."""
        return self._event_ndims

    @property
    def name(self) -> str:
        """The prefix of the names of the operations."""
        return self._name

    def forward(self, x: Any, name: str = "forward") -> Any:
        """Computes the map of `x`."""
        with ops.name_scope(f"{self._name}/{name}", values=[x]):
            return self._forward(ops.convert_to_tensor(x, name="x", preferred_dtype=self.dtype))

    def inverse(self, y: Any, name: str = "inverse") -> Any:
        """Computes what `y` is the map of."""
        with ops.name_scope(f"{self._name}/{name}", values=[y]):
            return self._inverse(ops.convert_to_tensor(y, name="y", preferred_dtype=self.dtype))

    def forward_log_det_jacobian(self, x: Any, name: str = "forward_log_det_jacobian") -> Any:
        """Computes the logarithm of the determinant of the Jacobian at `x`."""
        with ops.name_scope(f"{self._name}/{name}", values=[x]):
            x = ops.convert_to_tensor(x, name="x", preferred_dtype=self.dtype)
            try:
                return self._forward_log_det_jacobian(x)
            except NotImplementedError:
                return -self._inverse_log_det_jacobian(self._forward(x))

    def inverse_log_det_jacobian(self, y: Any, name: str = "inverse_log_det_jacobian") -> Any:
        """Computes the logarithm of the determinant of the inverse's Jacobian at `y`."""
        with ops.name_scope(f"{self._name}/{name}", values=[y]):
            y = ops.convert_to_tensor(y, name="y", preferred_dtype=self.dtype)
            try:
                return self._inverse_log_det_jacobian(y)
            except NotImplementedError:
                return -self._forward_log_det_jacobian(self._inverse(y))

    def forward_event_shape(self, input_shape: Any) -> TensorShape:
        """Returns the static shape of an event's map."""
        return self._forward_event_shape(TensorShape(input_shape))

    def inverse_event_shape(self, output_shape: Any) -> TensorShape:
        """Returns the static shape of what an event is the map of."""
        return self._inverse_event_shape(TensorShape(output_shape))

    def _forward_event_shape(self, input_shape: TensorShape) -> TensorShape:
        return input_shape

    def _inverse_event_shape(self, output_shape: TensorShape) -> TensorShape:
        return output_shape

    def _forward(self, x: Any) -> Any:
        raise NotImplementedError("forward not implemented.")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError("inverse not implemented.")

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        raise NotImplementedError("forward_log_det_jacobian not implemented.")

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        raise NotImplementedError("inverse_log_det_jacobian not implemented.")


class Identity(Bijector):
    """The map that changes nothing."""

    def __init__(self, validate_args: bool = False, event_ndims: int = 0, name: str = "identity") -> None:
        super().__init__(event_ndims, is_constant_jacobian=True, validate_args=validate_args, name=name)

    def _forward(self, x: Any) -> Any:
        return x

    def _inverse(self, y: Any) -> Any:
        return y

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return ops.constant(0.0, dtype=x.dtype)


class _Elementwise(Bijector):
    """A map of each number, whose Jacobian adds up over an event."""

    def __init__(self, event_ndims: int = 0, validate_args: bool = False, name: str | None = None) -> None:
        super().__init__(event_ndims, validate_args=validate_args, name=name)

    def _sum(self, values: Any) -> Any:
        axes = list(range(-self._event_ndims, 0))
        return ops.reduce_sum(values, axes) if axes else values


class Exp(_Elementwise):
    """The exponential function."""

    def _forward(self, x: Any) -> Any:
        return ops.exp(x)

    def _inverse(self, y: Any) -> Any:
        return ops.log(y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return self._sum(x)


class Sigmoid(_Elementwise):
    """The logistic function."""

    def __init__(self, validate_args: bool = False, name: str = "sigmoid") -> None:
        super().__init__(0, validate_args, name)

    def _forward(self, x: Any) -> Any:
        return ops.sigmoid(x)

    def _inverse(self, y: Any) -> Any:
        return ops.log(y) - ops.log1p(-y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return -ops.softplus(-x) - ops.softplus(x)


class Softplus(_Elementwise):
    """The logarithm of one plus the exponential function."""

    def _forward(self, x: Any) -> Any:
        return ops.softplus(x)

    def _inverse(self, y: Any) -> Any:
        return y + ops.log(1.0 - ops.exp(-y))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return self._sum(-ops.softplus(-x))


class SoftmaxCentered(Bijector):
    """Maps a vector, or a number, to one more probabilities than it has entries: softmax, with a last logit of 0."""

    def __init__(self, event_ndims: int = 0, validate_args: bool = False, name: str = "softmax_centered") -> None:
        super().__init__(event_ndims, validate_args=validate_args, name=name)

    def _forward_event_shape(self, input_shape: TensorShape) -> TensorShape:
        if input_shape.ndims in (None, 0):
            return TensorShape([2] if input_shape.ndims == 0 else None)
        (*rest, last) = input_shape.as_list()
        return TensorShape([*rest, None if last is None else last + 1])

    def _inverse_event_shape(self, output_shape: TensorShape) -> TensorShape:
        if self._event_ndims == 0:
            return TensorShape([])
        (*rest, last) = output_shape.as_list()
        return TensorShape([*rest, None if last is None else last - 1])

    def _logits(self, x: Any) -> Any:
        x = x if self._event_ndims else x[..., None]
        return ops.concat([x, ops.zeros_like(x[..., :1])], -1)

    def _forward(self, x: Any) -> Any:
        return ops.softmax(self._logits(x))

    def _inverse(self, y: Any) -> Any:
        logs = ops.log(y)
        x = logs[..., :-1] - logs[..., -1:]
        return x if self._event_ndims else x[..., 0]

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return -ops.reduce_sum(ops.log(y), -1)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return ops.reduce_sum(ops.log_softmax(self._logits(x)), -1)


class Invert(Bijector):
    """The inverse of a map, as a map.

    Args:
      bijector: the map.
      validate_args: whether arguments are checked.
      name: the prefix of the names of the operations.
    """

    def __init__(self, bijector: Bijector, validate_args: bool = False, name: str | None = None) -> None:
        self.bijector = bijector
        super().__init__(
            bijector.event_ndims,
            graph_parents=bijector.graph_parents,
            is_constant_jacobian=bijector.is_constant_jacobian,
            validate_args=validate_args,
            dtype=bijector.dtype,
            name=name or f"invert_{bijector.name}",
        )

    def _forward_event_shape(self, input_shape: TensorShape) -> TensorShape:
        return self.bijector.inverse_event_shape(input_shape)

    def _inverse_event_shape(self, output_shape: TensorShape) -> TensorShape:
        return self.bijector.forward_event_shape(output_shape)

    def _forward(self, x: Any) -> Any:
        return self.bijector.inverse(x)

    def _inverse(self, y: Any) -> Any:
        return self.bijector.forward(y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return self.bijector.inverse_log_det_jacobian(x)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return self.bijector.forward_log_det_jacobian(y)
