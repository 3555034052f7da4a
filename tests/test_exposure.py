"""A calibration holds for one output and one volume; a dose is counted only while it holds."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from app.exposure import Exposure
from app.hearing.dose import DoseLedger, ExposureMeter
from app.hearing.limiter import Limiter
from app.hearing.listener_tap import ListenerTap
from app.jobs import Jobs
from app.settings import Settings

RATE = 44100
TODAY = datetime.date(2026, 3, 9)


@dataclass
class OnePlayer:
    output_name: str = "Headphones"
    tap: ListenerTap | None = field(default_factory=lambda: ListenerTap(RATE, 2))


class OneListening(QObject):
    changed = Signal()
    devices_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.player = OnePlayer()


class Setup:
    """A listener's computer; ``volume`` is what the system says."""

    def __init__(self) -> None:
        self.volume = "sink 45%"
        self.listening = OneListening()
        self.settings = Settings()
        self.jobs = Jobs()
        self.made: list[Exposure] = []

    def start(self) -> Exposure:
        """The program starts, again if it did before."""
        for exposure in self.made:
            exposure.close()
        exposure = Exposure(
            self.listening,  # type: ignore[arg-type]
            self.settings,
            self.jobs,
            ledger=DoseLedger(),
            read_volume=lambda: self.volume,
            today=lambda: TODAY,
        )
        self.made.append(exposure)
        return exposure

    def play(self, level: float, seconds: float = 1.0) -> None:
        tap = self.listening.player.tap
        assert tap is not None
        tone = level * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * RATE)) / RATE)
        for at in range(0, len(tone), 240):
            tap.process(np.repeat(tone[at : at + 240, None], 2, axis=1).astype(np.float32))


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Kernels are compiled before any clock runs."""
    ExposureMeter.warm_up()
    Limiter(48000, 2)


@pytest.fixture
def setup(qtbot) -> Iterator[Setup]:
    made = Setup()
    yield made
    for exposure in made.made:
        exposure.close()
    made.jobs.cancel_all()


def looked(qtbot, exposure: Exposure, act: Callable[[], object]) -> None:
    with qtbot.waitSignal(exposure.volume_read, timeout=60_000):
        act()


def test_without_a_calibration_there_is_no_level_and_no_dose(setup: Setup) -> None:
    exposure = setup.start()
    assert exposure.calibration is None
    assert exposure.unconfirmed is None
    setup.play(1.0)
    exposure.tick()
    setup.play(1.0)
    exposure.tick()
    assert exposure.level_dba == -math.inf
    assert exposure.share == 0.0
    assert exposure.seconds_left == math.inf


def test_calibrated_levels_and_the_dose(qtbot, setup: Setup) -> None:
    exposure = setup.start()
    looked(qtbot, exposure, lambda: exposure.calibrate(80.0, "sink 45%"))
    assert exposure.calibration is not None
    assert exposure.calibration.full_scale_db_spl == 100.0
    exposure.tick()
    setup.play(0.1)
    exposure.tick()
    assert exposure.level_dba == pytest.approx(80.0, abs=0.1)
    assert exposure.share == pytest.approx(1 / (40 * 3600), rel=0.03)
    assert exposure.seconds_left == pytest.approx(40 * 3600, rel=0.03)
    exposure.tick()  # nothing more was played
    assert exposure.level_dba == -math.inf
    share = exposure.share
    again = setup.start()
    assert again.share == pytest.approx(share)


def test_the_calibration_is_there_again_while_the_volume_is_the_same(qtbot, setup: Setup) -> None:
    exposure = setup.start()
    looked(qtbot, exposure, lambda: exposure.calibrate(80.0, "sink 45%"))
    again = setup.start()
    assert again.calibration is None  # not before the volume was read
    qtbot.waitSignal(again.volume_read, timeout=60_000).wait()
    assert again.calibration is not None
    setup.volume = "sink 60%"
    with qtbot.waitSignal(again.lost, timeout=60_000) as lost:
        again.ask_volume()
    assert "volume changed" in lost.args[0]
    assert again.calibration is None
    assert setup.settings.calibration == {}
    assert setup.start().calibration is None


def test_it_is_lost_at_another_output(qtbot, setup: Setup) -> None:
    exposure = setup.start()
    looked(qtbot, exposure, lambda: exposure.calibrate(80.0, "sink 45%"))
    setup.listening.player.output_name = "Loudspeakers"
    with qtbot.waitSignal(exposure.lost) as lost:
        setup.listening.changed.emit()
    assert "output changed" in lost.args[0]
    setup.listening.player.output_name = "Headphones"
    setup.listening.changed.emit()
    assert exposure.calibration is None


def test_where_the_volume_cannot_be_read_the_user_is_asked_at_every_start(qtbot, setup: Setup) -> None:
    setup.volume = ""
    exposure = setup.start()
    looked(qtbot, exposure, lambda: exposure.calibrate(80.0))
    assert exposure.calibration is not None
    again = setup.start()
    qtbot.waitSignal(again.volume_read, timeout=60_000).wait()
    assert again.calibration is None
    assert again.unconfirmed is not None
    looked(qtbot, again, again.confirm)
    assert again.calibration is not None
    again.forget("")
    assert again.calibration is None
    assert again.unconfirmed is None


def test_there_is_a_warning_before_the_dose_is_full(qtbot, setup: Setup) -> None:
    exposure = setup.start()
    looked(qtbot, exposure, lambda: exposure.calibrate(80.0, "sink 45%"))
    exposure._ledger.add(1.6 * 0.7999, TODAY)
    exposure.tick()
    warnings: list[str] = []
    exposure.warned.connect(warnings.append)
    setup.play(1.0)  # 100 dBA: a second is 0.07 % of the week
    exposure.tick()
    assert len(warnings) == 1
    assert "80 %" in warnings[0]
    setup.play(1.0)
    exposure.tick()
    assert len(warnings) == 1
    exposure._ledger.add(1.6 * 0.2, TODAY)
    setup.play(0.1)
    exposure.tick()
    assert len(warnings) == 2
    assert "all the sound" in warnings[1]
    assert exposure.seconds_left == 0.0


def test_a_reading_that_cannot_be_is_refused(setup: Setup) -> None:
    exposure = setup.start()
    with pytest.raises(ValueError, match="Change the volume"):
        exposure.calibrate(200.0)
    setup.listening.player.output_name = ""
    with pytest.raises(ValueError, match="no sound output"):
        exposure.calibrate(80.0)
    assert exposure.calibration is None
