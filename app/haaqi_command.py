"""``ripieno haaqi``: how clean files are likely to sound to a listener, against references."""

from __future__ import annotations

import csv
import io
import logging
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands import FAILED, Force, Json, Quiet, command, print_json, print_line, progress_bar, say
from app.errors import UsageError, UserError, is_cancellation, sentence

if TYPE_CHECKING:
    from app.hearing.audiogram import Listener
    from app.score_files import FileScore

log = logging.getLogger(__name__)

COLUMNS = (
    "file", "mean", "left", "right", "listener", "amplified", "equalisation", "level", "start", "seconds",
    "notes", "problem",
)  # fmt: skip
FILM_SUFFIXES = (".mkv", ".mov", ".webm")
"""Endings beside those of stems' files that are taken for sound in a folder."""
FAULT = "Something went wrong while scoring; see the log."


@command
def haaqi(
    reference: Annotated[
        Path,
        typer.Argument(
            help="What it is compared with: a file or a folder.", readable=False, show_default=False
        ),
    ],
    processed: Annotated[
        Path,
        typer.Argument(
            help="What is scored: a file, or a folder of files named as in REFERENCE.",
            readable=False,
            show_default=False,
        ),
    ],
    audiogram: Annotated[
        str, typer.Option("--audiogram", "-a", help="normal, N1–N7, S1–S3, or a JSON or CSV file.")
    ] = "normal",
    left: Annotated[
        str | None, typer.Option(help="The left ear's, where it is another than --audiogram's.")
    ] = None,
    right: Annotated[str | None, typer.Option(help="The right ear's, likewise.")] = None,
    equalisation: Annotated[
        int,
        typer.Option(
            help="1: REFERENCE is plain, the model amplifies it itself, and NAL-R is put on PROCESSED. "
            "2: REFERENCE is amplified already, and PROCESSED is taken as it is."
        ),
    ] = 1,
    level: Annotated[
        float,
        typer.Option(
            help="The level in dB SPL at which REFERENCE plays before amplification; with --equalisation 2, "
            "the amplified file's."
        ),
    ] = 65.0,
    amplification: Annotated[
        bool | None,
        typer.Option(
            "--amplification/--no-amplification",
            help="Put NAL-R on PROCESSED, or not; on with --equalisation 1.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[float, typer.Option(help="Second to begin at.")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds to compare; the whole if left out.", show_default=False)
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a table here.", readable=False, show_default=False)
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score how clean PROCESSED is likely to sound to an ear, against REFERENCE, from 0 to 1 (HAAQI).

    Two folders are compared file by file, pictures and texts left out; one that cannot be scored is a line
    with the reason, and the exit code is then 1. A model of average judgements, not a medical measurement.
    """
    if not math.isfinite(start) or start < 0 or (seconds is not None and not seconds > 0):
        raise UsageError("--start and --seconds take numbers of seconds above zero.")
    if equalisation not in (1, 2):
        raise UsageError("--equalisation takes 1 (REFERENCE is plain) or 2 (REFERENCE is amplified).")
    if not 0 <= level <= 130:
        raise UsageError("--level takes a level from 0 to 130 dB SPL.")
    if equalisation == 2 and amplification:
        raise UsageError("With --equalisation 2 PROCESSED is taken as it is: leave --amplification out.")
    settings: dict[str, Any] = {
        "amplify": equalisation == 1 and amplification is not False,
        "equalisation": equalisation,
        "level": level,
        "start": start,
        "seconds": seconds,
    }
    listener = _listener(audiogram, left, right)
    if csv_file is not None and csv_file.exists() and not force:
        raise UserError(f"“{csv_file}” is there already: choose another name, or add --force to replace it.")
    if reference.is_dir() != processed.is_dir():
        raise UsageError("REFERENCE and PROCESSED are two files or two folders.")
    if reference.is_dir():
        rows = _score_folders(reference, processed, listener, settings, quiet=quiet, as_json=as_json)
        if as_json:
            print_json(rows)
    else:
        from app.score_files import score_files

        with progress_bar(quiet) as report:
            score = score_files(reference, processed, listener, **settings, progress=report)
        for text in score.notes:
            say(text)
        _show(score, as_json=as_json)
        rows = [_row(score, score.processed)]
    if csv_file is not None:
        _write_csv(csv_file, rows)
    failed = sum(bool(row["problem"]) for row in rows)
    if failed:
        say(f"{failed} of {len(rows)} files could not be scored.")
        raise typer.Exit(FAILED)


def _listener(audiogram: str, left: str | None, right: str | None) -> Listener:
    """Both ears: those of ``audiogram``, or of their own."""
    from app.hearing.audiogram import Listener
    from app.hearing.audiogram_file import read_listener

    both = read_listener(audiogram)
    if left is None and right is None:
        return both
    names = [both.name if side is None else Path(side).stem for side in (left, right)]
    return Listener(
        both.left if left is None else read_listener(left).left,
        both.right if right is None else read_listener(right).right,
        " and ".join(dict.fromkeys(names)),
    )


def _show(score: FileScore, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(score))
        return
    heard = "with amplification" if score.amplified else "without amplification"
    if score.equalisation == 2:
        heard = "both as they are"
    print_line(f"HAAQI {score.mean:.3f} (left {score.left:.3f}, right {score.right:.3f})")
    print_line(f"{score.processed} against {score.reference}, listener {score.listener}, {heard}")


def _score_folders(
    reference: Path,
    processed: Path,
    listener: Listener,
    settings: dict[str, Any],
    *,
    quiet: bool,
    as_json: bool,
) -> list[dict[str, Any]]:
    """A row for every file of the two folders, told one by one."""
    from app.progress import Progress
    from app.score_files import score_files

    found = [_files(folder) for folder in (reference, processed)]
    everything = sorted({*found[0], *found[1]})
    names = [name for name in everything if any(_is_sound(files[name]) for files in found if name in files)]
    if not names:
        raise UserError(f"There are no sound files in “{reference}” and “{processed}”.")
    if len(names) < len(everything):
        say(f"Left out, because their endings are not those of sound files: {len(everything) - len(names)}.")
    rows = []
    with progress_bar(quiet) as report:
        for number, name in enumerate(names):

            def told(fraction: float, number: int = number, name: str = name) -> None:
                report(Progress((number + fraction) / len(names), text=name))

            notes: tuple[str, ...] = ()
            try:
                for files, folder in zip(found, (reference, processed), strict=True):
                    if name not in files:
                        raise UserError(f"“{name}” is not in “{folder}”.")
                score = score_files(found[0][name], found[1][name], listener, **settings, progress=told)
                row, notes = _row(score, name), score.notes
            except Exception as error:
                if is_cancellation(error):
                    raise
                row = dict.fromkeys(COLUMNS, "") | {"file": name, "problem": _problem(error)}
            rows.append(row)
            for text in notes:
                say(f"{name}: {text}")
            if row["problem"]:
                say(f"{name}: {row['problem']}")
            elif not as_json:
                print_line(
                    f"{name}: HAAQI {row['mean']:.3f} (left {row['left']:.3f}, right {row['right']:.3f})"
                )
    return rows


def _is_sound(path: Path) -> bool:
    """Whether a file has the ending of a sound file, or of a film that may hold sound."""
    from app.stem_folder import AUDIO_SUFFIXES

    return path.suffix.lower() in (*AUDIO_SUFFIXES, *FILM_SUFFIXES)


def _problem(error: Exception) -> str:
    """Why a file could not be scored; a fault of the program is logged, and the others go on."""
    text = sentence(error)
    if text is not None:
        return text
    from app.log import start_log

    started = start_log()
    log.error("a file could not be scored", exc_info=error)
    started.close()
    return FAULT


def _files(folder: Path) -> dict[str, Path]:
    """The files in a folder and those below it, by their path from there without the ending; none hidden.

    So that ``a/song.wav`` is compared with ``a/song.flac``. Where two differ in their endings only, they keep
    them. Raises UserError for a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise UserError(f"The folder “{error.filename}” cannot be read: {error.strerror}.") from error

    files: dict[str, Path] = {}
    paths = [
        Path(where, name)
        for where, folders, names in os.walk(folder, onerror=refuse)
        for name in names
        if not any(part.startswith(".") for part in Path(where, name).relative_to(folder).parts)
    ]
    stems = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    for path, stem in zip(paths, stems, strict=True):
        files[stem if stems.count(stem) == 1 else path.relative_to(folder).as_posix()] = path
    return files


def _row(score: FileScore, name: str) -> dict[str, Any]:
    content = asdict(score) | {"file": name, "notes": " ".join(score.notes), "problem": ""}
    return {column: content[column] for column in COLUMNS}


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """A table with a heading line; UserError where it cannot be written."""
    from app.atomic_file import write_atomically

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as exc:
        raise UserError(f"“{path}” cannot be written: {exc.strerror}.") from exc
