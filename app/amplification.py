"""Amplification as the listener chooses it: what the score models, and what is put into their ears.

Nothing starts amplified: opening a recording, another output and a listener who says that they wear hearing
aids all switch it off. Whether it is heard is not undoable and never saved.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from app.errors import UserError
from app.exposure import Exposure
from app.hearing.amplify import KINDS
from app.hearing.calibration import Calibration, tone_setting
from app.hearing.listener_chain import WAYS, ChainRequest, caution, tap_setting
from app.hearing.listener_tap import OFF, TapSetting
from app.jobs import Job, JobControl, Jobs
from app.listener_parameters import give_parameters
from app.listeners import Listeners
from app.listening import Listening
from app.loudness import measure
from app.recording import Recording
from app.settings import Settings
from app.sink_watch import SinkWatch


class Amplification(QObject):
    """What the score models and what is heard. Belongs to the main thread; sessions open with nothing heard.

    ``changed`` tells that anything here is different; ``switched_off`` carries a sentence when amplification
    was switched off by something else than the listener's hand, a calibration is lost, or a dose is near.
    """

    changed = Signal()
    switched_off = Signal(str)

    def __init__(
        self,
        listening: Listening,
        settings: Settings,
        jobs: Jobs,
        listeners: Listeners,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._settings = settings
        self._jobs = jobs
        self._listeners = listeners
        self._heard = False
        self._hear_as = False
        self._output = listening.player.output_name
        self._recording: Recording | None = None
        self._loudness: float | None = None  # of the recording, in LUFS, once it was measured
        self._job: Job | None = None
        self._tone = False
        self.exposure = Exposure(listening, settings, jobs, self)
        """How loud it is at the ear, where that was measured, and the week's dose."""
        self._calibration = self.exposure.calibration
        self._sinks = SinkWatch(settings, lambda: self.output, self)
        self._sinks.moved.connect(self._on_moved)
        self.exposure.changed.connect(self._on_exposure)
        self.exposure.lost.connect(self.switched_off)
        self.exposure.warned.connect(self.switched_off)
        listening.changed.connect(self._look)
        listening.devices_changed.connect(self._look)
        listeners.changed.connect(self._on_listener)
        listeners.forgotten.connect(self._on_forgotten)
        settings.changed.connect(self._on_setting)

    # -- what the score models -----------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """What the score models, and what is heard where it is: one of :data:`~app.hearing.amplify.KINDS`."""
        return self._settings.amplification

    def set_kind(self, kind: str) -> None:
        """Choose what the score models. Raises ValueError for anything but one of the kinds."""
        if kind not in KINDS:
            raise ValueError(f"amplification is one of {KINDS}, not {kind!r}")
        self._settings.amplification = kind

    @property
    def caution(self) -> str:
        """What should be known about this amplification for this listener, in a sentence, or nothing."""
        return _tr(caution(self.kind, self._listeners.listener))

    @property
    def fitted(self) -> bool:
        """Whether the listener has CAD2 parameters of their own; otherwise they follow the FIG6 rule."""
        listener = self._listeners.listener
        return listener.left.compressor is not None and listener.right.compressor is not None

    def load_parameters(self, path: Path) -> str:
        """Give the listener a file's parameters: see :func:`~app.listener_parameters.give_parameters`."""
        return give_parameters(self._listeners, path)

    # -- how one listens -----------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """The output that the way of listening belongs to, by name; empty where none is known yet."""
        return self._listening.player.output_name

    @property
    def way(self) -> str | None:
        """How the listener listens at the present output: one of ``WAYS``, None where not asked yet."""
        return self._settings.listening_ways.get(self.output)

    def set_way(self, way: str) -> None:
        """Note how the listener listens at the present output. Raises ValueError for another word."""
        if way not in WAYS:
            raise ValueError(f"a way of listening is one of {WAYS}, not {way!r}")
        self._sinks.learn()
        if self.output and way != self.way:
            # what was allowed for one way of listening was not asked for in the other
            self._heard = False
            self._settings.listening_ways = {**self._settings.listening_ways, self.output: way}

    # -- what is heard -------------------------------------------------------------------------------

    def may_be_heard(self) -> str:
        """Why amplification may not be heard now, in a sentence; empty where it may."""
        if self._listening.recording is None:
            return _tr("Open a recording first.")
        if not self.output:
            return _tr("There is no sound output yet.")
        if self.kind == "off":
            return _tr("Choose an amplification first.")
        if self.way is None:
            return _tr("Say first how you listen.")
        if self.way == "aids":
            return _tr("Your hearing aids amplify already; twice would be too loud.")
        return ""

    @property
    def heard(self) -> bool:
        """Whether the amplification is put into the listener's ears."""
        return self._heard

    def set_heard(self, heard: bool) -> None:
        """Hear the amplification or not; it comes slowly. Nothing happens where it may not be heard."""
        self._look()
        heard = heard and not self.may_be_heard()
        if heard != self._heard:
            self._heard = heard
            self._follow()

    def audition(self, setting: TapSetting | None) -> None:
        """Have the tap hold this instead of what is chosen here, until None; only where it is heard anyway.

        For comparing settings blindly. Whatever changes here ends it too, because the tap follows that.
        """
        if setting is None:
            self._follow()
        elif self._heard:
            self._stop()
            self._listening.player.set_tap(setting)

    @property
    def hear_as(self) -> bool:
        """Whether a simulation of the hearing loss is heard (for others than the listener)."""
        return self._hear_as

    def set_hear_as(self, hear_as: bool) -> None:
        """Hear as the listener hears, or not; it comes slowly. Nothing happens where nothing is open."""
        self._look()
        hear_as = hear_as and self._listening.recording is not None
        if hear_as != self._hear_as:
            self._hear_as = hear_as
            self._follow()

    @property
    def ceiling_db(self) -> float:
        """The highest sample (dBFS) that amplification may make."""
        return self._settings.ceiling_db

    def set_ceiling_db(self, ceiling_db: float) -> None:
        """Set the ceiling, −40…−3 dBFS; one that rises comes slowly."""
        self._settings.ceiling_db = ceiling_db

    def take_peak(self) -> float:
        """The highest sample (linear) that came out of the tap since the last call; 0 where it is off."""
        tap = self._listening.player.tap
        return 0.0 if tap is None else tap.take_peak()

    def take_reduction(self) -> float:
        """The most (dB, ≥ 0) that the limiter took away since the last call."""
        tap = self._listening.player.tap
        return 0.0 if tap is None else tap.take_reduction()

    # -- how loud it is at the ear -------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration | None:
        """What was measured at the present output and volume; None where nothing was, or it is lost."""
        return self.exposure.calibration

    @property
    def tone(self) -> bool:
        """Whether the calibration tone is put in the place of the music."""
        return self._tone

    def set_tone(self, tone: bool) -> None:
        """Play the calibration tone, softly at first, in the place of the music; or stop it, and playback."""
        self._look()  # nothing may change behind its back
        recording, player = self._listening.recording, self._listening.player
        tone = tone and recording is not None
        if tone == self._tone:
            return
        self._stop()
        self._tone = tone
        self._heard = self._hear_as = False
        if recording is not None and tone:
            player.set_tap(tone_setting(recording.sample_rate, max(2, recording.channels)))
            player.set_loop(0, recording.frames)  # a short piece must not end the tone
            if not player.playing:
                self._listening.play_pause()
            self._end_lost_tone()
        else:
            player.pause()
            player.set_tap(OFF)
            self._listening.restore_loop()
        self.changed.emit()

    def close(self) -> None:
        """Nothing more is prepared; the dose is kept."""
        self._stop()
        self._sinks.close()
        self.exposure.close()

    # -- inside --------------------------------------------------------------------------------------

    @Slot()
    def _look(self) -> None:
        """Another recording or another output: nothing of what was heard before goes on there."""
        self._end_lost_tone()
        output, recording = self.output, self._listening.recording
        if output == self._output and recording is self._recording:
            return
        other_output = output != self._output
        was_heard, self._output = self._heard or self._hear_as, output
        if recording is not self._recording:
            self._recording, self._loudness = recording, None
        self._heard = self._hear_as = False
        self._follow()
        if was_heard and other_output:
            self.switched_off.emit(
                _tr("The sound output changed, so you hear the mix without amplification now.")
            )

    def _end_lost_tone(self) -> None:
        """The tone ends with playback, however that was paused: what nobody asks for must not go on."""
        if self._tone and not self._listening.player.playing:
            self._tone = False
            self._listening.player.set_tap(OFF)
            self._listening.restore_loop()
            self.changed.emit()

    @Slot()
    def _on_exposure(self) -> None:
        if self.exposure.calibration != self._calibration:
            self._calibration = self.exposure.calibration
            if self._heard or self._hear_as:
                self._follow()

    @Slot()
    def _on_listener(self) -> None:
        self._follow()

    @Slot()
    def _on_forgotten(self) -> None:
        """A new listener: nothing of what the one before allowed goes on."""
        self._switch_off(_tr("There is a new listener, so you hear the mix without amplification now."))

    @Slot()
    def _on_moved(self) -> None:
        """The sound server plays elsewhere: these may be other ears, or loudspeakers."""
        self._switch_off(
            _tr(
                "The system plays through another output now, so you hear the mix without amplification. Say "
                "how you listen there before you switch it on again."
            )
        )
        ways = self._settings.listening_ways
        self._settings.listening_ways = {name: way for name, way in ways.items() if name != self.output}

    def _switch_off(self, why: str) -> None:
        """Hear neither amplification nor simulation any more, and say why where one was heard."""
        if self._heard or self._hear_as:
            self._heard = self._hear_as = False
            self._follow()
            self.switched_off.emit(why)

    @Slot(str)
    def _on_setting(self, name: str) -> None:
        if name in ("amplification", "listening_ways", "ceiling_db"):
            self._heard = self._heard and not self.may_be_heard()
            self._follow()

    def _follow(self) -> None:
        """Have the tap do what is wanted, and tell; what has to be made is made in the background."""
        self._stop()
        recording = self._listening.recording
        if self._tone:
            self._tone = False
            self._listening.restore_loop()
        self._sinks.follow(self._heard or self._hear_as)
        if recording is not None and (self._heard or self._hear_as):
            self._prepare(recording)
        else:
            self._listening.player.set_tap(OFF)
        self.changed.emit()

    def _prepare(self, recording: Recording) -> None:
        kind = self.kind if self._heard else "off"
        way, listener = self.way or "headphones", self._listeners.listener
        known, ceiling_db, hear_as = self._loudness, self.ceiling_db, self._hear_as
        channels = max(2, recording.channels)
        calibration = self.calibration
        full_scale = None if calibration is None else calibration.full_scale_db_spl

        def work(control: JobControl) -> tuple[float, TapSetting]:
            loudness = known
            if loudness is None:
                spread = channels // recording.channels
                loudness = measure(
                    recording.audio, recording.sample_rate, spread=spread, check=control.check
                ).value_db
            request = ChainRequest(
                kind,
                "headphones" if way == "aids" else way,
                listener,
                recording.sample_rate,
                channels,
                loudness,
                ceiling_db,
                hear_as,
                full_scale,
            )
            try:
                return loudness, tap_setting(request)
            except ValueError as exc:  # a sample rate that a stage cannot be made for
                raise UserError(str(exc)) from exc

        self._job = self._jobs.start("amplification", work)
        self._job.finished.connect(self._on_prepared)
        self._job.failed.connect(self._on_failed)

    @Slot(str)
    def _on_failed(self, text: str) -> None:
        self._job = None
        self._heard = self._hear_as = False
        self._follow()
        self.switched_off.emit(text)

    @Slot(object)
    def _on_prepared(self, prepared: tuple[float, TapSetting]) -> None:
        self._job = None
        self._loudness, setting = prepared
        self._listening.player.set_tap(setting)

    def _stop(self) -> None:
        if self._job is not None:
            self._job.finished.disconnect(self._on_prepared)
            self._job.failed.disconnect(self._on_failed)
            self._job.cancel()
            self._job = None


def _tr(text: str) -> str:
    return QCoreApplication.translate("Amplification", text) if text else ""
