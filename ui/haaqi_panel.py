"""The HAAQI score: both ears and their mean, what it was scored against, and what it is and is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.names import shown_time
from app.status import QualityStatus
from ui.actions import Actions
from ui.form_rows import Note
from ui.heading import Heading
from ui.spoken import announce, describe
from ui.theme import tabular, theme_of
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program

NO_FIGURE = "–"
STEPS = 1000


class ScoreBar(QWidget):
    """A score from 0 to 1 as a bar with a mark every quarter; a picture of the figure beside it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score: float | None = None
        self._stale = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_score(self, score: float | None, *, stale: bool) -> None:
        """Show a score, or none; a stale one is drawn hollow."""
        self._score, self._stale = score, stale
        describe(self, "" if score is None else shown_score(score))
        self.update()

    def sizeHint(self) -> QSize:
        """Easy to see."""
        return QSize(110, max(14, round(self.fontMetrics().height() * 0.7)))

    def minimumSizeHint(self) -> QSize:
        """A narrow bar is still one."""
        return QSize(50, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground, the bar, the marks."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("base"))
        painter.drawRect(area)
        if self._score is not None:
            share = min(1.0, max(0.0, self._score))
            bar = QRectF(area.left() + 1, area.top() + 1, (area.width() - 2) * share, area.height() - 2)
            if self._stale:
                painter.fillRect(bar, theme.color("faint"))
            else:
                painter.fillRect(bar, theme.color("accent"))
        painter.setPen(theme.color("border"))
        for quarter in (0.25, 0.5, 0.75):
            x = round(area.left() + quarter * area.width()) + 0.5
            painter.drawLine(
                QRectF(x, area.bottom() - 3, 0, 3).topLeft(), QRectF(x, area.bottom() - 3, 0, 3).bottomLeft()
            )


class HaaqiPanel(QWidget):
    """Follows the program's score. What it says is called *quality* only against true stems."""

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setAccessibleName(self.tr("HAAQI score"))
        self.heading = Heading()
        self.heading.setWordWrap(True)
        self.mean = Heading(NO_FIGURE, 2.4, figures=True)
        self.mean.setAccessibleName(self.tr("HAAQI, mean of both ears"))
        self.mean_caption = Note(self.tr("mean of both ears, from 0 to 1"))
        self.bars: dict[str, ScoreBar] = {}
        self.figures: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        for row, (ear, word) in enumerate((("left", self.tr("Left")), ("right", self.tr("Right")))):
            name = QLabel(word)
            figure = QLabel(NO_FIGURE)
            figure.setFont(tabular(figure.font()))
            figure.setAccessibleName(self.tr("HAAQI, {0} ear").format(word.lower()))
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            bar = ScoreBar(self.tr("HAAQI, {0} ear, as a bar").format(word.lower()))
            grid.addWidget(name, row, 0)
            grid.addWidget(bar, row, 1)
            grid.addWidget(figure, row, 2)
            self.bars[ear], self.figures[ear] = bar, figure
        grid.setColumnStretch(1, 1)
        self.reference = Note()
        self.reference.setAccessibleName(self.tr("Reference"))
        self.state = Note()
        self.state.setAccessibleName(self.tr("State of the score"))
        self.progress = QProgressBar()
        self.progress.setRange(0, STEPS)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Scoring"))
        policy = self.progress.sizePolicy()
        # The bar keeps its place while it is hidden: nothing jumps when scoring begins.
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.setFixedHeight(18)
        self.score_now = action_button(actions, "score")
        self.score_now.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.score_now.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.is_sentence = Note(
            self.tr("HAAQI says how clean this remix is likely to sound to this ear, against a reference.")
        )
        self.is_not_sentence = Note(
            self.tr(
                "It is a model of average judgements: not a medical measurement, and not whether the "
                "clarinet can be followed."
            )
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.heading, self.mean, self.mean_caption):
            layout.addWidget(widget)
        layout.addLayout(grid)
        for widget in (self.reference, self.state, self.progress, self.score_now):
            layout.addWidget(widget)
        layout.addSpacing(4)
        layout.addWidget(self.is_sentence)
        layout.addWidget(self.is_not_sentence)
        self._announced: float | None = None
        program.scoring.changed.connect(self.refresh)
        program.recording_changed.connect(self.refresh)
        program.stems_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest score and how current it is."""
        self.show_status(self.program.scoring.status)

    def show_status(self, status: QualityStatus) -> None:
        """Show a score's state."""
        quality = status.quality
        true_stems = self._against_true_stems(status)
        self.heading.setText(
            self.tr("Quality (HAAQI)") if true_stems else self.tr("Change from the original (HAAQI)")
        )
        stale = status.stale or status.state in ("waiting", "scoring")
        self.mean.setText(NO_FIGURE if quality is None else shown_score(quality.mean))
        self.mean.setEnabled(not (quality is None or stale))
        for ear in ("left", "right"):
            score = None if quality is None else getattr(quality, ear)
            self.figures[ear].setText(NO_FIGURE if score is None else shown_score(score))
            self.figures[ear].setEnabled(not stale)
            self.bars[ear].set_score(score, stale=stale)
        self.reference.setText(self._reference_words(true_stems))
        self.state.setText(self._state_words(status))
        self.progress.setVisible(status.state == "scoring")
        # A fraction of 0 is "under way, not known how far": the bar then runs to and fro.
        self.progress.setRange(0, STEPS if status.fraction > 0 else 0)
        self.progress.setValue(round(STEPS * status.fraction))
        describe(self, " ".join((self.heading.text(), self.mean.text(), self.state.text())))
        fresh = status.state == "scored" and not status.stale
        if fresh and quality is not None and quality.mean != self._announced:
            self._announced = quality.mean
            announce(self, f"{self.heading.text()}: {shown_score(quality.mean)}")

    def _against_true_stems(self, status: QualityStatus) -> bool:
        if status.quality is not None:
            return status.quality.kind == "quality"
        return self.program.true_stems is not None

    def _reference_words(self, true_stems: bool) -> str:
        if true_stems:
            return self.tr("Against: the same mix of the true stems.")
        return self.tr(
            "Against: the original recording. 1 means unchanged, which is no advice to leave the "
            "sliders alone."
        )

    def _state_words(self, status: QualityStatus) -> str:
        words = {
            "none": self.tr("Not scored yet."),
            "waiting": self.tr("The mix has changed; scoring follows."),
            "scoring": self.tr("Scoring …"),
            "failed": self.tr("It could not be scored."),
        }.get(status.state, "")
        if status.text:
            words = status.text
        elif status.state == "scored" and status.stale:
            words = self.tr("This score belongs to an earlier mix.")
        quality = status.quality
        if status.state == "scored" and not status.stale and quality is not None:
            start, stop = quality.window_start, quality.window_start + quality.seconds
            span = self.tr("Scored from {0} to {1}.").format(shown_time(start), shown_time(stop))
            words = " ".join(filter(None, (words, span, quality.note)))
        return words


def shown_score(score: float) -> str:
    """A score with two decimals, as HAAQI is usually given."""
    return f"{score:.2f}"
