"""The score: figures, what it is called, what it is against, and how current it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QMainWindow

from app.hearing.audiogram import PRESETS
from app.listeners import preset_text
from app.session import Strip
from app.status import QualityStatus, ScoredMix
from tests.shell_program import ShellProgram, quality
from ui.actions import Actions
from ui.haaqi_panel import NO_FIGURE
from ui.hearing_panel import HearingPanel
from ui.score_bar import shown_score

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def panel() -> Iterator[HearingPanel]:
    window = QMainWindow()
    made = HearingPanel(ShellProgram(window), Actions(window), window)
    window.setCentralWidget(made)
    window.show()
    yield made
    window.close()
    window.deleteLater()


def test_before_the_first_score_there_are_no_figures(panel: HearingPanel) -> None:
    haaqi = panel.haaqi
    assert haaqi.mean.text() == NO_FIGURE
    assert haaqi.figures["left"].text() == NO_FIGURE
    assert haaqi.state.text() == "Not scored yet."


def test_against_the_original_it_is_change_and_never_quality(panel: HearingPanel) -> None:
    panel.program.scoring.put(QualityStatus("scored", quality(0.71, 0.77)))  # type: ignore[attr-defined]
    haaqi = panel.haaqi
    assert haaqi.heading.text() == "Change from the original (HAAQI)"
    assert (haaqi.mean.text(), haaqi.figures["left"].text()) == ("0.74", "0.71")
    assert haaqi.figures["right"].text() == "0.77"
    assert "original recording" in haaqi.reference.text()
    assert "no advice" in haaqi.reference.text()
    assert haaqi.state.text() == "Scored from 0:04 to 0:12."
    assert "uality" not in haaqi.heading.text()


def test_a_high_figure_of_change_is_not_read_as_a_large_change(panel: HearingPanel) -> None:
    haaqi = panel.haaqi
    panel.program.scoring.put(QualityStatus("scored", quality(0.95, 0.95)))  # type: ignore[attr-defined]
    assert "1 is unchanged" in haaqi.mean_caption.text()
    assert "0.95, 1 is unchanged" in haaqi.accessibleDescription()
    assert haaqi.bars["mean"].accessibleDescription() == "0.95, 1 is unchanged"
    assert panel.score.words.whole == "Change (1 is unchanged)"
    panel.program.scoring.put(QualityStatus("scored", quality(true_stems=True)))  # type: ignore[attr-defined]
    assert "unchanged" not in haaqi.mean_caption.text() + haaqi.accessibleDescription()
    assert panel.score.words.whole == "Quality"


def test_against_true_stems_it_is_quality(panel: HearingPanel) -> None:
    panel.program.scoring.put(QualityStatus("scored", quality(true_stems=True)))  # type: ignore[attr-defined]
    assert panel.haaqi.heading.text() == "Quality (HAAQI)"
    assert "true stems" in panel.haaqi.reference.text()


def test_it_says_when_the_score_is_of_an_earlier_mix(panel: HearingPanel) -> None:
    scoring = panel.program.scoring
    scoring.put(QualityStatus("scored", quality(), stale=True))  # type: ignore[attr-defined]
    assert panel.haaqi.state.text() == "This score belongs to an earlier mix."
    assert not panel.haaqi.mean.isEnabled()
    scoring.put(QualityStatus("waiting", quality(), stale=True))  # type: ignore[attr-defined]
    assert "has changed" in panel.haaqi.state.text()
    scoring.put(QualityStatus("scoring", quality(), stale=True, fraction=0.4))  # type: ignore[attr-defined]
    assert panel.haaqi.progress.isVisible()
    assert panel.haaqi.progress.value() == 400
    scoring.put(QualityStatus("failed", text="There is nothing to score yet."))  # type: ignore[attr-defined]
    assert panel.haaqi.state.text() == "There is nothing to score yet."
    assert not panel.haaqi.progress.isVisible()


def test_an_estimate_is_likely_and_has_a_band(panel: HearingPanel) -> None:
    likely = replace(quality(0.70, 0.72), kind="estimate", reference="estimated", low=0.62, high=0.79)
    panel.program.scoring.put(QualityStatus("scored", likely))  # type: ignore[attr-defined]
    haaqi = panel.haaqi
    assert haaqi.heading.text() == "Likely quality (HAAQI)"
    assert "likely between 0.62 and 0.79" in haaqi.mean_caption.text()
    assert haaqi.bars["mean"].accessibleDescription() == "0.71, likely between 0.62 and 0.79"
    assert "likely between 0.62 and 0.79" in haaqi.accessibleDescription()
    with_band = haaqi.bars["mean"].grab().toImage()
    haaqi.bars["mean"].set_score(0.71, hollow=False)
    assert haaqi.bars["mean"].grab().toImage() != with_band


def test_a_provisional_score_says_so_and_is_hollow(panel: HearingPanel) -> None:
    haaqi = panel.haaqi
    panel.program.scoring.put(QualityStatus("scored", quality()))  # type: ignore[attr-defined]
    full = haaqi.bars["left"].grab().toImage()
    on_the_way = replace(quality(), provisional=True)
    panel.program.scoring.put(QualityStatus("scored", on_the_way))  # type: ignore[attr-defined]
    assert "provisional" in haaqi.mean_caption.text()
    assert haaqi.mean.isEnabled()
    assert haaqi.bars["left"].grab().toImage() != full
    assert not haaqi.progress.isVisible()


def test_the_reference_is_chosen_in_words_with_what_they_mean(panel: HearingPanel) -> None:
    scoring = panel.program.scoring
    box = panel.haaqi.reference_box
    assert [box.itemText(i) for i in range(box.count())] == ["Estimated", "Original recording"]
    assert box.currentText() == "Original recording"
    assert "not quality" in box.toolTip()
    assert "nine times out of ten" in box.toolTip()
    scoring.references = ("true stems", "estimated", "original")  # type: ignore[misc]
    panel.haaqi.refresh()
    assert box.itemText(0) == "True stems"
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert scoring.reference == "estimated"
    assert box.accessibleName() == "Compared with"
    assert panel.haaqi.heading.text() == "Likely quality (HAAQI)"


def test_what_is_assumed_of_the_amplification_is_stated(panel: HearingPanel) -> None:
    said = {}
    for kind in ("off", "nal-r", "cad2"):
        panel.program.amplification.set_kind(kind)
        said[kind] = panel.haaqi.assumed.text()
    assert "not amplified" in said["off"]
    assert "equalisation 1" in said["nal-r"]
    assert "equalisation 2" in said["cad2"]


def test_a_trap_is_explained_where_it_is(panel: HearingPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.program.scoring.put(QualityStatus("scored", quality(true_stems=True)))  # type: ignore[attr-defined]
    assert not panel.haaqi.traps.isVisibleTo(panel.haaqi)
    quiet = replace(quality(true_stems=True), relative_db=-6.4)
    panel.program.scoring.put(QualityStatus("scored", quiet))  # type: ignore[attr-defined]
    assert "6 dB quieter" in panel.haaqi.traps.text()
    silent = replace(quiet, relative_db=-float("inf"))
    panel.program.scoring.put(QualityStatus("scored", silent))  # type: ignore[attr-defined]
    assert "nearly silent" in panel.haaqi.traps.text()
    program = panel.program
    monkeypatch.setattr(program.document, "_session", replace(program.document.session, true_stems=True))
    told = {}
    for kind in ("nal-r", "cad2"):
        scored = replace(quality(true_stems=True), amplification=kind)
        program.scoring.put(QualityStatus("scored", scored))  # type: ignore[attr-defined]
        told[kind] = panel.haaqi.traps.text()
    assert "0.96" in told["nal-r"]
    assert "are the same" in told["cad2"]
    assert "0.96" not in told["cad2"]


def test_the_last_scores_say_what_the_gains_did(panel: HearingPanel) -> None:
    scoring = panel.program.scoring
    assert not panel.haaqi.history.isVisibleTo(panel.haaqi)
    strips = {"clarinet": Strip(), "violin": Strip()}
    louder = strips | {"clarinet": Strip(gain_db=3.0)}
    scoring.history = (
        ScoredMix(quality(0.6, 0.6), strips, 0.0),
        ScoredMix(quality(0.7, 0.7), louder, 0.0),
    )
    panel.haaqi.refresh()
    assert panel.haaqi.history.words.text() == "Clarinet +3.0 dB: from 0.60 to 0.70."
    assert panel.haaqi.history.line.accessibleDescription() == "0.60, 0.70"


def test_the_window_is_named_with_the_note(panel: HearingPanel) -> None:
    told = replace(quality(), note="Both channels are silent.")
    panel.program.scoring.put(QualityStatus("scored", told))  # type: ignore[attr-defined]
    assert panel.haaqi.state.text().endswith("Both channels are silent.")


def test_it_says_what_haaqi_is_and_is_not(panel: HearingPanel) -> None:
    assert "how clean this remix is likely to sound to this ear" in panel.haaqi.is_sentence.text()
    assert "not a medical measurement" in panel.haaqi.is_not_sentence.text()
    assert "can be followed" in panel.haaqi.is_not_sentence.text()


def test_listeners_are_presets_with_words(panel: HearingPanel) -> None:
    listed = [panel.listener.itemData(i) for i in range(panel.listener.count())]
    assert [key for key in listed if key in PRESETS] == list(PRESETS)
    assert preset_text("normal") == "Normal hearing"
    assert preset_text("N3") == "N3: Moderate loss"


def test_choosing_a_listener_draws_and_tells_their_audiogram(panel: HearingPanel) -> None:
    panel.listener.setCurrentIndex(panel.listener.findData("N3"))
    panel.listener.activated.emit(panel.listener.currentIndex())
    assert panel.program.listeners.key == "N3"
    assert "4000 Hz 60" in panel.picture.accessibleDescription()
    assert "Both ears" in panel.picture.accessibleDescription()


def test_two_ears_are_told_apart(panel: HearingPanel) -> None:
    panel.picture.set_audiograms(PRESETS["N2"], PRESETS["S1"])
    words = panel.picture.accessibleDescription()
    assert words.startswith("Right ear: ")
    assert "Left ear: " in words
    assert not panel.picture.grab().isNull()


def test_an_octave_is_as_wide_as_twenty_decibels_are_high(panel: HearingPanel) -> None:
    area = panel.picture._area()
    octave = panel.picture._point(area, 2000, 0).x() - panel.picture._point(area, 1000, 0).x()
    twenty = panel.picture._point(area, 1000, 40).y() - panel.picture._point(area, 1000, 20).y()
    assert octave == pytest.approx(twenty, rel=0.01)


def test_scores_have_two_decimals() -> None:
    assert shown_score(0.7) == "0.70"
