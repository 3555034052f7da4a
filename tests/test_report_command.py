"""``ripieno report listener``: the report without the window, and a sentence for everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.hearing.audiogram import PRESETS
from app.profiles import Profile, ProfileStore, new_id
from app.report_command import report_app

N3 = PRESETS["N3"]


def keep(name: str) -> Profile:
    profile = Profile(new_id(), name, N3, N3)
    ProfileStore().save(profile)
    return profile


def run(*words: str) -> Result:
    return CliRunner().invoke(report_app, ["listener", *words])


@pytest.mark.usefixtures("qapp")
def test_a_report_by_id_and_by_name(tmp_path: Path) -> None:
    profile = keep("Erika")
    keep("Hans")
    for index, word in enumerate((profile.id, "erika ")):
        out = tmp_path / f"{index}.pdf"
        done = run(word, "--out", str(out), "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == {"path": str(out), "pages": 2, "profile": profile.id}
        assert out.read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("qapp")
def test_it_replaces_nothing_without_force(tmp_path: Path) -> None:
    keep("Erika")
    out = tmp_path / "report.pdf"
    out.write_text("precious")
    refused = run("Erika", "--out", str(out))
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert out.read_text() == "precious"
    assert run("Erika", "--out", str(out), "--force", "--amplification", "cad2").exit_code == 0
    assert out.read_bytes().startswith(b"%PDF")


def test_who_is_not_there_or_not_alone_gets_a_sentence(tmp_path: Path) -> None:
    out = str(tmp_path / "report.pdf")
    assert "There is no listener profile on this computer" in run("Erika", "--out", out).stderr
    first, second = keep("Erika"), keep("ERIKA")
    both = run("Erika", "--out", out)
    assert both.exit_code == 1
    assert first.id in both.stderr
    assert second.id in both.stderr
    unknown = run("Hans", "--out", out)
    assert "No listener profile has this id or name" in unknown.stderr
    assert "Erika" not in unknown.stderr
    assert "no listener profile" in run("0" * 16, "--out", out).stderr
    assert not list(tmp_path.glob("*.pdf"))


def test_an_unknown_amplification_is_wrong_usage(tmp_path: Path) -> None:
    done = run("Erika", "--out", str(tmp_path / "x.pdf"), "--amplification", "camfit")
    assert done.exit_code == 2
    assert "camfit" in done.stderr


def test_it_needs_neither_window_nor_display(tmp_path: Path) -> None:
    profile = keep("Erika")
    out = tmp_path / "report.pdf"
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    code = "import sys; from ui.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "listener", profile.id, "--out", str(out)],
        env={key: value for key, value in os.environ.items() if key not in hidden},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    assert out.read_bytes().startswith(b"%PDF")
