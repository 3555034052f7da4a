import json
import math
import os

import pytest

from app.errors import UserError
from app.hearing.audiogram import NORMAL, PRESET_WORDS, PRESETS, Audiogram, preset, presets
from app.hearing.audiogram_file import read_listener


def test_level_is_linear_over_log_frequency_and_held_at_the_ends():
    audiogram = Audiogram((500, 2000), (10, 30))
    assert audiogram.level_at(1000) == pytest.approx(20)
    assert audiogram.level_at(500) == 10
    assert audiogram.level_at(20) == 10
    assert audiogram.level_at(8000) == 30
    assert audiogram.levels_at((500, 1000)) == pytest.approx((10, 20))


@pytest.mark.parametrize(
    ("frequencies", "levels", "word"),
    [
        ((), (), "at least one"),
        ((500,), (10, 20), "1 frequencies"),
        ((100,), (10,), "100 Hz"),
        ((8001,), (10,), "8001 Hz"),
        ((500,), (121,), "121 dB HL"),
        ((500,), (-11,), "-11 dB HL"),
        ((500,), (math.nan,), "nan"),
        ((math.nan,), (10,), "nan Hz"),
        ((1000, 500), (10, 10), "rise"),
        ((500, 500), (10, 10), "twice"),
    ],
)
def test_what_is_out_of_range_is_said(frequencies, levels, word):
    with pytest.raises(ValueError, match=word):
        Audiogram(frequencies, levels)


def test_frequency_to_interpolate_at_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        NORMAL.level_at(0)


def test_presets_are_bisgaards_with_8_khz_marked_as_extrapolated():
    assert list(PRESETS) == ["normal", *(f"N{n}" for n in range(1, 8)), "S1", "S2", "S3"]
    assert presets() == PRESETS
    assert set(PRESET_WORDS) == set(PRESETS)
    assert PRESETS["N3"].levels_at((250, 1000, 6000)) == (35, 40, 65)
    assert PRESETS["S2"].levels_at((750, 4000)) == (22.5, 95)
    for name, audiogram in PRESETS.items():
        assert audiogram.name == name
        assert audiogram.frequencies[-1] == 8000
        assert audiogram.level_at(8000) == audiogram.level_at(6000)
        assert audiogram.extrapolated == (() if name == "normal" else (8000,))


def test_preset_by_name_in_any_case():
    assert preset(" n3 ") is PRESETS["N3"]
    assert preset("Normal") is NORMAL
    with pytest.raises(KeyError, match="N1, N2"):
        preset("N9")


def test_a_name_reads_as_a_preset():
    listener = read_listener("s1")
    assert listener.left is listener.right is PRESETS["S1"]


@pytest.mark.parametrize(
    ("name", "content", "left", "right"),
    [
        ("own.json", {"frequencies": [500, 4000], "levels": [10, 50]}, (10, 50), (10, 50)),
        ("ears.json", {"frequencies": [500, 4000], "left": [1, 2], "right": [3, 4]}, (1, 2), (3, 4)),
        (
            "cadenza.json",
            {
                "name": "L5040",
                "audiogram_cfs": [250, 8000, 16000],
                "audiogram_levels_l": [5, 6, 7],
                "audiogram_levels_r": [8, 9, 10],
            },
            (5, 6),
            (8, 9),
        ),
        ("one.csv", "500,10\n4000,50\n", (10, 50), (10, 50)),
        ("header.csv", "Hz,left,right\n4000,2,4\n500,1,3\n", (1, 2), (3, 4)),
        ("swapped.csv", "Hz,right,left\n500,1,3\n4000,2,4\n", (3, 4), (1, 2)),
        ("german.csv", "500;10,5;20\n4000;50;60\n", (10.5, 50), (20, 60)),
    ],
)
def test_files(tmp_path, name, content, left, right):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    listener = read_listener(path)
    assert listener.left.levels == left
    assert listener.right.levels == right
    assert listener.same_ears == (left == right)


def test_one_of_several_listeners(tmp_path):
    one = {"audiogram_cfs": [500], "audiogram_levels_l": [5], "audiogram_levels_r": [5]}
    path = tmp_path / "listeners.json"
    path.write_text(json.dumps({"L1": one, "L2": one | {"audiogram_levels_l": [6]}}))
    with pytest.raises(UserError, match="2 listeners"):
        read_listener(path)
    assert read_listener(f"{path}#L2").left.levels == (6,)
    with pytest.raises(UserError, match="no listener"):
        read_listener(f"{path}#L3")
    path.write_text(json.dumps({"L1": one}))
    assert read_listener(path).name == "L1"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty"),
        ("{", "neither a JSON nor a CSV"),
        ("[1, 2]", "object"),
        ('{"frequencies": [500]}', "list of levels"),
        ('{"frequencies": [500], "levels": [1, 2]}', "2 levels"),
        ('{"frequencies": [500], "levels": ["x"]}', "not a number"),
        ('{"frequencies": [500], "levels": [500]}', "500 dB HL"),
        ('{"frequencies": [500, 500], "levels": [1, 1]}', "twice"),
        ('{"frequencies": [20000], "levels": [1]}', "at least one"),
        ("500\n1000\n", "each line"),
        ("500,1\n1000,1,2\n", "each line"),
        ("a,b\nc,d\n", "neither the frequency"),
        ("hello world", "each line"),
    ],
)
def test_broken_files_get_a_sentence_with_their_name(tmp_path, content, word):
    path = tmp_path / "gehör.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=word) as caught:
        read_listener(path)
    assert "gehör.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_binary_and_unreadable_files(tmp_path):
    with pytest.raises(UserError, match="neither a standard audiogram nor a file"):
        read_listener("N9")
    with pytest.raises(UserError, match="folder"):
        read_listener(tmp_path)
    path = tmp_path / "noise.json"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(UserError, match="not a text file"):
        read_listener(path)
    path.write_text("500,1\n")
    path.chmod(0)
    if not os.access(path, os.R_OK):
        with pytest.raises(UserError, match="permissions"):
            read_listener(path)
