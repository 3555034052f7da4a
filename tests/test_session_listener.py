"""A session and whose ears it is made for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.document import Document
from app.listeners import Listeners
from app.profiles import new_id
from app.recovery import Recovery
from app.session import Session
from app.session_file import load, save
from app.session_listener import SessionListener
from app.settings import Settings
from separation.separator import Part
from tests.listener_ears import a_profile

pytestmark = pytest.mark.usefixtures("qapp")


class Parts:
    """What the program puts together."""

    def __init__(self) -> None:
        self.document = Document()
        self.listeners = Listeners(Settings())
        self.recovery = Recovery(self.document)
        self.link = SessionListener(self.document, self.listeners, self.recovery)
        self.notices: list[str] = []
        self.link.notice.connect(self.notices.append)


@pytest.fixture
def parts() -> Parts:
    return Parts()


def test_a_session_names_the_chosen_profile_and_nothing_else(parts: Parts, tmp_path: Path) -> None:
    profile = a_profile()
    parts.listeners.add(profile)
    assert parts.document.session.listener == profile.id
    assert not parts.document.dirty
    path = tmp_path / "a.ripieno"
    parts.document.save(path)
    text = path.read_text()
    assert json.loads(text)["listener"] == profile.id
    assert "Anna" not in text
    parts.listeners.choose("N3")
    assert parts.document.session.listener == ""


def test_opening_a_session_chooses_its_listener(parts: Parts) -> None:
    profile = a_profile()
    parts.listeners.add(profile)
    parts.listeners.choose("N1")
    parts.document.replace(Session(listener=profile.id))
    assert parts.listeners.profile == profile
    parts.document.replace(Session())  # a new recording: whoever listens goes on listening
    assert parts.document.session.listener == profile.id
    assert parts.notices == []


def test_a_listener_that_is_not_here_is_a_sentence_and_normal_hearing(parts: Parts) -> None:
    parts.listeners.choose("N3")
    unknown = new_id()
    parts.document.replace(Session(listener=unknown))
    assert parts.listeners.key == "normal"
    assert "not on this computer" in parts.notices[0]
    assert parts.document.session.listener == unknown  # whole again where the profile is
    parts.listeners.choose("N2")
    assert parts.document.session.listener == ""


def test_files_without_a_listener_and_with_a_name_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.ripieno"
    save(Session(listener="Anna Beispiel"), path)
    assert "Anna" not in path.read_text()
    data = json.loads(path.read_text())
    for listener, read in (("Anna", ""), (None, ""), ("0123456789abcdef", "0123456789abcdef")):
        path.write_text(json.dumps(data | {"listener": listener}))
        assert load(path).listener == read
    del data["listener"]
    path.write_text(json.dumps(data))
    assert load(path).listener == ""


def test_a_new_listener_finds_no_history_and_no_autosave(parts: Parts) -> None:
    parts.listeners.add(a_profile())
    parts.document.replace(Session().with_stems((Part("violin"),), "nmf"))
    parts.document.set_gain("violin", -6)
    parts.recovery.save_now()
    assert parts.recovery._file.exists()
    assert parts.document.undo_stack.canUndo()
    parts.listeners.forget()
    assert not parts.document.undo_stack.canUndo()
    assert not parts.recovery._file.exists()
    assert parts.document.session.strips["violin"].gain_db == -6
    assert parts.document.session.listener == ""
    parts.recovery.close()


def test_autosaves_of_earlier_runs_go_too(parts: Parts) -> None:
    earlier = Parts()
    earlier.document.replace(Session().with_stems((Part("violin"),), "nmf"))
    earlier.document.set_gain("violin", -6)
    earlier.recovery.close(keep=True)
    assert len(parts.recovery.leftovers()) == 1
    parts.listeners.forget()
    assert parts.recovery.leftovers() == []


def test_undo_does_not_bring_an_earlier_listener_back(parts: Parts) -> None:
    first, second = a_profile("A"), a_profile("B")
    parts.document.replace(Session().with_stems((Part("violin"),), "nmf"))
    parts.listeners.add(first)
    parts.document.set_gain("violin", -6)
    parts.listeners.add(second)
    parts.document.undo()
    assert parts.document.session.listener == second.id
