"""The instruments' marks: different from one another, filled or hollow, and visible in every theme."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from separation.separator import INSTRUMENTS, RESIDUAL
from ui.shapes import ShapeMark, shape_icon, shape_path, shape_pixmap
from ui.theme import DARK, HIGH_CONTRAST, LIGHT, Theme, contrast, instrument_colour

STEMS = (*INSTRUMENTS, RESIDUAL)


def _inside(name: str) -> np.ndarray:
    path = shape_path(name, QRectF(0, 0, 24, 24))
    return np.array([[path.contains(QRectF(x, y, 1, 1).center()) for x in range(24)] for y in range(24)])


def test_no_two_shapes_look_alike() -> None:
    insides = {name: _inside(name) for name in STEMS}
    for one, other in itertools.combinations(STEMS, 2):
        union = (insides[one] | insides[other]).sum()
        assert (insides[one] ^ insides[other]).sum() / union > 0.14, (one, other)


def test_an_unknown_instrument_has_a_shape_too() -> None:
    assert _inside("harp").any()
    assert (_inside("harp") == _inside("harp-2")).all()


def test_the_second_part_is_hollow(qapp: QApplication) -> None:
    for theme in (LIGHT, DARK, HIGH_CONTRAST):
        first = shape_pixmap("violin-1", theme, 32).toImage()
        second = shape_pixmap("violin-2", theme, 32).toImage()
        assert first.pixelColor(16, 16).alpha() == 255
        assert second.pixelColor(16, 16).alpha() == 0
        assert first != second


@pytest.mark.parametrize("theme", [LIGHT, DARK, HIGH_CONTRAST], ids=lambda t: t.name)
@pytest.mark.parametrize("name", STEMS)
def test_a_shape_has_an_edge_that_is_seen(qapp: QApplication, theme: Theme, name: str) -> None:
    image = shape_pixmap(name, theme, 48).toImage().convertToFormat(QImage.Format.Format_ARGB32)
    colours = {
        image.pixelColor(x, y).rgb()
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert instrument_colour(name, theme).rgb() in colours
    assert theme.color("text").rgb() in colours
    assert contrast(theme.color("text"), theme.color("window")) >= 4.5


def test_icons_and_marks(qapp: QApplication, qtbot) -> None:
    icon = shape_icon("viola", qapp.palette())
    assert not icon.pixmap(QSize(24, 24)).isNull()
    mark = ShapeMark("viola")
    qtbot.addWidget(mark)
    assert mark.sizeHint().width() == mark.sizeHint().height() >= 18
    assert not mark.grab().isNull()
