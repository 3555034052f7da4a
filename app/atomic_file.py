"""Replacing a file so that at every moment either the old or the new one is whole on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

PREFIX = ".ripieno-"
SUFFIX = ".part"
"""What temporary files are called: ``.ripieno-<random>.part``, in the target's own folder."""


def write_atomically(path: Path, content: bytes, *, durable: bool = True, private: bool = False) -> None:
    """Replace ``path`` by way of a temporary file beside it.

    A symbolic link stays one (what it points to is replaced), and an existing file keeps its permissions;
    one that is write-protected is left alone. ``durable`` waits until file and folder are on the disk.
    ``private``: nobody but the user may read it (mode 0600, at every moment), whatever was there before.
    Raises OSError; nothing is left behind then.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_to_keep(target)
    temporary = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")
    # O_EXCL: never follow or overwrite something that lies there; 0o666 lets the umask decide.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if mode is not None and not private:
            temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):  # the folder is gone or read-only: nothing is left to tidy
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; does nothing where the system cannot."""
    if os.name != "posix":  # Windows cannot open a folder, and its rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network folders cannot be synced
            raise
    finally:
        os.close(descriptor)


def _mode_to_keep(target: Path) -> int | None:
    try:
        about = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not os.access(target, os.W_OK):
        # Renaming over it would work, but whoever protected the file did not want that.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return stat.S_IMODE(about.st_mode)
