"""What the system says about a file, as a sentence for the user."""

from __future__ import annotations

import errno
from pathlib import Path

LONGEST_NAME = 80


def shown_name(path: Path) -> str:
    """A file's name as it is put into a sentence: in quotes, a very long one cut in the middle."""
    name = path.name or str(path)
    name = name.encode("utf-8", "replace").decode("utf-8")  # names on disk need not be valid text
    if len(name) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        name = f"{name[:half]}…{name[-half:]}"
    return f"“{name}”"


def reading_sentence(path: Path, error: OSError | ValueError) -> str:
    """Why ``path`` could not be read, and what to do."""
    name = shown_name(path)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT or number == errno.ENOTDIR:
        return f"There is no file {name} in {shown_name(path.absolute().parent)}: check its name and folder."
    if number in (errno.EACCES, errno.EPERM):
        return f"You have no permission to read {name}: change its permissions, or copy it elsewhere."
    if number == errno.ENAMETOOLONG:
        return f"The path of {name} is too long for this computer: move the file to a shorter path."
    if number == errno.ELOOP:
        return f"{name} is a link that leads back to itself: choose the file it should lead to."
    if number is None:
        return f"{name} is no name that a file can have on this computer: check it."
    return f"{name} could not be read ({error.strerror}): copy it to another disk, and try again."  # type: ignore[union-attr]


def writing_sentence(path: Path, error: OSError | ValueError) -> str:
    """Why ``path`` could not be written, and what to do."""
    name = shown_name(path)
    where = shown_name(path.absolute().parent)
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full, so {name} could not be written: free some space, or choose another disk."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"You have no permission to write {name} into {where}: choose another folder."
    if number in (errno.ENOENT, errno.ENOTDIR):
        return f"There is no folder {where} to write {name} into: make it, or choose another."
    if number == errno.EISDIR:
        return f"{name} is a folder: give the file another name."
    if number == errno.ENAMETOOLONG:
        return f"The path of {name} is too long for this computer: choose a shorter one."
    if number == errno.EFBIG:
        return f"{name} would be larger than this disk can hold in one file: choose another disk or format."
    if number is None:
        return f"{name} is no name that a file can have on this computer: choose another."
    return f"{name} could not be written ({error.strerror}): choose another folder, and try again."  # type: ignore[union-attr]


def space_sentence(what: str, needed: int, free: int) -> str:
    """That ``what`` needs ``needed`` bytes where only ``free`` are left."""
    return (
        f"There is too little space on the disk: {what} needs {shown_bytes(needed)}, and "
        f"{shown_bytes(free)} are free. Free some space and try again."
    )


def shown_bytes(count: int) -> str:
    """A number of bytes in decimal units: “1.3 GB”, “12 MB”."""
    if count >= 995_000_000:
        return f"{count / 1e9:.1f} GB"
    if count >= 1_000_000:
        return f"{count / 1e6:.0f} MB"
    return f"{max(1, round(count / 1e3))} kB"
