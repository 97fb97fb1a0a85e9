"""``tf.print`` and ``tf.Print``: showing values while a program runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.control.assert_and_print import print_op, print_v2
from tideflow._src.ops.control.value_text import shown
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op
from tideflow._src.runtime.sparse_tensor import SparseTensor


@op("StringFormat", "inputs: list(T) -> output: string", tier="host", differentiable=False, T=at_least(0))
def string_format(inputs, *, template: str = "%s", placeholder: str = "%s", summarize: int = 3):
    """Writes values into a template, in the place of each ``placeholder``."""
    parts = template.split(placeholder)
    texts = [shown(item, summarize) for item in inputs]
    if len(parts) - 1 != len(texts):
        raise ValueError(f"{len(parts) - 1} placeholder(s) in template does not match {len(texts)} tensor(s) provided.")
    text = parts[0].encode() + b"".join(value + part.encode() for value, part in zip(texts, parts[1:], strict=True))
    return np.array(text, dtype=object)


@string_format.shape
def _string_format_shape(inputs, *, template, placeholder):
    count = template.count(placeholder)
    if count != len(inputs):
        raise ValueError(f"num placeholders in template and num inputs must match: {count} vs. {len(inputs)}")
    return ()


@string_format.samples
def _string_format_samples(s):
    yield s([s.integers(0, 9, (8,), np.int32)], template="x = %s", summarize=2)
    yield s(
        [s.integers(0, 9, (2, 3), np.int64), s.array((), np.float32)],
        template="{} and {}",
        placeholder="{}",
        summarize=-1,
    )
    words = np.array([b"a\n", b"'\"\\", b"\xff\x00\x01", "ä".encode()], object).reshape(2, 2)
    yield s([words, np.float32([1e6, 0.1, 1 / 3, 1e-5]), np.float64([1e15, 1 / 3])], template="%s %s %s", summarize=-1)
    for shape in ((2, 3, 4), (8, 2, 2), (2, 0), (0, 2), (2, 2, 0), (2, 0, 2), (0,)):
        for summarize in (0, 1, 3):
            yield s([np.zeros(shape, np.int32)], summarize=summarize)
    yield s([s.array((2,), np.float32)], template="no place", error="InvalidArgumentError")


#: Writes texts with values between them as one text: the texts, the values, and how many elements to show.
_Writer = Callable[[Sequence[str], Sequence[Any], int | None], Any]

_writers: dict[type, _Writer] = {}


def register_writer(kinds: Sequence[type], writer: _Writer) -> None:
    """Registers the function that writes texts and tensors where instances of classes are among the latter."""
    _writers.update(dict.fromkeys(kinds, writer))


def _writer_of(item: Any) -> _Writer | None:
    return next((_writers[kind] for kind in type(item).__mro__ if kind in _writers), None) if _writers else None


def print_v2_function(*inputs: Any, **options: Any) -> Any:
    """Prints values, eagerly or when a graph runs.

    Args:
      *inputs: tensors, Python values, and structures of those.
      output_stream: ``sys.stderr`` (the default), ``sys.stdout``, or ``"file://path"``.
      summarize: how many elements to show from each end of each dimension; 3 by default, -1 for all.
      sep: what separates the inputs; a space by default.
      end: what follows; a newline by default.
      name: the name of the operation.

    Returns:
      The operation that prints, in a graph; None eagerly.

    Raises:
      ValueError: an unknown keyword argument or output stream.
    """
    stream = options.pop("output_stream", sys.stderr)
    name = options.pop("name", None)
    summarize = options.pop("summarize", 3)
    separator = options.pop("sep", " ")
    end = options.pop("end", "\n")
    if options:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {options}")
    target = _stream_name(stream)
    if (
        len(inputs) == 1
        and isinstance(inputs[0], Tensor)
        and inputs[0].dtype.name == "string"
        and not tuple(inputs[0].shape)
    ):
        text: Any = inputs[0]
        return _emit(text, target, end, name)
    tensors: list[Any] = []
    mark = "␀␀"  # as wide as TensorFlow's, on which it depends where a long structure is broken into lines
    pieces = [_template(item, tensors, mark) for item in inputs]
    template = separator.join(pieces)
    writer = next(filter(None, map(_writer_of, tensors)), None)
    if writer is not None:
        return _emit(writer(template.split(mark), tensors, summarize), target, end, name)
    text = string_format(
        [convert_to_tensor(item) for item in tensors],
        template=template,
        placeholder=mark,
        summarize=-1 if summarize is None else summarize,
    )
    return _emit(text, target, end, name)


def _emit(text: Any, target: str, end: str, name: str | None) -> Any:
    if context.executing_eagerly():
        print_v2(text, output_stream=target, end=end)
        return None
    return print_v2(text, output_stream=target, end=end, name=name or "PrintV2")


def _stream_name(stream: Any) -> str:
    if stream is sys.stderr or stream is sys.__stderr__:
        return "stderr"
    if stream is sys.stdout or stream is sys.__stdout__:
        return "stdout"
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    raise ValueError(
        f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, sys.stderr, "
        "and file://<path>."
    )


def _template(item: Any, tensors: list[Any], mark: str) -> str:
    import pprint  # few programs print such values

    if _is_one_tensor(item):
        tensors.append(item)
        return mark
    if isinstance(item, SparseTensor):
        return repr(_sparse_template(item, tensors, mark))
    if not nest.is_nested(item):
        return item if isinstance(item, str) else pprint.pformat(item)

    def replace(leaf: Any) -> Any:
        if _is_one_tensor(leaf):
            tensors.append(leaf)
            return mark
        if isinstance(leaf, SparseTensor):
            return _sparse_template(leaf, tensors, mark)
        return leaf

    return pprint.pformat(nest.map_structure(replace, item)).replace(repr(mark), mark)


def _is_one_tensor(item: Any) -> bool:
    """Tells whether an item is a tensor, a variable, a ragged tensor, or a tensor whose dtype gives way."""
    return (
        isinstance(item, Tensor)
        or hasattr(item, "_dense_var_to_tensor")
        or getattr(item, "is_weak", False)
        or _writer_of(item) is not None
    )


def _sparse_template(item: SparseTensor, tensors: list[Any], mark: str) -> str:
    """Shows a sparse tensor as a string, quotes and all."""
    tensors += [item.indices, item.values, item.dense_shape]
    return f"SparseTensor(indices={mark}, values={mark}, shape={mark})"


def Print(
    input_: Any,
    data: Any,
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Returns ``input_`` and prints ``data`` to the standard error stream whenever it is computed.

    Args:
      input_: the tensor to pass on.
      data: tensors to print.
      message: what to print before them.
      first_n: how often to print; always by default.
      summarize: how many elements of each to print; 3 by default.
      name: the name of the operation.
    """
    tensors = [convert_to_tensor(item) for item in data]
    return print_op(
        input_,
        tensors,
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name or "Print",
    )
