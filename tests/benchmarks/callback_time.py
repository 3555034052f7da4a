"""How much of its buffer the audio callback takes, idle and while a recording is being separated.

    python -m tests.benchmarks.callback_time [--seconds 15] [--load none separation python]
                                             [--amplification off nal-r cad2]

Plays a recording with six stems from memory-mapped files, gains in motion, through PortAudio: to a
private PulseAudio server's null sink where PulseAudio is installed, otherwise to the system's default
output. *Wait* is the time that the audio thread waits for Python's lock before the callback begins,
*work* the callback itself, *share* both together over the buffer that was asked for. The load
`separation` is the real separator on the demo in a thread of this process; `python` is a thread that
never lets go of Python's lock by itself; `collection` makes the garbage collector look at everything
twice a second, with the program's libraries loaded. `--amplification` puts the listener's tap (N4 on both
ears, limiter included) behind the mix.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RATE = 44100
MOST = 200_000


def main() -> int:
    """Start the sound server, measure each load in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--load", nargs="+", default=["none", "separation", "python", "collection"])
    parser.add_argument("--amplification", nargs="+", default=["off"], choices=["off", "nal-r", "cad2"])
    parser.add_argument(
        "--measure", action="store_true", help="measure in this process, to the default output"
    )
    arguments = parser.parse_args()
    if arguments.measure:
        for load in arguments.load:
            measure(load, arguments.seconds, arguments.amplification[0])
        return 0
    sys.path.insert(0, str(ROOT / "tests"))
    from test_real_audio import missing, running

    with contextlib.ExitStack() as stack:
        environment = dict(os.environ)
        if (reason := missing()) is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            environment = stack.enter_context(running(folder)).environment
        else:
            print(f"to the system's default output: {reason}")
        command = [sys.executable, "-m", "tests.benchmarks.callback_time", "--measure"]
        command += ["--seconds", str(arguments.seconds)]
        return max(
            subprocess.run(
                [*command, "--amplification", kind, "--load", load], cwd=ROOT, env=environment, check=False
            ).returncode
            for load in arguments.load
            for kind in arguments.amplification
        )


def mapped_parts(folder: Path, seconds: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A recording and six stems as files, mapped."""
    frames = round(seconds * RATE)
    rng = np.random.default_rng(0)
    arrays = {}
    for name in ("recording", "violin-1", "violin-2", "viola", "cello", "clarinet", "residual"):
        array = np.memmap(folder / f"{name}.f32", np.float32, "w+", 0, (frames, 2))
        for at in range(0, frames, 1 << 18):
            array[at : at + (1 << 18)] = 0.05 * rng.standard_normal(array[at : at + (1 << 18)].shape)
        array.flush()
        arrays[name] = np.memmap(folder / f"{name}.f32", np.float32, "r", 0, (frames, 2))
    return arrays.pop("recording"), arrays


@contextlib.contextmanager
def loaded(load: str) -> Iterator[None]:
    """Keep the process busy meanwhile."""
    stopping, begun = threading.Event(), threading.Event()
    blocks = [0]

    def separating() -> None:
        import soundfile

        from separation import catalogue, engine
        from separation.separator import parse_parts

        audio, rate = soundfile.read(ROOT / "resources/demo/mix.flac", dtype="float32", always_2d=True)
        separator = catalogue.load(catalogue.default_separator())
        parts = parse_parts("violin,clarinet,viola,bassoon", separator.card)
        begun.set()
        while not stopping.is_set():
            for _ in engine.separate(engine.ArraySource(audio.T, rate), separator, parts):
                blocks[0] += 1
                if stopping.is_set():
                    return

    def spinning() -> None:
        begun.set()
        while not stopping.is_set():
            sum(range(1000))

    def collecting() -> None:
        import librosa
        import PySide6.QtWidgets
        import torch

        for library in (librosa, PySide6, torch):
            assert library.__name__ in sys.modules
        begun.set()
        while not stopping.wait(0.5):
            gc.collect()
            blocks[0] += 1

    work = {"separation": separating, "python": spinning, "collection": collecting}.get(load)
    if work is None:
        yield
        return
    thread = threading.Thread(target=work, name="load")
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        if blocks[0]:
            print(f"{load}: {blocks[0]} blocks or collections meanwhile")


def measure(load: str, seconds: float, amplification: str) -> None:
    """Play for so long under a load; print the callback's figures."""
    from app import audio_output
    from app.hearing.audiogram import Listener, preset
    from app.hearing.listener_chain import ChainRequest, tap_setting
    from app.player import Player, live_mixer
    from app.session import Session, Strip

    work, wait, share, frames_asked, entries = (np.zeros(MOST) for _ in range(5))
    count = [0]

    class Timed(audio_output._PortAudioStream):
        def _fill(self, out: np.ndarray, frames: int, when: object, status: object) -> None:
            entered, begun = self._stream.time, time.perf_counter()
            super()._fill(out, frames, when, status)
            index = count[0]
            entries[index] = begun
            work[index] = time.perf_counter() - begun
            wait[index] = entered - when.currentTime  # type: ignore[attr-defined]
            share[index] = (work[index] + wait[index]) * RATE / frames
            frames_asked[index] = frames
            count[0] = min(index + 1, MOST - 1)

    audio_output._PortAudioStream = Timed  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        recording, stems = mapped_parts(Path(folder), seconds + 10)
        player = Player()
        player.load(live_mixer(recording, stems, sample_rate=RATE))
        ears = Listener(preset("N4"), preset("N4"))
        setting = tap_setting(ChainRequest(amplification, "headphones", ears, RATE, 2, -20.0))
        with loaded(load):
            player.play()
            player.set_tap(setting)
            start = time.monotonic()
            end = start + seconds
            turn = 0
            while time.monotonic() < end and player.playing:
                turn += 1
                strips = {name: Strip(gain_db=-(turn + i) % 20.0, pan=0.1) for i, name in enumerate(stems)}
                player.set_session(Session(strips=strips))
                player.position, player.levels(), player.take_clip()
                time.sleep(1 / 30)
            played_seconds = time.monotonic() - start
            played, underruns = player.playing, player.underruns
            player.close()
    n = count[0]
    gc.collect()
    print(
        f"{load}, amplification {amplification}: {n} callbacks of {int(np.median(frames_asked[:n]))} "
        f"frames, {underruns} underruns",
        end="",
    )
    print("" if played else ", PLAYBACK STOPPED", end="")
    print(
        f", longest pause between two {np.diff(entries[100:n]).max() * 1e3:.0f} ms, of {played_seconds:.1f} s"
    )
    for name, values, unit, scale in (
        ("work", work, "ms", 1e3),
        ("wait", wait, "ms", 1e3),
        ("share of the buffer", share, "%", 1e2),
    ):
        median, high, most = np.percentile(values[:n] * scale, [50, 99, 100])
        print(f"  {name:20s} median {median:6.2f} {unit}   99 % {high:6.2f} {unit}   most {most:6.2f} {unit}")


if __name__ == "__main__":
    raise SystemExit(main())
