"""The open output: its format, and a device that has gone."""

from __future__ import annotations

import numpy as np
import pytest
from fake_audio import HEADPHONES, SPEAKERS, FakeBackend

from app.audio_output import OutputDevice, PlayerError
from app.device_list import DeviceList
from app.mixer import Mixer
from app.output import STALLED_SECONDS, Output, open_output
from app.transport import Transport


def transport_of(channels: int = 2, rate: int = 44100) -> Transport:
    recording = np.full((rate, channels), 0.5, np.float32)
    return Transport(Mixer(recording, sample_rate=rate, channels=max(2, channels)))


@pytest.mark.parametrize(
    ("channels", "device_channels", "rates", "opened"),
    [
        (2, 2, None, (44100, 2)),
        (1, 2, None, (44100, 2)),
        (2, 1, None, (44100, 1)),
        (2, 32, None, (44100, 2)),
        (6, 8, None, (44100, 6)),
        (6, 2, None, (44100, 2)),
        (6, 4, None, (44100, 2)),
        (2, 2, (48000,), (48000, 2)),
        (6, 8, (48000,), (48000, 2)),
    ],
)
def test_it_opens_in_the_best_format_the_device_takes(
    channels: int, device_channels: int, rates: tuple | None, opened: tuple
) -> None:
    device = OutputDevice("Some, Fake", device_channels, 48000)
    backend = FakeBackend(plugged=(device,), chosen=device.name, rates=rates)
    transport = transport_of(channels)
    output = Output(backend, device, transport)
    assert (backend.stream.sample_rate, backend.stream.channels) == opened
    transport.play = 1
    heard = backend.pull(4000)
    assert np.abs(heard).max() > 0.4
    output.close(fade=False)


def test_the_device_is_gone_when_it_stops_or_stays_still_while_it_is_wanted() -> None:
    backend = FakeBackend()
    output = Output(backend, SPEAKERS, transport_of())
    assert output.state(10.0, True) == "running"
    assert output.state(10.9, True) == "running"
    backend.pull(100)
    for second in range(20):
        assert output.state(11.0 + second, second == 0) == "running"  # nobody wants it
    assert output.state(500.0, True) == "running"  # one look counts a second at most
    assert output.state(501.0, True) == "running"
    assert output.state(500.0 + STALLED_SECONDS, True) == "gone"
    backend.pull(100)
    assert output.state(600.0, True) == "running"
    backend.unplug(SPEAKERS.name)
    assert output.state(600.1, False) == "gone"


def test_what_is_plugged_in_at_the_last_moment_is_found() -> None:
    backend = FakeBackend(plugged=(), chosen=None)
    devices = DeviceList(backend)
    with pytest.raises(PlayerError, match="No sound output"):
        open_output(backend, devices, None, transport_of())
    backend.plug(HEADPHONES, choose=True)
    output, notice = open_output(backend, devices, None, transport_of())
    assert (output.device, notice) == (HEADPHONES, None)


def test_the_systems_choice_stands_in_for_an_output_that_is_not_there() -> None:
    backend = FakeBackend()
    output, notice = open_output(backend, DeviceList(backend), "Gone, Fake", transport_of())
    assert output.device == SPEAKERS
    assert "Gone, Fake” is not there now" in str(notice)


def test_a_list_that_is_out_of_date_is_mended_on_the_way() -> None:
    backend = FakeBackend()
    devices = DeviceList(backend)
    devices.find(None)
    backend.unplug(SPEAKERS.name)
    output, _ = open_output(backend, devices, None, transport_of())
    assert output.device == HEADPHONES
