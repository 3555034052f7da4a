"""The table of actions: complete, without clashes, all in the menus, and each does what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence

from app.session import Loop
from tests.shell_program import ShellProgram
from tests.shell_window import shell_window
from ui.actions import GROUPS, SPECS, plain
from ui.main_window import MainWindow
from ui.menus import LAYOUT
from ui.shortcut_sheet import ShortcutSheet

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def window() -> Iterator[MainWindow]:
    with shell_window() as made:
        yield made


def test_keys_do_not_clash() -> None:
    keys = Counter(QKeySequence(k).toString() for spec in SPECS for k in spec.shortcuts)
    assert [k for k, count in keys.items() if count > 1] == []
    assert "" not in keys


def test_every_action_has_words_and_a_menu() -> None:
    listed = {entry for entries in LAYOUT.values() for entry in entries}
    for spec in SPECS:
        assert spec.text
        assert spec.tip.endswith(".")
        assert spec.group in GROUPS
        assert spec.key in listed or spec.key == "clear recent"


def test_access_keys_are_unique_within_a_menu() -> None:
    for group in GROUPS:
        marks = Counter(s.text.lower().partition("&")[2][:1] for s in SPECS if s.group == group)
        doubled = [m for m, count in marks.items() if count > 1]
        assert doubled == [], (group, doubled)


def test_every_action_is_connected(window: MainWindow) -> None:
    assert set(window.verbs._table()) == {spec.key for spec in SPECS}
    assert [a.objectName() for a in window.actions()] == [spec.key for spec in SPECS]


def test_plain_drops_marks_and_dots() -> None:
    assert plain("&Open…") == "Open"
    assert plain("Bach && sons") == "Bach & sons"


def test_opening_asks_for_a_file_and_then_opens_it(window: MainWindow, tmp_path: Path) -> None:
    program = window.program
    window.questions.file = tmp_path / "trio.wav"  # type: ignore[attr-defined]
    window.actions_["open"].trigger()
    window.questions.folder = tmp_path / "stems"  # type: ignore[attr-defined]
    window.actions_["open folder"].trigger()
    window.actions_["demo"].trigger()
    assert program.calls == [  # type: ignore[attr-defined]
        ("open_path", tmp_path / "trio.wav"),
        ("open_path", tmp_path / "stems"),
        ("open_demo",),
    ]
    assert program.settings.last_folder == str(tmp_path)


def test_a_question_that_is_cancelled_opens_nothing(window: MainWindow) -> None:
    program = window.program
    program.open_separated()  # type: ignore[attr-defined]
    program.document.set_gain("violin", -1.0)
    window.questions.losing = "cancel"  # type: ignore[attr-defined]
    window.actions_["demo"].trigger()
    assert program.calls == []  # type: ignore[attr-defined]


def test_saving_asks_once_where_to(window: MainWindow, tmp_path: Path) -> None:
    program = window.program
    program.open_separated()  # type: ignore[attr-defined]
    window.questions.target = tmp_path / "trio.ripieno"  # type: ignore[attr-defined]
    window.actions_["save"].trigger()
    assert program.document.path == tmp_path / "trio.ripieno"
    assert window.questions.asked == ["/music/Trio in a minor.ripieno"]  # type: ignore[attr-defined]
    window.actions_["save"].trigger()
    assert len(window.questions.asked) == 1  # type: ignore[attr-defined]
    assert window.windowTitle() == "[*] trio — Ripieno"


def test_playing_and_moving(window: MainWindow) -> None:
    program = window.program
    assert isinstance(program, ShellProgram)
    program.open_separated(seconds=20.0)
    window.actions_["play"].trigger()
    assert program.player.playing
    assert window.actions_["play"].iconText() == "Pause"
    window.actions_["forward"].trigger()
    assert program.player.position == 5 * 44100
    window.actions_["back"].trigger()
    window.actions_["back"].trigger()
    assert program.player.position == 0
    program.document.set_loop(Loop(44100, 88200))
    assert window.actions_["loop"].isChecked()
    window.actions_["to start"].trigger()
    assert program.player.position == 44100
    window.actions_["loop"].trigger()
    assert not program.document.session.loop.on  # type: ignore[union-attr]
    assert not window.actions_["loop"].isChecked()
    window.actions_["clear loop"].trigger()
    assert program.document.session.loop is None
    window.actions_["loop"].trigger()
    assert program.document.session.loop == Loop(0, 20 * 44100)


def test_one_key_compares(window: MainWindow) -> None:
    program = window.program
    program.open_separated()  # type: ignore[attr-defined]
    window.actions_["compare"].trigger()
    assert program.listening.side == "recording"
    assert window.top.recording_side.isChecked()
    window.actions_["compare"].trigger()
    assert window.top.remix_side.isChecked()
    window.top.recording_side.click()
    assert program.listening.side == "recording"


def test_looks(window: MainWindow) -> None:
    program = window.program
    program.open_separated()  # type: ignore[attr-defined]
    window.actions_["zoom in"].trigger()
    assert not window.axis.shows_all
    window.actions_["zoom all"].trigger()
    assert window.axis.shows_all
    window.actions_["larger text"].trigger()
    assert program.settings.text_scale == 1.25
    window.actions_["smaller text"].trigger()
    window.actions_["smaller text"].trigger()
    assert program.settings.text_scale == 1.0
    window.actions_["log frequency"].trigger()
    assert program.settings.spectrogram_scale == "linear"
    dark = next(a for a in window.actions_.themes.actions() if a.data() == "dark")
    dark.trigger()
    assert program.settings.theme == "dark"
    assert dark.isChecked()


def test_recent_files_are_in_the_menu(window: MainWindow) -> None:
    program = window.program
    program.settings.recent_files = ("/music/Bach & sons.wav", "/music/b.ripieno")
    entries = [a.text() for a in window.menus.recent.actions() if a.text()]
    assert entries == ["Bach && sons.wav", "b.ripieno", "&Clear this list"]
    window.menus.recent.actions()[0].trigger()
    assert program.calls == [("open_path", Path("/music/Bach & sons.wav"))]  # type: ignore[attr-defined]
    window.actions_["clear recent"].trigger()
    assert not window.menus.recent.isEnabled()


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_the_sheet_lists_every_key_and_can_be_narrowed(window: MainWindow) -> None:
    window.actions_["shortcuts"].trigger()
    sheet = window.verbs.dialog("shortcuts")
    assert isinstance(sheet, ShortcutSheet)
    listed = " ".join(row[0].text() for row in sheet.rows)
    for _spec, action in window.actions_.all():
        for key in action.shortcuts():
            assert key.toString(QKeySequence.SequenceFormat.NativeText) in listed
    sheet.search.setText("mute")
    shown = [row[2].text() for row in sheet.rows if not row[0].isHidden()]
    assert shown
    assert all("mute" in text.lower() for text in shown)
    window.actions_["shortcuts"].trigger()
    assert window.verbs.dialog("shortcuts") is sheet
    sheet.close()
    assert window.verbs.dialog("shortcuts") is None
