from __future__ import annotations

import gc
import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from app.errors import Cancelled, UserError
from app.jobs import MOST_UNREAD, Job, JobControl, Jobs, Progress
from app.log import log_path
from separation.separator import Cancelled as SeparatorCancelled
from separation.separator import SeparatorError

PATIENCE = 20.0


class Ear(QObject):
    """Notes what a job says, and on which thread it is heard."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.said: list[tuple[str, Any]] = []
        self.threads: set[threading.Thread] = set()
        job.progressed.connect(lambda progress: self.note("progressed", progress.fraction))
        job.produced.connect(lambda thing: self.note("produced", thing))
        job.finished.connect(lambda result: self.note("finished", result))
        job.failed.connect(lambda sentence: self.note("failed", sentence))
        job.cancelled.connect(lambda: self.note("cancelled", None))
        job.ended.connect(lambda: self.note("ended", None))

    def note(self, what: str, value: Any) -> None:
        self.threads.add(threading.current_thread())
        self.said.append((what, value))

    @property
    def words(self) -> list[str]:
        return [what for what, _ in self.said]


@pytest.fixture
def jobs(qapp: object) -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    assert jobs.cancel_all(PATIENCE)


def end(qtbot: QtBot, jobs: Jobs) -> None:
    qtbot.waitUntil(lambda: not jobs.running, timeout=int(PATIENCE * 1000))


def test_a_function_runs_elsewhere_and_is_heard_here(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> threading.Thread:
        control.progress(0.5)
        return threading.current_thread()

    ear = Ear(jobs.start("counting", work))
    end(qtbot, jobs)
    assert ear.words == ["progressed", "finished", "ended"]
    assert ear.said[1][1].name == "job counting"
    assert ear.said[1][1] is not threading.main_thread()
    assert ear.threads == {threading.main_thread()}


def test_a_generator_gives_progress_products_and_a_result(qtbot: QtBot, jobs: Jobs) -> None:
    read = threading.Semaphore(0)

    def work(control: JobControl) -> Generator[Any, None, str]:
        for number in range(3):
            yield Progress(number / 3)
            yield number
            read.acquire(timeout=PATIENCE)  # so that no progress is overtaken before it is read
        return "done"

    job = jobs.start("counting", work)
    ear = Ear(job)
    job.produced.connect(lambda _: read.release())
    end(qtbot, jobs)
    assert ear.said == [
        ("progressed", 0.0),
        ("produced", 0),
        ("progressed", pytest.approx(1 / 3)),
        ("produced", 1),
        ("progressed", pytest.approx(2 / 3)),
        ("produced", 2),
        ("finished", "done"),
        ("ended", None),
    ]


def test_progress_that_nobody_read_is_overtaken_but_no_product_is(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> None:
        for number in range(100):
            control.progress(number / 100)
        for number in range(50):
            control.produce(number)

    job = jobs.start("counting", work)
    ear = Ear(job)
    job._thread.join(PATIENCE)  # nothing was delivered yet: the main thread did not look
    assert ear.said == []
    end(qtbot, jobs)
    assert [value for what, value in ear.said if what == "progressed"] == [0.99]
    assert [value for what, value in ear.said if what == "produced"] == list(range(50))


def test_work_waits_for_a_main_thread_that_does_not_read(qtbot: QtBot, jobs: Jobs) -> None:
    made = []

    def work(control: JobControl) -> None:
        for number in range(1000):
            made.append(number)
            control.produce(number)

    job = jobs.start("flood", work)
    ear = Ear(job)
    job._thread.join(0.2)
    assert len(made) <= MOST_UNREAD + 1
    end(qtbot, jobs)
    assert [value for what, value in ear.said if what == "produced"] == list(range(1000))


def test_waiting_for_work_that_floods(qtbot: QtBot, jobs: Jobs) -> None:
    job = jobs.start("flood", lambda control: [control.produce(n) for n in range(1000)] and "done")
    ear = Ear(job)
    assert job.wait(PATIENCE)
    assert ear.words == ["produced"] * 1000 + ["finished", "ended"]


def test_work_that_asks_is_cancelled(qtbot: QtBot, jobs: Jobs) -> None:
    begun = threading.Event()

    def work(control: JobControl) -> None:
        while True:
            begun.set()
            control.check()

    job = jobs.start("endless", work)
    ear = Ear(job)
    assert begun.wait(PATIENCE)
    job.cancel()
    end(qtbot, jobs)
    assert ear.words == ["cancelled", "ended"]


def test_a_generator_is_closed_between_two_yields(qtbot: QtBot, jobs: Jobs) -> None:
    closed = threading.Event()

    def work(control: JobControl) -> Generator[int, None, None]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed.set()

    job = jobs.start("endless", work)
    ear = Ear(job)
    with qtbot.waitSignal(job.produced, timeout=int(PATIENCE * 1000)):
        pass
    job.cancel()
    end(qtbot, jobs)
    assert closed.is_set()
    assert ear.words[-2:] == ["cancelled", "ended"]


def test_no_progress_after_cancel_but_products_that_are_there(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> None:
        control.produce("block")
        control.progress(0.5)
        while True:
            control.check()

    job = jobs.start("blocks", work)
    ear = Ear(job)
    job.cancel()
    assert job.wait(PATIENCE)
    assert ear.words in (["produced", "cancelled", "ended"], ["cancelled", "ended"])


def test_what_was_finished_when_it_was_cancelled_is_finished(qtbot: QtBot, jobs: Jobs) -> None:
    job = jobs.start("quick", lambda control: "done")
    ear = Ear(job)
    job._thread.join(PATIENCE)
    job.cancel()
    end(qtbot, jobs)
    assert ear.said == [("finished", "done"), ("ended", None)]


@pytest.mark.parametrize("kind", [Cancelled, SeparatorCancelled])
def test_both_kinds_of_cancellation(qtbot: QtBot, jobs: Jobs, kind: type[Exception]) -> None:
    def work(control: JobControl) -> None:
        raise kind

    ear = Ear(jobs.start("work", work))
    end(qtbot, jobs)
    assert ear.words == ["cancelled", "ended"]


@pytest.mark.parametrize("kind", [UserError, SeparatorError])
def test_an_error_for_the_user_is_its_sentence(qtbot: QtBot, jobs: Jobs, kind: type[Exception]) -> None:
    def work(control: JobControl) -> Generator[int, None, None]:
        yield 1
        raise kind("“a.wav” is empty. Choose another.")

    ear = Ear(jobs.start("opening", work))
    end(qtbot, jobs)
    assert ear.said == [("produced", 1), ("failed", "“a.wav” is empty. Choose another."), ("ended", None)]


def test_a_fault_is_logged_and_told_in_plain_words(
    qtbot: QtBot, jobs: Jobs, expected_errors: list[Any]
) -> None:
    ear = Ear(jobs.start("faulty", lambda control: {}["violin"]))
    end(qtbot, jobs)
    assert ear.words == ["failed", "ended"]
    assert ear.said[0][1].startswith("Something went wrong inside Ripieno")
    assert str(log_path()) in ear.said[0][1]
    assert expected_errors[0].exc_info[0] is KeyError


def test_a_receiver_that_fails_does_not_stop_the_job(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> Generator[int, None, str]:
        yield 1
        return "done"

    job = jobs.start("work", work)

    def fail(_: object) -> None:
        raise ValueError("a slot's own fault")

    job.produced.connect(fail)
    ear = Ear(job)
    with qtbot.captureExceptions() as caught:
        end(qtbot, jobs)
    assert [kind for kind, *_ in caught] == [ValueError]
    assert ear.words == ["produced", "finished", "ended"]


def test_the_jobs_that_run_are_known(qtbot: QtBot, jobs: Jobs) -> None:
    go = threading.Event()
    started: list[Job] = []
    ended: list[Job] = []
    jobs.started.connect(started.append)
    jobs.ended.connect(ended.append)
    slow = jobs.start("slow", lambda control: go.wait(PATIENCE))
    quick = jobs.start("quick", lambda control: None)
    assert jobs.running == (slow, quick)
    assert jobs.find("slow") is slow
    assert jobs.find("other") is None
    qtbot.waitUntil(lambda: jobs.running == (slow,), timeout=int(PATIENCE * 1000))
    assert slow.running
    go.set()
    end(qtbot, jobs)
    assert started == [slow, quick]
    assert len(ended) == 2


def test_cancel_all_joins_and_delivers(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> None:
        while True:
            control.check()

    ears = [Ear(jobs.start(f"endless {n}", work)) for n in range(4)]
    threads = [job._thread for job in jobs.running]
    assert jobs.cancel_all(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert jobs.running == ()
    assert all(ear.words == ["cancelled", "ended"] for ear in ears)


def test_a_job_that_does_not_stop_is_told_of(
    qtbot: QtBot, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()
    jobs.start("deaf", lambda control: go.wait(PATIENCE))
    assert not jobs.cancel_all(0.01)
    assert "deaf" in caplog.text
    go.set()
    end(qtbot, jobs)


def test_a_receiver_may_wait_for_the_job(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> Generator[int, None, str]:
        yield from range(100)
        return "done"

    job = jobs.start("work", work)
    job.produced.connect(lambda number: number == 10 and job.wait(PATIENCE))
    ear = Ear(job)
    end(qtbot, jobs)
    assert [value for what, value in ear.said if what == "produced"] == sorted(range(100))
    assert ear.words[-2:] == ["finished", "ended"]


def test_a_job_may_be_started_by_another_ones_end(qtbot: QtBot, jobs: Jobs) -> None:
    results: list[str] = []
    first = jobs.start("first", lambda control: "first")

    def go_on(result: str) -> None:
        results.append(result)
        jobs.start("second", lambda control: "second").finished.connect(results.append)

    first.finished.connect(go_on)
    end(qtbot, jobs)
    assert results == ["first", "second"]


def test_jobs_that_die_take_their_work_along(qtbot: QtBot) -> None:
    """Their objects are gone while their threads still talk: nothing crashes, and the threads end."""
    stopped = threading.Barrier(21)

    def work(control: JobControl) -> None:
        try:
            while True:
                control.progress(0.5)
                control.produce("x")
                control.check()
        finally:
            stopped.wait(PATIENCE)

    jobs = Jobs()
    for number in range(20):
        jobs.start(f"orphan {number}", work)
    QCoreApplication.processEvents()
    del jobs
    gc.collect()
    stopped.wait(PATIENCE)
    QCoreApplication.processEvents()


def test_a_job_alone_that_dies_takes_its_work_along(qtbot: QtBot) -> None:
    stopped = threading.Event()

    def work(control: JobControl) -> None:
        try:
            while True:
                control.progress(0.5)
                control.check()
        finally:
            stopped.set()

    job = Job("orphan", work)
    assert not stopped.is_set()
    del job
    gc.collect()
    assert stopped.wait(PATIENCE)
    QCoreApplication.processEvents()


def test_a_receiver_that_dies_is_not_called(qtbot: QtBot, jobs: Jobs) -> None:
    class Receiver(QObject):
        @Slot(object)
        def hear(self, thing: object) -> None:
            heard.append(thing)

    heard: list[object] = []
    go = threading.Event()

    def work(control: JobControl) -> None:
        control.produce(1)
        go.wait(PATIENCE)
        control.produce(2)

    receiver = Receiver()
    job = jobs.start("work", work)
    job.produced.connect(receiver.hear)
    qtbot.waitUntil(lambda: heard == [1], timeout=int(PATIENCE * 1000))
    receiver.deleteLater()
    QCoreApplication.sendPostedEvents(receiver, 0)
    del receiver
    go.set()
    end(qtbot, jobs)
    assert heard == [1]


def test_signals_reach_a_receiver_in_its_own_thread(qtbot: QtBot, jobs: Jobs) -> None:
    ear = Ear(jobs.start("work", lambda control: QThread.currentThread() is not None))
    end(qtbot, jobs)
    assert ear.said[0] == ("finished", True)
    assert ear.threads == {threading.main_thread()}


def test_many_jobs_and_many_messages(qtbot: QtBot, jobs: Jobs) -> None:
    def work(control: JobControl) -> Generator[int, None, int]:
        yield from range(200)
        return 200

    ears = [Ear(jobs.start(f"work {n}", work)) for n in range(20)]
    end(qtbot, jobs)
    for ear in ears:
        assert [value for what, value in ear.said if what == "produced"] == list(range(200))
        assert ear.words[-2:] == ["finished", "ended"]
