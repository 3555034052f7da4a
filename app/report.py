"""A listener's report as a PDF, painted by Qt's own PDF writer: no window, and no display, is needed.

A4, in points. What it says is made in :mod:`app.report_content`; here it is laid out and painted, page by
page. Called on the main thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
)

from app.atomic_file import write_atomically
from app.errors import UserError
from app.hearing_charts import AUDIOGRAM_SHAPE, Ink, draw_audiogram, draw_gain, highest_gain
from app.intended_use import INTENDED_USE
from app.report_content import (
    AudiogramChart,
    Block,
    GainCharts,
    Heading,
    Paragraph,
    ReportData,
    Table,
    content,
)

DOTS_PER_INCH = 600
_POINTS_PER_INCH = 72
_MARGIN = 50.0
_FOOT = 26.0
_SIZES = {0: 20.0, 1: 14.0, 2: 11.5}
_TEXT, _SMALL, _FIGURES = 10.0, 8.5, 7.5
_WRAP = Qt.TextFlag.TextWordWrap.value | Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignTop.value
_CHART_WIDTH = 300.0
_CELL = 4.0
_KEPT_TOGETHER = 12


def write_report(data: ReportData, path: Path, *, replace: bool = False) -> int:
    """Write the report to ``path``, readable by its owner only, and return the number of its pages.

    Raises UserError, with a sentence, where the file is there already (unless ``replace``) or cannot be
    written.
    """
    if path.is_dir():
        raise UserError(f"“{path}” is a folder: give the name of a file.")
    if path.exists() and not replace:
        raise UserError(f"“{path}” is there already: choose another name.")
    pdf, pages = paint_report(content(data), data.version)
    try:
        write_atomically(path, pdf, private=True)
    except OSError as exc:
        raise UserError(f"“{path}” could not be written ({exc.strerror}). Choose another place.") from exc
    return pages


def paint_report(blocks: Sequence[Block], version: str = "") -> tuple[bytes, int]:
    """The PDF of these blocks, and how many pages it has. Needs a QGuiApplication."""
    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(DOTS_PER_INCH)
    writer.setCreator(f"Ripieno {version}".strip())
    writer.setTitle("Listener report")
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0), QPageLayout.Unit.Point)
    painter = QPainter(writer)
    try:
        pages = _Pages(writer, painter)
        for block in blocks:
            pages.add(block)
        pages.end()
    finally:
        painter.end()
        buffer.close()
    return bytes(store.data()), pages.count


def ensure_gui() -> QGuiApplication:
    """The application that fonts need: the one there is, or one that shows nothing and needs no display.

    Keep what it returns for as long as you paint.
    """
    there = QGuiApplication.instance()
    if isinstance(there, QGuiApplication):
        return there
    if sys.platform not in ("win32", "darwin"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QGuiApplication(["ripieno"])


class _Pages:
    """Where the next block goes; a new page where it does not fit."""

    def __init__(self, writer: QPdfWriter, painter: QPainter) -> None:
        self._writer, self._painter = writer, painter
        self._unit = DOTS_PER_INCH / _POINTS_PER_INCH
        self._area = QRectF(
            _MARGIN * self._unit,
            _MARGIN * self._unit,
            writer.width() - 2 * _MARGIN * self._unit,
            writer.height() - (2 * _MARGIN + _FOOT) * self._unit,
        )
        self._y = self._area.top()
        self._ink = Ink(
            ground=QColor("#ffffff"),
            grid=QColor("#c9c9c9"),
            axis=QColor("#55545b"),
            text=QColor("#1b1b1f"),
            right=QColor("#b3261e"),
            left=QColor("#1a56a0"),
            unit=self._unit * 0.75,  # a pixel of 96 to the inch in points
        )
        self.count = 1

    def add(self, block: Block) -> None:
        """Paint a block."""
        if isinstance(block, Heading):
            self._heading(block)
        elif isinstance(block, Paragraph):
            self._paragraph(block)
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, AudiogramChart):
            self._audiogram(block)
        else:
            self._gains(block)

    def end(self) -> None:
        """The last page's foot."""
        font, y = self._font(_SMALL), self._area.bottom() + 10 * self._unit
        self._painter.setFont(font)
        self._painter.setPen(self._ink.axis)
        box = QRectF(self._area.left(), y, self._area.width(), _FOOT * self._unit)
        self._painter.drawText(box, _WRAP, f"{INTENDED_USE} Page {self.count}")

    def _font(self, size: float, *, bold: bool = False) -> QFont:
        font = QFont(QGuiApplication.font())
        font.setPointSizeF(size)
        font.setBold(bold)
        return font

    def _metrics(self, font: QFont) -> QFontMetricsF:
        return QFontMetricsF(font, self._writer)

    def _height(self, text: str, font: QFont, width: float) -> float:
        return self._metrics(font).boundingRect(QRectF(0, 0, width, 1e7), _WRAP, text or " ").height()

    def _room(self, height: float) -> None:
        """A new page unless ``height`` (device units) fits below what is there."""
        if self._y + height > self._area.bottom() and self._y > self._area.top():
            self.end()
            self._writer.newPage()
            self.count += 1
            self._y = self._area.top()

    def _text(self, text: str, font: QFont, *, after: float) -> None:
        height = self._height(text, font, self._area.width())
        self._room(height)
        self._painter.setFont(font)
        self._painter.setPen(self._ink.text)
        self._painter.drawText(QRectF(self._area.left(), self._y, self._area.width(), height), _WRAP, text)
        self._y += height + after * self._unit

    def _heading(self, block: Heading) -> None:
        font = self._font(_SIZES[block.level], bold=True)
        if self._y > self._area.top():
            self._y += 10 * self._unit
        # A heading is never the last thing on a page.
        self._room(self._height(block.text, font, self._area.width()) + 60 * self._unit)
        self._text(block.text, font, after=4)

    def _paragraph(self, block: Paragraph) -> None:
        self._text(block.text, self._font(_SMALL if block.small else _TEXT), after=6)

    def _table(self, block: Table) -> None:
        font, bold = self._font(_SMALL), self._font(_SMALL, bold=True)
        widths = self._widths(block, bold)
        if len(block.rows) <= _KEPT_TOGETHER:
            self._room(sum(self._row_height(row, widths, bold) for row in (block.header, *block.rows)))
        for index, row in enumerate((block.header, *block.rows)):
            self._row(row, widths, font if index else bold, head=not index)
        self._y += 8 * self._unit

    def _widths(self, block: Table, font: QFont) -> list[float]:
        """Columns as wide as their longest cell where that fits, otherwise in proportion to it."""
        metrics = self._metrics(font)
        pad = 2 * _CELL * self._unit
        wide = [
            max(metrics.horizontalAdvance(cell) for cell in column) + pad
            for column in zip(block.header, *block.rows, strict=True)
        ]
        room = self._area.width()
        if sum(wide) <= room:
            return wide
        # Narrow columns keep what they need; the wide ones share what is left.
        fair = room / len(wide)
        narrow = sum(w for w in wide if w <= fair)
        rest = sum(w for w in wide if w > fair)
        return [w if w <= fair else w * (room - narrow) / rest for w in wide]

    def _row_height(self, cells: Sequence[str], widths: Sequence[float], font: QFont) -> float:
        pad = _CELL * self._unit
        return pad + max(
            self._height(cell, font, width - 2 * pad) for cell, width in zip(cells, widths, strict=True)
        )

    def _row(self, cells: Sequence[str], widths: Sequence[float], font: QFont, *, head: bool) -> None:
        pad = _CELL * self._unit
        height = self._row_height(cells, widths, font)
        self._room(height + (height if head else 0))
        self._painter.setFont(font)
        x = self._area.left()
        for cell, width in zip(cells, widths, strict=True):
            self._painter.setPen(self._ink.text)
            self._painter.drawText(QRectF(x + pad, self._y + pad / 2, width - 2 * pad, height), _WRAP, cell)
            x += width
        self._y += height
        self._painter.setPen(QPen(self._ink.axis if head else self._ink.grid, self._ink.unit * 0.7))
        self._painter.drawLine(QPointF(self._area.left(), self._y), QPointF(x, self._y))

    def _audiogram(self, block: AudiogramChart) -> None:
        self._painter.setFont(self._font(_FIGURES))
        wide = _CHART_WIDTH * self._unit
        beside, above = 34 * self._unit, 16 * self._unit
        tall = wide * AUDIOGRAM_SHAPE
        self._room(tall + above + 10 * self._unit)
        area = QRectF(self._area.left() + beside, self._y + above, wide, tall)
        draw_audiogram(self._painter, area, self._ink, block.left, block.right)
        self._y = area.bottom() + 10 * self._unit

    def _gains(self, block: GainCharts) -> None:
        self._painter.setFont(self._font(_FIGURES))
        beside, above, below = 34 * self._unit, 16 * self._unit, 16 * self._unit
        gap = 14 * self._unit
        wide = (self._area.width() - 2 * beside - gap) / 2
        tall = wide * 0.72
        self._room(above + tall + below + 6 * self._unit)
        highest = highest_gain((block.left, block.right))
        for index, (gain, name) in enumerate(((block.right, "Right ear, dB"), (block.left, "Left ear, dB"))):
            x = self._area.left() + beside + index * (wide + gap + beside)
            self._painter.setFont(self._font(_FIGURES))
            self._painter.setPen(self._ink.text)
            self._painter.drawText(QPointF(x, self._y + above - 5 * self._unit), name)
            area = QRectF(x, self._y + above, wide, tall)
            draw_gain(self._painter, area, self._ink, gain, right=not index, highest=highest)
        self._y += above + tall + below + 6 * self._unit
