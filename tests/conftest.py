"""What every test gets: folders of its own, an offscreen Qt, and a look at what it left behind."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before numpy and torch load their thread pools: several tests run beside each other on small machines.
for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_pool, "2")
# Compiled once for all tests and runs, not once for every test's own folders.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba"))

import pytest  # noqa: E402 - after the environment is set

GRACE_SECONDS = 5.0
"""How long a thread that was told to end may take before it counts as leaked."""
THIRD_PARTY_THREADS = ("tqdm_monitor", "asyncio_", "QThreadCreatedBy", "pytest_timeout")
"""Threads that a package keeps for the whole process: no test can end them."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every folder of the program (cache, settings, log, recovery) lies under the test's own one."""
    home = tmp_path / "ripieno-home"
    monkeypatch.setenv("RIPIENO_HOME", str(home))
    return home


@pytest.fixture(autouse=True, scope="session")
def few_torch_threads() -> None:
    """Two threads at most, set once: the results are the same, and neighbours can breathe."""
    import torch

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    # What the large packages made at import is not looked through any more when garbage is collected.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_sound_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this computer's sound server plays is no test's affair."""
    if (watch := sys.modules.get("app.sink_watch")) is not None:
        monkeypatch.setattr(watch, "system_sink", lambda: "")


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def expected_errors() -> list[logging.LogRecord]:
    """Ask for this in a test that makes the program log an error; the list fills as they come."""
    return []


@pytest.fixture(autouse=True)
def unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """A logged error fails the test, unless it asked for ``expected_errors``."""
    handler = _Errors()
    expected = "expected_errors" in request.fixturenames
    if expected:
        handler.records = request.getfixturevalue("expected_errors")
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if handler.records and not expected:
        pytest.fail("logged an error: " + "; ".join(r.getMessage() for r in handler.records), pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """A thread that still runs after its test (and a few seconds of grace) fails it."""
    before = set(threading.enumerate())
    yield
    patience = time.monotonic() + GRACE_SECONDS
    while leaked := [t for t in threading.enumerate() if t not in before and _is_ours(t)]:
        if time.monotonic() > patience:
            names = ", ".join(f"{t.name} (daemon)" if t.daemon else t.name for t in leaked)
            pytest.fail(f"left threads running: {names}", pytrace=False)
        leaked[0].join(0.05)


def _is_ours(thread: threading.Thread) -> bool:
    # A dummy is a thread that Python did not start, such as PortAudio's: it ends with its stream.
    return not isinstance(thread, threading._DummyThread) and not thread.name.startswith(THIRD_PARTY_THREADS)


@pytest.fixture(autouse=True)
def no_leaked_timers(request: pytest.FixtureRequest) -> Iterator[None]:
    """A QTimer that still runs when its test has torn down its objects fails it."""
    if not {"qtbot", "qapp"} & set(request.fixturenames):
        yield
        return
    before = {id(timer) for timer in _running_timers()}
    yield
    if not (leaked := [t for t in _running_timers() if id(t) not in before]):
        return
    gc.collect()  # what only waits for the garbage collector is no leak
    del leaked
    if leaked := [t for t in _running_timers() if id(t) not in before]:
        owners = ", ".join(f"{t.objectName() or 'a timer'} of {t.parent()!r}" for t in leaked)
        for timer in leaked:
            timer.stop()
        pytest.fail(f"left timers running: {owners}", pytrace=False)


def _running_timers() -> list:
    core = sys.modules.get("PySide6.QtCore")
    if core is None:
        return []
    import shiboken6

    # Not gc.get_objects(): it also holds the tuples that another thread is just making, which spoils them.
    wrappers = shiboken6.getAllValidWrappers()
    return [timer for timer in wrappers if issubclass(type(timer), core.QTimer) and timer.isActive()]
