"""A file that appears under its name only when it is whole, and leaves nothing behind otherwise.

On Linux it has no name at all until then, so even a crash leaves nothing; elsewhere it is a hidden file
beside its target until it is renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from app.atomic_file import PREFIX, SUFFIX, sync_folder

_UNNAMED_IMPOSSIBLE = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)
"""What systems without unnamed files answer; EISDIR and ENOENT come from old kernels."""


class NewFile:
    """Use it in a ``with``; write to :attr:`descriptor`, then :meth:`commit`, or everything is dropped.

    Raises OSError when the folder cannot be written to, or when the target is a folder or is
    write-protected.
    """

    def __init__(self, target: Path) -> None:
        self.target = Path(os.path.realpath(target))
        if self.target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        if self.target.exists() and not os.access(self.target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        self._named: Path | None = None
        self.descriptor = self._open_unnamed()
        if self.descriptor < 0:
            self._named = self._free_name()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self.descriptor = os.open(self._named, flags, 0o666)

    def commit(self) -> None:
        """Wait until the content is on the disk, then give the file its name, replacing what had it."""
        os.fsync(self.descriptor)
        if self._named is None:
            name = self._free_name()
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                # a folder's descriptor makes Python call linkat, which alone follows this link
                os.link(f"/proc/self/fd/{self.descriptor}", name.name, dst_dir_fd=folder)
            finally:
                os.close(folder)
            self._named = name
        self._close()
        self._named.replace(self.target)
        self._named = None
        sync_folder(self.target.parent)

    def discard(self) -> None:
        """Leave nothing behind; does nothing after :meth:`commit`."""
        self._close()
        if self._named is not None:
            with contextlib.suppress(OSError):
                self._named.unlink(missing_ok=True)
            self._named = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _free_name(self) -> Path:
        return self.target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")

    def _open_unnamed(self) -> int:
        flag = getattr(os, "O_TMPFILE", 0)
        if not flag or not Path("/proc/self/fd").is_dir():
            return -1
        try:
            return os.open(self.target.parent, flag | os.O_RDWR, 0o666)
        except OSError as error:
            if error.errno in _UNNAMED_IMPOSSIBLE and self.target.parent.is_dir():
                return -1
            raise
