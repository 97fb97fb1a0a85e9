"""Defines ``dataset_op``, the decorator of operations that return a dataset."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tideflow._src.graph.op_def import at_least
from tideflow._src.runtime.op import Op, op


def dataset_op(name: str, inputs: str, *, stateful: bool = False, output: str = "handle", **constraints: Any) -> Any:
    """Defines the operation ``name`` from the decorated kernel, which returns a stage.

    Args:
      name: TensorFlow's name of the operation.
      inputs: the inputs, as in a signature.
      stateful: whether TensorFlow calls it stateful.
      output: the name of the output.
      constraints: those of attributes; ``output_types`` and ``output_shapes`` have at least one item.
    """

    def define(kernel: Callable[..., Any]) -> Op:
        for attribute in ("output_types", "output_shapes"):
            if attribute in (kernel.__kwdefaults__ or {}) or attribute in kernel.__annotations__:
                constraints.setdefault(attribute, at_least(1))

        @functools.wraps(kernel)
        def remembering(*values: Any, **attributes: Any) -> Any:
            stage = kernel(*values, **attributes)
            if stage.made_by is None:
                stage.made_by = name, values, attributes
            return stage

        made = op(
            name, f"{inputs} -> {output}: variant", tier="host", stateful=stateful, differentiable=False, **constraints
        )(remembering)
        made.shape(_scalar)
        return made

    return define


def _scalar(*inputs: Any) -> tuple[int, ...]:
    """Is the shape rule: a dataset is a scalar."""
    return ()
