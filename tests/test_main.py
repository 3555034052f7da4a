"""The command `ripieno`: which words open the window, and what happens where none can be opened."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ui.main import NO_DISPLAY, has_display, with_command

NAMES = ("haaqi", "open", "remix", "separate", "separators")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["open"]),
        (["quartet.flac"], ["open", "quartet.flac"]),
        (["./separate"], ["open", "./separate"]),
        (["--demo"], ["open", "--demo"]),
        (["--help"], ["--help"]),
        (["--version"], ["--version"]),
        (["separate", "a.wav"], ["separate", "a.wav"]),
        (["Für Elise.wav"], ["open", "Für Elise.wav"]),
    ],
)
def test_a_first_word_that_is_no_command_is_a_file(words, expected):
    assert with_command(words, NAMES) == expected


def test_without_a_display_it_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_the_command_without_a_display_ends_with_a_sentence():
    environment = {
        k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-m", "ui.main", "song.wav"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == NO_DISPLAY


def test_help_needs_neither_qt_nor_torch():
    heavy = ("torch", "PySide6", "librosa", "numba")
    code = f"import sys, ui.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
