"""Private profiles on the disk."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from app.paths import data_folder
from app.profiles import Profile, ProfileError, ProfileStore, is_id, new_id, profile_of
from tests.listener_ears import LEFT, RIGHT, a_profile

HEAD = '"format": "ripieno-listener", "version": 1'


def test_a_profile_comes_back_with_everything() -> None:
    store = ProfileStore()
    profile = replace(a_profile("Änne 🎻"), trials=({"choice": "B", "count": 3},), comment="hears well")
    store.save(profile)
    assert store.load(profile.id) == profile
    assert store.all() == [profile]
    assert profile.listener.id == profile.id
    assert store.folder == data_folder() / "listeners"


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        (tmp_path / "l").mkdir(mode=0o777)
        store = ProfileStore(tmp_path / "l")
        profile = a_profile()
        file = store.folder / f"{profile.id}.json"
        file.write_text("{}")
        file.chmod(0o666)
        store.save(profile)
        assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(f.stat().st_mode) for f in store.folder.iterdir()] == [0o600]
    finally:
        os.umask(old)


def test_names_are_in_no_file_name_and_in_no_repr() -> None:
    store = ProfileStore()
    profile = a_profile()
    store.save(profile)
    (file,) = store.folder.iterdir()
    assert file.name == f"{profile.id}.json"
    assert is_id(file.stem)
    for thing in (profile, profile.listener, profile.left):
        assert "Anna" not in repr(thing)
        assert "95" not in repr(thing).replace(profile.id, "")


def test_ids_are_random_and_never_a_path() -> None:
    assert new_id() != new_id()
    store = ProfileStore()
    for bad in ("../../etc/passwd", "", "ABCDEF0123456789", "0123456789abcdef\n"):
        assert not is_id(bad)
        with pytest.raises(ProfileError):
            store.load(bad)


def test_deleted_is_gone() -> None:
    store = ProfileStore()
    profile = profile_of(a_profile().listener, "Other")
    assert profile.name == "Other"
    store.save(profile)
    store.delete(profile.id)
    store.delete(profile.id)
    assert store.all() == []
    with pytest.raises(ProfileError, match="no listener profile"):
        store.load(profile.id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": "x"}',
        "{" * 10000,
        f'{{{HEAD}, "name": 5}}',
        f'{{{HEAD}, "name": "Anna", "left": {{"frequencies": [1], "levels": [55]}}}}',
        f'{{{HEAD}, "name": "Anna", "trials": [1]}}',
    ],
    ids=range(7),
)
def test_damaged_profiles_are_left_alone_and_their_content_is_not_told(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = ProfileStore()
    store.save(good := a_profile())
    bad = new_id()
    (store.folder / f"{bad}.json").write_text(text)
    (store.folder / "notes.json").write_text(json.dumps({"a": 1}))
    assert store.all() == [good]
    assert (store.folder / f"{bad}.json").exists()
    with pytest.raises(ProfileError, match="damaged") as caught:
        store.load(bad)
    told = str(caught.value) + " ".join(record.getMessage() for record in caplog.records)
    assert "Anna" not in told
    assert "55" not in told.replace(bad, "")


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="could not be saved"):
        ProfileStore(tmp_path / "file").save(Profile(new_id(), "", LEFT, RIGHT))
