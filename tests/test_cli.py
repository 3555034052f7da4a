from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_separators import CARD, CallingSeparator, SharingSeparator
from typer.testing import CliRunner, Result

from app.cli import app
from app.errors import Cancelled
from separation import catalogue
from separation.separator import SeparatorError

RATE = 44100
ROOT = Path(__file__).resolve().parents[1]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def said(result: Result, code: int) -> str:
    """The one sentence on stderr of a command that failed with ``code``."""
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].endswith(".")
    assert "Traceback" not in lines[0]
    assert result.stdout == ""
    return lines[0]


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "ripieno-home")


def noise(frames: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-0.3, 0.3, (frames, channels)).astype(np.float32)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> SharingSeparator:
    """The catalogue holds one separator that takes no time."""
    separator = SharingSeparator()

    def load(name: str) -> SharingSeparator:
        if name not in ("fake", catalogue.default_separator()):
            raise SeparatorError(f"There is no separator called “{name}”; there is: fake.")
        return separator

    monkeypatch.setattr(catalogue, "load", load)
    return separator


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    path = tmp_path / "Quartett – Sätze.wav"
    soundfile.write(path, noise(30_001), RATE, "FLOAT")
    return path


# -- separate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("rate", "frames"), [(16000, 1), (44100, 30_001), (48000, 100_000), (96000, 7)])
def test_stems_have_the_recordings_shape_and_add_up_to_it(
    channels: int, rate: int, frames: int, fake: SharingSeparator, tmp_path: Path
) -> None:
    audio = noise(frames, channels)
    soundfile.write(tmp_path / "mix.wav", audio, rate, "FLOAT")
    result = run("separate", tmp_path / "mix.wav", "-i", "violin:2,clarinet", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    names = ["violin-1", "violin-2", "clarinet", "residual"]
    assert files(tmp_path / "out") == sorted([f"{n}.wav" for n in names] + ["separation.json"])
    total = np.zeros(audio.shape)
    for name in names:
        info = soundfile.info(tmp_path / "out" / f"{name}.wav")
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (
            rate,
            channels,
            frames,
            "FLOAT",
        )
        total += soundfile.read(tmp_path / "out" / f"{name}.wav", always_2d=True)[0]
    assert np.abs(total - audio).max() <= 1e-6


def test_what_separation_json_holds(fake: SharingSeparator, mix: Path, tmp_path: Path) -> None:
    words = ("--separator", "fake", "--seed", "7", "--device", "cpu", "--json")
    result = run("separate", mix, "--instruments", "violin, clarinet", "--out", tmp_path / "out", *words)
    noted = json.loads((tmp_path / "out" / "separation.json").read_text(encoding="utf-8"))
    assert json.loads(result.stdout) == noted | {"folder": str(tmp_path / "out")}
    assert noted["recording"]["name"] == mix.name
    assert noted["recording"]["frames"] == 30_001
    assert len(noted["recording"]["sha256"]) == 64
    assert noted["separator"]["name"] == CARD.name
    assert noted["parts"] == ["violin", "clarinet"]
    assert noted["stems"]["residual"] == "residual.wav"
    assert noted["seed"] == 7
    assert noted["device"]
    assert noted["notices"] == []
    assert {"ripieno", "torch", "numpy", "soxr", "python"} <= noted["versions"].keys()
    assert str(tmp_path) not in json.dumps(noted)  # no path of the user's in something that is passed on


def test_folders_above_are_made(fake: SharingSeparator, mix: Path, tmp_path: Path) -> None:
    assert run("separate", mix, "-i", "violin", "-o", tmp_path / "ä" / "木").exit_code == 0
    assert "violin.wav" in files(tmp_path / "ä" / "木")


def test_silence_is_separated_into_silence_and_said(fake: SharingSeparator, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", np.zeros((5000, 2)), RATE)
    result = run("separate", tmp_path / "mix.wav", "-i", "violin", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert "silent" in result.stderr
    assert not soundfile.read(tmp_path / "out" / "violin.wav")[0].any()


def test_samples_that_are_no_numbers_are_said(fake: SharingSeparator, tmp_path: Path) -> None:
    audio = noise(5000)
    audio[100] = np.nan
    soundfile.write(tmp_path / "mix.wav", audio, RATE, "FLOAT")
    result = run("separate", tmp_path / "mix.wav", "-i", "violin", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert "no number" in result.stderr
    assert np.isfinite(soundfile.read(tmp_path / "out" / "violin.wav")[0]).all()
    noted = json.loads((tmp_path / "out" / "separation.json").read_text(encoding="utf-8"))
    assert "no number" in noted["notices"][0]


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("-i", "vuvuzela"), "vuvuzela"),
        (("-i", ""), "No instruments"),
        (("-i", "violin,violin"), "twice"),
        (("-i", "violin:9"), "9 of violin"),
        (("-i", "violin", "--separator", "none"), "fake"),
    ],
)
def test_usage_that_is_wrong(words: tuple[str, ...], word: str, fake: SharingSeparator, mix: Path) -> None:
    assert word in said(run("separate", mix, "-o", mix.parent / "out", *words), 2)
    assert files(mix.parent) == [mix.name]


def test_usage_that_typer_finds(mix: Path) -> None:
    for words in (("separate", mix), ("separate",), ("nonsense",), ("separate", mix, "--nonsense")):
        result = run(*words)
        assert result.exit_code == 2
        assert "Error" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda p: None, "There is no file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.touch(), "0 bytes"),
        (lambda p: p.write_text("words"), "“odd.wav”"),
        (lambda p: soundfile.write(p, np.zeros((0, 1)), RATE), "no sound"),
    ],
)
def test_recordings_that_are_none(make, word: str, fake: SharingSeparator, tmp_path: Path) -> None:
    make(tmp_path / "odd.wav")
    before = files(tmp_path)
    text = said(run("separate", tmp_path / "odd.wav", "-i", "violin", "-o", tmp_path / "a" / "out"), 1)
    assert word in text
    assert files(tmp_path) == before


def test_very_long_paths(fake: SharingSeparator, mix: Path, tmp_path: Path) -> None:
    long = "x" * 300
    assert "too long" in said(run("separate", tmp_path / long, "-i", "violin", "-o", tmp_path / "out"), 1)
    assert "too long" in said(run("separate", mix, "-i", "violin", "-o", tmp_path / long), 1)
    assert files(tmp_path) == [mix.name]


def test_a_file_that_may_not_be_read(
    fake: SharingSeparator, mix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may read everything: so the refusal is played."""
    may = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: str(path) != str(mix) and may(path, mode, **more)
    )
    really_open = Path.open

    def refuse(self: Path, *args: str, **more: str):
        if self == mix:
            raise PermissionError(13, "Permission denied", str(self))
        return really_open(self, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    assert "no permission" in said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), 1)
    assert "no permission" in said(run("haaqi", mix, mix), 1)
    assert files(mix.parent) == [mix.name]


def test_a_device_that_is_not_there(fake: SharingSeparator, mix: Path) -> None:
    words = ("-i", "violin", "-o", mix.parent / "out", "--device", "abacus")
    assert "abacus" in said(run("separate", mix, *words), 1)


def test_an_output_that_is_in_use(fake: SharingSeparator, mix: Path, tmp_path: Path) -> None:
    words = ("separate", mix, "-i", "violin", "-o", tmp_path / "out")
    assert run(*words).exit_code == 0
    (tmp_path / "out" / "my remix.flac").write_text("mine")
    assert "--force" in said(run(*words), 1)
    other = ("separate", mix, "-i", "cello", "-o", tmp_path / "out", "--force")
    assert run(*other).exit_code == 0
    assert files(tmp_path / "out") == ["cello.wav", "my remix.flac", "residual.wav", "separation.json"]
    assert "is a file" in said(run("separate", mix, "-i", "cello", "-o", mix), 1)


def test_a_full_disk(fake: SharingSeparator, mix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.separate_folder.available_bytes", lambda path: 1000)
    text = said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), 1)
    assert "too little space" in text
    assert files(mix.parent) == [mix.name]


def test_a_disk_that_fills_up_meanwhile(
    fake: SharingSeparator, mix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("soundfile.SoundFile.write", full)
    assert "disk is full" in said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), 1)
    assert files(mix.parent) == [mix.name]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do everything")
def test_no_permission(fake: SharingSeparator, mix: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    assert "permission" in said(run("separate", mix, "-i", "violin", "-o", tmp_path / "locked" / "out"), 1)
    mix.chmod(0)
    assert "permission" in said(run("separate", mix, "-i", "violin", "-o", tmp_path / "out"), 1)


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (Cancelled, 130)])
def test_ctrl_c(error: type, code: int, mix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(mixture: object, number: int) -> None:
        raise error

    monkeypatch.setattr(catalogue, "load", lambda name: CallingSeparator(function=stop))  # type: ignore[arg-type]
    text = said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), code)
    assert "nothing was written" in text
    assert files(mix.parent) == [mix.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_being_asked_to_end(mix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def end(mixture: object, number: int) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        return mixture

    monkeypatch.setattr(catalogue, "load", lambda name: CallingSeparator(function=end))  # type: ignore[arg-type]
    said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), 143)
    assert files(mix.parent) == [mix.name]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_fault_of_the_program_goes_into_the_log(
    mix: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch, expected_errors: list
) -> None:
    def fault(mixture: object, number: int) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(catalogue, "load", lambda name: CallingSeparator(function=fault))  # type: ignore[arg-type]
    text = said(run("separate", mix, "-i", "violin", "-o", mix.parent / "out"), 1)
    assert "ZeroDivisionError" in text
    log = own_folders / "state" / "log" / "ripieno.log"
    assert str(log) in text
    assert "inside" in log.read_text(encoding="utf-8")
    assert files(mix.parent) == [mix.name]


# -- remix --------------------------------------------------------------------------------------------


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = tmp_path / "stems"
    folder.mkdir()
    for seed, name in enumerate(("violin-1", "clarinet", "residual")):
        audio = np.random.default_rng(seed).uniform(-0.1, 0.1, (20_000, 2)).astype(np.float32)
        soundfile.write(folder / f"{name}.wav", audio, RATE, "FLOAT")
    return folder


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_remix_at_other_gains(stems: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    result = run("remix", stems, "--gain", "violin-1=+6", "--gain", "clarinet=-3", "--out", out)
    assert result.exit_code == 0, result.stderr
    violin, clarinet, rest = (read(stems / f"{n}.wav") for n in ("violin-1", "clarinet", "residual"))
    expected = violin * 10 ** (6 / 20) + clarinet * 10 ** (-3 / 20) + rest
    np.testing.assert_allclose(read(out), expected, atol=1e-6)
    assert soundfile.info(out).subtype == "FLOAT"


def test_remix_with_mute_solo_pan_master(stems: Path, tmp_path: Path) -> None:
    violin, clarinet = read(stems / "violin-1.wav"), read(stems / "clarinet.wav")
    out = tmp_path / "out.wav"
    run("remix", stems, "--solo", "violin-1", "--solo", "clarinet", "--master", "-6", "-o", out)
    np.testing.assert_allclose(read(out), (violin + clarinet) * 10 ** (-6 / 20), atol=1e-6)
    run("remix", stems, "--mute", "residual,clarinet", "--pan", "violin-1=-1", "-o", out, "--force")
    np.testing.assert_allclose(read(out)[:, 0], violin[:, 0], atol=1e-6)
    assert not read(out)[:, 1].any()


def test_separate_then_remix_gives_the_recording_back(
    fake: SharingSeparator, mix: Path, tmp_path: Path
) -> None:
    run("separate", mix, "-i", "clarinet,violin:2", "-o", tmp_path / "sep")
    assert run("remix", tmp_path / "sep", "-o", tmp_path / "again.wav").exit_code == 0
    np.testing.assert_allclose(read(tmp_path / "again.wav"), noise(30_001), atol=1e-6)


def test_remix_says_what_it_wrote_as_json(stems: Path, tmp_path: Path) -> None:
    words = ("--gain", "violin-1=12", "--clipping", "normalise", "--format", "flac16", "--json")
    result = run("remix", stems, "-o", tmp_path / "out.flac", *words)
    found = json.loads(result.stdout)
    assert found["paths"] == [str(tmp_path / "out.flac")]
    assert found["gain_db"] != 0
    assert soundfile.info(tmp_path / "out.flac").subtype == "PCM_16"


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (("--gain", "tuba=1"), 2, "tuba"),
        (("--gain", "violin-1"), 2, "--gain"),
        (("--mute", "tuba"), 2, "tuba"),
        (("--format", "wma"), 2, "wma"),
        (("--format", "mp3", "--sample-rate", "96000"), 1, "--sample-rate 48000"),
    ],
)
def test_remix_that_cannot_be(
    words: tuple[str, ...], code: int, word: str, stems: Path, tmp_path: Path
) -> None:
    assert word in said(run("remix", stems, "-o", tmp_path / "out.wav", *words), code)
    assert files(tmp_path) == ["stems"]


def test_remix_asks_before_it_replaces(stems: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    out.write_text("precious")
    assert "--force" in said(run("remix", stems, "-o", out), 1)
    assert out.read_text() == "precious"
    assert run("remix", stems, "-o", out, "--force").exit_code == 0
    assert "overwrite" in said(run("remix", stems, "-o", stems / "clarinet.wav", "--force"), 1)
    assert "is a folder" in said(run("remix", stems, "-o", stems, "--format", "wav16"), 1)
    assert "no ending" in said(run("remix", stems, "-o", tmp_path / "out"), 2)
    assert "no folder" in said(run("remix", stems, "-o", tmp_path / "nowhere" / "out.wav"), 1)
    assert "“gone”" in said(run("remix", tmp_path / "gone", "-o", tmp_path / "x.wav"), 1)


# -- haaqi --------------------------------------------------------------------------------------------


def test_haaqi(mix: Path, tmp_path: Path) -> None:
    audio = noise(30_001) + 0.1 * np.random.default_rng(1).standard_normal((30_001, 2)).astype(np.float32)
    soundfile.write(tmp_path / "worse.wav", audio, RATE, "FLOAT")
    result = run("haaqi", mix, tmp_path / "worse.wav", "--audiogram", "N2", "--json")
    assert result.exit_code == 0, result.stderr
    score = json.loads(result.stdout)
    assert 0 < score["mean"] < 1
    assert score["reference"] == mix.name
    assert score["amplified"] is True
    plain = run("haaqi", mix, tmp_path / "worse.wav", "-a", "N2")
    assert f"HAAQI {score['mean']:.3f}" in plain.stdout


def test_haaqi_with_an_audiogram_from_a_file(mix: Path, tmp_path: Path) -> None:
    (tmp_path / "ears.csv").write_text("Hz,left,right\n250,10,20\n1000,20,30\n4000,40,60\n")
    result = run(
        "haaqi", mix, mix, "-a", tmp_path / "ears.csv", "--no-amplification", "--seconds", "0.3", "--json"
    )
    score = json.loads(result.stdout)
    assert score["listener"] == "ears"
    assert score["amplified"] is False
    assert score["seconds"] == pytest.approx(0.3, abs=1e-3)


def test_haaqi_that_cannot_be(mix: Path, tmp_path: Path) -> None:
    assert "“gone.wav”" in said(run("haaqi", mix, tmp_path / "gone.wav"), 1)
    assert "N1" in said(run("haaqi", mix, mix, "-a", "N99"), 1)
    assert "--start" in said(run("haaqi", mix, mix, "--start", "-1"), 2)
    assert "--start" in said(run("haaqi", mix, mix, "--seconds", "0"), 2)
    assert "seconds" in said(run("haaqi", mix, mix, "--start", "100"), 1)


# -- separators, help, start --------------------------------------------------------------------------


def test_the_catalogue() -> None:
    listed = json.loads(run("separators", "--json").stdout)
    assert {card["name"] for card in listed} == set(catalogue.cards())
    assert sum(card["usual"] for card in listed) == 1
    assert {"violin", "clarinet"} <= set(listed[0]["instruments"])
    assert str(ROOT) not in json.dumps(listed)
    text = run("separators").stdout
    assert "harmonic (the usual one)" in text


def test_help_needs_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from app.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'librosa', 'numba', 'scipy', 'PySide6', 'numpy', 'soundfile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "separate" in done.stdout


@pytest.mark.parametrize("name", ["separate", "remix", "haaqi", "separators"])
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
