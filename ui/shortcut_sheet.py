"""The sheet on F1: every key and what it does, made from the actions and the strips' own keys."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from ui.actions import GROUPS, SPECS, Actions, plain, translated
from ui.dialogs import ScrollingDialog
from ui.form_rows import Note

_ = QT_TRANSLATE_NOOP

STRIP_KEYS: tuple[tuple[str, str], ...] = (
    ("Tab", _("ShortcutSheet", "Go to the next control")),
    ("Up / Down", _("ShortcutSheet", "With the keyboard on a strip: the strip above or below")),
    ("Left / Right", _("ShortcutSheet", "On a strip: gain 0.5 dB down or up, with Shift 3 dB")),
    ("Up / Down", _("ShortcutSheet", "In a gain’s number: 0.5 dB up or down, with Shift 3 dB")),
    ("M", _("ShortcutSheet", "On a strip: mute")),
    ("S", _("ShortcutSheet", "On a strip: solo, with Shift this strip alone")),
    ("0", _("ShortcutSheet", "On a strip: gain back to 0 dB")),
    ("Space", _("ShortcutSheet", "On a button reached with Tab: press it; everywhere else: play")),
)
"""Keys that widgets handle themselves, so they are in no menu."""


class ShortcutSheet(ScrollingDialog):
    """Lists the keys by menu; a field on top narrows the list."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        title = self.tr("Keyboard shortcuts")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.area.setAccessibleName(title)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search, for example “loop”"))
        self.search.setAccessibleName(self.tr("Search the shortcuts"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.narrow)
        self.rows: list[tuple[QLabel, QLabel, QLabel]] = []
        self._headings: list[tuple[QLabel, list[int]]] = []
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(10)
        layout.addWidget(self.search)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(2, 1)
        layout.addLayout(self._grid)
        layout.addStretch(1)
        for group, heading in GROUPS.items():
            self._add_heading(translated(heading))
            for spec in SPECS:
                keys = [
                    k.toString(QKeySequence.SequenceFormat.NativeText) for k in actions[spec.key].shortcuts()
                ]
                if spec.group == group and keys:
                    self._add_row(" · ".join(keys), plain(translated(spec.text)), translated(spec.tip))
        self._add_heading(self.tr("Strips and controls"))
        for keys, what in STRIP_KEYS:
            self._add_row(keys, "", self.tr(what))
        self.add_close_button()
        self.search.setFocus()

    def characters(self) -> int:
        """Three columns."""
        return 96

    def narrow(self, text: str) -> None:
        """Show only the rows that hold a text, and the headings over them."""
        wanted = text.strip().casefold()
        for row in self.rows:
            hit = not wanted or any(wanted in label.text().casefold() for label in row)
            for label in row:
                label.setVisible(hit)
        for heading, rows in self._headings:
            heading.setVisible(any(not self.rows[n][0].isHidden() for n in rows))

    def _add_heading(self, text: str) -> None:
        heading = QLabel(text)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        heading.setContentsMargins(0, 8, 0, 0)
        self._grid.addWidget(heading, self._grid.rowCount(), 0, 1, 3)
        self._headings.append((heading, []))

    def _add_row(self, keys: str, name: str, what: str) -> None:
        key = QLabel(keys)
        font = key.font()
        font.setBold(True)
        key.setFont(font)
        title = QLabel(name)
        tip = Note(what)
        row = self._grid.rowCount()
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(key, row, 0, top)
        self._grid.addWidget(title, row, 1, top)
        self._grid.addWidget(tip, row, 2)
        self._headings[-1][1].append(len(self.rows))
        self.rows.append((key, title, tip))
