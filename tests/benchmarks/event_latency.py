"""How long the window makes an event wait while a separation, a score and a gain's drag go on.

    python -m tests.benchmarks.event_latency

A thread posts an event to the main thread every 5 ms and notes how long it waits there. The limit is
50 ms at the 99th percentile, the aim 16 ms. The same is measured with the program idle.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time

import numpy as np

INTERVAL_SECONDS = 0.005


def main() -> None:
    """Open the demo, measure idle, then while separating and dragging; print percentiles in ms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    seconds = parser.parse_args().seconds
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["RIPIENO_HOME"] = home
        measure(seconds)


def measure(seconds: float) -> None:
    """Run both measurements; Qt is imported here because the platform must be chosen before."""
    from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal

    from separation.catalogue import default_separator
    from separation.separator import parse_parts
    from ui.window_process import make_application, running_program

    class Probe(QObject):
        posted = Signal(float)

        def __init__(self) -> None:
            super().__init__()
            self.waits: list[float] = []
            self.posted.connect(self._arrived, Qt.ConnectionType.QueuedConnection)
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._post, name="probe")

        def _arrived(self, sent: float) -> None:
            self.waits.append(time.perf_counter() - sent)

        def _post(self) -> None:
            while not self._stop.wait(INTERVAL_SECONDS):
                self.posted.emit(time.perf_counter())

        def run(self, seconds: float) -> np.ndarray:
            """Waits (ms) of the events posted during the given time."""
            loop = QEventLoop()
            QTimer.singleShot(round(seconds * 1000), loop.quit)
            self._thread.start()
            loop.exec()
            self._stop.set()
            self._thread.join()
            return np.array(self.waits) * 1000.0

    def wait_for(signal: object) -> None:
        loop = QEventLoop()
        signal.connect(loop.quit)  # type: ignore[attr-defined]
        loop.exec()

    application = make_application()
    with running_program(application) as (program, window):
        window.resize(1600, 1000)
        window.show()
        program.open_demo()
        wait_for(program.recording_changed)
        show("idle", Probe().run(seconds / 3))

        card = program.cards[default_separator()]
        program.separate(parse_parts("violin,clarinet,viola,bassoon", card), card.name, "cpu")
        wait_for(program.block_ready)
        drag = QTimer()
        gains = iter(np.tile(np.concatenate([np.arange(-12, 6, 0.5), np.arange(6, -12, -0.5)]), 100))
        drag.timeout.connect(lambda: program.document.set_gain("violin", float(next(gains))))
        drag.start(33)
        program.document.begin_drag()
        waits = Probe().run(seconds)
        running = program.separation is not None
        drag.stop()
        program.document.end_drag()
        show(
            "separating, scoring, dragging" + ("" if running else " (the separation ended on the way)"), waits
        )


def show(what: str, waits: np.ndarray) -> None:
    """Print median, 99th percentile and maximum."""
    p50, p99, longest = np.percentile(waits, [50, 99, 100])
    print(f"{what}: median {p50:.1f} ms, 99th percentile {p99:.1f} ms, longest {longest:.1f} ms")


if __name__ == "__main__":
    main()
