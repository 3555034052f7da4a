"""The right-hand column: whose ears, what their audiogram is, and how the remix scores for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QMenu, QScrollArea, QStyle, QToolButton, QVBoxLayout, QWidget

from app.errors import UserError
from app.hearing.averages import in_words
from app.listeners import preset_words, translate
from ui.actions import Actions
from ui.amplification_panel import AmplificationPanel
from ui.audiogram_picture import AudiogramPicture
from ui.flow_layout import FlowLayout
from ui.form_rows import Note, Wrapped, label_for
from ui.haaqi_panel import HaaqiPanel
from ui.listener_questions import ListenerQuestions
from ui.score_line import ScoreLine
from ui.spoken import describe
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program


class HearingPanel(QWidget):
    """Listener, audiogram, amplification, HAAQI; scrolls where the window is low or the text large.

    The score stands above in one line that does not scroll.
    """

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.questions = ListenerQuestions(self)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for widget in (self, self.area):
            widget.setAccessibleName(self.tr("Hearing"))
        self.listener = QComboBox()
        self.listener.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.listener.setMinimumContentsLength(10)
        self.edit = action_button(actions, "edit audiogram")
        self.edit.setText(self.tr("Edit…"))
        self.new = action_button(actions, "new listener")
        self.new.setText(self.tr("New…"))
        self.more = self._make_more()
        self.words = Note()
        self.picture = AudiogramPicture()
        self.legend = Note(self.tr("Right ear: red O. Left ear: blue X."))
        self.averages = Wrapped()
        self.amplification = AmplificationPanel(program, actions)
        self.haaqi = HaaqiPanel(program, actions)
        self.score = ScoreLine(self.haaqi)

        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(14, 10, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label_for(self.tr("Listener"), self.listener))
        layout.addWidget(self.listener)
        buttons = QWidget()
        row = FlowLayout(buttons, gap=6)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.edit, self.new, self.more):
            row.addWidget(button)
        layout.addWidget(buttons)
        layout.addWidget(self.words)
        layout.addWidget(self.picture)
        layout.addWidget(self.legend)
        layout.addWidget(self.averages)
        layout.addWidget(_line())
        layout.addWidget(self.amplification)
        layout.addWidget(_line())
        layout.addWidget(self.haaqi)
        layout.addStretch(1)
        self.area.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.score)
        whole.addWidget(_line())
        whole.addWidget(self.area, 1)

        # After the panel's own connections, so that the line repeats what the panel says by then.
        for told in (program.scoring.changed, program.scoring.reference_changed, program.recording_changed,
                     program.stems_changed):  # fmt: skip
            told.connect(self.score.refresh)
        self.score.activated.connect(self.show_score)
        self.listener.activated.connect(self._choose)
        program.listeners.list_changed.connect(self.fill)
        program.listeners.changed.connect(self.refresh)
        self.fill()

    @Slot()
    def fill(self) -> None:
        """List everyone who can be chosen: own profiles, the standard audiograms, the typical ones."""
        self.listener.clear()
        profiles = len(self.program.listeners.profiles)
        for number, (key, text) in enumerate(self.program.listeners.choices()):
            if profiles and number == profiles:
                self.listener.insertSeparator(number)
            self.listener.addItem(text, key)
        # The list may be wider than the closed box: what a preset is takes a few words.
        view = self.listener.view()
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + 24, 40 * self.fontMetrics().averageCharWidth()))
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the chosen listener."""
        listeners = self.program.listeners
        listener = listeners.listener
        self.listener.setCurrentIndex(max(0, self.listener.findData(listeners.key)))
        self.listener.setToolTip(self.listener.currentText())
        describe(self.listener, self.listener.currentText())
        self.words.setText(preset_words(listeners.key))
        self._show_words()
        self.picture.set_audiograms(listener.left, listener.right)
        self.legend.setText(self._legend())
        averages = in_words(listener, translate)
        self.averages.setText("\n".join(averages[:2]))
        self.averages.setToolTip("\n".join(averages))
        self.averages.setAccessibleDescription(" ".join(averages))
        self.delete_action.setEnabled(listeners.profile is not None)

    def _choose(self) -> None:
        try:
            self.program.listeners.choose(self.listener.currentData())
        except UserError as exc:  # another window of the program has deleted the profile
            self.program.failed.emit(self.tr("This listener cannot be chosen"), str(exc))
            self.refresh()

    def show_score(self) -> None:
        """Bring the whole score into view."""
        place = self.haaqi.mapTo(self.area.widget(), QPoint(0, 0))
        self.area.verticalScrollBar().setValue(place.y())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The closed box holds more words or fewer."""
        super().resizeEvent(event)
        self._show_words()

    def export(self) -> None:
        """Write the chosen listener's audiograms to a file: the only way by which they leave the profile."""
        try:
            told = self.questions.write(self.program.listeners.listener, self.program.settings)
        except UserError as exc:
            self.program.failed.emit(self.tr("The audiogram could not be exported"), str(exc))
            return
        if told:
            self.program.notice.emit(told)

    def delete(self) -> None:
        """Delete the chosen profile for good, after a question."""
        profile = self.program.listeners.profile
        if profile is None or not self.questions.delete(profile.name or self.tr("Listener without a name")):
            return
        try:
            self.program.listeners.remove(profile.id)
        except UserError as exc:
            self.program.failed.emit(self.tr("The profile could not be deleted"), str(exc))

    def _make_more(self) -> QToolButton:
        button = QToolButton()
        button.setText(self.tr("More"))
        button.setAccessibleName(self.tr("More about this listener"))
        button.setToolTip(self.tr("Export the audiogram to a file, or delete the listener’s profile."))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self.export_action = menu.addAction(self.tr("Export the audiogram…"), self.export)
        self.delete_action = menu.addAction(self.tr("Delete this profile…"), self.delete)
        button.setMenu(menu)
        return button

    def _legend(self) -> str:
        ears = (self.program.listeners.listener.left, self.program.listeners.listener.right)
        parts = [self.tr("Right ear: red O. Left ear: blue X.")]
        if any(ear.bone for ear in ears):
            parts.append(self.tr("< and >: bone conduction."))
        if any(ear.no_response for ear in ears):
            parts.append(self.tr("Arrow: not heard at this level."))
        carried = sorted({f for ear in ears for f in ear.extrapolated})
        if carried:
            parts.append(
                self.tr("Dotted: extrapolated ({0} Hz).").format(", ".join(f"{f:g}" for f in carried))
            )
        return " ".join(parts)

    def _show_words(self) -> None:
        """Say what the preset is again below the box, where the box is too narrow for it."""
        need = self.listener.fontMetrics().horizontalAdvance(self.listener.currentText())
        arrow = 2 * self.fontMetrics().height()
        narrow = need + arrow > self.area.viewport().width() - 28
        self.words.setVisible(narrow and bool(self.words.text()))

    def sizeHint(self) -> QSize:
        """Wide enough for the chart and a sentence."""
        return QSize(max(300, self.fontMetrics().averageCharWidth() * 24), 480)

    def minimumSizeHint(self) -> QSize:
        """Nothing is cut off at the side; it scrolls, so it may be low."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        return QSize(self.area.widget().minimumSizeHint().width() + bar + 2, 160)


def _line() -> QLabel:
    line = QLabel()
    line.setFrameShape(QLabel.Shape.HLine)
    return line
