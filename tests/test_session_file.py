from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import atomic_file, session_file
from app.errors import Cancelled
from app.session import MINUS_INFINITY, Loop, Session, Source, Strip
from app.session_file import SessionFileError, find_source, load, save
from separation.separator import Part

SOURCE = Source("/music/trio.wav", "ab" * 32, 44100, 2, 441000)


def some_session() -> Session:
    session = Session(source=SOURCE).with_stems((Part("violin", 1), Part("clarinet")), "nmf", seed=3)
    session = (
        session.with_gain("violin-1", -3).with_gain("residual", MINUS_INFINITY).with_pan("clarinet", 0.25)
    )
    return (
        session.with_mute("clarinet", True)
        .with_master(-1.5)
        .with_loop(Loop(10, 20, on=False))
        .with_position(5)
    )


# -- round trip ------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=30)
instruments = st.sampled_from(["violin", "clarinet", "cello", "a-1", "Kontrabass"]) | texts
gains = st.floats(-60, 12) | st.just(MINUS_INFINITY)
strips = st.builds(Strip, gains, st.booleans(), st.booleans(), st.floats(-1, 1))


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    source = draw(
        st.none()
        | st.builds(
            Source,
            path=texts.map(lambda name: "/nowhere/" + name),
            content_hash=st.text("0123456789abcdef", min_size=64, max_size=64),
            sample_rate=st.integers(8000, 192000),
            channels=st.integers(1, 8),
            frames=st.integers(0, 2**40),
        )
    )
    parts = draw(
        st.lists(
            st.builds(Part, instruments, st.integers(0, 9)), max_size=6, unique_by=lambda part: part.name
        )
    )
    parts = [part for part in parts if part.name != "residual"]
    session = Session(
        source=source, parts=tuple(parts), separator=draw(texts), seed=draw(st.integers(0, 2**31))
    )
    if draw(st.booleans()):
        session = session.with_stems(session.parts, session.separator, true_stems=draw(st.booleans()))
        for name in session.strips:
            session.strips[name] = draw(strips)
    session = session.with_master(draw(gains))
    loop = draw(st.none() | st.builds(Loop, st.integers(0, 2**40), st.integers(0, 2**40), st.booleans()))
    return session.with_loop(loop).with_position(draw(st.integers(0, 2**40)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sessions())
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, session: Session) -> None:
    path = tmp_path / "s.ripieno"
    save(session, path, durable=False)
    loaded = load(path)
    assert loaded == session
    assert tuple(loaded.strips) == tuple(session.strips)  # equal dicts may differ in order


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    odd = Session(source=Source(os.fsdecode(b"/music/caf\xe9.wav"), "00", 8000, 1, 1))
    save(odd, tmp_path / "s.ripieno")
    assert load(tmp_path / "s.ripieno") == odd


def test_names_in_other_scripts(tmp_path: Path) -> None:
    path = tmp_path / "Streichquartett № 2 – 四重奏 🎻.ripieno"
    save(some_session(), path)
    assert load(path) == some_session()


def test_the_file_is_plain_json_with_a_version(tmp_path: Path) -> None:
    path = tmp_path / "s.ripieno"
    save(some_session(), path)
    data = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert (data["format"], data["version"]) == ("ripieno-session", 1)
    assert data["mix"]["strips"][2] == {
        "stem": "residual",
        "gain_db": "-inf",
        "mute": False,
        "solo": False,
        "pan": 0.0,
    }


# -- versions --------------------------------------------------------------------------------------

VERSION_0 = {
    "format": "ripieno-session",
    "version": 0,
    "path": "/music/trio.wav",
    "sha256": "ab" * 32,
    "sample_rate": 44100,
    "channels": 2,
    "frames": 441000,
    "separator": "nmf",
    "gains": {"violin-1": -3.0, "clarinet": 0.0, "residual": None},
}


def test_a_session_of_version_0_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "old.ripieno"
    path.write_text(json.dumps(VERSION_0), encoding="utf-8")
    session = load(path)
    assert session.source == SOURCE
    assert session.parts == (Part("violin", 1), Part("clarinet"))
    assert session.strips == {
        "violin-1": Strip(gain_db=-3.0),
        "clarinet": Strip(),
        "residual": Strip(gain_db=MINUS_INFINITY),
    }
    save(session, path)
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1
    assert load(path) == session


def test_every_earlier_version_has_a_migration() -> None:
    assert sorted(session_file._MIGRATIONS) == list(range(session_file.VERSION))


def written(tmp_path: Path, change: Any) -> Path:
    data = session_file.to_data(some_session(), tmp_path)
    change(data)
    path = tmp_path / "quartet.ripieno"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_newer_version_is_refused_politely(tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.update(version=2))
    with pytest.raises(SessionFileError, match=r"“quartet.ripieno” was saved by a newer version of Ripieno"):
        load(path)


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    def add(data: dict[str, Any]) -> None:
        data["weather"] = "fine"
        data["mix"]["strips"][0]["colour"] = [1, 2]

    assert load(written(tmp_path, add)) == some_session()


# -- damaged files ---------------------------------------------------------------------------------


def put(*path: str | int, value: Any) -> Any:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (put("version", value="1"), "version"),
        (put("version", value=True), "version"),
        (put("version", value=-1), "version"),
        (put("mix", value=[]), "mix"),
        (put("mix", value=None), "mix"),
        (put("mix", "master_db", value="loud"), "mix.master_db"),
        (put("mix", "master_db", value=None), "mix.master_db"),
        (put("mix", "master_db", value=True), "mix.master_db"),
        (put("mix", "master_db", value=10**400), "mix.master_db"),
        (put("mix", "strips", value={}), "mix.strips"),
        (put("mix", "strips", 0, value=3), "mix.strips 1"),
        (put("mix", "strips", 1, "mute", value=0), "mix.strips 2.mute"),
        (put("mix", "strips", 1, "pan", value="left"), "mix.strips 2.pan"),
        (put("mix", "strips", 1, "stem", value=None), "mix.strips 2.stem"),
        (put("separation", "parts", 0, "number", value=1.0), "separation.parts 1.number"),
        (put("separation", "parts", 1, value={"instrument": "violin", "number": 1}), "separation.parts"),
        (put("separation", "seed", value=-1), "separation.seed"),
        (put("recording", "frames", value=2**60), "recording.frames"),
        (put("recording", "sample_rate", value=0), "recording.sample_rate"),
        (put("recording", value="trio.wav"), "recording"),
        (put("loop", "start", value=None), "loop.start"),
        (put("position", value=None), "position"),
    ],
)
def test_wrong_types_are_named(tmp_path: Path, change: Any, place: str) -> None:
    with pytest.raises(SessionFileError) as caught:
        load(written(tmp_path, change))
    assert f"The session “quartet.ripieno” is damaged: “{place}” should be" in str(caught.value)


def test_figures_out_of_range_are_cut(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        put("mix", "master_db", value=1000)(data)
        put("mix", "strips", 0, "pan", value=-7)(data)
        put("position", value=10**9)(data)

    session = load(written(tmp_path, change))
    assert session.master_db == 12.0
    assert session.strips["violin-1"].pan == -1.0
    assert session.position == SOURCE.frames


def test_strips_that_do_not_fit_the_parts_follow_the_parts(tmp_path: Path) -> None:
    session = load(written(tmp_path, put("mix", "strips", 0, "stem", value="tuba")))
    assert session.stem_names == ("violin-1", "clarinet", "residual")
    assert session.strips["clarinet"].mute


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'"ripieno-session"',
        b'{"format": "other", "version": 1}',
        b'{"format": "ripieno-session", "version": NaN}',
        b"[" * 100_000,
        b"9" * 10_000,
    ],
    ids=range(10),
)
def test_what_is_no_session_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.ripieno"
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match=r"“letter.ripieno” is not a Ripieno session"):
        load(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damage_anywhere_is_a_sentence_or_a_session(tmp_path: Path, data: st.DataObject) -> None:
    whole = session_file.dump(session_file.to_data(some_session(), tmp_path))
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + data.draw(st.integers(0, 8)) :]
    path = tmp_path / "s.ripieno"
    path.write_bytes(broken)
    try:
        load(path)
    except SessionFileError as exc:
        said = str(exc)
    else:
        said = "s.ripieno"
    assert "s.ripieno" in said


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.ripieno"
    with path.open("wb") as file:
        file.truncate(session_file.LARGEST_BYTES + 1)
    with pytest.raises(SessionFileError, match="too large"):
        load(path)


def test_folders_pipes_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="folder"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe.ripieno")
    with pytest.raises(SessionFileError, match="device"):
        load(tmp_path / "pipe.ripieno")
    with pytest.raises(SessionFileError, match=r"There is no session “gone.ripieno”"):
        load(tmp_path / "gone.ripieno")
    with pytest.raises(SessionFileError):
        load(Path("a\0b"))
    with pytest.raises(SessionFileError, match="too long"):
        load(tmp_path / ("x" * 300))


# -- writing ---------------------------------------------------------------------------------------


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "ripieno-home")


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "s.ripieno", tmp_path / "link.ripieno"
    save(Session(), real)
    link.symlink_to(real)
    save(some_session(), link)
    assert link.is_symlink()
    assert load(real) == some_session()
    assert left_in(tmp_path / "real") == ["s.ripieno"]


def test_permissions_are_kept_and_new_files_follow_the_umask(tmp_path: Path) -> None:
    old, new = tmp_path / "old.ripieno", tmp_path / "new.ripieno"
    save(Session(), old)
    old.chmod(0o640)
    save(some_session(), old)
    assert old.stat().st_mode & 0o777 == 0o640
    before = os.umask(0o027)
    try:
        save(Session(), new)
    finally:
        os.umask(before)
    assert new.stat().st_mode & 0o777 == 0o640


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="there is no folder"):
        save(Session(), tmp_path / "no" / "s.ripieno")
    with pytest.raises(SessionFileError, match="is a folder"):
        save(Session(), tmp_path)
    with pytest.raises(SessionFileError, match="too long"):
        save(Session(), tmp_path / ("x" * 300))
    assert left_in(tmp_path) == []


def test_write_protection_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.ripieno"
    save(Session(), path)
    # The tests may run as root, who may write everywhere: ask as another user would be answered.
    monkeypatch.setattr(atomic_file.os, "access", lambda *args: False)
    with pytest.raises(SessionFileError, match="not allowed"):
        save(some_session(), path)
    assert load(path) == Session()


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_full_disk_leaves_the_old_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "s.ripieno"
    save(some_session(), path)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step == "write":
        real_open = os.fdopen

        def open_full(descriptor: int, mode: str) -> Any:
            file = real_open(descriptor, mode, buffering=0)

            class Full:
                def __enter__(self) -> Any:
                    return self

                def __exit__(self, *args: object) -> None:
                    file.close()

                def write(self, content: bytes) -> None:
                    file.write(content[:10])
                    full()

            return Full()

        monkeypatch.setattr(atomic_file.os, "fdopen", open_full)
    elif step == "fsync":
        monkeypatch.setattr(atomic_file.os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SessionFileError, match=r"The disk is full, so “s.ripieno” was not saved"):
        save(Session(), path)
    monkeypatch.undo()
    assert load(path) == some_session()
    assert left_in(tmp_path) == ["s.ripieno"]


DIES_BEFORE_RENAME = """
import os, signal, sys
from pathlib import Path
from app import session_file
from app.session import Session

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "rename":
    Path.replace = die
else:
    os.fsync = die
session_file.save(Session(separator="new"), Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("moment", ["fsync", "rename"])
def test_a_kill_during_saving_leaves_the_old_session(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "s.ripieno"
    save(some_session(), path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_RENAME, str(path), moment], timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(left_in(tmp_path)) == 2  # the temporary file was being written, beside the session
    assert path.read_bytes() == before
    assert load(path) == some_session()
    save(Session(), path)
    assert load(path) == Session()


# -- the recording ---------------------------------------------------------------------------------


def with_recording(folder: Path, name: str = "trio.wav", content: bytes = b"music") -> Session:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return Session(source=Source(str(folder / name), hashlib.sha256(content).hexdigest(), 8000, 1, 9))


def test_a_folder_moved_as_a_whole_still_opens(tmp_path: Path) -> None:
    session = with_recording(tmp_path / "a")
    save(session, tmp_path / "a" / "s.ripieno")
    (tmp_path / "a").rename(tmp_path / "b")
    moved = load(tmp_path / "b" / "s.ripieno")
    assert moved.source is not None
    assert moved.source.path == str(tmp_path / "b" / "trio.wav")
    assert find_source(moved.source, tmp_path / "b" / "s.ripieno") == tmp_path / "b" / "trio.wav"


def test_a_session_moved_alone_finds_its_recording(tmp_path: Path) -> None:
    session = with_recording(tmp_path / "a")
    save(session, tmp_path / "a" / "s.ripieno")
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "s.ripieno").rename(tmp_path / "b" / "s.ripieno")
    assert load(tmp_path / "b" / "s.ripieno") == session


def test_a_renamed_recording_is_found_by_its_content(tmp_path: Path) -> None:
    session = with_recording(tmp_path / "a")
    save(session, tmp_path / "a" / "s.ripieno")
    (tmp_path / "a" / "other.wav").write_bytes(b"noise")
    (tmp_path / "a" / "trio.wav").rename(tmp_path / "a" / "Trio in A.wav")
    loaded = load(tmp_path / "a" / "s.ripieno")
    assert loaded.source is not None
    assert find_source(loaded.source, tmp_path / "a" / "s.ripieno") == tmp_path / "a" / "Trio in A.wav"


def test_a_recording_that_is_gone_is_none(tmp_path: Path) -> None:
    session = with_recording(tmp_path / "a")
    (tmp_path / "a" / "trio.wav").write_bytes(b"noise")
    (tmp_path / "a" / "trio.wav").rename(tmp_path / "a" / "noise.wav")
    assert session.source is not None
    assert find_source(session.source, tmp_path / "s.ripieno") is None


def test_the_search_can_be_cancelled(tmp_path: Path) -> None:
    session = with_recording(tmp_path / "a")
    (tmp_path / "a" / "trio.wav").rename(tmp_path / "a" / "x.wav")

    assert session.source is not None

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_source(session.source, tmp_path / "a" / "s.ripieno", cancel)
