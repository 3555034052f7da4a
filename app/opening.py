"""Opening whatever a user points at: a recording, a folder of stems, the demo, or a session.

A plain function for a background thread; its result is applied on the main thread by
:class:`app.program.Program`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app import session_file
from app.errors import UserError
from app.paths import demo_folder
from app.recording import Recording, open_recording
from app.recovery import Leftover
from app.session import Session, Source
from app.stem_folder import TrueStems, open_stem_folder
from app.stems import Stems, StemStore

DEMO_TITLE = "Demo: quartet by Mozart"
Check = Callable[[], None]
Report = Callable[[float], None]


@dataclass(frozen=True)
class Opened:
    """What was opened: the recording, its session, and the stems that exist already.

    ``session_path`` is the session file, None for a recording; ``true_stems`` are there for the demo
    and for a folder of stems; ``stems`` are what the strips play: separated ones found in the cache, or
    the folder's own.
    """

    recording: Recording
    session: Session
    session_path: Path | None = None
    true_stems: TrueStems | None = None
    stems: Stems | None = None
    is_demo: bool = False

    def close(self) -> None:
        """Let everything go, because nobody wants it any more."""
        for thing in (self.recording, self.true_stems, self.stems):
            if thing is not None:
                thing.close()


def open_anything(
    path: Path,
    *,
    leftover: Leftover | None = None,
    progress: Report | None = None,
    check: Check | None = None,
) -> Opened:
    """Open a recording, a folder of stems or a session file.

    ``leftover`` says that ``path`` is its autosave: the session file is then the one that it had.
    Raises :class:`~app.errors.UserError` with a sentence; nothing that is open now is touched.
    """
    if leftover is not None:
        return replace(_open_session(path, progress, check), session_path=leftover.path)
    if path.suffix.lower() == session_file.SUFFIX and not path.is_dir():
        return _open_session(path, progress, check)
    return _open_material(path, progress, check)


def _open_material(path: Path, progress: Report | None, check: Check | None) -> Opened:
    if not path.is_dir():
        recording = open_recording(path, progress=progress, check=check)
        return Opened(recording, Session(source=source_of(recording)))
    recording, true_stems = open_stem_folder(path, progress=progress, check=check)
    session = Session(source=source_of(recording))
    if path.resolve() == demo_folder().resolve():
        # It is there to show separation; its true stems say how well that went.
        return Opened(replace(recording, title=DEMO_TITLE), session, None, true_stems, is_demo=True)
    session = session.with_stems(true_stems.parts, "", true_stems=True)
    return Opened(recording, session, None, true_stems, true_stems)


def _open_session(path: Path, progress: Report | None, check: Check | None) -> Opened:
    session = session_file.load(path)
    if session.source is None:
        raise UserError(f"The session “{path.name}” names no recording, so there is nothing to open.")
    where = session_file.find_source(session.source, path, check)
    if where is None:
        raise UserError(
            f"The recording of the session “{path.name}” was not found. It was "
            f"“{session.source.path}”: put it back there or beside the session, then open the session again."
        )
    opened = _open_material(where, progress, check)
    if opened.recording.content_hash != session.source.content_hash:
        opened.close()
        raise UserError(
            f"“{where.name}” is not the recording that the session “{path.name}” was made with: "
            "its content has changed. Put the original back, or open the recording on its own."
        )
    session = replace(session, source=source_of(opened.recording))
    stems: Stems | None = None
    if session.true_stems:
        stems = opened.true_stems
    elif session.parts:
        stems = StemStore.find(opened.recording, session.separator, session.parts, session.seed)
    return replace(opened, session=session, session_path=path, stems=stems)


def source_of(recording: Recording) -> Source:
    """What a session remembers of a recording."""
    return Source(
        path=str(recording.path),
        content_hash=recording.content_hash,
        sample_rate=recording.sample_rate,
        channels=recording.channels,
        frames=recording.frames,
    )
