"""What live input is made from: its devices, and what is done to the sound."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.amplification import Amplification
from app.audio_output import OutputDevice
from app.duplex_audio import DuplexBackend, DuplexStream, InputDevice
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

    def open(self, duplex: DuplexBackend, latency: float) -> DuplexStream:
        """Open the devices with ``latency`` seconds of buffering. Raises PlayerError where that fails."""
        channels = min(2, self.source.channels), min(2, self.target.channels)
        return duplex.open(self.source, self.target, self.rate, channels, latency, self.chain.process)


def why_not_amplified(amplification: Amplification) -> str:
    """Why live sound may not be amplified for the listener, in a sentence; empty where it may."""
    if amplification.kind == "off":
        return _tr("No amplification is chosen in the hearing panel.")
    if amplification.way is None:
        return _tr("Say first how you listen.")
    if amplification.way == "aids":
        return _tr("Your hearing aids amplify already; twice would be too loud.")
    if amplification.way == "loudspeakers":
        return _tr("You listen from loudspeakers: amplified, they would make the microphone howl.")
    return ""


def made_from(way: str, amplification: Amplification, listener: Listener) -> object:
    """All that a chain of this way is made from; where it is equal, the chain may stay as it is."""
    ears = listener.left.facts, listener.right.facts
    if way == "amplified":
        return ears, amplification.kind, why_not_amplified(amplification), amplification.ceiling_db
    return (ears if way == "heard as" else None), amplification.ceiling_db


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


def _tr(text: str) -> str:
    return QCoreApplication.translate("LiveInput", text)
