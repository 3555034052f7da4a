"""The right-hand column: whose ears, what their audiogram is, and how the remix scores for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QScrollArea, QStyle, QVBoxLayout, QWidget

from app.listeners import preset_words
from ui.actions import Actions
from ui.audiogram_picture import AudiogramPicture
from ui.form_rows import Note, label_for
from ui.haaqi_panel import HaaqiPanel
from ui.spoken import describe

if TYPE_CHECKING:
    from app.program import Program


class HearingPanel(QScrollArea):
    """Listener, audiogram, amplification, HAAQI; scrolls where the window is low or the text large."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Hearing"))
        self.listener = QComboBox()
        self.listener.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.listener.setMinimumContentsLength(10)
        for key, text in program.listeners.choices():
            self.listener.addItem(text, key)
        # The list may be wider than the closed box: what a preset is takes a few words.
        self.listener.view().setMinimumWidth(self.listener.view().sizeHintForColumn(0) + 24)
        self.words = Note()
        self.picture = AudiogramPicture()
        self.legend = Note(self.tr("Right ear: red O. Left ear: blue X."))
        self.amplification = Note()
        self.haaqi = HaaqiPanel(program, actions)

        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(14, 10, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label_for(self.tr("Listener"), self.listener))
        layout.addWidget(self.listener)
        layout.addWidget(self.words)
        layout.addWidget(self.picture)
        layout.addWidget(self.legend)
        layout.addWidget(self.amplification)
        line = QLabel()
        line.setFrameShape(QLabel.Shape.HLine)
        layout.addWidget(line)
        layout.addWidget(self.haaqi)
        layout.addStretch(1)
        self.setWidget(page)

        self.listener.activated.connect(lambda: program.listeners.choose(self.listener.currentData()))
        program.listeners.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen listener."""
        name = self.program.listeners.key
        self.listener.setCurrentIndex(max(0, self.listener.findData(name)))
        self.listener.setToolTip(self.listener.currentText())
        describe(self.listener, self.listener.currentText())
        self.words.setText(preset_words(name))
        self._show_words()
        listener = self.program.listeners.listener
        self.picture.set_audiograms(listener.left, listener.right)
        self.amplification.setText(
            self.tr(
                "The score includes amplification after NAL-R for this audiogram. You hear the mix "
                "without it."
            )
            if any(listener.left.levels) or any(listener.right.levels)
            else self.tr("The score includes no amplification: this listener hears normally.")
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The closed box holds more words or fewer."""
        super().resizeEvent(event)
        self._show_words()

    def _show_words(self) -> None:
        """Say what the preset is again below the box, where the box is too narrow for it."""
        need = self.listener.fontMetrics().horizontalAdvance(self.listener.currentText())
        arrow = 2 * self.fontMetrics().height()
        self.words.setVisible(need + arrow > self.viewport().width() - 28)

    def sizeHint(self) -> QSize:
        """Wide enough for the chart and a sentence."""
        return QSize(max(300, self.fontMetrics().averageCharWidth() * 24), 480)

    def minimumSizeHint(self) -> QSize:
        """Nothing is cut off at the side; it scrolls, so it may be low."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        return QSize(self.widget().minimumSizeHint().width() + bar + 2, 120)
