"""The program's own small pictures (play, loop, open …), drawn so that they take the theme's colours.

Each icon is a few strokes on a square of 24 units. An icon is made for one palette; whoever shows it
makes it again when its palette changes (:meth:`QWidget.changeEvent`).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPalette, QPen, QPixmap, QPolygonF

UNITS = 24.0
_SIZES = (16, 20, 24, 32, 48, 64, 96)


def icon(name: str, palette: QPalette) -> QIcon:
    """The icon of that name in the palette's text colours, for the normal, checked and disabled states.

    Raises KeyError for a name that :data:`DRAWINGS` lacks.
    """
    draw = DRAWINGS[name]
    group, role = QPalette.ColorGroup, QPalette.ColorRole
    states = (
        (QIcon.Mode.Normal, QIcon.State.Off, palette.color(group.Active, role.ButtonText)),
        (QIcon.Mode.Normal, QIcon.State.On, palette.color(group.Active, role.HighlightedText)),
        (QIcon.Mode.Disabled, QIcon.State.Off, palette.color(group.Disabled, role.ButtonText)),
        (QIcon.Mode.Disabled, QIcon.State.On, palette.color(group.Disabled, role.ButtonText)),
    )
    made = QIcon()
    for mode, state, colour in states:
        for size in _SIZES:
            made.addPixmap(_pixmap(draw, size, colour), mode, state)
    return made


def pixmap(name: str, size: int, colour: QColor, ratio: float = 1.0) -> QPixmap:
    """The icon as one picture of ``size`` logical pixels in one colour."""
    made = _pixmap(DRAWINGS[name], round(size * ratio), colour)
    made.setDevicePixelRatio(ratio)
    return made


def _pixmap(draw: Callable[[QPainter, QColor], None], size: int, colour: QColor) -> QPixmap:
    made = QPixmap(QSize(size, size))
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / UNITS, size / UNITS)
    pen = QPen(colour, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    draw(painter, colour)
    painter.end()
    return made


def _fill(painter: QPainter, colour: QColor, points: list[tuple[float, float]]) -> None:
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _line(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _play(painter: QPainter, colour: QColor) -> None:
    _fill(painter, colour, [(7, 4.5), (19.5, 12), (7, 19.5)])


def _pause(painter: QPainter, colour: QColor) -> None:
    painter.fillRect(QRectF(6, 4, 4.5, 16), colour)
    painter.fillRect(QRectF(13.5, 4, 4.5, 16), colour)


def _to_start(painter: QPainter, colour: QColor) -> None:
    painter.fillRect(QRectF(4, 4.5, 3, 15), colour)
    _fill(painter, colour, [(19, 5.5), (19, 18.5), (9.5, 12)])


def _loop(painter: QPainter, colour: QColor) -> None:
    path = QPainterPath(QPointF(17, 7))
    path.lineTo(8, 7)
    path.cubicTo(2, 7, 2, 17, 8, 17)
    path.moveTo(7, 17)
    path.lineTo(16, 17)
    path.cubicTo(22, 17, 22, 8.5, 17.8, 7.2)
    painter.drawPath(path)
    _line(painter, (13.5, 3.5), (17.2, 7), (13.5, 10.5))


def _open(painter: QPainter, _colour: QColor) -> None:
    _line(painter, (3, 19), (3, 5), (9, 5), (11.5, 8), (20, 8), (20, 11))
    _line(painter, (3, 19), (6.5, 11), (22, 11), (18.5, 19), (3, 19))


def _export(painter: QPainter, _colour: QColor) -> None:
    _line(painter, (12, 15), (12, 3.5))
    _line(painter, (7, 8), (12, 3), (17, 8))
    _line(painter, (4, 14), (4, 20), (20, 20), (20, 14))


def _instruments(painter: QPainter, colour: QColor) -> None:
    for y, x in ((6.0, 9.0), (12.0, 15.0), (18.0, 7.0)):
        _line(painter, (3, y), (21, y))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x, y), 2.3, 2.3)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _undo(painter: QPainter, _colour: QColor) -> None:
    path = QPainterPath(QPointF(5, 9))
    path.lineTo(14, 9)
    path.cubicTo(21, 9, 21, 19, 14, 19)
    path.lineTo(8, 19)
    painter.drawPath(path)
    _line(painter, (9, 4.5), (4.5, 9), (9, 13.5))


def _redo(painter: QPainter, colour: QColor) -> None:
    painter.translate(UNITS, 0)
    painter.scale(-1, 1)
    _undo(painter, colour)


def _close(painter: QPainter, _colour: QColor) -> None:
    _line(painter, (6, 6), (18, 18))
    _line(painter, (18, 6), (6, 18))


def _warning(painter: QPainter, colour: QColor) -> None:
    _line(painter, (12, 3.5), (22, 20.5), (2, 20.5), (12, 3.5))
    _line(painter, (12, 9.5), (12, 14))
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(12, 17.2), 0.5, 0.5)


def _note(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 9.5, 9.5)
    _line(painter, (12, 11), (12, 16.5))
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(12, 7.5), 0.5, 0.5)


def _drop(painter: QPainter, colour: QColor) -> None:
    for x, height in ((3.0, 3.0), (6.6, 7.0), (10.2, 4.5), (13.8, 9.0), (17.4, 5.5), (21.0, 2.5)):
        _line(painter, (x, 12 - height), (x, 12 + height))


def _speaker(painter: QPainter, colour: QColor) -> None:
    _fill(painter, colour, [(3, 9.5), (7, 9.5), (12, 5), (12, 19), (7, 14.5), (3, 14.5)])
    painter.drawArc(QRectF(11, 8, 7, 8), -60 * 16, 120 * 16)
    painter.drawArc(QRectF(12, 4.5, 10, 15), -60 * 16, 120 * 16)


DRAWINGS: dict[str, Callable[[QPainter, QColor], None]] = {
    "close": _close,
    "export": _export,
    "instruments": _instruments,
    "loop": _loop,
    "note": _note,
    "open": _open,
    "pause": _pause,
    "play": _play,
    "redo": _redo,
    "speaker": _speaker,
    "to start": _to_start,
    "undo": _undo,
    "warning": _warning,
    "wave": _drop,
}
