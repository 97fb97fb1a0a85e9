"""The update rules of optimizers as operations: dense ones on variables, sparse ones on some of their rows.

A rule is one pure function of state, hyperparameters and gradient that returns the new state. From it come
four operations: on reference and on resource variables, for a whole gradient and, in
:mod:`.sparse_updates`, for the rows that ``indices`` names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.types import FLOATING, NUMBER
from tideflow._src.ops.state.variables import merge_shapes
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op


class Rule:
    """Is an update rule with the names that its operations need.

    Attributes:
      name: the name of the dense operation on references, such as ``ApplyAdam``.
      state: the names of the variables that the rule updates, in order; the first is the variable itself.
      inputs: the names of the other inputs, in order.
      function: ``function(xp, *state, *inputs, **attributes)`` returns the new state.
    """

    def __init__(self, name: str, state: str, inputs: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.state = state.split()
        self.inputs = inputs.split()
        self.function = function


def rule(
    name: str, state: str, inputs: str, *, forms: str = "both", infers: bool = False
) -> Callable[[Callable[..., Any]], Rule]:
    """Defines the operations ``name`` and ``Resource{name}`` from the decorated function.

    Args:
      name: the name of the operation on references.
      state: the names of the variables that it updates.
      inputs: the names of its other inputs.
      forms: ``"both"``, or ``"resource"`` where TensorFlow has only that.
      infers: whether TensorFlow compares the gradient's shape with the variable's while a graph with resource
        variables is built; elsewhere it does so when the graph runs.
    """

    def define(function: Callable[..., Any]) -> Rule:
        made = Rule(name, state, inputs, function)
        kernel = _checked(made)
        rest = ", ".join(f"{item}: {'int64' if item == 'global_step' else 'T'}" for item in made.inputs)
        options: dict[str, Any] = {"T": NUMBER, "updates": tuple(made.state), "differentiable": False}
        if forms == "both":
            held = ", ".join(f"{item}: Ref(T)" for item in made.state)
            reference = op(name, f"{held}, {rest} -> out: Ref(T)", **options)(kernel)
            reference.shape(_shape_rule(made, has_output=True, infers=True))
            reference.samples(_samples(made, "reference"))
        held = ", ".join(f"{item}: resource" for item in made.state)
        resource = op(f"Resource{name}", f"{held}, {rest} ->", stateful=True, **options)(kernel)
        resource.shape(_shape_rule(made, has_output=False, infers=infers))
        resource.samples(_samples(made, "variable"))
        return made

    return define


def settled(xp: Any, *slots: Any) -> Any:
    """Returns new values of slots such that a compiled step reads them rather than computes them again.

    Without this XLA computes them once for the slot and once for the step; the step then needs the old slot too, which
    can no longer be overwritten in place, so that every donated slot is copied: a small network's step with Adam took
    1.16 times as long as the same step in JAX, and then 1.04 times.
    """
    return slots if xp is np else lax.optimization_barrier(slots)


def scalar_problem(names: list[str], shapes: list[Any]) -> str:
    """Returns what is wrong with the hyperparameters' shapes, or an empty string."""
    for name, shape in zip(names, shapes, strict=True):
        if shape and name not in ("grad", "delta", "indices"):
            return f"{name} is not a scalar: {list(shape)}"
    return ""


def _checked(made: Rule) -> Callable[..., Any]:
    """Adds the checks of shapes to a rule: NumPy would broadcast where the operation must not."""
    function = made.function
    count = len(made.state)
    gradient = count + next(i for i, item in enumerate(made.inputs) if item in ("grad", "delta"))
    same = [*range(1, count), gradient]

    @functools.wraps(function)
    def kernel(xp: Any, *inputs: Any, **attributes: Any) -> Any:
        shape = inputs[0].shape
        for index in same:
            if inputs[index].shape != shape:
                raise _mismatch(made, index, inputs)
        for index in range(count, len(inputs)):
            if index != gradient and inputs[index].shape:
                problem = scalar_problem(made.inputs, [np.shape(item) for item in inputs[count:]])
                raise InvalidArgumentError(None, None, problem)
        if function.__name__ == "proximal_adagrad":
            check_hyperparameters(dict(zip(made.inputs, inputs[count:], strict=True)))
        return function(xp, *inputs, **attributes)

    return kernel


def check_hyperparameters(values: dict[str, Any], *, zero_rate: bool = False) -> None:
    """Rejects hyperparameters, by name, with which the proximal and FTRL rules have no meaning.

    Raises:
      InvalidArgumentError: the learning rate is not positive, a regularization is negative or the power positive.
    """
    for name, value in values.items():
        if name == "lr":
            require(value >= 0 if zero_rate else value > 0, "lr is not a positive scalar")
        elif name in ("l1", "l2", "l2_shrinkage"):
            require(value >= 0, f"{name} regularization strength is not a non-negative scalar")
        elif name == "lr_power":
            require(value <= 0, "lr_power is not a non-positive scalar")


def _mismatch(made: Rule, index: int, inputs: Any) -> InvalidArgumentError:
    names = [*made.state, *made.inputs]
    return InvalidArgumentError(
        None,
        None,
        f"var and {names[index]} do not have the same shape{list(np.shape(inputs[0]))} {list(np.shape(inputs[index]))}",
    )


def _shape_rule(made: Rule, *, has_output: bool, infers: bool) -> Callable[..., Any]:
    count = len(made.state)

    def infer(*shapes: Any) -> Any:
        problem = scalar_problem(made.inputs, list(shapes[count:]))
        if problem:
            raise ValueError(f"Shape must be rank 0: {problem}")
        result = shapes[0]
        for name, shape in zip((*made.state, *made.inputs), shapes, strict=True):
            if name in made.state or (infers and name in ("grad", "delta")):
                result = merge_shapes(result, shape)
        return result if has_output else []

    return infer


#: Reasonable values of hyperparameters in samples.
_TYPICAL = {
    "lr": 0.1, "alpha": 0.1, "beta1": 0.9, "beta2": 0.99, "beta1_power": 0.81, "beta2_power": 0.9,
    "epsilon": 0.01, "rho": 0.9, "momentum": 0.8, "l1": 0.02, "l2": 0.05, "l2_shrinkage": 0.03,
    "lr_power": -0.5, "sign_decay": 0.9, "beta": 0.8, "logbase": 0.7, "global_step": 3,
}  # fmt: skip


def sample_inputs(s: Any, made: Rule, holder: str, dtype: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Returns a value for each input of a rule's operation, by name."""
    hold = getattr(s, holder)
    values: dict[str, Any] = {}
    for position, name in enumerate(made.state):
        draw = s.array if not position or name in ("linear", "gradient_accumulator") else s.positive
        values[name] = hold(draw(shape, dtype))
    for name in made.inputs:
        if name in ("grad", "delta"):
            values[name] = s.array(shape, dtype)
        elif name == "global_step":
            values[name] = np.int64(_TYPICAL[name])
        else:
            values[name] = np.asarray(_TYPICAL[name], s._cast(np.zeros(()), dtype).dtype)
    return values


def _samples(made: Rule, holder: str) -> Callable[..., Any]:
    keywords = made.function.__kwdefaults__ or {}
    switches = [name for name in keywords if name != "use_locking"]

    def samples(s: Any) -> Any:
        for dtype in FLOATING:
            loose = 0.05 if dtype in ("half", "bfloat16") else None
            yield s(*sample_inputs(s, made, holder, dtype, (2, 3)).values(), tolerance=loose)
        yield s(*sample_inputs(s, made, holder, "float32", ()).values())
        yield s(*sample_inputs(s, made, holder, "float32", (0, 2)).values())
        for name in switches:
            values = sample_inputs(s, made, holder, "float32", (2, 3)).values()
            yield s(*values, **{name: not keywords[name]})
        if "l1" in made.inputs:
            values_by_name = sample_inputs(s, made, holder, "float32", (2, 3))
            values_by_name["l1"] = np.float32(0.0)
            yield s(*values_by_name.values())
        if "lr_power" in made.inputs:
            values_by_name = sample_inputs(s, made, holder, "float32", (2, 3))
            values_by_name["lr_power"] = np.float32(-0.7)
            yield s(*values_by_name.values())
        wrong = sample_inputs(s, made, holder, "float32", (2, 3))
        wrong["grad" if "grad" in wrong else "delta"] = s.normal(3)
        yield s(*wrong.values(), error="ValueError" if holder == "reference" else "InvalidArgumentError")
        if made.function.__name__ == "proximal_adagrad":
            for name in ("lr", "l1", "l2"):
                wrong = sample_inputs(s, made, holder, "float32", (2, 3))
                wrong[name] = np.float32(-0.1)
                yield s(*wrong.values(), error="InvalidArgumentError")
        wrong = sample_inputs(s, made, holder, "float32", (2, 3))
        wrong["lr" if "lr" in wrong else "alpha"] = s.normal(2)
        yield s(*wrong.values(), error="ValueError" if holder == "reference" else "InvalidArgumentError")

    return samples


# The rules.


@rule("ApplyGradientDescent", "var", "alpha delta", infers=True)
def gradient_descent(xp, var, alpha, delta, *, use_locking: bool = False):
    """Takes a step of ``alpha`` down the gradient."""
    step = delta * alpha
    return np.subtract(var, step, out=step) if xp is np and step.ndim else var - step


@rule("ApplyMomentum", "var accum", "lr grad momentum")
def momentum_descent(xp, var, accum, lr, grad, momentum, *, use_locking: bool = False, use_nesterov: bool = False):
    """Accumulates gradients with decay and steps along the sum (Polyak 1964; Nesterov's form looks ahead)."""
    new_accum = accum * momentum + grad
    if use_nesterov:
        return var - (grad * lr + new_accum * (momentum * lr)), new_accum
    step = new_accum * lr
    return np.subtract(var, step, out=step) if xp is np and step.ndim else var - step, new_accum


@rule("ApplyKerasMomentum", "var accum", "lr grad momentum", forms="resource")
def keras_momentum(xp, var, accum, lr, grad, momentum, *, use_locking: bool = False, use_nesterov: bool = False):
    """Accumulates steps, each already scaled by the learning rate, with decay."""
    step = grad * lr
    new_accum = accum * momentum - step
    return (var + new_accum * momentum - step if use_nesterov else var + new_accum), new_accum


@rule("ApplyAdam", "var m v", "beta1_power beta2_power lr beta1 beta2 epsilon grad")
def adam(
    xp,
    var,
    m,
    v,
    beta1_power,
    beta2_power,
    lr,
    beta1,
    beta2,
    epsilon,
    grad,
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
):
    """Steps by the gradient's running mean over the root of its running square (Kingma and Ba 2014)."""
    one = lr.dtype.type(1)
    rate = lr * xp.sqrt(one - beta2_power) / (one - beta1_power)
    if xp is np and var.ndim:
        return _adam_on_host(var, m, v, rate, beta1, beta2, epsilon, grad, use_nesterov)
    new_m, new_v = settled(xp, m + (grad - m) * (one - beta1), v + (grad * grad - v) * (one - beta2))
    direction = grad * (one - beta1) + beta1 * new_m if use_nesterov else new_m
    return var - (direction * rate) / (xp.sqrt(new_v) + epsilon), new_m, new_v


def _adam_on_host(
    var: Any, m: Any, v: Any, rate: Any, beta1: Any, beta2: Any, epsilon: Any, grad: Any, use_nesterov: bool
) -> Any:
    """The same with four allocations instead of twelve."""
    one = rate.dtype.type(1)
    new_m = grad - m
    new_m *= one - beta1
    new_m += m
    new_v = grad * grad
    new_v -= v
    new_v *= one - beta2
    new_v += v
    root = np.sqrt(new_v)
    root += epsilon
    step = grad * (one - beta1) + beta1 * new_m if use_nesterov else new_m
    step = step * rate
    step /= root
    return np.subtract(var, step, out=step), new_m, new_v


@rule(
    "ApplyAdamWithAmsgrad",
    "var m v vhat",
    "beta1_power beta2_power lr beta1 beta2 epsilon grad",
    forms="resource",
)
def adam_with_amsgrad(
    xp,
    var,
    m,
    v,
    vhat,
    beta1_power,
    beta2_power,
    lr,
    beta1,
    beta2,
    epsilon,
    grad,
    *,
    use_locking: bool = False,
):
    """Is Adam with the largest running square so far in the denominator (Reddi et al. 2018)."""
    one = lr.dtype.type(1)
    rate = lr * xp.sqrt(one - beta2_power) / (one - beta1_power)
    new_m = m + (grad - m) * (one - beta1)
    new_v = v + (grad * grad - v) * (one - beta2)
    largest = xp.maximum(vhat, new_v)
    return var - (new_m * rate) / (xp.sqrt(largest) + epsilon), new_m, new_v, largest


@rule("ApplyAdaMax", "var m v", "beta1_power lr beta1 beta2 epsilon grad")
def ada_max(xp, var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad, *, use_locking: bool = False):
    """Is Adam with the infinity norm (Kingma and Ba 2014, section 7)."""
    one = lr.dtype.type(1)
    new_m = m + (grad - m) * (one - beta1)
    new_v = xp.maximum(beta2 * v, xp.abs(grad))
    return var - lr / (one - beta1_power) * (new_m / (new_v + epsilon)), new_m, new_v


@rule("ApplyAdagrad", "var accum", "lr grad")
def adagrad(xp, var, accum, lr, grad, *, use_locking: bool = False, update_slots: bool = True):
    """Divides each step by the root of the sum of squared gradients (Duchi et al. 2011)."""
    new_accum = accum + grad * grad if update_slots else accum
    return var - (grad * lr) / xp.sqrt(new_accum), new_accum


@rule("ApplyAdagradV2", "var accum", "lr epsilon grad")
def adagrad_v2(xp, var, accum, lr, epsilon, grad, *, use_locking: bool = False, update_slots: bool = True):
    """Is Adagrad with ``epsilon`` added to the denominator."""
    new_accum = accum + grad * grad if update_slots else accum
    return var - (grad * lr) / (xp.sqrt(new_accum) + epsilon), new_accum


@rule(
    "ApplyAdagradDA",
    "var gradient_accumulator gradient_squared_accumulator",
    "grad lr l1 l2 global_step",
)
def adagrad_dual_averaging(
    xp,
    var,
    gradient_accumulator,
    gradient_squared_accumulator,
    grad,
    lr,
    l1,
    l2,
    global_step,
    *,
    use_locking: bool = False,
):
    """Is Adagrad by dual averaging: the variable follows from the sums alone (Duchi et al. 2011)."""
    total = gradient_accumulator + grad
    squares = gradient_squared_accumulator + grad * grad
    steps = global_step.astype(var.dtype)
    shrunk = xp.sign(total) * xp.maximum(xp.abs(total) - l1 * steps, var.dtype.type(0))
    numerator = xp.where(l1 > 0, shrunk, total)
    return -lr * numerator / (l2 * steps * lr + xp.sqrt(squares)), total, squares


@rule("ApplyAdadelta", "var accum accum_update", "lr rho epsilon grad")
def adadelta(xp, var, accum, accum_update, lr, rho, epsilon, grad, *, use_locking: bool = False):
    """Scales steps by the ratio of running roots of squared updates and gradients (Zeiler 2012)."""
    rest = rho.dtype.type(1) - rho
    new_accum = accum * rho + grad * grad * rest
    update = xp.sqrt(accum_update + epsilon) / xp.sqrt(new_accum + epsilon) * grad
    return var - update * lr, new_accum, accum_update * rho + update * update * rest


@rule("ApplyRMSProp", "var ms mom", "lr rho momentum epsilon grad")
def rms_prop(xp, var, ms, mom, lr, rho, momentum, epsilon, grad, *, use_locking: bool = False):
    """Divides the gradient by the root of its running square (Tieleman and Hinton 2012)."""
    new_ms = ms + (grad * grad - ms) * (rho.dtype.type(1) - rho)
    new_mom = mom * momentum + (grad * lr) / xp.sqrt(new_ms + epsilon)
    return var - new_mom, new_ms, new_mom


@rule("ApplyCenteredRMSProp", "var mg ms mom", "lr rho momentum epsilon grad")
def centered_rms_prop(xp, var, mg, ms, mom, lr, rho, momentum, epsilon, grad, *, use_locking: bool = False):
    """Divides the gradient by its running standard deviation (Graves 2013)."""
    rest = rho.dtype.type(1) - rho
    new_ms = ms + (grad * grad - ms) * rest
    new_mg = mg + (grad - mg) * rest
    new_mom = mom * momentum + (grad * lr) / xp.sqrt(new_ms - new_mg * new_mg + epsilon)
    return var - new_mom, new_mg, new_ms, new_mom


def _ftrl(
    xp: Any,
    var: Any,
    accum: Any,
    linear: Any,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    shrunk_grad: Any,
    lr_power: Any,
    multiply_linear_by_lr: bool,
) -> Any:
    """Follows the regularized leader, with a rate for each coordinate (McMahan et al. 2013)."""
    new_accum = accum + grad * grad
    new_power, power = new_accum**-lr_power, accum**-lr_power
    if multiply_linear_by_lr:
        new_linear = linear + shrunk_grad * lr - (new_power - power) * var
        threshold, quadratic = l1 * lr, new_power + 2 * l2 * lr
    else:
        new_linear = linear + shrunk_grad - (new_power - power) / lr * var
        threshold, quadratic = l1, new_power / lr + 2 * l2
    zero = var.dtype.type(0)
    kept = (threshold * xp.sign(new_linear) - new_linear) / quadratic
    return xp.where(xp.abs(new_linear) > threshold, kept, zero).astype(var.dtype), new_accum, new_linear


@rule("ApplyFtrl", "var accum linear", "grad lr l1 l2 lr_power")
def ftrl(
    xp,
    var,
    accum,
    linear,
    grad,
    lr,
    l1,
    l2,
    lr_power,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
):
    """Follows the regularized leader."""
    return _ftrl(xp, var, accum, linear, grad, lr, l1, l2, grad, lr_power, multiply_linear_by_lr)


@rule("ApplyFtrlV2", "var accum linear", "grad lr l1 l2 l2_shrinkage lr_power")
def ftrl_v2(
    xp,
    var,
    accum,
    linear,
    grad,
    lr,
    l1,
    l2,
    l2_shrinkage,
    lr_power,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
):
    """Follows the regularized leader, with a shrinkage penalty on the gradient."""
    shrunk = grad + 2 * l2_shrinkage * var
    return _ftrl(xp, var, accum, linear, grad, lr, l1, l2, shrunk, lr_power, multiply_linear_by_lr)


@rule("ApplyAddSign", "var m", "lr alpha sign_decay beta grad")
def add_sign(xp, var, m, lr, alpha, sign_decay, beta, grad, *, use_locking: bool = False):
    """Lengthens steps whose sign agrees with the running mean's (Bello et al. 2017)."""
    new_m = m * beta + grad * (beta.dtype.type(1) - beta)
    agreement = xp.sign(grad) * xp.sign(new_m)
    return var - lr * (alpha + sign_decay * agreement) * grad, new_m


@rule("ApplyPowerSign", "var m", "lr logbase sign_decay beta grad")
def power_sign(xp, var, m, lr, logbase, sign_decay, beta, grad, *, use_locking: bool = False):
    """Scales steps by a power whose exponent is the agreement of signs (Bello et al. 2017)."""
    new_m = m * beta + grad * (beta.dtype.type(1) - beta)
    agreement = xp.sign(grad) * xp.sign(new_m)
    return var - lr * xp.exp(logbase * sign_decay * agreement) * grad, new_m


def _proximal(xp: Any, stepped: Any, rate: Any, l1: Any, l2: Any) -> Any:
    """Shrinks towards zero what a gradient step gave: the proximal map of the L1 and L2 penalties."""
    shrunk = xp.sign(stepped) * xp.maximum(xp.abs(stepped) - rate * l1, stepped.dtype.type(0))
    return xp.where(l1 > 0, shrunk, stepped) / (rate.dtype.type(1) + l2 * rate)


@rule("ApplyProximalGradientDescent", "var", "alpha l1 l2 delta")
def proximal_gradient_descent(xp, var, alpha, l1, l2, delta, *, use_locking: bool = False):
    """Takes a gradient step, then shrinks (forward-backward splitting, Duchi and Singer 2009)."""
    return _proximal(xp, var - delta * alpha, alpha, l1, l2)


@rule("ApplyProximalAdagrad", "var accum", "lr l1 l2 grad", infers=True)
def proximal_adagrad(xp, var, accum, lr, l1, l2, grad, *, use_locking: bool = False):
    """Takes an Adagrad step, then shrinks."""
    new_accum = accum + grad * grad
    rate = lr / xp.sqrt(new_accum)
    return _proximal(xp, var - grad * rate, rate, l1, l2), new_accum
