"""``ripieno report``: a listener's report as a PDF, without the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import Force, Json, command, print_json, print_line
from app.errors import UserError
from app.profiles import Profile, ProfileStore, is_id

report_app = typer.Typer(help="Make a report of what was found out with a listener.", no_args_is_help=True)


@report_app.callback()
def report() -> None:
    """Make a report of what was found out with a listener."""


@report_app.command("listener")
@command
def report_listener(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="A profile’s id, or its name where only one has it.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The PDF file.", readable=False, show_default=False)
    ],
    amplification: Annotated[
        str, typer.Option(help="The prescription to show: off, nal-r or cad2.")
    ] = "nal-r",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a listener's audiograms, prescription and blind comparisons as a PDF.

    For listening, teaching and research; not for diagnosis, not for fitting a device.
    """
    from app.errors import UsageError
    from app.hearing.amplify import KINDS
    from app.report import ensure_gui, write_report
    from app.report_content import ReportData
    from app.version import program_version

    if amplification not in KINDS:
        raise UsageError(f"“{amplification}” is no amplification: use one of {', '.join(KINDS)}.")
    found = find_profile(profile)
    if out.exists() and not out.is_dir() and not force:
        raise UserError(f"“{out}” is there already: choose another name, or add --force to replace it.")
    gui = ensure_gui()
    pages = write_report(ReportData(found, amplification, version=program_version()), out, replace=force)
    del gui
    if as_json:
        print_json({"path": str(out), "pages": pages, "profile": found.id})
    else:
        print_line(f"The report of {pages} page{'s' if pages != 1 else ''} is in {out}.")


def find_profile(text: str) -> Profile:
    """The profile with this id, or the only one with this name (in any case); UserError otherwise.

    No message repeats a name that was not typed: a terminal may be looked at by others.
    """
    store = ProfileStore()
    if is_id(text.strip()):
        return store.load(text.strip())
    everyone = store.all()
    named = [one for one in everyone if one.name.strip().casefold() == text.strip().casefold()]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(one.id for one in named)
        raise UserError(f"{len(named)} listener profiles have this name. Give one of their ids: {ids}.")
    if not everyone:
        raise UserError("There is no listener profile on this computer. Make one in the hearing panel.")
    raise UserError(
        f"No listener profile has this id or name; there are {len(everyone)}. The hearing panel shows them."
    )
