"""What live input is made from: its devices, and what is done to the sound."""

from __future__ import annotations

from dataclasses import dataclass

from app.audio_output import OutputDevice
from app.duplex_audio import InputDevice
from app.hearing.audiogram import Listener
from app.hearing.listener_chain import ChainRequest, tap_setting
from app.hearing.listener_tap import TapSetting
from app.live_chain import LiveChain, plain_setting

WAYS = ("plain", "amplified", "heard as")
"""What is done to live sound: nothing but its level, the listener's prescription, the simulated loss."""
ASSUMED_LUFS = -30.0
"""How loud a well-set microphone is taken to be, since nothing was measured: an assumption."""


@dataclass(frozen=True)
class PreparedLive:
    """What a start came to before the devices are opened; ``rate`` in Hz."""

    source: InputDevice
    target: OutputDevice
    rate: int
    chain: LiveChain


def live_setting(way: str, kind: str, listener: Listener, sample_rate: int, ceiling_db: float) -> TapSetting:
    """The tap's setting for a way; ``kind`` is the chosen amplification. It takes tenths of a second."""
    if way == "plain":
        return plain_setting(ceiling_db)
    amplified = kind if way == "amplified" else "off"
    return tap_setting(
        ChainRequest(
            amplified, "headphones", listener, sample_rate, 2, ASSUMED_LUFS, ceiling_db, way == "heard as"
        )
    )
