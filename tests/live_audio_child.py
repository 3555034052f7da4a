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
from app.duplex_audio import PortAudioDuplex, choose_devices
from app.live_chain import LiveChain

PATIENCE_SECONDS = 25.0
SETTLE_SECONDS = 2.2
EVERY_SECONDS = 0.5


class Probe:
    """Takes what comes in away, sends a click now and then, and notes when it comes back."""

    delay = 0

    def __init__(self, rate: int) -> None:
        self.frames = 0
        self.next = round(SETTLE_SECONDS * rate)
        self.every = round(EVERY_SECONDS * rate)
        self.sent: int | None = None
        self.back: list[int] = []

    def process(self, block: np.ndarray) -> None:
        loud = np.abs(block[:, 0]) > 0.1
        if self.sent is not None and loud.any():
            self.back.append(self.frames + int(loud.argmax()) - self.sent)
            self.sent = None
        block[:] = 0.0
        if self.frames <= self.next < self.frames + len(block):
            block[self.next - self.frames] = 0.2
            self.sent = self.next
            self.next += self.every
        self.frames += len(block)


def main(clicks: int) -> None:
    duplex = PortAudioDuplex(PortAudioBackend())
    source, target, rate = choose_devices(duplex, "", "")
    probe = Probe(rate)
    chain = LiveChain(rate, stages=(probe,))
    chain.muted, chain.gain_db = False, 0.0
    stream = duplex.open(source, target, rate, (2, 2), chain.process)
    told = stream.latency
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(probe.back) < clicks and time.monotonic() < deadline and stream.active:
        time.sleep(0.05)
    active, fault = stream.active, stream.fault
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
