"""Playing: the verbs behind the space bar, the seek bar, the loop, A/B and the output's choice.

:class:`Player` belongs to the GUI thread. It steers a :class:`~app.transport.Transport`, which
PortAudio's thread runs, and never waits for it. The GUI polls what it shows: :attr:`Player.position`,
:meth:`Player.levels` and :meth:`Player.take_clip` at some 30 Hz, :meth:`Player.poll_devices` once a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from app.audio_output import (
    LATENCY_SECONDS,
    LONGEST_LATENCY_SECONDS,
    SYSTEM_DEFAULT,
    Backend,
    PlayerError,
    PortAudioBackend,
)
from app.device_list import DeviceList
from app.hearing.listener_tap import OFF, ListenerTap, TapSetting
from app.mix_state import MixState, mix_state, recording_state
from app.mixer import Mixer, live_mixer
from app.output import Output, open_output
from app.prefetch import Prefetcher
from app.session import Session, db_to_linear
from app.transport import Levels, Transport

__all__ = ["SYSTEM_DEFAULT", "Levels", "Player", "PlayerError", "live_mixer"]

IDLE_SECONDS = 3.0
"""How long the device is kept after playback has stopped: quick to start again, then given back."""

TOO_MANY_UNDERRUNS = 3
"""After so many, the output is opened anew with twice the buffering."""

Heard = Literal["remix", "recording"]

_log = logging.getLogger(__name__)


class Player:
    """Plays one mixer at a time.

    ``backend`` is where the sound goes, PortAudio by default (loaded when first needed). ``problem`` keeps
    the sentence for what last kept sound from playing; it is cleared when playback starts.
    """

    def __init__(
        self, backend: Backend | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._backend: Backend = PortAudioBackend() if backend is None else backend
        self.backend = self._backend
        self._clock = clock
        self._devices = DeviceList(self._backend)
        self._device_name: str | None = None
        self._transport: Transport | None = None
        self._prefetcher: Prefetcher | None = None
        self._retired: list[Mixer] = []
        self._output: Output | None = None
        self._latency = LATENCY_SECONDS
        self._idle_since: float | None = None
        self._underruns = 0  # of outputs closed since
        self._requests = 0
        self._remix: MixState | None = None
        self._listening: Heard = "remix"
        self._match = {"recording": 1.0, "remix": 1.0}
        self._tap_setting, self._tap_output = OFF, ""
        self._no_levels = Levels(np.zeros(0, np.float32), np.zeros(2, np.float32))
        self.problem: PlayerError | None = None

    # -- what is played --------------------------------------------------------------------------

    def load(self, mixer: Mixer, position: int = 0) -> None:
        """Stop, and take another recording, made by :func:`live_mixer`, at frame ``position``."""
        self.unload()
        self._transport, self._tap_setting = Transport(mixer, position), OFF
        self._no_levels = Levels(np.zeros(len(mixer.names), np.float32), np.zeros(mixer.channels, np.float32))
        self._take_mixer(mixer)

    def swap(self, mixer: Mixer) -> None:
        """Take another mixer for the same recording (other stems), playing on without a click.

        The mix becomes the recording's until :meth:`set_mix`. Raises ValueError for another recording.
        """
        transport = self._loaded()
        old = transport.mixer
        if (mixer.sample_rate, mixer.frames, mixer.channels) != (old.sample_rate, old.frames, old.channels):
            raise ValueError("a mixer for the same recording has the same rate, length and channels")
        # kept until the audio thread has let go of it, so that it is this thread that closes its files
        self._retired.append(old)
        self._no_levels = Levels(np.zeros(len(mixer.names), np.float32), self._no_levels.master)
        self._take_mixer(mixer)
        transport.mixer = mixer

    def unload(self) -> None:
        """Stop and let the recording go."""
        self._close_output()
        if self._prefetcher is not None:
            self._prefetcher.close()
        self._prefetcher = self._transport = self._remix = None
        self._retired.clear()
        self._no_levels = Levels(np.zeros(0, np.float32), np.zeros(2, np.float32))

    def close(self) -> None:
        """Stop, and end every thread of the player's."""
        self.unload()
        self._devices.settle()

    def _take_mixer(self, mixer: Mixer) -> None:
        self._remix = recording_state(mixer.names, mixer.channels)
        self._apply(mixer)
        if self._prefetcher is not None:
            self._prefetcher.close()
        self._prefetcher = Prefetcher(self._loaded(), (mixer.recording, *mixer.stems))

    def _loaded(self) -> Transport:
        if self._transport is None:
            raise PlayerError("There is nothing to play yet; open a recording first.")
        return self._transport

    @property
    def loaded(self) -> bool:
        """Whether there is a recording to play."""
        return self._transport is not None

    # -- playing ---------------------------------------------------------------------------------

    def play(self) -> None:
        """Play on; from the end, from the beginning (of the loop, where one is on).

        Raises :class:`PlayerError`, also kept in ``problem``, where nothing is loaded or there is no output.
        """
        transport = self._loaded()
        if self.playing:
            return
        if self._output is not None and not self._output.active:
            self._close_output()
        self.problem = None
        if self._output is None:
            try:
                self._output, self.problem = open_output(
                    self._backend, self._devices, self._device_name, transport, self._latency
                )
            except PlayerError as exc:
                self.problem = exc
                raise
            before, self._tap_output = self._tap_output, self._output.device.name
            if before != self._tap_output:
                self._tap_setting = OFF  # it was chosen for other ears, or other loudspeakers
            transport.tap.begin(self._tap_setting, softly=before not in ("", self._tap_output))
        if transport.next_frame >= transport.frames:
            self.seek(transport.loop[0] if transport.loop is not None else 0)
        self._idle_since = None
        self._requests += 1
        transport.play = self._requests

    def pause(self) -> None:
        """Fade out and stay there."""
        if self._transport is not None:
            self._transport.play = 0

    def stop(self) -> None:
        """Fade out and go back to the beginning (of the loop, where one is on)."""
        if self._transport is not None:
            self._transport.play = 0  # first, so that the jump waits for the fade
            self.seek(self._transport.loop[0] if self._transport.loop is not None else 0)

    def toggle(self) -> None:
        """Play or pause; what the space bar does. Raises as :meth:`play`."""
        if self.playing:
            self.pause()
        else:
            self.play()

    @property
    def playing(self) -> bool:
        """Whether it plays: until paused, the recording's end, or the device's."""
        transport = self._transport
        if transport is None or self._output is None or not self._output.active:
            return False
        return transport.play != 0 and transport.play != transport.ended

    def seek(self, frame: int) -> None:
        """Go to a frame, clamped to the recording; a seek while playing cross-fades.

        Beyond the loop's end playback goes on outside the loop.
        """
        transport = self._transport
        if transport is None:
            return
        transport.jump = (transport.jump[0] + 1, min(max(0, int(frame)), transport.frames))
        if self._prefetcher is not None:
            self._prefetcher.wake()

    @property
    def position(self) -> int:
        """The frame that is heard now: what was rendered, less what has not reached the ear yet."""
        transport = self._transport
        if transport is None:
            return 0
        serial, frame = transport.jump
        if serial and serial != transport.taken:
            return frame
        if self._output is None:
            return transport.position
        heard = transport.timeline.frame_at(self._output.heard_frames(), serial)
        return transport.position if heard is None else heard

    @property
    def loop(self) -> tuple[int, int] | None:
        """The loop that repeats, in frames."""
        return None if self._transport is None else self._transport.loop

    def set_loop(self, start: int, stop: int) -> None:
        """Repeat from ``start`` to ``stop`` (frames), with a cross-fade of 10 ms at the seam.

        While playing beyond its end, playback goes to its start. A selection shorter than 50 ms, or
        in a recording as short as that, is kept but does not repeat.
        """
        transport = self._transport
        if transport is None:
            return
        loop = (max(0, int(start)), min(int(stop), transport.frames))
        if loop == transport.loop:
            return
        transport.loop = loop
        if self.playing and transport.can_loop(loop) and transport.next_frame >= transport.seam(loop):
            self.seek(loop[0])

    def clear_loop(self) -> None:
        """Repeat no more."""
        if self._transport is not None:
            self._transport.loop = None

    # -- the mix ---------------------------------------------------------------------------------

    def set_session(self, session: Session) -> None:
        """Mix as a session's strips and master say; heard in full 25 ms after the next block."""
        if self._transport is not None:
            mixer = self._transport.mixer
            self.set_mix(mix_state(session, mixer.names, mixer.channels))

    def set_mix(self, state: MixState) -> None:
        """Mix by ``state``, which must be for the mixer's stems and channels (ValueError otherwise)."""
        if self._transport is not None:
            self._remix = state
            self._apply(self._transport.mixer)

    @property
    def listening_to(self) -> Heard:
        """Which of the two is heard."""
        return self._listening

    def listen_to(self, what: Heard) -> None:
        """Hear the recording or the remix (A/B), cross-faded over 25 ms."""
        if what not in ("remix", "recording"):
            raise ValueError(f"listen to “remix” or “recording”, not {what!r}")
        self._listening = what
        if self._transport is not None:
            self._apply(self._transport.mixer)

    def set_match_gains(self, recording_db: float, remix_db: float) -> None:
        """The gains (dB) at which recording and remix are equally loud; 0 and 0 for no matching."""
        self._match = {"recording": db_to_linear(recording_db), "remix": db_to_linear(remix_db)}
        if self._transport is not None:
            self._apply(self._transport.mixer)

    def _apply(self, mixer: Mixer) -> None:
        if self._listening == "recording":
            mixer.state = recording_state(mixer.names, mixer.channels, self._match["recording"])
        elif self._remix is not None:
            mixer.state = self._remix.scaled(self._match["remix"])

    @property
    def tap(self) -> ListenerTap | None:
        """What is between the mix and the listener's ears; None where nothing is loaded."""
        return None if self._transport is None else self._transport.tap

    def set_tap(self, setting: TapSetting) -> None:
        """Put this between the mix and the listener's ears, at this output and for this recording only."""
        if self._transport is not None:
            self._tap_setting, self._tap_output = setting, self.output_name
            self._transport.tap.setting = setting

    @property
    def output_name(self) -> str:
        """The output that plays, or would play, as far as is known; empty where that is not known yet."""
        if self._output is not None:
            return self._output.device.name
        known = (device for device in self._devices.known if device.name == self._device_name)
        device = next(known, self._devices.default)
        return "" if device is None else device.name

    # -- what is shown ---------------------------------------------------------------------------

    def levels(self) -> Levels:
        """The levels heard now, for meters; zeros where nothing plays. Free to call as often as wished."""
        transport = self._transport
        if transport is None or self._output is None or not self._output.active:
            return self._no_levels
        return Levels(transport.mixer.strip_levels, transport.master_levels)

    def take_clip(self) -> float:
        """The highest sample (linear, > 1) that had to be limited since the last call, or 0.0 for none."""
        transport = self._transport
        if transport is None:
            return 0.0
        peak, transport.clip_peak = transport.clip_peak, 0.0
        return peak

    @property
    def underruns(self) -> int:
        """How often the device has run dry since the player was made."""
        return self._underruns + (0 if self._output is None else self._output.underruns)

    # -- the output ------------------------------------------------------------------------------

    def devices(self) -> tuple[str, ...]:
        """The outputs by name, “System default” first; those known now, see :meth:`poll_devices`."""
        return (SYSTEM_DEFAULT, *(device.name for device in self._devices.known))

    @property
    def device(self) -> str:
        """The chosen output's name; it may be one that is not there now."""
        return SYSTEM_DEFAULT if self._device_name is None else self._device_name

    def set_device(self, name: str | None) -> None:
        """Choose an output by name, None or “System default” to follow the system.

        Playback goes on there. Where it cannot be opened, playback stops and ``problem`` says why. While the
        chosen output is not there, the system's default plays.
        """
        name = None if name in (None, SYSTEM_DEFAULT) else name
        if name == self._device_name:
            return
        self._device_name = name
        if self._output is not None:
            self._restart()

    def poll_devices(self) -> bool:
        """Keep up with the outputs; call it about once a second. True when :meth:`devices` has changed.

        Notices a device that is gone (playback stops, ``problem`` says so), gives an idle one back, and
        looks for new ones while none is open. It returns at once.
        """
        if self._transport is not None:
            self._retired = [mixer for mixer in self._retired if self._transport.uses(mixer)]
        self._watch_output()
        return self._devices.poll() if self._output is None else False

    def _watch_output(self) -> None:
        output, transport = self._output, self._transport
        if output is None or transport is None:
            return
        now = self._clock()
        wanted = transport.play != 0 and transport.play != transport.ended
        if output.state(now, wanted) == "gone":
            self.problem = output.loss() if wanted or output.fault is not None else self.problem
            self._close_output()
            self._devices.look_again()
        elif output.underruns >= TOO_MANY_UNDERRUNS and self._latency < LONGEST_LATENCY_SECONDS:
            self._latency *= 2
            _log.info("the output ran dry %d times; buffering %g s now", output.underruns, self._latency)
            self._restart()
        elif wanted or not transport.silent:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= IDLE_SECONDS:
            self._close_output()

    def _restart(self) -> None:
        """Open the output anew at the same place, playing on where it played."""
        playing = self.playing
        self._close_output()
        if playing:
            try:
                self.play()
            except PlayerError as exc:
                _log.info("the output did not open: %s", exc)  # play() has kept it in problem

    def _close_output(self) -> None:
        """Give the device back, after a short fade; the transport stands at what was heard."""
        output, transport = self._output, self._transport
        if output is None or transport is None:
            return
        frame = self.position
        transport.play = 0
        output.close(fade=output.active and not transport.silent)
        self._output = None
        self._underruns += output.underruns
        self._idle_since = None
        transport.rest(frame)
