"""The sound outputs of this computer, through PortAudio.

PortAudio lists the devices once, when it starts. To see headphones plugged in later it must be started
anew, which ends every stream; so :mod:`app.device_list` does that only while nothing plays. Where a
sound server stands between (PulseAudio, PipeWire), “System default” follows the system's choice by
itself even while playing; elsewhere it does when playback next starts.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from app.errors import UserError
from app.mix_state import Audio

SYSTEM_DEFAULT = "System default"
"""The name under which the system's own choice of an output is listed."""
LATENCY_SECONDS = 0.040
"""The buffering asked for: enough to sit out other threads' turns, little enough to feel direct."""
LONGEST_LATENCY_SECONDS = 0.160
"""What it is raised to, by doubling, where the device keeps running dry."""
WARM_UP_SECONDS = 0.050
"""The silence that a stream starts with: sound servers and wireless devices swallow the first moments."""
REALTIME_PRIORITY = 5
"""Of 1 to 99: before ordinary threads, after the sound server's own (PipeWire asks for 88)."""
SCAN_SECONDS = 5.0
"""How often devices are looked for, while nothing plays, where the system gives no cheaper sign."""

Callback = Callable[[Audio, float, bool], None]
"""Fills ``(n, channels)`` float32; told when its first frame is heard (s, the stream's clock), and whether
the device ran dry before."""


class PlayerError(UserError):
    """Sound cannot be played; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class OutputDevice:
    """One sound output: ``name`` is how it is listed and kept in the preferences.

    ``alsa_order`` says that it numbers surround channels as ALSA does; ``index`` is the backend's.
    """

    name: str
    channels: int
    sample_rate: int
    index: int = -1
    alsa_order: bool = False


class Stream(Protocol):
    """A sound output that runs."""

    @property
    def latency(self) -> float:
        """Seconds from the callback to the ear."""

    @property
    def active(self) -> bool:
        """Whether it still calls back; False once the device is gone."""

    @property
    def fault(self) -> Exception | None:
        """What went wrong inside the callback, where something did."""

    def time(self) -> float:
        """Now, in seconds, on the clock that the callback is told."""

    def close(self, after: float = 0.0) -> None:
        """Go on calling back for ``after`` seconds (a fade), stop, and give the device back."""


class Backend(Protocol):
    """Where sound goes: PortAudio, or the tests' own.

    ``warm_up`` is how long (s) a stream that was just opened is given silence before the music.
    """

    warm_up: float

    def devices(self) -> tuple[OutputDevice, ...]:
        """The outputs known now."""

    def default(self) -> OutputDevice | None:
        """The system's choice among them."""

    def refresh(self) -> None:
        """Look for devices again; only while no stream is open."""

    def sign_of_change(self) -> Hashable:
        """Something cheap to read that differs when devices have come or gone."""

    def supports(self, device: OutputDevice, sample_rate: int, channels: int) -> bool:
        """Whether the device plays this format."""

    def open(
        self, device: OutputDevice, sample_rate: int, channels: int, latency: float, callback: Callback
    ) -> Stream:
        """Start playing, with ``latency`` seconds of buffering. Raises :class:`PlayerError`."""


class PortAudioBackend:
    """The real thing; PortAudio is loaded when it is first needed."""

    warm_up = WARM_UP_SECONDS

    def __init__(self) -> None:
        self._library: ModuleType | None = None
        self.others_running = 0
        """Streams besides the player's that run now; PortAudio is not restarted under them."""

    def devices(self) -> tuple[OutputDevice, ...]:
        """See :class:`Backend`. Raises :class:`PlayerError` where PortAudio is missing."""
        library = self._load()
        hosts = [str(host["name"]) for host in library.query_hostapis()]
        found: list[OutputDevice] = []
        for index, info in enumerate(library.query_devices()):
            if info["max_output_channels"] > 0:
                host = hosts[info["hostapi"]]
                name = unique_name(f"{info['name']}, {host}", [device.name for device in found])
                rate = round(info["default_samplerate"])
                found.append(OutputDevice(name, info["max_output_channels"], rate, index, host == "ALSA"))
        return tuple(found)

    def default(self) -> OutputDevice | None:
        """See :class:`Backend`."""
        chosen = self._load().default.device[1]
        return next((device for device in self.devices() if device.index == chosen), None)

    def refresh(self) -> None:
        """See :class:`Backend`. sounddevice has no public name for it."""
        library = self._load()
        if self.others_running:
            return  # a live input would end; what came or went is found once it has stopped
        library._terminate()
        library._initialize()

    def sign_of_change(self) -> Hashable:
        """See :class:`Backend`: on Linux the kernel's list of cards, elsewhere a clock that ticks slowly."""
        if platform.system() == "Linux":
            cards = Path("/proc/asound/cards")
            return cards.read_text(encoding="utf-8", errors="replace") if cards.is_file() else ""
        return int(time.monotonic() / SCAN_SECONDS)

    def supports(self, device: OutputDevice, sample_rate: int, channels: int) -> bool:
        """See :class:`Backend`."""
        library = self._load()
        try:
            library.check_output_settings(device.index, channels, "float32", samplerate=sample_rate)
        except (library.PortAudioError, ValueError):
            return False
        return True

    def open(
        self, device: OutputDevice, sample_rate: int, channels: int, latency: float, callback: Callback
    ) -> Stream:
        """See :class:`Backend`."""
        library = self._load()
        try:
            return _PortAudioStream(library, device, sample_rate, channels, latency, callback)
        except (library.PortAudioError, ValueError) as exc:
            raise PlayerError(
                f"The sound output “{device.name}” could not be opened; "
                "check that no other program keeps it for itself, or choose another output."
            ) from exc

    def library(self) -> ModuleType:
        """The loaded sounddevice module. Raises :class:`PlayerError` where PortAudio is missing."""
        return self._load()

    def _load(self) -> ModuleType:
        if self._library is None:
            try:
                import sounddevice  # late: importing it starts PortAudio
            except OSError as exc:
                raise PlayerError(
                    "Sound needs the PortAudio library, which is missing here; install it "
                    "(on Debian and Ubuntu: sudo apt install libportaudio2) and start Ripieno again."
                ) from exc
            self._library = sounddevice
        return self._library


class _PortAudioStream:
    """A running PortAudio stream."""

    def __init__(
        self,
        library: ModuleType,
        device: OutputDevice,
        sample_rate: int,
        channels: int,
        latency: float,
        callback: Callback,
    ) -> None:
        self._library = library
        self._callback = callback
        self.fault: Exception | None = None
        self._now = 0.0
        self._prioritised = False
        self._stream = library.OutputStream(
            samplerate=sample_rate,
            device=device.index,
            channels=channels,
            dtype="float32",
            latency=latency,
            callback=self._fill,
        )
        self.latency = float(self._stream.latency)
        try:
            self._stream.start()
        except library.PortAudioError:
            self._stream.close()
            raise

    @property
    def active(self) -> bool:
        """See :class:`Stream`."""
        return bool(self._stream.active)

    def time(self) -> float:
        """See :class:`Stream`. The clock stands still once the device is gone."""
        try:
            self._now = float(self._stream.time)
        except self._library.PortAudioError:
            return self._now
        return self._now

    def close(self, after: float = 0.0) -> None:
        """See :class:`Stream`. A device that is gone may refuse: it is closed all the same."""
        if after:
            # the callback takes notice within the buffering, and what it makes waits as long again
            self._library.sleep(round(1000 * (after + 2 * self.latency)))
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _fill(self, out: Audio, frames: int, when: Any, status: Any) -> None:
        if not self._prioritised:
            self._prioritised = True
            prioritise_this_thread()
        heard = when.outputBufferDacTime
        ahead = heard - when.currentTime
        if not 0.0 < ahead < 2.0:  # some drivers leave these fields empty
            heard = self._stream.time + self.latency
        try:
            self._callback(out, heard, status.output_underflow)
        except Exception as exc:
            # whatever it is, noise must not reach the ears; the player logs it
            self.fault = exc
            out[:] = 0.0
            raise self._library.CallbackAbort from exc


def prioritise_this_thread() -> bool:
    """Ask Linux to let this thread go before all ordinary ones; False where it will not.

    Most systems grant it to the members of the group “audio”. macOS and Windows give their audio
    threads priority by themselves. Without it, playback depends on how busy the computer is.
    """
    if platform.system() != "Linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
    except OSError:  # not allowed here: the ordinary way does on a computer that is not overloaded
        return False
    return True


def unique_name(name: str, taken: list[str]) -> str:
    """``name``, or ``name (2)`` and so on where it is taken: two equal sound cards stay apart."""
    number, wanted = 1, name
    while wanted in taken:
        number += 1
        wanted = f"{name} ({number})"
    return wanted
