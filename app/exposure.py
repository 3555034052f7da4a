"""How loud it is at the ear, where that was measured, and what dose of sound a week has had.

A calibration holds for one output at one setting of the system's volume. It is lost when the output is
another one, when the volume is another one, or when the user says so; where the volume cannot be read, the
user is asked at every start. Without a calibration no level at the ear is shown, and no dose counted.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal, Slot

from app.hearing.calibration import Calibration, calibration
from app.hearing.dose import REFERENCE_PA2, WEEK_PA2H, DoseLedger, ExposureMeter, dose_pa2h, level_dba
from app.hearing.limiter import Limiter
from app.jobs import Job, JobControl, Jobs
from app.listening import Listening
from app.settings import Settings
from app.system_volume import system_volume

TICK_MILLISECONDS = 1000
TICKS_BETWEEN_LOOKS = 10
TICKS_BETWEEN_SAVES = 60
WARNING_SHARE = 0.8
QUIET_DBA = 30.0
"""Less than this counts as silence: it adds nothing to a dose."""


class Exposure(QObject):
    """The calibration and the dose. ``changed`` tells that either is different, ``lost`` carries why a
    calibration does not hold any more, ``warned`` a warning of too much sound, ``volume_read`` the system's
    volume in words (empty where it cannot be read).
    """

    changed = Signal()
    lost = Signal(str)
    warned = Signal(str)
    volume_read = Signal(str)

    def __init__(
        self,
        listening: Listening,
        settings: Settings,
        jobs: Jobs,
        parent: QObject | None = None,
        *,
        ledger: DoseLedger | None = None,
        read_volume: Callable[[], str] = system_volume,
        today: Callable[[], datetime.date] = datetime.date.today,
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._settings = settings
        self._jobs = jobs
        self._ledger = ledger or DoseLedger()
        self._read_volume = read_volume
        self._today = today
        self._stored = _stored(settings)
        self._sure = False
        self._job: Job | None = None
        self._meter: ExposureMeter | None = None
        self._seen: tuple[int, tuple[float, ...]] = (0, ())
        self._ticks = 0
        self._warned = self.share
        self.level_dba = -math.inf
        """The A-weighted level at the ear of the last second (dB SPL); −∞ for silence or uncalibrated."""
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MILLISECONDS)
        self._timer.timeout.connect(self.tick)
        listening.changed.connect(self._look)
        listening.devices_changed.connect(self._look)
        self._checked = False  # whether the volume was compared since the start
        self._look()

    # -- calibration -----------------------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration | None:
        """What holds for the present output at the present volume; None for nothing."""
        return self._stored if self._sure else None

    @property
    def unconfirmed(self) -> Calibration | None:
        """What was measured in an earlier run and holds if the user says that the volume is unchanged."""
        here = self._stored is not None and self._stored.output == self._listening.player.output_name
        return self._stored if here and not self._sure and self._job is None else None

    def ask_volume(self) -> None:
        """Read the system's volume; ``volume_read`` tells it."""
        self._check(trusted=self._sure)

    def calibrate(self, reading: float, volume: str = "") -> None:
        """Keep what the meter showed (dB SPL) for the tone, at a volume as ``volume_read`` told it.

        Raises ValueError with a sentence where the reading cannot be used or there is no output.
        """
        output = self._listening.player.output_name
        if not output:
            raise ValueError(_tr("There is no sound output yet."))
        self._stored = calibration(output, reading, volume)
        self._settings.calibration = {
            "output": output,
            "level": self._stored.full_scale_db_spl,
            "volume": volume,
        }
        self._sure, self._checked = False, True
        self._check(trusted=True)

    def confirm(self) -> None:
        """The user says that the volume is as it was when it was measured."""
        if self._stored is not None:
            self._check(trusted=True)

    def forget(self, why: str = "") -> None:
        """The calibration does not hold any more; ``why`` is told where it is given."""
        had = self._stored is not None
        self._stored, self._sure = None, False
        self._settings.calibration = {}
        self._follow()
        if had and why:
            self.lost.emit(why)

    # -- the dose ----------------------------------------------------------------------------------------

    @property
    def share(self) -> float:
        """What these seven days have had, as a share of the whole dose (1 is all of it)."""
        return self._ledger.share(self._today())

    @property
    def seconds_left(self) -> float:
        """How long the present level may go on until the dose is full; infinite in silence."""
        if self.level_dba <= QUIET_DBA:
            return math.inf
        return max(0.0, 1.0 - self.share) * WEEK_PA2H * 3600 / (REFERENCE_PA2 * 10 ** (self.level_dba / 10))

    @Slot()
    def tick(self) -> None:
        """Count what was heard since the last look; a timer calls it every second while calibrated."""
        held = self.calibration
        tap = self._listening.player.tap
        if held is None or tap is None:
            self.level_dba = -math.inf
            return
        tap.measure(True)
        meter = tap.exposure
        assert meter is not None
        now = (meter.frames, tuple(float(energy) for energy in meter.energy))
        if meter is self._meter and now[0] > self._seen[0]:
            frames = now[0] - self._seen[0]
            means = [(new - old) / frames for new, old in zip(now[1], self._seen[1], strict=True)]
            # from loudspeakers each ear hears all channels, and all of them were measured together
            loud = self._settings.listening_ways.get(held.output) == "loudspeakers"
            self.level_dba = level_dba(
                sum(means) / len(means) if loud else max(means), held.full_scale_db_spl
            )
            if self.level_dba > QUIET_DBA:
                self._ledger.add(dose_pa2h(self.level_dba, frames / tap.sample_rate), self._today())
                self._warn()
        else:
            self.level_dba = -math.inf
        self._meter, self._seen = meter, now
        self._ticks += 1
        if self._ticks % TICKS_BETWEEN_SAVES == 0:
            self._ledger.save(self._today())
        if self._ticks % TICKS_BETWEEN_LOOKS == 0 and self._job is None:
            self._check(trusted=True)
        self.changed.emit()

    def close(self) -> None:
        """Keep the dose; nothing is counted any more."""
        self._timer.stop()
        self._stop()
        self._ledger.save(self._today())

    # -- inside --------------------------------------------------------------------------------------------

    def _warn(self) -> None:
        share, before = self.share, self._warned
        self._warned = share
        if before < WARNING_SHARE <= share < 1.0:
            self.warned.emit(
                _tr(
                    "You have had {0} % of the sound that ears bear in a week (80 dBA for 40 hours). Turn "
                    "down the volume, or rest your ears."
                ).format(round(100 * share))
            )
        elif before < 1.0 <= share:
            self.warned.emit(
                _tr(
                    "You have had all the sound that ears bear in a week (80 dBA for 40 hours). Rest your "
                    "ears; more can damage the hearing that is left."
                )
            )

    @Slot()
    def _look(self) -> None:
        output = self._listening.player.output_name
        if self._stored is not None and output and output != self._stored.output:
            self.forget(_tr("The sound output changed, so how loud it is at the ear is not known any more."))
        elif self._stored is not None and output and not self._checked:
            self._checked = True
            self._check(trusted=False)

    def _check(self, *, trusted: bool) -> None:
        """Read the volume and get the meter ready; then the calibration holds, or is lost, or waits."""
        self._stop()
        read = self._read_volume

        def work(_control: JobControl) -> str:
            ExposureMeter.warm_up()
            Limiter(48000, 2)  # compiled here too: the tone is played through it
            return read()

        self._job = self._jobs.start("volume", work)
        self._job.finished.connect(lambda volume: self._on_volume(volume, trusted))

    def _on_volume(self, volume: str, trusted: bool) -> None:
        self._job = None
        held = self._stored
        if held is not None and held.volume and volume and volume != held.volume:
            self.forget(
                _tr("The system’s volume changed, so how loud it is at the ear is not known any more.")
            )
        elif held is not None:
            known = bool(held.volume) and volume == held.volume
            sure = (known or trusted) and held.output == self._listening.player.output_name
            if sure != self._sure or not trusted:
                self._sure = sure
                self._follow()
        self.volume_read.emit(volume)

    def _follow(self) -> None:
        if self._sure:
            self._timer.start()
        else:
            self._timer.stop()
            self.level_dba = -math.inf
            self._meter = None
            tap = self._listening.player.tap
            if tap is not None:
                tap.measure(False)
        self.changed.emit()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.finished.disconnect()
            self._job.cancel()
            self._job = None


def _stored(settings: Settings) -> Calibration | None:
    kept = settings.calibration
    try:
        return Calibration(str(kept["output"]), float(str(kept["level"])), str(kept["volume"]))
    except (KeyError, ValueError):
        return None


def _tr(text: str) -> str:
    return QCoreApplication.translate("Exposure", text)
