"""The system's volume in words, from what its own tools print."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from app.system_volume import system_sink, system_volume


def pulse(command: Sequence[str]) -> str:
    return {
        "get-default-sink": "alsa_output.usb\n",
        "get-sink-volume": "Volume: left: 29491 /  45% / -20.81 dB,   right: 32768 /  50% / -18 dB\n",
        "get-sink-mute": "Mute: no\n",
    }[command[1]]


def test_pulseaudio_and_pipewire() -> None:
    assert system_volume(pulse, "linux") == "alsa_output.usb 45%/50%"


def test_a_muted_sink_is_another_volume() -> None:
    def muted(command: Sequence[str]) -> str:
        return "Mute: yes" if command[1] == "get-sink-mute" else pulse(command)

    assert system_volume(muted, "linux") == "alsa_output.usb 45%/50% muted"


def test_macos() -> None:
    said = "output volume:44, input volume:50, alert volume:100, output muted:false\n"
    assert system_volume(lambda command: said, "darwin") == "44%"
    assert system_volume(lambda command: "missing value", "darwin") == ""


def test_what_cannot_be_read_is_empty() -> None:
    def missing(command: Sequence[str]) -> str:
        raise FileNotFoundError(command[0])

    def broken(command: Sequence[str]) -> str:
        raise subprocess.CalledProcessError(1, list(command))

    assert system_volume(missing, "linux") == ""
    assert system_volume(broken, "darwin") == ""
    assert system_volume(lambda command: "", "linux") == ""
    assert system_volume(pulse, "win32") == ""


SINKS = """Sink #0
\tState: IDLE
\tName: hdmi
\tActive Port: hdmi-output-0
Sink #1
\tName: alsa_output.usb
\tPorts:
\t\tanalog-output-speaker: Speakers (priority: 10000)
\tActive Port: analog-output-headphones
Sink #2
\tName: alsa_output.usb.2
\tActive Port: analog-output-speaker
"""


def test_the_sink_and_its_port_are_the_place_where_it_plays() -> None:
    def asked(name: str, listed: str = SINKS):
        return lambda command: f"{name}\n" if command[1] == "get-default-sink" else listed

    assert system_sink(asked("alsa_output.usb"), "linux") == "alsa_output.usb analog-output-headphones"
    assert system_sink(asked("hdmi"), "linux") == "hdmi hdmi-output-0"
    other = SINKS.replace("-headphones", "-speaker")
    assert system_sink(asked("alsa_output.usb", other), "linux") == "alsa_output.usb analog-output-speaker"
    assert system_sink(asked("null", "Sink #3\n\tName: null\n"), "linux") == "null"
    assert system_sink(asked(""), "linux") == ""
    assert system_sink(asked("hdmi"), "darwin") == ""

    def missing(command: Sequence[str]) -> str:
        raise FileNotFoundError(command[0])

    assert system_sink(missing, "linux") == ""
