"""Says which answers are as good as the same: files that hold the same images, and sums whose terms cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tideflow
from tideflow._src.graph import protos
from tideflow._src.graph.samples import Sample

from . import predicates

#: Operations whose outputs are sums of products of their inputs: where terms cancel, what is left is rounding error.
SUMS = frozenset(
    "AudioSpectrogram CropAndResizeGradImage FFT FFT2D FFT3D FFTND FusedBatchNormGrad FusedBatchNormGradV2 "
    "FusedBatchNormGradV3 IFFT IFFT2D "
    "IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND Mfcc RFFT RFFT2D RFFT3D RFFTND".split()
)


def largest_term(sample: Sample) -> float:
    """Returns the size of the largest finite number that a sum of the call may hold, 0.0 if it computes no sums."""
    if sample.op not in SUMS:
        return 0.0
    sizes = [np.abs(numbers[np.isfinite(numbers)]) for numbers in predicates.floating(sample)]
    return max((float(size.max()) for size in sizes if size.size), default=0.0)


def _pixels(file: bytes) -> bytes:
    """Returns the head of a PNG file and its pixels: encoders choose filters for the rows as they like."""
    wide = file[24:25] == b"\x10"
    image = tideflow.io.decode_png(file, dtype=tideflow.uint16 if wide else tideflow.uint8).numpy()
    return file[:29] + image.tobytes()


def _summary(serialized: bytes, clean: Callable[[Any], None]) -> bytes:
    message = protos.get("Summary")()
    try:
        message.ParseFromString(serialized)
    except Exception:  # of protobuf: TensorFlow writes tags that are not UTF-8
        return serialized
    for value in message.value:
        clean(value)
    return bytes(message.SerializeToString(deterministic=True))


def _with_pixels(value: Any) -> None:
    value.image.encoded_image_string = _pixels(value.image.encoded_image_string)


def _without_node(value: Any) -> None:
    """Forgets the name of the node that wrote a summary, which a kernel does not know here."""
    value.ClearField("node_name")


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "EncodePng": _pixels,
    "ImageSummary": lambda serialized: _summary(serialized, _with_pixels),
    "TensorSummary": lambda serialized: _summary(serialized, _without_node),
}


def decoded(name: str, outputs: Any) -> Any:
    """Returns the outputs of an operation, with files replaced by what is in them."""
    decode = _DECODERS.get(name)
    if decode is None:
        return outputs
    return [(dtype, np.vectorize(decode, otypes=[object])(array)) for dtype, array in outputs]
