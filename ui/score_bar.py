"""A score as a bar: a picture of the figure beside it, and of how sure it is."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.spoken import describe
from ui.theme import theme_of


class ScoreBar(QWidget):
    """A score from 0 to 1 with a mark every quarter; a band around it where it is only likely."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score: float | None = None
        self._hollow = False
        self._band: tuple[float, float] | None = None
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_score(
        self, score: float | None, *, hollow: bool, band: tuple[float, float] | None = None, spoken: str = ""
    ) -> None:
        """Show a score, or none; a stale or provisional one is drawn hollow, a band as a bracket."""
        self._score, self._hollow, self._band = score, hollow, band
        describe(self, spoken or ("" if score is None else shown_score(score)))
        self.update()

    def sizeHint(self) -> QSize:
        """Easy to see."""
        return QSize(110, max(14, round(self.fontMetrics().height() * 0.7)))

    def minimumSizeHint(self) -> QSize:
        """A narrow bar is still one."""
        return QSize(50, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground, the bar, the marks, the band."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("base"))
        painter.drawRect(area)
        inside = area.adjusted(1, 1, -1, -1)
        if self._score is not None:
            bar = QRectF(inside)
            bar.setWidth(inside.width() * min(1.0, max(0.0, self._score)))
            if self._hollow:
                painter.setPen(QPen(theme.color("accent"), 2))
                painter.drawRect(bar.adjusted(1, 1, -1, -1))
            else:
                painter.fillRect(bar, theme.color("accent"))
        painter.setPen(theme.color("border"))
        for quarter in (0.25, 0.5, 0.75):
            x = round(area.left() + quarter * area.width()) + 0.5
            painter.drawLine(QLineF(x, area.bottom() - 3, x, area.bottom()))
        if self._band is not None:
            self._paint_band(painter, inside, self._band)

    def _paint_band(self, painter: QPainter, inside: QRectF, band: tuple[float, float]) -> None:
        """A bracket from the lower to the upper end, light on the bar and dark beside it."""
        theme = theme_of(self.palette())
        low, high = (inside.left() + inside.width() * min(1.0, max(0.0, end)) for end in band)
        middle = inside.center().y()
        lines = [
            QLineF(low, middle, high, middle),
            QLineF(low, inside.top() + 1, low, inside.bottom() - 1),
            QLineF(high, inside.top() + 1, high, inside.bottom() - 1),
        ]
        for role, width in (("base", 4), ("text", 2)):
            painter.setPen(QPen(theme.color(role), width))
            painter.drawLines(lines)


def shown_score(score: float) -> str:
    """A score with two decimals, as HAAQI is usually given."""
    return f"{score:.2f}"
