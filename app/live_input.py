"""Live input: a microphone or a line in, through the listener's tap, to headphones.

For trying out, teaching and research; not a hearing aid. Muted and 20 dB down at every start, only after
the user has said that they wear headphones; feedback mutes it. Playing and live input exclude each other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.amplification import Amplification
from app.audio_output import PlayerError, PortAudioBackend
from app.duplex_audio import (
    LIVE_LATENCY_SECONDS,
    LONGEST_LIVE_LATENCY_SECONDS,
    DuplexBackend,
    DuplexStream,
    PortAudioDuplex,
    choose_devices,
)
from app.jobs import Job, JobControl, Jobs
from app.listeners import Listeners
from app.listening import Listening
from app.live_chain import HIGHEST_GAIN_DB, LOWEST_GAIN_DB, START_GAIN_DB, BlockStage, LiveChain
from app.live_ways import WAYS, PreparedLive, live_setting, made_from, why_not_amplified
from app.quiet_collector import QuietCollector

POLL_MILLISECONDS = 50
STALLED_SECONDS = 3.0
SETTLE_SECONDS = 1.0
SILENT_SECONDS = 3.0
"""A microphone that gives nothing but zeros for this long is switched off, or Ripieno may not use it."""
FADE_SECONDS = 0.020
GROWN_SECONDS = 0.150
"""Sound that has become later by this, where blocks were lost, is caught up with by opening anew."""

_log = logging.getLogger(__name__)


class LiveInput(QObject):
    """Switches live input on and off. Belongs to the main thread.

    ``changed`` tells that anything here is different; ``told`` carries a sentence: why it stopped or was
    muted. ``stages`` makes what stands before the level (:class:`~app.live_chain.BlockStage`; nothing yet).
    """

    changed = Signal()
    told = Signal(str)

    def __init__(
        self,
        listening: Listening,
        amplification: Amplification,
        listeners: Listeners,
        jobs: Jobs,
        parent: QObject | None = None,
        *,
        backend: DuplexBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._amplification = amplification
        self._listeners = listeners
        self._jobs = jobs
        self._backend = backend
        self._clock = clock
        self._job: Job | None = None
        self._stream: DuplexStream | None = None
        self._prepared: PreparedLive | None = None
        self._collector: QuietCollector | None = None
        self._buffering = self._first_latency = LIVE_LATENCY_SECONDS
        self._seen = (0, 0.0)
        self._started = 0.0
        self._warned = False
        self._input, self._way = "", "plain"
        self._gain_db = START_GAIN_DB
        self._muted = True
        self._headphones_at: str | None = None
        self._made_from: object = None
        self.problem = ""
        """The last sentence of :attr:`told`; empty again once it starts."""
        self.stages: Callable[[int], tuple[BlockStage, ...]] = lambda sample_rate: ()
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self._look)
        listening.changed.connect(self._on_listening)
        amplification.changed.connect(self._on_ears)
        listeners.changed.connect(self._on_ears)

    # -- what there is -------------------------------------------------------------------------------

    def inputs(self) -> tuple[str, ...]:
        """The inputs by name, the system's choice first; none, with :attr:`problem` saying why."""
        try:
            return tuple(device.name for device in self._duplex().inputs())
        except PlayerError as exc:
            self.problem = str(exc)
            return ()

    @property
    def input(self) -> str:
        """The chosen input's name; empty for the system's choice."""
        return self._input

    def set_input(self, name: str) -> None:
        """Choose an input by name; live input that runs starts anew, muted."""
        if name != self._input:
            self._input = name
            self._restart()
            self.changed.emit()

    @property
    def way(self) -> str:
        """What is done to the sound: one of :data:`WAYS`."""
        return self._way

    def set_way(self, way: str) -> None:
        """Choose what is done to the sound; starts anew, muted. Raises ValueError for another word."""
        if way not in WAYS:
            raise ValueError(f"a way of live input is one of {WAYS}, not {way!r}")
        if way != self._way and not (way == "amplified" and self.may_not_amplify()):
            self._way = way
            self._restart()
            self.changed.emit()

    def may_not_amplify(self) -> str:
        """Why live sound may not be amplified for the listener, in a sentence; empty where it may."""
        return why_not_amplified(self._amplification)

    # -- on and off ----------------------------------------------------------------------------------

    @property
    def headphones(self) -> bool:
        """Whether the user has said that they wear headphones at the present output."""
        return self._headphones_at == self._listening.player.output_name

    def set_headphones(self, worn: bool) -> None:
        """Note that the user wears headphones at the present output, or not: then live input stops."""
        self._headphones_at = self._listening.player.output_name if worn else None
        if not worn:
            self.stop()
        self.changed.emit()

    @property
    def starting(self) -> bool:
        """Whether it is being made ready."""
        return self._job is not None

    @property
    def running(self) -> bool:
        """Whether the microphone is open."""
        return self._stream is not None

    def start(self) -> None:
        """Open the microphone, muted and 20 dB down. Nothing happens before headphones were confirmed."""
        if self.running or self.starting:
            return
        if not self.headphones:
            self._tell(self.tr("Put on headphones first: loudspeakers would make the microphone howl."))
            return
        if self._way == "amplified" and (why_not := self.may_not_amplify()):
            self._tell(why_not)
            return
        self.problem = ""
        if self._listening.player.playing:
            self._listening.play_pause()
            self._tell(self.tr("Playback is paused while live input runs."))
        try:
            output = self._listening.player.output_name
            source, target, rate = choose_devices(self._duplex(), self._input, output)
        except PlayerError as exc:
            self._tell(str(exc))
            return
        stages, ceiling_db, way = self.stages(rate), self._amplification.ceiling_db, self._way
        listener, kind = self._listeners.listener, self._amplification.kind
        self._made_from = made_from(way, self._amplification, listener)

        def work(control: JobControl) -> PreparedLive:
            setting = live_setting(way, kind, listener, rate, ceiling_db)
            return PreparedLive(source, target, rate, LiveChain(rate, setting, stages))

        self._job = self._jobs.start("live input", work)
        self._job.finished.connect(self._open)
        self._job.failed.connect(self._on_failed)
        self.changed.emit()

    def stop(self) -> None:
        """Close the microphone; the sound fades."""
        if self._job is not None:
            self._job.finished.disconnect(self._open)
            self._job.failed.disconnect(self._on_failed)
            self._job.cancel()
            self._job = None
            self.changed.emit()
        self._close(fade=True)

    def close(self) -> None:
        """Stop for good."""
        self._listening.changed.disconnect(self._on_listening)
        self._amplification.changed.disconnect(self._on_ears)
        self._listeners.changed.disconnect(self._on_ears)
        self.stop()

    @Slot(object)
    def _open(self, prepared: PreparedLive) -> None:
        self._job = None
        self._gain_db, self._muted, self._warned = START_GAIN_DB, True, False
        self._buffering = LIVE_LATENCY_SECONDS
        if self._open_stream(prepared):
            self._collector = QuietCollector()
            self._poll.start()
        self.changed.emit()

    def _open_stream(self, prepared: PreparedLive) -> bool:
        try:
            stream = prepared.open(self._duplex(), self._buffering)
        except PlayerError as exc:
            self._tell(str(exc))
            return False
        self._stream, self._prepared, self._first_latency = stream, prepared, stream.latency
        self._started = self._clock()
        self._seen = prepared.chain.blocks, self._started
        return True

    def _catch_up(self, stream: DuplexStream, prepared: PreparedLive) -> None:
        """Lost blocks have made the sound later and later: open anew, with more buffering."""
        self._buffering = min(2 * self._buffering, LONGEST_LIVE_LATENCY_SECONDS)
        _log.info("live sound is %g s late; buffering %g s now", stream.latency, self._buffering)
        prepared.chain.muted = True
        stream.close(after=FADE_SECONDS)
        if not self._open_stream(prepared):
            self._close(fade=False)
            return
        prepared.chain.muted = self._muted
        self.changed.emit()

    @Slot(str)
    def _on_failed(self, text: str) -> None:
        self._job = None
        self._tell(text)
        self.changed.emit()

    def _restart(self) -> None:
        if self.running or self.starting:
            self.stop()
            self.start()

    def _close(self, *, fade: bool) -> None:
        stream, prepared = self._stream, self._prepared
        if stream is None or prepared is None:
            return
        self._poll.stop()
        prepared.chain.muted = True
        stream.close(after=FADE_SECONDS if fade else 0.0)
        if self._collector is not None:
            self._collector.close()
        self._stream = self._prepared = self._collector = None
        self._muted = True
        self.changed.emit()

    # -- how loud ------------------------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """Whether nothing is heard."""
        return self._muted

    def set_muted(self, muted: bool) -> None:
        """Mute, or let it be heard, coming up slowly; only while it runs."""
        prepared = self._prepared
        if prepared is None or muted == self._muted:
            return
        if not muted:
            prepared.chain.forgive()
            self.problem = ""
        prepared.chain.muted = self._muted = muted
        self.changed.emit()

    @property
    def gain_db(self) -> float:
        """The level in dB, −60…10."""
        return self._gain_db

    def set_gain_db(self, gain_db: float) -> None:
        """Set the level; a higher one comes slowly."""
        self._gain_db = min(HIGHEST_GAIN_DB, max(LOWEST_GAIN_DB, gain_db))
        if self._prepared is not None:
            self._prepared.chain.gain_db = self._gain_db
        self.changed.emit()

    def take_levels(self) -> tuple[float, float]:
        """The highest samples (linear) of input and output since the last call; zeros where it is off."""
        if self._prepared is None:
            return 0.0, 0.0
        chain = self._prepared.chain
        levels = chain.input_peak, chain.output_peak
        chain.input_peak = chain.output_peak = 0.0
        return levels

    @property
    def latency(self) -> float:
        """Seconds from microphone to ear as far as the drivers tell, with the processing; 0 if off."""
        stream, prepared = self._stream, self._prepared
        if stream is None or prepared is None:
            return 0.0
        return stream.latency + prepared.chain.delay / prepared.rate

    @property
    def lost(self) -> int:
        """How often sound was lost since it was started."""
        return 0 if self._prepared is None else self._prepared.chain.lost

    # -- watching ------------------------------------------------------------------------------------

    @Slot()
    def _look(self) -> None:
        """Notice a howl, a device that is gone, and a microphone that gives nothing."""
        stream, prepared = self._stream, self._prepared
        if stream is None or prepared is None:
            return
        chain, now = prepared.chain, self._clock()
        if self._collector is not None:
            self._collector.keep_up()
        if chain.blocks != self._seen[0]:
            self._seen = (chain.blocks, now)
        if stream.fault is not None:
            _log.error("the live callback failed", exc_info=stream.fault)
            self._close(fade=False)
            self._tell(self.tr("Live input stopped because of a fault inside Ripieno; the log describes it."))
        elif not stream.active or now - self._seen[1] >= STALLED_SECONDS:
            self._close(fade=False)
            self._tell(
                self.tr(
                    "The microphone or the output is gone, so live input stopped; plug it in again and "
                    "start anew."
                )
            )
        elif chain.howled and not self._muted:
            chain.muted = self._muted = True
            self._tell(
                self.tr(
                    "It began to howl at about {0} Hz, so live input is muted. Turn it down, or move the "
                    "microphone away from the headphones, before you let it be heard again."
                ).format(round(chain.howl_frequency / 50) * 50)
            )
            self.changed.emit()
        elif now - self._started < SETTLE_SECONDS:
            self._first_latency = max(self._first_latency, stream.latency)
        elif stream.latency > self._first_latency + GROWN_SECONDS:
            self._catch_up(stream, prepared)
        elif not chain.heard_anything and not self._warned and now - self._started >= SILENT_SECONDS:
            self._warned = True
            self._tell(
                self.tr(
                    "The microphone gives nothing at all: it is switched off, or the system does not let "
                    "Ripieno use it (see its privacy settings)."
                )
            )

    @Slot()
    def _on_listening(self) -> None:
        """Playback and another output end it: nobody has said that there are headphones there."""
        if not (self.running or self.starting):
            return
        if self._listening.player.playing:
            self.stop()
            self._tell(self.tr("Playback started, so live input stopped."))
        elif self._headphones_at and not self.headphones:
            self.stop()
            self._tell(self.tr("The sound output changed, so live input stopped."))

    @Slot()
    def _on_ears(self) -> None:
        """Another listener, prescription, ceiling or way of listening: nothing of the one before goes on."""
        self._on_listening()  # another output is another way of listening too, and the reason to tell
        wanted = made_from(self._way, self._amplification, self._listeners.listener)
        if wanted == self._made_from or not (self.running or self.starting):
            return
        why_not = self.may_not_amplify() if self._way == "amplified" else ""
        self._restart()  # which only stops, with the sentence, where it may not be amplified any more
        if not why_not:
            self._tell(self.tr("What the sound is made for was changed, so live input is muted again."))

    def _tell(self, text: str) -> None:
        self.problem = text
        self.told.emit(text)

    def _duplex(self) -> DuplexBackend:
        if self._backend is None:
            backend = self._listening.player.backend
            if not isinstance(backend, PortAudioBackend):
                raise PlayerError(self.tr("There are no sound inputs here."))
            self._backend = PortAudioDuplex(backend)
        return self._backend
