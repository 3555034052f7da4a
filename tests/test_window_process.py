"""The program as a process: it starts, ends when asked to, and keeps what was unsaved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from PySide6.QtCore import QTimer
import ui.window_process as process
from app.session import Session, Source

def edit(program):
    source = Source("/nowhere/quartet.wav", "0" * 64, 44100, 2, 1000)
    from separation.separator import Part
    program.document.replace(Session(source=source).with_stems((Part("violin"),), "nmf"))
    program.document.set_gain("violin", -4.0)
    print("ready", flush=True)

before = process.MainWindow.offer_leftovers
def offer(window):
    before(window)
    print("offered", len(window.program.recoveries()), bool(window.program.crash_note()), flush=True)
    QTimer.singleShot(0, window, lambda: edit(window.program))
process.MainWindow.offer_leftovers = offer
sys.exit(process.run_window())
"""


def start(home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "RIPIENO_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True
    )


def lines_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        if line.strip() == "ready":
            break
        lines.append(line.strip())
    return lines


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_is_told_to_end_keeps_unsaved_work_and_leaves_no_crash_note(tmp_path: Path, number):
    first = start(tmp_path)
    assert lines_until_ready(first) == ["offered 0 False"]
    first.send_signal(number)
    assert first.wait(60) == 0
    second = start(tmp_path)
    assert lines_until_ready(second) == ["offered 1 False"]
    second.kill()
    second.wait(60)
    for process in (first, second):
        process.stdout.close()


def test_a_program_that_is_killed_leaves_a_note(tmp_path: Path):
    first = start(tmp_path)
    lines_until_ready(first)
    first.kill()
    first.wait(60)
    second = start(tmp_path)
    (said,) = lines_until_ready(second)
    second.kill()
    second.wait(60)
    for process in (first, second):
        process.stdout.close()
    # What the window was shown is forgotten at once, so the note is not offered twice.
    assert said.startswith("offered 1")
