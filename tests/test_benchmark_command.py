import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_separators import SharingSeparator
from training_material import tone
from typer.testing import CliRunner, Result

from app.cli import app
from separation import catalogue
from separation.separator import SeparatorError


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue holds one separator that takes no time."""

    def load(name: str) -> SharingSeparator:
        if name != "fake":
            raise SeparatorError(f"There is no separator called “{name}”; there is: fake.")
        return SharingSeparator()

    monkeypatch.setattr(catalogue, "load", load)
    monkeypatch.setattr(catalogue, "cards", lambda: {"fake": SharingSeparator().card})


@pytest.fixture
def duo(tmp_path: Path) -> Path:
    folder = tmp_path / "my duo"
    folder.mkdir()
    for name, pitch in (("cello", 50), ("violin", 88)):
        soundfile.write(folder / f"{name}.flac", 0.3 * tone(pitch, 0.6, [1, 0.2], 16000), 16000)
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["benchmark", *(str(word) for word in words)])


def test_the_page_goes_to_stdout_or_to_a_file(duo: Path, tmp_path: Path) -> None:
    shown = run("--data", duo, "--device", "cpu")
    assert shown.exit_code == 0, shown.stderr
    assert "| fake |" in shown.stdout
    assert "| my duo | violin |" in shown.stdout
    page = tmp_path / "docs" / "separators.md"
    written = run("--data", duo, "--separator", "fake", "--seconds", "0.5", "--out", page)
    assert written.exit_code == 0, written.stderr
    assert "The figures of fake on 1 pieces" in written.stdout
    text = page.read_text(encoding="utf-8")
    assert f"`ripieno benchmark --separator fake --data '{duo}' --seconds 0.5`" in text
    assert "| untouched mixture |" in text


def test_json(duo: Path) -> None:
    result = run("--data", duo, "--json")
    found = json.loads(result.stdout)
    (piece,) = found["pieces"]
    assert piece["group"] == "real"
    assert set(piece["found"]["fake"]["stems"]) == {"cello", "violin"}
    assert np.isfinite(found["groups"]["real"]["fake"]["improvement"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--separator", "none"), 2, "no separator called “none”"),
        (("--seconds", "-1"), 2, "0 or more"),
        (("--device", "abacus"), 2, "abacus"),
        (("--data", "nowhere"), 1, "nowhere holds no piece"),
    ],
)
def test_what_is_wrong_is_a_sentence(words: tuple[str, ...], code: int, says: str) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
