"""Tests the functions of ``tf.signal`` against NumPy's and SciPy's, and transforms against their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.signal

import tideflow as tf

_X = np.random.default_rng(0).normal(size=(2, 40))


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize("n", [None, 30, 50])
def test_cosine_transforms_are_scipys(kind: int, norm: str | None, n: int | None) -> None:
    if kind == 1 and norm == "ortho":
        with pytest.raises(ValueError, match="Type-I"):
            tf.signal.dct(tf.constant(_X), 1, norm=norm)
        return
    x = tf.constant(_X)
    np.testing.assert_allclose(tf.signal.dct(x, kind, n, norm=norm), scipy.fft.dct(_X, kind, n, norm=norm), atol=1e-9)
    if n is None and norm == "ortho":
        np.testing.assert_allclose(tf.signal.idct(tf.signal.dct(x, kind, norm=norm), kind, norm=norm), _X, atol=1e-9)


@pytest.mark.parametrize("length", [50, 40, 30])
def test_real_transforms_pad_and_cut(length: int) -> None:
    spectrum = tf.signal.rfft(tf.constant(_X), [length])
    np.testing.assert_allclose(spectrum, np.fft.rfft(_X, length), atol=1e-9)
    np.testing.assert_allclose(tf.signal.irfft(spectrum, [length]), np.fft.irfft(np.fft.rfft(_X, length), length))
    np.testing.assert_allclose(tf.signal.rfft2d(tf.constant(_X), [4, length]), np.fft.rfft2(_X, (4, length)), atol=1e-9)


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize(("lengths", "axes"), [(None, None), (None, [1, 2]), ([3, 6], [0, 3])])
def test_transforms_along_any_axes(norm: str | None, lengths: Any, axes: Any) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    for name, argument in (("fft", x + 1j), ("ifft", x + 1j), ("rfft", x), ("irfft", x + 1j)):
        result = getattr(tf.signal, f"{name}nd")(tf.constant(argument), lengths, axes, norm)
        expected = getattr(np.fft, f"{name}n")(argument, lengths, axes or (range(4) if not lengths else None), norm)
        np.testing.assert_allclose(result, expected, atol=1e-9)


def test_the_gradient_of_a_transform_shorter_than_the_signal() -> None:
    x = tf.constant(_X[0, :8])
    with tf.GradientTape() as tape:
        tape.watch(x)
        power = tf.reduce_sum(tf.abs(tf.signal.rfft(x, [6])) ** 2)
    step = 1e-6
    slope = [(np.sum(np.abs(np.fft.rfft(_X[0, :8] + step * row, 6)) ** 2) - float(power)) / step for row in np.eye(8)]
    np.testing.assert_allclose(tape.gradient(power, x), slope, atol=1e-4)


@pytest.mark.parametrize("length", [7, 8])
def test_windows(length: int) -> None:
    get = scipy.signal.get_window
    even = length % 2 == 0  # TensorFlow's periodic windows of odd length are symmetric
    np.testing.assert_allclose(tf.signal.hann_window(length), get("hann", length, fftbins=even), atol=1e-6)
    np.testing.assert_allclose(tf.signal.hamming_window(length), get("hamming", length, fftbins=even), atol=1e-6)
    kaiser = tf.signal.kaiser_window(length, 9.0)
    np.testing.assert_allclose(kaiser, get(("kaiser", 9.0), length, fftbins=False), atol=1e-6)
    for beta in (np.int8(9), np.float16(9), tf.constant(9, tf.int64), 9):
        np.testing.assert_array_equal(tf.signal.kaiser_window(length, beta), kaiser)
    derived = tf.signal.kaiser_bessel_derived_window(8, 9.0).numpy()
    np.testing.assert_allclose(derived[:4] ** 2 + derived[4:] ** 2, 1, atol=1e-6)
    vorbis = tf.signal.vorbis_window(8).numpy()
    np.testing.assert_allclose(vorbis[:4] ** 2 + vorbis[4:] ** 2, 1, atol=1e-6)


def test_frames_overlap_and_add_up() -> None:
    signal = np.arange(10)
    assert tf.signal.frame(signal, 4, 3).numpy().tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert tf.signal.frame(signal, 4, 3, pad_end=True).numpy()[-1].tolist() == [9, 0, 0, 0]
    assert tf.signal.overlap_and_add([[1, 2, 3], [10, 20, 30]], 2).numpy().tolist() == [1, 2, 13, 20, 30]
    with pytest.raises(tf.errors.InvalidArgumentError, match="frame_step"):
        tf.signal.frame(signal, 4, 0)


def test_short_time_transforms_are_inverted() -> None:
    spectra = tf.signal.stft(_X.astype(np.float32), 16, 4)
    assert spectra.shape == (2, 7, 9)
    back = tf.signal.inverse_stft(spectra, 16, 4, window_fn=tf.signal.inverse_stft_window_fn(4)).numpy()
    np.testing.assert_allclose(back[:, 12:28], _X[:, 12:28], atol=1e-5)
    middle = tf.signal.inverse_mdct(tf.signal.mdct(_X.astype(np.float32), 8)).numpy()
    np.testing.assert_allclose(middle[:, 4:-4], _X[:, 4:-4], atol=1e-5)


def test_a_short_time_transform_of_unknown_length_runs_in_a_graph() -> None:
    import tideflow.v1 as v1

    with v1.Graph().as_default(), v1.Session() as session:
        signal = v1.placeholder(tf.float32, [None, None])
        spectra = tf.signal.stft(signal, 16, 4, pad_end=True)
        back = tf.signal.inverse_stft(spectra, 16, 4, window_fn=tf.signal.inverse_stft_window_fn(4))
        result = session.run([spectra, back], {signal: _X})
    assert result[0].shape == (2, 10, 9)
    np.testing.assert_allclose(result[1][:, 12:40], _X[:, 12:40], atol=1e-4)


def test_the_mel_matrix_has_overlapping_triangles() -> None:
    weights = tf.signal.linear_to_mel_weight_matrix(10, 65, 8000, 100.0, 3500.0).numpy()
    assert weights.shape == (65, 10)
    assert not weights[0].any()
    assert (np.diff(weights.argmax(axis=0)) > 0).all()
    fed = tf.signal.linear_to_mel_weight_matrix(10, tf.constant(65), tf.constant(8000), 100.0, 3500.0).numpy()
    np.testing.assert_allclose(fed, weights, atol=1e-6)
    with pytest.raises(ValueError, match="Nyquist"):
        tf.signal.linear_to_mel_weight_matrix(upper_edge_hertz=5000.0)


def test_wav_files_keep_16_bits() -> None:
    sound = np.random.default_rng(2).uniform(-1, 1, (50, 2)).astype(np.float32)
    decoded, rate = tf.audio.decode_wav(tf.audio.encode_wav(sound, 16000))
    assert int(rate) == 16000
    np.testing.assert_allclose(decoded, sound, atol=1 / 32768)
    with pytest.raises(tf.errors.InvalidArgumentError, match="RIFF"):
        tf.audio.decode_wav(b"no sound at all")


@pytest.mark.parametrize(
    "length, step, expected",
    [
        (4, 4, [0.0, 2.0, 1.0, 2.0]),
        (4, 6, [0.0, 2.0, 1.0, 2.0]),
        (3, 3, [0.0, 1.0, 0.0]),
        (4, 2, [0.0, 1.0, 1.0, 1.0]),
    ],
)
def test_the_inverse_window_is_zero_where_no_window_has_weight(length, step, expected) -> None:
    window = tf.signal.inverse_stft_window_fn(step)(length, tf.float32).numpy()
    np.testing.assert_allclose(window, expected, rtol=1e-6)
