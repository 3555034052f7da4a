"""The window: where everything stands, and how it follows the program.

It shows what :class:`app.program.Program` says and calls its verbs; what the actions do is in
:mod:`ui.verbs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.status import ExportStatus
from separation.separator import Part
from ui.actions import Actions
from ui.dock_title import DockTitle
from ui.empty_state import EmptyState
from ui.file_questions import FileQuestions
from ui.hearing_panel import HearingPanel
from ui.instrument_picker import InstrumentPicker
from ui.menus import Menus
from ui.message_bar import MessageBar
from ui.mixer_panel import MixerPanel
from ui.status_line import StatusLine
from ui.time_axis import TimeAxis
from ui.top_bar import TopBar
from ui.transport_bar import TransportBar
from ui.verbs import Verbs

if TYPE_CHECKING:
    from app.program import Program


class MainWindow(QMainWindow):
    """Everything that is seen of the program. Closing it closes the program it was given."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.questions = FileQuestions(self)
        self.actions_ = Actions(self)
        self.axis = TimeAxis(self)
        self.top = TopBar(program, self.actions_)
        self.messages = MessageBar()
        self.empty = EmptyState(self.actions_)
        self.mixer = MixerPanel(program, self.axis)
        self.picker = InstrumentPicker(program)
        self.transport = TransportBar(program, self.actions_)
        self.hearing = HearingPanel(program, self.actions_)
        self.status = StatusLine(program)
        self.job = self.status.job
        self.pages = QStackedWidget()
        self.menus = Menus(self, self.actions_, program.settings, self._open_recent)
        self._closed = False
        self._picking = False
        self._arrange()
        self.setAcceptDrops(True)
        self.verbs = Verbs(self)
        self._connect()
        self.empty.set_recent(program.settings.recent_files)
        self._show_page()
        self._show_title()
        self.verbs.refresh()
        self._restore()

    # -- building ----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.mixer)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top)
        layout.addWidget(self.messages)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.transport)
        self.setCentralWidget(centre)
        self.dock = QDockWidget(self.tr("Hearing"), self)
        self.dock.setObjectName("hearing")
        self.dock.setAllowedAreas(
            Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea
        )
        feature = QDockWidget.DockWidgetFeature
        self.dock.setFeatures(feature.DockWidgetClosable | feature.DockWidgetMovable)
        self.dock.setTitleBarWidget(DockTitle(self.dock))
        self.dock.setWidget(self.hearing)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        program = self.program
        program.opening_changed.connect(self._opening_changed)
        program.recording_changed.connect(self._recording_changed)
        program.stems_changed.connect(self._stems_changed)
        program.separation_changed.connect(self._separation_changed)
        program.exporting.changed.connect(self._export_changed)
        program.notice.connect(self.show_notice)
        program.failed.connect(self._failed)
        program.document.changed.connect(self._document_changed)
        program.settings.changed.connect(self._setting_changed)
        self.empty.recent_chosen.connect(self._open_recent)
        self.picker.separate_clicked.connect(self._separate)
        self.picker.true_stems_clicked.connect(self._use_true_stems)
        self.picker.dismissed.connect(lambda: self.show_picker(False))
        self.picker.selection_changed.connect(self.verbs.refresh)
        self.job.cancel_clicked.connect(self.verbs.cancel)
        self.dock.visibilityChanged.connect(self._dock_toggled)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def picking(self) -> bool:
        """Whether the instruments to tick stand in the strips' place."""
        return self._picking

    def show_picker(self, picking: bool) -> None:
        """Show the instruments to tick, or the strips; without strips there is only the former."""
        self._picking = self.program.recording is not None and (
            picking or not self.program.document.session.strips
        )
        if self._picking:
            self.picker.refresh()
        self.mixer.show_instead(self.picker if self._picking else None)
        self.verbs.refresh()

    def show_notice(self, sentence: str) -> None:
        """Say something that needs no answer, in the status line."""
        self.status.show_notice(sentence)

    def offer_leftovers(self) -> None:
        """After a start: offer what an earlier run left unsaved, and the note that a crash left."""
        program = self.program
        for leftover in reversed(program.recoveries()[:2]):
            when = self.locale().toString(leftover.saved.replace(tzinfo=None), "d MMMM, HH:mm")
            self.messages.show_note(
                self.tr("Ripieno was not closed properly"),
                self.tr("The work on “{0}” of {1} was not saved. It can be opened again.").format(
                    leftover.title, when
                ),
                (self.tr("Open it again"), lambda one=leftover: self.verbs.recover(one)),
                (self.tr("Discard it"), lambda one=leftover: program.discard_recovery(one)),
            )
        if program.crash_note():
            program.forget_crash()
            self.messages.show_note(
                self.tr("Ripieno crashed last time"),
                self.tr("A note about it lies in the log folder; it helps when you report the problem."),
                (self.tr("Open the log folder"), self.actions_["log folder"].trigger),
            )

    def _show_page(self) -> None:
        open_ = self.program.recording is not None
        self.pages.setCurrentWidget(self.mixer if open_ else self.empty)
        self.transport.setVisible(open_)

    def _show_title(self) -> None:
        document = self.program.document
        title = document.title
        recording = self.program.recording
        if document.path is None and recording is not None:
            title = recording.title
        self.setWindowTitle(f"[*] {title} — Ripieno" if title else "Ripieno[*]")
        self.setWindowModified(document.dirty)

    # -- following the program ---------------------------------------------------------------------

    def _opening_changed(self) -> None:
        name = self.program.opening
        self.empty.set_opening(name)
        self.verbs.refresh()

    def _recording_changed(self) -> None:
        self.messages.clear_problems()
        self._show_page()
        self._show_title()
        self.picker.offer()
        self.show_picker(False)
        if self._picking:
            self._focus_picker()

    def _focus_picker(self) -> None:
        first = next(iter(self.picker.choices.values()), None)
        if first is not None and self.isActiveWindow():
            first.box.setFocus(Qt.FocusReason.OtherFocusReason)

    def _stems_changed(self) -> None:
        self.show_picker(self._picking and not self.program.document.session.strips)
        self._quiet_focus()

    def _separation_changed(self, _status: object) -> None:
        self.picker.refresh()
        self.verbs.refresh()

    def _export_changed(self, status: ExportStatus | None) -> None:
        if status is not None and status.done and status.path is not None:
            self._exported(status)
        self.verbs.refresh()

    def _exported(self, status: ExportStatus) -> None:
        folder = status.path.parent if status.path is not None else Path()
        self.messages.show_note(
            self.tr("Exported"),
            status.text,
            (self.tr("Show in its folder"), lambda: self.verbs.show_folder(folder)),
        )

    def _failed(self, title: str, sentence: str) -> None:
        self.messages.show_problem(title, sentence)

    def _document_changed(self, what: str) -> None:
        if what in ("source", "stems", "path", "clean"):
            self._show_title()
        self.verbs.refresh()

    def _setting_changed(self, name: str) -> None:
        settings = self.program.settings
        if name == "theme":
            self.verbs.refresh()
        elif name == "recent_files":
            self.empty.set_recent(settings.recent_files)
        elif name == "spectrogram_scale":
            self.actions_["log frequency"].setChecked(settings.spectrogram_scale == "log")
            self.mixer.set_frequency_scale(settings.spectrogram_scale)

    def _separate(self, parts: tuple[Part, ...], separator: str, device: str) -> None:
        self.messages.clear_problems()
        self._picking = False
        self.program.separate(parts, separator, device)
        self.show_picker(False)

    def _use_true_stems(self) -> None:
        self._picking = False
        self.program.use_true_stems()
        self.show_picker(False)

    def _open_recent(self, path: str) -> None:
        self.verbs.open(Path(path))

    def _dock_toggled(self, _visible: bool) -> None:
        # Minimising a window hides its docks too; only a closed dock is a closed dock.
        self.actions_["hearing"].setChecked(not self.dock.isHidden())

    # -- drag and drop, keys -----------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file held over the window is welcome."""
        if dropped_path(event) is not None:
            event.acceptProposedAction()
            self.empty.set_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It was taken away again."""
        self.empty.set_drop(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.empty.set_drop(False)
        path = dropped_path(event)
        if path is not None:
            event.acceptProposedAction()
            if len(event.mimeData().urls()) > 1:
                self.show_notice(
                    self.tr(
                        "Only the first file was opened; for files of single instruments, drop their folder."
                    )
                )
            self.verbs.open(path)

    def event(self, event: QEvent) -> bool:
        """Leave Space to a button or list that has the keyboard: elsewhere it plays."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            wants_space = isinstance(self.focusWidget(), QAbstractButton | QComboBox | QAbstractItemView)
            if event.key() == Qt.Key.Key_Space and plain and wants_space:
                event.accept()
                return True
        return super().event(event)

    def _quiet_focus(self) -> None:
        """A click on a button leaves the keyboard where it was, so that Space still plays."""
        for button in self.findChildren(QAbstractButton):
            if button.focusPolicy() == Qt.FocusPolicy.StrongFocus:
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    # -- coming and going --------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Comfortable for a quartet."""
        return QSize(1440, 900)

    def showEvent(self, event: QShowEvent) -> None:
        """From the first moment, Space plays."""
        super().showEvent(event)
        self._quiet_focus()

    def changeEvent(self, event: QEvent) -> None:
        """Icons and the status line follow the theme and the text size."""
        super().changeEvent(event)
        if not hasattr(self, "verbs"):
            return
        if event.type() == QEvent.Type.PaletteChange:
            self.actions_.set_palette(self.palette())
            self.actions_.set_playing(self.program.player.playing, self.palette())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask only where something would be lost; then end every job and join it."""
        if self._closed:
            event.accept()
            return
        if not self.verbs.may_lose():
            event.ignore()
            return
        self.end()
        event.accept()

    def end(self, *, keep_unsaved: bool = False) -> None:
        """End every job and close the program, without a question.

        ``keep_unsaved`` leaves unsaved work for the next start to offer.
        """
        if self._closed:
            return
        self._closed = True
        settings = self.program.settings
        settings.window_geometry = self.saveGeometry().toBase64().toStdString()
        settings.window_state = self.saveState().toBase64().toStdString()
        self.hide()
        self.verbs.shutdown()
        self.transport.shutdown()
        self.mixer.shutdown()
        self.program.close(keep_unsaved=keep_unsaved)

    def _restore(self) -> None:
        settings = self.program.settings
        if settings.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode("ascii", "ignore")))
        else:
            room = self.screen().availableGeometry().size()
            self.resize(self.sizeHint().boundedTo(room))
        if settings.window_state:
            self.restoreState(QByteArray.fromBase64(settings.window_state.encode("ascii", "ignore")))
        self.actions_["hearing"].setChecked(not self.dock.isHidden())


def dropped_path(event: QDropEvent) -> Path | None:
    """The first local file or folder of what is dragged, or None."""
    for url in event.mimeData().urls():
        if url.isLocalFile():
            return Path(url.toLocalFile())
    return None
