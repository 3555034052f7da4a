"""Claims: a mark on a file that the operating system takes away when the process ends, however it ends.

With them a program finds out which of the files in a shared folder belong to a run that is gone.
A claim is a lock on a small file of its own, so that what it stands for can be replaced freely.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # flock and not lockf: bound to the open file, it also holds between two objects of one process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Claim:
    """A claim that is held until :meth:`release` or the end of the process. Made by :func:`claim`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the claim up and remove its file; a second call does nothing."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):  # the folder may be gone already
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def claim(path: Path) -> Claim | None:
    """Claim ``path`` (made if it is not there), or None where another holds it. OSError for a bad folder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return Claim(path, descriptor)


def is_claimed(path: Path) -> bool:
    """Whether someone, this process included, holds a claim on ``path``. Makes no file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # not ours to look at, so not ours to take
    try:
        _lock(descriptor)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
