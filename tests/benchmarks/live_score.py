"""How soon after a slider is released both ears' new score is there, and what is shown on the way.

    python -m tests.benchmarks.live_score [--releases 20] [--reference "true stems" estimated original]
                                          [--listener N3] [--load idle busy] [--separator nmf] [--record]

Opens the demo in the real program and window, separates it, and drags the clarinet's gain as a hand does: a
step every 33 ms for 0.7 s, then release. *Release* is the time from there until the full score of the 10 s
window is in the panel; *provisional* the age of the provisional scores during the drag (from one to the
next). `busy` is while playing (to a private PulseAudio server's null sink where PulseAudio is installed) and
separating. `--record` prints every number of the first drag: seconds, gain in dB, score, kind.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from app.program import Program
    from app.status import QualityStatus

ROOT = Path(__file__).resolve().parents[2]
STEP_SECONDS = 0.033
DRAG_SECONDS = 0.7
PATIENCE_SECONDS = 60.0
ENSEMBLES = ("violin,clarinet,viola,bassoon", "violin,clarinet,cello,bassoon", "violin,clarinet,viola,cello")
READY_SECONDS = 12.0


def main() -> int:
    """Start the sound server, and measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", type=int, default=20)
    parser.add_argument("--reference", nargs="+", default=["true stems", "estimated", "original"])
    parser.add_argument("--listener", default="N3")
    parser.add_argument("--load", nargs="+", default=["idle", "busy"], choices=["idle", "busy"])
    parser.add_argument("--separator", default="nmf", help="what separates meanwhile")
    parser.add_argument("--record", action="store_true", help="print every number of the first drag")
    parser.add_argument("--measure", action="store_true", help="measure here, to the default output")
    options = parser.parse_args()
    if options.measure:
        with tempfile.TemporaryDirectory() as home:
            os.environ["RIPIENO_HOME"] = home
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
            measure(options)
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
        command = [sys.executable, "-m", "tests.benchmarks.live_score", *sys.argv[1:], "--measure"]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def measure(options: argparse.Namespace) -> None:
    """Measure each load and reference; Qt is imported here because the platform is chosen before."""
    from ui.window_process import make_application, running_program

    application = make_application()
    with running_program(application) as (program, window):
        window.resize(1280, 720)
        window.show()
        program.listeners.choose(options.listener)
        program.open_demo()
        wait_until(lambda: program.recording is not None)
        hand = Hand(program, options.separator)
        separate(program, 0, options.separator)
        wait_until(lambda: program.separation is None, 600)
        for load in options.load:
            for reference in options.reference:
                program.scoring.set_reference(reference)
                hand.measure(load, reference, options.releases, record=options.record)
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")


def separate(program: Program, number: int, separator: str) -> None:
    """Separate into another ensemble, and wait until the first window is there."""
    from separation.separator import parse_parts

    card = program.cards[separator]
    program.separate(parse_parts(ENSEMBLES[number % len(ENSEMBLES)], card), card.name, "cpu")
    assert program.recording is not None
    ready = READY_SECONDS * program.recording.sample_rate
    wait_until(lambda: program.stems is not None and program.stems.frames_done >= ready, 300)


class Hand:
    """Drags a gain and notes every score that comes."""

    def __init__(self, program: Program, separator: str) -> None:
        self.program = program
        self._separator = separator
        self.notes: list[tuple[float, float, QualityStatus]] = []
        self._number = 0
        program.scoring.changed.connect(self._note)

    def _note(self, status: QualityStatus) -> None:
        if status.state == "scored" and status.quality is not None and not status.stale:
            gain = self.program.document.session.strips["clarinet"].gain_db
            self.notes.append((time.perf_counter(), gain, status))

    def measure(self, load: str, reference: str, releases: int, *, record: bool) -> None:
        """Print the percentiles of a number of releases."""
        program = self.program
        busy = load == "busy"
        self._drag()  # what a new window costs once is not what a release costs
        waits, ages, separating = [], [], 0
        for number in range(releases):
            if busy:
                self._keep_busy()
            wait, on_the_way = self._drag()
            separating += program.separation is not None
            waits.append(wait)
            ages += on_the_way
            if record and number == 0:
                self._print_recording()
        if busy and program.player.playing:
            program.play_pause()
        what = load
        if busy:
            what = f"playing, separating during {separating} of {releases}"
        median, most = np.percentile(1000 * np.array(waits), [50, 90])
        way = 1000 * float(np.median(ages)) if ages else float("nan")
        print(
            f"{reference}, {what}: release to full score of both ears, 10 s: median {median:.0f} ms, "
            f"90th percentile {most:.0f} ms; provisional every {way:.0f} ms ({len(ages)})",
            flush=True,
        )

    def _keep_busy(self) -> None:
        program = self.program
        if program.separation is None:
            self._number += 1
            separate(program, self._number, self._separator)
            program.listening.player.seek(0)
            wait_until(lambda: program.scoring.status.state == "scored")
        if not program.player.playing or program.player.position > 8 * 44100:
            program.seek(2 * 44100)
            if not program.player.playing:
                program.play_pause()

    def _drag(self) -> tuple[float, list[float]]:
        """Drag to the other side and release: the seconds until the full score, and the pauses on the way."""
        document = self.program.document
        start = document.session.strips["clarinet"].gain_db
        target = -12.0 if start > -3.0 else 6.0
        self.notes.clear()
        self._began = time.perf_counter()
        document.begin_drag()
        steps = round(DRAG_SECONDS / STEP_SECONDS)
        for step in range(1, steps + 1):
            document.set_gain("clarinet", start + (target - start) * step / steps)
            spend(STEP_SECONDS)
        released = time.perf_counter()
        document.end_drag()
        wait_until(lambda: self._full(released))
        times = [self._began] + [t for t, _, s in self.notes if s.quality and s.quality.provisional]
        return self.notes[-1][0] - released, list(np.diff(times))

    def _full(self, since: float) -> bool:
        last = self.notes[-1] if self.notes else None
        return bool(last and last[0] >= since and last[2].quality and not last[2].quality.provisional)

    def _print_recording(self) -> None:
        for moment, gain, status in self.notes:
            quality = status.quality
            assert quality is not None
            kind = "provisional" if quality.provisional else "full"
            print(
                f"  {moment - self._began:6.3f} s  {gain:+6.2f} dB  left {quality.left:.4f}  "
                f"right {quality.right:.4f}  {kind}"
            )


def spend(seconds: float) -> None:
    """Let the window live for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(there: object, patience: float = PATIENCE_SECONDS) -> None:
    """Let the window live until something is so."""
    end = time.perf_counter() + patience
    while not there():  # type: ignore[operator]
        if time.perf_counter() > end:
            raise SystemExit("it took too long")
        spend(0.002)


if __name__ == "__main__":
    sys.exit(main())
