"""The walls of the house: who may import whom, how long a module may be, and names that say nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "separation", "ui")
LONGEST_MODULE = 400
EMPTY_NAMES = {"utils", "util", "misc", "common", "helpers", "helper"}

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_the_import_contracts_are_kept() -> None:
    # In a process of its own: grimp looks at the files, but import-linter changes logging and sys.path.
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken." in done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_every_name_says_something() -> None:
    named = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not named & EMPTY_NAMES


def test_packaging_is_no_package() -> None:
    """It would shadow the package ``packaging`` from PyPI."""
    assert not (ROOT / "packaging" / "__init__.py").exists()
