"""Asks for XLA in programs that are not written as functions: ``tf.xla.experimental``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.function.traced_function import function
from tideflow._src.ops.control.grouping import no_op


def compile(computation: Callable[..., Any], inputs: Sequence[Any] | None = None) -> Any:
    """Builds a function whose run is one program of XLA, and calls it.

    Args:
      computation: a function of tensors that returns tensors.
      inputs: its arguments.

    Returns:
      What `computation` returns: a single tensor as a tuple of one, an operation for None.

    >>> import tideflow as tf
    >>> print(tf.xla.experimental.compile(lambda x: x + 1.0, [tf.constant(2.0)])[0].numpy())
    3.0
    """
    made: Any = function(computation, jit_compile=True)
    result = made(*(inputs or ()))
    if result is None:
        return no_op()
    return result if isinstance(result, list | tuple | dict) else (result,)


@contextlib.contextmanager
def jit_scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """Marks the operations that are made inside as those that XLA is to compile.

    The marks are written into GraphDefs; which tier a program here runs on follows from what it costs.

    Args:
      compile_ops: whether they are marked, or a function that tells that of an operation's NodeDef.
      separate_compiled_gradients: whether gradients get a scope of their own.

    Raises:
      RuntimeError: operations run eagerly.
    """
    del separate_compiled_gradients
    if context.executing_eagerly():
        raise RuntimeError(
            "xla.experimental.jit_scope is not supported when eager execution is enabled. "
            "Try use it inside tf.function."
        )
    marks = {} if callable(compile_ops) else {"_XlaCompile": bool(compile_ops)}
    with context.default_graph()._attr_scope(marks):
        yield
