"""Where the program starts: the command line with `open` added, and the one place that builds the window.

``ripieno`` without words opens the window; a first word that is no command is a file to open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from app.cli import app as commands
from app.report_command import report_app

NO_DISPLAY = (
    "There is no display here, so no window can open. “ripieno --help” lists what can be done without one."
)

# Here and not in app.cli: the report is painted by Qt, which the other commands do without.
commands.add_typer(report_app, name="report")


@commands.command("open")
def open_window(
    file: Annotated[
        Path | None,
        typer.Argument(help="A recording, a folder of stems, or a .ripieno session.", show_default=False),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Open the demo recording.")] = False,
    smoke_test: Annotated[
        str, typer.Option(hidden=True, help="Separate these instruments, then quit; for the frozen program.")
    ] = "",
) -> None:
    """Open the window (this is what `ripieno` does on its own)."""
    if not has_display():
        typer.echo(NO_DISPLAY, err=True)
        raise typer.Exit(1)
    # Qt and all that hangs on it are loaded only here, so the other commands work where they cannot.
    from ui.window_process import run_window

    raise typer.Exit(run_window(file, demo=demo, smoke_test=smoke_test))


def has_display() -> bool:
    """Whether a window can be shown: always, except on a Unix desktop system without X11 or Wayland."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def with_command(words: Sequence[str], names: Sequence[str]) -> list[str]:
    """The words of the command line, with ``open`` before them where they name no command."""
    if not words:
        return ["open"]
    first = words[0]
    if first in names or (first.startswith("-") and first not in ("--demo",)):
        return list(words)
    return ["open", *words]


def main(words: Sequence[str] | None = None) -> int:
    """The command ``ripieno``; returns its exit code."""
    given = list(sys.argv[1:] if words is None else words)
    command = typer.main.get_command(commands)
    names = sorted(getattr(command, "commands", {}))
    result = command.main(with_command(given, names), prog_name="ripieno", standalone_mode=True)
    return int(result or 0)


def gui() -> int:
    """The command ``ripieno-gui``: the window, whatever the words."""
    return main(["open", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
