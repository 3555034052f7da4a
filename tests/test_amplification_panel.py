"""The panel and its question: nothing is amplified before it is answered, and everything is said in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSpinBox

from app.fitting import Fitting
from app.hearing.compressor import CompressorFit, prescribed
from app.hearing.listener_tap import OFF, TapSetting
from tests.shell_window import shell_window
from ui.amplification_panel import AmplificationPanel
from ui.listening_way_dialog import ListeningWayDialog
from ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture(autouse=True)
def no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put behind the mix is tested elsewhere."""
    monkeypatch.setattr("app.amplification.tap_setting", lambda request: TapSetting(request.kind))


@pytest.fixture
def window() -> Iterator[MainWindow]:
    with shell_window() as made:
        made.program.open_made_up()  # type: ignore[attr-defined]
        made.program.listeners.choose("N3")
        yield made
        made.program.amplification.close()
        made.program.jobs.cancel_all()


@pytest.fixture
def panel(window: MainWindow) -> Iterator[AmplificationPanel]:
    made = AmplificationPanel(window.program, window.actions_)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def question(window: MainWindow) -> ListeningWayDialog:
    dialog = window.verbs.dialog("listening way")
    assert isinstance(dialog, ListeningWayDialog)
    return dialog


def test_hearing_it_asks_first_and_then_amplifies(window: MainWindow, panel: AmplificationPanel) -> None:
    amplification = window.program.amplification
    assert panel.heard.isEnabled()
    panel.heard.click()
    assert not amplification.heard
    assert not panel.heard.isChecked()
    dialog = question(window)
    assert dialog.way is None
    assert not dialog.ok.isEnabled()
    dialog.ways["headphones"].setChecked(True)
    assert dialog.ok.text() == "Amplify"
    dialog.ok.click()
    assert amplification.way == "headphones"
    assert amplification.heard
    assert panel.heard.isChecked()
    assert window.actions_["amplification"].isChecked()
    assert "each ear" in panel.way.text()
    assert panel.ceiling.isVisible()
    panel.heard.click()
    assert not amplification.heard
    assert not panel.ceiling.isVisible()
    assert window.program.player.tap_setting is OFF  # type: ignore[attr-defined]


def test_with_hearing_aids_it_cannot_be_heard(window: MainWindow, panel: AmplificationPanel) -> None:
    window.actions_["amplification"].trigger()
    dialog = question(window)
    dialog.ways["aids"].setChecked(True)
    assert dialog.ok.text() == "OK"
    dialog.ok.click()
    assert not window.program.amplification.heard
    assert not panel.heard.isEnabled()
    assert "amplify already" in panel.why_not.text()
    assert "amplify already" in panel.heard.accessibleDescription()
    window.actions_["amplification"].trigger()
    assert not window.program.amplification.heard
    assert not window.actions_["amplification"].isChecked()
    assert panel.kind.isEnabled()  # the score may still reckon with it


def test_cancelling_the_question_amplifies_nothing(window: MainWindow, panel: AmplificationPanel) -> None:
    panel.heard.click()
    question(window).ways["loudspeakers"].setChecked(True)
    question(window).reject()
    assert window.program.amplification.way is None
    assert not panel.heard.isChecked()


def test_a_question_about_another_output_is_withdrawn(window: MainWindow, panel: AmplificationPanel) -> None:
    panel.heard.click()
    dialog = question(window)
    dialog.ways["headphones"].setChecked(True)
    window.program.player.output_name = "Loudspeakers of the living room"
    window.program.listening.changed.emit()
    assert not dialog.isVisible()
    assert window.program.amplification.way is None
    assert window.program.settings.listening_ways == {}


def test_the_way_can_be_changed(window: MainWindow, panel: AmplificationPanel) -> None:
    window.program.amplification.set_way("headphones")
    window.program.amplification.set_heard(True)
    panel.change_way.click()
    dialog = question(window)
    assert dialog.way == "headphones"
    dialog.ways["loudspeakers"].setChecked(True)
    dialog.ok.click()
    assert window.program.amplification.way == "loudspeakers"
    assert not panel.heard.isChecked()  # and it is asked for again


def test_the_kind_says_what_it_assumes_and_warns(window: MainWindow, panel: AmplificationPanel) -> None:
    assert "equalisation 1" in panel.assumes.text()
    assert not panel.caution.isVisible()
    window.program.listeners.choose("N6")
    assert "mild to moderate" in panel.caution.text()
    panel.kind.setCurrentIndex(panel.kind.findData("cad2"))
    panel.kind.activated.emit(panel.kind.currentIndex())
    assert window.program.amplification.kind == "cad2"
    assert "−40 LUFS" in panel.assumes.text()
    assert not panel.caution.isVisible()
    panel.kind.setCurrentIndex(panel.kind.findData("off"))
    panel.kind.activated.emit(panel.kind.currentIndex())
    assert not panel.heard.isEnabled()
    assert "Choose" in panel.why_not.text()


def test_parameters_are_loaded_for_the_listener(
    window: MainWindow, panel: AmplificationPanel, tmp_path, monkeypatch
) -> None:
    file = tmp_path / "compressor_params.json"
    ear = {"cr_l": [1.5] * 6, "gain_l": [12] * 6, "cr_r": [2.5] * 6, "gain_r": [22] * 6}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    window.program.amplification.set_kind("cad2")
    assert "FIG6" in panel.assumes.text()
    file.write_text(json.dumps({"L1": ear, "L2": ear}))
    panel.load.click()
    assert "L1, L2" in panel.trouble.text()
    assert not panel.trouble.isHidden()
    file.write_text(json.dumps({"L1": ear}))
    panel.load.click()
    listeners = window.program.listeners
    assert listeners.profile is not None  # they are a person's, kept in a private profile
    assert prescribed(listeners.listener.right) == CompressorFit((2.5,) * 6, (22.0,) * 6)
    assert "own" in panel.assumes.text()
    assert "“L1”" in panel.trouble.text()  # whose they are is said: the name is not the listener's
    assert not panel.trouble.isHidden()
    again = listeners.store.load(listeners.profile.id)
    assert again.left.compressor == ((1.5,) * 6, (12.0,) * 6)
    file.write_text(json.dumps({listeners.profile.name: {**ear, "cr_l": [3] * 6}, "L2": ear}))
    panel.load.click()
    assert prescribed(listeners.listener.left).ratios == (3.0,) * 6
    assert panel.trouble.isHidden()


def test_the_limiter_is_read_in_words(window: MainWindow, panel: AmplificationPanel, monkeypatch) -> None:
    amplification = window.program.amplification
    amplification.set_way("headphones")
    amplification.set_heard(True)
    assert panel.activity.text() == "Nothing is playing."
    monkeypatch.setattr(amplification, "take_peak", lambda: 0.25)
    monkeypatch.setattr(amplification, "take_reduction", lambda: 7.2)
    panel._read()
    assert panel.activity.text() == "Peak −12 dBFS. The limiter takes off 7 dB."
    assert panel.activity.accessibleDescription() == panel.activity.text()
    panel.ceiling.setValue(-20)
    assert amplification.ceiling_db == -20.0
    assert "dBFS" in panel.ceiling.accessibleDescription()
    panel.hide()
    assert not panel._poll.isActive()


def test_nothing_tells_which_setting_plays(
    window: MainWindow, panel: AmplificationPanel, monkeypatch
) -> None:
    amplification = window.program.amplification
    amplification.set_way("headphones")
    amplification.set_heard(True)
    taken: list[str] = []
    monkeypatch.setattr(amplification, "take_peak", lambda: taken.append("peak") or 0.25)
    monkeypatch.setattr(amplification, "take_reduction", lambda: taken.append("reduction") or 7.2)
    monkeypatch.setattr(Fitting, "stage", "blind")
    window.program.fitting.changed.emit()
    panel._read()
    assert panel.activity.text() == "Not shown during a blind comparison."
    assert taken == ["peak", "reduction"]  # what it was is not told afterwards either
    assert not panel.exposure.isVisible()  # with the level at the ear
    monkeypatch.setattr(Fitting, "stage", "choosing")
    window.program.fitting.changed.emit()
    panel._read()
    assert "The limiter takes off 7 dB." in panel.activity.text()
    assert panel.exposure.isVisible()


def test_hearing_as_and_amplified_is_said(window: MainWindow, panel: AmplificationPanel) -> None:
    amplification = window.program.amplification
    panel.hear_as.click()
    assert amplification.hear_as
    assert not panel.both.isVisible()
    amplification.set_way("headphones")
    amplification.set_heard(True)
    assert panel.both.isVisible()


def test_every_control_has_a_name_and_a_size(panel: AmplificationPanel) -> None:
    controls = [*panel.findChildren(QCheckBox), *panel.findChildren(QComboBox), *panel.findChildren(QSpinBox)]
    assert len(controls) == 4
    for control in controls:
        assert control.accessibleName() or control.text()  # type: ignore[union-attr]
        assert control.accessibleDescription()
