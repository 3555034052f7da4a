"""One ear's amplification over frequency: the prescription's targets and what is really done."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.hearing.aided import EarGain
from app.hearing_charts import Ink, draw_gain
from app.report_content import signed
from ui.audiogram_picture import LEFT, RIGHT
from ui.spoken import describe
from ui.theme import Theme, theme_of

SPOKEN_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0)


class EarChart(QWidget):
    """A chart of one ear: an area with figures to its left and below. Subclasses paint into the area."""

    def __init__(self, name: str, *, right: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.right = right
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A chart that grows with the text."""
        wide = self.fontMetrics().averageCharWidth() * 26
        return QSize(wide, round(wide * 0.82))

    def minimumSizeHint(self) -> QSize:
        """Narrower is smaller, and still a chart."""
        return QSize(180, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The chart in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(max(8.5, font.pointSizeF() * 0.8))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        beside, below = metrics.horizontalAdvance("−100") + 8, metrics.height() + 6
        area = QRectF(self.rect()).adjusted(beside, metrics.height() / 2 + 2, -metrics.height(), -below)
        self.paint(painter, area, chart_ink(theme_of(self.palette())))

    def paint(self, painter: QPainter, area: QRectF, ink: Ink) -> None:
        """Paint the chart."""
        raise NotImplementedError


class GainChart(EarChart):
    """Targets as symbols, the computed gain as a line; a picture whose description says both in words."""

    def __init__(self, *, right: bool, parent: QWidget | None = None) -> None:
        super().__init__("", right=right, parent=parent)
        self.setAccessibleName(self.tr("Gain, right ear") if right else self.tr("Gain, left ear"))
        self.gain: EarGain | None = None
        self._highest = 30.0

    def set_gain(self, gain: EarGain | None, highest: float) -> None:
        """Show an ear's gain on a chart up to ``highest`` dB."""
        self.gain, self._highest = gain, highest
        describe(self, self.words())
        self.update()

    def words(self) -> str:
        """The gains in words, target and computed at each frequency."""
        if self.gain is None:
            return self.tr("Not computed yet.")
        targets = dict(self.gain.target)
        words = []
        for hz in targets or SPOKEN_HZ:
            computed = signed(self.gain.computed_at(hz))
            if hz in targets:
                words.append(
                    self.tr("{0} Hz: target {1}, computed {2}").format(
                        f"{hz:g}", signed(targets[hz]), computed
                    )
                )
            else:
                words.append(self.tr("{0} Hz: {1}").format(f"{hz:g}", computed))
        return "; ".join(words) + " " + self.tr("decibels")

    def paint(self, painter: QPainter, area: QRectF, ink: Ink) -> None:
        """The gain, or an empty chart."""
        gain = self.gain or EarGain((), ())
        draw_gain(painter, area, ink, gain, right=self.right, highest=self._highest)


def chart_ink(theme: Theme) -> Ink:
    """A theme's colours for charts of hearing."""
    return Ink(
        ground=theme.color("base"),
        grid=theme.color("faint"),
        axis=theme.color("border"),
        text=theme.color("muted_text"),
        right=QColor(RIGHT[theme.name]),
        left=QColor(LEFT[theme.name]),
    )
