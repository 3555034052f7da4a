from __future__ import annotations

import pytest
from PySide6.QtGui import QUndoStack

from app.edits import MERGE_SECONDS, FlattenEdit, GainEdit, LoopEdit, Moment, MuteEdit, PanEdit, SoloEdit
from app.session import MINUS_INFINITY, Loop, Session, Source
from separation.separator import Part

SOURCE = Source("/music/trio.wav", "ab" * 32, 1000, 2, 200_000)
DUO = Session(source=SOURCE).with_stems((Part("violin"), Part("clarinet")), "nmf")


class Holder:
    """The least that edits need: a session and a way to replace it."""

    def __init__(self) -> None:
        self.session = DUO
        self.told: list[str] = []

    def current(self) -> Session:
        return self.session

    def put(self, session: Session, what: str) -> None:
        self.session = session
        self.told.append(what)

    def gain(self, stem: str, gain_db: float, moment: Moment) -> GainEdit:
        return GainEdit(
            stem, self.session, self.session.with_gain(stem, gain_db), self.current, self.put, moment
        )


@pytest.fixture
def holder() -> Holder:
    return Holder()


@pytest.fixture
def stack(qapp: object) -> QUndoStack:
    return QUndoStack()


def test_moments_of_one_drag_join_however_long_it_takes() -> None:
    start = Moment(0.0, 4, True)
    assert start.joins(Moment(3600.0, 4, True))
    assert not start.joins(Moment(0.1, 5, True))
    assert not start.joins(Moment(0.1, 5, False))


def test_moments_outside_a_drag_join_while_they_are_quick() -> None:
    step = Moment(10.0, 4, False)
    assert step.joins(Moment(10.0 + MERGE_SECONDS, 4, False))
    assert not step.joins(Moment(10.01 + MERGE_SECONDS, 4, False))
    assert not step.joins(Moment(10.1, 5, False))
    assert not step.joins(Moment(9.9, 4, False))


def test_steps_on_one_strip_merge_and_the_text_follows(holder: Holder, stack: QUndoStack) -> None:
    for step in range(1, 5):
        stack.push(holder.gain("violin", -0.5 * step, Moment(0.1 * step, 0, False)))
    assert stack.count() == 1
    assert stack.undoText() == "Violin gain −2.0 dB"
    stack.undo()
    assert holder.session == DUO
    stack.redo()
    assert holder.session == DUO.with_gain("violin", -2.0)


def test_steps_on_two_strips_do_not_merge(holder: Holder, stack: QUndoStack) -> None:
    stack.push(holder.gain("violin", -3, Moment(0, 1, True)))
    stack.push(holder.gain("clarinet", -3, Moment(0, 1, True)))
    assert stack.count() == 2


def test_edits_of_two_kinds_do_not_merge(holder: Holder, stack: QUndoStack) -> None:
    moment = Moment(0, 1, True)
    stack.push(holder.gain("violin", -3, moment))
    after = holder.session.with_pan("violin", -0.5)
    stack.push(PanEdit("violin", holder.session, after, holder.current, holder.put, moment))
    assert stack.count() == 2
    assert stack.undoText() == "Violin pan 50 % left"


def test_a_drag_that_comes_back_leaves_nothing(holder: Holder, stack: QUndoStack) -> None:
    moment = Moment(0, 1, True)
    for gain in (-3.0, -6.0, 0.0):
        stack.push(holder.gain("violin", gain, moment))
    assert stack.count() == 0
    assert holder.session == DUO


def test_figures_come_back_exactly(holder: Holder, stack: QUndoStack) -> None:
    holder.session = DUO.with_gain("violin", 0.1 + 0.2)
    stack.push(holder.gain("violin", MINUS_INFINITY, Moment(0, 0, False)))
    assert stack.undoText() == "Violin gain −∞ dB"
    stack.undo()
    assert holder.session.strips["violin"].gain_db == 0.1 + 0.2


def test_undo_leaves_the_play_head_alone(holder: Holder, stack: QUndoStack) -> None:
    stack.push(holder.gain("violin", -3, Moment(0, 0, False)))
    holder.session = holder.session.with_position(500)
    stack.undo()
    assert holder.session == DUO.with_position(500)


def test_texts_of_mute_solo_and_reset(holder: Holder, stack: QUndoStack) -> None:
    def push(kind: type, after: Session) -> str:
        stack.push(kind("residual", holder.session, after, holder.current, holder.put))
        return stack.undoText()

    assert push(MuteEdit, DUO.with_mute("residual", True)) == "Mute Everything else"
    assert push(MuteEdit, DUO) == "Unmute Everything else"
    assert push(SoloEdit, DUO.with_solo("residual", True)) == "Solo Everything else"
    assert push(SoloEdit, DUO) == "Unsolo Everything else"
    stack.push(FlattenEdit(holder.session, DUO.with_flat_mix(), holder.current, holder.put))
    assert stack.undoText() == "Reset the mix"
    assert set(holder.told) == {"mix"}


def test_a_loop_and_its_text(holder: Holder, stack: QUndoStack) -> None:
    def push(loop: Loop | None, gesture: int) -> None:
        after = holder.session.with_loop(loop)
        moment = Moment(0, gesture, False)
        stack.push(LoopEdit("", holder.session, after, holder.current, holder.put, moment))

    push(Loop(42_000, 70_500), 1)
    assert stack.undoText() == "Loop 0:42–1:10"
    push(None, 2)
    assert stack.undoText() == "Remove the loop"
    assert holder.session.loop is None
    stack.undo()
    assert holder.session.loop == Loop(42_000, 70_500)
    assert set(holder.told) == {"loop"}


def test_undo_of_a_loop_leaves_the_switch_alone(holder: Holder, stack: QUndoStack) -> None:
    holder.session = DUO.with_loop(Loop(0, 10, on=False))
    after = holder.session.with_loop(Loop(5, 20, on=False))
    stack.push(LoopEdit("", holder.session, after, holder.current, holder.put, Moment(0, 0, False)))
    holder.session = holder.session.with_loop(Loop(5, 20, on=True))
    stack.undo()
    assert holder.session.loop == Loop(0, 10, on=True)
