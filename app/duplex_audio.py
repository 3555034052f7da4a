"""A microphone and headphones at once, through PortAudio: one stream, one clock, one callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from app.audio_output import (
    OutputDevice,
    PlayerError,
    PortAudioBackend,
    prioritise_this_thread,
    unique_name,
)
from app.mix_state import Audio

LIVE_LATENCY_SECONDS = 0.010
"""The buffering asked for each way; devices that cannot give what they can."""
LONGEST_LIVE_LATENCY_SECONDS = 0.080
"""What it is raised to, by doubling, where blocks are lost."""

USUAL_RATES = (48000, 44100)
"""Hz to try where neither device's own rate suits the other."""

_LONGEST_LATENCY = 5.0

DuplexCallback = Callable[[Audio, Audio, bool], None]
"""Takes ``(n, channels in)`` and fills ``(n, channels out)`` float32; told whether sound was lost before."""


@dataclass(frozen=True)
class InputDevice:
    """One sound input: ``name`` is how it is listed, ``index`` the backend's."""

    name: str
    channels: int
    sample_rate: int
    index: int = -1


class DuplexStream(Protocol):
    """A microphone and an output that run."""

    @property
    def latency(self) -> float:
        """Seconds from the microphone to the ear, as the devices' drivers tell it, without processing."""

    @property
    def active(self) -> bool:
        """Whether it still calls back; False once a device is gone."""

    @property
    def fault(self) -> Exception | None:
        """What went wrong inside the callback, where something did."""

    def close(self, after: float = 0.0) -> None:
        """Go on for ``after`` seconds (a fade), stop, and give the devices back."""


class DuplexBackend(Protocol):
    """Where live sound comes from and goes to: PortAudio, or the tests' own."""

    def inputs(self) -> tuple[InputDevice, ...]:
        """The inputs known now, the system's choice first. Raises :class:`PlayerError`."""

    def output(self, name: str) -> OutputDevice | None:
        """The output of this name, or the system's choice where there is none of it."""

    def supports(self, source: InputDevice, target: OutputDevice, sample_rate: int) -> bool:
        """Whether both devices run at this rate (Hz)."""

    def open(
        self,
        source: InputDevice,
        target: OutputDevice,
        sample_rate: int,
        channels: tuple[int, int],
        latency: float,
        callback: DuplexCallback,
    ) -> DuplexStream:
        """Start, with ``channels`` in and out and ``latency`` seconds of buffering each way.

        Raises :class:`PlayerError`.
        """


def choose_devices(
    duplex: DuplexBackend, source_name: str, target_name: str
) -> tuple[InputDevice, OutputDevice, int]:
    """The devices of these names (an empty one: the system's choice) and a rate (Hz) that both run at.

    Raises :class:`PlayerError` where there is none.
    """
    found = duplex.inputs()
    if not found:
        raise PlayerError("No microphone or line in was found; plug one in and open this window again.")
    named = (device for device in found if device.name == source_name)
    source = next(named, None) if source_name else found[0]
    if source is None:
        raise PlayerError(f"The input “{source_name}” is not there now; choose another.")
    target = duplex.output(target_name)
    if target is None:
        raise PlayerError("No sound output was found; plug in headphones and start again.")
    for rate in dict.fromkeys((target.sample_rate, source.sample_rate, *USUAL_RATES)):
        if duplex.supports(source, target, rate):
            return source, target, rate
    raise PlayerError(
        f"“{source.name}” and “{target.name}” have no sample rate in common, or Ripieno may not use the "
        "microphone; choose another input, or look into the system's privacy settings."
    )


class PortAudioDuplex:
    """The real thing, beside the player's own use of PortAudio."""

    def __init__(self, backend: PortAudioBackend) -> None:
        self._backend = backend

    def inputs(self) -> tuple[InputDevice, ...]:
        """See :class:`DuplexBackend`."""
        library = self._backend.library()
        hosts = [str(host["name"]) for host in library.query_hostapis()]
        default = library.default.device[0]
        found: list[InputDevice] = []
        for index, info in enumerate(library.query_devices()):
            if info["max_input_channels"] > 0:
                taken = [device.name for device in found]
                name = unique_name(f"{info['name']}, {hosts[info['hostapi']]}", taken)
                rate = round(info["default_samplerate"])
                found.append(InputDevice(name, info["max_input_channels"], rate, index))
        return tuple(sorted(found, key=lambda device: device.index != default))

    def output(self, name: str) -> OutputDevice | None:
        """See :class:`DuplexBackend`."""
        named = (device for device in self._backend.devices() if device.name == name)
        return next(named, None) or self._backend.default()

    def supports(self, source: InputDevice, target: OutputDevice, sample_rate: int) -> bool:
        """See :class:`DuplexBackend`."""
        library = self._backend.library()
        try:
            library.check_input_settings(
                source.index, min(2, source.channels), "float32", samplerate=sample_rate
            )
            library.check_output_settings(
                target.index, min(2, target.channels), "float32", samplerate=sample_rate
            )
        except (library.PortAudioError, ValueError):
            return False
        return True

    def open(
        self,
        source: InputDevice,
        target: OutputDevice,
        sample_rate: int,
        channels: tuple[int, int],
        latency: float,
        callback: DuplexCallback,
    ) -> DuplexStream:
        """See :class:`DuplexBackend`."""
        library = self._backend.library()
        try:
            return _PortAudioDuplexStream(
                self._backend, source, target, sample_rate, channels, latency, callback
            )
        except (library.PortAudioError, ValueError) as exc:
            raise PlayerError(
                f"“{source.name}” and “{target.name}” could not be opened together; check that Ripieno may "
                "use the microphone (the system's privacy settings), that no other program keeps either "
                "for itself, or choose another input."
            ) from exc


class _PortAudioDuplexStream:
    """A running duplex stream; while it runs, PortAudio is not restarted to look for devices."""

    def __init__(
        self,
        backend: PortAudioBackend,
        source: InputDevice,
        target: OutputDevice,
        sample_rate: int,
        channels: tuple[int, int],
        latency: float,
        callback: DuplexCallback,
    ) -> None:
        library: ModuleType = backend.library()
        self._library = library
        self._backend = backend
        self._callback = callback
        self._prioritised = False
        self._closed = False
        self.fault: Exception | None = None
        self._stream = library.Stream(
            samplerate=sample_rate,
            device=(source.index, target.index),
            channels=channels,
            dtype="float32",
            latency=latency,
            callback=self._fill,
        )
        self._told = float(sum(self._stream.latency))
        self._measured = 0.0
        try:
            self._stream.start()
        except library.PortAudioError:
            self._stream.close()
            raise
        backend.others_running += 1

    @property
    def latency(self) -> float:
        """See :class:`DuplexStream`. It grows where blocks were lost, so the last block's own times count."""
        return self._measured or self._told

    @property
    def active(self) -> bool:
        """See :class:`DuplexStream`."""
        return bool(self._stream.active)

    def close(self, after: float = 0.0) -> None:
        """See :class:`DuplexStream`. A device that is gone may refuse: it is closed all the same."""
        if self._closed:
            return
        self._closed = True
        if after and self.active:
            self._library.sleep(round(1000 * (after + self._told)))
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)
        self._backend.others_running -= 1

    def _fill(self, source: Audio, out: Audio, frames: int, when: Any, status: Any) -> None:
        if not self._prioritised:
            self._prioritised = True
            prioritise_this_thread()
        late = when.outputBufferDacTime - when.inputBufferAdcTime
        if when.inputBufferAdcTime > 0.0 and 0.0 < late < _LONGEST_LATENCY:  # some drivers leave it empty
            self._measured = late
        try:
            self._callback(source, out, bool(status.input_overflow or status.output_underflow))
        except Exception as exc:
            # whatever it is, noise must not reach the ears; the live input logs it
            self.fault = exc
            out[:] = 0.0
            raise self._library.CallbackAbort from exc
