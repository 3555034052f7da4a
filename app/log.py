"""The log file, and the note that a crash leaves for the next start. No Qt: the command line uses it too.

Privacy: nothing that describes a listener (audiograms, votes) may be logged.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TextIO

from app.claims import Claim, claim, is_claimed
from app.paths import log_folder

log = logging.getLogger(__name__)

LARGEST_BYTES = 1_000_000
OLDER_FILES = 4
LONGEST_NOTE = 20_000
"""Characters of a crash note that are shown; a deep recursion would fill the screen."""


def log_path() -> Path:
    """The log file of the moment (older ones beside it end in .1, .2, …)."""
    return log_folder() / "ripieno.log"


class Log:
    """The logging of one run of the program, from :func:`start_log` to :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handler: logging.Handler | None = None
        self._claim: Claim | None = None
        self._fault_file: TextIO | None = None
        self._note = folder / f"crash-{os.getpid()}-{os.urandom(4).hex()}.txt"
        self._old_hooks: tuple[Callable[..., object], Callable[..., object]] | None = None
        self._old_level = logging.WARNING

    def start(self, level: int = logging.INFO) -> None:
        """Open the log and install the hooks; where the folder cannot be written, log to stderr only."""
        root = logging.getLogger()
        self._old_level = root.level
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._handler = logging.handlers.RotatingFileHandler(
                self._folder / "ripieno.log",
                maxBytes=LARGEST_BYTES,
                backupCount=OLDER_FILES,
                encoding="utf-8",
                errors="backslashreplace",
            )
            # The note is there, and claimed, while the program runs: a note that nobody claims any more
            # is what a crash leaves, however hard the crash was. Claimed first, so that it never looks left.
            self._claim = claim(self._note.with_suffix(".lock"))
            self._fault_file = self._note.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as exc:
            self._handler = self._handler or logging.StreamHandler()
            problem: OSError | None = exc
        else:
            problem = None
        self._handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s")
        )
        root.addHandler(self._handler)
        root.setLevel(level)
        self._old_hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        if problem is not None:
            log.warning("there will be no log file: %s", problem)
            return
        if self._fault_file is not None:
            self._fault_file.write(_about() + "\n")
            self._fault_file.flush()
            faulthandler.enable(self._fault_file, all_threads=True)
        log.info("%s", _about())

    def close(self) -> None:
        """The program ends as it should: take the hooks and the note away."""
        if self._old_hooks is not None:
            sys.excepthook, threading.excepthook = self._old_hooks
            self._old_hooks = None
        if self._fault_file is not None:
            faulthandler.disable()
            self._fault_file.close()
            self._fault_file = None
            self._note.unlink(missing_ok=True)
        if self._claim is not None:
            self._claim.release()
            self._claim = None
        if self._handler is not None:
            root = logging.getLogger()
            root.removeHandler(self._handler)
            root.setLevel(self._old_level)
            self._handler.close()
            self._handler = None

    def _on_exception(
        self, kind: type[BaseException], exc: BaseException, trace: TracebackType | None
    ) -> None:
        self._record(kind, exc, trace, "the main thread")
        if self._old_hooks is not None:
            self._old_hooks[0](kind, exc, trace)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            name = args.thread.name if args.thread else "an unknown thread"
            self._record(args.exc_type, args.exc_value, args.exc_traceback, name)
        if self._old_hooks is not None:
            self._old_hooks[1](args)

    def _record(
        self, kind: type[BaseException], exc: BaseException, trace: TracebackType | None, where: str
    ) -> None:
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            return
        log.critical("unexpected exception in %s", where, exc_info=(kind, exc, trace))
        if self._fault_file is not None:
            self._fault_file.write(f"\nIn {where}:\n" + "".join(traceback.format_exception(kind, exc, trace)))
            self._fault_file.flush()


def start_log(level: int = logging.INFO) -> Log:
    """Log to the log folder from now on; call :meth:`Log.close` before the program ends."""
    started = Log(log_folder())
    started.start(level)
    return started


def last_crash() -> str | None:
    """What runs that crashed have left behind, the newest last; None where the last ones ended well.

    Notes of runs that are still alive do not count. Call :func:`forget_crash` when it was offered.
    """
    texts = []
    for note in _left_notes():
        try:
            text = note.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as exc:  # another start of the program was faster
            log.info("a crash note could not be read: %s", exc)
            continue
        if len(text.splitlines()) == 1:
            text += "\nThe program ended without saying why: it was killed, or the computer went down."
        texts.append(text)
    return "\n\n".join(texts)[-LONGEST_NOTE:] or None


def forget_crash() -> None:
    """Remove the notes that :func:`last_crash` told."""
    for note in _left_notes():
        try:
            note.unlink(missing_ok=True)
            note.with_suffix(".lock").unlink(missing_ok=True)
        except OSError as exc:
            log.warning("a crash note could not be removed: %s", exc)


def _left_notes() -> list[Path]:
    notes = sorted(log_folder().glob("crash-*.txt"), key=_age)
    return [note for note in notes if not is_claimed(note.with_suffix(".lock"))]


def _about() -> str:
    try:
        version = metadata.version("ripieno")
    except metadata.PackageNotFoundError:  # a frozen program may come without its metadata
        version = "of unknown version"
    return f"Ripieno {version}, Python {platform.python_version()}, {platform.platform()}"


def _age(note: Path) -> float:
    try:
        return note.stat().st_mtime
    except OSError:
        return 0.0
