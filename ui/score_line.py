"""The score in one line that never scrolls away, so that it can be watched while a gain is moved."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from ui.form_rows import OneLine
from ui.haaqi_panel import HaaqiPanel
from ui.heading import Heading
from ui.score_bar import shown_score
from ui.spoken import describe
from ui.theme import target_size


class ScoreLine(QFrame):
    """Repeats the panel's heading and figures; ``activated`` asks to be shown the whole panel.

    It announces nothing itself: the panel does.
    """

    activated = Signal()

    def __init__(self, panel: HaaqiPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Score, show all of it"))
        self.figure = Heading("", 1.35, figures=True)
        self.words = OneLine()
        self.setMinimumHeight(target_size(self.font()))
        self._long, self._short = "", ""
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 14, 4)
        row.setSpacing(10)
        row.addWidget(self.figure)
        row.addWidget(self.words, 1)
        self.refresh()

    def refresh(self) -> None:
        """Take over what the panel says."""
        panel = self._panel
        self.figure.setText(panel.mean.text())
        self.figure.setEnabled(panel.mean.isEnabled())
        quality = panel.program.scoring.status.quality
        band = ""
        if quality is not None and quality.low is not None and quality.high is not None:
            band = f", {shown_score(quality.low)}–{shown_score(quality.high)}"
        # What the figure is called must fit; that it is HAAQI stands on the panel and in the tool tip.
        name = panel.heading.text().removesuffix("(HAAQI)").strip()
        self._short = ""
        if panel.kind == "change":  # or a high figure reads as a large change
            name, self._short = self.tr("Change (1 is unchanged)"), self.tr("1 is unchanged")
        self._long = name + band
        self._fit()
        self.setToolTip(panel.accessibleDescription())
        describe(self, panel.accessibleDescription())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say it shorter where there is less room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Shortened in its middle, “unchanged” would become “changed”."""
        margins = self._row.contentsMargins()
        figure = self.figure.sizeHint().width() + self._row.spacing()
        room = self.width() - margins.left() - margins.right() - figure
        fits = self.words.fontMetrics().horizontalAdvance(self._long) <= room
        self.words.set_text(
            self._long if fits else self._short or self._long, self._panel.accessibleDescription()
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the panel."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.activated.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the panel on Enter; the space bar belongs to playback."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit()
        else:
            event.ignore()
