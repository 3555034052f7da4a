"""A sound output without a device or a clock: it drives the player's real callback when asked to.

``backend.pull(frames)`` is the passing of time: it calls back block by block, and returns what a
listener would hear, ``(frames, channels)`` float32. Nothing happens between two pulls.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np

from app.audio_output import Callback, OutputDevice, PlayerError

SPEAKERS = OutputDevice("Speakers, Fake", 2, 48000, 0)
HEADPHONES = OutputDevice("Headphones, Fake", 2, 44100, 1)


class FakeStream:
    """A stream of the fake backend; ``pull`` is the device asking for sound."""

    def __init__(
        self, device: OutputDevice, sample_rate: int, channels: int, callback: Callback, latency: float
    ) -> None:
        self.device = device
        self.sample_rate = sample_rate
        self.channels = channels
        self.latency = latency
        self.callback = callback
        self.pulled = 0
        self.gone = False
        self.closed = False
        self.faded = np.zeros((0, channels), np.float32)
        self.fault: Exception | None = None

    @property
    def active(self) -> bool:
        return not self.gone and not self.closed

    def time(self) -> float:
        """All that was pulled has just been handed to the device."""
        return self.pulled / self.sample_rate

    def pull(self, frames: int, block: int, underrun: bool = False) -> np.ndarray:
        out = np.full((frames, self.channels), np.nan, np.float32)
        for at in range(0, frames, block):
            piece = out[at : at + block]
            self.callback(piece, self.time() + self.latency, underrun)
            self.pulled += piece.shape[0]
        return out

    def close(self, after: float = 0.0) -> None:
        if after and self.active:
            self.faded = self.pull(round(after * self.sample_rate) + 1, 64)
        self.closed = True


@dataclass
class FakeBackend:
    """Outputs that a test plugs in and out.

    ``rates`` are the sample rates that the devices take (any, if None); ``missing`` is PortAudio not being
    there; ``locked`` names devices that refuse to open. ``latency`` (s) is how late what is pulled is heard,
    whatever buffering the player asks for; what it asks is kept in ``latencies``.
    """

    plugged: tuple[OutputDevice, ...] = (SPEAKERS, HEADPHONES)
    chosen: str | None = SPEAKERS.name
    rates: tuple[int, ...] | None = None
    latency: float = 0.0
    warm_up: float = 0.0
    block: int = 512
    missing: bool = False
    locked: tuple[str, ...] = ()
    streams: list[FakeStream] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refreshed: int = 0
    _listed: tuple[OutputDevice, ...] | None = None

    # -- what the player asks ----------------------------------------------------------------------

    def devices(self) -> tuple[OutputDevice, ...]:
        if self.missing:
            raise PlayerError("Sound needs the PortAudio library.")
        if self._listed is None:  # as PortAudio: what is plugged in later needs a refresh
            self._listed = self.plugged
        return self._listed

    def default(self) -> OutputDevice | None:
        return next((d for d in self.devices() if d.name == self.chosen), None)

    def refresh(self) -> None:
        assert not any(stream.active for stream in self.streams), "PortAudio was restarted under a stream"
        self.refreshed += 1
        self._listed = None

    def sign_of_change(self) -> Hashable:
        return (self.plugged, self.chosen)

    def supports(self, device: OutputDevice, sample_rate: int, channels: int) -> bool:
        return channels <= device.channels and (self.rates is None or sample_rate in self.rates)

    def open(
        self, device: OutputDevice, sample_rate: int, channels: int, latency: float, callback: Callback
    ) -> FakeStream:
        if device.name in self.locked or device not in self.plugged:
            raise PlayerError(f"The sound output “{device.name}” could not be opened.")
        assert self.supports(device, sample_rate, channels)
        self.latencies.append(latency)
        self.streams.append(FakeStream(device, sample_rate, channels, callback, self.latency))
        return self.streams[-1]

    # -- what a test does --------------------------------------------------------------------------

    @property
    def stream(self) -> FakeStream:
        """The stream that plays."""
        (stream,) = (stream for stream in self.streams if stream.active)
        return stream

    def pull(self, frames: int, block: int | None = None) -> np.ndarray:
        """Let ``frames`` frames pass; what is heard, ``(frames, channels)`` float32."""
        return self.stream.pull(frames, self.block if block is None else block)

    def unplug(self, name: str) -> None:
        """Pull a device's plug: its streams die, and the system chooses another."""
        self.plugged = tuple(d for d in self.plugged if d.name != name)
        for stream in self.streams:
            stream.gone |= stream.device.name == name
        if self.chosen == name:
            self.chosen = self.plugged[0].name if self.plugged else None

    def plug(self, device: OutputDevice, *, choose: bool = False) -> None:
        """Plug a device in."""
        self.plugged += (replace(device),)
        if choose:
            self.chosen = device.name
