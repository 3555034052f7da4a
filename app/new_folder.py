"""A folder that appears under its name only when everything in it is written.

It is made beside its target as a hidden folder and renamed at the end. What a crash leaves behind is found
and removed the next time something is written there, because nobody claims it any more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from app.atomic_file import PREFIX, sync_folder
from app.claims import claim, is_claimed
from app.errors import UserError
from app.file_errors import shown_name, writing_sentence

_CLAIM = ".claim"


class FolderError(UserError):
    """A folder cannot be written; the message is one sentence for the user."""


class NewFolder:
    """Use it in a ``with``: write into :attr:`path`, then :meth:`commit`, or everything is dropped.

    The target may be missing (folders above it are made) or an empty folder; with ``replace`` also a
    folder that holds ``mark``, in which files of the same names are replaced, those in ``outdated`` are
    removed, and others are left alone. Raises :class:`FolderError`.
    """

    def __init__(self, target: Path, *, mark: str, replace: bool = False) -> None:
        self.target = target
        self._mark = mark
        self._made: list[Path] = []
        self.outdated: tuple[str, ...] = ()
        try:
            self.target = Path(os.path.realpath(target))
            self._merge = self._look(replace)
            self._make_parents()
            _remove_leftovers(self.target.parent)
            self.path = self.target.parent / f"{PREFIX}{secrets.token_hex(8)}"
            self.path.mkdir()
            self._claim = claim(self.path / _CLAIM)
        except (OSError, ValueError) as error:
            self._remove_made()
            raise FolderError(writing_sentence(self.target, error)) from error

    def commit(self) -> None:
        """Put the folder, or its files where the target exists, in its place."""
        try:
            if self._claim is not None:
                self._claim.release()
            sync_folder(self.path)
            if self._merge:
                self._merge_files()
            else:
                if self.target.exists():  # empty: not every system renames over it
                    self.target.rmdir()
                self.path.rename(self.target)
            sync_folder(self.target.parent)
        except OSError as error:
            raise FolderError(writing_sentence(self.target, error)) from error
        self._made = []

    def discard(self) -> None:
        """Leave nothing behind; does nothing after :meth:`commit`."""
        if self._claim is not None:
            self._claim.release()
        shutil.rmtree(self.path, ignore_errors=True)
        self._remove_made()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _look(self, replace: bool) -> bool:
        """Whether the target holds files to be replaced; an error where it must not be written to."""
        name = shown_name(self.target)
        if not self.target.exists():
            return False
        if not self.target.is_dir():
            raise FolderError(f"{name} is a file, not a folder: choose another name for the folder.")
        if not any(self.target.iterdir()):
            return False
        if not replace:
            raise FolderError(
                f"The folder {name} is not empty: choose another, or add --force to replace the stems in it."
            )
        if not (self.target / self._mark).is_file():
            raise FolderError(
                f"The folder {name} holds other things than stems of Ripieno's: choose another folder."
            )
        return True

    def _make_parents(self) -> None:
        missing = []
        folder = self.target.parent
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._made.append(folder)

    def _remove_made(self) -> None:
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # someone has put something into it meanwhile
                folder.rmdir()
        self._made = []

    def _merge_files(self) -> None:
        # the mark goes first and comes last, so that a folder with it is always whole
        (self.target / self._mark).unlink()
        names = sorted((p.name for p in self.path.iterdir()), key=lambda name: name == self._mark)
        for name in set(self.outdated) - set(names):
            (self.target / name).unlink(missing_ok=True)
        for name in names:
            (self.path / name).replace(self.target / name)


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(f"{PREFIX}*/{_CLAIM}"):
        if not is_claimed(path):
            shutil.rmtree(path.parent, ignore_errors=True)
