"""Runs an unmodified TensorFlow program on Tideflow: `python -m tideflow script.py`."""

from __future__ import annotations

from tideflow._src.compat.runner import main

if __name__ == "__main__":
    main()
