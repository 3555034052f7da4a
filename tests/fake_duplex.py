"""A microphone and an output without a device or a clock: ``pull`` is the passing of time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.audio_output import OutputDevice, PlayerError
from app.duplex_audio import DuplexCallback, InputDevice
from tests.fake_audio import HEADPHONES, SPEAKERS

MICROPHONE = InputDevice("Microphone, Fake", 1, 48000, 0)
LINE_IN = InputDevice("Line in, Fake", 2, 44100, 1)


class FakeDuplexStream:
    """A stream of the fake; every block comes with the sound that a test puts in."""

    latency = 0.015

    def __init__(self, rate: int, channels: tuple[int, int], callback: DuplexCallback) -> None:
        self.rate = rate
        self.channels = channels
        self.callback = callback
        self.gone = self.closed = False
        self.fault: Exception | None = None
        self.faded = np.zeros((0, channels[1]), np.float32)

    @property
    def active(self) -> bool:
        return not self.gone and not self.closed and self.fault is None

    def pull(self, sound: np.ndarray, block: int = 480, *, lost: bool = False) -> np.ndarray:
        """Speak ``(frames,)`` into it; what comes out, ``(frames, channels)``."""
        source = np.repeat(sound.astype(np.float32)[:, None], self.channels[0], axis=1)
        out = np.full((len(sound), self.channels[1]), np.nan, np.float32)
        for at in range(0, len(sound), block):
            self.callback(source[at : at + block], out[at : at + block], lost)
        return out

    def close(self, after: float = 0.0) -> None:
        if after and self.active:
            self.faded = self.pull(np.full(round(after * self.rate) + 1, 0.5))
        self.closed = True


@dataclass
class FakeDuplex:
    """Inputs and outputs; ``missing``: PortAudio is not there; ``refuses``: inputs that may not be used."""

    sources: tuple[InputDevice, ...] = (MICROPHONE, LINE_IN)
    targets: tuple[OutputDevice, ...] = (SPEAKERS, HEADPHONES)
    rates: tuple[int, ...] | None = None
    missing: bool = False
    refuses: tuple[str, ...] = ()
    streams: list[FakeDuplexStream] = field(default_factory=list)
    opened: list[tuple[str, str, int]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def inputs(self) -> tuple[InputDevice, ...]:
        if self.missing:
            raise PlayerError("Sound needs the PortAudio library.")
        return self.sources

    def output(self, name: str) -> OutputDevice | None:
        named = (device for device in self.targets if device.name == name)
        return next(named, self.targets[0] if self.targets else None)

    def supports(self, source: InputDevice, target: OutputDevice, sample_rate: int) -> bool:
        return self.rates is None or sample_rate in self.rates

    def open(
        self,
        source: InputDevice,
        target: OutputDevice,
        sample_rate: int,
        channels: tuple[int, int],
        latency: float,
        callback: DuplexCallback,
    ) -> FakeDuplexStream:
        if source.name in self.refuses:
            raise PlayerError(f"“{source.name}” could not be opened; check the system's privacy settings.")
        self.latencies.append(latency)
        self.opened.append((source.name, target.name, sample_rate))
        self.streams.append(FakeDuplexStream(sample_rate, channels, callback))
        return self.streams[-1]

    @property
    def stream(self) -> FakeDuplexStream:
        """The stream that runs."""
        (stream,) = (stream for stream in self.streams if stream.active)
        return stream
