from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import session_file
from app.document import Document
from app.paths import recovery_folder
from app.recovery import Recovery
from app.session import Session, Source
from separation.separator import Part

SESSION = Session(source=Source("/music/Trio.wav", "ab" * 32, 1000, 2, 200_000)).with_stems(
    (Part("violin"), Part("clarinet")), "nmf"
)


class Program:
    """A document and its autosave, as two of them stand beside each other in two running programs."""

    def __init__(self) -> None:
        self.document = Document()
        self.recovery = Recovery(self.document)
        self.recovery.start()

    def edit(self, gain_db: float = -3.0) -> None:
        self.document.replace(SESSION)
        self.document.set_gain("violin", gain_db)


@pytest.fixture
def program(qapp: object) -> Iterator[Program]:
    program = Program()
    yield program
    program.recovery.stop()


@pytest.fixture
def other(qapp: object) -> Iterator[Program]:
    program = Program()
    yield program
    program.recovery.stop()


def files() -> list[Path]:
    return sorted(recovery_folder().glob("*")) if recovery_folder().exists() else []


def sessions() -> list[Session]:
    return [session_file.load(file) for file in files() if file.suffix == session_file.SUFFIX]


def test_nothing_is_written_while_nothing_would_be_lost(program: Program) -> None:
    program.document.replace(SESSION)
    program.recovery.save_now()
    assert files() == []


def test_the_first_edit_is_saved_at_once(program: Program) -> None:
    program.edit()
    assert sessions() == [program.document.session]


def test_later_edits_are_saved_by_the_timer(qtbot: QtBot) -> None:
    document = Document()
    recovery = Recovery(document, interval_seconds=0.02)
    recovery.start()
    document.replace(SESSION)
    document.set_gain("violin", -3)
    document.set_gain("clarinet", -6)
    qtbot.waitUntil(lambda: sessions() == [document.session], timeout=10_000)
    recovery.close()
    assert files() == []


def test_what_did_not_change_is_not_written_again(program: Program) -> None:
    program.edit()
    (file,) = [file for file in files() if file.suffix == session_file.SUFFIX]
    before = file.stat().st_ino
    program.recovery.save_now()
    assert file.stat().st_ino == before
    program.document.set_gain("violin", -12)
    program.recovery.save_now()
    assert session_file.load(file) == program.document.session


def test_undo_and_saving_remove_it(program: Program, tmp_path: Path) -> None:
    program.edit()
    program.document.undo()
    assert files() == []
    program.document.set_gain("violin", -6)
    assert len(files()) == 2  # the session and its claim
    program.document.save(tmp_path / "a.ripieno")
    assert files() == []


def test_a_clean_exit_removes_it(program: Program) -> None:
    program.edit()
    program.recovery.close()
    assert files() == []
    program.document.set_gain("violin", -7)
    assert files() == []


def test_a_running_program_is_no_leftover(program: Program, other: Program) -> None:
    program.edit()
    other.edit(-9)
    assert len(sessions()) == 2
    assert program.recovery.leftovers() == []
    assert other.recovery.leftovers() == []
    other.recovery.close()
    assert sessions() == [program.document.session]


DIES = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app import session_file
from app.document import Document
from app.recovery import Recovery

app = QCoreApplication([])
document = Document()
recovery = Recovery(document)
recovery.start()
document.replace(session_file.load(Path(sys.argv[1])), Path(sys.argv[1]))
document.set_gain("violin", float(sys.argv[2]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def die(tmp_path: Path, gain_db: float = -4.5, name: str = "Rehearsal.ripieno") -> Path:
    """Another program opens a session, makes an edit, and is killed."""
    if sys.platform == "win32":
        pytest.skip("SIGKILL is POSIX")
    path = tmp_path / name
    session_file.save(SESSION, path)
    done = subprocess.run([sys.executable, "-c", DIES, str(path), str(gain_db)], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    return path


def test_what_a_killed_program_had_is_offered_and_recovered(program: Program, tmp_path: Path) -> None:
    path = die(tmp_path)
    (leftover,) = program.recovery.leftovers()
    assert (leftover.path, leftover.title) == (path, "Rehearsal")
    assert leftover.session == SESSION.with_gain("violin", -4.5)
    assert session_file.load(leftover.file) == leftover.session
    assert leftover.saved.tzinfo is not None

    program.document.replace(leftover.session, leftover.path, recovered=True)
    program.recovery.discard(leftover)
    assert program.document.dirty
    assert program.document.title == "Rehearsal"
    assert sessions() == [leftover.session]  # this program's own autosave, made before the other one went
    assert program.recovery.leftovers() == []
    program.document.save()
    assert files() == []
    assert session_file.load(path) == leftover.session


def test_a_leftover_recovered_over_unsaved_work(program: Program, tmp_path: Path) -> None:
    """The document was dirty before and stays dirty: the autosave must follow all the same."""
    die(tmp_path)
    program.edit(-1)
    (leftover,) = program.recovery.leftovers()
    program.document.replace(leftover.session, leftover.path, recovered=True)
    program.recovery.discard(leftover)
    assert sessions() == [leftover.session]


def test_the_newest_leftover_comes_first_and_each_can_be_discarded(program: Program, tmp_path: Path) -> None:
    die(tmp_path, -1, "first.ripieno")
    die(tmp_path, -2, "second.ripieno")
    leftovers = program.recovery.leftovers()
    assert {leftover.title for leftover in leftovers} == {"first", "second"}
    assert leftovers[0].saved >= leftovers[1].saved
    program.recovery.discard(leftovers[0])
    assert program.recovery.leftovers() == leftovers[1:]
    program.recovery.discard(leftovers[1])
    program.recovery.discard(leftovers[1])
    assert files() == []


def test_a_leftover_that_another_program_opens_is_not_lost(program: Program, tmp_path: Path) -> None:
    die(tmp_path)
    (leftover,) = program.recovery.leftovers()
    program.recovery.stop()
    assert Recovery(Document()).leftovers() == [leftover]


@pytest.mark.parametrize("content", ["", "{}", '{"recovery": {}}', '{"recovery": 3}', "[]"])
def test_a_damaged_autosave_is_logged_and_removed(
    program: Program, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    recovery_folder().mkdir(parents=True)
    (recovery_folder() / "0123.ripieno").write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert program.recovery.leftovers() == []
    assert "could not be read" in caplog.text
    assert files() == []


def test_a_bad_date_is_damage(program: Program) -> None:
    recovery_folder().mkdir(parents=True)
    data = session_file.to_data(SESSION, recovery_folder())
    data["recovery"] = {"saved": "yesterday", "path": None, "title": "x"}
    (recovery_folder() / "0123.ripieno").write_text(json.dumps(data), encoding="utf-8")
    assert program.recovery.leftovers() == []


def test_a_folder_that_cannot_be_written_is_logged_once(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    recovery_folder().parent.mkdir(parents=True)
    recovery_folder().write_text("not a folder", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        program.edit()
        program.recovery.save_now()
    assert caplog.text.count("the autosave failed") == 1
    recovery_folder().unlink()
    program.recovery.save_now()
    assert sessions() == [program.document.session]


def test_the_autosave_can_be_read_by_its_owner_only(program: Program) -> None:
    program.edit()
    assert recovery_folder().stat().st_mode & 0o077 == 0
