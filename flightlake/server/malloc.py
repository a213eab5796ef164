"""Keeps the C library from giving message memory back to the system, only to ask again.

A message of a result is one block of a few MiB.  By default glibc maps such a block anew for each
message, and the system fills it with zeros first: three quarters of the CPU of encoding.
"""

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h of glibc

_SETTINGS = (
    (_MMAP_THRESHOLD, 8 << 20, "MALLOC_MMAP_THRESHOLD_"),  # a message is at most 4 MiB
    (_TRIM_THRESHOLD, 16 << 20, "MALLOC_TRIM_THRESHOLD_"),
    (_ARENA_MAX, max(2, os.cpu_count() or 1), "MALLOC_ARENA_MAX"),  # each keeps some for itself
)


def keep_message_memory() -> None:
    """Set glibc's allocator up for messages; does nothing with another C library.

    What the environment sets stays as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for parameter, value, variable in _SETTINGS:
        if variable not in os.environ:
            mallopt(parameter, value)
