import threading

import pytest
from PySide6.QtCore import QCoreApplication

from app import quality_job
from app.errors import UserError
from app.hearing.quality import Quality
from app.quality_job import QualityJob


def quality(value: float) -> Quality:
    return Quality(value, value, value, "true stems", 5.0, 0.0)


class Scorer:
    """Stands in for score_remix: waits to be let go, then answers with its request."""

    def __init__(self):
        self.go = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.calls = []
        self.threads = set()
        self.problem = None

    def __call__(self, request, check, progress, kept):
        self.calls.append(request)
        self.threads.add(threading.current_thread())
        self.entered.release()
        progress(0.5)
        while not self.go.acquire(timeout=0.01):
            check()
        check()
        if self.problem:
            raise self.problem
        return quality(request)


@pytest.fixture
def scorer(monkeypatch):
    stand_in = Scorer()
    monkeypatch.setattr(quality_job, "score_remix", stand_in)
    return stand_in


@pytest.fixture
def job(qtbot, scorer):
    job = QualityJob(warm=False)
    yield job
    job.close()
    job.deleteLater()


def test_a_score_arrives_on_the_main_thread_with_its_request(qtbot, job, scorer):
    told = []
    main = threading.current_thread()
    job.started.connect(lambda request: told.append(("started", request)))
    job.progressed.connect(lambda request, fraction: told.append((fraction, request)))
    job.scored.connect(lambda request, result: told.append((result.mean, threading.current_thread() is main)))
    scorer.go.release()
    with qtbot.waitSignal(job.idle):
        job.request(0.25)
    assert told == [("started", 0.25), (0.5, 0.25), (0.25, True)]
    assert main not in scorer.threads
    assert not job.busy


def test_the_newest_request_wins(qtbot, job, scorer):
    scored = []
    job.scored.connect(lambda request, result: scored.append(request))
    job.request(1)
    scorer.entered.acquire()
    for number in range(2, 10):
        job.request(number)
    assert job.busy
    scorer.go.release(2)
    with qtbot.waitSignal(job.idle):
        pass
    assert scored == [1, 9]
    assert scorer.calls == [1, 9]


def test_between_two_requests_it_is_not_idle(qtbot, job, scorer, monkeypatch):
    taken, go = threading.Event(), threading.Event()
    post = QualityJob._post

    def late(self, message):
        if message.request == 2 and not taken.is_set():
            taken.set()
            assert go.wait(10)
        post(self, message)

    monkeypatch.setattr(QualityJob, "_post", late)
    idle, scored = [], []
    job.idle.connect(lambda: idle.append(True))
    job.scored.connect(lambda request, result: scored.append(request))
    job.request(1)
    scorer.entered.acquire()
    job.request(2)
    scorer.go.release(2)
    qtbot.waitUntil(lambda: taken.is_set() and scored == [1])
    QCoreApplication.processEvents()
    assert idle == []
    with qtbot.waitSignal(job.idle):
        go.set()
    assert scored == [1, 2]


def test_a_new_recording_stops_what_runs(qtbot, job, scorer):
    scored = []
    job.scored.connect(lambda request, result: scored.append(request))
    job.request(1)
    scorer.entered.acquire()
    job.request(2, stop_running=True)
    scorer.entered.acquire()
    scorer.go.release()
    with qtbot.waitSignal(job.idle):
        pass
    assert scored == [2]


def test_cancel_stops_and_drops(qtbot, job, scorer):
    scored = []
    job.scored.connect(lambda request, result: scored.append(request))
    job.request(1)
    scorer.entered.acquire()
    job.request(2)
    with qtbot.waitSignal(job.idle):
        job.cancel()
    assert scored == []
    assert scorer.calls == [1]
    scorer.go.release()
    with qtbot.waitSignal(job.scored):
        job.request(3)


def test_a_request_does_not_take_a_cancellation_back(qtbot, job, monkeypatch):
    entered, go = threading.Event(), threading.Event()

    def score(request, check, progress, kept):
        if request == 1:
            entered.set()
            assert go.wait(10)  # a step between two checks: the cancellation is seen after it
        check()
        return quality(request)

    monkeypatch.setattr(quality_job, "score_remix", score)
    scored = []
    job.scored.connect(lambda request, result: scored.append(request))
    job.request(1)
    assert entered.wait(10)
    job.cancel()
    job.request(2)
    with qtbot.waitSignal(job.idle):
        go.set()
    assert scored == [2]


def test_problems_become_sentences(qtbot, job, scorer, expected_errors):
    scorer.problem = UserError("There is nothing to score yet.")
    scorer.go.release(2)
    with qtbot.waitSignal(job.failed) as caught:
        job.request(1)
    assert caught.args == [1, "There is nothing to score yet."]
    scorer.problem = RuntimeError("out of cheese")
    with qtbot.waitSignal(job.failed) as caught:
        job.request(2)
    assert "log" in caught.args[1]
    assert "cheese" not in caught.args[1]
    assert len(expected_errors) == 1


def test_close_joins_the_thread_and_silences_it(qtbot, scorer):
    job = QualityJob(warm=False)
    told = []
    job.scored.connect(lambda *args: told.append(args))
    job.request(1)
    scorer.entered.acquire()
    job.close()
    assert not job._thread.is_alive()
    job.request(2)
    assert scorer.calls == [1]
    assert told == []


def test_warming_up_comes_first_and_its_failure_is_only_logged(qtbot, monkeypatch, scorer, expected_errors):
    order = []
    monkeypatch.setattr(quality_job, "warm_up", lambda check: order.append("warm") or 1 / 0)
    job = QualityJob()
    scorer.go.release()
    with qtbot.waitSignal(job.scored):
        job.request(1)
    assert order == ["warm"]
    assert len(expected_errors) == 1
    job.close()


def test_closing_stops_the_warming_up(qtbot, monkeypatch, scorer):
    begun = threading.Event()

    def endless(check):
        begun.set()
        while True:
            check()

    monkeypatch.setattr(quality_job, "warm_up", endless)
    job = QualityJob()
    begun.wait()
    job.close()
    assert not job._thread.is_alive()
