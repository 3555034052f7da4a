import numpy as np
import pytest

from app.errors import Cancelled
from app.hearing.audibility import audible_shares, stem_bands
from app.hearing.audiogram import NORMAL, PRESETS, Listener

RATE = 24000
BOTH = Listener(NORMAL, NORMAL)


def tone(hz, level=0.1, seconds=1.0, channels=2):
    """A tone, (frames, channels) float32."""
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def shares(stems, gains=None, listener=BOTH, amplification="off", rate=RATE):
    recording = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    bands = stem_bands(recording, stems, rate, listener, amplification)
    return audible_shares(bands, np.ones((len(stems), 2)) if gains is None else np.array(gains, float))


def test_parts_far_apart_are_both_audible_and_equal_ones_half():
    apart = shares({"flute": tone(3000), "bassoon": tone(300)})
    assert min(apart.values()) > 0.9
    same = shares({"violin-1": tone(1000), "violin-2": tone(1000)})
    assert same["violin-1"] == pytest.approx(0.5, abs=0.01)


def test_six_decibels_are_a_fifth_of_thirty():
    found = shares({"violin-1": tone(1000), "violin-2": tone(1000)}, [[2, 2], [1, 1]])
    assert found["violin-1"] == pytest.approx((6.02 + 15) / 30, abs=0.01)
    assert found["violin-2"] == pytest.approx((-6.02 + 15) / 30, abs=0.01)


def test_more_gain_is_never_less_audible():
    rng = np.random.default_rng(3)
    stems = {n: 0.05 * rng.standard_normal((RATE, 2)).astype(np.float32) for n in ("a", "b", "c")}
    recording = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    bands = stem_bands(recording, stems, RATE, BOTH, "off")
    way = [audible_shares(bands, np.array([[g, g], [1, 1], [1, 1]]))["a"] for g in (0.1, 0.3, 1, 2, 4)]
    assert way == sorted(way)
    assert way[0] < 0.1 < 0.8 < way[-1]


def test_a_loss_takes_audibility_and_amplification_gives_some_back():
    stems = {"flute": tone(4000, 0.02), "bassoon": tone(300)}
    deaf = Listener(PRESETS["N4"], PRESETS["N4"])
    normal, plain, aided = (
        shares(stems, listener=ear, amplification=kind)["flute"]
        for ear, kind in ((BOTH, "off"), (deaf, "off"), (deaf, "nal-r"))
    )
    assert normal > 0.8
    assert plain < 0.1
    assert aided > plain + 0.1


def test_what_cannot_be_heard_at_all_counts_as_lost():
    two = {"flute": tone(500, 0.05) + tone(4000, 0.05)}
    steep = Listener(PRESETS["S3"], PRESETS["S3"])
    plain, aided = (shares(two, listener=steep, amplification=k)["flute"] for k in ("off", "nal-r"))
    assert 0.3 < plain < 0.6  # 4 kHz is gone, which is more than half behind filters as wide as these
    assert aided > plain - 0.02
    assert shares(two)["flute"] > 0.95


def test_weights_are_of_the_sound_and_not_of_the_ear_or_the_amplification():
    stems = {"flute": tone(500) + tone(4000), "viola": 0 * tone(300)}
    deaf = Listener(PRESETS["S3"], PRESETS["S3"])
    plain, aided = (stem_bands(stems["flute"], stems, RATE, deaf, kind) for kind in ("off", "cad2"))
    assert plain.weight.shape == plain.power.shape
    assert np.array_equal(plain.weight, aided.weight)
    assert plain.weight.sum(axis=2) == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-4)


def test_a_compressor_amplifies_too():
    stems = {"flute": tone(4000, 0.02), "bassoon": tone(300)}
    deaf = Listener(PRESETS["N4"], PRESETS["N4"])
    plain, aided = (shares(stems, listener=deaf, amplification=k)["flute"] for k in ("off", "cad2"))
    assert aided > plain + 0.1


def test_the_ear_that_hears_it_better_counts():
    stems = {"flute": tone(3000), "bassoon": tone(3000)}
    on_the_right = shares(stems, [[0, 1], [1, 0]])
    assert on_the_right["flute"] > 0.9
    one_ear = Listener(NORMAL, PRESETS["N7"])
    assert shares({"flute": tone(3000)}, listener=one_ear)["flute"] > 0.9


def test_silence_has_no_share_and_a_muted_part_none_of_its_own():
    found = shares({"flute": tone(3000), "viola": 0 * tone(300)}, [[0, 0], [1, 1]])
    assert found == {"flute": 0.0, "viola": None}
    assert shares({"flute": 0 * tone(300)}) == {"flute": None}


@pytest.mark.parametrize("channels", [1, 6])
def test_any_number_of_channels_and_any_rate(channels):
    stems = {"flute": tone(3000, channels=channels), "bassoon": tone(200, channels=channels)}
    assert shares(stems, rate=48000)["flute"] > 0.8


def test_it_can_be_stopped():
    def check():
        raise Cancelled

    with pytest.raises(Cancelled):
        stem_bands(tone(100), {"a": tone(100)}, RATE, BOTH, "off", check)
