"""The tile thread: newest view first, overtaken work dropped, an end that is joined."""

import threading

import numpy as np
import pytest

from ui.tile_worker import TileJob, TileWorker


@pytest.fixture
def worker(qtbot):
    worker = TileWorker()
    yield worker
    worker.shutdown()


class Gate:
    """A job that waits until it is let through, so that what follows queues up behind it."""

    def __init__(self) -> None:
        self.started, self.open = threading.Event(), threading.Event()

    def job(self) -> TileJob:
        def compute() -> np.ndarray:
            self.started.set()
            assert self.open.wait(20)
            return np.zeros(1)

        return TileJob("gate", compute)


def job(key: object, log: list | None = None, *, urgent: bool = True) -> TileJob:
    def compute() -> np.ndarray:
        if log is not None:
            log.append(key)
        return np.array([len(str(key))])

    return TileJob(key, compute, urgent)


def test_results_come_on_the_main_thread(worker: TileWorker, qtbot) -> None:
    got = []
    view = worker.join_view(lambda key, result: got.append((key, result, threading.current_thread())))
    worker.ask(view, [job("a"), job("b")])
    qtbot.waitUntil(lambda: len(got) == 2)
    assert [g[0] for g in got] == ["a", "b"]
    assert all(g[2] is threading.main_thread() for g in got)
    assert worker.idle


def test_the_view_that_asked_last_comes_first(worker: TileWorker, qtbot) -> None:
    log, got = [], []
    gate, views = Gate(), [worker.join_view(lambda key, _: got.append(key)) for _ in range(3)]
    worker.ask(views[0], [gate.job()])
    assert gate.started.wait(20)
    worker.ask(views[1], [job("old 1", log), job("old 2", log)])
    worker.ask(views[2], [job("beside", log, urgent=False)])
    worker.ask(views[0], [job("new", log)])
    gate.open.set()
    qtbot.waitUntil(lambda: len(got) == 5)
    assert log == ["new", "old 1", "old 2", "beside"]


def test_what_is_not_asked_for_again_is_dropped(worker: TileWorker, qtbot) -> None:
    log, got = [], []
    gate, view = Gate(), worker.join_view(lambda key, _: got.append(key))
    worker.ask(view, [gate.job()])
    assert gate.started.wait(20)
    worker.ask(view, [job("stale", log)])
    worker.ask(view, [job("fresh", log)])
    gate.open.set()
    qtbot.waitUntil(lambda: "fresh" in got)
    assert log == ["fresh"]


def test_what_is_being_computed_is_not_computed_again(worker: TileWorker, qtbot) -> None:
    got = []
    gate, view = Gate(), worker.join_view(lambda key, _: got.append(key))
    worker.ask(view, [gate.job()])
    assert gate.started.wait(20)
    worker.ask(view, [gate.job()])
    gate.open.set()
    qtbot.waitUntil(lambda: bool(got) and worker.idle)
    assert got == ["gate"]


def test_a_view_that_left_gets_nothing(worker: TileWorker, qtbot) -> None:
    got, other = [], []
    gate, view = Gate(), worker.join_view(lambda key, _: got.append(key))
    last = worker.join_view(lambda key, _: other.append(key))
    worker.ask(view, [gate.job(), job("never")])
    assert gate.started.wait(20)
    worker.leave(view)
    gate.open.set()
    worker.ask(last, [job("end")])
    qtbot.waitUntil(lambda: other == ["end"])
    assert got == []


def test_a_failure_is_logged_and_the_thread_goes_on(worker: TileWorker, qtbot, expected_errors) -> None:
    got = []

    def fail() -> np.ndarray:
        raise ArithmeticError("broken")

    view = worker.join_view(lambda key, result: got.append((key, result)))
    worker.ask(view, [TileJob("bad", fail), job("good")])
    qtbot.waitUntil(lambda: len(got) == 2)
    assert got[0] == ("bad", None)
    assert got[1][0] == "good"
    assert "bad" in expected_errors[0].getMessage()


def test_shutdown_joins_and_nothing_starts_again(qtbot) -> None:
    before = set(threading.enumerate())  # what other tests' windows left is not this worker's
    worker = TileWorker()
    view = worker.join_view(lambda *_: None)
    worker.ask(view, [job(i) for i in range(50)])
    worker.shutdown()
    assert not [t for t in threading.enumerate() if t.name == "spectrogram tiles" and t not in before]
    worker.ask(view, [job("late")])
    assert not [t for t in threading.enumerate() if t.name == "spectrogram tiles" and t not in before]
    worker.shutdown()
