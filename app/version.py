"""Which version of Ripieno this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """The installed version, or an empty text where the program runs from a bare checkout."""
    try:
        return version("ripieno")
    except PackageNotFoundError:
        return ""
