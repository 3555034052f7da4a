"""Themes: contrast, text sizes, targets, the focus ring, and the instruments' colours."""

import pytest
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from separation.separator import INSTRUMENTS, RESIDUAL
from ui.focus_ring import FocusRing
from ui.theme import (
    DARK,
    HIGH_CONTRAST,
    INSTRUMENT_COLOURS,
    LIGHT,
    THEMES,
    Theme,
    apply_theme,
    contrast,
    instrument_colour,
    palette_for,
    tabular,
    theme_of,
)

ALL = (LIGHT, DARK, HIGH_CONTRAST)
Role = QPalette.ColorRole
TEXT_PAIRS = [
    (Role.WindowText, Role.Window),
    (Role.Text, Role.Base),
    (Role.Text, Role.AlternateBase),
    (Role.ButtonText, Role.Button),
    (Role.HighlightedText, Role.Highlight),
    (Role.ToolTipText, Role.ToolTipBase),
    (Role.PlaceholderText, Role.Base),
    (Role.Link, Role.Base),
    (Role.Link, Role.Window),
    (Role.BrightText, Role.Window),
]
OWN_TEXT_PAIRS = [
    *[
        (text, ground)
        for text in ("text", "muted_text")
        for ground in ("window", "base", "alternate", "canvas")
    ],
    *[(text, ground) for text in ("good", "warning", "danger") for ground in ("window", "base", "alternate")],
    ("text", "hover"),
    ("text", "pressed"),
    ("text", "progress"),
    ("accent_text", "accent"),
    ("accent_text", "danger"),
    ("accent_text", "warning"),
]
GRAPHIC_PAIRS = [
    *[("border", ground) for ground in ("window", "base", "canvas", "alternate")],
    *[("focus", ground) for ground in ("window", "base", "canvas", "alternate")],
    *[("accent", ground) for ground in ("window", "canvas", "alternate")],
    *[(mark, "canvas") for mark in ("wave", "playhead", "good", "warning", "danger", "text")],
]


@pytest.fixture
def themed(qapp: QApplication):
    yield qapp
    apply_theme(qapp, "light", 1.0)


def test_contrast_is_the_formula_of_wcag() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21.0)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)
    assert contrast(QColor("white"), QColor("#777777")) == contrast(QColor("#777777"), QColor("white"))


@pytest.mark.parametrize("theme", ALL, ids=lambda t: t.name)
def test_every_text_reads_on_its_ground(theme: Theme) -> None:
    palette = palette_for(theme)
    least = 7.0 if theme is HIGH_CONTRAST else 4.5
    for text, ground in TEXT_PAIRS:
        assert contrast(palette.color(text), palette.color(ground)) >= least, (text, ground)
    for text, ground in OWN_TEXT_PAIRS:
        assert contrast(theme.color(text), theme.color(ground)) >= 4.5, (text, ground)


@pytest.mark.parametrize("theme", ALL, ids=lambda t: t.name)
def test_controls_and_marks_stand_out(theme: Theme) -> None:
    for mark, ground in GRAPHIC_PAIRS:
        assert contrast(theme.color(mark), theme.color(ground)) >= 3.0, (mark, ground)


@pytest.mark.parametrize("theme", ALL, ids=lambda t: t.name)
def test_disabled_text_can_still_be_made_out(theme: Theme) -> None:
    palette = palette_for(theme)
    for text, ground in (
        (Role.WindowText, Role.Window),
        (Role.Text, Role.Base),
        (Role.ButtonText, Role.Button),
    ):
        colour = palette.color(QPalette.ColorGroup.Disabled, text)
        assert contrast(colour, palette.color(ground)) >= 2.5


@pytest.mark.parametrize("name", THEMES)
def test_a_theme_is_recognised_by_its_palette(themed: QApplication, name: str) -> None:
    theme = apply_theme(themed, name, 1.0)
    assert theme_of(themed.palette()) is theme
    assert theme_of(QWidget().palette()) is theme


def test_a_foreign_palette_gets_the_nearer_theme() -> None:
    assert theme_of(QPalette(QColor("#dddddd"))) is LIGHT
    assert theme_of(QPalette(QColor("#303030"))) is DARK


def test_an_unknown_theme_is_refused(themed: QApplication) -> None:
    with pytest.raises(ValueError, match="pink"):
        apply_theme(themed, "pink", 1.0)


def test_text_starts_at_eleven_points_and_doubles(themed: QApplication) -> None:
    label = QLineEdit()
    label.setFont(tabular(label.font()))
    apply_theme(themed, "light", 1.0)
    small = themed.font().pointSizeF()
    assert small >= 11.0
    apply_theme(themed, "light", 2.0)
    assert themed.font().pointSizeF() == pytest.approx(2 * small)
    assert label.font().pointSizeF() == pytest.approx(2 * small)
    apply_theme(themed, "dark", 9.0)
    assert themed.font().pointSizeF() == pytest.approx(2 * small)
    apply_theme(themed, "dark", 1.0)
    assert themed.font().pointSizeF() == pytest.approx(small)


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_targets_are_large_enough(themed: QApplication, qtbot, scale: float) -> None:
    apply_theme(themed, "light", scale)
    box = QWidget()
    qtbot.addWidget(box)
    layout = QVBoxLayout(box)
    controls = [QPushButton("Open"), QToolButton(), QComboBox(), QLineEdit(), QCheckBox("Violin")]
    for control in controls:
        layout.addWidget(control)
    box.show()
    for control in controls:
        assert control.height() >= 32, control
        assert control.height() >= QFontMetrics(control.font()).height() * 1.3
    assert controls[1].width() >= 32


def test_the_system_theme_follows_the_system(themed: QApplication) -> None:
    apply_theme(themed, "system", 1.0)
    hints = QGuiApplication.styleHints()
    from PySide6.QtCore import Qt

    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    expected = DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT
    assert theme_of(themed.palette()) is expected
    apply_theme(themed, "high contrast", 1.0)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme_of(themed.palette()) is HIGH_CONTRAST


@pytest.mark.parametrize("name", ["light", "dark", "high contrast"])
def test_the_focus_ring_is_seen(themed: QApplication, qtbot, name: str) -> None:
    theme = apply_theme(themed, name, 1.0)
    box = QWidget()
    qtbot.addWidget(box)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(20, 20, 20, 20)
    button, other = QPushButton("Play"), QPushButton("Stop")
    layout.addWidget(button)
    layout.addWidget(other)
    with qtbot.waitActive(box):
        box.show()
        box.activateWindow()
    ring = themed.findChild(FocusRing)
    other.setFocus()
    button.setFocus()
    qtbot.waitUntil(lambda: ring.target is button)
    picture = box.grab().toImage()
    focus = theme.color("focus").rgb()
    area = button.geometry().adjusted(-4, -4, 4, 4)
    ringed = sum(
        picture.pixelColor(x, y).rgb() == focus
        for x in range(area.left(), area.right())
        for y in (area.top(), area.top() + 1, area.top() + 2, area.top() + 3)
    )
    assert ringed > button.width() / 2


def test_the_focus_ring_survives_its_window(themed: QApplication, qtbot) -> None:
    apply_theme(themed, "light", 1.0)
    for _ in range(2):
        box = QWidget()
        qtbot.addWidget(box)
        button = QPushButton("Play", box)
        with qtbot.waitActive(box):
            box.show()
            box.activateWindow()
        button.setFocus()
        ring = themed.findChild(FocusRing)
        qtbot.waitUntil(lambda ring=ring, button=button: ring.target is button)
        box.close()
        box.deleteLater()
        qtbot.waitUntil(lambda ring=ring: ring.target is None)


def test_each_instrument_has_a_colour_of_its_own() -> None:
    assert set(INSTRUMENT_COLOURS) == set(INSTRUMENTS)
    for theme in ALL:
        colours = {instrument_colour(name, theme).name() for name in (*INSTRUMENTS, RESIDUAL)}
        assert len(colours) == len(INSTRUMENTS) + 1
        assert instrument_colour("violin-1", theme) == instrument_colour("violin-2", theme)
        assert instrument_colour("harp", theme).isValid()
    assert instrument_colour("clarinet", DARK) == QColor("white")
