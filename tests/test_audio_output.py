"""PortAudio's outputs, with a stand-in for sounddevice: names, formats, errors as sentences."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.audio_output import (
    LATENCY_SECONDS,
    OutputDevice,
    PlayerError,
    PortAudioBackend,
    prioritise_this_thread,
    unique_name,
)


class PortAudioError(Exception):
    pass


class CallbackAbort(Exception):  # noqa: N818 - sounddevice's name
    pass


class FakeOutputStream:
    """What the backend uses of ``sounddevice.OutputStream``."""

    def __init__(self, library: FakeLibrary, **how: Any) -> None:
        if library.refuse == "open":
            raise PortAudioError("Device unavailable")
        self.how, self.library = how, library
        self.latency, self.active, self.now = 0.05, False, 7.0
        self.calls: list[str] = []

    @property
    def time(self) -> float:
        if not self.active:
            raise PortAudioError("no time")
        return self.now

    def start(self) -> None:
        if self.library.refuse == "start":
            raise PortAudioError("cannot start")
        self.active = True

    def abort(self, ignore_errors: bool = False) -> None:
        assert ignore_errors
        self.active = False
        self.calls.append("abort")

    def close(self, ignore_errors: bool = True) -> None:
        self.calls.append("close")

    def callback(self, frames: int, ahead: float, underflow: bool = False) -> np.ndarray:
        out = np.full((frames, 2), np.nan, np.float32)
        when = SimpleNamespace(outputBufferDacTime=self.now + ahead, currentTime=self.now)
        self.how["callback"](out, frames, when, SimpleNamespace(output_underflow=underflow))
        return out


class FakeLibrary:
    """What the backend uses of the module ``sounddevice``."""

    PortAudioError = PortAudioError
    CallbackAbort = CallbackAbort

    def __init__(self) -> None:
        self.refuse = ""
        self.restarts: list[str] = []
        self.slept: list[int] = []
        self.streams: list[FakeOutputStream] = []
        self.default = SimpleNamespace(device=(0, 1))

    def query_hostapis(self) -> list[dict]:
        return [{"name": "ALSA"}, {"name": "Core Audio"}]

    def query_devices(self) -> list[dict]:
        names = [("Microphone", 0, 0), ("Built-in", 0, 2), ("Built-in", 0, 2), ("Built-in", 1, 6)]
        return [
            {"name": name, "hostapi": host, "max_output_channels": channels, "default_samplerate": 48000.0}
            for name, host, channels in names
        ]

    def check_output_settings(self, device: int, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate != 48000:
            raise PortAudioError("Invalid sample rate")

    def OutputStream(self, **how: Any) -> FakeOutputStream:
        self.streams.append(FakeOutputStream(self, **how))
        return self.streams[-1]

    def sleep(self, milliseconds: int) -> None:
        self.slept.append(milliseconds)

    def _terminate(self) -> None:
        self.restarts.append("terminate")

    def _initialize(self) -> None:
        self.restarts.append("initialize")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    library = FakeLibrary()
    monkeypatch.setattr(
        "os.sched_setscheduler", lambda *how: None, raising=False
    )  # not for the tests' thread
    monkeypatch.setitem(sys.modules, "sounddevice", library)  # type: ignore[arg-type]
    return library


def quiet(out: np.ndarray, heard_at: float, underrun: bool) -> None:
    out[:] = 0.25


def test_outputs_have_distinct_names_with_their_host(library: FakeLibrary) -> None:
    backend = PortAudioBackend()
    names = [device.name for device in backend.devices()]
    assert names == ["Built-in, ALSA", "Built-in, ALSA (2)", "Built-in, Core Audio"]
    assert [device.alsa_order for device in backend.devices()] == [True, True, False]
    assert backend.default() == backend.devices()[0]
    library.default.device = (0, -1)
    assert backend.default() is None
    assert unique_name("a", ["a", "a (2)"]) == "a (3)"


def test_devices_are_looked_for_by_starting_portaudio_anew(library: FakeLibrary) -> None:
    PortAudioBackend().refresh()
    assert library.restarts == ["terminate", "initialize"]


def test_the_sign_of_change_is_cheap_and_steady(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = PortAudioBackend()
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert backend.sign_of_change() == backend.sign_of_change()
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    before = backend.sign_of_change()
    monkeypatch.setattr("time.monotonic", lambda: 106.0)
    assert backend.sign_of_change() != before


def test_formats_are_asked_for(library: FakeLibrary) -> None:
    backend = PortAudioBackend()
    device = backend.devices()[0]
    assert backend.supports(device, 48000, 2)
    assert not backend.supports(device, 44100, 2)


def test_a_stream_calls_back_with_the_time_that_is_heard(library: FakeLibrary) -> None:
    seen: list[tuple[float, bool]] = []

    def callback(out: np.ndarray, heard_at: float, underrun: bool) -> None:
        out[:] = 0.25
        seen.append((heard_at, underrun))

    backend = PortAudioBackend()
    stream = backend.open(backend.devices()[0], 48000, 2, LATENCY_SECONDS, callback)
    raw = library.streams[0]
    assert raw.how["latency"] == LATENCY_SECONDS
    assert (raw.how["device"], raw.how["samplerate"], raw.how["channels"]) == (1, 48000, 2)
    assert (raw.callback(64, 0.04) == 0.25).all()
    raw.callback(64, -7.0, underflow=True)  # a driver that leaves the time empty
    raw.callback(64, 1e6)
    assert seen == [(7.04, False), (7.05, True), (7.05, False)]
    assert (stream.time(), stream.active, stream.latency) == (7.0, True, 0.05)
    stream.close(after=0.010)
    assert library.slept == [110]
    assert raw.calls == ["abort", "close"]
    assert (stream.time(), stream.active) == (7.0, False)  # a clock that stands still, no error


def test_a_fault_in_the_callback_is_silence_and_is_kept(library: FakeLibrary) -> None:
    def broken(out: np.ndarray, heard_at: float, underrun: bool) -> None:
        out[:] = 1e9
        raise ZeroDivisionError

    backend = PortAudioBackend()
    stream = backend.open(backend.devices()[0], 48000, 2, 0.08, broken)
    with pytest.raises(CallbackAbort):
        library.streams[0].callback(64, 0.04)
    assert isinstance(stream.fault, ZeroDivisionError)


def test_the_audio_thread_asks_once_for_priority(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple] = []
    monkeypatch.setattr("os.sched_setscheduler", lambda *how: asked.append(how), raising=False)
    backend = PortAudioBackend()
    backend.open(backend.devices()[0], 48000, 2, 0.08, quiet)
    for _ in range(3):
        library.streams[0].callback(64, 0.04)
    assert len(asked) == (1 if sys.platform == "linux" else 0)


def test_a_system_that_grants_no_priority_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*how: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.sched_setscheduler", refuse, raising=False)
    assert not prioritise_this_thread()
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert not prioritise_this_thread()


@pytest.mark.parametrize("refuse", ["open", "start"])
def test_a_device_that_does_not_open_is_a_sentence(library: FakeLibrary, refuse: str) -> None:
    backend = PortAudioBackend()
    library.refuse = refuse
    with pytest.raises(PlayerError, match="Built-in, ALSA” could not be opened"):
        backend.open(backend.devices()[0], 48000, 2, 0.08, quiet)


def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    backend = PortAudioBackend()
    for ask in (backend.devices, backend.default, backend.refresh):
        with pytest.raises(PlayerError, match="Sound needs the PortAudio library"):
            ask()
    with pytest.raises(PlayerError, match="Sound needs the PortAudio library"):
        backend.open(OutputDevice("x", 2, 48000), 48000, 2, 0.08, quiet)
