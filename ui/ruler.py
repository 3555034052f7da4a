"""The time ruler: where its ticks lie, how they are labelled, and painting them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.names import shown_time
from ui.theme import Theme
from ui.time_axis import TimeAxis

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def tick_step(seconds_per_pixel: float, label_width: float) -> float:
    """The seconds between labels: the least round figure that keeps labels of that width apart."""
    least = (label_width + 24.0) * seconds_per_pixel
    return next((step for step in _STEPS if step >= least), _STEPS[-1])


def tick_label(seconds: float, step: float) -> str:
    """A time as the ruler writes it: ``1:05``, and with as many decimals as the step needs ``1:05.20``."""
    if step >= 1.0:
        return shown_time(seconds)
    places = 1 if step >= 0.1 else 2
    scale = 10**places
    whole, part = divmod(round(seconds * scale), scale)
    return f"{shown_time(whole)}.{part:0{places}d}"


def paint_ruler(painter: QPainter, axis: TimeAxis, area: QRectF, theme: Theme) -> None:
    """Paint ticks and times of the visible range into ``area``, in the painter's font."""
    painter.fillRect(area, theme.color("alternate"))
    painter.setPen(theme.color("faint"))
    painter.drawLine(area.bottomLeft(), area.bottomRight())
    if not axis.duration:
        return
    metrics = painter.fontMetrics()
    per_pixel = axis.span / max(1.0, area.width())
    step = tick_step(
        per_pixel, metrics.horizontalAdvance(tick_label(axis.stop, 0.1 if axis.span < 20 else 1.0))
    )
    first = int(axis.start // step)
    for i in range(first * 5, int(axis.stop / step * 5) + 1):
        seconds = i * step / 5
        x = area.left() + axis.to_x(seconds, area.width())
        major = i % 5 == 0
        painter.setPen(QPen(theme.color("muted_text" if major else "border"), 1))
        height = 8 if major else 4
        painter.drawLine(QPointF(x, area.bottom() - height), QPointF(x, area.bottom()))
        if major and x >= area.left():
            text = tick_label(seconds, step)
            width = metrics.horizontalAdvance(text)
            left = min(x + 4, area.right() - width - 2) if seconds + step > axis.stop else x + 4
            painter.setPen(theme.color("text"))
            if left >= x:
                box = QRectF(left, area.top(), width + 2, area.height() - 6)
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
