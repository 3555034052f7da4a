"""The session file (``.ripieno``): versioned JSON, written atomically, read with suspicion.

What a reader of another program needs to know is in :func:`to_data`. Fields that this version does not
know are ignored, so a later program may add some without a new version; a file of a later *version* is
refused, because saving it again would lose what it says. −∞ dB is the text ``"-inf"``, since JSON has
no such number. Nothing about a listener is ever in a session.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.atomic_file import write_atomically
from app.errors import UserError
from app.session import MINUS_INFINITY, Loop, Session, Source, Strip, clamp_gain
from separation.separator import Part

FORMAT = "ripieno-session"
VERSION = 1
SUFFIX = ".ripieno"
LARGEST_BYTES = 5_000_000
"""A session is a few kilobytes; something of this size is another kind of file."""
_LARGEST_WHOLE = 2**53
"""The largest whole number that every JSON reader keeps exactly."""


class SessionFileError(UserError):
    """A session file that cannot be read or written; the message names the file and says what to do."""


def save(session: Session, path: Path, *, durable: bool = True) -> None:
    """Write a session so that at every moment either the old or the new one is whole on the disk.

    A symbolic link stays one, and the file keeps its permissions. ``durable`` waits for the disk, so that
    the file also outlives a power cut; an autosave leaves it out. Raises :class:`SessionFileError`.
    """
    write_bytes(path, dump(to_data(session, path.parent)), durable=durable)


def load(path: Path) -> Session:
    """The session in a file. Raises :class:`SessionFileError` for anything that is not a sound one.

    ``source.path`` is the recording's place beside the session file where it is still there (so a folder
    that was moved as a whole works), else where it was when the session was saved.
    """
    return from_data(read_json(path), path)


def recording_candidates(session: Session, path: Path) -> list[Path]:
    """The places where the recording of a session file at ``path`` may be, the likeliest first.

    The caller opens the first whose content hash is the session's. None of them need exist.
    """
    if session.source is None:
        return []
    recorded = Path(session.source.path)
    return list(dict.fromkeys([recorded, path.parent / recorded.name]))


# -- the form of the file ---------------------------------------------------------------------------


def to_data(session: Session, folder: Path) -> dict[str, Any]:
    """A session as JSON objects; ``folder`` is where the file goes, for the recording's relative path."""
    source, loop = session.source, session.loop
    return {
        "format": FORMAT,
        "version": VERSION,
        "recording": source
        and {
            "path": source.path,
            "relative_path": _relative(source.path, folder),
            "sha256": source.content_hash,
            "sample_rate": source.sample_rate,
            "channels": source.channels,
            "frames": source.frames,
        },
        "separation": {
            "separator": session.separator,
            "seed": session.seed,
            "true_stems": session.true_stems,
            "parts": [{"instrument": part.instrument, "number": part.number} for part in session.parts],
        },
        "mix": {
            "master_db": _decibels(session.master_db),
            "strips": [
                {
                    "stem": name,
                    "gain_db": _decibels(strip.gain_db),
                    "mute": strip.mute,
                    "solo": strip.solo,
                    "pan": strip.pan,
                }
                for name, strip in session.strips.items()
            ],
        },
        "loop": loop and {"start": loop.start, "stop": loop.stop, "on": loop.on},
        "position": session.position,
    }


def from_data(data: object, path: Path) -> Session:
    """The session that :func:`to_data` (of this or an earlier version) made; ``path`` is for sentences."""
    file = _Reader(data, "", path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SessionFileError(
            f"“{path.name}” is not a Ripieno session. Open it as a recording, or choose another."
        )
    version = file.whole("version")
    if version > VERSION:
        raise SessionFileError(
            f"“{path.name}” was saved by a newer version of Ripieno. Install the newest version to open it."
        )
    for step in range(version, VERSION):
        file = _Reader(_MIGRATIONS[step](file), "", path)

    separation, mix = file.part("separation"), file.part("mix")
    parts = tuple(Part(part.text("instrument"), part.whole("number")) for part in separation.rows("parts"))
    if len(set(parts)) < len(parts):
        raise separation.wrong("parts", "a list without repetition")
    strips = {
        strip.text("stem"): Strip(
            gain_db=clamp_gain(strip.decibels("gain_db")),
            mute=strip.truth("mute"),
            solo=strip.truth("solo"),
            pan=min(1.0, max(-1.0, strip.number("pan"))),
        )
        for strip in mix.rows("strips")
    }
    session = Session(
        source=_source(file, path),
        parts=parts,
        separator=separation.text("separator"),
        seed=separation.whole("seed"),
        true_stems=separation.truth("true_stems"),
        strips=strips,
        master_db=clamp_gain(mix.decibels("master_db")),
    )
    made = session.with_stems(parts, session.separator, true_stems=session.true_stems)
    if strips and set(strips) != set(made.strips):
        # Strips of other parts than the session's: the parts say which there are.
        session = made
    loop = file.part("loop") if file.has("loop") else None
    if loop is not None:
        session = session.with_loop(Loop(loop.whole("start"), loop.whole("stop"), loop.truth("on")))
    return session.with_position(file.whole("position"))


def _source(file: _Reader, path: Path) -> Source | None:
    if not file.has("recording"):
        return None
    recording = file.part("recording")
    place = recording.text("path")
    if recording.has("relative_path"):
        beside = path.parent / recording.text("relative_path")
        with contextlib.suppress(OSError, ValueError):  # a path the system cannot even ask about
            if beside.exists():
                place = os.path.abspath(beside)  # noqa: PTH100 - resolve() would follow the user's links
    return Source(
        path=place,
        content_hash=recording.text("sha256"),
        sample_rate=recording.whole("sample_rate", lowest=1),
        channels=recording.whole("channels", lowest=1),
        frames=recording.whole("frames"),
    )


def _relative(path: str, folder: Path) -> str | None:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive on Windows
        return None


def _decibels(gain_db: float) -> float | str:
    return "-inf" if gain_db == MINUS_INFINITY else gain_db


@dataclass(frozen=True)
class _Reader:
    """Takes fields out of untrusted JSON, or raises a sentence that names the field and the file."""

    data: object
    place: str
    path: Path

    def wrong(self, field: str, kind: str) -> SessionFileError:
        where = f"{self.place}{field}"
        return SessionFileError(
            f"The session “{self.path.name}” is damaged: “{where}” should be {kind}. "
            "Open an older copy, or start again from the recording."
        )

    def has(self, field: str) -> bool:
        return self._value(field) is not None

    def part(self, field: str) -> _Reader:
        value = self._value(field)
        if not isinstance(value, dict):
            raise self.wrong(field, "a group of fields")
        return _Reader(value, f"{self.place}{field}.", self.path)

    def rows(self, field: str) -> list[_Reader]:
        value = self._value(field)
        if not isinstance(value, list):
            raise self.wrong(field, "a list")
        rows = []
        for number, row in enumerate(value, start=1):
            if not isinstance(row, dict):
                raise self.wrong(f"{field} {number}", "a group of fields")
            rows.append(_Reader(row, f"{self.place}{field} {number}.", self.path))
        return rows

    def text(self, field: str) -> str:
        value = self._value(field)
        if not isinstance(value, str):
            raise self.wrong(field, "a text")
        return value

    def truth(self, field: str) -> bool:
        value = self._value(field)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def whole(self, field: str, lowest: int = 0) -> int:
        value = self._value(field)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= _LARGEST_WHOLE:
            raise self.wrong(field, f"a whole number from {lowest}")
        return value

    def number(self, field: str) -> float:
        value = self._value(field)
        try:
            figure = float(value) if isinstance(value, int | float) else math.nan
        except OverflowError:
            figure = math.nan
        if isinstance(value, bool) or not math.isfinite(figure):
            raise self.wrong(field, "a number")
        return figure

    def decibels(self, field: str) -> float:
        return MINUS_INFINITY if self._value(field) == "-inf" else self.number(field)

    def _value(self, field: str) -> object:
        return self.data.get(field) if isinstance(self.data, dict) else None


# -- earlier versions -------------------------------------------------------------------------------


def _from_version_0(old: _Reader) -> dict[str, Any]:
    """Version 0 (before the first release) had one flat object, gains by stem name, and null for −∞ dB."""
    gains = old.part("gains")
    stems = list(gains.data) if isinstance(gains.data, dict) else []
    parts = [Part.from_name(stem) for stem in stems[:-1]]
    return {
        "format": FORMAT,
        "version": 1,
        "recording": {
            "path": old.text("path"),
            "sha256": old.text("sha256"),
            "sample_rate": old.whole("sample_rate", lowest=1),
            "channels": old.whole("channels", lowest=1),
            "frames": old.whole("frames"),
        },
        "separation": {
            "separator": old.text("separator"),
            "seed": 0,
            "true_stems": False,
            "parts": [{"instrument": part.instrument, "number": part.number} for part in parts],
        },
        "mix": {
            "master_db": 0.0,
            "strips": [
                {
                    "stem": stem,
                    "gain_db": gains.number(stem) if gains.has(stem) else "-inf",
                    "mute": False,
                    "solo": False,
                    "pan": 0.0,
                }
                for stem in stems
            ],
        },
        "loop": None,
        "position": 0,
    }


_MIGRATIONS: dict[int, Callable[[_Reader], dict[str, Any]]] = {0: _from_version_0}
"""Each entry turns a file of its version into one of the next; loading runs the chain."""


# -- bytes on the disk ------------------------------------------------------------------------------


def dump(data: dict[str, Any]) -> bytes:
    """JSON objects as readable UTF-8; texts that UTF-8 cannot hold (odd file names) are escaped."""
    text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> object:
    """The JSON in a file of at most 5 MB. Raises :class:`SessionFileError`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise SessionFileError(
                f"“{path.name}” is not a session file but a folder or a device. Choose a file."
            )
        if about.st_size > LARGEST_BYTES:
            raise SessionFileError(
                f"“{path.name}” is too large to be a Ripieno session. Choose another file."
            )
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise SessionFileError(_cannot("open", path, exc)) from exc
    try:
        return json.loads(raw[:LARGEST_BYTES].decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise SessionFileError(
            f"“{path.name}” is not a Ripieno session, or it is damaged. Choose another file or an older copy."
        ) from exc


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file atomically. Raises :class:`SessionFileError` with a sentence."""
    try:
        write_atomically(path, content, durable=durable)
    except (OSError, ValueError) as exc:
        raise SessionFileError(_cannot("save", path, exc)) from exc


def _cannot(what: str, path: Path, exc: OSError | ValueError) -> str:
    number = exc.errno if isinstance(exc, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        if what == "open":
            return f"There is no session “{path.name}” in “{path.parent}”. Was it moved or renamed?"
        return f"“{path.name}” cannot be saved: there is no folder “{path.parent}”. Choose another place."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        allowed = "read" if what == "open" else "write"
        return f"You are not allowed to {allowed} “{path}”. Choose another place, or ask who owns it."
    if number == errno.EISDIR:
        return f"“{path.name}” is a folder or a device. Choose another name for the session."
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full, so “{path.name}” was not saved. Free some space and save again."
    if number == errno.ENAMETOOLONG:
        return f"The name “{path.name[:40]}…” is too long. Choose a shorter one."
    done = "opened" if what == "open" else "saved"
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return f"“{path.name}” cannot be {done}: {reason}. Choose another file or place."
