"""The document: the session of the moment, its undo stack, and one signal that says what changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app import session_file
from app.edits import (
    Edit,
    FlattenEdit,
    GainEdit,
    LoopEdit,
    MasterEdit,
    MixEdit,
    Moment,
    MuteEdit,
    PanEdit,
    SoloEdit,
)
from app.session import Loop, Session, Source
from separation.separator import Part


class Document(QObject):
    """What the window shows and edits.

    ``changed`` carries one word: ``source`` (another recording, or the same at another place),
    ``stems`` (the strips there are), ``mix`` (gain, mute, solo, pan, master), ``loop``, ``path`` (the
    session file and so the title) or ``clean`` (:attr:`dirty` turned). It is emitted after the whole
    change is made, so a receiver sees a consistent document.

    Edits of the mix and of the selection are undoable. The recording and its stems are not: with other
    strips than before, the history is of no use and goes. ``clock`` gives seconds and is there for tests.
    """

    changed = Signal(str)
    drag_ended = Signal()
    """A slider was released: what was dragged stays as it is now."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = Session()
        self._saved: Session | None = self._session
        self._path: Path | None = None
        self._was_dirty = False
        self._clock = clock
        self._gesture = 0
        self._dragging = False
        self.undo_stack = QUndoStack(self)

    # -- what there is ------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session of the moment."""
        return self._session

    @property
    def path(self) -> Path | None:
        """The session file, or None where it was never saved."""
        return self._path

    @property
    def title(self) -> str:
        """The session file's name without its ending, else the recording's, else an empty text."""
        if self._path is not None:
            return self._path.stem
        return Path(self._session.source.path).stem if self._session.source else ""

    @property
    def dirty(self) -> bool:
        """Whether something would be lost if the program closed now.

        What counts is what the session says, not how it came to say it: an edit taken back by hand
        leaves nothing to lose. The play head and the loop switch are not edits.
        """
        return self._saved is None or _content(self._session) != _content(self._saved)

    # -- edits --------------------------------------------------------------------------------------

    def begin_drag(self) -> None:
        """A slider or a selection was grabbed: until :meth:`end_drag`, its steps are one step of undo."""
        self._gesture += 1
        self._dragging = True

    def end_drag(self) -> None:
        """The slider was released, or a control lost the focus: the next step is a new step of undo."""
        self._gesture += 1
        if self._dragging:
            self._dragging = False
            self.drag_ended.emit()

    @property
    def dragging(self) -> bool:
        """Whether a slider or a selection is held at the moment."""
        return self._dragging

    def set_gain(self, stem: str, gain_db: float) -> None:
        """A strip's gain in dB, cut to the range; below −60 dB it is −∞. KeyError for an unknown strip."""
        after = self._session.with_gain(stem, gain_db)
        if after != self._session:
            self._push(GainEdit(stem, self._session, after, self._current, self._put, self._moment()))

    def set_pan(self, stem: str, pan: float) -> None:
        """A strip's pan from −1 (left) to +1."""
        after = self._session.with_pan(stem, pan)
        if after != self._session:
            self._push(PanEdit(stem, self._session, after, self._current, self._put, self._moment()))

    def set_master(self, gain_db: float) -> None:
        """The master gain in dB, cut to a strip's range."""
        after = self._session.with_master(gain_db)
        if after != self._session:
            self._push(MasterEdit("", self._session, after, self._current, self._put, self._moment()))

    def set_mute(self, stem: str, mute: bool) -> None:
        """A strip muted or not."""
        after = self._session.with_mute(stem, mute)
        if after != self._session:
            self._push(MuteEdit(stem, self._session, after, self._current, self._put))

    def set_solo(self, stem: str, solo: bool, *, exclusive: bool = False) -> None:
        """A strip soloed or not; ``exclusive`` takes every other solo off."""
        after = self._session.with_solo(stem, solo, exclusive=exclusive)
        if after != self._session:
            self._push(SoloEdit(stem, self._session, after, self._current, self._put))

    def flatten(self) -> None:
        """Every strip and the master back at 0 dB, nothing muted, soloed or panned."""
        after = self._session.with_flat_mix()
        if after != self._session:
            self._push(FlattenEdit(self._session, after, self._current, self._put))

    def set_mix(self, control: str, after: Session, text: str) -> None:
        """All gains and the master as another session has them, by one ``control``; ``text`` says what it is.

        Steps of one drag, or of a quick run on the same control, are one step of undo.
        """
        wanted = replace(self._session, strips=after.strips, master_db=after.master_db)
        if wanted != self._session:
            moment = self._moment()
            self._push(MixEdit(control, text, self._session, wanted, self._current, self._put, moment))

    def set_loop(self, loop: Loop | None) -> None:
        """A selection in samples, or none; it is cut to the recording.

        Where there is a selection already, ``loop.on`` is taken too, but only a change of the
        selection's ends is a step of undo.
        """
        after = self._session.with_loop(loop)
        if loop is not None and after.loop is not None:
            self.set_loop_on(loop.on)
        if _content(after) != _content(self._session):
            self._push(LoopEdit("", self._session, after, self._current, self._put, self._moment()))

    def set_loop_on(self, on: bool) -> None:
        """Whether playback repeats the selection: a switch of the player's, not a step of undo."""
        loop = self._session.loop
        if loop is not None and loop.on != on:
            self._put(replace(self._session, loop=replace(loop, on=on)), "loop")

    def undo(self) -> None:
        """Take the last step back; does nothing where there is none."""
        self.end_drag()
        self.undo_stack.undo()

    def redo(self) -> None:
        """Make the step again that was last taken back."""
        self.end_drag()
        self.undo_stack.redo()

    # -- what is no edit ------------------------------------------------------------------------------

    def set_position(self, frame: int) -> None:
        """Remember the play head for the session file; tells no one, because the player knows it better."""
        self._session = self._session.with_position(frame)

    def set_listener(self, profile_id: str) -> None:
        """Remember whose ears the session is made for: the id of a profile, or empty. Not an edit."""
        self._session = replace(self._session, listener=profile_id)

    def forget_history(self) -> None:
        """Undo and redo are gone; the mix stays as it is."""
        self._clear_history()

    def set_stems(
        self,
        parts: tuple[Part, ...],
        separator: str,
        *,
        true_stems: bool = False,
        seed: int | None = None,
    ) -> None:
        """The recording has these stems now (and the residual); strips that keep their name keep their mix.

        The history stays where the strips are the same ones, and is cleared otherwise. A session that
        was never saved is not dirty because of it: the stems are kept in the cache, nothing would be lost.
        """
        names = self._session.stem_names

        def edit(session: Session) -> Session:
            return session.with_stems(parts, separator, true_stems=true_stems, seed=seed)

        self._session = edit(self._session)
        if self._saved is not None and self._path is None:
            self._saved = edit(self._saved)
        if self._session.stem_names != names:
            self._clear_history()
        self._tell("stems", "mix")

    def relink(self, source: Source) -> None:
        """The same recording was found at another place. ValueError where it is another recording."""
        old = self._session.source
        if old is None or old.content_hash != source.content_hash:
            raise ValueError("a session can only be linked to the recording that it was made of")
        self._session = replace(self._session, source=source)
        if self._saved is not None and self._path is None:
            self._saved = replace(self._saved, source=source)
        self._tell("source")

    def replace(self, session: Session, path: Path | None = None, *, recovered: bool = False) -> None:
        """Another session, with an empty history: a recording just opened, or a session file.

        ``recovered`` says that the session comes from an autosave and is in no file yet: it stays dirty
        until it is saved.
        """
        self._session = session
        self._saved = None if recovered else session
        self._path = path
        self._clear_history()
        self._tell("source", "stems", "mix", "loop", "path")

    def save(self, path: Path | None = None) -> None:
        """Write the session file: the one it has, or ``path``, which becomes its own.

        Raises :class:`~app.session_file.SessionFileError` with a sentence; nothing is changed then.
        """
        target = path or self._path
        if target is None:
            raise ValueError("a session that was never saved needs a path")
        session_file.save(self._session, target)
        moved = target != self._path
        self._path = target
        self._saved = self._session
        self.end_drag()
        self.undo_stack.setClean()
        self._tell(*(["path"] if moved else []))

    # -- inside ---------------------------------------------------------------------------------------

    def _moment(self) -> Moment:
        return Moment(self._clock(), self._gesture, self._dragging)

    def _current(self) -> Session:
        return self._session

    def _push(self, edit: Edit) -> None:
        self.undo_stack.push(edit)

    def _put(self, session: Session, what: str) -> None:
        self._session = session
        self._tell(what)

    def _clear_history(self) -> None:
        self.end_drag()
        self.undo_stack.clear()

    def _tell(self, *whats: str) -> None:
        dirty = self.dirty
        turned = dirty != self._was_dirty
        self._was_dirty = dirty
        for what in whats:
            self.changed.emit(what)
        if turned:
            self.changed.emit("clean")


def _content(session: Session) -> Session:
    """The session without what is no edit: the play head, the loop switch and the listener."""
    loop = session.loop
    return replace(session, position=0, listener="", loop=None if loop is None else replace(loop, on=True))
