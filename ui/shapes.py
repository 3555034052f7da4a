"""The instruments' marks: one shape an instrument, drawn, so that colour is never the only sign.

Two parts of one instrument share its colour and shape: the first is filled, the second an outline.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPainterPath, QPaintEvent, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from separation.separator import RESIDUAL, Part
from ui.theme import Theme, instrument_colour, theme_of


def shape_path(name: str, rect: QRectF) -> QPainterPath:
    """The outline of a stem's shape inside ``rect`` (any size; it is drawn square and centred)."""
    side = min(rect.width(), rect.height())
    box = QRectF(0, 0, side, side)
    box.moveCenter(rect.center())
    instrument = RESIDUAL if name == RESIDUAL else Part.from_name(name).instrument
    if instrument == "violin":
        path = QPainterPath()
        path.addEllipse(box)
        return path
    points = _POLYGONS.get(instrument)
    if points is None:
        spare = sorted(_SPARES)
        points = _SPARES[spare[sum(instrument.encode()) % len(spare)]]
    polygon = QPolygonF([QPointF(box.x() + x * side, box.y() + y * side) for x, y in points])
    path = QPainterPath()
    path.addPolygon(polygon)
    path.closeSubpath()
    return path


def paint_shape(painter: QPainter, name: str, rect: QRectF, theme: Theme) -> None:
    """Paint a stem's shape: its colour, with a rim of the text colour that can be seen on any ground."""
    outlined = name != RESIDUAL and Part.from_name(name).number > 1
    colour, text = instrument_colour(name, theme), theme.color("text")
    side = min(rect.width(), rect.height())
    rim = max(1.2, side * 0.07)
    path = shape_path(name, rect.adjusted(rim, rim, -rim, -rim))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if outlined:
        # A thick ring of the colour between two thin rims: the same colour, plainly hollow.
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipPath(path)
        for width, ink in ((side * 0.5, text), (side * 0.5 - 2 * rim, colour)):
            painter.setPen(QPen(ink, width))
            painter.drawPath(path)
        painter.setClipping(False)
    else:
        painter.setBrush(colour)
    painter.setPen(QPen(text, rim, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.drawPath(path)
    painter.restore()


def shape_pixmap(name: str, theme: Theme, side: int = 20, ratio: float = 1.0) -> QPixmap:
    """A stem's shape as a picture of ``side`` logical pixels at a device pixel ratio."""
    pixmap = QPixmap(QSize(round(side * ratio), round(side * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    paint_shape(painter, name, QRectF(0, 0, side, side), theme)
    painter.end()
    return pixmap


def shape_icon(name: str, palette: QPalette | Theme) -> QIcon:
    """A stem's shape as an icon for buttons and menus, in the colours of a palette's theme."""
    theme = palette if isinstance(palette, Theme) else theme_of(palette)
    icon = QIcon()
    for side in (16, 24, 32, 48, 64):
        icon.addPixmap(shape_pixmap(name, theme, side))
    return icon


class ShapeMark(QWidget):
    """A stem's shape as a widget; decoration, so it takes no focus and says no more than its name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        """As high as a capital letter, and a little more."""
        side = max(18, round(self.fontMetrics().height() * 1.05))
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """Never smaller than its hint."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the shape."""
        side = self.sizeHint().width()
        rect = QRectF(0, 0, side, side)
        rect.moveCenter(self.rect().toRectF().center())
        painter = QPainter(self)
        paint_shape(painter, self._name, rect, theme_of(self.palette()))


def _star(points: int, inner: float) -> list[tuple[float, float]]:
    corners = []
    for i in range(2 * points):
        radius = 0.5 if i % 2 == 0 else inner
        angle = -math.pi / 2 + i * math.pi / points
        corners.append((0.5 + radius * math.cos(angle), 0.53 + radius * math.sin(angle)))
    return corners


_POLYGONS: dict[str, list[tuple[float, float]]] = {
    "bassoon": [(0.5, 0.0), (1.0, 0.5), (1.0, 1.0), (0.5, 0.55), (0.0, 1.0), (0.0, 0.5)],  # chevron
    "cello": [(0.02, 0.06), (0.98, 0.06), (0.62, 0.5), (0.98, 0.94), (0.02, 0.94), (0.38, 0.5)],  # hourglass
    "clarinet": [(0.5, 0.04), (1.0, 0.94), (0.0, 0.94)],  # triangle, point up
    "flute": [(0.0, 0.06), (1.0, 0.06), (0.5, 0.96)],  # triangle, point down
    "oboe": _star(5, 0.22),
    "saxophone": [
        (0.33, 0.0), (0.67, 0.0), (0.67, 0.33), (1.0, 0.33), (1.0, 0.67), (0.67, 0.67),
        (0.67, 1.0), (0.33, 1.0), (0.33, 0.67), (0.0, 0.67), (0.0, 0.33), (0.33, 0.33),
    ],  # cross
    "viola": [(0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94)],  # square
    RESIDUAL: [(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)],  # diamond
}  # fmt: skip
_SPARES: dict[str, list[tuple[float, float]]] = {
    "arrow": [(0.0, 0.25), (0.5, 0.25), (0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.5, 0.75), (0.0, 0.75)],
    "bar": [(0.0, 0.3), (1.0, 0.3), (1.0, 0.7), (0.0, 0.7)],
    "half": [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
    "hexagon": [(0.25, 0.07), (0.75, 0.07), (1.0, 0.5), (0.75, 0.93), (0.25, 0.93), (0.0, 0.5)],
}
