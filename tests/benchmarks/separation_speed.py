"""Speed and memory of a separation against the length of the recording.

    python -m tests.benchmarks.separation_speed                       10 s and 1 min, stereo
    python -m tests.benchmarks.separation_speed --all                 10 s, 1 min, 10 min and 1 h
    python -m tests.benchmarks.separation_speed --seconds 20 90       these lengths
    python -m tests.benchmarks.separation_speed --separator none      the engine alone

The recording is made while it is read, so what is measured is the engine and the separator. Each length
runs in a process of its own. "Memory above the model" is the process's peak minus what it held when the
separator was loaded; the stems are thrown away as they come.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHORT = (10.0, 60.0)
ALL = (*SHORT, 600.0, 3600.0)


class MadeUpRecording:
    """Sixteen half-second chords of three harmonic notes, over and over; only one round is held in memory."""

    def __init__(self, seconds: float, sample_rate: int, channels: int) -> None:
        import numpy as np

        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = round(seconds * sample_rate)
        length = sample_rate // 2
        time = np.arange(length) / sample_rate
        self._round = np.zeros((channels, 16 * length), dtype=np.float32)
        for note in range(16):
            for line, lowest in enumerate((43, 55, 67)):
                pitch = lowest + note * (5 + line) % 12
                phase = 2 * np.pi * 440 * 2.0 ** ((pitch - 69) / 12) * time
                tone = sum(np.sin(k * phase) / k for k in range(1, 9)) * np.sin(2 * np.pi * time)
                for channel in range(channels):
                    level = 0.1 + 0.02 * ((line + channel) % 3)
                    self._round[channel, note * length : (note + 1) * length] += level * tone

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        import numpy as np

        return np.take(self._round, np.arange(start, stop), axis=1, mode="wrap")


def memory_mib() -> tuple[float, float]:
    """What the process holds now and the most it ever held, in MiB."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        fields = {key: value for key, _, value in (line.partition(":") for line in lines)}
        return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return peak, peak


def measure(
    seconds: float, separator_name: str, instruments: str, device: str, sample_rate: int, channels: int
) -> dict[str, Any]:
    """One separation of a made-up recording, in this process."""
    from separation import catalogue, devices, engine
    from separation.separator import parse_parts

    separator = equal_shares() if separator_name == "none" else catalogue.load(separator_name)
    parts = parse_parts(instruments, separator.card)
    threads = devices.limit_threads()
    source = MadeUpRecording(seconds, sample_rate, channels)
    before, _ = memory_mib()
    start, first, blocks, label, longest = time.perf_counter(), 0.0, 0, "", 0.0
    last = start
    for block in engine.separate(source, separator, parts, device=device):
        now = time.perf_counter()
        first = first or now - start
        longest, last = max(longest, now - last), now
        blocks, label = blocks + 1, block.device
    took = time.perf_counter() - start
    return {
        "seconds": seconds,
        "separator": separator_name,
        "device": label,
        "threads": threads,
        "took_s": round(took, 2),
        "times_real_time": round(seconds / took, 1),
        "first_block_s": round(first, 2),
        "longest_wait_s": round(longest, 2),
        "blocks": blocks,
        "memory_before_mib": round(before),
        "memory_above_model_mib": round(memory_mib()[1] - before),
    }


def equal_shares() -> Any:
    """A separator that does next to nothing, so that the engine's own share is seen."""
    from dataclasses import dataclass

    import torch

    from separation.separator import INSTRUMENTS, SeparatorCard

    @dataclass
    class EqualShares:
        card: SeparatorCard

        def to(self, device: torch.device) -> EqualShares:
            return self

        def prepare(self, overview: torch.Tensor, parts: Any, **_: Any) -> None:
            return None

        def separate_block(self, mixture: torch.Tensor, parts: Any, **_: Any) -> torch.Tensor:
            return (mixture / (len(parts) + 1)).expand(len(parts), *mixture.shape)

    words = dict.fromkeys(("kind", "sentence", "paper", "licence", "training_data", "factory"), "none")
    return EqualShares(
        SeparatorCard(
            name="none",
            title="Equal shares",
            instruments=INSTRUMENTS,
            max_parts=2,
            sample_rate=22050,
            chunk_seconds=6.0,
            context_seconds=1.0,
            **words,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    from separation import catalogue

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, nargs="+", default=SHORT, help="lengths of the recordings")
    parser.add_argument("--all", action="store_const", dest="seconds", const=ALL, help="from 10 s to 1 h")
    parser.add_argument(
        "--separator", default=catalogue.default_separator(), help="a name of the catalogue, or none"
    )
    parser.add_argument("--instruments", default="violin:2,viola,cello")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        given = (options.seconds[0], options.separator, options.instruments, options.device)
        # on a thread of its own, as in the program: limit_threads() allows such a one more
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(measure, *given, options.rate, options.channels).result()
        print(json.dumps(found))
        return 0
    shared = [
        "--separator",
        options.separator,
        "--instruments",
        options.instruments,
        "--device",
        options.device,
    ]
    shared += ["--rate", str(options.rate), "--channels", str(options.channels), "--here"]
    for seconds in options.seconds:
        command = [sys.executable, __file__, "--seconds", str(seconds), *shared]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            print(run.stderr, file=sys.stderr)
            return 1
        if options.json:
            print(run.stdout.strip(), flush=True)
        else:
            print(sentence(json.loads(run.stdout)), flush=True)
    return 0


def sentence(found: dict[str, Any]) -> str:
    return (
        f"{found['separator']}, {found['seconds']:6.0f} s of music: {found['took_s']:8.1f} s "
        f"({found['times_real_time']:.1f} × real time), first block after {found['first_block_s']:.1f} s, "
        f"longest wait {found['longest_wait_s']:.1f} s, "
        f"{found['memory_above_model_mib']} MiB above the model "
        f"({found['device']}, {found['threads']} thread{'s' if found['threads'] > 1 else ''})"
    )


if __name__ == "__main__":
    sys.exit(main())
