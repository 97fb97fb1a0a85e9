"""Spectra: ``tf.spectral`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.ops.signal.cosine import dct as dct
from tideflow._src.ops.signal.cosine import idct as idct
from tideflow._src.ops.signal.fourier_functions import fft as fft
from tideflow._src.ops.signal.fourier_functions import fft2d as fft2d
from tideflow._src.ops.signal.fourier_functions import fft3d as fft3d
from tideflow._src.ops.signal.fourier_functions import ifft as ifft
from tideflow._src.ops.signal.fourier_functions import ifft2d as ifft2d
from tideflow._src.ops.signal.fourier_functions import ifft3d as ifft3d
from tideflow._src.ops.signal.fourier_functions import irfft as irfft
from tideflow._src.ops.signal.fourier_functions import irfft2d as irfft2d
from tideflow._src.ops.signal.fourier_functions import irfft3d as irfft3d
from tideflow._src.ops.signal.fourier_functions import rfft as rfft
from tideflow._src.ops.signal.fourier_functions import rfft2d as rfft2d
from tideflow._src.ops.signal.fourier_functions import rfft3d as rfft3d
