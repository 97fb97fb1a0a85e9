"""``tf.compat.v1.summary``: operations whose values are serialized ``Summary`` messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dtypes import float32
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys

_NOT_IN_TAGS = re.compile(r"[^-/\w\.]")


def clean_tag(name: str | None) -> str | None:
    """Returns a name with what a node's name cannot have replaced by underscores."""
    if name is None:
        return None
    cleaned = _NOT_IN_TAGS.sub("_", name).lstrip("/")
    if cleaned != name:
        get_logger().info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextmanager
def scope_of_summary(
    name: str, family: str | None = None, default_name: str | None = None
) -> Iterator[tuple[str, str]]:
    """Opens the name scope of a summary; gives its tag and the scope's name."""
    name = clean_tag(name) or ""
    family = clean_tag(family)
    with name_scope(name if family is None else f"{family}/{name}", default_name) as scope:
        whole = scope.rstrip("/") or (name if family is None else f"{family}/{name}")
        yield whole if family is None else f"{family}/{whole}", scope


def collect(value: Any, collections: Any, default: Sequence[str] = ()) -> Any:
    """Adds a summary to collections of the graph; returns it."""
    keys = list(default) if collections is None else list(collections)
    graph = context.current_graph()
    if graph is not None:
        for key in keys:
            graph.add_to_collection(key, value)
    return value


_DEFAULT = (GraphKeys.SUMMARIES,)
_EAGER = "Merging tf.summary.* ops is not compatible with eager execution: build a graph to merge summaries in."


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a summary of a scalar.

    Args:
      name: the name of the node, and the tag in TensorBoard.
      tensor: a real number.
      collections: the collections of the graph to join; the summaries if None.
      family: a prefix of the tag, by which TensorBoard groups.

    Returns:
      A scalar string tensor, a serialized ``Summary``.
    """
    with scope_of_summary(name, family) as (tag, scope):
        return collect(raw.ScalarSummary(tag, tensor, name=scope), collections, _DEFAULT)


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a summary of how values are distributed.

    Args:
      name, collections, family: as of `scalar`.
      values: real numbers, of any shape.

    Raises:
      InvalidArgumentError: when it runs, if a value is not finite.
    """
    with scope_of_summary(name, family, "HistogramSummary") as (tag, scope):
        return collect(raw.HistogramSummary(tag, values, name=scope), collections, _DEFAULT)


def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Any:
    """Returns a summary with images.

    Args:
      name, collections, family: as of `scalar`; the tags are ``name/image/0``, ``name/image/1``...
      tensor: shape ``[batch, height, width, channels]`` with 1, 3 or 4 channels, ``uint8`` or floating. Floating ones
        are scaled: to 0..255 if none is negative, else so that 0 becomes 128.
      max_outputs: the most images to keep.
    """
    with scope_of_summary(name, family) as (tag, scope):
        return collect(raw.ImageSummary(tag, tensor, max_images=max_outputs, name=scope), collections, _DEFAULT)


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Any = None,
    family: str | None = None,
) -> Any:
    """Returns a summary with sounds.

    Args:
      name, collections, family: as of `scalar`; the tags are ``name/audio/0``, ``name/audio/1``...
      tensor: numbers from -1 to 1, of shape ``[batch, frames, channels]`` or ``[batch, frames]``.
      sample_rate: frames per second, in hertz.
      max_outputs: the most sounds to keep.
    """
    with scope_of_summary(name, family) as (tag, scope):
        rate = convert_to_tensor(sample_rate, float32, name="sample_rate")
        return collect(
            raw.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope), collections, _DEFAULT
        )


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Any = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Any:
    """Returns a summary with a whole tensor.

    Args:
      name, collections, family: as of `scalar`.
      tensor: any tensor.
      summary_description: a text about it, in Markdown.
      summary_metadata: a ``SummaryMetadata``, which says to which plugin it belongs.
      display_name: the name that TensorBoard shows.
    """
    metadata = protos.get("SummaryMetadata")()
    if summary_metadata is not None:
        metadata.MergeFromString(summary_metadata.SerializeToString())  # TensorBoard has classes of its own
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    with scope_of_summary(name, family) as (tag, scope):
        return collect(
            raw.TensorSummaryV2(tag, tensor, metadata.SerializeToString(), name=scope), collections, _DEFAULT
        )


def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """Returns a summary with text, in Markdown; a matrix of strings becomes a table.

    Args:
      name, collections: as of `scalar`.
      tensor: strings.

    Raises:
      ValueError: the tensor does not hold strings.
    """
    tensor = convert_to_tensor(tensor)
    if tensor.dtype.base_dtype.name != "string":
        raise ValueError(f"Expected tensor {getattr(tensor, 'name', tensor)} to have dtype string, got {tensor.dtype}")
    metadata = protos.get("SummaryMetadata")()
    metadata.plugin_data.plugin_name = "text"
    return tensor_summary(name=name, tensor=tensor, summary_metadata=metadata, collections=collections)


def merge(inputs: Sequence[Any], collections: Any = None, name: str | None = None) -> Any:
    """Returns a summary that holds several.

    Args:
      inputs: serialized ``Summary`` messages, string tensors.
      collections: the collections of the graph to join; none if None.
      name: the name of the operation.

    Raises:
      RuntimeError: execution is eager.
      InvalidArgumentError: when it runs, if two summaries have the same tag.
    """
    if context.executing_eagerly():
        raise RuntimeError(_EAGER)
    name = clean_tag(name)
    with name_scope(name, "Merge", inputs):
        return collect(raw.MergeSummary(list(inputs), name=name), collections)


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Any:
    """Returns a summary that holds all of a collection of the default graph, or None if there are none.

    Args:
      key: the collection.
      scope: a regular expression that the names must match.
      name: the name of the operation.

    Raises:
      RuntimeError: execution is eager.
    """
    if context.executing_eagerly():
        raise RuntimeError(_EAGER)
    found = context.default_graph().get_collection(key, scope=scope)
    return merge(found, name=name) if found else None


def get_summary_description(node_def: Any) -> Any:
    """Returns the ``SummaryDescription`` of a node that is a ``TensorSummary``.

    Raises:
      ValueError: the node is another operation.
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    from tideflow._src.graph.protos.text import from_json

    return from_json(node_def.attr["description"].s.decode(), protos.get("SummaryDescription")())


# The names of TensorFlow 0.x: the tag is given, and need not be the node's name.


def scalar_summary_v0(tags: Any, values: Any, collections: Any = None, name: str | None = None) -> Any:
    """Returns a summary of scalars, each under its tag."""
    with name_scope(name, "ScalarSummary", [tags, values]) as scope:
        return collect(raw.ScalarSummary(tags, values, name=scope), collections, _DEFAULT)


def histogram_summary_v0(tag: Any, values: Any, collections: Any = None, name: str | None = None) -> Any:
    """Returns a summary of how values are distributed."""
    with name_scope(name, "HistogramSummary", [tag, values]) as scope:
        return collect(raw.HistogramSummary(tag, values, name=scope), collections, _DEFAULT)


def image_summary_v0(
    tag: Any, tensor: Any, max_images: int = 3, collections: Any = None, name: str | None = None
) -> Any:
    """Returns a summary with images."""
    with name_scope(name, "ImageSummary", [tag, tensor]) as scope:
        return collect(raw.ImageSummary(tag, tensor, max_images=max_images, name=scope), collections, _DEFAULT)


def audio_summary_v0(
    tag: Any,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Any = None,
    name: str | None = None,
) -> Any:
    """Returns a summary with sounds."""
    with name_scope(name, "AudioSummary", [tag, tensor]) as scope:
        rate = convert_to_tensor(sample_rate, float32, name="sample_rate")
        made = raw.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return collect(made, collections, _DEFAULT)


def merge_summary_v0(inputs: Sequence[Any], collections: Any = None, name: str | None = None) -> Any:
    """Returns a summary that holds several."""
    with name_scope(name, "MergeSummary", inputs) as scope:
        return collect(raw.MergeSummary(list(inputs), name=scope), collections)


def merge_all_summaries_v0(key: str = GraphKeys.SUMMARIES) -> Any:
    """Returns a summary that holds all of a collection of the default graph, or None if there are none."""
    found = context.default_graph().get_collection(key)
    return merge_summary_v0(found) if found else None
