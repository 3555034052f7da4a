"""What plays at one eardrum, as it would be there: third-octave levels against the listener's threshold."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.hearing.eardrum import BANDS_HZ
from app.hearing_charts import Ink, draw_levels
from ui.gain_chart import EarChart
from ui.spoken import describe


class LevelChart(EarChart):
    """Columns in dB SPL at the eardrum, filled where they are above threshold."""

    def __init__(self, *, right: bool, parent: QWidget | None = None) -> None:
        super().__init__("", right=right, parent=parent)
        self.setAccessibleName(
            self.tr("Level at the eardrum, right ear") if right else self.tr("Level at the eardrum, left ear")
        )
        self._threshold: tuple[float, ...] = ()
        self._levels: tuple[float, ...] = ()

    def set_levels(self, threshold: tuple[float, ...], levels: tuple[float, ...]) -> None:
        """Show levels and threshold (dB SPL at ``app.hearing.eardrum.BANDS_HZ``); none: an empty chart."""
        self._threshold, self._levels = threshold, levels
        describe(self, self.words())
        self.update()

    def words(self) -> str:
        """How much of it is above threshold, in words."""
        if not self._levels:
            return self.tr("Nothing is measured.")
        heard = sum(a > b for a, b in zip(self._levels, self._threshold, strict=True))
        loudest = max(range(len(self._levels)), key=self._levels.__getitem__)
        return self.tr(
            "{0} of {1} third-octave bands are above threshold; the strongest is at {2} Hz with {3} dB SPL."
        ).format(heard, len(self._levels), f"{BANDS_HZ[loudest]:g}", round(self._levels[loudest]))

    def paint(self, painter: QPainter, area: QRectF, ink: Ink) -> None:
        """The columns and the line."""
        threshold = list(zip(BANDS_HZ, self._threshold, strict=False))
        levels = list(zip(BANDS_HZ, self._levels, strict=False))
        draw_levels(painter, area, ink, threshold, levels, right=self.right)
