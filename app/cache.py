"""Keeping the cache within bounds: what was not wanted for longest goes first.

Decoded recordings and separated stems are large, an hour of stereo 1.3 GB each, and can all be made again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from app.claims import is_claimed
from app.paths import available_bytes, cache_folder

LARGEST_BYTES = 30_000_000_000
"""What the cache may hold at most."""
SPARE_BYTES = 50_000_000
"""Room left on the disk for what else has to be written."""
ABANDONED_SECONDS = 24 * 3600.0
"""After this long, what is still called unfinished comes from a program that ended badly."""

KINDS = ("recordings", "stems")
WRITER = "writer.lock"
"""The claim of whoever writes stems."""


@dataclass(frozen=True)
class _Entry:
    folder: Path
    size: int
    wanted: float


def has_room(needed: int, *, keep: Collection[str] = ()) -> bool:
    """Whether ``needed`` bytes fit into the cache and on its disk, after making room for them.

    Removes what was not wanted for longest, but nothing that is being written and no entry whose name is
    in ``keep``. False where even that is not enough.
    """
    entries = [entry for entry in _entries() if entry.folder.name not in keep]
    total = sum(entry.size for entry in entries)
    for entry in sorted(entries, key=lambda entry: entry.wanted):
        abandoned = entry.folder.name.startswith(".") and time.time() - entry.wanted > ABANDONED_SECONDS
        crowded = total + needed > LARGEST_BYTES or not _free(needed)
        if entry.folder.name.startswith(".") and not abandoned:
            continue
        if (abandoned or crowded) and not is_claimed(entry.folder / WRITER):
            # On Linux and macOS whoever still reads these files keeps them until they are closed.
            shutil.rmtree(entry.folder, ignore_errors=True)
            total -= entry.size
    return _free(needed)


def cache_sentence(what: str, error: OSError) -> str:
    """Why ``what`` (a plural) could not be written into the cache, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full, so {what} could not be kept: free some space and try again."
    return (
        f"{what[0].upper()}{what[1:]} could not be kept in the folder “{cache_folder()}” ({error.strerror}): "
        "make it writable, or set RIPIENO_HOME to a folder that is."
    )


def mark_wanted(folder: Path) -> None:
    """Note that an entry was used now."""
    with contextlib.suppress(OSError):  # a cache that can only be read serves as well
        os.utime(folder)


def _free(needed: int) -> bool:
    return available_bytes(cache_folder()) >= needed + SPARE_BYTES


def _entries() -> list[_Entry]:
    found = []
    for kind in KINDS:
        with contextlib.suppress(OSError):  # not made yet, or removed by another program meanwhile
            for folder in (cache_folder() / kind).iterdir():
                with contextlib.suppress(OSError):
                    # blocks and not lengths: stems that are half done have holes
                    size = sum(_bytes_on_disk(path) for path in folder.iterdir())
                    found.append(_Entry(folder, size, folder.stat().st_mtime))
    return found


def _bytes_on_disk(path: Path) -> int:
    about = path.stat()
    return getattr(about, "st_blocks", about.st_size // 512) * 512
