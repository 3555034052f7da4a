"""Messages: shown, answered, dismissed, few at a time, and never higher than the window has room for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ui.message_bar import MOST_SHOWN, MessageBar

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def bar() -> Iterator[MessageBar]:
    made = MessageBar()
    yield made
    made.close()
    made.deleteLater()


def test_it_is_there_only_while_there_is_something_to_say(bar: MessageBar) -> None:
    assert bar.isHidden()
    message = bar.show_problem("No sound", "There is no sound output.")
    assert bar.isVisible()
    bar.dismiss(message)
    assert bar.isHidden()
    bar.dismiss(message)  # twice is no harm


def test_the_same_message_is_shown_once(bar: MessageBar) -> None:
    bar.show_problem("No sound", "There is no sound output.")
    bar.show_problem("No sound", "There is no sound output.")
    assert len(bar.messages) == 1


def test_old_messages_make_room(bar: MessageBar) -> None:
    for number in range(MOST_SHOWN + 2):
        bar.show_note("A note", f"Number {number}.")
    assert [m.sentence for m in bar.messages] == [f"Number {n}." for n in range(2, MOST_SHOWN + 2)]


def test_an_answer_dismisses_and_acts(bar: MessageBar) -> None:
    acted: list[str] = []
    message = bar.show_note(
        "A question", "Really?", ("Yes", lambda: acted.append("yes")), ("No", lambda: None)
    )
    message.buttons[0].click()
    assert acted == ["yes"]
    assert bar.messages == []


def test_problems_can_be_cleared_and_notes_stay(bar: MessageBar) -> None:
    bar.show_problem("No sound", "There is no sound output.")
    note = bar.show_note("Exported", "“mix.wav” was written.")
    bar.clear_problems()
    assert bar.messages == [note]


def test_mark_up_in_a_file_name_is_not_read_as_such(bar: MessageBar) -> None:
    message = bar.show_problem("This could not be opened", "“<b>x</b>.wav” is empty.")
    assert message.text.textFormat().name == "PlainText"
    assert message.accessibleDescription() == "“<b>x</b>.wav” is empty."


def test_long_messages_do_not_make_the_window_higher(bar: MessageBar) -> None:
    for number in range(MOST_SHOWN):
        bar.show_problem(f"Number {number}", "A long sentence about what went wrong. " * 20)
    assert bar.minimumSizeHint().height() <= 4 * bar.fontMetrics().height()
    assert bar.sizeHint().height() > bar.minimumSizeHint().height()
