"""The job that runs, in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.status import ExportStatus, SeparationStatus
from ui.job_status import STEPS, JobStatus, left_in_words, separation_words

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def job() -> Iterator[JobStatus]:
    made = JobStatus()
    yield made
    made.close()
    made.deleteLater()


def test_it_is_hidden_while_nothing_runs(job: JobStatus) -> None:
    job.show_jobs("", None, None)
    assert job.isHidden()
    assert job.job == ""


def test_a_separation_says_how_far_how_fast_and_how_long(job: JobStatus) -> None:
    status = SeparationStatus(True, 0.432, 21.0, 2.13, 41.0, "Intel Xeon", "Out of memory on the card")
    job.show_jobs("", None, status)
    assert job.text.whole == "Separating 43 % · 0:21 done · 2.1× real time · about 40 s left"
    assert job.bar.value() == round(0.432 * STEPS)
    assert job.bar.accessibleDescription() == job.text.whole
    assert "Intel Xeon" in job.toolTip()
    assert job.cancel.accessibleName() == "Cancel separating"


def test_what_is_not_known_is_not_said() -> None:
    assert separation_words(SeparationStatus(True)) == "Separating 0 %"


def test_cancel_says_which_job(job: JobStatus) -> None:
    cancelled: list[str] = []
    job.cancel_clicked.connect(cancelled.append)
    job.show_jobs("trio.wav", None, None)
    assert job.bar.maximum() == 0  # not known how far: the bar runs to and fro
    job.cancel.click()
    job.show_jobs("", ExportStatus(True, 0.5, 100.0), SeparationStatus(True, 0.1))
    assert job.text.whole == "Exporting 50 % · about 2 min left"
    job.cancel.click()
    job.show_jobs("", None, SeparationStatus(True, 0.1))
    job.cancel.click()
    assert cancelled == ["opening", "export", "separation"]


def test_a_job_that_has_ended_is_gone(job: JobStatus) -> None:
    job.show_jobs("", ExportStatus(True), None)
    job.show_jobs("", ExportStatus(False, 1.0, done=True), None)
    assert job.isHidden()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3.0, "a few seconds left"),
        (31.0, "about 30 s left"),
        (200.0, "about 3 min left"),
        (9000.0, "about 2.5 h left"),
    ],
)
def test_no_more_exact_than_it_can_be(seconds: float, words: str) -> None:
    assert left_in_words(seconds) == words
