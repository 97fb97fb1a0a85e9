"""``tf.nondifferentiable_batch_function``: what several runs ask for at the same time is computed at once."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function.traced_function import function
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_numbers = itertools.count()


def batch_function(
    num_batch_threads: int,
    max_batch_size: int,
    batch_timeout_micros: int,
    allowed_batch_sizes: Sequence[int] | None = None,
    max_enqueued_batches: int = 10,
    autograph: bool = True,
    enable_large_batch_splitting: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator: calls of the function in several threads, or runs, at the same time become one.

    The rows of their arguments are joined, the function is called once, and each call gets the rows of its results
    that belong to it. The function must therefore compute each row of its results from the same row of its arguments.
    No gradient goes through it. The batch is computed in the thread of one of the calls.

    Args:
      num_batch_threads: how many batches may be computed at the same time; as many as there are where it is 0.
      max_batch_size: the greatest number of rows of a batch, and of an argument.
      batch_timeout_micros: how long a call waits for others where the batch is not full, in microseconds.
      allowed_batch_sizes: the numbers of rows that the function is called with, ascending; the first row is repeated
        until there are so many. None for all.
      max_enqueued_batches: how many batches may wait.
      autograph: whether statements over tensors become conditionals and loops.
      enable_large_batch_splitting: whether an argument may have more rows than the last of ``allowed_batch_sizes``.

    Returns:
      A decorator for a function of tensors that returns a tensor or a structure of tensors.

    Raises:
      ValueError: when the function is called: an argument is no tensor.
      InvalidArgumentError: when the function is called: an argument has no rows, too many, or not as many as others.
      UnavailableError: when the function is called: too many batches wait.

    >>> import numpy as np
    >>> import tideflow as tf
    >>> @tf.nondifferentiable_batch_function(1, max_batch_size=8, batch_timeout_micros=100)
    ... def double(rows):
    ...     return rows * 2.0
    >>> double(tf.constant([[1.0], [2.0]])).numpy().tolist()
    [[2.0], [4.0]]
    """

    def decorator(python_function: Callable[..., Any]) -> Callable[..., Any]:
        traced = function(python_function, autograph=autograph)
        # Eager calls meet under this name; each call in a graph is a node with a meeting of its own.
        shared_name = f"batch_function_{next(_numbers)}"

        @functools.wraps(python_function)
        def batched(*args: Any) -> Any:
            for item in args:
                if not isinstance(item, Tensor):
                    raise ValueError(
                        "All arguments to functions decorated with `batch_function` are supposed to be Tensors; found "
                        f"{item!r}."
                    )
            specs = [
                TensorSpec(
                    item.shape if not item.shape.rank else [None, *item.shape[1:]], item.dtype, f"batch_{number}"
                )
                for number, item in enumerate(args)
            ]
            concrete = traced.get_concrete_function(*specs)
            graph = concrete.graph
            with name_scope("batch") as name:
                outputs = raw.BatchFunction(
                    list(args),
                    [convert_to_tensor(item) for item in concrete.captured_inputs],
                    f=graph,
                    num_batch_threads=num_batch_threads,
                    max_batch_size=max_batch_size,
                    batch_timeout_micros=batch_timeout_micros,
                    max_enqueued_batches=max_enqueued_batches,
                    allowed_batch_sizes=list(allowed_batch_sizes or []),
                    shared_name=name if context.current_graph() is not None else shared_name,
                    enable_large_batch_splitting=enable_large_batch_splitting,
                    Tout=[output.dtype for output in graph.outputs],
                )
            return nest.pack_sequence_as(concrete.structured_outputs, outputs, expand_composites=True)

        return batched

    return decorator
