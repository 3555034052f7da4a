from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from app import paths

FOLDERS = ("cache_folder", "config_folder", "data_folder", "state_folder", "log_folder", "recovery_folder")


@pytest.mark.parametrize("name", FOLDERS)
def test_one_variable_moves_every_folder(name: str, own_folders: Path) -> None:
    folder = getattr(paths, name)()
    assert folder.is_relative_to(own_folders)
    assert folder.is_absolute()


@pytest.mark.parametrize("name", FOLDERS)
def test_otherwise_they_are_where_the_system_has_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIPIENO_HOME")
    usual = [
        platformdirs.user_cache_dir("ripieno", appauthor=False),
        platformdirs.user_config_dir("ripieno", appauthor=False),
        platformdirs.user_data_dir("ripieno", appauthor=False),
        platformdirs.user_state_dir("ripieno", appauthor=False),
    ]
    assert any(getattr(paths, name)().is_relative_to(folder) for folder in usual)


def test_resources_hold_the_separators() -> None:
    assert (paths.RESOURCES / "separators").is_dir()
    assert paths.demo_folder().parent == paths.RESOURCES


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert paths.available_bytes(tmp_path / "not" / "there") > 0
