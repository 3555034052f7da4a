"""Meters: up at once, down slowly, the peak held."""

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from ui.meter import BOTTOM_DB, FALL_DB_PER_SECOND, HOLD_SECONDS, TOP_DB, Meter


@pytest.fixture
def meter(qtbot) -> Meter:
    meter = Meter("Violin level")
    qtbot.addWidget(meter)
    meter.resize(200, 14)
    meter.show()
    return meter


def test_it_rises_at_once_and_falls_slowly(meter: Meter) -> None:
    meter.feed(0.5, 0.033)
    assert meter.level_db == pytest.approx(-6.02, abs=0.01)
    meter.feed(0.0, 0.1)
    assert meter.level_db == pytest.approx(-6.02 - 0.1 * FALL_DB_PER_SECOND, abs=0.01)


def test_the_peak_is_held_and_then_falls(meter: Meter) -> None:
    meter.feed(0.5, 0.033)
    steps = round(HOLD_SECONDS / 0.1) - 1
    for _ in range(steps):
        meter.feed(0.0, 0.1)
    assert meter.hold_db == pytest.approx(-6.02, abs=0.01)
    for _ in range(100):
        meter.feed(0.0, 0.1)
    assert meter.hold_db == meter.level_db == BOTTOM_DB


@pytest.mark.parametrize("peak", [0.0, -1.0, float("nan"), float("inf"), 1e9, 1e-30])
def test_no_figure_upsets_it(meter: Meter, peak: float) -> None:
    meter.feed(peak, 0.033)
    assert BOTTOM_DB <= meter.level_db <= TOP_DB
    assert BOTTOM_DB <= meter.hold_db <= TOP_DB
    assert not meter.grab().isNull()


def test_a_steady_level_is_not_painted_again(meter: Meter, qtbot) -> None:
    paints = []
    original = meter.paintEvent
    meter.paintEvent = lambda event: (paints.append(event.rect()), original(event))
    meter.feed(0.5, 0.033)
    qtbot.waitUntil(lambda: bool(paints))
    QApplication.processEvents()
    paints.clear()
    for _ in range(5):
        meter.feed(0.5, 0.033)
    QApplication.processEvents()
    assert paints == []


def test_louder_is_longer(meter: Meter) -> None:
    def width() -> int:
        image = meter.grab().toImage().convertToFormat(image_format)
        row = np.array([image.pixel(x, 7) for x in range(image.width())])
        return int((row != row[-6]).sum())

    from PySide6.QtGui import QImage

    image_format = QImage.Format.Format_RGB32
    quiet_width = 0
    for peak in (0.01, 0.1, 0.4):
        meter.reset()
        meter.feed(peak, 0.033)
        assert width() > quiet_width
        quiet_width = width()
