"""Where Ripieno keeps its files, by the habits of the system it runs on.

With the environment variable ``RIPIENO_HOME`` every folder lies under that one instead: for tests, and for
a program that is carried on a stick.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import platformdirs

from separation.catalogue import RESOURCES as RESOURCES

NAME = "ripieno"


def _folder(kind: str, usual: str) -> Path:
    home = os.environ.get("RIPIENO_HOME")
    return Path(home).expanduser().absolute() / kind if home else Path(usual)


def cache_folder() -> Path:
    """Decoded recordings and separated stems: can be deleted at any time, and is made again."""
    return _folder("cache", platformdirs.user_cache_dir(NAME, appauthor=False))


def config_folder() -> Path:
    """Preferences."""
    return _folder("config", platformdirs.user_config_dir(NAME, appauthor=False))


def data_folder() -> Path:
    """What the user made and would miss: listener profiles."""
    return _folder("data", platformdirs.user_data_dir(NAME, appauthor=False))


def state_folder() -> Path:
    """What the program remembers from run to run: the log, autosaves."""
    return _folder("state", platformdirs.user_state_dir(NAME, appauthor=False))


def log_folder() -> Path:
    """The log and crash notes."""
    return state_folder() / "log"


def recovery_folder() -> Path:
    """Autosaved sessions."""
    return state_folder() / "recovery"


def demo_folder() -> Path:
    """The demo recording with its true stems."""
    return RESOURCES / "demo"


def available_bytes(path: Path) -> int:
    """Free space (bytes) on the disk that ``path``, or the nearest folder above it that exists, is on."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free
