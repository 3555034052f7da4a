"""When a window is measured, and what is told of it: a new gain at once, a new ear in the background."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from app import audibility_job
from app.audibility_job import AudibilityJob, ear_gains
from app.document import Document
from app.hearing.audiogram import NORMAL, PRESETS, Listener
from app.jobs import Jobs
from app.session import Session, Source
from separation.separator import Part

RATE = 8000
FRAMES = 30 * RATE
PARTS = (Part("violin"), Part("cello"))


class Ears(QObject):
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.listener = Listener(NORMAL, NORMAL)


class Aid(QObject):
    changed = Signal()
    kind = "off"


class Made:
    """Half a minute of two tones, and everything around it."""

    def __init__(self) -> None:
        time = np.arange(FRAMES)[:, None] / RATE
        tones = [0.1 * np.sin(2 * np.pi * hz * time).astype(np.float32) for hz in (500, 560)]
        tones[0][20 * RATE :] = 0  # the violin rests at the end
        arrays = dict(zip(("violin", "cello"), tones, strict=True))
        arrays["residual"] = np.zeros_like(tones[0])
        self.document = Document()
        self.document.replace(Session(source=Source("x", "0", RATE, 1, FRAMES)).with_stems(PARTS, "nmf"))
        self.player = SimpleNamespace(position=0)
        self.ears, self.aid, self.jobs = Ears(), Aid(), Jobs()
        self.job = AudibilityJob(
            self.document, SimpleNamespace(player=self.player), self.ears, self.aid, self.jobs  # type: ignore[arg-type]
        )  # fmt: skip
        self.recording = SimpleNamespace(audio=tones[0] + tones[1], sample_rate=RATE, channels=1)
        self.stems = SimpleNamespace(arrays=arrays, frames_done=FRAMES)

    def load(self) -> None:
        self.job.load(self.recording, self.stems)  # type: ignore[arg-type]


@pytest.fixture
def made(qtbot) -> Iterator[Made]:  # type: ignore[no-untyped-def]
    made = Made()
    yield made
    made.job.close()
    made.jobs.cancel_all()


def measured(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    made.load()
    qtbot.waitUntil(lambda: bool(made.job.shares), timeout=20_000)


def test_shares_come_and_a_gain_changes_them_at_once(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    measured(qtbot, made)
    before = made.job.shares["violin"]
    assert before == pytest.approx(0.5, abs=0.2)
    assert made.job.shares["residual"] is None
    assert made.job.loudness is not None
    with qtbot.waitSignal(made.job.changed):
        made.document.set_gain("violin", 6)
    assert made.job.shares["violin"] > before + 0.1
    assert made.job._job is None  # nothing is measured anew
    with qtbot.waitSignal(made.job.changed):
        made.document.set_mute("violin", True)
    assert made.job.shares["violin"] == 0


def test_another_ear_is_measured_anew(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    measured(qtbot, made)
    loudness = made.job.loudness
    made.ears.listener = Listener(PRESETS["N6"], PRESETS["N6"])
    with qtbot.waitSignal(made.job.changed, timeout=20_000):
        made.ears.changed.emit()
    assert made.job.shares["violin"] < 0.2
    assert made.job.loudness is loudness  # the same window is as loud for everyone
    made.aid.kind = "nal-r"
    with qtbot.waitSignal(made.job.changed, timeout=20_000):
        made.aid.changed.emit()
    assert made.job.shares["violin"] > 0.2


def test_the_window_moves_when_the_play_head_leaves_it(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    measured(qtbot, made)
    made.player.position = 9 * RATE
    made.job.follow_play_head()
    assert not made.job._settle.isActive()
    made.player.position = 27 * RATE
    with qtbot.waitSignal(made.job.changed, timeout=20_000):
        made.job.follow_play_head()
    assert made.job.shares["violin"] is None  # it rests there


def test_the_window_grows_with_the_separation(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    made.stems.frames_done = 0
    made.load()
    assert not made.job._settle.isActive()
    assert made.job.loudness is None
    made.stems.frames_done = 2 * RATE
    made.job.follow_play_head()
    qtbot.waitUntil(lambda: bool(made.job.shares), timeout=20_000)
    made.stems.frames_done = 5 * RATE
    made.job.follow_play_head()
    assert made.job._wanted == (0, 5 * RATE)


def test_a_failure_is_told_and_another_attempt_mends_it(
    qtbot, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    measured(qtbot, made)

    def full(*_given: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(audibility_job, "stem_bands", full)
        with qtbot.waitSignal(made.job.changed, timeout=20_000):
            made.ears.changed.emit()
    assert "memory" in made.job.problem
    assert made.job.loudness is None
    assert made.job.shares == {}
    with qtbot.waitSignal(made.job.changed, timeout=20_000):
        made.ears.changed.emit()
    assert made.job.problem == ""
    assert made.job.loudness is not None
    assert made.job.shares["violin"] is not None


def test_a_job_that_all_jobs_were_stopped_with_is_let_go(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    made.load()
    made.job._measure()
    assert made.job._job is not None
    made.jobs.cancel_all()
    assert made.job._job is None


def test_other_stems_begin_with_nothing(qtbot, made: Made) -> None:  # type: ignore[no-untyped-def]
    measured(qtbot, made)
    made.job.load(None, None)
    assert made.job.shares == {}
    assert made.job.loudness is None


def test_pan_and_mute_reach_the_ears() -> None:
    session = Session().with_stems(PARTS, "nmf").with_pan("violin", -1).with_mute("cello", True)
    gains = ear_gains(session.with_master(-6), ("violin", "cello", "residual"), 2)
    half = 10 ** (-6 / 20)
    assert gains == pytest.approx(np.array([[half, 0], [0, 0], [half, half]]))
    assert ear_gains(session, ("violin",), 1).shape == (1, 2)
