"""The nets that every test stands over: each is shown to hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CASES = """
import logging, os, threading, time
import pytest
from PySide6.QtCore import QObject, QTimer

kept = []
go = threading.Event()

def test_fine(qtbot, tmp_path):
    assert os.environ["RIPIENO_HOME"].startswith(str(tmp_path))
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"

def test_thread():
    threading.Thread(target=go.wait, name="leaky", daemon=True).start()

def test_thread_that_ends():
    go.set()
    threading.Thread(target=time.sleep, args=(0.05,)).start()

def test_timer(qtbot):
    timer = QTimer()
    timer.setObjectName("ticking")
    timer.start(1000)
    kept.append(timer)

def test_timer_that_died(qtbot):
    owner = QObject()
    QTimer(owner).start(1000)
    owner.itself = owner

def test_error():
    logging.getLogger("app").error("lost a string")

def test_expected_error(expected_errors):
    logging.getLogger("app").error("lost a string")
    assert len(expected_errors) == 1

def test_warning():
    import warnings
    warnings.warn("old", DeprecationWarning)

def test_qt_warning(qtbot):
    from PySide6.QtCore import qWarning
    qWarning("flat")
"""


def test_what_a_test_leaves_behind_fails_it(tmp_path: Path) -> None:
    here = Path(__file__).parent
    (tmp_path / "conftest.py").write_text(
        (here / "conftest.py")
        .read_text(encoding="utf-8")
        .replace("GRACE_SECONDS = 5.0", "GRACE_SECONDS = 0.5"),
        encoding="utf-8",
    )
    (tmp_path / "test_cases.py").write_text(CASES, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        (here.parent / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "test_cases.py"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    outcomes: dict[str, list[str]] = {}
    for name, outcome in re.findall(r"test_cases\.py::test_(\w+) (PASSED|FAILED|ERROR)", done.stdout):
        outcomes.setdefault(name, []).append(outcome)
    assert outcomes == {
        "fine": ["PASSED"],
        "thread": ["PASSED", "ERROR"],
        "thread_that_ends": ["PASSED"],
        "timer": ["PASSED", "ERROR"],
        "timer_that_died": ["PASSED"],
        "error": ["PASSED", "ERROR"],
        "expected_error": ["PASSED"],
        "warning": ["FAILED"],
        "qt_warning": ["FAILED"],
    }, done.stdout
    for said in ("left threads running: leaky (daemon)", "left timers running: ticking", "lost a string"):
        assert said in done.stdout
