"""The update rules of optimizers on some rows of variables, for gradients that are ``IndexedSlices``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.types import FLOATING, INDEX, NUMBER
from tideflow._src.ops.state import update_rules
from tideflow._src.ops.state.update_rules import Rule, check_hyperparameters, sample_inputs, scalar_problem
from tideflow._src.ops.state.variables import merge_shapes
from tideflow._src.runtime.checks import require, unless_failed
from tideflow._src.runtime.op import op
from tideflow._src.runtime.rollback import keep_rows


def _define(
    rule: Rule, name: str, inputs: str, *, switch: str = "", switch_default: bool = False, forms: str = "both"
) -> None:
    """Defines the operations ``name`` and ``Resource{name}`` that apply a rule to the rows ``indices``.

    Args:
      rule: what to do with a row.
      name: the name of the operation on references.
      inputs: the names of its inputs besides the variables, in order.
      switch: the name of the rule's own attribute, if it has one.
      switch_default: the default of that attribute.
      forms: ``"both"``, or ``"resource"`` where TensorFlow has only that.
    """
    names = inputs.split()
    kernel = _kernel(rule, names, switch, switch_default)
    types = {"indices": "Tindices", "global_step": "int64"}
    rest = ", ".join(f"{item}: {types.get(item, 'T')}" for item in names)
    options: dict[str, Any] = {
        "T": NUMBER,
        "Tindices": INDEX,
        "updates": tuple(rule.state),
        "in_place": True,
        "differentiable": False,
    }
    if forms == "both":
        held = ", ".join(f"{item}: Ref(T)" for item in rule.state)
        reference = op(name, f"{held}, {rest} -> out: Ref(T)", **options)(kernel)
        reference.shape(_shape_rule(rule, names, has_output=True))
        reference.samples(_samples(rule, names, "reference", switch, switch_default))
    held = ", ".join(f"{item}: resource" for item in rule.state)
    resource = op(f"Resource{name}", f"{held}, {rest} ->", stateful=True, **options)(kernel)
    resource.shape(_shape_rule(rule, names, has_output=False))
    resource.samples(_samples(rule, names, "variable", switch, switch_default))


def _kernel(rule: Rule, names: list[str], switch: str, switch_default: bool) -> Callable[..., Any]:
    def apply(xp: Any, inputs: tuple[Any, ...], **attributes: Any) -> Any:
        return _apply_rows(xp, rule, names, inputs, attributes)

    if not switch:

        def plain(xp: Any, *inputs: Any, use_locking: bool = False) -> Any:
            return apply(xp, inputs)

        kernel: Callable[..., Any] = plain
    elif switch == "use_nesterov":

        def nesterov(xp: Any, *inputs: Any, use_locking: bool = False, use_nesterov: bool = switch_default) -> Any:
            return apply(xp, inputs, use_nesterov=use_nesterov)

        kernel = nesterov
    elif switch == "update_slots":

        def slots(xp: Any, *inputs: Any, use_locking: bool = False, update_slots: bool = switch_default) -> Any:
            return apply(xp, inputs, update_slots=update_slots)

        kernel = slots
    else:

        def linear(
            xp: Any, *inputs: Any, use_locking: bool = False, multiply_linear_by_lr: bool = switch_default
        ) -> Any:
            return apply(xp, inputs, multiply_linear_by_lr=multiply_linear_by_lr)

        kernel = linear
    kernel.__doc__ = f"Applies an update to the rows that ``indices`` names. {rule.function.__doc__}"
    return kernel


def _apply_rows(xp: Any, rule: Rule, names: list[str], inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    count = len(rule.state)
    state = inputs[:count]
    values = dict(zip(names, inputs[count:], strict=True))
    indices, grad = values["indices"], values["grad"]
    _check(rule, names, inputs, xp)
    if rule.function.__name__ in ("ftrl", "ftrl_v2", "proximal_adagrad"):
        check_hyperparameters(values, zero_rate=attributes.get("multiply_linear_by_lr", False))

    def new_rows(rows: list[Any], gradient: Any) -> tuple[Any, ...]:
        arguments = [gradient if name in ("grad", "delta") else values[name] for name in rule.inputs]
        result = rule.function(xp, *rows, *arguments, **attributes)
        return result if isinstance(result, tuple) else (result,)

    if xp is np:
        result: Any = _on_host(state, indices, grad, new_rows)
    else:
        result = _compiled(xp, state, indices, grad, new_rows)
    return result[0] if count == 1 else result


def _on_host(state: tuple[Any, ...], indices: Any, grad: Any, new_rows: Callable[..., Any]) -> Any:
    """Updates the rows in rounds, so that a row named twice is updated twice, one after the other."""
    left = np.arange(len(indices))
    while len(left):
        _, first = np.unique(indices[left], return_index=True)
        now = left[first]
        where = indices[now]
        old = [item[where] for item in state]
        for target, before, rows in zip(state, old, new_rows(old, grad[now]), strict=True):
            keep_rows(target, where, before)
            target[where] = rows
        left = np.delete(left, first)
    return state


def _compiled(xp: Any, state: tuple[Any, ...], indices: Any, grad: Any, new_rows: Callable[..., Any]) -> Any:
    """Updates all rows at once, or one after the other if some row is named twice."""
    from tideflow._src.runtime.lazy import lax  # loads JAX

    if not indices.shape[0]:
        return state
    indices, grad = xp.asarray(unless_failed(indices, state[0].shape[0])), xp.asarray(grad)

    def together(state: tuple[Any, ...]) -> tuple[Any, ...]:
        rows = new_rows([item[indices] for item in state], grad)
        return tuple(item.at[indices].set(new) for item, new in zip(state, rows, strict=True))

    def one_by_one(state: tuple[Any, ...]) -> tuple[Any, ...]:
        def step(position: Any, current: tuple[Any, ...]) -> tuple[Any, ...]:
            where = indices[position]
            rows = new_rows([item[where] for item in current], grad[position])
            return tuple(item.at[where].set(new) for item, new in zip(current, rows, strict=True))

        return lax.fori_loop(0, indices.shape[0], step, state)

    ordered = xp.sort(indices)
    return lax.cond(xp.any(ordered[1:] == ordered[:-1]), one_by_one, together, state)


def _check(rule: Rule, names: list[str], inputs: tuple[Any, ...], xp: Any) -> None:
    count = len(rule.state)
    shapes = [np.shape(item) for item in inputs]
    values = dict(zip(names, shapes[count:], strict=True))
    shape = shapes[0]
    problem = ""
    if not shape:
        problem = "var must be at least 1 dimensional"
    for name, other in zip(rule.state[1:], shapes[1:count], strict=True):
        if other != shape:
            problem = f"var and {name} do not have the same shape{list(shape)} {list(other)}"
    problem = problem or scalar_problem(names, shapes[count:])
    indices, grad = values["indices"], values["grad"]
    if not problem and len(indices) != 1:
        problem = f"indices must be one-dimensional, got shape {list(indices)}"
    if not problem and grad != (*indices, *shape[1:]):
        problem = (
            f"grad must have the shape of indices {list(indices)} followed by that of a row of var "
            f"{list(shape[1:])}, got {list(grad)}"
        )
    if problem:
        raise InvalidArgumentError(None, None, problem)
    index = inputs[count + names.index("indices")]
    bad = (index < 0) | (index >= shape[0])
    if xp is not np:
        require(~xp.any(bad), f"indices is out of range [0, {shape[0]})")
    elif bad.any():
        offset = int(np.argmax(bad))
        raise InvalidArgumentError(
            None, None, f"Index {int(index[offset])} at offset {offset} in indices is out of range"
        )


def _shape_rule(rule: Rule, names: list[str], *, has_output: bool) -> Callable[..., Any]:
    count = len(rule.state)

    def infer(*shapes: Any) -> Any:
        values = _checked_scalars(names, shapes[count:])
        result = shapes[0]
        for shape in shapes[1:count]:
            result = merge_shapes(result, shape)
        grad = values["grad"]
        if result is not None and grad is not None:
            merge_shapes((values["indices"] or (None,))[:1] + result[1:], grad)
        return result if has_output else []

    return infer


def _checked_scalars(names: list[str], shapes: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(names, shapes, strict=True))
    problem = scalar_problem(names, list(shapes))
    if problem:
        raise ValueError(f"Shape must be rank 0: {problem}")
    if values["indices"] is not None and len(values["indices"]) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(values['indices'])} for indices")
    return values


def _samples(rule: Rule, names: list[str], holder: str, switch: str, switch_default: bool) -> Callable[..., Any]:
    def inputs(s: Any, dtype: Any, indices: Any) -> list[Any]:
        values = sample_inputs(s, rule, holder, dtype, (4, 2))
        values["indices"] = indices
        values["grad"] = s.array((len(indices), 2), dtype)
        values.pop("delta", None)
        return [values[name] for name in (*rule.state, *names)]

    def samples(s: Any) -> Any:
        for dtype in FLOATING:
            loose = 0.05 if dtype in ("half", "bfloat16") else None
            yield s(*inputs(s, dtype, np.array([3, 0], np.int32)), tolerance=loose)
        yield s(*inputs(s, "float32", np.array([1, 2, 1], np.int64)))
        yield s(*inputs(s, "float32", np.zeros((0,), np.int32)))
        if switch:
            yield s(*inputs(s, "float32", np.array([1, 2], np.int32)), **{switch: not switch_default})
        yield s(*inputs(s, "float32", np.array([4], np.int32)), error="InvalidArgumentError")

    return samples


_define(update_rules.adagrad, "SparseApplyAdagrad", "lr grad indices", switch="update_slots", switch_default=True)
_define(
    update_rules.adagrad_v2,
    "SparseApplyAdagradV2",
    "lr epsilon grad indices",
    switch="update_slots",
    switch_default=True,
)
_define(update_rules.adagrad_dual_averaging, "SparseApplyAdagradDA", "grad indices lr l1 l2 global_step")
_define(update_rules.momentum_descent, "SparseApplyMomentum", "lr grad indices momentum", switch="use_nesterov")
_define(
    update_rules.keras_momentum,
    "SparseApplyKerasMomentum",
    "lr grad indices momentum",
    switch="use_nesterov",
    forms="resource",
)
_define(update_rules.adadelta, "SparseApplyAdadelta", "lr rho epsilon grad indices")
_define(update_rules.rms_prop, "SparseApplyRMSProp", "lr rho momentum epsilon grad indices")
_define(update_rules.centered_rms_prop, "SparseApplyCenteredRMSProp", "lr rho momentum epsilon grad indices")
_define(update_rules.ftrl, "SparseApplyFtrl", "grad indices lr l1 l2 lr_power", switch="multiply_linear_by_lr")
_define(
    update_rules.ftrl_v2,
    "SparseApplyFtrlV2",
    "grad indices lr l1 l2 l2_shrinkage lr_power",
    switch="multiply_linear_by_lr",
)
_define(
    update_rules.proximal_gradient_descent,
    "SparseApplyProximalGradientDescent",
    "alpha l1 l2 grad indices",
)
_define(update_rules.proximal_adagrad, "SparseApplyProximalAdagrad", "lr l1 l2 grad indices")
