"""Everything that the program's menus, buttons and keys can do, in one table.

The window connects each action; the menus, the tool tips, the buttons and the sheet on F1 are all made
from these. An action is got by its key: ``actions["play"]``.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QPalette
from PySide6.QtWidgets import QWidget

from ui.icons import icon

_ = QT_TRANSLATE_NOOP


@dataclass(frozen=True)
class ActionSpec:
    """One row of the table: English source texts, translated when the action is made.

    ``shortcuts`` are portable key texts, the first one being the one that menus show; ``tip`` is one
    sentence on what the action does.
    """

    key: str
    group: str
    text: str
    tip: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole


GROUPS: dict[str, str] = {
    "file": _("Actions", "File"),
    "edit": _("Actions", "Edit"),
    "play": _("Actions", "Play"),
    "view": _("Actions", "View"),
    "help": _("Actions", "Help"),
}
"""The menus' English titles by group, in order."""

SPECS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open", "file", _("Actions", "&Open…"),
        _("Actions", "Open a recording or a saved session."), ("Ctrl+O",), "open",
    ),
    ActionSpec(
        "open folder", "file", _("Actions", "Open &folder of stems…"),
        _("Actions", "Open a folder that holds one file for each instrument."), ("Ctrl+Shift+O",),
    ),
    ActionSpec(
        "demo", "file", _("Actions", "Open the &demo recording"),
        _("Actions", "Open the short quartet that comes with Ripieno."), ("Ctrl+D",),
    ),
    ActionSpec(
        "clear recent", "file", _("Actions", "&Clear this list"),
        _("Actions", "Forget which files were opened."),
    ),
    ActionSpec(
        "save", "file", _("Actions", "&Save"),
        _("Actions", "Save the session: the recording’s place and every setting of the mix."), ("Ctrl+S",),
    ),
    ActionSpec(
        "save as", "file", _("Actions", "Save &as…"),
        _("Actions", "Save the session under another name."), ("Ctrl+Shift+S",),
    ),
    ActionSpec(
        "export", "file", _("Actions", "&Export…"),
        _("Actions", "Save the remix, or single instruments, as sound files."), ("Ctrl+E",), "export",
    ),
    ActionSpec(
        "quit", "file", _("Actions", "&Quit"), _("Actions", "Close Ripieno."), ("Ctrl+Q",),
        role=QAction.MenuRole.QuitRole,
    ),
    ActionSpec(
        "undo", "edit", _("Actions", "&Undo"), _("Actions", "Take the last change of the mix back."),
        ("Ctrl+Z",), "undo",
    ),
    ActionSpec(
        "redo", "edit", _("Actions", "&Redo"), _("Actions", "Make the change again that was taken back."),
        ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
    ),
    ActionSpec(
        "reset mix", "edit", _("Actions", "Reset &mix"),
        _("Actions", "Put every gain at 0 dB and take off mute, solo and pan: the recording as it was."),
        ("Ctrl+R",),
    ),
    ActionSpec(
        "instruments", "edit", _("Actions", "Choose &instruments"),
        _("Actions", "Say which instruments play, and take the recording apart into them."), ("Ctrl+I",),
        "instruments", True,
    ),
    ActionSpec(
        "separate", "edit", _("Actions", "&Separate"),
        _("Actions", "Take the recording apart into the ticked instruments."), ("Ctrl+Return",),
    ),
    ActionSpec(
        "cancel", "edit", _("Actions", "&Cancel the running job"),
        _("Actions", "Stop separating, opening or exporting; what is separated so far stays."), ("Ctrl+.",),
    ),
    ActionSpec(
        "edit audiogram", "edit", _("Actions", "Edit the &audiogram…"),
        _("Actions", "Change the listener’s hearing thresholds, or make a profile of a standard one."),
        ("Ctrl+Shift+A",),
    ),
    ActionSpec(
        "new listener", "edit", _("Actions", "&New listener…"),
        _("Actions", "Enter another person’s audiogram; what is on the screen of the one before goes."),
    ),
    ActionSpec(
        "preferences", "edit", _("Actions", "&Preferences…"),
        _("Actions", "Sound output, computing device, look, text size and language."), ("Ctrl+,",),
        role=QAction.MenuRole.PreferencesRole,
    ),
    ActionSpec(
        "play", "play", _("Actions", "&Play or pause"), _("Actions", "Start or halt playback."),
        ("Space", "Ctrl+Space"), "play",
    ),
    ActionSpec(
        "to start", "play", _("Actions", "To the &start"),
        _("Actions", "Go to the start of the loop if there is one, otherwise of the recording."),
        ("Home",), "to start",
    ),
    ActionSpec(
        "back", "play", _("Actions", "&Back 5 seconds"), _("Actions", "Go five seconds back."), ("Alt+Left",),
    ),
    ActionSpec(
        "forward", "play", _("Actions", "&Forward 5 seconds"), _("Actions", "Go five seconds on."),
        ("Alt+Right",),
    ),
    ActionSpec(
        "loop", "play", _("Actions", "&Loop"),
        _("Actions", "Repeat the selected stretch, or the whole recording where nothing is selected."),
        ("L",), "loop", True,
    ),
    ActionSpec(
        "clear loop", "play", _("Actions", "&Remove the loop"),
        _("Actions", "Take the selection away."), ("Shift+L",),
    ),
    ActionSpec(
        "compare", "play", _("Actions", "&Compare: recording or remix"),
        _("Actions", "Change over between the recording and the remix, at equal loudness."), ("A",),
    ),
    ActionSpec(
        "score", "play", _("Actions", "Score &now"),
        _("Actions", "Score the remix around the play head for the chosen listener (HAAQI)."), ("Ctrl+H",),
    ),
    ActionSpec(
        "amplification", "play", _("Actions", "Hear the &amplification"),
        _("Actions", "Amplify what you hear for the chosen listener, or no more; it comes slowly."),
        ("Ctrl+Shift+H",), "", True,
    ),
    ActionSpec(
        "listening way", "play", _("Actions", "How are you l&istening?…"),
        _("Actions", "Say whether you wear hearing aids, headphones or neither at this sound output."),
    ),
    ActionSpec(
        "live input", "play", _("Actions", "Li&ve input…"),
        _("Actions", "Hear a microphone or a line in through headphones; it starts muted."),
    ),
    ActionSpec(
        "calibrate", "play", _("Actions", "Calibra&te the level…"),
        _("Actions", "Measure how loud it is at the ear, with a tone and a sound level meter."),
    ),
    ActionSpec(
        "zoom in", "view", _("Actions", "Zoom &in"), _("Actions", "Show a shorter stretch, larger."),
        ("Ctrl++", "Ctrl+="),
    ),
    ActionSpec(
        "zoom out", "view", _("Actions", "Zoom &out"), _("Actions", "Show a longer stretch, smaller."),
        ("Ctrl+-",),
    ),
    ActionSpec(
        "zoom all", "view", _("Actions", "&Whole recording"),
        _("Actions", "Show the recording from start to end."), ("Ctrl+0",),
    ),
    ActionSpec(
        "log frequency", "view", _("Actions", "&Musical frequency axis"),
        _("Actions", "Give every octave of the spectrograms the same height; off: every hertz."),
        ("Ctrl+L",), "", True,
    ),
    ActionSpec(
        "hearing", "view", _("Actions", "&Hearing panel"),
        _("Actions", "Show or hide the listener and the HAAQI score."), ("Ctrl+J",), "", True,
    ),
    ActionSpec(
        "fitting view", "view", _("Actions", "Fittin&g view"),
        _("Actions", "Gain curves, level at the eardrum, and a blind comparison of settings."),
        ("Ctrl+Shift+F",),
    ),
    ActionSpec(
        "larger text", "view", _("Actions", "&Larger text"), _("Actions", "Make all text larger."),
        ("Ctrl+Alt++", "Ctrl+Alt+="),
    ),
    ActionSpec(
        "smaller text", "view", _("Actions", "&Smaller text"), _("Actions", "Make all text smaller."),
        ("Ctrl+Alt+-",),
    ),
    ActionSpec(
        "full screen", "view", _("Actions", "&Full screen"),
        _("Actions", "Fill the screen with the window, or leave it again."), ("F11",), "", True,
    ),
    ActionSpec(
        "shortcuts", "help", _("Actions", "&Keyboard shortcuts"),
        _("Actions", "Show every key and what it does."), ("F1",),
    ),
    ActionSpec(
        "log folder", "help", _("Actions", "Open the &log folder"),
        _("Actions", "Show the folder with the program's log, for reporting a problem."),
    ),
    ActionSpec(
        "about", "help", _("Actions", "&About Ripieno"),
        _("Actions", "What Ripieno is, its version, and the papers behind it."),
        role=QAction.MenuRole.AboutRole,
    ),
)  # fmt: skip


class Actions(QObject):
    """The program's actions, made from :data:`SPECS` and added to a window, so that their keys work in it.

    ``themes`` holds one checkable action a theme, exclusive, with the theme's name as its data.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        for spec in SPECS:
            self._actions[spec.key] = self._make(spec)
        window.addActions(list(self._actions.values()))
        self.themes = self._make_themes()
        self.set_palette(window.palette())

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def all(self) -> list[tuple[ActionSpec, QAction]]:
        """Every action beside its row of the table, in the table's order."""
        return [(spec, self._actions[spec.key]) for spec in SPECS]

    def group(self, group: str) -> list[QAction]:
        """The actions of one group (a key of :data:`GROUPS`), in order."""
        return [self._actions[spec.key] for spec in SPECS if spec.group == group]

    def set_palette(self, palette: QPalette) -> None:
        """Draw the icons anew in a palette's colours."""
        for spec in SPECS:
            if spec.icon:
                self._actions[spec.key].setIcon(icon(spec.icon, palette))

    def set_playing(self, playing: bool, palette: QPalette) -> None:
        """Let the play action say and show what it would do now."""
        action = self._actions["play"]
        action.setIcon(icon("pause" if playing else "play", palette))
        action.setIconText(self.tr("Pause") if playing else self.tr("Play"))

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(translated(spec.text), self)
        action.setObjectName(spec.key)
        action.setCheckable(spec.checkable)
        action.setMenuRole(spec.role)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        tip = translated(spec.tip)
        action.setStatusTip(tip)
        # Fusion puts a button's words right against its icon.
        action.setIconText(f" {plain(action.text())}" if spec.icon else plain(action.text()))
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{tip} ({keys})" if keys else tip)
        return action

    def _make_themes(self) -> QActionGroup:
        group = QActionGroup(self)
        for name, text in THEME_TEXTS.items():
            action = group.addAction(translated(text))
            action.setCheckable(True)
            action.setData(name)
            action.setStatusTip(self.tr("Change the program's colours."))
        return group


THEME_TEXTS: dict[str, str] = {
    "system": _("Actions", "As the system"),
    "light": _("Actions", "Light"),
    "dark": _("Actions", "Dark"),
    "high contrast": _("Actions", "High contrast"),
}
"""The themes' English names by their key."""


def translated(text: str) -> str:
    """An English source text of this module in the user's language."""
    return QCoreApplication.translate("Actions", text)


def plain(text: str) -> str:
    """A menu text without its access-key mark and its trailing dots: what a list or a button shows."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").removesuffix("…")
