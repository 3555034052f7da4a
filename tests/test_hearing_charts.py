"""Charts of hearing: points lie where the scales put them, and ears differ in shape as well as in colour."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.hearing.aided import EarGain
from app.hearing.audiogram import NORMAL, PRESETS, Audiogram
from app.hearing_charts import (
    AUDIOGRAM_SHAPE,
    Axes,
    Ink,
    draw_audiogram,
    draw_levels,
    highest_gain,
    shown_level,
)

pytestmark = pytest.mark.usefixtures("qapp")
AREA = QRectF(40, 20, 300, 300 * AUDIOGRAM_SHAPE)


def ink(right: str = "#ff0000", left: str = "#0000ff") -> Ink:
    plain = QColor("#dddddd")
    return Ink(QColor("#ffffff"), plain, QColor("#00aa00"), plain, QColor(right), QColor(left))


def painted(draw) -> np.ndarray:
    image = QImage(380, 380, QImage.Format.Format_RGB32)
    image.fill(QColor("#ffffff"))
    painter = QPainter(image)
    draw(painter)
    painter.end()
    return np.array(image.constBits()).reshape(380, 380, 4)[..., 2::-1].astype(int)


def test_an_octave_is_as_wide_as_twenty_decibels_are_high() -> None:
    axes = Axes(None, AREA, ink(), top=-10.0, bottom=120.0)  # type: ignore[arg-type]
    one, octave, lower = axes.point(1000, 0), axes.point(2000, 0), axes.point(1000, 20)
    assert octave.x() - one.x() == pytest.approx(lower.y() - one.y())
    assert axes.point(125, 0).x() == AREA.left()
    assert axes.point(8000, 500).y() == pytest.approx(AREA.bottom())  # what is beyond lies on the edge


def test_ears_differ_in_shape_without_colour() -> None:
    black = ink("#000000", "#000000")
    one = painted(lambda p: draw_audiogram(p, AREA, black, PRESETS["N3"], NORMAL))
    other = painted(lambda p: draw_audiogram(p, AREA, black, NORMAL, PRESETS["N3"]))
    assert not np.array_equal(one, other)


def test_what_was_not_heard_and_bone_conduction_are_drawn() -> None:
    plain = Audiogram((500, 1000, 2000), (40, 50, 60))
    marked = Audiogram((500, 1000, 2000), (40, 50, 60), bone=((1000, 20),), no_response=(2000,))
    images = [
        painted(lambda p, ear=ear: draw_audiogram(p, AREA, ink(), NORMAL, ear)) for ear in (plain, marked)
    ]
    assert not np.array_equal(*images)


def test_columns_above_the_threshold_are_filled() -> None:
    def filled(level: float) -> int:
        image = painted(
            lambda p: draw_levels(p, AREA, ink(), [(1000.0, 50.0)], [(1000.0, level)], right=True)
        )
        return int((image == (0, 0xAA, 0)).all(axis=2).sum())

    assert filled(52.0) > filled(48.0) + 900


def test_the_gain_axis_holds_everything() -> None:
    low, high = EarGain((), (0.0, 3.0)), EarGain(((500.0, 41.0),), (0.0, 44.0))
    assert highest_gain([low]) == 30
    assert highest_gain([low, high]) == 50
    assert highest_gain([]) == 30


def test_minus_is_a_minus() -> None:
    assert [shown_level(level) for level in (-10.0, 0.0, 20.0)] == ["−10", "0", "20"]
