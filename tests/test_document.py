from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app import session_file
from app.document import Document
from app.session import Loop, Session, Source
from app.session_file import SessionFileError
from separation.separator import Part

SOURCE = Source("/music/Trio in A.wav", "ab" * 32, 1000, 2, 200_000)
PARTS = (Part("violin"), Part("clarinet"))


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Heard:
    """What a document's signal said since the last look."""

    def __init__(self, document: Document) -> None:
        self._said: list[str] = []
        document.changed.connect(self._said.append)

    def take(self) -> list[str]:
        said = list(self._said)
        self._said.clear()
        return said


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def document(qapp: object, clock: Clock) -> Iterator[Document]:
    document = Document(clock=clock)
    document.replace(Session(source=SOURCE))
    document.set_stems(PARTS, "nmf")
    yield document
    document.undo_stack.clear()


@pytest.fixture
def heard(document: Document) -> Heard:
    return Heard(document)


def gain(document: Document, stem: str = "violin") -> float:
    return document.session.strips[stem].gain_db


# -- undo ------------------------------------------------------------------------------------------


def test_a_drag_is_one_step_of_undo(document: Document, clock: Clock, heard: Heard) -> None:
    document.begin_drag()
    for step in range(20):
        clock.seconds += 5  # however slow the hand is
        document.set_gain("violin", -0.5 * (step + 1))
    document.end_drag()
    assert heard.take().count("mix") == 20
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Violin gain −10.0 dB"
    document.undo()
    assert gain(document) == 0.0
    document.redo()
    assert gain(document) == -10.0


def test_two_drags_are_two_steps(document: Document) -> None:
    for target in (-3.0, -6.0):
        document.begin_drag()
        document.set_gain("violin", target + 1)
        document.set_gain("violin", target)
        document.end_drag()
    assert document.undo_stack.count() == 2
    document.undo()
    assert gain(document) == -3.0


def test_quick_steps_of_the_keyboard_merge_and_slow_ones_do_not(document: Document, clock: Clock) -> None:
    for step, pause in enumerate((0.0, 0.1, 0.69, 0.71, 0.1)):
        clock.seconds += pause
        document.set_gain("violin", -0.5 * (step + 1))
    assert document.undo_stack.count() == 2
    document.undo()
    assert gain(document) == -1.5


def test_a_lost_focus_ends_the_run_of_steps(document: Document) -> None:
    document.set_gain("violin", -1)
    document.end_drag()
    document.set_gain("violin", -2)
    assert document.undo_stack.count() == 2


def test_a_double_click_after_a_drag_is_its_own_step(document: Document) -> None:
    document.begin_drag()
    document.set_gain("violin", -6)
    document.end_drag()
    document.set_gain("violin", 0)
    document.undo()
    assert gain(document) == -6.0


def test_a_step_after_undo_does_not_merge_with_what_was_before(document: Document) -> None:
    document.set_gain("violin", -1)
    document.set_mute("violin", True)
    document.undo()
    document.set_gain("violin", -2)
    document.undo()
    assert gain(document) == -1.0


def test_what_changes_nothing_is_no_step(document: Document, heard: Heard) -> None:
    document.set_gain("violin", 0.0)
    document.set_gain("violin", -0.0)
    document.set_mute("violin", False)
    document.set_pan("violin", 0)
    document.set_master(0)
    document.flatten()
    document.set_loop(None)
    assert document.undo_stack.count() == 0
    assert heard.take() == []


def test_every_verb_can_be_undone(document: Document) -> None:
    before = document.session
    document.set_gain("violin", 3)
    document.set_pan("clarinet", -0.5)
    document.set_master(-2)
    document.set_mute("residual", True)
    document.set_solo("violin", True)
    document.set_solo("clarinet", True, exclusive=True)
    document.set_loop(Loop(10, 20))
    document.flatten()
    after = document.session
    assert after.loop == Loop(10, 20)
    while document.undo_stack.canUndo():
        document.undo()
    assert document.session == before
    while document.undo_stack.canRedo():
        document.redo()
    assert document.session == after


def test_a_selection_dragged_backwards_is_one_step(document: Document) -> None:
    document.begin_drag()
    for frame in (900, 500, 100):
        document.set_loop(Loop(1000, frame))
    document.end_drag()
    assert document.session.loop == Loop(100, 1000)
    document.undo()
    assert document.session.loop is None


def test_the_loop_switch_is_no_step(document: Document, heard: Heard) -> None:
    document.set_loop(Loop(10, 20))
    heard.take()
    document.set_loop_on(False)
    document.set_loop(Loop(10, 20, on=True))
    assert heard.take() == ["loop", "loop"]
    assert document.undo_stack.count() == 1
    assert document.session.loop == Loop(10, 20, on=True)


def test_an_unknown_strip_is_refused_and_changes_nothing(document: Document) -> None:
    with pytest.raises(KeyError):
        document.set_gain("tuba", -3)
    assert document.undo_stack.count() == 0


# -- dirty -----------------------------------------------------------------------------------------


def test_opening_and_separating_lose_nothing(document: Document) -> None:
    assert not document.dirty


def test_dirty_turns_with_the_first_edit_and_with_its_undo(document: Document, heard: Heard) -> None:
    document.set_gain("violin", -3)
    assert heard.take() == ["mix", "clean"]
    assert document.dirty
    document.set_gain("violin", -6)
    assert heard.take() == ["mix"]
    document.undo()
    assert heard.take() == ["mix", "clean"]
    assert not document.dirty


def test_an_edit_taken_back_by_hand_loses_nothing(document: Document, clock: Clock) -> None:
    document.set_mute("violin", True)
    document.set_mute("violin", False)
    assert document.undo_stack.count() == 2
    assert not document.dirty


def test_the_play_head_is_no_edit(document: Document, heard: Heard) -> None:
    document.set_position(1234)
    assert document.session.position == 1234
    assert not document.dirty
    assert heard.take() == []


def test_saving_makes_it_clean_and_undo_dirty_again(document: Document, heard: Heard, tmp_path: Path) -> None:
    path = tmp_path / "Rehearsal.ripieno"
    document.set_gain("violin", -3)
    heard.take()
    document.save(path)
    assert heard.take() == ["path", "clean"]
    assert (document.path, document.title) == (path, "Rehearsal")
    assert not document.dirty
    assert document.undo_stack.isClean()
    assert session_file.load(path) == document.session
    document.undo()
    assert document.dirty
    assert heard.take() == ["mix", "clean"]
    document.redo()
    assert not document.dirty
    assert document.undo_stack.isClean()


def test_saving_again_at_the_same_place_does_not_say_path(
    document: Document, heard: Heard, tmp_path: Path
) -> None:
    document.save(tmp_path / "a.ripieno")
    document.set_gain("violin", -3)
    heard.take()
    document.save()
    assert heard.take() == ["clean"]


def test_a_step_after_saving_does_not_change_what_was_saved(document: Document, tmp_path: Path) -> None:
    document.set_gain("violin", -3)
    document.save(tmp_path / "a.ripieno")
    document.set_gain("violin", -3.5)  # at once: it would merge, had the session not been saved
    assert document.dirty
    document.undo()
    assert gain(document) == -3.0
    assert not document.dirty


def test_saving_in_the_middle_of_a_drag(document: Document, tmp_path: Path) -> None:
    document.begin_drag()
    document.set_gain("violin", -3)
    document.save(tmp_path / "a.ripieno")
    document.set_gain("violin", -6)
    document.end_drag()
    document.undo()
    assert gain(document) == -3.0
    assert not document.dirty


def test_a_save_that_fails_changes_nothing(document: Document, heard: Heard, tmp_path: Path) -> None:
    document.set_gain("violin", -3)
    heard.take()
    with pytest.raises(SessionFileError, match="there is no folder"):
        document.save(tmp_path / "no" / "a.ripieno")
    assert document.dirty
    assert document.path is None
    assert heard.take() == []


def test_a_first_save_needs_a_place(document: Document) -> None:
    with pytest.raises(ValueError, match="path"):
        document.save()


def test_the_title_is_the_recording_until_it_is_saved(document: Document, qapp: object) -> None:
    assert document.title == "Trio in A"
    assert Document().title == ""


# -- other recordings and stems --------------------------------------------------------------------


def test_other_stems_clear_the_history_and_keep_the_mix(document: Document, heard: Heard) -> None:
    document.set_gain("clarinet", -3)
    heard.take()
    document.set_stems((Part("clarinet"), Part("cello")), "nmf")
    assert heard.take() == ["stems", "mix"]
    assert document.undo_stack.count() == 0
    assert document.session.stem_names == ("clarinet", "cello", "residual")
    assert gain(document, "clarinet") == -3.0
    assert document.dirty  # that gain is still in no file


def test_the_same_stems_again_keep_the_history(document: Document) -> None:
    document.set_gain("violin", -3)
    document.set_stems(PARTS, "other", seed=5)
    document.undo()
    assert gain(document) == 0.0
    assert (document.session.separator, document.session.seed) == ("other", 5)
    assert not document.dirty


def test_other_stems_make_a_saved_session_dirty(document: Document, tmp_path: Path) -> None:
    document.save(tmp_path / "a.ripieno")
    document.set_stems(PARTS, "nmf")
    assert not document.dirty
    document.set_stems((Part("cello"),), "nmf")
    assert document.dirty


def test_another_recording_starts_afresh(document: Document, heard: Heard, tmp_path: Path) -> None:
    document.set_gain("violin", -3)
    document.save(tmp_path / "a.ripieno")
    document.set_gain("violin", -6)
    heard.take()
    other = Session(source=replace(SOURCE, path="/music/Duo.wav"))
    document.replace(other)
    assert heard.take() == ["source", "stems", "mix", "loop", "path", "clean"]
    assert document.session == other
    assert document.undo_stack.count() == 0
    assert (document.path, document.title, document.dirty) == (None, "Duo", False)


def test_a_recovered_session_is_dirty_until_it_is_saved(document: Document, tmp_path: Path) -> None:
    session = document.session.with_gain("violin", -3)
    document.replace(session, tmp_path / "a.ripieno", recovered=True)
    assert document.dirty
    document.set_gain("violin", -6)
    document.undo()
    assert document.dirty
    document.save()
    assert not document.dirty


def test_a_moved_recording_is_linked_again(document: Document, heard: Heard) -> None:
    moved = replace(SOURCE, path="/elsewhere/Trio in A.wav")
    document.relink(moved)
    assert heard.take() == ["source"]
    assert document.session.source == moved
    assert not document.dirty
    with pytest.raises(ValueError, match="recording"):
        document.relink(replace(moved, content_hash="cd" * 32))


def test_receivers_see_a_consistent_document(document: Document) -> None:
    seen = []
    document.changed.connect(lambda what: seen.append((what, gain(document), document.dirty)))
    document.set_gain("violin", -3)
    document.undo()
    assert seen == [("mix", -3.0, True), ("clean", -3.0, True), ("mix", 0.0, False), ("clean", 0.0, False)]


# -- any sequence of edits -------------------------------------------------------------------------


class AnyEdits(RuleBasedStateMachine):
    """Whatever is done, undoing all of it gives the first session, and redoing it the last one."""

    stems = st.sampled_from(["violin", "clarinet", "residual"])

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.document = Document(clock=self.clock)
        self.document.replace(Session(source=SOURCE).with_stems(PARTS, "nmf"))

    @rule(stem=stems, gain=st.floats(-80, 20))
    def set_gain(self, stem: str, gain: float) -> None:
        self.document.set_gain(stem, gain)

    @rule(stem=stems, pan=st.floats(-1, 1))
    def set_pan(self, stem: str, pan: float) -> None:
        self.document.set_pan(stem, pan)

    @rule(gain=st.floats(-80, 20))
    def set_master(self, gain: float) -> None:
        self.document.set_master(gain)

    @rule(stem=stems, mute=st.booleans())
    def set_mute(self, stem: str, mute: bool) -> None:
        self.document.set_mute(stem, mute)

    @rule(stem=stems, solo=st.booleans(), exclusive=st.booleans())
    def set_solo(self, stem: str, solo: bool, exclusive: bool) -> None:
        self.document.set_solo(stem, solo, exclusive=exclusive)

    @rule(start=st.integers(-10, 300_000), stop=st.integers(-10, 300_000))
    def set_loop(self, start: int, stop: int) -> None:
        self.document.set_loop(Loop(start, stop))

    @rule()
    def flatten(self) -> None:
        self.document.flatten()

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @rule(begin=st.booleans())
    def drag(self, begin: bool) -> None:
        if begin:
            self.document.begin_drag()
        else:
            self.document.end_drag()

    @rule()
    def undo(self) -> None:
        self.document.undo()

    @rule()
    def redo(self) -> None:
        self.document.redo()

    def teardown(self) -> None:
        if not hasattr(self, "document"):
            return
        stack, steps = self.document.undo_stack, [self.document.session]
        while stack.canUndo():
            self.document.undo()
            steps.append(self.document.session)
        assert steps[-1] == Session(source=SOURCE).with_stems(PARTS, "nmf")
        assert not self.document.dirty
        for step in reversed(steps[:-1]):
            self.document.redo()
            assert self.document.session == step


def test_any_edits_can_be_undone_and_redone(qapp: object) -> None:
    run_state_machine_as_test(AnyEdits, settings=settings(deadline=None, max_examples=60))
