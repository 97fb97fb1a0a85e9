"""``tf.summary.scalar``, ``histogram``, ``image``, ``audio`` and ``text``: tensors as TensorBoard's plugins read them.

The tensors and what says their meaning are TensorBoard's formats (its ``plugins/*/metadata.py`` and
``summary_v2.py``); TensorBoard itself is not needed to write them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tideflow._src.core import context, float_errors
from tideflow._src.core.dtypes import float32, float64, int32, string, uint8
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.function.conditional import cond
from tideflow._src.function.mapping import map_fn
from tideflow._src.graph import protos
from tideflow._src.ops.array.constants import constant, fill, zeros
from tideflow._src.ops.array.identity import stop_gradient
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.permuting import tile, transpose
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import linspace
from tideflow._src.ops.array.shape import reshape, shape, size
from tideflow._src.ops.control.assertions import (
    assert_non_negative,
    assert_rank,
    assert_scalar,
    assert_type,
)
from tideflow._src.ops.image.codec_functions import encode_png
from tideflow._src.ops.image.colour_functions import convert_image_dtype
from tideflow._src.ops.math.arithmetic import maximum, minimum
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.comparison import equal, less_equal
from tideflow._src.ops.math.logical import logical_or
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_min
from tideflow._src.ops.math.rounding import floor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.audio import encode_wav
from tideflow._src.ops.strings.functions import as_string
from tideflow._src.summary.recording import summary_scope, tag_of
from tideflow._src.summary.writing import write, write_scalar_eagerly

_BUCKETS = 30
#: TensorBoard's mark that sounds are WAV files: field 2 of ``AudioPluginData``.
_WAV = b"\x10\x0b"


@functools.lru_cache(maxsize=1024)
def metadata(plugin: str, description: str | None = None, content: bytes = b"") -> bytes:
    """Returns a serialized ``SummaryMetadata``.

    Args:
      plugin: the plugin of TensorBoard that reads the tensor.
      description: a text about the summary, in Markdown.
      content: what the plugin wants to know, in its own format.
    """
    message = protos.get("SummaryMetadata")(summary_description=description)
    message.plugin_data.plugin_name = plugin
    message.plugin_data.content = content
    return message.SerializeToString()


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Writes a number to the default writer, for TensorBoard's scalars.

    Args:
      name: the name; the name scopes around are put before it.
      data: a real number or a scalar tensor of any real dtype, which is written as float32.
      step: the step, an integer scalar; the default one if None.
      description: a text about the summary, in Markdown.

    Returns:
      A scalar bool tensor: whether it was written: there is a default writer, and `record_if` does not say no.

    Raises:
      ValueError: the data is no scalar; there is a writer, but no step.
    """
    about = metadata("scalars", description)
    if context.executing_eagerly() and isinstance(name, str) and name:
        number = _plain_number(data)
        if number is not None:
            return write_scalar_eagerly(tag_of(name), number, step, about)
    with summary_scope(name, "scalar_summary", [data, step]) as (tag, _):
        assert_scalar(data)
        return write(tag, cast(data, float32), step, about)


def _plain_number(data: Any) -> float | None:
    """Returns a number that becomes float32 as any float does; None for everything else."""
    if data.__class__ is float:
        return data
    if data.__class__ is EagerTensor:
        data = data._value
    if isinstance(data, np.generic | np.ndarray) and not data.shape and data.dtype.kind == "f":
        return float(data)
    if data.__class__ is int and -(1 << 31) <= data < 1 << 31:
        return float(data)
    return None


def histogram(name: str, data: Any, step: Any = None, buckets: Any = None, description: str | None = None) -> Any:
    """Writes how numbers are distributed to the default writer, for TensorBoard's histograms and distributions.

    Args:
      name: the name; the name scopes around are put before it.
      data: a tensor of any shape, whose elements can be cast to float64.
      step: the step, an integer scalar; the default one if None.
      buckets: how many buckets of equal width lie between the least and the largest number, an int32 scalar; 30 if
        None. If all numbers are equal, only the last bucket counts them; if there are none, all is zero.
      description: a text about the summary, in Markdown.

    Returns:
      A scalar bool tensor: whether it was written. What is written has shape ``[buckets, 3]``: for each bucket its left
      edge, its right edge and how many numbers lie in it, in float64.

    Raises:
      ValueError: there is a writer, but no step.
    """
    data = stop_gradient(data)
    with summary_scope(name, "histogram_summary", [data, buckets, step]) as (tag, _):
        return write(tag, lambda: _histogram(data, buckets), step, metadata("histograms", description))


def _histogram(data: Any, buckets: Any) -> Any:
    count = _BUCKETS if buckets is None else buckets
    kind = data.dtype
    is_real = kind.is_floating or kind.is_integer or kind.is_bool
    if data.__class__ is EagerTensor and count.__class__ is int and is_real:
        return constant(_histogram_of_array(np.ravel(np.asarray(data)).astype(np.float64), max(count, 0)))
    with name_scope("buckets"):
        assert_scalar(count)
        assert_type(count, int32)
        count = maximum(0, count)
        data = cast(reshape(data, [-1]), float64)
        number = size(data)
        nothing = logical_or(equal(number, 0), less_equal(count, 0))
        return cond(
            nothing,
            lambda: zeros(stack([count, 3]), dtype=float64),
            lambda: _counted(data, number, count),
        )


def _histogram_of_array(data: Any, count: int) -> Any:
    """Computes what `_histogram` does at once: programs ask for the histograms of all their weights."""
    result = np.zeros((count, 3))
    if not data.size or not count:
        return result
    with float_errors.quiet():
        least, most = data.min(), data.max()
        width = most - least
        if width == 0:
            result[:, :2] = most
            result[-1, 2] = data.size
            return result
        bucket = np.floor((data - least) / (width / count))
        inside = bucket[np.isfinite(bucket)].astype(np.int64)
        inside = np.minimum(inside, count - 1)
        result[:, 2] = np.bincount(inside[inside >= 0], minlength=count)
        result[1:, 0] = least + width / count * np.arange(1, count)
    result[0, 0] = least
    result[:-1, 1] = result[1:, 0]
    result[-1, 1] = most
    return result


def _counted(data: Any, number: Any, count: Any) -> Any:
    """Returns the buckets of at least one number, in at least one bucket."""
    least, most = reduce_min(data), reduce_max(data)
    width = most - least

    def several() -> Any:
        bucket = floor((data - least) / (width / cast(count, float64)))
        bucket = cast(raw.SelectV2(condition=raw.IsFinite(x=bucket), t=bucket, e=constant(-1, float64)), int32)
        inside = raw.UnsortedSegmentSum(
            data=raw.OnesLike(x=data), segment_ids=minimum(bucket, count - 1), num_segments=count
        )
        edges = concat([linspace(least, most, count + 1)[:-1], reshape(most, [1])], 0)
        return transpose(stack([edges[:-1], edges[1:], inside]))

    def one() -> Any:
        edges = fill(reshape(count, [1]), most)
        inside = concat([zeros(reshape(count - 1, [1]), float64), reshape(cast(number, float64), [1])], 0)
        return transpose(stack([edges, edges, inside]))

    return cond(equal(width, 0), one, several)


def image(name: str, data: Any, step: Any = None, max_outputs: Any = 3, description: str | None = None) -> Any:
    """Writes images to the default writer, for TensorBoard's images.

    Args:
      name: the name; the name scopes around are put before it.
      data: shape ``[images, height, width, channels]`` with 1 to 4 channels: grey, grey and alpha, RGB, RGBA. Floating
        values lie between 0 and 1; integers between 0 and the largest of their dtype. What lies outside is clipped.
      step: the step, an integer scalar; the default one if None.
      max_outputs: how many images are written at most, an integer scalar; the first ones are.
      description: a text about the summary, in Markdown.

    Returns:
      A scalar bool tensor: whether it was written. What is written is a vector of strings: width, height, and a PNG
      file for each image.

    Raises:
      ValueError: the data is not of rank 4; there is a writer, but no step.
      InvalidArgumentError: ``max_outputs`` is negative.
    """
    with summary_scope(name, "image_summary", [data, max_outputs, step]) as (tag, _):

        def files() -> Any:
            assert_rank(data, 4)
            assert_non_negative(max_outputs)
            images = convert_image_dtype(data, uint8, saturate=True)
            sizes = shape(images)
            dimensions = stack([as_string(sizes[2], name="width"), as_string(sizes[1], name="height")], 0, "dimensions")
            return concat([dimensions, encode_png(images[:max_outputs])], 0)

        return write(tag, files, step, metadata("images", description))


def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: Any = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Any:
    """Writes sounds to the default writer, for TensorBoard's audio.

    Args:
      name: the name; the name scopes around are put before it.
      data: shape ``[sounds, frames, channels]``, floating, between -1 and 1.
      sample_rate: frames per second, in hertz: an int32 scalar.
      step: the step, an integer scalar; the default one if None.
      max_outputs: how many sounds are written at most, an integer scalar; the first ones are.
      encoding: ``"wav"``, which is also what None means.
      description: a text about the summary, in Markdown.

    Returns:
      A scalar bool tensor: whether it was written. What is written has shape ``[sounds, 2]``: a WAV file and an empty
      label for each.

    Raises:
      ValueError: the encoding is another, or the data is not of rank 3; there is a writer, but no step.
      InvalidArgumentError: ``max_outputs`` is negative.
    """
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")
    with summary_scope(name, "audio_summary", [data, sample_rate, max_outputs, step]) as (tag, _):

        def files() -> Any:
            assert_rank(data, 3)
            assert_non_negative(max_outputs)
            sounds = data[:max_outputs]
            encoded = map_fn(
                lambda sound: encode_wav(sound, sample_rate=sample_rate),
                sounds,
                fn_output_signature=string,
                name="encode_each_audio",
            )
            return transpose(stack([encoded, tile([""], shape(sounds)[:1])]))

        return write(tag, files, step, metadata("audio", description, _WAV))


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Writes text to the default writer, for TensorBoard's text.

    Args:
      name: the name; the name scopes around are put before it.
      data: a string tensor, in Markdown; TensorBoard shows a vector or matrix as a table.
      step: the step, an integer scalar; the default one if None.
      description: a text about the summary, in Markdown.

    Returns:
      A scalar bool tensor: whether it was written.

    Raises:
      TypeError: the data is not of dtype string.
      ValueError: there is a writer, but no step.
    """
    with summary_scope(name, "text_summary", [data, step]) as (tag, _):
        assert_type(data, string)
        return write(tag, data, step, metadata("text", description))
