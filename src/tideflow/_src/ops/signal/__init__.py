"""Signals: Fourier transforms, windows, spectra, and sound files."""
