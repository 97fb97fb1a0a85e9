"""Signals: Fourier transforms of rows and planes, and a spectrogram."""

from __future__ import annotations

from workloads.family import Case, family, normal

WORKLOAD = family(
    "signal_family",
    "signal",
    (
        Case(
            "rfft of 64×16,384",
            lambda: [normal(64, 16_384)],
            lambda tf, x: tf.signal.rfft(x),
            lambda torch, x: torch.fft.rfft(x),
        ),
        Case(
            "fft2d of 8 512×512",
            lambda: [normal(8, 512, 512).astype("complex64")],
            lambda tf, x: tf.signal.fft2d(x),
            lambda torch, x: torch.fft.fft2(x),
        ),
        Case(
            "stft of 16×16,000",
            lambda: [normal(16, 16_000)],
            lambda tf, x: tf.signal.stft(x, frame_length=400, frame_step=160, fft_length=512),
            lambda torch, x: torch.stft(
                x, 512, hop_length=160, win_length=400, window=torch.hann_window(400), center=False, return_complex=True
            ),
        ),
    ),
)
