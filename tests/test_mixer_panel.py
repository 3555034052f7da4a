"""The mixer panel: strips for stems, one time axis, alignment, polling, and an end without leftovers."""

import itertools
import threading

import numpy as np
import pytest
from fake_program import RATE, FakeProgram
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget

from tests.shell_window import dress
from ui.mixer_panel import MixerPanel
from ui.theme import apply_theme
from ui.time_axis import TimeAxis


@pytest.fixture
def program(qapp) -> FakeProgram:
    return FakeProgram()


@pytest.fixture
def panel(program: FakeProgram, qtbot):
    dress()
    panel = MixerPanel(program, TimeAxis())
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    yield panel
    panel.close()


@pytest.fixture
def another_theme(qapp: QApplication, panel: MixerPanel):
    """Puts a theme and a text size on; the light one is back after the test."""
    yield lambda theme, scale: apply_theme(qapp, theme, scale)
    apply_theme(qapp, "light", 1.0)


def settle(panel: MixerPanel, qtbot) -> None:
    def quiet() -> bool:
        panel.grab()
        return panel.worker.idle and panel.waveform.source.finished

    qtbot.waitUntil(quiet, timeout=60_000)


def test_empty_then_opened_then_separated(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    assert panel.strips == []
    panel.poll()
    program.open_made_up(3.0)
    assert panel.axis.duration == pytest.approx(3.0)
    assert panel.strips == []
    program.separate("violin-1", "violin-2", "clarinet")
    assert [s.stem for s in panel.strips] == ["violin-1", "violin-2", "clarinet", "residual"]
    program.open_made_up(2.0)
    assert panel.strips == []
    assert panel.axis.duration == pytest.approx(2.0)


def test_the_same_strips_stay_when_stems_come_again(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    before = list(panel.strips)
    program.separate("violin", "clarinet")
    assert panel.strips == before
    assert panel.find_strip("violin").spectrogram.tiles.audio is program.stems.arrays["violin"]
    assert panel.find_strip("oboe") is None


def test_spectrograms_lie_below_the_waveform(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    program.open_made_up(2.0)
    program.separate("violin", "clarinet", "cello", "bassoon", "flute")
    qtbot.waitExposed(panel)

    def place(view: QWidget) -> tuple[int, int]:
        return view.mapTo(panel, QPoint(0, 0)).x(), view.width()

    for size in ((1000, 500), (1000, 1400), (1600, 700)):
        panel.resize(*size)
        qtbot.waitUntil(
            lambda: {place(s.spectrogram) for s in panel.strips} == {place(panel.waveform)}, timeout=5000
        )


def test_blocks_fill_in_from_the_left(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    program.open_made_up(4.0)
    program.separate("violin", "clarinet")
    view = panel.find_strip("clarinet").spectrogram
    assert view._ready_seconds == 0.0
    program.block(2.0)
    assert view._ready_seconds == panel.waveform._ready_seconds == pytest.approx(2.0)
    program.finish()
    assert view._ready_seconds == np.inf

    def filled() -> bool:
        panel.grab()
        still = panel.worker.idle and not view._refresh.isActive()
        return still and view._pixels is not None and view._pixels.max() > 150

    qtbot.waitUntil(filled, timeout=60_000)


def test_polling_moves_play_heads_and_meters(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(4.0)
    program.separate("violin", "clarinet")
    program.player.position = 2 * RATE
    program.player.strip_peaks[:] = (0.5, 0.0, 0.1)
    panel.poll()
    assert panel.waveform.position == panel.strips[0].spectrogram.position == 2.0
    levels = [s.meter.level_db for s in panel.strips]
    assert levels == pytest.approx([-6.02, -60.0, -20.0], abs=0.01)


def test_meters_do_not_tell_which_setting_plays(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(4.0)
    program.separate("violin", "clarinet")
    program.player.strip_peaks[:] = (0.5, 0.0, 0.1)
    program.fitting.stage = "blind"
    panel.poll()
    assert [s.meter.level_db for s in panel.strips] == [-60.0, -60.0, -60.0]
    program.fitting.stage = "revealed"
    panel.poll()
    assert panel.strips[0].meter.level_db > -10.0


def test_the_page_turns_while_playing(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(10.0)
    panel.axis.set_range(0.0, 2.0)
    program.player.position = 5 * RATE
    panel.poll()
    assert panel.axis.start == 0.0
    program.player.playing = True
    panel.poll()
    assert panel.axis.start < 5.0 < panel.axis.stop


def test_up_and_down_go_from_strip_to_strip(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    with qtbot.waitActive(panel):
        panel.activateWindow()
    QApplication.processEvents()
    panel.strips[0].setFocus()
    qtbot.keyClick(panel.strips[0], Qt.Key.Key_Down)
    assert panel.strips[1].hasFocus()
    qtbot.keyClick(panel.strips[1], Qt.Key.Key_Up)
    qtbot.keyClick(panel.strips[0], Qt.Key.Key_Up)
    assert panel.waveform.hasFocus()


def test_tab_goes_in_the_order_that_is_seen(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    with qtbot.waitActive(panel):
        panel.activateWindow()
    QApplication.processEvents()
    panel.tools.options.setFocus()
    expected = [panel.tools.options, panel.tools.zoom_in, panel.tools.follow, panel.waveform]
    expected += [panel.follow.part]  # nothing can be brought forward yet
    for strip in panel.strips:
        expected += [strip, strip.mute, strip.solo, strip.gain.field, strip.pan.slider]
    seen = [QApplication.focusWidget()]
    for _ in expected[1:]:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
    assert seen == expected


def test_options_reach_every_strip(program: FakeProgram, panel: MixerPanel, qtbot) -> None:
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    panel.tools.options.click()
    assert panel.options.isVisible()
    panel.set_frequency_scale("linear")
    assert {s.spectrogram.scale for s in panel.strips} == {"linear"}
    assert panel.options.scale.currentData() == "linear"
    assert program.settings.spectrogram_scale == "log"
    panel.options.scale.setCurrentIndex(panel.options.scale.findData("linear"))
    panel.options.scale.activated.emit(0)
    assert program.settings.spectrogram_scale == "linear"
    panel.options.floor.setValue(-60)
    assert program.settings.spectrogram_range_db == 45.0
    assert {s.spectrogram._range[0] for s in panel.strips} == {-60}
    program.separate("violin", "cello")
    assert {s.spectrogram.scale for s in panel.strips} == {"linear"}


def test_zoom_buttons_and_the_bar(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(10.0)
    assert not panel.tools.zoom_out.isEnabled()
    panel.tools.zoom_in.click()
    assert panel.axis.span < 10.0
    assert panel._time_bar.isEnabled()
    panel._time_bar.setValue(panel._time_bar.maximum())
    assert panel.axis.stop == pytest.approx(10.0)
    panel.tools.show_all.click()
    assert panel.axis.shows_all
    panel.tools.follow.click()
    assert not panel.axis.follow


def test_everything_has_a_name(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    nameless = [
        w
        for w in panel.findChildren(QWidget)
        if w.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not w.accessibleName()
        and not w.objectName().startswith("qt_")
    ]
    assert nameless == []


@pytest.mark.parametrize(("theme", "scale"), [("light", 1.0), ("high contrast", 1.5), ("dark", 2.0)])
def test_nothing_is_clipped(
    program: FakeProgram, panel: MixerPanel, another_theme, qtbot, theme: str, scale: float
) -> None:
    program.open_made_up(1.0)
    program.separate("violin-1", "saxophone", "clarinet")
    another_theme(theme, scale)
    panel.tools.options.setChecked(True)
    panel.resize(1280, 720)
    qtbot.waitUntil(lambda: panel.strips[0].controls.width() >= panel.strips[0].column_hint())
    QApplication.processEvents()
    shown = [
        w
        for s in panel.strips
        for w in (s.mute, s.solo, s.gain.field, s.gain.fader, s.meter, s.audibility, s.pan, s.title, s.mark)
    ]
    shown += [
        panel.tools.zoom_in,
        panel.tools.show_all,
        panel.tools.follow,
        panel.tools.options,
        panel.tools.title,
    ]
    for widget in shown:
        hint = widget.minimumSizeHint()
        assert widget.width() >= hint.width(), widget
        assert widget.height() >= hint.height(), widget
    for strip in panel.strips:
        metrics = strip.gain.field.fontMetrics()
        assert strip.gain.field.lineEdit().width() >= metrics.horizontalAdvance("−60.0 dB") + 8
        assert strip.title.width() >= strip.title.fontMetrics().horizontalAdvance(strip.title.text())
        rows = [strip.mute, strip.gain, strip.pan]
        for above, below in itertools.pairwise(rows):
            assert above.geometry().bottom() < below.geometry().top()
    for button in (panel.tools.show_all, panel.tools.follow, panel.tools.options):
        assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()) + 6


def test_it_leaves_nothing_running(program: FakeProgram, qtbot) -> None:
    panel = MixerPanel(program, TimeAxis())
    qtbot.addWidget(panel)
    panel.show()
    program.open_made_up(2.0)
    program.separate("violin", "clarinet")
    panel.grab()
    program.block(1.0)
    panel.close()
    assert not panel._timer.isActive()
    assert not [t for t in threading.enumerate() if t.name in ("spectrogram tiles", "waveform")]
    panel.show()
    assert not panel._timer.isActive()


def test_a_folder_of_stems_brings_its_own(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(1.0)
    program.separate("violin")
    program.true_stems, program.stems = program.stems, None
    program.document.set_stems(program.document.session.parts, "", true_stems=True)
    assert panel.find_strip("violin").spectrogram.tiles.audio is program.true_stems.arrays["violin"]


def test_audibility_is_shown_in_every_strip_and_follows_the_play_head(
    program: FakeProgram, panel: MixerPanel
) -> None:
    program.open_made_up(1.0)
    program.separate("violin-1", "clarinet")
    program.audibility.put(violin_1=0.62, clarinet=None)
    assert [s.audibility.words for s in panel.strips] == ["62 % audible", "–", "–"]
    assert "62 percent audible" in panel.strips[0].accessibleDescription()
    before = program.audibility.looks
    panel.poll()
    assert program.audibility.looks == before + 1


def test_without_parts_there_is_nothing_to_follow(program: FakeProgram, panel: MixerPanel) -> None:
    program.open_made_up(1.0)
    assert not panel.follow.isVisibleTo(panel)
    program.separate("violin", "clarinet")
    assert panel.follow.isVisibleTo(panel)
