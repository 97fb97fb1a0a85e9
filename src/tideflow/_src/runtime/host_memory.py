"""Keeps the memory of large arrays in the process, where the C library would give it back to the system at each free.

The system clears memory that it hands out, page by page, at the first touch. For arrays of megabytes that are made and
dropped at every step this takes longer than most arithmetic: adding two arrays of 32 MB in a compiled program, 11 ms in
place of 2. TensorFlow and PyTorch keep memory in allocators of their own.

The price: what the process has needed at its peak stays with it. ``TIDEFLOW_KEEP_MEMORY=0`` leaves the C library as it
is; so do its own settings in the environment (``GLIBC_TUNABLES``, ``MALLOC_TRIM_THRESHOLD_`` and so on), and libraries
other than glibc's.
"""

from __future__ import annotations

import ctypes
import os

#: Numbers of options in glibc's ``malloc.h``.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
#: What the heap grows by beyond what is asked for.
_ROOM = 64 << 20


def keep() -> bool:
    """Tells the C library to keep what is freed; returns whether it does.

    Raises:
      ValueError: ``TIDEFLOW_KEEP_MEMORY`` is neither 0 nor 1.
    """
    chosen = os.environ.get("TIDEFLOW_KEEP_MEMORY", "1")
    if chosen not in ("0", "1"):
        raise ValueError(f"TIDEFLOW_KEEP_MEMORY is {chosen!r}, not one of 0, 1.")
    if chosen == "0" or not _is_glibc() or any(name.startswith(("MALLOC_", "GLIBC_TUN")) for name in os.environ):
        return False
    set_option = ctypes.CDLL(None).mallopt
    # Large blocks come from the heap like all others, and its end stays where it has been.
    options = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: _ROOM}
    return [set_option(number, value) for number, value in options.items()] == [1, 1, 1]


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return False
