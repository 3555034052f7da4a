"""How long from the start of the process to a window that can be used.

    python -m tests.benchmarks.launch_time

Starts the program a few times, each in a process of its own with an empty home, on the offscreen platform,
until the window is painted and idle. Beside it stands the time that Python and Qt alone take to show an
empty window: the ratio says what is ours.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

EMPTY = """
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
window = QMainWindow()
window.show()
application.processEvents()
"""
PROGRAM = """
from ui.window_process import make_application, running_program
application = make_application()
with running_program(application) as (program, window):
    window.show()
    application.processEvents()
    import os, time
    print(time.time() - float(os.environ["STARTED"]))
"""


def seconds_to_show(code: str) -> float:
    """Wall time (s) from starting a process to the window's first paint."""
    with tempfile.TemporaryDirectory() as home:
        started = time.time()
        environment = {
            **os.environ,
            "RIPIENO_HOME": home,
            "QT_QPA_PLATFORM": "offscreen",
            "STARTED": str(started),
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
        )
        # The program prints when it was usable; how long it takes to quit is another matter.
        return float(done.stdout) if done.stdout else time.time() - started


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    seconds_to_show(PROGRAM)  # fills the disk's cache
    empty = statistics.median(seconds_to_show(EMPTY) for _ in range(runs))
    ours = statistics.median(seconds_to_show(PROGRAM) for _ in range(runs))
    print(f"an empty Qt window: {empty:.2f} s; Ripieno: {ours:.2f} s; ratio {ours / empty:.1f}")


if __name__ == "__main__":
    main()
