"""What a screen reader is told: names, descriptions that follow a value, and announcements."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from app.names import display_name, spoken_gain


def stem_name(stem: str) -> str:
    """A stem's name in the language of the window: “Violin 1”, “Everything else”."""
    return display_name(stem, _names)


def gain_in_words(gain_db: float) -> str:
    """A gain as it is spoken: “minus 3.0 decibels”, “silent”."""
    return spoken_gain(gain_db, _names)


def describe(widget: QWidget, text: str) -> None:
    """Set the accessible description; screen readers read it after the name when the focus arrives.

    A value is told this way because a value interface written in Python crashes under AT-SPI, and the
    one a slider brings along speaks its raw integer.
    """
    if widget.accessibleDescription() != text:
        widget.setAccessibleDescription(text)


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say this now, where one is listening."""
    if text and QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def _names(word: str) -> str:
    return QCoreApplication.translate("names", word)
