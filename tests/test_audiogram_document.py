"""An audiogram while it is edited."""

from __future__ import annotations

import pytest

from app.audiogram_document import AudiogramDocument, Draft, draft_of, spoken_point
from app.errors import UserError
from app.hearing.audiogram import PRESETS, Listener
from tests.listener_ears import LEFT, RIGHT

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def document() -> AudiogramDocument:
    return AudiogramDocument(draft_of(Listener(LEFT, RIGHT), "Anna"))


def test_what_goes_in_comes_out(document: AudiogramDocument) -> None:
    listener = document.listener()
    assert (listener.left, listener.right, listener.name) == (LEFT, RIGHT, "Anna")


def test_presets_keep_their_own_frequencies() -> None:
    draft = draft_of(Listener(PRESETS["N3"], PRESETS["N3"]))
    assert 375 in draft.frequencies
    assert {125, 750, 1500} <= set(draft.frequencies)
    assert draft.left.extrapolated == {8000}
    assert draft.left.with_level(8000, 60).extrapolated == frozenset()


@pytest.mark.parametrize(
    ("typed", "level", "heard"),
    [("45", 45, True), (" -5 ", -5, True), ("−10", -10, True), ("37,5", 37.5, True), ("110 NR", 110, False),
     ("nr", 120, False)],
)  # fmt: skip
def test_what_can_be_typed(document: AudiogramDocument, typed: str, level: float, heard: bool) -> None:
    document.type_level("right", 8000, typed)
    ear = document.draft.right
    assert (ear.levels[8000], 8000 not in ear.no_response) == (level, heard)
    document.type_level("right", 8000, "")
    assert 8000 not in document.draft.right.levels


@pytest.mark.parametrize(
    ("typed", "word"), [("abc", "no hearing level"), ("130", "outside"), ("nan", "outside")]
)
def test_what_cannot_gets_a_sentence(document: AudiogramDocument, typed: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        document.type_level("right", 500, typed)
    assert document.draft.right.levels[500] == 15
    assert not document.undo_stack.canUndo()


def test_a_drag_is_one_step_of_undo_and_two_drags_are_two(document: AudiogramDocument) -> None:
    for level in (20, 25, 30):
        document.set_level("right", 500, level)
    document.end_gesture()
    document.set_level("right", 500, 35)
    document.set_level("left", 500, 40)
    assert document.undo_stack.count() == 3
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.draft.right.levels[500] == 30
    document.undo_stack.undo()
    assert document.draft.right.levels[500] == 15
    document.undo_stack.redo()
    assert document.draft.right.levels[500] == 30


def test_a_drag_that_ends_where_it_began_is_no_step(document: AudiogramDocument) -> None:
    document.set_level("right", 500, 20)
    document.set_level("right", 500, 15)
    assert not document.undo_stack.canUndo()


def test_steps_go_along_the_grid_and_stop_at_the_ends(document: AudiogramDocument) -> None:
    document.set_level("right", 500, 17)
    document.step("right", 500, 5)
    assert document.draft.right.levels[500] == 20
    document.step("right", 500, -5)
    assert document.draft.right.levels[500] == 15
    document.set_level("right", 500, -7.5)
    document.step("right", 500, -5)
    document.step("right", 500, -5)
    assert document.draft.right.levels[500] == -10
    document.step("left", 8000, 5)
    assert document.draft.left.levels[8000] == 100
    assert 8000 in document.draft.left.no_response


def test_a_missing_point_begins_where_it_is_drawn(document: AudiogramDocument) -> None:
    assert document.level_shown("right", 1500) == 35  # between 25 and 40, on the grid
    document.step("right", 1500, 5)
    assert document.draft.right.levels[1500] == 35
    assert AudiogramDocument(Draft()).level_shown("left", 1000) == 0


def test_copying_and_exchanging_ears(document: AudiogramDocument) -> None:
    document.copy("left")
    assert document.draft.right == document.draft.left
    document.undo_stack.undo()
    document.swap()
    assert (document.listener().left, document.listener().right) == (RIGHT, LEFT)
    document.undo_stack.undo()
    assert document.listener().left == LEFT


def test_no_response_is_a_switch(document: AudiogramDocument) -> None:
    document.set_answered("right", 4000, False)
    assert document.draft.right.no_response == {4000}
    assert document.draft.right.levels[4000] == 55
    document.set_answered("right", 4000, True)
    assert document.draft.right.no_response == frozenset()


def test_an_ear_without_a_point_is_a_sentence() -> None:
    document = AudiogramDocument(Draft())
    with pytest.raises(UserError, match="right ear has no threshold"):
        document.listener()
    document.set_level("right", 1000, 30)
    with pytest.raises(UserError, match="left ear has no threshold"):
        document.listener()
    document.copy("right")
    assert document.listener().left.levels == (30,)


def test_starting_from_another_keeps_the_name(document: AudiogramDocument) -> None:
    document.start_from(Listener(PRESETS["N3"], PRESETS["N3"]))
    assert document.draft.name == "Anna"
    document.set_name("B")
    document.set_name("Bo")
    document.undo_stack.undo()
    assert document.draft.name == "Anna"
    document.undo_stack.undo()
    assert document.listener().left == LEFT


def test_every_point_is_spoken(document: AudiogramDocument) -> None:
    assert spoken_point(document.draft, "right", 1000) == "Right ear, 1000 hertz, 25 decibels"
    assert spoken_point(document.draft, "left", 8000) == "Left ear, 8000 hertz, 95 decibels, no response"
    assert spoken_point(document.draft, "right", 125) == "Right ear, 125 hertz, not measured"
    document.set_level("right", 1000, -5)
    assert spoken_point(document.draft, "right", 1000) == "Right ear, 1000 hertz, minus 5 decibels"
    preset = draft_of(Listener(PRESETS["N3"], PRESETS["N3"]))
    assert spoken_point(preset, "left", 8000).endswith("65 decibels, extrapolated")
