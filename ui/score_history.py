"""The last scores: a line of points, and in words what the last change of gains did to the score."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.names import shown_gain, shown_pan
from app.session import Strip
from app.status import ScoredMix
from ui.form_rows import Note
from ui.score_bar import shown_score
from ui.spoken import describe, stem_name
from ui.theme import theme_of

MOST_NAMED = 2
"""More strips that changed at once are counted, not named."""


class ScoreHistory(QWidget):
    """Hidden until there are two scores to compare."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("The last scores"))
        self.line = _ScoreLine(self)
        self.line.setAccessibleName(self.tr("The last scores, as a line"))
        self.words = Note()
        self.words.setAccessibleName(self.tr("What the last change did"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.line)
        layout.addWidget(self.words)
        self.show_scores(())

    def show_scores(self, history: tuple[ScoredMix, ...]) -> None:
        """Show these scores, the newest last."""
        scores = [entry.quality.mean for entry in history]
        self.line.set_scores(scores)
        self.setVisible(len(scores) > 1)
        if len(scores) > 1:
            self.words.setText(self._change(history[-2], history[-1]))
        describe(self.line, ", ".join(shown_score(score) for score in scores))

    def _change(self, before: ScoredMix, after: ScoredMix) -> str:
        what = [changed_mix(before, after)]
        if before.passage != after.passage:
            what.append(self.tr("another passage") if what[0] else self.tr("Another passage"))
        named = "; ".join(filter(None, what)) or self.tr("Scored again")
        scores = shown_score(before.quality.mean), shown_score(after.quality.mean)
        return self.tr("{0}: from {1} to {2}.").format(named, *scores)


def changed_mix(before: ScoredMix, after: ScoredMix) -> str:
    """What was changed from one mix to the next: “Clarinet +3.0 dB, 30 % left”; empty where nothing was."""
    changed = [
        (name, before.strips.get(name, Strip()), strip)
        for name, strip in after.strips.items()
        if strip != before.strips.get(name, Strip())
    ]
    words = [f"{stem_name(name)} {', '.join(_strip_words(old, new))}" for name, old, new in changed]
    if len(changed) > MOST_NAMED:
        words = [_tr("{0} strips changed").format(len(changed))]
    if after.master_db != before.master_db:
        words.append(_tr("Master {0}").format(shown_gain(after.master_db)))
    return "; ".join(words)


def _strip_words(old: Strip, new: Strip) -> list[str]:
    """What of a strip is another now."""
    words = []
    if new.gain_db != old.gain_db:
        words.append(shown_gain(new.gain_db))
    if new.pan != old.pan:
        words.append(shown_pan(new.pan, _tr))
    if new.mute != old.mute:
        words.append(_tr("muted") if new.mute else _tr("not muted"))
    if new.solo != old.solo:
        words.append(_tr("alone") if new.solo else _tr("not alone any more"))
    return words


def _tr(text: str) -> str:
    return QCoreApplication.translate("ScoreHistory", text)


class _ScoreLine(QWidget):
    """A point a score, joined by a line; the newest is filled."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._scores: list[float] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_scores(self, scores: list[float]) -> None:
        self._scores = scores
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(110, max(32, round(self.fontMetrics().height() * 2)))

    def minimumSizeHint(self) -> QSize:
        return QSize(50, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._scores:
            return
        theme = theme_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # What lies between the lowest and the highest, and a tenth at least: small changes can be seen.
        low, high = min(self._scores), max(self._scores)
        margin = max(0.0, 0.1 - (high - low)) / 2
        low, span = low - margin, high - low + 2 * margin
        edge = 6.0
        step = (self.width() - 2 * edge) / max(1, len(self._scores) - 1)
        points = [
            QPointF(edge + i * step, edge + (1 - (score - low) / span) * (self.height() - 2 * edge))
            for i, score in enumerate(self._scores)
        ]
        painter.setPen(QPen(theme.color("border"), 1.5))
        painter.drawPolyline(points)
        for i, point in enumerate(points):
            newest = i == len(points) - 1
            painter.setPen(QPen(theme.color("accent" if newest else "border"), 1.5))
            painter.setBrush(theme.color("accent") if newest else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(point, 4.0 if newest else 2.5, 4.0 if newest else 2.5)
