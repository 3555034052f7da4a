"""The transport: position, master, clip light, output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QMainWindow

from app.fitting import Fitting
from app.session import Loop
from tests.shell_program import ShellPlayer, ShellProgram
from ui.actions import Actions
from ui.transport_bar import TransportBar

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def bar() -> Iterator[TransportBar]:
    window = QMainWindow()
    program = ShellProgram(window)
    made = TransportBar(program, Actions(window), window)
    window.setCentralWidget(made)
    window.show()
    yield made
    made.shutdown()
    window.close()
    window.deleteLater()


def player(bar: TransportBar) -> ShellPlayer:
    assert isinstance(bar.program.player, ShellPlayer)
    return bar.program.player


def test_nothing_can_be_played_while_nothing_is_open(bar: TransportBar) -> None:
    assert not bar.master.isEnabled()
    assert bar.time.text() == "0:00 / 0:00"


def test_the_time_follows_the_play_head(bar: TransportBar) -> None:
    bar.program.open_made_up(70.0)  # type: ignore[attr-defined]
    player(bar).position = 65 * 44100
    bar.poll()
    assert bar.time.text() == "1:05 / 1:10"


def test_the_master_is_an_edit_of_the_document(bar: TransportBar) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    bar.master.step(-4)
    assert bar.program.document.session.master_db == -2.0
    bar.program.document.undo()
    assert bar.master.gain == 0.0


def test_the_meter_follows_the_loudest_channel(bar: TransportBar) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    player(bar).master = 0.5
    bar.poll()
    assert bar.meter.level_db == pytest.approx(-6.02, abs=0.1)


def test_neither_meter_nor_clip_light_tells_which_setting_plays(
    bar: TransportBar, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    player(bar).master, player(bar).clip = 0.5, 1.26
    monkeypatch.setattr(Fitting, "stage", "blind")
    bar.poll()
    assert bar.meter.level_db == -60.0
    assert not bar.clip.lit
    monkeypatch.setattr(Fitting, "stage", "revealed")
    bar.poll()
    assert bar.meter.level_db > -10.0
    assert not bar.clip.lit  # nor is it told afterwards


def test_the_clip_light_stays_lit_until_it_is_put_out(bar: TransportBar) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    assert not bar.clip.lit
    player(bar).clip = 1.26
    bar.poll()
    bar.poll()
    assert bar.clip.lit
    assert "+2.0 dB" in bar.clip.toolTip()
    bar.clip.click()
    assert not bar.clip.lit


def test_play_says_what_it_would_do(bar: TransportBar) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    assert bar.play.accessibleName() == "Play"
    bar.program.play_pause()
    assert bar.play.accessibleName() == "Pause"


def test_the_loop_button_follows_the_session(bar: TransportBar) -> None:
    bar.program.open_separated()  # type: ignore[attr-defined]
    bar.program.document.set_loop(Loop(0, 1000))
    assert bar.loop.isChecked()
    bar.program.document.set_loop_on(False)
    assert not bar.loop.isChecked()


def test_an_output_is_chosen_by_name(bar: TransportBar) -> None:
    names = [bar.output.itemText(i) for i in range(bar.output.count())]
    assert names == ["System default", "Headphones", "Loudspeakers of the living room"]
    bar.output.setCurrentIndex(1)
    bar.output.activated.emit(1)
    assert bar.program.settings.output_device == "Headphones"


def test_an_output_that_went_away_stays_named(bar: TransportBar) -> None:
    bar.program.settings.output_device = "Headphones"
    bar.program.listening.names = ["System default"]  # type: ignore[attr-defined]
    bar.program.listening.devices_changed.emit()
    assert bar.output.currentText() == "Headphones (not there now)"


def test_it_polls_only_while_it_is_seen(bar: TransportBar) -> None:
    assert bar._timer.isActive()
    bar.hide()
    assert not bar._timer.isActive()
