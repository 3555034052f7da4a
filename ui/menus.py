"""The menu bar, made from the actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QMenu

from app.settings import Settings
from ui.actions import GROUPS, Actions, translated

_LINE = "-"
_RECENT, _THEMES = "recent", "themes"
LAYOUT: dict[str, tuple[str, ...]] = {
    "file": (
        "open", "open folder", "demo", _RECENT, _LINE, "save", "save as", _LINE, "export", _LINE, "quit",
    ),
    "edit": (
        "undo", "redo", _LINE, "reset mix", _LINE, "instruments", "separate", "cancel", _LINE,
        "edit audiogram", "new listener", _LINE, "preferences",
    ),
    "play": (
        "play", "to start", "back", "forward", _LINE, "loop", "clear loop", _LINE, "compare", "score", _LINE,
        "amplification", "listening way", "calibrate", _LINE, "live input",
    ),
    "view": (
        "zoom in", "zoom out", "zoom all", _LINE, "log frequency", "hearing", "fitting view", _LINE,
        _THEMES, "larger text", "smaller text", _LINE, "full screen",
    ),
    "help": ("shortcuts", "log folder", _LINE, "about"),
}  # fmt: skip
"""The entries of each menu: keys of actions, a line, or one of the two submenus."""


class Menus(QObject):
    """Builds the menus and keeps the list of recent files true. ``open_recent`` is called with a path."""

    def __init__(
        self, window: QMainWindow, actions: Actions, settings: Settings, open_recent: Callable[[str], None]
    ) -> None:
        super().__init__(window)
        self._actions = actions
        self._settings = settings
        self._open_recent = open_recent
        self.recent = QMenu(self.tr("Open &recent"), window)
        self.themes = QMenu(self.tr("&Theme"), window)
        self.themes.addActions(actions.themes.actions())
        for group, entries in LAYOUT.items():
            menu = window.menuBar().addMenu(_with_access_key(translated(GROUPS[group])))
            for entry in entries:
                self._add(menu, entry)
        self.recent.setToolTipsVisible(True)
        settings.changed.connect(self._setting_changed)
        self._fill_recent()

    def _add(self, menu: QMenu, entry: str) -> None:
        if entry == _LINE:
            menu.addSeparator()
        elif entry == _RECENT:
            menu.addMenu(self.recent)
        elif entry == _THEMES:
            menu.addMenu(self.themes)
        else:
            menu.addAction(self._actions[entry])

    def _setting_changed(self, name: str) -> None:
        if name == "recent_files":
            self._fill_recent()

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in self._settings.recent_files:
            action = self.recent.addAction(Path(path).name.replace("&", "&&"))
            action.setToolTip(path)
            action.setStatusTip(path)
            action.triggered.connect(lambda _=False, path=path: self._open_recent(path))
        if self._settings.recent_files:
            self.recent.addSeparator()
        self.recent.addAction(self._actions["clear recent"])
        self.recent.setEnabled(bool(self._settings.recent_files))


def _with_access_key(title: str) -> str:
    return title if "&" in title else f"&{title}"
