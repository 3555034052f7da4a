"""Outputs that come and go, looked for in a thread."""

from __future__ import annotations

from fake_audio import HEADPHONES, SPEAKERS, FakeBackend

from app.audio_output import OutputDevice
from app.device_list import DeviceList

EARBUDS = OutputDevice("Earbuds, Fake", 2, 48000, 2)


def polled(devices: DeviceList) -> bool:
    """Poll until the search that this may start has ended; whether the list changed."""
    return devices.poll() | devices.settle()


def test_nobody_waits_for_the_first_search() -> None:
    devices = DeviceList(FakeBackend())
    assert devices.known == ()
    assert polled(devices)
    assert devices.known == (SPEAKERS, HEADPHONES)
    assert not polled(devices)


def test_who_must_know_waits() -> None:
    devices = DeviceList(FakeBackend())
    assert devices.find(None) == SPEAKERS
    assert devices.find(HEADPHONES.name) == HEADPHONES
    assert devices.find("nothing") is None


def test_a_change_is_reported_once_and_only_a_sign_of_it_costs_a_search() -> None:
    backend = FakeBackend()
    devices = DeviceList(backend)
    polled(devices)
    for _ in range(5):
        assert not polled(devices)
    assert backend.refreshed == 0
    backend.plug(EARBUDS, choose=True)
    assert polled(devices)
    assert not polled(devices)
    assert backend.refreshed == 1
    assert devices.find(None) == EARBUDS
    devices.look_again()
    assert not polled(devices)  # searched, found the same
    assert backend.refreshed == 2


def test_a_search_on_demand_says_whether_anything_changed() -> None:
    backend = FakeBackend()
    devices = DeviceList(backend)
    assert devices.rescan()
    assert not devices.rescan()
    backend.unplug(SPEAKERS.name)
    assert devices.rescan()
    assert devices.find(None) == HEADPHONES


def test_without_the_library_there_is_a_sentence_and_no_more_searching() -> None:
    backend = FakeBackend(missing=True)
    devices = DeviceList(backend)
    polled(devices)
    assert devices.known == ()
    assert "PortAudio" in str(devices.problem)
    backend.chosen = None
    assert not polled(devices)
