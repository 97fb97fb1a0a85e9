"""Batch normalization (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor_shape import as_shape
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.layer import Layer
from tideflow._src.layers.signatures import layer_function
from tideflow._src.layers.smart_conditional import known_truth, smart_cond
from tideflow._src.ops.array.identity import identity, stop_gradient
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.clip import clip_by_value
from tideflow._src.ops.math.unary import sqrt
from tideflow._src.ops.nn.moments import batch_normalization as normalize
from tideflow._src.ops.nn.moments import fused_batch_norm, moments
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.state.initializers import Ones, Zeros
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization


class BatchNormalization(Layer):
    """Normalizes channels over a batch while training, and by running averages afterwards.

    The updates of the running averages join the collection ``UPDATE_OPS``; they do not run by themselves: make
    the training operation depend on them.

    Args:
      axis: the axis, or axes, of what is normalized separately: the channels.
      momentum: how much of a running average remains with each update.
      epsilon: a small number that keeps the division from zero.
      center: whether to add ``beta``.
      scale: whether to multiply by ``gamma``.
      beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: the initializers.
      beta_regularizer, gamma_regularizer: functions of a variable that give a loss.
      beta_constraint, gamma_constraint: functions that optimizers apply after each update.
      renorm: whether to use batch renormalization (Ioffe 2017, https://arxiv.org/abs/1702.03275).
      renorm_clipping: limits of its corrections: ``rmax``, ``rmin``, ``dmax``.
      renorm_momentum: how much of its running averages remains.
      fused: whether to use the operation that does it all at once; by default where that is possible.
      trainable: whether the variables are to be trained.
      virtual_batch_size: the size of the parts of a batch that are normalized separately.
      adjustment: a function of the shape of the inputs that gives a scale and an offset, used while training.
      name: the name.

    Raises:
      ValueError: arguments exclude each other.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = Zeros(),  # noqa: B008
        gamma_initializer: Any = Ones(),  # noqa: B008
        moving_mean_initializer: Any = Zeros(),  # noqa: B008
        moving_variance_initializer: Any = Ones(),  # noqa: B008
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, Any] | None = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Callable[[Any], tuple[Any, Any]] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable, **kwargs)
        if isinstance(axis, list | tuple):
            self.axis: Any = list(axis)
        elif isinstance(axis, int):
            self.axis = axis
        else:
            raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.renorm = renorm
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        self.fused = fused
        self.renorm_clipping = dict(renorm_clipping or {})
        self.renorm_momentum = renorm_momentum
        self.supports_masking = True
        if fused:
            self._check_fused()
        unknown = sorted(set(self.renorm_clipping) - {"rmax", "rmin", "dmax"})
        if renorm and unknown:
            raise ValueError(
                f"Received invalid keys for `renorm_clipping` argument: {unknown}. Supported values: rmax, rmin, dmax."
            )

    def _check_fused(self) -> None:
        for name, excludes in (
            ("renorm", self.renorm),
            ("virtual_batch_size", self.virtual_batch_size is not None),
            ("adjustment", self.adjustment is not None),
        ):
            if excludes:
                raise ValueError(f"Passing both `fused=True` and `{name}` is not supported.")
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if len(axes) > 1:
            raise ValueError("Passing `fused=True` is only supported when there is one axis to normalize.")

    def build(self, input_shape: Any) -> None:
        """Makes ``gamma``, ``beta``, ``moving_mean`` and ``moving_variance``, and those of renormalization."""
        shape = as_shape(input_shape)
        if shape.rank is None:
            raise ValueError("Input has undefined rank.")
        rank = shape.rank
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = [axis + rank if axis < 0 else axis for axis in given]
        for axis in axes:
            if axis < 0 or axis >= rank:
                raise ValueError(
                    f"Invalid value for `axis` argument. Expected 0 <= axis < inputs.shape.rank (with "
                    f"inputs.shape.rank={rank}). Received: axis={given}"
                )
        if len(axes) != len(set(axes)):
            raise ValueError(f"Duplicate axis: {tuple(axes)}")
        self.axis = axes
        self._prepare_virtual_batches()
        self.fused = self._is_fused(rank)
        sizes = shape.as_list()
        channels = {axis: sizes[axis] for axis in axes}
        for axis, size in channels.items():
            if size is None:
                raise ValueError(
                    f"Input has undefined `axis` dimension. Received input with shape {tuple(sizes)} and axis={axis}."
                )
        self.input_spec = InputSpec(ndim=rank, axes=channels)
        if len(channels) == 1 and self.virtual_batch_size is None:
            variables: tuple[int | None, ...] = (channels[axes[0]],)
        else:
            variables = tuple(channels.get(index, 1) for index in range(rank))
            if self.virtual_batch_size is not None:
                variables = (1, *variables)
                self.axis = [axis + 1 for axis in axes]
        self._make_variables(variables)
        self.built = True

    def _prepare_virtual_batches(self) -> None:
        if self.virtual_batch_size is None:
            return
        if self.virtual_batch_size <= 0:
            raise ValueError(
                "`virtual_batch_size` must be a positive integer that divides the true batch size of the input "
                f"tensor. Received: virtual_batch_size={self.virtual_batch_size}"
            )
        if 0 in self.axis:
            raise ValueError(
                "When using `virtual_batch_size`, the batch dimension must be 0 and thus axis cannot include 0. "
                f"Received axis={self.axis}"
            )
        if self.adjustment is not None:
            raise ValueError("When using `virtual_batch_size`, `adjustment` cannot be specified.")

    def _is_fused(self, rank: int) -> bool:
        if self.fused is False:
            return False
        if self.fused is None:
            plain = not self.renorm and self.virtual_batch_size is None and self.adjustment is None
            return plain and rank == 4 and self.axis in ([1], [3])
        if rank not in (4, 5):
            return False
        if self.axis not in ([1], [rank - 1]):
            raise ValueError(
                f"Unsupported axis. The use of `fused=True` is only possible with axis=1 or axis={rank - 1} for inputs "
                f"of rank 4 or 5. Received rank={rank}, axis={tuple(self.axis)}"
            )
        return True

    @property
    def _parameter_dtype(self) -> Any:
        return dtypes.float32 if self._dtype in (dtypes.float16, dtypes.bfloat16) else self._dtype or dtypes.float32

    def _make_variables(self, shape: tuple[int | None, ...]) -> None:
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", shape=shape, dtype=self._parameter_dtype, initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint, trainable=True,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                "beta", shape=shape, dtype=self._parameter_dtype, initializer=self.beta_initializer,
                regularizer=self.beta_regularizer, constraint=self.beta_constraint, trainable=True,
            )  # fmt: skip
        # Running averages are never partitioned: one operation reads and updates each of them whole.
        partitioner = self._scope.partitioner if self._scope is not None else None
        if partitioner is not None and self._scope is not None:
            self._scope.set_partitioner(None)
        try:
            self.moving_mean = self._running("moving_mean", shape, self.moving_mean_initializer)
            self.moving_variance = self._running("moving_variance", shape, self.moving_variance_initializer)
            if self.renorm:
                start = self.moving_variance_initializer

                def spread(*sizes: Any, **options: Any) -> Any:
                    return sqrt(start(*sizes, **options))

                self.moving_stddev = self._running("moving_stddev", shape, spread)
                self.renorm_mean = self._running("renorm_mean", shape, self.moving_mean_initializer)
                self.renorm_stddev = self._running("renorm_stddev", shape, spread)
        finally:
            if partitioner is not None and self._scope is not None:
                self._scope.set_partitioner(partitioner)

    def _running(self, name: str, shape: Any, initializer: Any) -> Any:
        return self.add_weight(
            name, shape=shape, dtype=self._parameter_dtype, initializer=initializer,
            synchronization=VariableSynchronization.ON_READ, trainable=False, aggregation=VariableAggregation.MEAN,
        )  # fmt: skip

    def _moved(self, variable: Any, value: Any, momentum: Any) -> Any:
        """Moves a running average towards ``value``."""
        with name_scope("AssignMovingAvg") as scope, _beside(variable):
            rest = convert_to_tensor(1.0 - momentum, name="decay")
            if rest.dtype.base_dtype is not variable.dtype.base_dtype:
                rest = cast(rest, variable.dtype.base_dtype)
            delta = (variable - cast(value, variable.dtype.base_dtype)) * rest
            return assignment.assign_sub(variable, delta, name=scope or None)

    def call(self, inputs: Any, training: Any = False) -> Any:
        """Normalizes, over the batch if ``training`` is true: a boolean or a scalar boolean tensor."""
        training = False if training is None else training
        inputs = convert_to_tensor(inputs)
        whole = None
        if self.virtual_batch_size is not None:
            whole = raw.Shape(inputs)
            inputs = self._in_parts(inputs, whole)
        if self.fused:
            return self._fused(inputs, training)
        half = self._dtype in (dtypes.float16, dtypes.bfloat16)
        compute = cast(inputs, dtypes.float32) if half else inputs
        outputs = self._composed(compute, training)
        outputs = cast(outputs, inputs.dtype.base_dtype) if half else outputs
        if context.current_graph() is not None:
            outputs.set_shape(inputs.shape)
        return outputs if whole is None else reshape(outputs, whole)

    def _in_parts(self, inputs: Any, whole: Any) -> Any:
        sizes = [self.virtual_batch_size, -1, *inputs.shape.as_list()[1:]]
        dynamic = [whole[index - 1] if size is None else size for index, size in enumerate(sizes)]
        parts = reshape(inputs, convert_to_tensor(dynamic))
        if context.current_graph() is not None:
            parts.set_shape([None if size == -1 else size for size in sizes])
        return parts

    # At once.

    def _fused(self, inputs: Any, training: Any) -> Any:
        channels = inputs.shape.as_list()[self.axis[0]]
        gamma = self.gamma if self.scale else convert_to_tensor([1.0] * channels, self._parameter_dtype)
        beta = self.beta if self.center else convert_to_tensor([0.0] * channels, self._parameter_dtype)
        first = self.axis == [1]
        data_format = ("NCHW" if first else "NHWC") if inputs.shape.rank == 4 else ("NCDHW" if first else "NDHWC")
        gamma, beta = convert_to_tensor(gamma), convert_to_tensor(beta)

        def normalized(over_batch: bool) -> Any:
            return fused_batch_norm(
                inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance, epsilon=self.epsilon,
                is_training=over_batch, data_format=data_format,
            )  # fmt: skip

        outputs, mean, variance = smart_cond(training, lambda: normalized(True), lambda: normalized(False))
        if context.current_graph() is not None:
            outputs.set_shape(inputs.shape)
        truth = known_truth(training)
        if truth is not False:
            if truth is None:
                momentum = self._unless_still(training, self.momentum)
            else:
                momentum = convert_to_tensor(self.momentum, name="Const")
            self.add_update(self._moved(self.moving_mean, mean, momentum), inputs=inputs)
            self.add_update(self._moved(self.moving_variance, variance, momentum), inputs=inputs)
        return outputs

    # Of its parts.

    def _composed(self, inputs: Any, training: Any) -> Any:
        rank = inputs.shape.rank
        axes = [axis for axis in range(rank) if axis not in self.axis]
        if self.virtual_batch_size is not None:
            del axes[1]  # the parts of the batch stay apart
        single = len(self.axis) == 1 and self.virtual_batch_size is None
        wide = [1] * rank
        if single:
            wide[self.axis[0]] = inputs.shape.as_list()[self.axis[0]]

        def broadcast(value: Any) -> Any:
            if value is not None and single and axes != list(range(rank - 1)):
                return reshape(value, wide)
            return value

        scale, offset = broadcast(self.gamma), broadcast(self.beta)
        truth = known_truth(training)
        if truth is False:
            if self.virtual_batch_size is not None:
                mean, variance = convert_to_tensor(self.moving_mean), convert_to_tensor(self.moving_variance)
            else:
                mean, variance = self.moving_mean, self.moving_variance
        else:
            if self.adjustment is not None:
                scale, offset = self._adjusted(inputs, training, scale, offset)
            mean, variance, scale, offset = self._trained(inputs, training, axes, scale, offset, broadcast)
        mean = cast(mean, inputs.dtype.base_dtype) if _differs(mean, inputs) else mean
        variance = cast(variance, inputs.dtype.base_dtype) if _differs(variance, inputs) else variance
        offset = cast(offset, inputs.dtype.base_dtype) if offset is not None and _differs(offset, inputs) else offset
        scale = cast(scale, inputs.dtype.base_dtype) if scale is not None and _differs(scale, inputs) else scale
        return normalize(inputs, broadcast(mean), broadcast(variance), offset, scale, self.epsilon)

    def _adjusted(self, inputs: Any, training: Any, scale: Any, offset: Any) -> tuple[Any, Any]:
        assert self.adjustment is not None
        found_scale, found_bias = self.adjustment(raw.Shape(inputs))
        one, zero = convert_to_tensor(found_scale), convert_to_tensor(found_bias)
        more = smart_cond(training, lambda: identity(one), lambda: raw.OnesLike(one))
        bias = smart_cond(training, lambda: identity(zero), lambda: raw.ZerosLike(zero))
        return _together(more, bias, scale, offset)

    def _trained(
        self, inputs: Any, training: Any, axes: list[int], scale: Any, offset: Any, broadcast: Any
    ) -> tuple[Any, Any, Any, Any]:
        keep = self.virtual_batch_size is not None or len(self.axis) > 1
        mean, variance = moments(inputs, axes, keepdims=keep)

        def chosen(batch: Any, running: Any) -> Any:
            return smart_cond(training, lambda: identity(batch) if known_truth(training) is None else batch,
                              lambda: convert_to_tensor(running))  # fmt: skip

        mean, variance = chosen(mean, self.moving_mean), chosen(variance, self.moving_variance)
        if self.virtual_batch_size is not None:
            # The running averages follow the mean over all parts.
            new_mean = raw.Mean(mean, [1], keep_dims=True)
            new_variance = raw.Mean(variance, [1], keep_dims=True)
        else:
            new_mean, new_variance = mean, variance
        if self.renorm:
            r, d, new_mean, new_variance = self._renormalized(new_mean, new_variance, training)
            r, d = broadcast(stop_gradient(r)), broadcast(stop_gradient(d))
            scale, offset = _together(r, d, scale, offset)
        self._update_averages(inputs, new_mean, new_variance, training)
        return mean, variance, scale, offset

    def _update_averages(self, inputs: Any, mean: Any, variance: Any, training: Any) -> None:
        momentum: Any = self.momentum
        if known_truth(training) is None:
            momentum = self._unless_still(training, self.momentum)
        self.add_update(self._moved(self.moving_mean, mean, momentum), inputs=inputs)
        if not self.renorm:
            self.add_update(self._moved(self.moving_variance, variance, momentum), inputs=inputs)
            return
        # The average is one of standard deviations, as in the corrections; the variance follows from it.
        moved = convert_to_tensor(self._moved(self.moving_stddev, sqrt(variance + self.epsilon), momentum))
        with name_scope("AssignNewValue") as scope, _beside(self.moving_variance):
            update = assignment.assign(self.moving_variance, raw.Relu(moved * moved - self.epsilon), name=scope or None)
        self.add_update(update, inputs=inputs)

    @staticmethod
    def _unless_still(training: Any, momentum: float) -> Any:
        """Returns a momentum that keeps running averages as they are where nothing is trained."""
        return smart_cond(training, lambda: convert_to_tensor(momentum), lambda: convert_to_tensor(1.0))

    def _renormalized(self, mean: Any, variance: Any, training: Any) -> tuple[Any, Any, Any, Any]:
        """Returns the corrections ``r`` and ``d``, and the mean and variance after the running averages have moved."""
        stddev = sqrt(variance + self.epsilon)
        renorm_mean = convert_to_tensor(self.renorm_mean)
        renorm_stddev = raw.Maximum(
            convert_to_tensor(self.renorm_stddev), sqrt(convert_to_tensor(self.epsilon, stddev.dtype))
        )
        r = stddev / renorm_stddev
        d = (mean - renorm_mean) / renorm_stddev
        momentum = self._unless_still(training, self.renorm_momentum)
        graph = context.current_graph()
        with graph.control_dependencies([r, d]) if graph is not None else nullcontext():
            mean, stddev = identity(mean), identity(stddev)
        rmin, rmax, dmax = (self.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
        if rmin is not None:
            r = raw.Maximum(r, convert_to_tensor(rmin, r.dtype))
        if rmax is not None:
            r = raw.Minimum(r, convert_to_tensor(rmax, r.dtype))
        if dmax is not None:
            limit = convert_to_tensor(dmax, d.dtype)
            d = clip_by_value(d, -limit, limit)
        r = smart_cond(training, lambda: identity(r), lambda: raw.OnesLike(r))
        d = smart_cond(training, lambda: identity(d), lambda: raw.ZerosLike(d))

        def follow(variable: Any, value: Any) -> Any:
            def moved() -> Any:
                return identity(convert_to_tensor(self._moved(variable, value, momentum)))

            return smart_cond(training, moved, lambda: identity(convert_to_tensor(variable)))

        updates = [follow(self.renorm_mean, mean), follow(self.renorm_stddev, stddev)]
        with graph.control_dependencies(updates) if graph is not None else nullcontext():
            return r, d, identity(mean), identity(variance)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs."""
        return input_shape


def _beside(variable: Any) -> Any:
    graph = context.current_graph()
    return nullcontext() if graph is None else graph.colocate_with(variable.op)


def _differs(value: Any, inputs: Any) -> bool:
    return value.dtype.base_dtype is not inputs.dtype.base_dtype


def _together(more: Any, bias: Any, scale: Any, offset: Any) -> tuple[Any, Any]:
    """Puts a scale and an offset behind another pair of them."""
    if scale is not None:
        bias = bias * scale
        more = more * scale
    if offset is not None:
        bias = bias + offset
    return more, bias


batch_normalization = layer_function(
    BatchNormalization,
    last=("renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size", "adjustment"),
)
