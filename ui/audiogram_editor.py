"""The audiogram editor: a chart, a table, and what a listener's profile needs besides.

Import it late: the chart loads pyqtgraph.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.audiogram_document import AudiogramDocument, Draft, Ear, draft_of
from app.errors import UserError
from app.hearing.audiogram import PRESETS, Listener
from app.hearing.audiogram_file import doubts, names_in, read_listener
from app.hearing.averages import in_words
from app.hearing.typical import OLDEST, SEXES, YOUNGEST, Sex, typical
from app.listeners import preset_text
from app.profiles import Profile, new_id
from ui.audiogram_chart import AudiogramChart
from ui.audiogram_table import AudiogramTable
from ui.dialogs import ScrollingDialog
from ui.flow_layout import FlowLayout
from ui.form_rows import FormRows, Note, Wrapped
from ui.listener_questions import ListenerQuestions
from ui.spoken import announce

if TYPE_CHECKING:
    from app.program import Program

USUAL_AGE = 70
LONGEST_NAME = 200


class AudiogramEditor(ScrollingDialog):
    """Edits the chosen listener's profile; for a preset, or with ``new``, it makes a profile.

    Nothing is kept before “Keep”. A new listener takes the place of the one before with
    :meth:`~app.listeners.Listeners.forget`, so that nothing of the earlier one stays on the screen.
    """

    def __init__(self, program: Program, parent: QWidget | None = None, *, new: bool = False) -> None:
        super().__init__("", parent)
        self.program = program
        self.questions = ListenerQuestions(self)
        self.profile = None if new else program.listeners.profile
        self.new = new
        title = self.tr("New listener") if new else self.tr("Audiogram")
        for widget in (self, self.area):
            widget.setAccessibleName(title)
        self.setWindowTitle(title)
        chosen = program.listeners.listener
        name = self.profile.name if self.profile is not None else ""
        self._first = Draft() if new else draft_of(chosen, name)
        self.document = AudiogramDocument(self._first, self)
        self.name = QLineEdit(name)
        self.name.setMaxLength(LONGEST_NAME)
        self.name.setPlaceholderText(self.tr("Name or initials"))
        self.chart = AudiogramChart(self.document)
        self.table = AudiogramTable(self.document)
        self.silent = QCheckBox(self.tr("No &response at the loudest tone"))
        self.point = Wrapped()
        self.averages = Wrapped()
        self.problem = Note()
        self.problem.setVisible(False)
        self._make_start()
        self._make_buttons()
        self._lay_out()
        self._connect()
        self.table.select(self.chart.ear, self.chart.frequency)
        self.refresh()

    # -- making ----------------------------------------------------------------------------------------

    def _make_start(self) -> None:
        self.start = QComboBox()
        self.start.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.start.setMinimumContentsLength(16)
        for key in PRESETS:
            self.start.addItem(preset_text(key), key)
        for sex in SEXES:
            text = self.tr("Typical woman, by age") if sex == "female" else self.tr("Typical man, by age")
            self.start.addItem(text, sex)
        self.age = QSpinBox()
        self.age.setRange(YOUNGEST, OLDEST)
        self.age.setValue(USUAL_AGE)
        self.age.setPrefix(self.tr("age "))
        self.age.setAccessibleName(self.tr("Age in years"))
        self.use = QPushButton(self.tr("&Use for both ears"))

    def _make_buttons(self) -> None:
        self.right = QRadioButton(self.tr("Righ&t ear  O"))
        self.left = QRadioButton(self.tr("&Left ear  X"))
        self.right.setAccessibleName(self.tr("Right ear, red O"))
        self.left.setAccessibleName(self.tr("Left ear, blue X"))
        self.ears = QButtonGroup(self)
        self.ears.addButton(self.right)
        self.ears.addButton(self.left)
        self.to_left = QPushButton(self.tr("Copy right → left"))
        self.to_right = QPushButton(self.tr("Copy left → right"))
        self.to_left.setAccessibleName(self.tr("Copy the right ear to the left"))
        self.to_right.setAccessibleName(self.tr("Copy the left ear to the right"))
        self.exchange = QPushButton(self.tr("Exchange ears"))
        self.undo = QPushButton(self.tr("Undo"))
        self.redo = QPushButton(self.tr("Redo"))
        self.load = QPushButton(self.tr("L&oad a file…"))
        self.save = QPushButton(self.tr("S&ave a file…"))
        role = QDialogButtonBox.ButtonRole
        self.keep = self.buttons.addButton(self.tr("&Keep"), role.AcceptRole)
        self.buttons.addButton(self.tr("Cancel"), role.RejectRole)
        for button in self.findChildren(QPushButton):
            # Enter belongs to the table, not to a button somewhere else.
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = FormRows()
        form.add(
            self.tr("&Name"),
            self.name,
            self.tr("Kept on this computer only, in a private profile; never in a session or in the log."),
        )
        start = QWidget()
        row = FlowLayout(start)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.start, self.age, self.use, self.load, self.save):
            row.addWidget(widget)
        form.add(self.tr("&Start from"), start)
        self.start.setAccessibleName(self.tr("Start from"))
        tools = QWidget()
        row = FlowLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.right, self.left, self.silent,
            self.to_left, self.to_right, self.exchange, self.undo, self.redo,
        ):  # fmt: skip
            row.addWidget(widget)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self.chart, 3)
        middle.addWidget(self.table, 2, Qt.AlignmentFlag.AlignTop)
        below = QGridLayout()
        below.addWidget(self.point, 0, 0)
        below.addWidget(self.problem, 1, 0)
        below.addWidget(self.averages, 2, 0)
        notes = (
            self.tr(
                "In the table, type a level and press Enter; leave empty what was not measured: it is "
                "interpolated. In the chart, drag a point or use the arrow keys: up and down 5 dB (with "
                "Shift 1 dB), left and right the next frequency, O and X the ear, N no response, Delete "
                "removes."
            ),
            self.tr(
                "An arrow (NR in the table) means that the loudest tone was not heard: formulas then take "
                "5 dB more than that tone, at most 120 dB. < and > are bone conduction. Dotted, or in "
                "brackets: extrapolated, not measured."
            ),
        )
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 16, 20, 8)
        layout.setSpacing(10)
        layout.addLayout(form)
        layout.addWidget(tools)
        layout.addLayout(middle, 1)
        layout.addLayout(below)
        for text in notes:
            layout.addWidget(Note(text))
        self.setTabOrder(self.name, self.start)

    def _connect(self) -> None:
        document = self.document
        document.changed.connect(self.refresh)
        document.undo_stack.indexChanged.connect(self._refresh_undo)
        self.name.textEdited.connect(document.set_name)
        self.start.activated.connect(self._refresh_start)
        self.use.clicked.connect(self._use)
        self.load.clicked.connect(self._load)
        self.save.clicked.connect(self._save)
        self.right.clicked.connect(lambda: self.chart.select("right", self.chart.frequency))
        self.left.clicked.connect(lambda: self.chart.select("left", self.chart.frequency))
        self.silent.clicked.connect(
            lambda on: document.set_answered(self.chart.ear, self.chart.frequency, not on)
        )
        self.to_left.clicked.connect(lambda: document.copy("right"))
        self.to_right.clicked.connect(lambda: document.copy("left"))
        self.exchange.clicked.connect(document.swap)
        self.undo.clicked.connect(self._undo)
        self.redo.clicked.connect(self._redo)
        self.chart.selection_changed.connect(self._selected_in_chart)
        self.table.selection_changed.connect(self._selected_in_table)
        self.table.thresholds.refused.connect(self.show_problem)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        for keys, act in (
            (QKeySequence.StandardKey.Undo, self._undo),
            (QKeySequence.StandardKey.Redo, self._redo),
        ):
            QShortcut(QKeySequence(keys), self, act)

    # -- showing ---------------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Show the draft of the moment in words."""
        if self.name.text() != self.document.draft.name:
            self.name.setText(self.document.draft.name)
        try:
            lines = in_words(self.document.listener(), translated)
        except UserError as exc:
            lines = (str(exc),)
        self.averages.setText("\n".join(lines))
        self._refresh_point()
        self._refresh_undo()
        self._refresh_start()

    def _refresh_point(self) -> None:
        ear, frequency = self.chart.ear, self.chart.frequency
        (self.right if ear == "right" else self.left).setChecked(True)
        self.silent.setChecked(frequency in self.document.draft.ear(ear).no_response)
        self.point.setText(self.tr("Selected: {0}.").format(self.chart.spoken()))

    def _refresh_undo(self) -> None:
        stack = self.document.undo_stack
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())

    def _refresh_start(self) -> None:
        self.age.setEnabled(self.start.currentData() in SEXES)

    @Slot(str)
    def show_problem(self, text: str) -> None:
        """A sentence about what could not be taken; empty takes it away."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        announce(self, text)

    def _selected_in_chart(self, ear: Ear, frequency: float) -> None:
        self.table.select(ear, frequency)
        self._refresh_point()

    def _selected_in_table(self, ear: Ear, frequency: float) -> None:
        self.chart.select(ear, frequency, tell=False)
        self._refresh_point()

    # -- doing -----------------------------------------------------------------------------------------

    def _use(self) -> None:
        key = self.start.currentData()
        sexes: dict[str, Sex] = {sex: sex for sex in SEXES}
        ear = typical(self.age.value(), sexes[key]) if key in sexes else PRESETS[key]
        self.document.start_from(Listener(ear, ear))
        self.show_problem("")

    def _load(self) -> None:
        path = self.questions.load(self.program.settings.last_folder)
        if path is not None:
            self.load_file(path)

    def _save(self) -> None:
        try:
            self.show_problem(self.questions.write(self.document.listener(), self.program.settings))
        except UserError as exc:
            self.show_problem(str(exc))

    def load_file(self, path: Path) -> None:
        """Take the ears in a file; what is wrong or doubtful with it is told in a sentence."""
        names = names_in(path)
        which = self.questions.which(names) if len(names) > 1 else ""
        if which is None:
            return
        try:
            listener = read_listener(f"{path}#{which}" if which else path)
        except UserError as exc:
            self.show_problem(str(exc))
            return
        name = self.document.draft.name or (listener.name if listener.name != path.stem else "")
        self.document.start_from(listener, name)
        self.show_problem(" ".join(translated(text) for text in doubts(listener)))

    def _undo(self) -> None:
        self.document.end_gesture()
        self.document.undo_stack.undo()

    def _redo(self) -> None:
        self.document.undo_stack.redo()

    def accept(self) -> None:
        """Keep the profile and listen with these ears; a sentence says why that is not possible."""
        listeners = self.program.listeners
        try:
            listener = self.document.listener()
            name = self.document.draft.name.strip()
            if self.profile is None:
                made = Profile(new_id(), name, listener.left, listener.right)
                listeners.store.save(made)  # before the earlier listener goes
                if self.new:
                    listeners.forget()
                listeners.add(made)
            else:
                # As it is now: votes may have come in since the editor was opened.
                now = {profile.id: profile for profile in listeners.profiles}
                kept = now.get(self.profile.id, self.profile)
                listeners.replace(replace(kept, name=name, left=listener.left, right=listener.right))
        except UserError as exc:
            self.show_problem(str(exc))
            return
        super().accept()

    def reject(self) -> None:
        """Close; what was changed is asked about first."""
        if self.document.draft == self._first or self.questions.discard():
            super().reject()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on to the next control; it keeps and closes only on the button that says so."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not isinstance(self.focusWidget(), QPushButton):
            self.focusNextChild()
        else:
            super().keyPressEvent(event)

    def characters(self) -> int:
        """Chart and table side by side."""
        return 96


def translated(text: str) -> str:
    """An English source text of the hearing modules in the user's language."""
    return QCoreApplication.translate("Hearing", text)
