"""What the window's actions do, and when they can be done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QDialog

from app.errors import UserError
from app.session_file import SUFFIX
from ui.about_dialog import AboutDialog
from ui.calibration_dialog import CalibrationDialog
from ui.export_dialog import ExportDialog
from ui.listening_way_dialog import ListeningWayDialog
from ui.live_input_dialog import LiveInputDialog
from ui.preferences_dialog import PreferencesDialog
from ui.shortcut_sheet import ShortcutSheet

if TYPE_CHECKING:
    from app.recovery import Leftover
    from ui.main_window import MainWindow

JUMP_SECONDS = 5.0
TEXT_SCALES = (1.0, 1.25, 1.5, 1.75, 2.0)


class Verbs(QObject):
    """Connects every action of a window to what it does."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.program = window.program
        self.actions = window.actions_
        self._dialogs: dict[str, QDialog] = {}
        for key, act in self._table().items():
            self.actions[key].triggered.connect(act)
        self.actions.themes.triggered.connect(self._choose_theme)
        self.program.document.undo_stack.indexChanged.connect(self._refresh_undo)
        self.program.amplification.changed.connect(self._refresh_amplification)
        self.actions["log frequency"].setChecked(self.program.settings.spectrogram_scale == "log")
        window.mixer.set_frequency_scale(self.program.settings.spectrogram_scale)

    def _table(self) -> dict[str, Callable[..., object]]:
        window, program, document = self.window, self.program, self.program.document
        return {
            "open": self._ask_open,
            "open folder": self._ask_folder,
            "demo": lambda: self.may_lose() and self.program.open_demo(),
            "clear recent": lambda: setattr(program.settings, "recent_files", ()),
            "save": self.save,
            "save as": self.save_as,
            "export": self._export,
            "quit": lambda: window.close(),
            "undo": document.undo,
            "redo": document.redo,
            "reset mix": document.flatten,
            "instruments": window.show_picker,
            "separate": window.picker.start,
            "cancel": lambda: self.cancel(window.job.job),
            "preferences": lambda: self._show("preferences", lambda: PreferencesDialog(program, window)),
            "play": program.play_pause,
            "to start": self._to_start,
            "back": lambda: self._jump(-JUMP_SECONDS),
            "forward": lambda: self._jump(JUMP_SECONDS),
            "loop": self._loop,
            "clear loop": lambda: document.set_loop(None),
            "compare": self._compare,
            "score": program.scoring.request,
            "amplification": self._hear,
            "listening way": self._ask_way,
            "calibrate": lambda: self._show(
                "calibrate", lambda: CalibrationDialog(program, window), fresh=True
            ),
            "live input": lambda: self._show("live input", lambda: LiveInputDialog(program, window)),
            "zoom in": window.axis.zoom_in,
            "zoom out": window.axis.zoom_out,
            "zoom all": window.axis.show_all,
            "log frequency": self._frequency,
            "hearing": lambda on: window.dock.setVisible(on),
            "fitting view": self._fitting_view,
            "larger text": lambda: self._text_size(+1),
            "smaller text": lambda: self._text_size(-1),
            "full screen": lambda on: window.showFullScreen() if on else window.showNormal(),
            "edit audiogram": self.edit_audiogram,
            "new listener": lambda: self.edit_audiogram(new=True),
            "shortcuts": lambda: self._show("shortcuts", lambda: ShortcutSheet(self.actions, window)),
            "log folder": lambda: self.show_folder(program.log_folder),
            "about": lambda: self._show("about", lambda: AboutDialog(window)),
        }

    # -- when --------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Enable what can be done now, and tick what is on."""
        program, session = self.program, self.program.document.session
        has, strips = program.recording is not None, bool(session.strips)
        for key in ("save", "save as", "export", "play", "to start", "back", "forward", "loop"):
            self.actions[key].setEnabled(has)
        for key in ("zoom in", "zoom out", "zoom all", "instruments", "amplification", "calibrate"):
            self.actions[key].setEnabled(has)
        for key in ("reset mix", "compare", "score", "log frequency"):
            self.actions[key].setEnabled(has and strips)
        self.actions["clear loop"].setEnabled(session.loop is not None)
        self.actions["loop"].setChecked(session.loop is not None and session.loop.on)
        self.actions["instruments"].setChecked(self.window.picking)
        self.actions["separate"].setEnabled(
            has and self.window.picking and not self.window.picker.reason_not()
        )
        self.actions["cancel"].setEnabled(bool(self.window.job.job))
        status = program.exporting.status
        self.actions["export"].setEnabled(has and not (status is not None and status.running))
        for action in self.actions.themes.actions():
            action.setChecked(action.data() == program.settings.theme)
        self._refresh_undo()

    def shutdown(self) -> None:
        """The window closes: an undo stack that is taken down tells nobody any more."""
        self.program.document.undo_stack.indexChanged.disconnect(self._refresh_undo)
        self.close_dialogs()

    @Slot()
    def _refresh_undo(self) -> None:
        stack = self.program.document.undo_stack
        rows = (
            ("undo", stack.canUndo(), stack.undoText(), self.tr("&Undo"), self.tr("&Undo: {0}")),
            ("redo", stack.canRedo(), stack.redoText(), self.tr("&Redo"), self.tr("&Redo: {0}")),
        )
        for key, can, what, plain, with_text in rows:
            action = self.actions[key]
            action.setEnabled(can)
            action.setText(with_text.format(what) if what else plain)
            keys = action.shortcut().toString()
            action.setToolTip(f"{action.text().replace('&', '')} ({keys})")

    # -- files -------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open a recording, folder or session, after asking where something would be lost."""
        if self.may_lose():
            self.program.open_path(path)

    def recover(self, leftover: Leftover) -> None:
        """Open an autosave of an earlier run."""
        if self.may_lose():
            self.program.recover(leftover)

    def may_lose(self) -> bool:
        """True where nothing would be lost, or the user has saved it or says that it may be."""
        document = self.program.document
        if not document.dirty:
            return True
        answer = self.window.questions.before_losing(document.title or self.tr("this mix"))
        if answer == "save":
            return self.save()
        return answer == "discard"

    def save(self) -> bool:
        """Save the session, asking where it goes if it never was; False where it was not saved."""
        if self.program.document.path is None:
            return self.save_as()
        return self._saved(self.program.save())

    def save_as(self) -> bool:
        """Ask where the session goes and save it there; False where it was not saved."""
        try:
            path = self.window.questions.save_session(self._proposal())
        except UserError as exc:
            self.window.messages.show_problem(self.tr("The session was not saved"), str(exc))
            return False
        return path is not None and self._saved(self.program.save_as(path))

    def _saved(self, done: bool) -> bool:
        path = self.program.document.path
        if done and path is not None:
            self.program.settings.last_folder = str(path.parent)
            self.window.show_notice(self.tr("Saved as “{0}”.").format(path.name))
        return done

    def _proposal(self) -> Path:
        document, recording = self.program.document, self.program.recording
        if document.path is not None:
            return document.path
        title = recording.title if recording is not None else self.tr("Untitled")
        # The demo lies inside the program, where nothing of the user's belongs.
        beside = recording is not None and not self.program.is_demo
        folder = recording.path.parent if beside and recording is not None else Path.home()
        return folder / f"{title.replace('/', '-')}{SUFFIX}"

    def _ask_open(self) -> None:
        path = self.window.questions.open_file(self.program.settings.last_folder)
        self._open_asked(path)

    def _ask_folder(self) -> None:
        path = self.window.questions.open_folder(self.program.settings.last_folder)
        self._open_asked(path)

    def _open_asked(self, path: Path | None) -> None:
        if path is not None:
            self.program.settings.last_folder = str(path.parent)
            self.open(path)

    def _export(self) -> None:
        self._show("export", lambda: ExportDialog(self.program, self.window), fresh=True)

    def _fitting_view(self) -> None:
        from ui.fitting_view import FittingView  # late: charts that most sessions never need

        self._show("fitting view", lambda: FittingView(self.program, self.actions, self.window))

    def show_folder(self, folder: Path) -> None:
        """Show a folder in the system's file manager, or say where it is if there is none."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.window.messages.show_note(self.tr("The folder"), str(folder))

    # -- jobs --------------------------------------------------------------------------------------

    def cancel(self, job: str) -> None:
        """Cancel the job of that name: opening, separation or export."""
        cancels = {
            "opening": self.program.cancel_opening,
            "separation": self.program.cancel_separation,
            "export": self.program.exporting.cancel,
        }
        if job in cancels:
            cancels[job]()

    # -- playing -----------------------------------------------------------------------------------

    def _to_start(self) -> None:
        loop = self.program.document.session.loop
        self.program.seek(loop.start if loop is not None and loop.on else 0)
        if self.program.recording is not None:
            self.window.axis.reveal(
                (loop.start if loop and loop.on else 0) / self.program.recording.sample_rate
            )

    def _jump(self, seconds: float) -> None:
        recording = self.program.recording
        if recording is not None:
            frame = self.program.player.position + round(seconds * recording.sample_rate)
            self.program.seek(min(max(0, frame), recording.frames))

    def _loop(self) -> None:
        self.program.toggle_loop()
        self.refresh()

    def _compare(self) -> None:
        listening = self.program.listening
        listening.listen_to("remix" if listening.side == "recording" else "recording")
        words = (
            self.tr("You hear the remix.")
            if listening.side == "remix"
            else self.tr("You hear the recording.")
        )
        self.window.show_notice(words)

    def _hear(self, on: bool) -> None:
        """Hear the amplification, after asking how one listens where that was not said yet."""
        amplification = self.program.amplification
        if on and amplification.way is None and self.program.recording is not None and amplification.output:
            self._ask_way(then_hear=True)
        else:
            amplification.set_heard(on)
        if on and not amplification.heard and amplification.way is not None:
            self.window.show_notice(amplification.may_be_heard())
        self._refresh_amplification()

    def _ask_way(self, _on: bool = False, *, then_hear: bool = False) -> None:
        self._show(
            "listening way",
            lambda: ListeningWayDialog(self.program, self.window, then_hear=then_hear),
            fresh=True,
        )

    @Slot()
    def _refresh_amplification(self) -> None:
        self.actions["amplification"].setChecked(self.program.amplification.heard)

    # -- looks -------------------------------------------------------------------------------------

    def _frequency(self, log: bool) -> None:
        self.program.settings.spectrogram_scale = "log" if log else "linear"

    def _choose_theme(self, action: QAction) -> None:
        self.program.settings.theme = action.data()

    def _text_size(self, way: int) -> None:
        settings = self.program.settings
        nearest = min(TEXT_SCALES, key=lambda scale: abs(scale - settings.text_scale))
        index = min(max(0, TEXT_SCALES.index(nearest) + way), len(TEXT_SCALES) - 1)
        settings.text_scale = TEXT_SCALES[index]
        self.window.show_notice(self.tr("Text size {0} %").format(round(100 * TEXT_SCALES[index])))

    # -- dialogs -----------------------------------------------------------------------------------

    def dialog(self, key: str) -> QDialog | None:
        """The dialog of that name if it is open: preferences, export, shortcuts, about."""
        return self._dialogs.get(key)

    def edit_audiogram(self, _on: bool = False, *, new: bool = False) -> None:
        """Show the editor for the chosen listener, or for a new one."""
        from ui.audiogram_editor import AudiogramEditor  # late: the chart takes half a second to load

        self._show("audiogram", lambda: AudiogramEditor(self.program, self.window, new=new), fresh=new)

    def close_dialogs(self) -> None:
        """Close what is still open in front of the window."""
        for dialog in list(self._dialogs.values()):
            dialog.close()

    def _show(self, key: str, make: Callable[[], QDialog], *, fresh: bool = False) -> None:
        """Show a dialog beside the window, without stopping it; the one that is open already if it is."""
        dialog = self._dialogs.get(key)
        if dialog is not None and fresh:
            dialog.close()
            dialog = None
        if dialog is None:
            dialog = self._dialogs[key] = make()
            made = dialog
            dialog.finished.connect(lambda _: self._closed(key, made))
            dialog.show()
        else:
            dialog.raise_()
        dialog.activateWindow()

    def _closed(self, key: str, dialog: QDialog) -> None:
        if self._dialogs.get(key) is dialog:
            del self._dialogs[key]
        dialog.deleteLater()
