"""Summaries as operations: each gives a serialized ``Summary`` message."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph import protos
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.tensor_proto import make_tensor_proto
from tideflow._src.ops.files.file_ops import scalar_array
from tideflow._src.ops.image import png
from tideflow._src.ops.signal.audio import encode_wav_op
from tideflow._src.ops.summary import histogram
from tideflow._src.runtime.op import op

_REAL = (
    *("float32", "float64", "int32", "uint8", "int16", "int8", "int64", "bfloat16", "uint16", "float16"),
    *("uint32", "uint64"),
)
_RULES = {"tier": "host", "differentiable": "missing"}


def _new() -> Any:
    return protos.get("Summary")()


def _done(summary: Any) -> Any:
    return scalar_array(summary.SerializeToString())


def _tag(value: Any, described: str = "tag") -> str:
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{described} must be scalar, got shape {shape_text(np.shape(value))}")
    return _text(value.item())


def _text(tag: bytes) -> str:
    return tag.decode(errors="replace")


def _scalar_string(*_: Any, **__: Any) -> Any:
    return ()


@op("ScalarSummary", "tags: string, values: T -> summary: string", T=_REAL, **_RULES)
def scalar_summary(tags, values):
    """Says which values scalars have, each under its tag."""
    if np.shape(tags) != np.shape(values):
        first = f" (tag '{_text(np.ravel(tags)[0])}')" if np.size(tags) == 1 else ""
        raise InvalidArgumentError(
            None,
            None,
            f"tags and values are not the same shape: {shape_text(np.shape(tags))} != "
            f"{shape_text(np.shape(values))}{first}",
        )
    summary = _new()
    for tag, value in zip(np.ravel(tags), np.ravel(values).astype(np.float32), strict=True):
        summary.value.add(tag=_text(tag), simple_value=float(value))
    return _done(summary)


scalar_summary.shape(_scalar_string)


@op("HistogramSummary", "tag: string, values: T -> summary: string", T=default("float32", _REAL), **_RULES)
def histogram_summary(tag, values):
    """Says how values are distributed."""
    name = _tag(tag)
    flat = np.ravel(values).astype(np.float64)
    if not np.isfinite(flat).all():
        kind = "Nan" if np.isnan(flat).any() else "Infinity"
        raise InvalidArgumentError(None, None, f"{kind} in summary histogram for: {name}")
    summary = _new()
    histogram.write(summary.value.add(tag=name).histo, flat)
    return _done(summary)


histogram_summary.shape(_scalar_string)


@op(
    "ImageSummary",
    "tag: string, tensor: T -> summary: string",
    T=default("float32", ("uint8", "float32", "float16", "float64")),
    max_images=at_least(1, default=3),
    bad_color=default(np.array([255, 0, 0, 255], np.uint8), type="tensor"),
    **_RULES,
)
def image_summary(tag, tensor, *, max_images: int, bad_color: Tensor):
    """Holds images, as PNG files; numbers are scaled so that the largest is 255."""
    name = _tag(tag)
    if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(
            None,
            None,
            f"Tensor must be 4-D with last dim 1, 3, or 4, not {shape_text(tensor.shape)}",
        )
    if tensor.shape[0] and not tensor[0].size:
        raise InvalidArgumentError(None, None, f"An image must have pixels, got shape {shape_text(tensor.shape)}")
    color = np.ravel(np.asarray(bad_color))
    if np.ndim(bad_color) != 1 or color.dtype != np.uint8:
        raise InvalidArgumentError(
            None, None, f"bad_color must be a vector of uint8, got {color.dtype} of shape {np.shape(bad_color)}"
        )
    depth = tensor.shape[3]
    if tensor.dtype != np.uint8 and len(color) < depth:
        raise InvalidArgumentError(
            None, None, f"expected depth <= bad_color.size, got depth = {depth}, bad_color.size = {len(color)}"
        )
    summary = _new()
    for number, image in enumerate(tensor[:max_images]):
        pixels = image if image.dtype == np.uint8 else _normalized(image, color[:depth])
        value = summary.value.add(tag=f"{name}/image" if max_images == 1 else f"{name}/image/{number}")
        value.image.height, value.image.width, value.image.colorspace = pixels.shape
        value.image.encoded_image_string = png.encode(pixels)
    return _done(summary)


def _normalized(image: Any, color: Any) -> Any:
    """Returns numbers as brightness: from 0 up if none is negative, else around 128; others than finite get a color."""
    values = image.astype(np.float32) if image.dtype == np.float16 else image
    good = np.isfinite(values)
    least = values.min(where=good, initial=0)
    most = np.abs(values).max(where=good, initial=0)
    room, offset = (127.0, 128.0) if least < 0 else (255.0, 0.0)
    scale = values.dtype.type(room / most if most >= 1e-6 else 0)
    pixels = np.where(good, values, 0) * scale + values.dtype.type(offset)
    result = pixels.astype(np.uint8)
    result[~good.all(axis=2)] = color
    return result


image_summary.shape(_scalar_string)


def _audio(tag: Any, tensor: Any, rate: float, max_outputs: int) -> Any:
    name = _tag(tag)
    if tensor.ndim not in (2, 3):
        raise InvalidArgumentError(None, None, f"Tensor must be 3-D or 2-D, got: {shape_text(tensor.shape)}")
    if not rate > 0:
        raise InvalidArgumentError(None, None, f"sample_rate must be > 0, got {rate}")
    samples = tensor if tensor.ndim == 3 else tensor[:, :, np.newaxis]
    summary = _new()
    for number, one in enumerate(samples[:max_outputs]):
        value = summary.value.add(tag=f"{name}/audio" if max_outputs == 1 else f"{name}/audio/{number}")
        value.audio.sample_rate = rate
        value.audio.length_frames, value.audio.num_channels = one.shape
        value.audio.content_type = "audio/wav"
        value.audio.encoded_audio_string = encode_wav_op.kernel(one, np.int32(round(rate))).item()
    return _done(summary)


@op(
    "AudioSummary",
    "tag: string, tensor: float32 -> summary: string",
    max_outputs=at_least(1, default=3),
    **_RULES,
)
def audio_summary(tag, tensor, *, sample_rate: float, max_outputs: int):
    """Holds sounds, as WAV files."""
    return _audio(tag, tensor, float(sample_rate), max_outputs)


@op(
    "AudioSummaryV2",
    "tag: string, tensor: float32, sample_rate: float32 -> summary: string",
    max_outputs=at_least(1, default=3),
    **_RULES,
)
def audio_summary_v2(tag, tensor, sample_rate, *, max_outputs: int):
    """Holds sounds, as WAV files, of a rate that is computed."""
    if np.ndim(sample_rate):
        raise InvalidArgumentError(None, None, f"sample_rate must be a scalar, got {shape_text(np.shape(sample_rate))}")
    return _audio(tag, tensor, float(sample_rate), max_outputs)


audio_summary.shape(_scalar_string)
audio_summary_v2.shape(_scalar_string)


@op("TensorSummary", "tensor: T -> summary: string", labels=default([], type="list(string)"), **_RULES)
def tensor_summary(tensor, *, description: str = "", labels: list[str], display_name: str = ""):
    """Holds a tensor."""
    del description, labels, display_name
    summary = _new()
    summary.value.add().tensor.CopyFrom(make_tensor_proto(tensor))
    return _done(summary)


@op("TensorSummaryV2", "tag: string, tensor: T, serialized_summary_metadata: string -> summary: string", **_RULES)
def tensor_summary_v2(tag, tensor, serialized_summary_metadata):
    """Holds a tensor, and says what it means."""
    summary = _new()
    value = summary.value.add(tag=_tag(tag))
    value.tensor.CopyFrom(make_tensor_proto(tensor))
    if np.ndim(serialized_summary_metadata):
        raise InvalidArgumentError(
            None,
            None,
            "serialized_summary_metadata must be scalar, got shape "
            f"{shape_text(np.shape(serialized_summary_metadata))}",
        )
    _parsed(serialized_summary_metadata.item(), value.metadata, "serialized_summary_metadata")
    value.metadata.SetInParent()
    return _done(summary)


def _parsed(content: bytes, message: Any, described: str) -> Any:
    try:
        message.ParseFromString(content)
    except Exception:  # protobuf's own, which this floor does not import
        raise InvalidArgumentError(None, None, f"Could not parse {described}") from None
    return message


tensor_summary.shape(_scalar_string)
tensor_summary_v2.shape(_scalar_string)


@op("MergeSummary", "inputs: N * string -> summary: string", N=at_least(1), **_RULES)
def merge_summary(inputs):
    """Puts summaries together; each tag may be there once."""
    summary = _new()
    tags: set[str] = set()
    for content in (item for array in inputs for item in np.ravel(array)):
        for value in _parsed(content, _new(), "one of the summary inputs").value:
            if value.tag:
                if value.tag in tags:
                    raise InvalidArgumentError(None, None, f"Duplicate tag {value.tag} found in summary inputs")
                tags.add(value.tag)
            summary.value.add().CopyFrom(value)
    return _done(summary)


merge_summary.shape(_scalar_string)


def _texts(*texts: bytes) -> Any:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


@scalar_summary.samples
def _scalar_summary_samples(s):
    for dtype in s.dtypes("T"):
        yield s(b"a", s.array((), dtype))
    yield s(_texts(b"a", b"b"), s.normal(2))
    yield s(_texts(b"a", b"b"), s.normal(3), error="InvalidArgumentError")


@histogram_summary.samples
def _histogram_summary_samples(s):
    for dtype in s.dtypes("T"):
        yield s(b"a", s.array((2, 3), dtype))
    yield s(b"a", np.array([-1, 0, 1e-20, 1e25, -1e30, 2, 2], np.float32))
    yield s(b"a", np.zeros(0, np.float32))
    yield s(b"a", np.array([np.nan], np.float32), error="InvalidArgumentError")
    yield s(_texts(b"a"), s.normal(3), error="InvalidArgumentError")


@image_summary.samples
def _image_summary_samples(s):
    yield s(b"a", s.normal(2, 3, 3, 3))
    yield s(b"a", s.array((2, 3, 3, 1), "uint8"), max_images=1)
    yield s(b"a", s.normal(2, 3, 2), error="InvalidArgumentError")


@audio_summary.samples
def _audio_summary_samples(s):
    yield s(b"a", np.array([[0, 0.5, -1, 2]], np.float32), sample_rate=44100.0)
    yield s(b"a", s.normal(3), sample_rate=44100.0, error="InvalidArgumentError")


@audio_summary_v2.samples
def _audio_summary_v2_samples(s):
    yield s(b"a", np.array([[0, 0.5, -1, 2]], np.float32), np.float32(8000))
    yield s(b"a", s.normal(2, 4, 2), np.float32(8000), max_outputs=1)
    yield s(b"a", s.normal(1, 4), np.float32(0), error="InvalidArgumentError")


@tensor_summary.samples
def _tensor_summary_samples(s):
    yield s(s.normal(2, 3))
    yield s(s.strings((2,)))


@tensor_summary_v2.samples
def _tensor_summary_v2_samples(s):
    yield s(b"a", s.normal(2, 3), b"")


@merge_summary.samples
def _merge_summary_samples(s):
    yield s([b"\n\x08\n\x01a\x15\x00\x00\x80?", b"\n\x08\n\x01b\x15\x00\x00\x80?"])
    yield s([b"\n\x08\n\x01a\x15\x00\x00\x80?"] * 2, error="InvalidArgumentError")
    yield s([b"\xff"], error="InvalidArgumentError")
