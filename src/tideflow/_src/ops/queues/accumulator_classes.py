"""The classes of accumulators: ``tf.compat.v1.ConditionalAccumulator`` and its sparse kin."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import convert_to_tensor


class ConditionalAccumulatorBase:
    """Is an accumulator of gradients: it gives their average when there are enough.

    Args:
      dtype: the dtype of the gradients.
      shape: their shape, as far as it is known.
      accumulator_ref: the handle of the accumulator.
    """

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Any) -> None:
        self._dtype = dtypes.as_dtype(dtype)
        self._shape = TensorShape(shape) if shape is not None else TensorShape(None)
        self._accumulator_ref = accumulator_ref
        self._name = "" if context.executing_eagerly() else accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self) -> Any:
        """The handle of the accumulator."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The name of the accumulator."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The dtype of the gradients."""
        return self._dtype

    def _operation(self, name: str | None, suffix: str) -> str:
        return name if name is not None else f"{self._name}_{suffix}"

    def num_accumulated(self, name: str | None = None) -> Any:
        """Returns how many gradients have been accumulated."""
        return raw.ResourceAccumulatorNumAccumulated(
            self._accumulator_ref, name=self._operation(name, "NumAccumulated")
        )

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Returns the operation that sets the step before which gradients are dropped."""
        step = convert_to_tensor(new_global_step, dtypes.int64)
        return raw.ResourceAccumulatorSetGlobalStep(
            self._accumulator_ref, step, name=self._operation(name, "SetGlobalStep")
        )


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Is an accumulator of dense gradients.

    Args:
      dtype: the dtype of the gradients.
      shape: their shape, as far as it is known.
      shared_name: accumulators of one shared name are the same, within a session.
      name: the name of the operation.
      reduction_type: ``"MEAN"`` or ``"SUM"``.

    Raises:
      ValueError: ``reduction_type`` is none of these.
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = raw.ResourceConditionalAccumulator(
            dtype=dtype, shape=shape, shared_name=shared_name or "", name=name, reduction_type=reduction_type
        )
        super().__init__(dtype, shape, handle)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Any:
        """Returns the operation that adds a gradient, unless its step is before the accumulator's.

        Raises:
          ValueError: the gradient's shape is not the accumulator's.
        """
        grad = convert_to_tensor(grad, self._dtype)
        grad.get_shape().assert_is_compatible_with(self._shape)
        step = convert_to_tensor(local_step, dtypes.int64)
        return raw.ResourceAccumulatorApplyGradient(self._accumulator_ref, step, grad, name=name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Returns the average of the gradients; waits until there are ``num_required``, and begins anew.

        Raises:
          InvalidArgumentError: at run time, ``num_required`` is not positive.
        """
        result = raw.ResourceAccumulatorTakeGradient(self._accumulator_ref, num_required, dtype=self._dtype, name=name)
        if not context.executing_eagerly():
            result.set_shape(self._shape)
        return result


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Is an accumulator of sparse gradients: indices, and slices that belong there.

    Args:
      dtype: the dtype of the gradients.
      shape: the shape of the dense gradient, as far as it is known.
      shared_name: accumulators of one shared name are the same, within a session.
      name: the name of the operation.
      reduction_type: ``"MEAN"`` or ``"SUM"``.

    Raises:
      ValueError: ``reduction_type`` is none of these.
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = raw.SparseConditionalAccumulator(
            dtype=dtype, shape=shape, shared_name=shared_name or "", name=name, reduction_type=reduction_type
        )
        super().__init__(dtype, shape, handle)

    def apply_indexed_slices_grad(self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None) -> Any:
        """Returns the operation that adds a gradient given as ``IndexedSlices``."""
        return self.apply_grad(
            grad_indices=grad.indices,
            grad_values=grad.values,
            grad_shape=grad.dense_shape,
            local_step=local_step,
            name=name,
        )

    def apply_grad(
        self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0, name: str | None = None
    ) -> Any:
        """Returns the operation that adds a gradient, unless its step is before the accumulator's.

        Args:
          grad_indices: a vector of indices along the first dimension.
          grad_values: the slices that belong there.
          grad_shape: the shape of the dense gradient, or None.
          local_step: the step of the gradient.
          name: the name of the operation.
        """
        step = convert_to_tensor(local_step, dtypes.int64)
        return raw.SparseAccumulatorApplyGradient(
            self._accumulator_ref,
            step,
            cast(grad_indices, dtypes.int64),
            convert_to_tensor(grad_values, self._dtype),
            cast([] if grad_shape is None else grad_shape, dtypes.int64),
            has_known_shape=grad_shape is not None,
            name=name,
        )

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Returns indices, values and shape of the average; waits until there are ``num_required`` gradients."""
        return raw.SparseAccumulatorTakeGradient(self._accumulator_ref, num_required, dtype=self._dtype, name=name)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """Returns the average as ``IndexedSlices``; waits until there are ``num_required`` gradients."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(indices=taken.indices, values=taken.values, dense_shape=taken.shape)

    # The handle of a sparse accumulator is a reference, which other operations take.

    def num_accumulated(self, name: str | None = None) -> Any:
        """Returns how many gradients have been accumulated."""
        return raw.AccumulatorNumAccumulated(self._accumulator_ref, name=self._operation(name, "NumAccumulated"))

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Returns the operation that sets the step before which gradients are dropped."""
        step = convert_to_tensor(new_global_step, dtypes.int64)
        return raw.AccumulatorSetGlobalStep(self._accumulator_ref, step, name=self._operation(name, "SetGlobalStep"))
