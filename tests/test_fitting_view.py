"""The fitting view: what it shows and says, the keys of the blind comparison, and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.fair_loudness import ALIKE, Fairness
from app.fitting_curves import EardrumLevels
from app.hearing.audiogram import PRESETS
from app.hearing.eardrum import BANDS_HZ, CONVERSION
from app.hearing.trials import TrialResult
from app.intended_use import INTENDED_USE
from app.listener_report import report_now
from app.profiles import Profile, new_id
from app.report_content import ONE_CURVE
from tests.shell_program import ShellProgram
from tests.shell_window import dress, forget, shell_window
from tests.test_accessible_names import cut_off, unnamed
from ui.actions import Actions
from ui.fitting_view import FittingView
from ui.form_rows import Note


@pytest.fixture
def view(qtbot, monkeypatch: pytest.MonkeyPatch) -> Iterator[FittingView]:
    # how settings are made equally loud has tests of its own
    monkeypatch.setattr("app.fitting.make_fair", lambda request, check: Fairness((0.0, -2.0), ALIKE))
    dress()
    program, holder = ShellProgram(), QWidget()
    program.open_separated("violin", "cello", seconds=1.0)
    made = FittingView(program, Actions(holder))  # type: ignore[arg-type]
    made.show()
    computed(qtbot, made)
    yield made
    made.close()
    program.fitting.close()
    program.jobs.cancel_all()
    forget(made, holder, program)


def computed(qtbot, view: FittingView) -> None:
    """Wait until the curves are there."""
    if view.curves.gains is None:
        with qtbot.waitSignal(
            view.curves.changed, timeout=30_000, check_params_cb=lambda: view.curves.gains is not None
        ):
            pass


def compare(qtbot, view: FittingView) -> None:
    """Store two settings and begin."""
    fitting = view.program.fitting
    view.blind.stores["A"].click()
    view.program.document.set_gain("violin", 6.0)
    view.blind.stores["B"].click()
    with qtbot.waitSignal(fitting.changed, timeout=20_000, check_params_cb=lambda: fitting.stage == "blind"):
        view.blind.begin.click()


def listener(qtbot, view: FittingView) -> Profile:
    profile = Profile(new_id(), "Erika", PRESETS["N3"], PRESETS["S2"])
    view.program.listeners.add(profile)
    computed(qtbot, view)
    return profile


def press(view: FittingView, *keys: Qt.Key) -> None:
    """Keys as they reach the dialog; none of its controls has the keyboard."""
    for key in keys:
        QTest.keyClick(view, key)


def test_it_shows_the_listener_and_both_curves(qtbot, view: FittingView) -> None:
    listener(qtbot, view)
    assert view.name.text() == "Erika"
    assert "WHO" in view.averages.text()
    right, left = view.gains[True], view.gains[False]
    assert right.gain != left.gain
    assert "1000 Hz: target +19.6, computed +19.1" in left.accessibleDescription()
    assert "target" in right.accessibleDescription()
    assert "Largest difference, right ear" in view.gain_words.text()
    assert any(note.text() == INTENDED_USE for note in view.findChildren(Note))


def test_the_curves_follow_the_amplification(qtbot, view: FittingView) -> None:
    listener(qtbot, view)
    view.program.amplification.set_kind("off")
    assert view.gains[True].accessibleDescription() == "Not computed yet."
    computed(qtbot, view)
    assert view.gains[True].gain is not None
    assert not any(view.gains[True].gain.computed)
    assert "Choose one" in view.gain_words.text()


def test_the_curves_follow_the_way_of_listening(qtbot, view: FittingView) -> None:
    listener(qtbot, view)
    assert view.gains[True].gain != view.gains[False].gain
    view.program.amplification.set_way("loudspeakers")
    computed(qtbot, view)
    assert view.gains[True].gain == view.gains[False].gain  # one for both: the better ear's
    assert ONE_CURVE in view.gain_words.text()
    assert report_now(view.program).way == "loudspeakers"
    view.program.amplification.set_way("headphones")
    computed(qtbot, view)
    assert view.gains[True].gain != view.gains[False].gain
    assert ONE_CURVE not in view.gain_words.text()


def test_uncalibrated_nothing_absolute_is_shown(qtbot, view: FittingView) -> None:
    assert view.level_charts.isHidden()
    assert "not calibrated" in view.level_words.text()


def test_calibrated_levels_name_their_conversion(qtbot, view: FittingView, monkeypatch) -> None:
    monkeypatch.setattr(view, "_full_scale", lambda: 110.0)
    quiet, loud = (20.0,) * len(BANDS_HZ), (60.0,) * (len(BANDS_HZ) - 1) + (10.0,)
    view.curves.levels = EardrumLevels((loud, loud), (quiet, quiet))
    view.curves.changed.emit()
    assert not view.level_charts.isHidden()
    assert CONVERSION in view.level_words.text()
    assert f"{len(BANDS_HZ) - 1} of {len(BANDS_HZ)}" in view.levels[True].accessibleDescription()
    compare(qtbot, view)
    assert view.level_charts.isHidden()  # it would tell which setting plays


def test_a_comparison_by_keys_alone(qtbot, view: FittingView) -> None:
    profile = listener(qtbot, view)
    compare(qtbot, view)
    fitting, blind = view.program.fitting, view.blind
    assert not blind.vote.isEnabled()
    press(view, Qt.Key.Key_1)
    assert fitting.playing == 1
    assert blind.plays[0].isChecked()
    assert not blind.vote.isEnabled()  # 2 was not heard yet
    press(view, Qt.Key.Key_2)
    assert blind.vote.text() == "I prefer 2"
    press(view, Qt.Key.Key_Return)
    assert blind.count.text() == "Votes so far: 1. Listen to 1, 2."
    press(view, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_0)
    assert blind.count.text().startswith("Votes so far: 2.")
    assert not [w for w in shown_words(view) if "Violin +6.0 dB" in w]
    blind.comment.setPlainText("2 is clearer")
    blind.reveal.click()
    assert "Violin +6.0 dB" in blind.result.text()
    assert "One vote proves nothing" in blind.result.text()
    blind.keep.click()
    kept = view.program.listeners.profile
    assert kept is not None
    assert kept.id == profile.id
    result = TrialResult.from_plain(kept.trials[0])
    assert (len(result.trials), result.no_difference, result.comment) == (2, 1, "2 is clearer")
    assert not blind.keep.isEnabled()


def shown_words(view: FittingView) -> list[str]:
    """Everything that can be read or heard of the blind panel now."""
    words = []
    for widget in [*view.blind.words.values(), view.blind.count, view.blind.result, *view.blind.plays]:
        if widget.isVisible():
            text = widget.text()
            words += [text, widget.accessibleDescription(), widget.toolTip()]
    return words


def test_figures_in_the_comment_are_text(qtbot, view: FittingView) -> None:
    compare(qtbot, view)
    view.blind.comment.setFocus()
    QTest.keyClicks(view.blind.comment, "12")
    assert view.blind.comment.toPlainText() == "12"
    assert view.program.fitting.playing is None


def test_what_cannot_be_done_says_why(qtbot, view: FittingView) -> None:
    assert not view.blind.begin.isEnabled()
    assert "Store two settings" in view.blind.why_not.text()
    assert not view.blind.report.isEnabled()
    assert "listener of your own" in view.blind.report_why.text()


def test_the_report_is_written_where_it_is_asked_for(qtbot, view: FittingView, tmp_path: Path) -> None:
    listener(qtbot, view)
    asked: list[Path] = []

    def answer(path: Path | None) -> Callable[[Path], Path | None]:
        return lambda proposal: asked.append(proposal) or path  # type: ignore[func-returns-value]

    view.questions.save_report = answer(tmp_path / "a.pdf")  # type: ignore[method-assign]
    view.blind.report.click()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert "a.pdf" in view.blind.problem.text()
    assert asked[0].name == "listener-report.pdf"
    view.questions.save_report = answer(tmp_path / "no" / "b.pdf")  # type: ignore[method-assign]
    view.blind.report.click()
    assert "could not be written" in view.blind.problem.text()


def test_closing_it_ends_the_comparison(qtbot, view: FittingView) -> None:
    compare(qtbot, view)
    view.close()
    assert view.program.fitting.stage == "choosing"
    assert view.program.listening.auditioned == (None, 0.0)


def test_aided_asks_first_how_one_listens(qtbot, view: FittingView) -> None:
    assert not view.heard.isChecked()
    asked: list[bool] = []
    view._actions["amplification"].triggered.connect(lambda: asked.append(True))
    view.heard.setEnabled(True)
    view.heard.click()
    assert asked
    assert not view.program.amplification.heard
    assert "unaided" in view.heard.accessibleDescription()


def test_everything_has_a_name_and_can_be_reached(qtbot, view: FittingView) -> None:
    check_controls(view)
    compare(qtbot, view)
    check_controls(view)
    for button in (view.blind.plays[0], view.blind.plays[1], view.blind.vote):
        button.click()
    view.blind.reveal.click()
    assert view.program.fitting.stage == "revealed"
    check_controls(view)


def check_controls(view: FittingView) -> None:
    assert unnamed(view) == []
    for button in view.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus, button.text()
            assert button.height() >= 32, button.text()


def test_it_opens_from_the_menu_and_fits_in_large_text(qtbot) -> None:
    program = ShellProgram()
    with shell_window(program, text_scale=2.0) as window:
        window.actions_["fitting view"].trigger()
        view = window.verbs.dialog("fitting view")
        assert isinstance(view, FittingView)
        computed(qtbot, view)
        assert "Open a recording" in view.blind.why_not.text()
        assert view.minimumSizeHint().width() <= 1280
        assert view.page.minimumSizeHint().width() <= 760
        assert cut_off(view) == []
        program.fitting.close()
        program.jobs.cancel_all()


def test_charts_without_anything_to_show_are_empty(qtbot, view: FittingView) -> None:
    chart = view.gains[True]
    full = np.array(chart.grab().toImage().constBits())
    chart.set_gain(None, 30.0)
    assert chart.accessibleDescription() == "Not computed yet."
    assert not np.array_equal(np.array(chart.grab().toImage().constBits()), full)
