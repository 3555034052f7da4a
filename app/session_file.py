"""The session file (``.ripieno``): versioned JSON, written atomically, read with suspicion.

What a reader of another program needs to know is in :func:`to_data`. Fields that this version does not
know are ignored, so a later program may add some without a new version; a file of a later *version* is
refused, because saving it again would lose what it says. −∞ dB is the text ``"-inf"``, since JSON has
no such number. Of a listener a session holds the random id of their profile and nothing else.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.atomic_file import write_atomically
from app.errors import UserError
from app.json_fields import Fields
from app.profiles import is_id
from app.session import MINUS_INFINITY, Loop, Session, Source, Strip, clamp_gain
from separation.separator import Part

FORMAT = "ripieno-session"
VERSION = 1
SUFFIX = ".ripieno"
SILENCE = "-inf"
"""How −∞ dB is written."""
LARGEST_BYTES = 5_000_000
"""A session is a few kilobytes; something of this size is another kind of file."""


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


def find_source(source: Source, path: Path, check: Callable[[], None] | None = None) -> Path | None:
    """Where the recording of the session file at ``path`` is now, or None.

    Looked for where the session says, then beside the session under its name, then by content hash among
    the files of its kind in those two folders (it was renamed; this reads them all, so ``check`` is called
    between blocks and may raise). What is found by path is not compared: the caller opens it and sees.
    """
    recorded = Path(source.path)
    beside = path.parent / recorded.name
    for place in (recorded, beside):
        if _exists(place):
            return place
    for folder in dict.fromkeys((path.parent, recorded.parent)):
        try:
            files = sorted(f for f in folder.iterdir() if f.suffix.lower() == recorded.suffix.lower())
        except OSError:  # the folder is gone too
            continue
        for file in files:
            if _hash(file, check) == source.content_hash:
                return file
    return None


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # a path the system cannot even ask about
        return False


def _hash(file: Path, check: Callable[[], None] | None) -> str | None:
    """SHA-256 (hex) of a file's bytes, or None where it cannot be read."""
    digest = hashlib.sha256()
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
                if check is not None:
                    check()
    except OSError:
        return None
    return digest.hexdigest()


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
        "listener": session.listener if is_id(session.listener) else None,
    }


def from_data(data: object, path: Path) -> Session:
    """The session that :func:`to_data` (of this or an earlier version) made; ``path`` is for sentences."""
    file = _fields(data, path)
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
        file = _fields(_MIGRATIONS[step](file), path)

    separation, mix = file.part("separation"), file.part("mix")
    parts = tuple(Part(part.text("instrument"), part.whole("number")) for part in separation.rows("parts"))
    if len(set(parts)) < len(parts):
        raise separation.wrong("separation.parts", "a list without repetition")
    strips = {
        strip.text("stem"): Strip(
            gain_db=clamp_gain(_gain(strip, "gain_db")),
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
        master_db=clamp_gain(_gain(mix, "master_db")),
    )
    made = session.with_stems(parts, session.separator, true_stems=session.true_stems)
    if strips and set(strips) != set(made.strips):
        # Strips of other parts than the session's: the parts say which there are.
        session = made
    loop = file.part("loop") if file.has("loop") else None
    if loop is not None:
        session = session.with_loop(Loop(loop.whole("start"), loop.whole("stop"), loop.truth("on")))
    told = file.text("listener") if file.has("listener") else ""
    session = replace(session, listener=told if is_id(told) else "")
    return session.with_position(file.whole("position"))


def _source(file: Fields, path: Path) -> Source | None:
    if not file.has("recording"):
        return None
    recording = file.part("recording")
    place = recording.text("path")
    if recording.has("relative_path"):
        beside = path.parent / recording.text("relative_path")
        if _exists(beside):
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


def _gain(fields: Fields, field: str) -> float:
    return MINUS_INFINITY if fields.get(field) == SILENCE else fields.number(field)


def _decibels(gain_db: float) -> float | str:
    return SILENCE if gain_db == MINUS_INFINITY else gain_db


def _fields(data: object, path: Path) -> Fields:
    def wrong(field: str, kind: str) -> SessionFileError:
        return SessionFileError(
            f"The session “{path.name}” is damaged: “{field}” should be {kind}. "
            "Open an older copy, or start again from the recording."
        )

    return Fields(data, wrong)


# -- earlier versions -------------------------------------------------------------------------------


def _from_version_0(old: Fields) -> dict[str, Any]:
    """Version 0 (before the first release) had one flat object, gains by stem name, and null for −∞ dB."""
    gains = old.part("gains")
    stems = gains.names()
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
                    "gain_db": gains.number(stem) if gains.has(stem) else SILENCE,
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


_MIGRATIONS: dict[int, Callable[[Fields], dict[str, Any]]] = {0: _from_version_0}
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
