from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import log as program_log
from app.log import Log, forget_crash, last_crash, log_path, start_log


@pytest.fixture
def started() -> Iterator[Log]:
    before = sys.excepthook, threading.excepthook, logging.getLogger().level
    log = start_log()
    yield log
    log.close()
    assert (sys.excepthook, threading.excepthook, logging.getLogger().level) == before


def logged() -> str:
    return log_path().read_text(encoding="utf-8")


def test_it_lies_in_the_log_folder(started: Log, own_folders: Path) -> None:
    logging.getLogger("app.somewhere").info("caf\xe9 %d", 7)
    assert own_folders in log_path().parents
    assert re.search(r"INFO app\.somewhere \[MainThread\] café 7", logged())
    assert re.search(r"Ripieno \d\S+, Python 3\.", logged())


def test_odd_file_names_do_not_break_it(started: Log) -> None:
    logging.getLogger("app").warning("cannot read %s", "caf\udce9.wav")
    assert "caf\\udce9.wav" in logged()


def test_it_rotates(started: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = started._handler
    assert isinstance(handler, logging.handlers.RotatingFileHandler)
    handler.maxBytes = 10_000
    for number in range(2000):
        logging.getLogger("app").info("line %d %s", number, "x" * 100)
    files = sorted(path.name for path in log_path().parent.glob("ripieno.log*"))
    assert files == ["ripieno.log"] + [f"ripieno.log.{n}" for n in range(1, program_log.OLDER_FILES + 1)]
    assert all(path.stat().st_size <= 11_000 for path in log_path().parent.glob("ripieno.log*"))


def test_an_exception_is_logged_and_passed_on(
    started: Log, expected_errors: list[logging.LogRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise ValueError("the bow broke")
    except ValueError as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)
    assert "ValueError: the bow broke" in logged()
    assert expected_errors[0].levelno == logging.CRITICAL
    assert "the bow broke" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_in_a_thread_is_logged(started: Log, expected_errors: list[logging.LogRecord]) -> None:
    def work() -> None:
        raise ValueError("a string broke")

    thread = threading.Thread(target=work, name="strings")
    thread.start()
    thread.join()
    assert "unexpected exception in strings" in logged()
    assert "ValueError: a string broke" in logged()


def test_a_keyboard_interrupt_is_no_fault(started: Log) -> None:
    silent = sys.excepthook
    assert started._old_hooks is not None
    started._old_hooks = (lambda *args: None, started._old_hooks[1])
    silent(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "KeyboardInterrupt" not in logged()
    started._old_hooks = (sys.__excepthook__, started._old_hooks[1])


@pytest.fixture(autouse=True)
def own_excepthook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's own hooks beneath ours, not those of pytest's plugins."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)


def test_without_a_folder_the_program_goes_on(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_folders.write_text("not a folder", encoding="utf-8")
    log = start_log()
    logging.getLogger("app").warning("still here")
    log.close()
    assert "there will be no log file" in capsys.readouterr().err
    assert last_crash() is None


def test_a_clean_exit_leaves_no_note(own_folders: Path) -> None:
    log = start_log()
    assert last_crash() is None  # its own note, as it runs
    log.close()
    assert last_crash() is None
    assert [path.name for path in log_path().parent.iterdir()] == ["ripieno.log"]


ENDS = """
import ctypes, os, signal, sys
from app.log import start_log
log = start_log()
if sys.argv[1] == "segfault":
    ctypes.string_at(0)
elif sys.argv[1] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
elif sys.argv[1] == "exception":
    raise RuntimeError("the peg slipped")
log.close()
"""


def run(how: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", ENDS, how], capture_output=True, timeout=120, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("how", "code", "note"),
    [
        ("segfault", -signal.SIGSEGV, "Fatal Python error: Segmentation fault"),
        ("kill", -signal.SIGKILL, "The program ended without saying why"),
        ("exception", 1, "RuntimeError: the peg slipped"),
    ],
)
def test_a_crash_leaves_a_note_that_is_offered_until_it_is_forgotten(how: str, code: int, note: str) -> None:
    assert run(how).returncode == code
    text = last_crash()
    assert text is not None
    assert text.startswith("Ripieno ")
    assert note in text
    assert last_crash() == text
    forget_crash()
    assert last_crash() is None
    assert not list(log_path().parent.glob("crash-*"))


def test_a_run_that_ends_well_leaves_no_note() -> None:
    assert run("well").returncode == 0
    assert last_crash() is None


def test_a_run_that_is_alive_has_not_crashed(started: Log) -> None:
    assert len(list(log_path().parent.glob("crash-*.txt"))) == 1
    assert last_crash() is None
    forget_crash()
    assert len(list(log_path().parent.glob("crash-*.txt"))) == 1
