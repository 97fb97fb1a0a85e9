"""Signals: ``tf.signal`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.ops.signal.cosine import dct as dct
from tideflow._src.ops.signal.cosine import idct as idct
from tideflow._src.ops.signal.fourier_functions import fft as fft
from tideflow._src.ops.signal.fourier_functions import fft2d as fft2d
from tideflow._src.ops.signal.fourier_functions import fft3d as fft3d
from tideflow._src.ops.signal.fourier_functions import fftnd as fftnd
from tideflow._src.ops.signal.fourier_functions import fftshift as fftshift
from tideflow._src.ops.signal.fourier_functions import ifft as ifft
from tideflow._src.ops.signal.fourier_functions import ifft2d as ifft2d
from tideflow._src.ops.signal.fourier_functions import ifft3d as ifft3d
from tideflow._src.ops.signal.fourier_functions import ifftnd as ifftnd
from tideflow._src.ops.signal.fourier_functions import ifftshift as ifftshift
from tideflow._src.ops.signal.fourier_functions import irfft as irfft
from tideflow._src.ops.signal.fourier_functions import irfft2d as irfft2d
from tideflow._src.ops.signal.fourier_functions import irfft3d as irfft3d
from tideflow._src.ops.signal.fourier_functions import irfftnd as irfftnd
from tideflow._src.ops.signal.fourier_functions import rfft as rfft
from tideflow._src.ops.signal.fourier_functions import rfft2d as rfft2d
from tideflow._src.ops.signal.fourier_functions import rfft3d as rfft3d
from tideflow._src.ops.signal.fourier_functions import rfftnd as rfftnd
from tideflow._src.ops.signal.framing import frame as frame
from tideflow._src.ops.signal.framing import overlap_and_add as overlap_and_add
from tideflow._src.ops.signal.mel import linear_to_mel_weight_matrix as linear_to_mel_weight_matrix
from tideflow._src.ops.signal.mel import mfccs_from_log_mel_spectrograms as mfccs_from_log_mel_spectrograms
from tideflow._src.ops.signal.spectral import inverse_mdct as inverse_mdct
from tideflow._src.ops.signal.spectral import inverse_stft as inverse_stft
from tideflow._src.ops.signal.spectral import inverse_stft_window_fn as inverse_stft_window_fn
from tideflow._src.ops.signal.spectral import mdct as mdct
from tideflow._src.ops.signal.spectral import stft as stft
from tideflow._src.ops.signal.windows import hamming_window as hamming_window
from tideflow._src.ops.signal.windows import hann_window as hann_window
from tideflow._src.ops.signal.windows import kaiser_bessel_derived_window as kaiser_bessel_derived_window
from tideflow._src.ops.signal.windows import kaiser_window as kaiser_window
from tideflow._src.ops.signal.windows import vorbis_window as vorbis_window
