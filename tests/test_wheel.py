"""A wheel works where the checkout is not: it brings its resources, and separates the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import soundfile as sf

ROOT = Path(__file__).parents[1]


def run(*command: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new environment with the wheel in it.

    What Ripieno needs is borrowed from the environment of the tests: its folder is put on the path, but the
    files in it that would lead back to the checkout are not read from there.
    """
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("ripieno-*.whl")
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


@pytest.mark.wheel
def test_the_wheel_separates_its_demo(installed: Path, tmp_path: Path):
    code = "import app, separation.catalogue as c; print(app.__file__); print(c.RESOURCES)"
    where = run(installed / "bin" / "python", "-c", code, cwd=tmp_path).splitlines()
    assert all(Path(line).is_relative_to(installed) for line in where)

    demo, rate = sf.read(Path(where[1]) / "demo" / "mix.flac", stop=4 * 44100)
    sf.write(tmp_path / "demo.flac", demo, rate)
    out = tmp_path / "out"
    words = (
        "separate",
        tmp_path / "demo.flac",
        "--instruments",
        "violin,clarinet,viola,bassoon",
        "--out",
        out,
    )
    run(installed / "bin" / "ripieno", *words, cwd=tmp_path)
    stems = [sf.read(path)[0] for path in out.glob("*.wav")]
    assert len(stems) == 5
    assert abs(sum(stems) - demo).max() < 1e-6


@pytest.mark.wheel
def test_every_requirement_is_met_by_the_pins(installed: Path):
    (site_packages,) = installed.glob("lib/python*/site-packages")
    (record,) = site_packages.glob("ripieno-*.dist-info")
    lines = (record / "METADATA").read_text(encoding="utf-8").splitlines()
    needed = [
        line.split(":", 1)[1] for line in lines if line.startswith("Requires-Dist") and "extra" not in line
    ]
    pins = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    from packaging.requirements import Requirement

    for requirement in map(Requirement, needed):
        (pin,) = [
            line
            for line in pins.splitlines()
            if line.startswith(requirement.name.lower().replace("_", "-") + "==")
        ]
        assert requirement.specifier.contains(pin.split("==")[1]), f"{requirement} is pinned to {pin}"
