"""Calibrating by hand: what is needed is said, and nothing is kept before it is all there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.hearing.dose import ExposureMeter
from app.hearing.limiter import Limiter
from app.hearing.listener_tap import OFF
from tests.shell_window import shell_window
from ui.calibration_dialog import CalibrationDialog
from ui.exposure_panel import ExposurePanel
from ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")


class Volume:
    """What the system says its volume is."""

    words = "sink 45%"

    def __call__(self) -> str:
        return self.words


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Kernels are compiled before any clock runs."""
    ExposureMeter.warm_up()
    Limiter(48000, 2)


@pytest.fixture
def volume() -> Volume:
    return Volume()


@pytest.fixture
def window(volume: Volume) -> Iterator[MainWindow]:
    with shell_window() as made:
        made.program.open_made_up()  # type: ignore[attr-defined]
        made.program.amplification.exposure._read_volume = volume
        made.program.amplification.set_way("headphones")
        yield made
        made.program.amplification.close()
        made.program.jobs.cancel_all()


def opened(qtbot, window: MainWindow) -> CalibrationDialog:
    with qtbot.waitSignal(window.program.amplification.exposure.volume_read, timeout=60_000):
        window.actions_["calibrate"].setEnabled(True)
        window.actions_["calibrate"].trigger()
    dialog = window.verbs.dialog("calibrate")
    assert isinstance(dialog, CalibrationDialog)
    return dialog


def test_a_reading_with_a_coupler_calibrates(qtbot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    amplification = window.program.amplification
    panel = ExposurePanel(window.program, window.actions_)
    panel.show()
    assert "Not calibrated" in panel.state.text()
    assert not panel.level.isVisible()
    assert not dialog.ok.isEnabled()
    dialog.tone.click()
    assert amplification.tone
    assert window.program.player.tap_setting.kind == "tone"  # type: ignore[attr-defined]
    assert dialog.tone.text() == "Stop the &tone"
    dialog.reading.setValue(82.0)
    assert not dialog.ok.isEnabled()
    assert "coupler" in dialog.why_not.text()
    dialog.coupler.setChecked(True)
    assert dialog.ok.isEnabled()
    assert "sink 45%" in dialog.volume.text()
    assert dialog.volume_stays.isHidden()
    with qtbot.waitSignal(amplification.exposure.volume_read, timeout=60_000):
        dialog.ok.click()
    assert not amplification.tone
    assert window.program.player.tap_setting is OFF  # type: ignore[attr-defined]
    assert amplification.calibration is not None
    assert amplification.calibration.full_scale_db_spl == 102.0
    assert "102 dB SPL" in panel.state.text()
    assert "80 dBA for 40 hours" in panel.level.text()
    assert "102 dB SPL" in panel.accessibleDescription()
    panel.changed.click()
    assert amplification.calibration is None
    assert "Not calibrated" in panel.state.text()
    panel.close()
    panel.deleteLater()


def test_where_the_volume_cannot_be_read_the_user_answers_for_it(
    qtbot, window: MainWindow, volume: Volume
) -> None:
    volume.words = ""
    dialog = opened(qtbot, window)
    dialog.reading.setValue(70.0)
    dialog.coupler.setChecked(True)
    assert not dialog.ok.isEnabled()
    assert not dialog.volume_stays.isHidden()
    dialog.volume_stays.setChecked(True)
    assert dialog.ok.isEnabled()
    dialog.reject()


def test_a_reading_out_of_range_says_what_to_do(qtbot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    dialog.coupler.setChecked(True)
    assert "type what the meter shows" in dialog.why_not.text()
    dialog.reading.setValue(130.0)
    assert "40 to 105" in dialog.why_not.text()
    assert not dialog.ok.isEnabled()
    dialog.reject()


def test_closing_stops_the_tone(qtbot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    dialog.tone.click()
    dialog.reject()
    assert not window.program.amplification.tone
    assert window.program.settings.calibration == {}


@pytest.mark.parametrize(("way", "said"), [("aids", "made by the aids"), ("loudspeakers", "type what")])
def test_the_way_of_listening_decides_what_is_asked(qtbot, window: MainWindow, way: str, said: str) -> None:
    window.program.amplification.set_way(way)
    dialog = opened(qtbot, window)
    assert said in dialog.why_not.text()
    assert dialog.coupler.isHidden() == (way == "loudspeakers")
    assert dialog.tone.isEnabled() == (way == "loudspeakers")
    dialog.reject()


def test_another_output_withdraws_it(qtbot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    window.program.player.output_name = "Loudspeakers of the living room"
    window.program.listening.changed.emit()
    assert not dialog.isVisible()


def test_the_dose_in_words(window: MainWindow, monkeypatch) -> None:
    panel = ExposurePanel(window.program, window.actions_)
    exposure = window.program.amplification.exposure
    exposure.level_dba = 85.2
    monkeypatch.setattr(type(exposure), "share", property(lambda _: 0.5))
    assert panel._words().startswith("Now 85 dBA. The last seven days have had 50 %")
    assert "the rest lasts 6 hours" in panel._words()
    exposure.level_dba = 95.0
    assert "the rest lasts 37 minutes" in panel._words()
    assert "Live input" in panel.level.toolTip()
    assert "Live input" in panel.level.accessibleDescription()
    panel.deleteLater()
