"""A level meter with peak hold. It has no clock of its own: whoever polls the player feeds it."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import theme_of

BOTTOM_DB = -60.0
TOP_DB = 3.0
FALL_DB_PER_SECOND = 26.0
"""How fast the bar falls when it gets quieter (it rises at once)."""
HOLD_SECONDS = 1.5
"""How long the highest peak stays before it falls too."""
_WARN_DB, _CLIP_DB = -6.0, 0.0


class Meter(QWidget):
    """A horizontal bar from −60 to +3 dBFS: quiet, above −6 dB, and above full scale by colour and place."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level = self._hold = BOTTOM_DB
        self._held = 0.0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def level_db(self) -> float:
        """The bar's level in dBFS, −60 at least."""
        return self._level

    @property
    def hold_db(self) -> float:
        """The held peak in dBFS, −60 at least."""
        return self._hold

    def feed(self, peak: float, seconds: float) -> None:
        """The highest sample (linear, 1 is full scale) of the last ``seconds``."""
        now = 20.0 * math.log10(peak) if peak > 0.0 and math.isfinite(peak) else BOTTOM_DB
        fallen = FALL_DB_PER_SECOND * seconds
        level = min(TOP_DB, max(now, self._level - fallen, BOTTOM_DB))
        if now >= self._hold:
            hold, self._held = min(TOP_DB, max(now, BOTTOM_DB)), 0.0
        else:
            self._held += seconds
            hold = self._hold if self._held < HOLD_SECONDS else max(level, self._hold - fallen)
        before = (round(self._x(self._level)), round(self._x(self._hold)))
        self._level, self._hold = level, hold
        after = (round(self._x(level)), round(self._x(hold)))
        if after != before:
            # Only the columns between the old and the new ends have changed.
            left, right = min(before + after) - 3, max(before + after) + 3
            self.update(QRect(left, 0, right - left + 1, self.height()))

    def reset(self) -> None:
        """Fall to the bottom at once."""
        if (self._level, self._hold) != (BOTTOM_DB, BOTTOM_DB):
            self._level = self._hold = BOTTOM_DB
            self.update()

    def sizeHint(self) -> QSize:
        """A bar that is easy to see."""
        return QSize(100, max(12, round(self.fontMetrics().height() * 0.65)))

    def minimumSizeHint(self) -> QSize:
        """A narrow meter is still one."""
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground, the bar in its three zones, the held peak, and a mark at full scale."""
        theme = theme_of(self.palette())
        painter = QPainter(self)
        area = self.rect()
        painter.fillRect(area, theme.color("canvas"))
        inside = area.adjusted(1, 2, -1, -2)
        end = self._x(self._level)
        for zone, low, high in (
            ("good", BOTTOM_DB, _WARN_DB),
            ("warning", _WARN_DB, _CLIP_DB),
            ("danger", _CLIP_DB, TOP_DB),
        ):
            left, right = self._x(low), min(end, self._x(high))
            if right > left:
                painter.fillRect(QRectF(left, inside.top(), right - left, inside.height()), theme.color(zone))
        if self._hold > BOTTOM_DB:
            painter.fillRect(
                QRectF(self._x(self._hold) - 1, inside.top(), 2, inside.height()), theme.color("text")
            )
        full = self._x(_CLIP_DB)
        painter.fillRect(QRectF(full, area.top(), 1, area.height()), theme.color("border"))
        painter.setPen(theme.color("border"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area.adjusted(0, 0, -1, -1))

    def _x(self, level_db: float) -> float:
        share = (level_db - BOTTOM_DB) / (TOP_DB - BOTTOM_DB)
        return 1.0 + min(1.0, max(0.0, share)) * max(0, self.width() - 2)
