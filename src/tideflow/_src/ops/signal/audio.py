"""Sound: spectra of samples, mel-frequency cepstral coefficients, and WAV files."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.runtime.op import op

__all__ = ["decode_wav", "encode_wav"]

Array = np.ndarray[Any, Any]
_MOST_ELEMENTS = 1 << 31


# Spectra.


def _frame_count(length: int, window_size: int, stride: int) -> int:
    return 1 + (length - window_size) // stride if length >= window_size else 0


def _bins(window_size: int) -> int:
    """Returns half of the next power of two, and one: the frequencies of the transform of a window."""
    return (1 << (window_size - 1).bit_length()) // 2 + 1


@op("AudioSpectrogram", "input: float32 -> spectrogram: float32", differentiable="missing")
def audio_spectrogram_op(xp, input, *, window_size: int, stride: int, magnitude_squared: bool = False):
    """Computes the strengths of the frequencies in windows of samples, for each channel.

    The windows are Hann windows, filled up with zeros to a power of two.
    """
    if input.ndim != 2:
        raise invalid_argument(f"input must be 2-dimensional, got shape {list(input.shape)}")
    if window_size < 2 or stride < 1:
        raise invalid_argument(
            f"Expected window_size to be at least 2 and stride at least 1, got {window_size} and {stride}"
        )
    length, channels = input.shape
    frames, bins = _frame_count(length, window_size, stride), _bins(window_size)
    if frames * bins * channels >= _MOST_ELEMENTS:
        raise invalid_argument(
            f"A spectrogram of {channels} channels, {frames} frames and {bins} frequencies is too large."
        )
    if not frames or not channels:
        return xp.zeros((channels, frames, bins), np.float32)
    places = np.arange(frames)[:, None] * stride + np.arange(window_size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi / window_size * np.arange(window_size))
    windows = input.T.astype(np.float64)[:, places] * window
    spectrum = xp.fft.rfft(windows, n=2 * (bins - 1))
    power = spectrum.real**2 + spectrum.imag**2
    return (power if magnitude_squared else xp.sqrt(power)).astype(np.float32)


@audio_spectrogram_op.shape
def _audio_spectrogram_shape(input, *, window_size, stride):
    length, channels = with_rank(input, 2)
    if window_size < 2 or stride < 1:
        raise ValueError(f"Expected window_size to be at least 2 and stride at least 1, got {window_size} and {stride}")
    frames = None if length is None else _frame_count(length, window_size, stride)
    return (channels, frames, _bins(window_size))


@audio_spectrogram_op.samples
def _audio_spectrogram_samples(s):
    sound = s.normal(100, 2)
    for window_size, stride, squared in ((20, 7, False), (64, 9, True), (33, 33, False), (2, 1, False)):
        yield s(sound, window_size=window_size, stride=stride, magnitude_squared=squared)
    yield s(sound, window_size=200, stride=7)
    yield s(s.empty(0, 2), window_size=20, stride=7)
    yield s(sound, window_size=1, stride=7, error="InvalidArgumentError")
    yield s(sound[:, 0], window_size=20, stride=7, error="InvalidArgumentError")


# Cepstra.


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log1p(frequency / 700.0)


def _filter_bank(bins: int, rate: int, channels: int, lower: float, upper: float) -> Array:
    """Returns how much each frequency counts in each of the overlapping triangles, shape [bins, channels].

    The constant part of the signal counts nowhere, as in HTK.
    """
    low = _mel(lower)
    centers = low + (_mel(upper) - low) / (channels + 1) * np.arange(1, channels + 2)
    step = 0.5 * rate / (bins - 1)
    first, last = int(1.5 + lower / step), int(upper / step)
    if last >= bins:
        raise invalid_argument(
            f"upper_frequency_limit must not exceed half of the sample rate: {upper} with {bins} frequencies at a rate "
            f"of {rate}"
        )
    weights = np.zeros((bins, channels))
    used = np.arange(first, last + 1)
    mels = _mel(used * step)
    channel = np.minimum(np.searchsorted(centers, mels, side="left"), channels) - 1
    below = np.where(channel >= 0, centers[np.maximum(channel, 0)], low)
    share = (centers[channel + 1] - mels) / (centers[channel + 1] - below)
    falling, rising = channel >= 0, channel + 1 < channels
    np.add.at(weights, (used[falling], channel[falling]), share[falling])
    np.add.at(weights, (used[rising], channel[rising] + 1), 1 - share[rising])
    return weights


@op("Mfcc", "spectrogram: float32, sample_rate: static int32 -> output: float32", differentiable="missing")
def mfcc_op(
    xp,
    spectrogram,
    sample_rate,
    *,
    upper_frequency_limit: float = 4000.0,
    lower_frequency_limit: float = 20.0,
    filterbank_channel_count: int = 40,
    dct_coefficient_count: int = 13,
):
    """Computes mel-frequency cepstral coefficients from a spectrogram of squared magnitudes.

    That is the cosine transform of the logarithms of what triangular filters let through, which are equally wide in
    mels (Davis and Mermelstein, 1980).
    """
    if spectrogram.ndim != 3:
        raise invalid_argument(f"spectrogram must be 3-dimensional, got shape {list(spectrogram.shape)}")
    if np.ndim(sample_rate) != 0:
        raise invalid_argument(f"Input sample_rate should be a scalar tensor, got shape {list(np.shape(sample_rate))}")
    rate, bins = int(sample_rate), spectrogram.shape[2]
    problem = ""
    if rate <= 0:
        problem = f"sample_rate must be positive, got {rate}"
    elif bins < 2:
        problem = f"the spectrogram must have at least 2 frequencies, got {bins}"
    elif filterbank_channel_count < 1:
        problem = f"filterbank_channel_count must be positive, got {filterbank_channel_count}"
    elif not 1 <= dct_coefficient_count <= filterbank_channel_count:
        problem = f"dct_coefficient_count must be in [1, {filterbank_channel_count}], got {dct_coefficient_count}"
    elif not 0 <= lower_frequency_limit < upper_frequency_limit:
        problem = (
            "expected 0 <= lower_frequency_limit < upper_frequency_limit, got "
            f"{lower_frequency_limit} and {upper_frequency_limit}"
        )
    if problem:
        raise invalid_argument(f"Mfcc: {problem}")
    weights = _filter_bank(bins, rate, filterbank_channel_count, lower_frequency_limit, upper_frequency_limit)
    channels = filterbank_channel_count
    angles = np.pi / channels * np.arange(dct_coefficient_count) * (np.arange(channels) + 0.5)[:, None]
    cosines = np.sqrt(2.0 / channels) * np.cos(angles)
    energies = xp.matmul(xp.sqrt(spectrogram.astype(np.float64)), weights)
    return xp.matmul(xp.log(xp.maximum(energies, 1e-12)), cosines).astype(np.float32)


@mfcc_op.shape
def _mfcc_shape(spectrogram, sample_rate, *, dct_coefficient_count):
    channels, frames, _ = with_rank(spectrogram, 3)
    with_rank(sample_rate.shape, 0)
    return (channels, frames, dct_coefficient_count)


@mfcc_op.samples
def _mfcc_samples(s):
    spectrogram = s.uniform(0, 3, (2, 5, 33))
    yield s(spectrogram, 8000)
    yield s(
        spectrogram,
        16000,
        upper_frequency_limit=7000.0,
        lower_frequency_limit=100.0,
        filterbank_channel_count=20,
        dct_coefficient_count=9,
    )
    yield s(spectrogram, 44100, filterbank_channel_count=60)
    yield s(s.empty(2, 0, 33), 8000)
    yield s(spectrogram, 0, error="InvalidArgumentError")
    yield s(spectrogram, [8000], error="InvalidArgumentError")
    yield s(spectrogram[0], 8000, error="InvalidArgumentError")
    yield s(spectrogram[..., :1], 8000, error="InvalidArgumentError")
    yield s(spectrogram, 8000, dct_coefficient_count=50, error="InvalidArgumentError")
    yield s(spectrogram, 8000, filterbank_channel_count=0, error="InvalidArgumentError")
    yield s(spectrogram, 8000, lower_frequency_limit=4500.0, error="InvalidArgumentError")


# Files.


class _Reader:
    """Reads the fields of a file in order."""

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.place = 0

    def take(self, count: int) -> bytes:
        part = self.contents[self.place : self.place + count]
        if len(part) != count:
            raise invalid_argument(
                f"WAV data is too short: expected {count} bytes at byte {self.place}, got {len(part)}"
            )
        self.place += count
        return part

    def expect(self, text: bytes) -> None:
        found = self.take(len(text))
        if found != text:
            raise invalid_argument(f"Header mismatch in WAV data: expected {text!r} but found {found!r}")

    def number(self, width: int = 4) -> int:
        return int.from_bytes(self.take(width), "little")


def _read_wav(contents: bytes) -> tuple[Array, int]:
    """Returns the samples of a WAV file, int16 of shape [samples, channels], and their rate."""
    reader = _Reader(contents)
    reader.expect(b"RIFF")
    reader.number()
    reader.expect(b"WAVE")
    reader.expect(b"fmt ")
    size = reader.number()
    if size not in (16, 18):
        raise invalid_argument(f"Bad format chunk in WAV data: expected 16 or 18 bytes, got {size}")
    kind, channels = reader.number(2), reader.number(2)
    rate, bytes_per_second = reader.number(), reader.number()
    bytes_per_sample, bits = reader.number(2), reader.number(2)
    if size == 18:
        reader.number(2)
    if kind != 1:
        raise invalid_argument(f"Bad audio format for WAV: expected 1 (PCM), but got {kind}")
    if bits != 16:
        raise invalid_argument(f"Can only read 16-bit WAV files, but received {bits}")
    if bytes_per_sample != 2 * channels or not channels:
        raise invalid_argument(f"Bad bytes per sample in WAV header: {bytes_per_sample} with {channels} channels")
    if bytes_per_second != rate * bytes_per_sample:
        raise invalid_argument(
            f"Bad bytes per second in WAV header: expected {rate * bytes_per_sample} but got {bytes_per_second}"
        )
    samples = None
    while reader.place < len(contents):
        chunk = reader.take(4)
        length = reader.number()
        if chunk == b"data" and samples is None:
            count = length // bytes_per_sample
            samples = np.frombuffer(reader.take(count * bytes_per_sample), "<i2").reshape(count, channels)
        else:
            reader.take(length)
    if samples is None:
        raise invalid_argument("No data chunk found in WAV data")
    return samples, rate


@op("DecodeWav", "contents: string -> audio: float32, sample_rate: int32", tier="host", differentiable="missing")
def decode_wav_op(contents, *, desired_channels: int = -1, desired_samples: int = -1):
    """Decodes a WAV file of 16-bit samples to numbers from -1 to 1, of shape [samples, channels]."""
    if np.ndim(contents) != 0:
        raise invalid_argument(f"contents must be scalar, got shape {list(np.shape(contents))}")
    samples, rate = _read_wav(contents.item())
    length, channels = samples.shape
    wanted_length = length if desired_samples < 0 else desired_samples
    wanted_channels = channels if desired_channels < 0 else desired_channels
    if wanted_length * wanted_channels >= _MOST_ELEMENTS:
        raise invalid_argument(f"{wanted_length} samples of {wanted_channels} channels are too many.")
    audio = np.zeros((wanted_length, wanted_channels), np.float32)
    count = min(length, wanted_length)
    sources = np.minimum(np.arange(wanted_channels), channels - 1)
    audio[:count] = samples[:count][:, sources] * np.float32(1 / 32768)
    return audio, np.int32(rate if rate < 1 << 31 else rate - (1 << 32))


@decode_wav_op.shape
def _decode_wav_shape(contents, *, desired_channels, desired_samples):
    with_rank(contents, 0)
    for name, wanted in (("channels", desired_channels), ("samples", desired_samples)):
        if wanted < -1:
            raise ValueError(f"{name} must be non-negative, got {wanted}")
    return (
        (None if desired_samples == -1 else desired_samples, None if desired_channels == -1 else desired_channels),
        (),
    )


@op("EncodeWav", "audio: float32, sample_rate: int32 -> contents: string", tier="host", differentiable="missing")
def encode_wav_op(audio, sample_rate):
    """Encodes numbers from -1 to 1, of shape [samples, channels], as a WAV file of 16-bit samples."""
    if audio.ndim != 2:
        raise invalid_argument(f"audio must be 2-dimensional, got shape {list(audio.shape)}")
    if np.ndim(sample_rate) != 0:
        raise invalid_argument(f"Input sample_rate should be a scalar tensor, got shape {list(np.shape(sample_rate))}")
    rate, channels = int(sample_rate), audio.shape[1]
    if rate <= 0:
        raise invalid_argument(f"sample_rate must be in (0, 2^32), got: {rate}")
    if not 0 < channels < 1 << 16:
        raise invalid_argument(f"num_channels must be in (0, 2^16), got: {channels}")
    return np.array(_wav(audio, rate), dtype=object)


def _wav(audio: Array, rate: int) -> bytes:
    channels = audio.shape[1]
    scaled = np.clip(np.round(audio * np.float32(32768)), -32768, 32767)
    data = np.nan_to_num(scaled).astype("<i2").tobytes()
    if 36 + len(data) >= 1 << 32 or rate * channels * 2 >= 1 << 32:
        raise invalid_argument(
            f"{len(audio)} samples of {channels} channels at a rate of {rate} do not fit into a WAV file."
        )
    sizes = (16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return (
        struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", *sizes, b"data", len(data)) + data
    )


@encode_wav_op.shape
def _encode_wav_shape(audio, sample_rate):
    with_rank(audio, 2)
    with_rank(sample_rate, 0)
    return ()


@decode_wav_op.samples
def _decode_wav_samples(s):
    def text(data: bytes) -> Array:
        return np.array(data, dtype=object)

    file = _wav(s.uniform(-1, 1, (50, 2)), 16000)
    yield s(text(file))
    for channels in (0, 1, 2, 3, 5):
        yield s(text(file), desired_channels=channels)
    for samples in (0, 20, 70):
        yield s(text(file), desired_samples=samples)
    yield s(text(_wav(s.uniform(-1, 1, (50, 1)), 8000)), desired_channels=3)
    yield s(text(file[:36] + b"LIST\x04\x00\x00\x00abcd" + file[36:]))
    for bad in (b"", b"abcdefgh" * 10, file[:-50], file[:30], file[:-1], b"RIFX" + file[4:], file[:36], file + b"xyz"):
        yield s(text(bad), error="InvalidArgumentError")
    for place, value in ((34, 8), (20, 3), (24, 0), (22, 1)):
        yield s(text(file[:place] + bytes([value]) + file[place + 1 :]), error="InvalidArgumentError")
    yield s(np.array([file], dtype=object), error="InvalidArgumentError")


@encode_wav_op.samples
def _encode_wav_samples(s):
    yield s(s.uniform(-1.2, 1.2, (30, 2)), 16000)
    yield s(np.array([[0.0], [1], [-1], [2], [-2], [0.5], [-0.5], [1e-5], [0.99999]], np.float32), 8)
    yield s(s.normal(3), 5, error="InvalidArgumentError")
    yield s(s.normal(3, 1), 0, error="InvalidArgumentError")
    yield s(s.normal(3, 1), -5, error="InvalidArgumentError")
    yield s(s.normal(3, 1), [5], error="InvalidArgumentError")
    yield s(s.empty(3, 0), 5, error="InvalidArgumentError")


# Public functions.


def decode_wav(contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None) -> Any:
    """Returns the samples of a WAV file of 16 bits, as numbers from -1 to 1.

    Args:
      contents: the file, a scalar string.
      desired_channels: how many channels to return: the last one is repeated if the file has fewer. -1 for those of
        the file.
      desired_samples: how many samples to return: zeros follow if the file has fewer. -1 for those of the file.
      name: the node's name.

    Returns:
      The samples, float32 of shape ``[samples, channels]``, and their rate, an int32 scalar.

    Raises:
      InvalidArgumentError: when it runs, the file is damaged or of another kind.
    """
    return decode_wav_op(contents, desired_channels=desired_channels, desired_samples=desired_samples, name=name)


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Any:
    """Returns a WAV file of 16 bits.

    Args:
      audio: a float32 tensor of shape ``[samples, channels]``; what lies beyond -1 and 1 is cut off.
      sample_rate: the number of samples in a second, an int32 scalar.
      name: the node's name.
    """
    return encode_wav_op(audio, sample_rate, name=name)
