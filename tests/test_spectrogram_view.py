"""Spectrograms: notes in their place, brightness that follows the gain, tiles only where needed."""

import math

import numpy as np
import pytest
from fake_program import RATE, FakeProgram
from PySide6.QtGui import QColor

import ui.spectrogram_tiles
from ui.colour_map import colour_table, inferno, to_bytes
from ui.spectrogram_view import SpectrogramView
from ui.theme import DARK, LIGHT, palette_for
from ui.tile_worker import TileWorker
from ui.time_axis import TimeAxis

WIDTH, HEIGHT = 400, 120


def sine(hz: float, seconds: float = 4.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.repeat((level * np.sin(2 * np.pi * hz * t)).astype(np.float32)[:, None], 2, axis=1)


class Rig:
    """A view on its own, its worker, and the keys of every tile that was computed."""

    def __init__(self, qtbot, monkeypatch) -> None:
        self.qtbot = qtbot
        self.program, self.axis, self.worker = FakeProgram(), TimeAxis(), TileWorker()
        self.calls: list[tuple[int, int, int]] = []
        real = ui.spectrogram_tiles.compute_tile

        def counted(audio, rate, start, stop, columns, rows, **options):
            self.calls.append((start, stop, columns))
            return real(audio, rate, start, stop, columns, rows, **options)

        monkeypatch.setattr(ui.spectrogram_tiles, "compute_tile", counted)
        self.view = SpectrogramView(self.program, self.axis, self.worker)
        self.view.setPalette(palette_for(DARK))
        qtbot.addWidget(self.view)
        self.view.resize(WIDTH, HEIGHT)

    def show(self, audio: np.ndarray | None, rate: int = RATE) -> None:
        self.axis.set_duration(0.0 if audio is None else len(audio) / rate)
        self.view.set_audio(audio, rate)
        self.view.show()
        self.settle()

    def settle(self) -> None:
        """Wait until everything that is seen has been computed and painted."""

        def quiet() -> bool:
            self.view.grab()
            return self.worker.idle and self.view._picture is not None and not self.view._refresh.isActive()

        self.qtbot.waitUntil(quiet, timeout=60_000)

    def levels(self) -> np.ndarray:
        """What is painted, as bytes (height, width)."""
        self.view.grab()
        return self.view._pixels[:, :WIDTH].copy()

    def brightness(self) -> float:
        image = self.view.grab().toImage()
        return float(
            np.mean(
                [QColor(image.pixel(x, y)).lightness() for x in range(80, 380, 7) for y in range(0, HEIGHT)]
            )
        )


@pytest.fixture
def rig(qtbot, monkeypatch):
    rig = Rig(qtbot, monkeypatch)
    yield rig
    rig.view.shutdown()
    rig.worker.shutdown()


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("hz", [220.0, 1000.0, 6000.0])
def test_a_tone_is_where_its_frequency_is(rig: Rig, scale: str, hz: float) -> None:
    rig.view.set_scale(scale)
    rig.show(sine(hz))
    loudest = rig.levels()[:, WIDTH // 2].argmax()
    assert abs(loudest - rig.view.y_of(hz)) <= 2.5
    assert rig.view.scale == scale


def test_an_onset_is_where_its_time_is(rig: Rig) -> None:
    audio = sine(440.0)
    audio[: 2 * RATE] = 0.0
    rig.show(audio)
    row = rig.levels()[round(rig.view.y_of(440.0))].astype(int)
    onset = int(np.argmax(row > 200))
    assert abs(onset - WIDTH / 2) <= 8
    rig.axis.set_range(1.5, 2.5)
    rig.settle()
    row = rig.levels()[round(rig.view.y_of(440.0))].astype(int)
    assert abs(int(np.argmax(row > 200)) - WIDTH / 2) <= 30


def test_brightness_follows_the_gain_without_new_tiles(rig: Rig) -> None:
    rig.show(sine(440.0, level=0.05))
    calls = len(rig.calls)
    normal = rig.brightness()
    rig.view.set_gain(12.0)
    louder = rig.brightness()
    rig.view.set_gain(-30.0)
    softer = rig.brightness()
    rig.view.set_gain(-math.inf, "Muted")
    muted = rig.brightness()
    assert louder > normal > softer > muted
    rig.view.set_range(-120, -60)
    rig.view.set_gain(0.0)
    assert rig.brightness() > normal
    assert len(rig.calls) == calls


def test_nothing_is_computed_on_the_main_thread(rig: Rig, monkeypatch) -> None:
    import threading

    where = set()
    real = ui.spectrogram_tiles.compute_tile

    def watched(*args, **options):
        where.add(threading.current_thread().name)
        return real(*args, **options)

    monkeypatch.setattr(ui.spectrogram_tiles, "compute_tile", watched)
    rig.show(sine(440.0))
    assert where == {"spectrogram tiles"}


def test_zooming_shows_at_once_what_is_known(rig: Rig) -> None:
    rig.show(sine(1000.0))
    rig.worker.shutdown()
    rig.axis.zoom(4.0, 2.0)
    closer = rig.levels()
    assert closer[:, WIDTH // 2].argmax() == pytest.approx(rig.view.y_of(1000.0), abs=3)
    assert closer.max() > 200


def test_seen_tiles_are_kept(rig: Rig) -> None:
    rig.show(sine(440.0, seconds=8.0))
    rig.axis.set_range(0.0, 2.0)
    rig.settle()
    rig.axis.show_all()
    rig.settle()
    calls = len(rig.calls)
    rig.axis.set_range(0.0, 2.0)
    rig.settle()
    assert len(rig.calls) == calls


def test_the_cache_is_bounded(rig: Rig, monkeypatch) -> None:
    monkeypatch.setattr(ui.spectrogram_tiles, "CACHE_BYTES", 300_000)
    rig.show(sine(440.0, seconds=20.0))
    for start in np.arange(0.0, 18.0, 1.0):
        rig.axis.set_range(start, start + 1.5)
        rig.settle()
    assert 0 < rig.view.tiles.size <= 300_000


def test_an_hour_costs_as_much_as_a_minute(rig: Rig) -> None:
    class Hour:
        """An hour of noise that is never held: reads are answered with the same ten seconds."""

        shape = (3600 * RATE, 1)
        dtype = np.dtype(np.float32)
        block = np.random.default_rng(0).standard_normal((10 * RATE, 1)).astype(np.float32) * 0.1
        read = 0

        def __getitem__(self, part: tuple[slice, int]) -> np.ndarray:
            length = part[0].stop - part[0].start
            Hour.read += length
            return self.block[:length, part[1]]

        def __len__(self) -> int:
            return self.shape[0]

    rig.show(Hour())
    assert rig.levels().mean() > 50
    assert Hour.read < 60 * RATE * 20


def test_blocks_fill_in_and_only_their_columns_are_computed_again(rig: Rig) -> None:
    whole = sine(880.0, seconds=8.0)
    audio = np.zeros_like(whole)
    rig.view.set_ready(0.0)
    rig.show(audio)
    assert rig.levels().max() < 20
    rig.calls.clear()
    audio[: 2 * RATE] = whole[: 2 * RATE]
    rig.view.set_ready(2.0)
    rig.view.touch(0, 2 * RATE)
    rig.settle()
    row = rig.levels()[round(rig.view.y_of(880.0))]
    assert row[: WIDTH // 4 - 8].min() > 200
    assert row[WIDTH // 4 + 12 :].max() < 60
    assert sum(columns for _, _, columns in rig.calls) < 200
    audio[:] = whole
    rig.view.touch(2 * RATE, 8 * RATE)
    rig.view.set_ready(math.inf)
    rig.settle()
    assert rig.levels()[round(rig.view.y_of(880.0))].min() > 200


def test_a_block_that_comes_while_its_tile_is_computed_is_not_lost(rig: Rig, monkeypatch) -> None:
    import threading

    whole = sine(880.0, seconds=2.0)
    audio = np.zeros_like(whole)
    reading, go_on = threading.Event(), threading.Event()
    real = ui.spectrogram_tiles.compute_tile

    def slow(*args, **options):
        result = real(*args, **options)
        reading.set()
        assert go_on.wait(20)
        return result

    monkeypatch.setattr(ui.spectrogram_tiles, "compute_tile", slow)
    rig.axis.set_duration(2.0)
    rig.view.set_audio(audio, RATE)
    rig.view.show()
    rig.view.grab()
    assert reading.wait(20)
    audio[:] = whole
    rig.view.touch(0, len(audio))
    go_on.set()
    rig.settle()
    assert rig.levels()[round(rig.view.y_of(880.0)), 20:-20].min() > 200


def test_another_stem_forgets_the_first(rig: Rig) -> None:
    rig.show(sine(440.0))
    rig.show(sine(4000.0))
    assert abs(rig.levels()[:, 200].argmax() - rig.view.y_of(4000.0)) <= 3
    calls = len(rig.calls)
    rig.view.set_audio(rig.view.tiles.audio, RATE)
    rig.settle()
    assert len(rig.calls) == calls


@pytest.mark.parametrize("rate", [8000, 192_000])
def test_every_sample_rate(rig: Rig, rate: int) -> None:
    t = np.arange(rate) / rate
    rig.show((0.3 * np.sin(2 * np.pi * 500 * t)).astype(np.float32)[:, None], rate)
    assert abs(rig.levels()[:, 200].argmax() - rig.view.y_of(500.0)) <= 4


def test_without_a_stem_it_is_the_canvas(rig: Rig) -> None:
    rig.view.set_audio(None, 1)
    rig.view.show()
    image = rig.view.grab().toImage()
    assert QColor(image.pixel(200, 60)) == DARK.color("canvas")


def test_an_unknown_scale_is_refused(rig: Rig) -> None:
    with pytest.raises(ValueError, match="bark"):
        rig.view.set_scale("bark")


def test_click_and_wheel(rig: Rig, qtbot) -> None:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtTest import QTest

    rig.program.open_made_up(2.0)
    rig.show(rig.program.recording.audio)
    qtbot.mouseClick(rig.view, Qt.MouseButton.LeftButton, pos=QPoint(WIDTH // 2, 30))
    assert rig.program.seeks == [RATE]
    QTest.wheelEvent(
        rig.view.windowHandle(), QPointF(100, 30), QPoint(0, 120), QPoint(), Qt.KeyboardModifier.NoModifier
    )
    qtbot.waitUntil(lambda: rig.axis.span < 2.0)
    assert rig.view.seconds_at(100) == pytest.approx(0.5, abs=0.01)


def test_the_map_is_pyqtgraphs() -> None:
    import pyqtgraph

    theirs = pyqtgraph.colormap.get("inferno").getLookupTable(0.0, 1.0, 256)
    assert np.abs(theirs.astype(int) - inferno().astype(int)).max() <= 8


def test_the_map_goes_one_way() -> None:
    for theme, way in ((DARK, 1), (LIGHT, -1)):
        table = [QColor(c).lightnessF() for c in colour_table(theme, 0.0, -127.5, 0.0)]
        luminance = np.array(
            [
                0.2126 * QColor(c).red() + 0.7152 * QColor(c).green() + 0.0722 * QColor(c).blue()
                for c in colour_table(theme, 0.0, -127.5, 0.0)
            ]
        )
        assert len(table) == 256
        assert (np.diff(luminance) * way >= -0.6).all()
        assert len(set(colour_table(theme, -math.inf, -90, -20))) == 1


def test_bytes_are_half_decibels() -> None:
    levels = np.array([-300.0, -127.5, -60.0, -0.5, 0.0, 20.0, np.nan])
    assert to_bytes(levels).tolist() == [0, 0, 135, 254, 255, 255, 0]
