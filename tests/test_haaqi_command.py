from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from app import score_files
from app.cli import app
from app.commands import FAILED, STOPPED
from app.errors import Cancelled
from app.haaqi_command import FAULT
from app.log import log_path

RATE = 24000


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["haaqi", *(str(word) for word in words)])


def scored(*words: str | Path) -> dict:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def write(path: Path, noise: float = 0.0, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    audio = 0.1 * rng.standard_normal(9000) * (0.6 + 0.4 * np.sin(np.arange(9000) / 1200))
    audio += noise * np.random.default_rng(seed).standard_normal(audio.size)
    soundfile.write(path, audio.astype(np.float32), RATE, "FLOAT" if path.suffix == ".wav" else None)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "clean.wav"), write(tmp_path / "noisy.wav", 0.05)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two good files, of which one is below; one only in each; one that holds no sound; a hidden one."""
    reference, processed = tmp_path / "reference", tmp_path / "processed"
    for folder, noise, ending in ((reference, 0.0, ".wav"), (processed, 0.05, ".flac")):
        write(folder / f"a{ending}", noise)
        write(folder / f"below/b{ending}", noise)
        (folder / "broken.wav").write_text("no sound")
        (folder / ".hidden").write_text("x")
    write(reference / "alone.wav")
    return reference, processed


def test_each_ear_may_have_its_own_audiogram(files: tuple[Path, Path]) -> None:
    both = scored(*files, "--audiogram", "N3")
    one = scored(*files, "--audiogram", "N3", "--right", "normal")
    two = scored(*files, "--left", "N3", "--right", "normal")
    assert one["left"] == both["left"] == two["left"]
    assert one["right"] == two["right"] != both["right"]
    assert two["listener"] == "N3 and normal"


def test_an_amplified_reference(files: tuple[Path, Path]) -> None:
    clean = files[0]
    score = scored(clean, clean, "-a", "N3", "--equalisation", "2")
    assert score["mean"] > 0.95
    assert (score["amplified"], score["equalisation"]) == (False, 2)
    assert scored(clean, clean, "-a", "N3", "--no-amplification")["mean"] < score["mean"]
    assert "as they are" in run(clean, clean, "--equalisation", "2").stdout


def test_a_level(files: tuple[Path, Path]) -> None:
    assert scored(*files, "-a", "N3", "--level", "30")["mean"] < scored(*files, "-a", "N3")["mean"]


def test_folders_are_compared_file_by_file(folders: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    result = run(*folders, "--csv", table, "--json")
    assert result.exit_code == 1
    rows = {row["file"]: row for row in json.loads(result.stdout)}
    assert set(rows) == {"a", "alone", "below/b", "broken"}
    assert rows["a"]["mean"] == rows["below/b"]["mean"] > 0
    assert rows["alone"]["problem"].endswith(".")
    assert "processed" in rows["alone"]["problem"]
    assert "broken.wav" in rows["broken"]["problem"]
    assert "2 of 4" in result.stderr
    written = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["file"] for row in written] == sorted(rows)
    assert float(written[0]["mean"]) == rows["a"]["mean"]
    assert "there already" in run(*folders, "--csv", table).stderr


def test_folders_that_are_all_well(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        (folder / "broken.wav").unlink()
    (folders[0] / "alone.wav").unlink()
    result = run(*folders)
    assert result.exit_code == 0
    assert [line.split(" (")[0].rsplit(".", 1)[0] for line in result.stdout.splitlines()] == [
        "a: HAAQI 0",
        "below/b: HAAQI 0",
    ]


def test_a_fault_of_the_program_is_one_row_and_in_the_log(
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    expected_errors: list[logging.LogRecord],
) -> None:
    whole = score_files.score_files

    def faulty(reference: Path, *given: object, **more: object) -> object:
        if reference.stem == "a":
            raise ZeroDivisionError("in the middle of it")
        if reference.stem == "broken":
            raise Cancelled
        return whole(reference, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(score_files, "score_files", faulty)
    assert run(*folders).exit_code == STOPPED  # a cancellation is no fault
    for folder in folders:
        (folder / "broken.wav").unlink()
    result = run(*folders, "--json")
    assert result.exit_code == FAILED
    rows = {row["file"]: row for row in json.loads(result.stdout)}
    assert rows["a"]["problem"] == FAULT
    assert len(expected_errors) == 2  # one a run
    assert rows["below/b"]["mean"] > 0
    assert "in the middle of it" in log_path().read_text(encoding="utf-8")


def test_what_is_no_sound_file_is_left_out_and_counted(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        (folder / "broken.wav").unlink()
        (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff")
        (folder / "below" / "notes.txt").write_text("x")
    (folders[0] / "alone.wav").rename(folders[0] / "alone.pdf")
    result = run(*folders, "--json")
    assert result.exit_code == 0
    assert [row["file"] for row in json.loads(result.stdout)] == ["a", "below/b"]
    assert "not those of sound files: 3." in result.stderr


def test_a_sound_file_is_held_against_whatever_has_its_name(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.wav").rename(folders[0] / "a.strange")
    rows = {row["file"]: row for row in json.loads(run(*folders, "--json").stdout)}
    assert rows["a"]["mean"] > 0


def test_notes_are_said_of_every_file(folders: tuple[Path, Path]) -> None:
    soundfile.write(folders[1] / "a.flac", np.full(7000, 0.01), RATE)
    result = run(*folders)
    assert "a: The files are not equally long" in result.stderr
    assert "below/b: The files" not in result.stderr


def test_a_file_may_have_a_table_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(*files, "--csv", tmp_path / "one.csv").exit_code == 0
    assert len((tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_what_means_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    for words, part in (
        (("--equalisation", "3"), "--equalisation"),
        (("--equalisation", "2", "--amplification"), "--amplification"),
        (("--level", "200"), "--level"),
        (("--level", "nan"), "--level"),
    ):
        result = run(*files, *words)
        assert result.exit_code == 2
        assert part in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert "two folders" in run(files[0], tmp_path).stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no sound files" in run(empty, empty).stderr
    assert "cannot be written" in run(*files, "--csv", tmp_path / "no" / "x.csv").stderr
