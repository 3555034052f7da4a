"""How Ripieno looks: three palettes, the text size, the instruments' colours, and the focus ring.

A widget that paints itself asks :func:`theme_of` for the theme its palette belongs to; there is no
current theme kept anywhere. Contrast follows WCAG 2.2 (1.4.3 text 4.5:1, 1.4.11 controls 3:1); the
instruments' colours are the eight of Okabe and Ito (2008), *Color universal design*.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from separation.separator import RESIDUAL, Part
from ui.focus_ring import FocusRing
from ui.style_sheet import style_sheet

THEMES = ("system", "light", "dark", "high contrast")
SMALLEST_POINT_SIZE = 11.0
"""The text size at 100 %, unless the system's own font is larger."""
TARGET_PIXELS = 32
"""The least height and width of anything that is clicked."""

_FOLLOWER = "ripieno-theme-follower"
_RING = "ripieno-focus-ring"
_BASE_SIZE = "ripienoBasePointSize"


@dataclass(frozen=True)
class Theme:
    """One set of colours, as ``#rrggbb``.

    ``canvas`` is the ground of waveforms and meters and ``wave`` what is drawn on it; ``good``,
    ``warning`` and ``danger`` are text and light colours that can be read on ``window`` and ``canvas``.
    """

    name: str
    window: str
    base: str
    alternate: str
    button: str
    text: str
    muted_text: str
    disabled: str
    accent: str
    accent_text: str
    link: str
    border: str
    faint: str
    hover: str
    pressed: str
    handle: str
    progress: str
    canvas: str
    wave: str
    playhead: str
    focus: str
    good: str
    warning: str
    danger: str
    dark: bool

    def color(self, role: str) -> QColor:
        """The colour of a role named as its field."""
        return QColor(getattr(self, role))


LIGHT = Theme(
    name="light",
    window="#f3f2ef",
    base="#ffffff",
    alternate="#eceae6",
    button="#e6e4df",
    text="#1b1b1f",
    muted_text="#55545b",
    disabled="#8a8990",
    accent="#1f5fa8",
    accent_text="#ffffff",
    link="#1a56a0",
    border="#86848c",
    faint="#c9c7c2",
    hover="#dad7d0",
    pressed="#c8c5bd",
    handle="#ffffff",
    progress="#9cc3ec",
    canvas="#fbfaf8",
    wave="#4a5a78",
    playhead="#b3261e",
    focus="#1f5fa8",
    good="#1d6b3c",
    warning="#8a4b00",
    danger="#b3261e",
    dark=False,
)
DARK = Theme(
    name="dark",
    window="#232429",
    base="#1a1b1f",
    alternate="#26272c",
    button="#35363d",
    text="#ececf0",
    muted_text="#b4b4bd",
    disabled="#85858e",
    accent="#7fb4ee",
    accent_text="#10141b",
    link="#8fc0f5",
    border="#7b7c87",
    faint="#4a4b54",
    hover="#44454e",
    pressed="#55565f",
    handle="#e4e4ea",
    progress="#2f5f95",
    canvas="#141519",
    wave="#93a8cc",
    playhead="#ff8a75",
    focus="#8fc0f5",
    good="#7fd39a",
    warning="#f2b75c",
    danger="#ff9b8a",
    dark=True,
)
HIGH_CONTRAST = Theme(
    name="high contrast",
    window="#000000",
    base="#000000",
    alternate="#101010",
    button="#000000",
    text="#ffffff",
    muted_text="#ffffff",
    disabled="#a8a8a8",
    accent="#ffe14d",
    accent_text="#000000",
    link="#8fd0ff",
    border="#ffffff",
    faint="#8a8a8a",
    hover="#333333",
    pressed="#555555",
    handle="#ffffff",
    progress="#5a4c00",
    canvas="#000000",
    wave="#ffffff",
    playhead="#ffe14d",
    focus="#ffe14d",
    good="#7dff9c",
    warning="#ffd24d",
    danger="#ff9e9e",
    dark=True,
)
_BY_NAME = {t.name: t for t in (LIGHT, DARK, HIGH_CONTRAST)}

INSTRUMENT_COLOURS: dict[str, str] = {
    "bassoon": "#d55e00",
    "cello": "#0072b2",
    "clarinet": "#000000",
    "flute": "#56b4e9",
    "oboe": "#f0e442",
    "saxophone": "#cc79a7",
    "viola": "#009e73",
    "violin": "#e69f00",
}
"""One Okabe–Ito colour an instrument; the black one turns white on dark themes."""
RESIDUAL_COLOURS = {"light": "#6e6e76", "dark": "#a6a6ae", "high contrast": "#c8c8c8"}


def apply_theme(app: QApplication, name: str, text_scale: float = 1.0) -> Theme:
    """Dress the whole program in a theme and text size; may be called again at any time.

    ``name`` is one of :data:`THEMES`; "system" follows the system's light or dark setting, also when it
    changes later. ``text_scale`` is 1.0 to 2.0 (it is clamped). Raises ValueError for another name.
    """
    if name not in THEMES:
        raise ValueError(f"“{name}” is not a theme; the themes are {', '.join(THEMES)}")
    follower = app.findChild(_SystemFollower, _FOLLOWER) or _SystemFollower(app)
    follower.following = name == "system"
    follower.text_scale = text_scale
    hints = QGuiApplication.styleHints()
    if name == "system":
        theme = DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT
    else:
        theme = _BY_NAME[name]
    _dress(app, theme, min(2.0, max(1.0, text_scale)))
    return theme


def theme_of(palette: QPalette) -> Theme:
    """The theme that a palette belongs to; a foreign palette gets light or dark by its window colour."""
    window = palette.color(QPalette.ColorRole.Window)
    for theme in _BY_NAME.values():
        if window.rgb() == theme.color("window").rgb():
            return theme
    return DARK if window.lightness() < 128 else LIGHT


def palette_for(theme: Theme) -> QPalette:
    """The Qt palette of a theme."""
    role, palette = QPalette.ColorRole, QPalette()
    for key, field in (
        (role.Window, "window"),
        (role.WindowText, "text"),
        (role.Base, "base"),
        (role.AlternateBase, "alternate"),
        (role.Text, "text"),
        (role.PlaceholderText, "muted_text"),
        (role.Button, "button"),
        (role.ButtonText, "text"),
        (role.BrightText, "danger"),
        (role.ToolTipBase, "base"),
        (role.ToolTipText, "text"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "accent_text"),
        (role.Accent, "accent"),
        (role.Link, "link"),
        (role.LinkVisited, "link"),
    ):
        palette.setColor(key, theme.color(field))
    if theme is HIGH_CONTRAST:
        # Fusion draws its outlines from these; on black they have to be lighter, not darker.
        for key in (role.Light, role.Midlight, role.Mid, role.Dark):
            palette.setColor(key, theme.color("border"))
        palette.setColor(role.Shadow, theme.color("border"))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText, role.PlaceholderText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, theme.color("disabled"))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, theme.color("border"))
    return palette


def instrument_colour(name: str, theme: Theme) -> QColor:
    """The colour of a stem (``violin-1`` has the violin's); one that the list lacks gets a fixed spare."""
    if name == RESIDUAL:
        return QColor(RESIDUAL_COLOURS[theme.name])
    instrument = Part.from_name(name).instrument
    spare = sorted(INSTRUMENT_COLOURS)[sum(instrument.encode()) % len(INSTRUMENT_COLOURS)]
    colour = INSTRUMENT_COLOURS.get(instrument, INSTRUMENT_COLOURS[spare])
    return QColor("#ffffff") if theme.dark and colour == "#000000" else QColor(colour)


def contrast(one: QColor, other: QColor) -> float:
    """The WCAG 2.2 contrast ratio of two opaque colours, 1 to 21 (relative luminance as it defines it)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tabular(font: QFont) -> QFont:
    """The font with figures of one width, so that numbers do not dance while they change."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy


def target_size(font: QFont) -> int:
    """The height (px) of something clicked: 32, or more where the text needs it."""
    return max(TARGET_PIXELS, round(QFontMetrics(font).height() * 1.45))


def _luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def _dress(app: QApplication, theme: Theme, text_scale: float) -> None:
    if app.style().objectName().lower() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    base = app.property(_BASE_SIZE)
    if base is None:
        base = max(SMALLEST_POINT_SIZE, app.font().pointSizeF())
        app.setProperty(_BASE_SIZE, base)
    font = QFont(app.font())
    font.setPointSizeF(float(base) * text_scale)
    app.setFont(font)
    app.setPalette(palette_for(theme))
    app.setStyleSheet(style_sheet(theme, QFontMetrics(font).height(), target_size(font)))
    ring = app.findChild(FocusRing, _RING)
    if ring is None:
        ring = FocusRing(app)
        ring.setObjectName(_RING)
    ring.set_look(theme.color("focus"), 3 if theme is HIGH_CONTRAST else 2)


class _SystemFollower(QObject):
    """Dresses the program anew when the system goes from light to dark and the theme is "system"."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName(_FOLLOWER)
        self.following = False
        self.text_scale = 1.0
        self._app = app
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._changed)

    def _changed(self, _scheme: Qt.ColorScheme) -> None:
        if self.following:
            apply_theme(self._app, "system", self.text_scale)
