"""``tf.contrib.summary`` of TensorFlow 1.x: summaries that are written where the graph runs, by the global step.

TensorFlow 2 keeps these functions in a private module, ``tensorflow.python.ops.summary_ops_v2``, beside the public
ones. What differs from ``tf.summary`` of TensorFlow 2: the values are those of 1.x (``simple_value``, ``histo``...),
the step is the global step by default, and nothing is recorded unless a program says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.dtypes import float32
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.conditional import cond
from tideflow._src.function.name_scopes import get_current_name_scope
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.identity import identity, no_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.comparison import equal
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.devices import device
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.summary.graph_summaries import scope_of_summary
from tideflow._src.summary.recording import checked_step, record_if, recording_condition, state
from tideflow._src.summary.recording import should_record_summaries as should_record_summaries
from tideflow._src.summary.writers import (
    WRITER_INITIALIZERS,
    FileSummaryWriter,
    NoopSummaryWriter,
    SummaryWriter,
    serialized_graph,
)
from tideflow._src.summary.writers import flush as _flush
from tideflow._src.summary.writers import has_default_writer as has_default_writer
from tideflow._src.summary.writers import initialize as initialize
from tideflow._src.summary.writing import all_v2_summary_ops as all_v2_summary_ops
from tideflow._src.summary.writing import import_event as import_event
from tideflow._src.train.global_step import get_or_create_global_step

#: The name that other packages read the state under.
_summary_state = state


def all_summary_ops() -> Any:
    """Returns what writes these summaries in the default graph; None during eager execution."""
    return all_v2_summary_ops()


def create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: str | None = None,
) -> SummaryWriter:
    """Returns a writer of an event file.

    Args:
      logdir: the folder; None for a writer that does nothing.
      max_queue: how many summaries gather before they are written; 10 if None.
      flush_millis: the longest time that one waits, in milliseconds; 120,000 if None.
      filename_suffix: the end of the file's name; ``.v2`` if None.
      name: the name of the writer. Two writers of one name are one; by default the folder names it.
    """
    if logdir is None:
        return NoopSummaryWriter()
    arguments = {
        "logdir": str(logdir),
        "max_queue": 10 if max_queue is None else max_queue,
        "flush_millis": 2 * 60 * 1000 if flush_millis is None else flush_millis,
        "filename_suffix": ".v2" if filename_suffix is None else filename_suffix,
    }
    with device("cpu:0"):
        return FileSummaryWriter(f"logdir:{logdir}" if name is None else name, None, arguments)


def create_summary_file_writer(*args: Any, **kwargs: Any) -> SummaryWriter:
    """Returns a writer: `create_file_writer` under its older name."""
    get_logger().warning("Deprecation Warning: create_summary_file_writer was renamed to create_file_writer")
    return create_file_writer(*args, **kwargs)


def summary_writer_initializer_op() -> list[Any]:
    """Returns the operations that make the files of the default graph's writers.

    Raises:
      RuntimeError: execution is eager.
    """
    if context.executing_eagerly():
        raise RuntimeError("tf.contrib.summary.summary_writer_initializer_op is only supported in graph mode.")
    return context.current_graph().get_collection(WRITER_INITIALIZERS)  # type: ignore[no-any-return]


def is_recording_summaries() -> Any:
    """Returns what `record_if` was given, or False outside it and without a writer."""
    if state.writer is None or state.is_recording is None:
        return False
    return state.is_recording


def record_summaries_every_n_global_steps(n: int, global_step: Any = None) -> Any:
    """Returns a context in which summaries are recorded at every n-th step."""
    step = get_or_create_global_step() if global_step is None else global_step

    def due() -> Any:
        return equal(step % n, 0)

    return record_if(due if context.executing_eagerly() else due())


def always_record_summaries() -> Any:
    """Returns a context in which summaries are recorded."""
    return record_if(True)


def never_record_summaries() -> Any:
    """Returns a context in which no summary is recorded."""
    return record_if(False)


def eval_dir(model_dir: str, name: str | None = None) -> str:
    """Returns the folder for summaries of an evaluation."""
    return os.path.join(model_dir, "eval" if not name else f"eval_{name}")


def _choose_step(step: Any) -> Any:
    return get_or_create_global_step() if step is None else checked_step(step)


def summary_writer_function(
    name: str, tensor: Any, function: Callable[[str, str], Any], family: str | None = None
) -> Any:
    """Writes a summary if there is a writer and a program says that summaries are recorded.

    Args:
      name: the name of the summary.
      tensor: what it is about.
      function: takes the tag and the name of the scope, and writes.
      family: a prefix of the tag, by which TensorBoard groups.

    Returns:
      Whether it was written; an operation that does nothing without a writer.
    """
    del tensor
    if state.writer is None:
        return no_op()
    around = get_current_name_scope()

    def record() -> Any:
        # The tag does not tell of the condition.
        with name_scope(f"{around}/" if around else ""), scope_of_summary(name, family) as (tag, scope):
            written = function(tag, scope)
            with control_dependencies([] if written is None else [written]):
                return constant(True)

    with device("cpu:0"):
        condition = recording_condition(False)
        known = static_value(condition)
        if known is None:
            result = cond(condition, record, lambda: constant(False), name="summary_cond")
        else:
            result = record() if known else constant(False)
        if not context.executing_eagerly():
            context.current_graph().add_to_collection(GraphKeys._SUMMARY_COLLECTION, result)
        return result


def generic(name: str, tensor: Any, metadata: Any = None, family: str | None = None, step: Any = None) -> Any:
    """Writes a tensor, and what it means: a ``SummaryMetadata``, as a message or as bytes."""
    about = b"" if metadata is None else metadata
    about = about.SerializeToString() if hasattr(about, "SerializeToString") else about

    def write(tag: str, scope: str) -> Any:
        return raw.WriteSummary(
            writer=state.writer._resource,
            step=_choose_step(step),
            tensor=identity(tensor),
            tag=tag,
            summary_metadata=about,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def scalar(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Writes a real number."""

    def write(tag: str, scope: str) -> Any:
        return raw.WriteScalarSummary(
            writer=state.writer._resource, step=_choose_step(step), tag=tag, value=identity(tensor), name=scope
        )

    return summary_writer_function(name, tensor, write, family)


def histogram(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Writes how numbers are distributed."""

    def write(tag: str, scope: str) -> Any:
        return raw.WriteHistogramSummary(
            writer=state.writer._resource, step=_choose_step(step), tag=tag, values=identity(tensor), name=scope
        )

    return summary_writer_function(name, tensor, write, family)


def image(
    name: str,
    tensor: Any,
    bad_color: Any = None,
    max_images: int = 3,
    family: str | None = None,
    step: Any = None,
) -> Any:
    """Writes images of shape ``[images, height, width, channels]``; pixels that are not finite get ``bad_color``."""

    def write(tag: str, scope: str) -> Any:
        return raw.WriteImageSummary(
            writer=state.writer._resource,
            step=_choose_step(step),
            tag=tag,
            tensor=identity(tensor),
            bad_color=np.array([255, 0, 0, 255], np.uint8) if bad_color is None else bad_color,
            max_images=max_images,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int,
    family: str | None = None,
    step: Any = None,
) -> Any:
    """Writes sounds of shape ``[sounds, frames, channels]`` or ``[sounds, frames]``, between -1 and 1."""

    def write(tag: str, scope: str) -> Any:
        return raw.WriteAudioSummary(
            writer=state.writer._resource,
            step=_choose_step(step),
            tag=tag,
            tensor=identity(tensor),
            sample_rate=convert_to_tensor(sample_rate, float32),
            max_outputs=max_outputs,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def graph(param: Any, step: Any = None, name: str | None = None) -> Any:
    """Writes a graph, whatever the conditions for summaries say.

    Args:
      param: a string tensor: a serialized ``GraphDef``; eagerly also a graph or a ``GraphDef``.
      step: the step; the global step if None.
      name: the name of the operation.

    Raises:
      TypeError: a graph is built, and ``param`` is no tensor.
    """
    if not context.executing_eagerly() and not isinstance(param, Tensor):
        raise TypeError(
            "graph() needs a argument `param` to be tf.Tensor (e.g. tf.placeholder) in graph mode, but received "
            f"param={param} of type {type(param).__name__}."
        )
    if state.writer is None:
        return no_op()
    if hasattr(param, "as_graph_def") or hasattr(param, "SerializeToString"):
        param = serialized_graph(param)
    with device("cpu:0"):
        return raw.WriteGraphSummary(
            writer=state.writer._resource, step=_choose_step(step), tensor=identity(param), name=name
        )


graph_v1 = graph


def flush(writer: Any = None, name: str | None = None) -> Any:
    """Writes what waits: of a writer, of the resource of one, or of the default writer."""
    if writer is None or isinstance(writer, SummaryWriter):
        return _flush(writer, name)
    with device("cpu:0"):
        return raw.FlushSummaryWriter(writer=writer, name=name)


legacy_raw_flush = flush
