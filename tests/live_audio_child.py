"""Live input through PortAudio in a process of its own, whose output comes back in as its microphone.

``python live_audio_child.py CLICKS`` sends clicks through the whole way of live sound (level, listener tap,
limiter, PortAudio, the sound server's loop) and writes one line of JSON: after how many frames each came
back. Used by ``test_live_audio.py`` and the benchmark ``live_latency``.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from app.audio_output import PortAudioBackend
from app.duplex_audio import LIVE_LATENCY_SECONDS, PortAudioDuplex, choose_devices
from app.live_chain import LiveChain

PATIENCE_SECONDS = 25.0
SETTLE_SECONDS = 2.2
PAUSE_SECONDS = 0.5
"""Between a click's return and the next one: a late echo must not be taken for it."""
LOST_SECONDS = 3.0
"""A click that has not come back by then was lost with the block that it was in."""


class Probe:
    """Takes what comes in away, sends a click now and then, and notes when it comes back."""

    delay = 0

    def __init__(self, rate: int) -> None:
        self.frames = 0
        self.next = round(SETTLE_SECONDS * rate)
        self.pause, self.lost = round(PAUSE_SECONDS * rate), round(LOST_SECONDS * rate)
        self.sent: int | None = None
        self.back: list[int] = []

    def process(self, block: np.ndarray) -> None:
        loud = np.abs(block[:, 0]) > 0.1
        if self.sent is not None and loud.any():
            self.back.append(self.frames + int(loud.argmax()) - self.sent)
            self.sent, self.next = None, self.frames + len(block) + self.pause
        elif loud.any():
            self.next = self.frames + len(block) + self.pause
        block[:] = 0.0
        if self.frames <= self.next < self.frames + len(block):
            block[self.next - self.frames] = 0.2
            self.sent, self.next = self.next, self.next + self.lost
        self.frames += len(block)


def main(clicks: int) -> None:
    duplex = PortAudioDuplex(PortAudioBackend())
    source, target, rate = choose_devices(duplex, "", "")
    probe = Probe(rate)
    chain = LiveChain(rate, stages=(probe,))
    chain.muted, chain.gain_db = False, 0.0
    stream = duplex.open(source, target, rate, (2, 2), LIVE_LATENCY_SECONDS, chain.process)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(probe.back) < clicks and time.monotonic() < deadline and stream.active:
        time.sleep(0.05)
    active, fault, told = stream.active, stream.fault, stream.latency
    stream.close(after=0.02)
    said = {
        "inputs": [device.name for device in duplex.inputs()],
        "rate": rate,
        "back": probe.back,
        "told": told,
        "processing": chain.delay,
        "lost": chain.lost,
        "active": active,
        "fault": repr(fault),
        "howled": chain.howled,
        "others_running": duplex._backend.others_running,
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
