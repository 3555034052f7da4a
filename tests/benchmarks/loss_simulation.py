"""What the simulated hearing loss takes of playback's buffer, and how far it is from pyclarity's MSBG.

    python -m tests.benchmarks.loss_simulation [--frames 441] [--rounds 400]

The share is the thread's own processor time for both ears over the length of a buffer. Levels are those of
third-octave bands from 125 Hz to 16 kHz within 60 dB of the loudest; the stages for other rates, which
resample inside, are compared with the one for 44.1 kHz between two resamplings by soxr.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import soxr
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_simulation import INSIDE, RATE, SIGNALS, pyclarity_msbg, third_octaves

from app.hearing.audiogram import PRESETS
from app.hearing.simulation import LossSimulation, simulate


def share(rate: int, name: str, frames: int, rounds: int) -> tuple[float, float]:
    """The median and the 99th percentile of the buffer's share (%) that both ears take."""
    ears = [LossSimulation(rate, PRESETS[name]) for _ in range(2)]
    block = (0.05 * np.random.default_rng(0).standard_normal((frames, 2))).astype(np.float32)
    times = np.zeros(rounds)
    for turn in range(rounds):
        work = block.copy()
        start = time.thread_time()
        for channel, ear in enumerate(ears):
            ear.process(work[:, channel])
        times[turn] = time.thread_time() - start
    median, high = np.percentile(times, [50, 99])
    return 100 * median * rate / frames, 100 * high * rate / frames


def largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of audible third-octave levels (dB)."""
    before, after = third_octaves(theirs[INSIDE]), third_octaves(ours[INSIDE])
    return float(np.abs(after - before)[before > before.max() - 60].max())


def main() -> int:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=441)
    parser.add_argument("--rounds", type=int, default=400)
    arguments = parser.parse_args()
    for rate in (44100, 48000, 96000):
        for name in ("N1", "N3", "S3"):
            median, high = share(rate, name, arguments.frames, arguments.rounds)
            delay = LossSimulation(rate, PRESETS[name]).delay / rate * 1000
            print(
                f"{rate} Hz, {name}: both ears take {median:.1f} % of {arguments.frames} frames "
                f"(99 %: {high:.1f} %), {delay:.0f} ms late",
                flush=True,
            )
    for kind, make in SIGNALS.items():
        signal = make()
        for name in ("normal", "N1", "N2", "N3", "N4", "N5", "N6", "S1", "S2", "S3"):
            with threadpool_limits(1):
                theirs = pyclarity_msbg(signal, PRESETS[name])
            ours = simulate(signal, RATE, PRESETS[name])[: theirs.size]
            print(f"{kind}, {name}: third octaves within {largest(ours, theirs):.3f} dB of pyclarity's")
        for rate in (48000, 96000):
            stage = LossSimulation(rate, PRESETS["N3"])
            column = soxr.resample(np.pad(signal, (0, RATE // 5)), RATE, rate, "VHQ").astype(np.float32)
            stage.process(column)
            ours = soxr.resample(column[stage.delay :].astype(np.float64), rate, RATE, "VHQ")[: signal.size]
            away = largest(ours, simulate(signal, RATE, PRESETS["N3"]))
            print(f"{kind}, N3: the stage for {rate} Hz is within {away:.1f} dB of the model at 44.1 kHz")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
