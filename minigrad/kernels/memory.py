"""Keeps memory that was freed for the next step, where the C library would hand it back to the system.

A training step makes and frees the same large arrays each time. GNU's C library returns them to the system at once,
and for each page that comes back the system has to clear it: that was a third of the time of ResNet-20 on 128 images.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

#: Numbers of two settings in GNU's ``malloc.h``.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Let up to 1 GiB of freed memory stay with the process; elsewhere than with GNU's C library do nothing.

    Whoever has set one of the C library's own variables, such as ``MALLOC_TRIM_THRESHOLD_``, keeps that setting.
    """
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, 1 << 30)
        mallopt(_MMAP_THRESHOLD, 32 << 20)  # the most that it takes; larger arrays are mapped, and returned
