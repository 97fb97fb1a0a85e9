"""Defines ``MixedPrecisionLossScaleOptimizer``, and what switches automatic mixed precision on.

TensorFlow's rewrite computes parts of new sessions in half precision, where an accelerator is faster at it. Tideflow
computes all in the precision that the program says, which such programs expect no less; the loss is scaled as they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tideflow._src.core import logger as logging
from tideflow._src.function.conditional import cond
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.math.casting import cast
from tideflow._src.train.loss_scale import DynamicLossScale, loss_scale_of, scaled
from tideflow._src.train.optimizer import Optimizer


class MixedPrecisionLossScaleOptimizer(Optimizer):
    """Wraps an optimizer so that gradients are those of a scaled loss, divided by the scale.

    Args:
      opt: the optimizer, one of TensorFlow 1.x.
      loss_scale: a number, ``"dynamic"``, or a ``LossScale``. With one that changes, gradients that are not finite are
        not applied.

    Raises:
      ValueError: ``opt`` is no such optimizer, or there is no scale.
    """

    def __init__(self, opt: Optimizer, loss_scale: Any) -> None:
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        super().__init__(opt._use_locking, opt.get_name())
        self._optimizer = opt
        scale = loss_scale_of(loss_scale)
        if scale is None:
            raise ValueError("loss_scale cannot be None")
        self._loss_scale = scale

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Returns the gradient of a loss for each variable, None where it does not depend on it.

        Args: as those of ``Optimizer.compute_gradients``.
        """
        scale = self._loss_scale()

        def scaled_loss(value: Any) -> Any:
            return value * cast(scale, value.dtype)

        pairs = self._optimizer.compute_gradients(
            (lambda: scaled_loss(loss())) if callable(loss) else scaled_loss(loss),
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        factor = 1.0 / scale
        return [(scaled(gradient, factor), variable) for gradient, variable in pairs]

    def apply_gradients(self, grads_and_vars: Iterable[Any], global_step: Any = None, name: str | None = None) -> Any:
        """Applies gradients; with a dynamic scale only if all are finite, else the step is not counted either.

        Args: as those of ``Optimizer.apply_gradients``.
        """
        pairs = list(grads_and_vars)
        if not isinstance(self._loss_scale, DynamicLossScale):
            return self._optimizer.apply_gradients(pairs, global_step, name)
        name = name or self.get_name()
        adapted, finite = self._loss_scale.update([gradient for gradient, _ in pairs])
        applied = cond(finite, lambda: self._optimizer.apply_gradients(pairs, global_step, f"{name}-wrapped"), no_op)
        updates = [update for update in (applied, adapted) if update is not None]
        return group(*updates, name=name)

    def get_slot(self, var: Any, name: str) -> Any:
        """Returns the wrapped optimizer's slot of a variable, or None."""
        return self._optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        """Returns the names of the wrapped optimizer's slots."""
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Any]:
        """Returns the variables of the wrapped optimizer, and those of the scale."""
        return self._optimizer.variables() + self._loss_scale.weights()


#: How optimizers of a class are wrapped, and the class of the wrapped ones.
_WRAPPERS: dict[type, tuple[Callable[..., Any], Any]] = {
    Optimizer: (MixedPrecisionLossScaleOptimizer, MixedPrecisionLossScaleOptimizer)
}


class _Switches:
    """Is what programs have asked for: the rewrite, and Keras's policies, which exclude each other."""

    rewrite = False
    policy = False


def register_loss_scale_wrapper(optimizer_cls: type, wrapper_fn: Callable[..., Any], wrapper_cls: Any = None) -> None:
    """Registers how optimizers of a class come to scale their losses.

    Args:
      optimizer_cls: the class.
      wrapper_fn: takes an optimizer and a loss scale.
      wrapper_cls: the class of what ``wrapper_fn`` returns, if it is no class itself.
    """
    _WRAPPERS[optimizer_cls] = wrapper_fn, wrapper_cls or wrapper_fn


def is_mixed_precision_graph_rewrite_enabled() -> bool:
    """Tells whether the rewrite was asked for."""
    return _Switches.rewrite


def set_using_mixed_precision_policy(is_using: bool) -> None:
    """Notes whether a policy of mixed precision is Keras's default."""
    _Switches.policy = is_using


def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """Returns an optimizer that scales its loss, as computing in half precision asks for.

    Args:
      opt: an optimizer.
      loss_scale: a number, ``"dynamic"``, or a ``LossScale``.

    Raises:
      ValueError: ``opt`` is no optimizer, or scales its loss already; or Keras has a policy of mixed precision.
    """
    if _Switches.policy:
        raise ValueError(
            "The mixed precision graph rewrite cannot be enabled, because the global Keras dtype Policy has been set "
            "to a mixed precision policy. At most one of tf.keras.mixed_precision.set_global_policy() and "
            "enable_mixed_precision_graph_rewrite() can be called."
        )
    for _, wrapped in _WRAPPERS.values():
        if isinstance(opt, wrapped):
            raise ValueError(
                f'"opt" must not already be an instance of a {wrapped.__name__}. '
                f"`enable_mixed_precision_graph_rewrite` will automatically wrap the optimizer with a "
                f"{wrapped.__name__}."
            )
    for kind, (wrap, _) in _WRAPPERS.items():
        if isinstance(opt, kind):
            result = wrap(opt, loss_scale)
            _Switches.rewrite = True
            return result
    raise ValueError(
        f'"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but got: {opt}'
    )


def disable_mixed_precision_graph_rewrite() -> None:
    """Takes :func:`enable_mixed_precision_graph_rewrite` back; optimizers that it returned go on scaling."""
    if not _Switches.rewrite:
        logging.warning("disable_mixed_precision_graph_rewrite() called when mixed precision is already disabled.")
    _Switches.rewrite = False
