"""When the remix is scored: on the way during a drag, in full on its release, and against what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from app import quality_job
from app.document import Document
from app.hearing.audiogram import PRESETS, Listener
from app.hearing.haaqi import HaaqiScore
from app.hearing.quality import Quality
from app.quality_job import QualityJob
from app.scoring import Scoring
from app.session import Session, Source
from separation.separator import Part

RATE = 1000
FRAMES = 60 * RATE
PARTS = (Part("violin"), Part("cello"))


class Scorer:
    """Stands in for score_remix: answers with a score that depends on the gain, when it is let go."""

    def __init__(self) -> None:
        self.calls: list = []
        self.entered = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, request, check, progress, kept):  # type: ignore[no-untyped-def]
        self.calls.append(request)
        self.entered.release()
        while not self.go.acquire(timeout=0.01):
            check()
        check()
        value = 0.5 + request.session.strips["violin"].gain_db / 100
        details = (HaaqiScore(value, 0, 0, (0, 0, 0, 0)),) * 2
        return Quality(
            value,
            value,
            value,
            request.reference,
            10.0,
            0.0,
            provisional=request.provisional,
            details=details,
        )


class Ears(QObject):
    changed = Signal()
    forgotten = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.listener = Listener(PRESETS["N2"], PRESETS["N3"])


class Aid(QObject):
    changed = Signal()
    kind = "nal-r"


class Made:
    """A scoring of one minute with two stems, and everything around it."""

    def __init__(self) -> None:
        audio = np.zeros((FRAMES, 1), np.float32)
        self.document = Document()
        self.document.replace(Session(source=Source("x", "0", RATE, 1, FRAMES)).with_stems(PARTS, "nmf"))
        self.player = SimpleNamespace(position=30 * RATE)
        self.ears, self.aid = Ears(), Aid()
        self.scoring = Scoring(
            self.document, SimpleNamespace(player=self.player), self.ears, self.aid  # type: ignore[arg-type]
        )  # fmt: skip
        names = self.document.session.stem_names
        self.recording = SimpleNamespace(audio=audio, sample_rate=RATE)
        self.stems = SimpleNamespace(arrays=dict.fromkeys(names, audio), names=names, frames_done=FRAMES)

    def load(self, *, true: bool = False) -> None:
        self.scoring.load(self.recording, self.stems, self.stems if true else None)  # type: ignore[arg-type]


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> Scorer:
    stand_in = Scorer()
    monkeypatch.setattr(quality_job, "score_remix", stand_in)
    return stand_in


@pytest.fixture
def made(qtbot, scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setattr("app.scoring.QualityJob", lambda parent: QualityJob(parent, warm=False))
    made = Made()
    yield made
    made.scoring.close()


def scored(made: Made, *, provisional: bool = False):  # type: ignore[no-untyped-def]
    def fits(status) -> bool:  # type: ignore[no-untyped-def]
        quality = status.quality
        return status.state == "scored" and not status.stale and quality.provisional == provisional

    return fits


def first(qtbot, made: Made, scorer: Scorer, **more: bool) -> None:  # type: ignore[no-untyped-def]
    """Load, and wait for the first score."""
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.load(**more)
    assert scorer.entered.acquire(timeout=10)


def dragged(made: Made) -> None:
    """Begin a drag in which the hand is not seen to rest, however late the machine is."""
    made.scoring._pace.setInterval(60_000)
    made.document.begin_drag()


def test_a_drag_is_scored_on_the_way_and_in_full_on_release(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    dragged(made)
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made, provisional=True)):
        made.document.set_gain("violin", -3)
    assert made.scoring.status.quality.mean == pytest.approx(0.47)
    made.document.set_gain("violin", -6)
    assert made.scoring.status.quality.provisional  # it stays until there is a newer one
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.document.end_drag()
    assert made.scoring.status.quality.mean == pytest.approx(0.44)
    assert [call.provisional for call in scorer.calls] == [False, True, False]
    # The way is no history: only full scores are.
    assert [entry.quality.mean for entry in made.scoring.history] == pytest.approx([0.5, 0.44])
    assert made.scoring.history[-1].strips["violin"].gain_db == -6


def test_release_gives_a_provisional_score_up(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    dragged(made)
    made.document.set_gain("violin", -3)
    assert scorer.entered.acquire(timeout=10)  # the provisional one has begun, and is never let go
    qtbot.waitUntil(lambda: made.scoring._running is scorer.calls[-1])
    made.document.end_drag()
    assert scorer.entered.acquire(timeout=10)
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        scorer.go.release()
    assert [call.provisional for call in scorer.calls] == [False, True, False]


def test_a_provisional_score_is_shown_while_the_next_one_waits(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    made.document.begin_drag()
    made.document.set_gain("violin", -3)
    assert scorer.entered.acquire(timeout=10)
    made.document.set_gain("violin", -6)
    qtbot.waitUntil(lambda: made.scoring._newest.session.strips["violin"].gain_db == -6)
    made.scoring._pace.stop()  # a hand that goes on moving: nothing is asked for in full
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made, provisional=True)):
        scorer.go.release()
    assert made.scoring.status.quality.mean == pytest.approx(0.47)
    scorer.go.release(3)
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.document.end_drag()


def test_a_slider_held_still_is_scored_in_full_before_its_release(qtbot, made: Made, scorer: Scorer) -> None:  # type: ignore[no-untyped-def]
    first(qtbot, made, scorer, true=True)
    dragged(made)
    made.document.set_gain("violin", -3)
    assert scorer.entered.acquire(timeout=10)  # the provisional one has begun
    scorer.go.release(2)
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.scoring._pace.start(0)  # and the hand rests
    assert made.document.dragging
    assert len(made.scoring.history) == 1  # the way is no history, even where the hand rests
    with qtbot.waitSignal(made.scoring.changed):
        made.document.end_drag()
    assert [entry.quality.mean for entry in made.scoring.history] == pytest.approx([0.5, 0.47])
    qtbot.waitUntil(lambda: not made.scoring._job.busy)  # it is there already
    assert [call.provisional for call in scorer.calls] == [False, True, False]


def test_a_release_after_resting_gives_the_provisional_score_up(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    dragged(made)
    made.document.set_gain("violin", -3)
    assert scorer.entered.acquire(timeout=10)  # the provisional one has begun, and is never let go
    made.scoring._pace.start(0)
    qtbot.waitUntil(
        lambda: made.scoring._running is scorer.calls[-1] and not made.scoring._newest.provisional
    )
    made.document.end_drag()
    assert scorer.entered.acquire(timeout=10)
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        scorer.go.release()
    assert [call.provisional for call in scorer.calls] == [False, True, False]


def test_a_drag_that_changed_nothing_is_not_scored(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    made.document.begin_drag()
    made.document.end_drag()
    qtbot.waitUntil(lambda: not made.scoring._job.busy)
    assert len(scorer.calls) == 1


def test_a_single_step_is_scored_at_once(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.document.set_gain("violin", 3)
    assert not scorer.calls[-1].provisional


def test_the_same_mix_scored_again_is_no_history(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.scoring.request()
    assert len(made.scoring.history) == 1


def test_the_window_stays_until_the_play_head_leaves_it(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    places = []
    for position, gain in ((33, 1), (37, 2), (41, 3)):
        made.player.position = position * RATE
        scorer.go.release()
        with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
            made.document.set_gain("violin", gain)
        places.append(scorer.calls[-1].position // RATE)
    assert places == [30, 37, 37]


def test_more_of_the_separation_is_scored_only_where_it_is_heard(qtbot, made: Made, scorer: Scorer) -> None:
    made.stems.frames_done = 40 * RATE
    first(qtbot, made, scorer)
    made.stems.frames_done = 50 * RATE
    made.scoring.refresh()
    assert not made.scoring._settle.isActive()
    made.player.position = 50 * RATE
    made.scoring.refresh()
    assert made.scoring._settle.isActive()


def test_what_it_is_compared_with(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    assert made.scoring.references == ("estimated", "original")
    assert scorer.calls[-1].reference == "estimated"
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.scoring.set_reference("original")
    assert scorer.calls[-1].reference == "original"
    assert len(made.scoring.history) == 1  # scores against different references are no history
    with pytest.raises(ValueError, match="one of"):
        made.scoring.set_reference("true stems")
    first(qtbot, made, scorer, true=True)
    assert made.scoring.references == ("true stems", "estimated", "original")
    assert scorer.calls[-1].reference == "original"  # what was chosen for this recording stays


def test_true_stems_are_the_usual_reference_where_there_are_some(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer, true=True)
    assert scorer.calls[-1].reference == "true stems"


def test_another_ear_is_scored_anew_and_its_history_is_its_own(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    assert (scorer.calls[-1].left, scorer.calls[-1].right) == (PRESETS["N2"], PRESETS["N3"])
    made.aid.kind = "off"
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.aid.changed.emit()
    assert scorer.calls[-1].amplification == "off"
    assert len(made.scoring.history) == 1
    made.ears.forgotten.emit()
    assert made.scoring.history == ()
    assert made.scoring.status.quality is None


def begun(made: Made, scorer: Scorer) -> list:
    """A full score is under way; the list fills with every status that has a figure or a sentence."""
    made.scoring.request()
    assert scorer.entered.acquire(timeout=10)
    seen: list = []
    made.scoring.changed.connect(
        lambda status: seen.append(status) if status.quality or status.text else None
    )
    return seen


def arrived(made: Made, monkeypatch: pytest.MonkeyPatch) -> list:
    """Nothing that runs can be stopped any more; the list fills with what was told to the scoring."""
    monkeypatch.setattr(QualityJob, "_check", lambda self: None)
    told: list = []
    made.scoring._job.scored.connect(lambda request, _: told.append(request))
    return told


@pytest.mark.parametrize("same", [True, False])
def test_a_new_listener_is_not_shown_the_score_of_the_one_before(
    qtbot, made: Made, scorer: Scorer, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    first(qtbot, made, scorer)
    made.scoring._settle.setInterval(60_000)
    told = arrived(made, monkeypatch)
    seen = begun(made, scorer)
    if not same:
        made.ears.listener = Listener(PRESETS["N1"], PRESETS["N1"])
    made.ears.forgotten.emit()
    scorer.go.release()
    qtbot.waitUntil(lambda: told == scorer.calls[1:])
    assert seen == []
    assert made.scoring.history == ()
    assert made.scoring._settle.isActive()  # whoever it is now: it is scored
    made.scoring._settle.setInterval(0)
    scorer.go.release()
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        made.scoring._settle.start()
    assert (scorer.calls[-1].left is PRESETS["N2"]) == same


def test_a_score_of_an_ear_that_is_another_now_is_not_shown(
    qtbot, made: Made, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(qtbot, made, scorer)
    made.scoring._settle.setInterval(60_000)
    told = arrived(made, monkeypatch)
    begun(made, scorer)
    made.ears.listener = Listener(PRESETS["N1"], PRESETS["N1"])
    made.ears.changed.emit()
    scorer.go.release()
    qtbot.waitUntil(lambda: told == scorer.calls[1:])
    assert made.scoring.history == ()
    assert made.scoring.status.state == "waiting"


def test_a_score_against_the_reference_of_before_is_given_up(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    seen = begun(made, scorer)
    made.scoring.set_reference("original")
    assert scorer.entered.acquire(timeout=10)  # the one before is never let go
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        scorer.go.release()
    assert {status.quality.reference for status in seen} == {"original"}


def test_a_score_of_the_stems_of_before_is_not_shown(
    qtbot, made: Made, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(qtbot, made, scorer)
    told = arrived(made, monkeypatch)
    seen = begun(made, scorer)
    made.stems = SimpleNamespace(
        arrays={name: array.copy() for name, array in made.stems.arrays.items()},
        names=made.stems.names,
        frames_done=FRAMES,
    )
    made.load()
    made.scoring.request()
    old = scorer.calls[1]
    made.scoring._on_progressed(old, 0.5)
    made.scoring._on_failed(old, "Something of before went wrong.")
    assert made.scoring.status.state == "waiting"
    scorer.go.release()
    qtbot.waitUntil(lambda: told == [old])
    assert seen == []
    with qtbot.waitSignal(made.scoring.changed, check_params_cb=scored(made)):
        scorer.go.release()
    assert scorer.calls[-1].stems is made.stems.arrays


def test_nothing_is_scored_once_it_is_closed(qtbot, made: Made, scorer: Scorer) -> None:
    first(qtbot, made, scorer)
    made.document.begin_drag()
    made.document.set_gain("violin", -3)
    assert scorer.entered.acquire(timeout=10)
    qtbot.waitUntil(lambda: made.scoring._running is not None)
    made.scoring.close()
    made.document.set_gain("violin", -6)
    made.document.end_drag()
    made.document.set_gain("violin", -9)
    made.ears.forgotten.emit()
    made.aid.changed.emit()
    made.scoring.warm_up()
    made.scoring.set_reference("original")
    made.load()
    assert made.scoring._job is None
    assert not made.scoring._settle.isActive()
    assert not made.scoring._pace.isActive()
