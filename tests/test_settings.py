from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.settings import FILE_NAME, RECENT_FILES, Settings

EXAMPLES: list[tuple[str, Any]] = [
    ("device", "cuda:0"),
    ("output_device", "Kopfhörer; USB, „links“ = 50%"),
    ("theme", "high contrast"),
    ("text_scale", 1.25),
    ("language", "de"),
    ("separator", "nmf"),
    ("last_instruments", ("violin-1", "violin-2")),
    ("last_instruments", ("cello",)),
    ("recent_files", ("/music/a, b.wav", '/music/四重奏 "x".flac', "C:\\Musik\\c.wav")),
    ("last_folder", "/music"),
    ("audiogram_name", "N3"),
    ("listen_to", "recording"),
    ("match_loudness", False),
    ("autosave", False),
    ("window_geometry", "AdnQywADAAAAAAAA"),
    ("window_state", "AAAA/w=="),
    ("spectrogram_scale", "linear"),
    ("spectrogram_range_db", 90.0),
]


@pytest.fixture
def settings(qapp: object) -> Settings:
    return Settings()


def again(settings: Settings) -> Settings:
    """The settings as the next start of the program finds them."""
    assert settings.write() is None
    return Settings()


def test_they_lie_in_the_settings_folder(settings: Settings, own_folders: Path) -> None:
    assert settings.path == own_folders / "config" / FILE_NAME
    settings.theme = "dark"
    assert settings.write() is None
    assert settings.path.is_file()


@pytest.mark.parametrize(("name", "value"), EXAMPLES)
def test_values_come_back(settings: Settings, name: str, value: Any) -> None:
    default = getattr(settings, name)
    assert default != value
    heard: list[str] = []
    settings.changed.connect(heard.append)
    setattr(settings, name, value)
    assert heard == [name]
    assert getattr(settings, name) == value
    later = again(settings)
    assert getattr(later, name) == value
    assert type(getattr(later, name)) is type(default)


def test_the_same_value_is_no_change(settings: Settings) -> None:
    settings.text_scale = 1.5
    heard: list[str] = []
    settings.changed.connect(heard.append)
    settings.text_scale = 1.5
    settings.theme = "system"
    assert heard == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("device", 3), ("autosave", "yes"), ("text_scale", "large"), ("text_scale", True)],
)
def test_a_wrong_value_is_refused(settings: Settings, name: str, value: Any) -> None:
    default = getattr(settings, name)
    with pytest.raises((TypeError, ValueError)):
        setattr(settings, name, value)
    assert getattr(settings, name) == default


def test_figures_are_cut_to_their_range(settings: Settings) -> None:
    settings.text_scale = 40
    assert settings.text_scale == 2.5
    settings.spectrogram_range_db = -4
    assert settings.spectrogram_range_db == 20.0


@pytest.mark.parametrize(
    "content", ["theme=pink", "theme=1, 2", "theme=", "autosave=maybe", "[General", "\0\1"]
)
def test_a_file_that_makes_no_sense_means_the_defaults(qapp: object, own_folders: Path, content: str) -> None:
    (own_folders / "config").mkdir(parents=True)
    (own_folders / "config" / FILE_NAME).write_text(f"[General]\n{content}\n", encoding="utf-8")
    settings = Settings()
    assert settings.theme == "system"
    assert settings.autosave is True


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_names_come_back(qapp: object, names: list[str]) -> None:
    settings = Settings()
    settings.last_instruments = tuple(names)
    assert again(settings).last_instruments == tuple(names)


def test_recent_files_are_the_newest_ten_and_each_once(settings: Settings, tmp_path: Path) -> None:
    for number in range(12):
        settings.add_recent_file(tmp_path / f"{number}.wav")
    settings.add_recent_file(tmp_path / "5.wav")
    names = [Path(name).name for name in settings.recent_files]
    assert len(names) == RECENT_FILES
    assert names[:3] == ["5.wav", "11.wav", "10.wav"]
    assert names.count("5.wav") == 1
    settings.remove_recent_file(tmp_path / "11.wav")
    assert [Path(name).name for name in settings.recent_files][:2] == ["5.wav", "10.wav"]


def test_reset_tells_what_it_changed(settings: Settings) -> None:
    settings.theme = "dark"
    settings.autosave = False
    heard: list[str] = []
    settings.changed.connect(heard.append)
    settings.reset()
    assert sorted(heard) == ["autosave", "theme"]
    assert (settings.theme, settings.autosave) == ("system", True)
    assert again(settings).theme == "system"


def test_two_windows_keep_each_others_changes(qapp: object) -> None:
    one, two = Settings(), Settings()
    one.theme = "dark"
    assert one.write() is None
    two.autosave = False
    assert two.write() is None
    later = Settings()
    assert (later.theme, later.autosave) == ("dark", False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(qapp: object, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    settings = Settings(locked)
    settings.theme = "dark"
    assert "could not be saved" in (settings.write() or "")


def test_a_place_that_is_no_folder_is_told(qapp: object, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    settings = Settings(tmp_path / "file")
    settings.theme = "dark"
    assert settings.theme == "dark"
    assert "could not be saved" in (settings.write() or "")
