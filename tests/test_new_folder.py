from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.claims import claim
from app.new_folder import FolderError, NewFolder


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "ripieno-home")


def write(folder: NewFolder, *files: str) -> None:
    for name in files:
        (folder.path / name).write_text(f"new {name}")


@pytest.mark.parametrize("exists", [True, False])
def test_it_appears_whole(exists: bool, tmp_path: Path) -> None:
    target = tmp_path / "out"
    if exists:
        target.mkdir()
    with NewFolder(target, mark="mark") as folder:
        write(folder, "a", "mark")
        assert not target.exists() or names(target) == []
        folder.commit()
    assert names(target) == ["a", "mark"]
    assert names(tmp_path) == ["out"]


def test_folders_above_are_made_and_taken_away_again(tmp_path: Path) -> None:
    with NewFolder(tmp_path / "a" / "b" / "c", mark="mark") as folder:
        write(folder, "x")
    assert names(tmp_path) == []
    with NewFolder(tmp_path / "a" / "b" / "c", mark="mark") as folder:
        folder.commit()
    assert names(tmp_path / "a" / "b") == ["c"]


def test_what_goes_wrong_leaves_nothing(tmp_path: Path) -> None:
    def work() -> None:
        with NewFolder(tmp_path / "out", mark="mark") as folder:
            write(folder, "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert names(tmp_path) == []


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "Musik"
    target.mkdir()
    (target / "mark").write_text("old")
    with pytest.raises(FolderError, match=r"“Musik” is not empty.*--force"):
        NewFolder(target, mark="mark")
    (target / "mark").rename(target / "thesis.odt")
    with pytest.raises(FolderError, match="other things"):
        NewFolder(target, mark="mark", replace=True)
    assert names(tmp_path) == ["Musik"]


def test_replacing_leaves_other_files_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    for name in ("mark", "a", "gone", "my remix.wav"):
        (target / name).write_text("old")
    with NewFolder(target, mark="mark", replace=True) as folder:
        write(folder, "a", "b", "mark")
        folder.outdated = ("a", "gone", "never there")
        folder.commit()
    assert names(target) == ["a", "b", "mark", "my remix.wav"]
    assert (target / "a").read_text() == "new a"
    assert (target / "my remix.wav").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="is a file"):
        NewFolder(tmp_path / "file", mark="mark")
    with pytest.raises(FolderError):
        NewFolder(tmp_path / "file" / "out", mark="mark")
    with pytest.raises(FolderError, match="too long"):
        NewFolder(tmp_path / ("x" * 300), mark="mark")
    with pytest.raises(FolderError, match="no name"):
        NewFolder(Path("a\0b"), mark="mark")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(FolderError, match="no permission"):
        NewFolder(tmp_path / "locked" / "out", mark="mark")


def test_what_a_crash_left_is_removed_but_nothing_of_a_running_program(tmp_path: Path) -> None:
    crashed, running = tmp_path / ".ripieno-0000", tmp_path / ".ripieno-1111"
    for folder in (crashed, running):
        folder.mkdir()
        (folder / ".claim").touch()
        (folder / "violin.wav").touch()
    held = claim(running / ".claim")
    assert held is not None
    with NewFolder(tmp_path / "out", mark="mark") as folder:
        folder.commit()
    assert names(tmp_path) == [".ripieno-1111", "out"]
    held.release()
