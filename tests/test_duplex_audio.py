"""A microphone and an output through PortAudio, with a stand-in for sounddevice."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.audio_output import OutputDevice, PlayerError, PortAudioBackend
from app.duplex_audio import PortAudioDuplex, choose_devices
from tests.fake_audio import HEADPHONES, SPEAKERS
from tests.fake_duplex import LINE_IN, MICROPHONE, FakeDuplex

DEVICES = (
    {"name": "hw", "max_input_channels": 2, "max_output_channels": 2},
    {"name": "pulse", "max_input_channels": 32, "max_output_channels": 32},
    {"name": "loudspeaker", "max_input_channels": 0, "max_output_channels": 2},
    {"name": "hw", "max_input_channels": 1, "max_output_channels": 0},
)


class PortAudioError(Exception):
    pass


class CallbackAbort(Exception):  # noqa: N818 - sounddevice's name
    pass


class FakeStream:
    """What the backend uses of ``sounddevice.Stream``."""

    def __init__(self, library: FakeLibrary, **how: Any) -> None:
        if library.refuse == "open":
            raise PortAudioError("Device unavailable")
        self.how, self.library = how, library
        self.latency, self.active = (0.01, 0.02), False
        self.closed = False

    def start(self) -> None:
        if self.library.refuse == "start":
            raise PortAudioError("cannot start")
        self.active = True

    def abort(self, ignore_errors: bool = False) -> None:
        assert ignore_errors
        self.active = False

    def close(self, ignore_errors: bool = True) -> None:
        self.closed = True

    def callback(self, sound: np.ndarray, overflow: bool = False, late: float = 0.0) -> np.ndarray:
        out = np.full((len(sound), self.how["channels"][1]), np.nan, np.float32)
        status = SimpleNamespace(input_overflow=overflow, output_underflow=False)
        self.how["callback"](sound, out, len(sound), times(late), status)
        return out


def times(late: float = 0.0) -> SimpleNamespace:
    """PortAudio's times of a block; a driver that leaves them empty gives zeros."""
    heard = 7.0 + late if late else 0.0
    return SimpleNamespace(inputBufferAdcTime=7.0 if late else 0.0, outputBufferDacTime=heard)


class FakeLibrary:
    """What the backend uses of sounddevice."""

    PortAudioError = PortAudioError
    CallbackAbort = CallbackAbort

    def __init__(self) -> None:
        self.refuse = ""
        self.rates = (44100, 48000)
        self.default = SimpleNamespace(device=(1, 1))
        self.streams: list[FakeStream] = []
        self.slept: list[int] = []
        self.restarts = 0

    def query_hostapis(self) -> list[dict]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict]:
        return [{**device, "hostapi": 0, "default_samplerate": 48000.0} for device in DEVICES]

    def check_input_settings(self, device: int, channels: int, kind: str, samplerate: int) -> None:
        if samplerate not in self.rates or self.refuse == "format":
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def Stream(self, **how: Any) -> FakeStream:
        self.streams.append(FakeStream(self, **how))
        return self.streams[-1]

    def sleep(self, milliseconds: int) -> None:
        self.slept.append(milliseconds)

    def _terminate(self) -> None:
        self.restarts += 1

    def _initialize(self) -> None:
        pass


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)  # type: ignore[arg-type]
    monkeypatch.setattr("app.duplex_audio.prioritise_this_thread", lambda: False)
    return fake


@pytest.fixture
def backend(library: FakeLibrary) -> PortAudioBackend:
    return PortAudioBackend()


def opened(backend: PortAudioBackend, callback: Any) -> Any:
    duplex = PortAudioDuplex(backend)
    source, target, rate = choose_devices(duplex, "", "")
    return duplex.open(source, target, rate, (1, 2), 0.01, callback)


def silence(sound: np.ndarray, out: np.ndarray, lost: bool) -> None:
    out[:] = 0.0


def test_inputs_come_with_the_systems_choice_first_and_names_of_their_own(backend: PortAudioBackend) -> None:
    inputs = PortAudioDuplex(backend).inputs()
    assert [device.name for device in inputs] == ["pulse, ALSA", "hw, ALSA", "hw, ALSA (2)"]
    assert [device.index for device in inputs] == [1, 0, 3]
    assert inputs[0].sample_rate == 48000


def test_the_output_is_the_programs_or_the_systems(backend: PortAudioBackend) -> None:
    duplex = PortAudioDuplex(backend)
    assert duplex.output("loudspeaker, ALSA").index == 2
    assert duplex.output("gone").index == 1


def test_formats(backend: PortAudioBackend, library: FakeLibrary) -> None:
    duplex = PortAudioDuplex(backend)
    source, target = duplex.inputs()[0], duplex.output("")
    assert duplex.supports(source, target, 48000)
    assert not duplex.supports(source, target, 96000)
    library.refuse = "format"
    assert not duplex.supports(source, target, 48000)


def test_a_stream_passes_sound_and_losses_on(backend: PortAudioBackend, library: FakeLibrary) -> None:
    lost_before: list[bool] = []

    def callback(sound: np.ndarray, out: np.ndarray, lost: bool) -> None:
        lost_before.append(lost)
        out[:] = sound

    stream = opened(backend, callback)
    (fake,) = library.streams
    assert fake.how["device"] == (1, 1)
    assert fake.how["channels"] == (1, 2)
    assert fake.how["latency"] == 0.01
    assert stream.latency == pytest.approx(0.03)
    out = fake.callback(np.ones((64, 1), np.float32))
    fake.callback(np.ones((64, 1), np.float32), overflow=True)
    assert (out == 1.0).all()
    assert lost_before == [False, True]
    assert stream.latency == pytest.approx(0.03)  # as the driver told
    fake.callback(np.ones((64, 1), np.float32), late=0.25)
    assert stream.latency == pytest.approx(0.25)  # as the blocks tell
    stream.close(after=0.02)
    stream.close()
    assert fake.closed
    assert library.slept == [50]


def test_portaudio_is_not_restarted_under_a_live_stream(
    backend: PortAudioBackend, library: FakeLibrary
) -> None:
    stream = opened(backend, silence)
    backend.refresh()
    assert library.restarts == 0
    stream.close()
    backend.refresh()
    assert library.restarts == 1


@pytest.mark.parametrize("when", ["open", "start"])
def test_a_refusal_is_a_sentence(backend: PortAudioBackend, library: FakeLibrary, when: str) -> None:
    library.refuse = when
    with pytest.raises(PlayerError, match="privacy settings"):
        opened(backend, silence)
    assert backend.others_running == 0


def test_a_fault_in_the_callback_is_silence_and_kept(backend: PortAudioBackend, library: FakeLibrary) -> None:
    def broken(sound: np.ndarray, out: np.ndarray, lost: bool) -> None:
        out[:] = 1.0
        raise RuntimeError("broken")

    stream = opened(backend, broken)
    (fake,) = library.streams
    out = np.ones((8, 2), np.float32)
    status = SimpleNamespace(input_overflow=False, output_underflow=False)
    with pytest.raises(CallbackAbort):
        fake.how["callback"](np.ones((8, 1), np.float32), out, 8, times(), status)
    assert not out.any()
    assert isinstance(stream.fault, RuntimeError)
    stream.close()


@pytest.mark.parametrize(
    ("duplex", "name", "sentence"),
    [
        (FakeDuplex(sources=()), "", "No microphone"),
        (FakeDuplex(), "Nothing", "not there now"),
        (FakeDuplex(targets=()), "", "No sound output"),
        (FakeDuplex(rates=(8000,)), "", "no sample rate in common"),
    ],
)
def test_what_cannot_be_chosen_is_a_sentence(duplex: FakeDuplex, name: str, sentence: str) -> None:
    with pytest.raises(PlayerError, match=sentence):
        choose_devices(duplex, name, SPEAKERS.name)


def test_a_rate_that_suits_both(library: FakeLibrary) -> None:
    headphones: OutputDevice = HEADPHONES
    assert choose_devices(FakeDuplex(), LINE_IN.name, headphones.name)[2] == headphones.sample_rate
    assert choose_devices(FakeDuplex(rates=(48000,)), LINE_IN.name, headphones.name) == (
        LINE_IN,
        headphones,
        48000,
    )
    assert choose_devices(FakeDuplex(), "", "")[0] is MICROPHONE
