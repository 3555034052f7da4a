"""How much of a strip's sound the listener can follow: a bar, and the share in words beside it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.spoken import describe
from ui.theme import tabular, theme_of

_GAP = 6


class AudibilityMeter(QWidget):
    """A share from 0 to 100 % of one strip's sound. ``name`` is the strip's, as it is spoken."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._share: float | None = None
        self.setFont(tabular(self.font()))
        self.setAccessibleName(self.tr("{0}, audibility").format(name))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            self.tr(
                "How much of this part's sound stands out for this listener in the ten seconds around the "
                "play head: above the hearing threshold and above the other parts. 50 % is as strong as "
                "what covers it."
            )
        )
        self.set_share(None)

    @property
    def words(self) -> str:
        """What is shown beside the bar: “62 % audible”."""
        return "–" if self._share is None else self.tr("{0} % audible").format(round(100 * self._share))

    def set_share(self, share: float | None) -> None:
        """Show a share, 0…1; None where it is not known, or the part does not play here."""
        if share is not None and self._share is not None and round(100 * share) == round(100 * self._share):
            return
        self._share = share
        if share is None:
            spoken = self.tr("{0}, audibility not known here").format(self._name)
        else:
            spoken = self.tr("{0}, {1} percent audible").format(self._name, round(100 * share))
        describe(self, spoken)
        self.update()

    def sizeHint(self) -> QSize:
        """A line of text."""
        return QSize(100, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """A short bar and the figure."""
        return QSize(self._text_width(self._figure(1.0)) + 30, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The bar, its half, and the words or, where there is no room for them, the figure."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        room = self.width() - self._text_width(self.tr("{0} % audible").format(100))
        text = self.words if room >= 40 else "–" if self._share is None else self._figure(self._share)
        width = room if room >= 40 else self.width() - self._text_width(self._figure(1.0))
        height = max(8, round(self.fontMetrics().height() * 0.5))
        area = QRectF(0.5, (self.height() - height) / 2, width - _GAP - 1.0, height)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("base"))
        painter.drawRect(area)
        if self._share is not None:
            bar = area.adjusted(1, 1, -1, -1)
            bar.setWidth(bar.width() * min(1.0, max(0.0, self._share)))
            painter.fillRect(bar, theme.color("accent"))
        painter.setPen(theme.color("border"))
        middle = round(area.center().x()) + 0.5
        painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))
        painter.setPen(theme.color("text" if self._share is not None else "muted_text"))
        aside = QRectF(width, 0, self.width() - width, self.height())
        painter.drawText(aside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _figure(self, share: float) -> str:
        return self.tr("{0} %").format(round(100 * share))

    def _text_width(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + 2
