"""The hearing panel: who listens, and what can be done with a profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app.hearing.audiogram_file import read_listener
from app.status import QualityStatus
from tests.listener_ears import LEFT, RIGHT, a_profile
from tests.shell_program import ShellProgram, quality
from tests.shell_window import dress, forget, shell_window
from ui.actions import Actions
from ui.hearing_panel import HearingPanel
from ui.listener_questions import ListenerQuestions

pytestmark = pytest.mark.usefixtures("qapp")


class Answers(ListenerQuestions):
    """What the user would say."""

    def __init__(self) -> None:
        self.target: tuple[Path, str] | None = None
        self.named = False
        self.sure = False

    def export(self, _folder: str) -> tuple[Path, str] | None:
        return self.target

    def with_name(self) -> bool:
        return self.named

    def delete(self, _name: str) -> bool:
        return self.sure


@pytest.fixture
def panel() -> Iterator[HearingPanel]:
    window = QMainWindow()
    made = HearingPanel(ShellProgram(window), Actions(window), window)  # type: ignore[arg-type]
    made.questions = Answers()  # type: ignore[assignment]
    window.setCentralWidget(made)
    window.show()
    yield made
    window.close()
    forget(window)


def choose(panel: HearingPanel, key: str) -> None:
    panel.listener.setCurrentIndex(panel.listener.findData(key))
    panel.listener.activated.emit(panel.listener.currentIndex())


def test_a_profile_is_listed_chosen_and_drawn_with_both_ears(panel: HearingPanel) -> None:
    profile = a_profile()
    panel.program.listeners.add(profile)
    assert panel.listener.currentText() == "Anna Beispiel"
    assert panel.listener.currentData() == profile.id
    words = panel.picture.accessibleDescription()
    assert "Right ear: 250 Hz 10" in words
    assert "Left ear: 250 Hz 20" in words
    assert "bone conduction" in panel.legend.text()
    assert "not heard" in panel.legend.text()
    assert panel.averages.text().splitlines() == [
        "WHO: mild hearing loss (better ear, right, 34 dB).",
        "BSA: right ear mild (29 dB), left ear mild (40 dB).",
    ]
    assert not panel.picture.grab().isNull()


def test_typical_listeners_and_extrapolated_presets_are_told(panel: HearingPanel) -> None:
    choose(panel, "male-80")
    assert panel.program.listeners.key == "male-80"
    assert "extrapolated (3000, 4000, 6000, 8000 Hz)" in panel.legend.text()
    choose(panel, "N3")
    assert "extrapolated (8000 Hz)" in panel.legend.text()
    assert not panel.delete_action.isEnabled()


def test_export_is_explicit_and_without_the_name_unless_wanted(panel: HearingPanel, tmp_path: Path) -> None:
    told: list[str] = []
    panel.program.notice.connect(told.append)
    panel.program.listeners.add(a_profile())
    panel.export()
    assert list(tmp_path.glob("*.json")) == []
    path = tmp_path / "ears.json"
    panel.questions.target = (path, "ripieno")  # type: ignore[attr-defined]
    panel.export()
    assert "Anna" not in path.read_text()
    assert (read_listener(path).left.levels, read_listener(path).right.levels) == (LEFT.levels, RIGHT.levels)
    panel.questions.named = True  # type: ignore[attr-defined]
    panel.export()
    assert read_listener(path).name == "Anna Beispiel"
    assert told[-1] == "Exported as “ears.json”."
    failed: list[str] = []
    panel.program.failed.connect(lambda _title, text: failed.append(text))
    panel.questions.target = (tmp_path / "no" / "a.json", "cadenza")  # type: ignore[attr-defined]
    panel.export()
    assert "cannot be written" in failed[0]


def test_deleting_is_asked_and_goes_back_to_normal_hearing(panel: HearingPanel) -> None:
    panel.program.listeners.add(a_profile())
    panel.delete()
    assert len(panel.program.listeners.profiles) == 1
    panel.questions.sure = True  # type: ignore[attr-defined]
    panel.delete()
    assert panel.program.listeners.key == "normal"
    assert panel.program.listeners.store.all() == []
    assert panel.listener.currentText() == "Normal hearing"


def test_a_listener_that_another_window_deleted_is_a_sentence(panel: HearingPanel) -> None:
    failed: list[str] = []
    panel.program.failed.connect(lambda _title, text: failed.append(text))
    panel.listener.addItem("gone", "0123456789abcdef")
    choose(panel, "0123456789abcdef")
    assert "not on this computer" in failed[0]
    assert panel.listener.currentData() == "normal"


def test_the_score_stays_in_sight_with_its_name_and_band(panel: HearingPanel) -> None:
    scoring = panel.program.scoring
    assert panel.score.figure.text() == "–"
    scoring.put(QualityStatus("scored", quality(0.71, 0.77)))  # type: ignore[attr-defined]
    assert (panel.score.figure.text(), panel.score.words.whole) == ("0.74", "Change (1 is unchanged)")
    panel.score.resize(160, panel.score.height())
    assert panel.score.words.whole == "1 is unchanged"  # and not “(…changed)”
    assert panel.score.figure.isEnabled()
    assert "0.74" in panel.score.accessibleDescription()
    band = replace(quality(0.71, 0.77), kind="estimate", low=0.65, high=0.82)
    scoring.put(QualityStatus("scored", band, stale=True))  # type: ignore[attr-defined]
    assert panel.score.words.whole == "Likely quality, 0.65–0.82"
    assert not panel.score.figure.isEnabled()


def test_the_line_leads_to_the_whole_score(panel: HearingPanel) -> None:
    bar = panel.area.verticalScrollBar()
    assert bar.value() == 0
    QTest.keyClick(panel.score, Qt.Key.Key_Return)
    assert bar.value() > 0
    bar.setValue(0)
    QTest.mouseClick(panel.score, Qt.MouseButton.LeftButton)
    assert bar.value() > 0


def test_the_window_opens_the_editor() -> None:
    program = ShellProgram()
    with shell_window(program) as window:
        window.actions_["edit audiogram"].trigger()
        editor = window.verbs.dialog("audiogram")
        assert editor is not None
        window.actions_["new listener"].trigger()
        new = window.verbs.dialog("audiogram")
        assert new is not None
        assert new.windowTitle() == "New listener"
        assert window.hearing.edit.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_the_score_that_stays_grows_with_the_text(panel: HearingPanel, qtbot: QtBot) -> None:
    dress()
    figure = panel.score.figure
    usual = figure.font().pointSizeF()
    dress(2.0)
    qtbot.waitUntil(lambda: figure.font().pointSizeF() == pytest.approx(2 * usual, rel=0.05))
    dress()
