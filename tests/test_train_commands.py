import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from training_material import TINY_RECIPE, tiny_clips
from typer.testing import CliRunner, Result

from app.cli import app
from separation.training import curve, ensemble_synth, recipes
from separation.training.ensemble_synth import write_shard

SMALL = ("--set", "channels=8", "--set", "blocks=1", "--set", "items=1", "--set", "seconds=0.5")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["train", *(str(word) for word in words)])


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    write_shard(tiny_clips(tmp_path), tmp_path / "pool" / "0.safetensors")
    return tmp_path / "pool"


def test_a_short_training_leaves_weights_and_a_curve(pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights"
    write_shard(tiny_clips(tmp_path, 1), tmp_path / "held" / "seen" / "0.safetensors")
    words = ("--pool", pool, "--held", tmp_path / "held", "--out", out, "--device", "cpu", *SMALL)
    result = run("--separator", "harmonic", "--minutes", "0.01", *words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("harmonic: ")
    assert str(out / "weights.safetensors") in result.stdout.replace("\n", "")
    assert "seen" in result.stderr
    (row,) = curve.read_rows(out / "curve.csv")
    assert row["step"] >= 1
    assert np.isfinite(row["seen"])
    again = run("--minutes", "0.01", *words, "--quiet")
    assert again.exit_code == 0, again.stderr
    assert again.stderr == ""


def test_ctrl_c_says_how_to_go_on(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(type(TINY_RECIPE)):  # type: ignore[misc]
        def batch(self, *given: object) -> object:
            os.kill(os.getpid(), signal.SIGINT)
            return super().batch(*given)

    made = Interrupted(TINY_RECIPE.measures, TINY_RECIPE.questions)
    monkeypatch.setattr(recipes, "recipe", lambda name: made)
    result = run("--pool", pool, "--out", tmp_path / "out", "--device", "cpu")
    assert result.exit_code == 130
    assert "Stopped after step 1; the same command goes on from there." in result.stderr
    assert json.loads((tmp_path / "out" / "checkpoint.json").read_text(encoding="utf-8"))["step"] == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--minutes", "1"), 2, "--out FOLDER"),
        (("--out", "x", "--minutes", "-1"), 2, "0 or more"),
        (("--out", "x", "--separator", "kazoo"), 2, "no recipe to train “kazoo”"),
        (("--out", "x", "--set", "items"), 2, "NAME=VALUE"),
        (("--out", "x", "--set", "colour=1"), 2, "colour"),
        (("--out", "x", "--device", "abacus"), 2, "abacus"),
        (("--out", "x", "--held", "nowhere"), 1, "nowhere is not there"),
        (("--out", "x", "--pool", "nowhere", *SMALL), 1, "“ripieno train clips”"),
        (("--out", "x", "--continue-from", "nowhere.safetensors"), 1, "nowhere.safetensors cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    words: tuple[str, ...], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == code
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_clips_are_made_with_the_modules_own_options(tmp_path: Path) -> None:
    from training_material import tiny_bank, tiny_scores

    from separation.training.scores import save

    tiny_bank(tmp_path)
    save(tiny_scores(), tmp_path / "scores.json")
    made = ("--bank", tmp_path / "bank", "--scores", tmp_path / "scores.json", "--out", tmp_path / "pool")
    result = run("clips", *made, "--clips", "2", "--seconds", "1")
    assert result.exit_code == 0, result.stderr
    (shard,) = (tmp_path / "pool").glob("*.safetensors")
    assert len(ensemble_synth.read_shard(shard)) == 2


@pytest.mark.parametrize(
    ("word", "option"), [("bank", "--font"), ("scores", "--leave-out"), ("clips", "--held-scores")]
)
def test_each_part_has_its_own_help(word: str, option: str) -> None:
    result = run(word, "--help")
    assert result.exit_code == 0
    assert option in result.stdout
    assert f"ripieno train {word}" in result.stdout
    assert run(word, "--colour", "red").exit_code == 2


def test_stopping_the_making_of_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ensemble_synth, "main", interrupted)
    result = run("clips")
    assert result.exit_code == 130
    assert result.stderr.strip() == "Stopped; the same command goes on from there."


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(arguments: list[str]) -> int:
        (tmp_path / "lost.json").read_text(encoding="utf-8")
        return 0

    monkeypatch.setattr(ensemble_synth, "main", missing)
    result = run("clips")
    assert result.exit_code == 1
    assert "lost.json" in result.stderr
