"""The command line: separate, remix, haaqi, separators. Results on stdout, progress and sentences on stderr.

Exit codes: 0 done, 2 wrong usage, 130 stopped with Ctrl-C, 1 everything else. Heavy modules are
loaded inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import functools
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, Protocol, TypeVar

import typer

from app.errors import Cancelled, UsageError, UserError

if TYPE_CHECKING:
    from app.progress import Progress

P = ParamSpec("P")
R = TypeVar("R")

USAGE, FAILED, STOPPED = 2, 1, 130

app = typer.Typer(
    name="ripieno",
    help="Take a chamber-music recording apart, rebalance its instruments, and see how the remix sounds to "
    "a hearing-impaired ear.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Terminated(BaseException):
    """The system asked the program to end: work is tidied up as for Ctrl-C."""


class Report(Protocol):
    """Shows how far the work is: a fraction 0…1, or a :class:`~app.progress.Progress`."""

    def __call__(self, progress: Progress | float, /) -> None:
        """Show it."""
        ...


# Paths are readable=False: typer would check them itself, with another exit code and no sentence.

# -- options that several commands have ------------------------------------------------------------------

Json = Annotated[bool, typer.Option("--json", help="Write the result to stdout as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what an earlier run wrote there.")]


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn everything that can go wrong in a command into one sentence on stderr and an exit code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _ending_on_request():
                return function(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except UsageError as error:
            _end(USAGE, str(error))
        except (KeyboardInterrupt, Cancelled):
            _end(STOPPED, "Stopped; nothing was written.")
        except Terminated:
            _end(128 + signal.SIGTERM, "Stopped; nothing was written.")
        except BrokenPipeError:  # whoever read the output has gone, as head does
            sys.stderr.close()
            raise typer.Exit(FAILED) from None
        except Exception as error:  # noqa: BLE001 - the last net: a sentence instead of a traceback
            _end(FAILED, _sentence_for(error))

    return run


@app.command()
@command
def separate(
    mix: Annotated[Path, typer.Argument(help="The recording.", readable=False, show_default=False)],
    instruments: Annotated[
        str,
        typer.Option(
            "--instruments",
            "-i",
            help="What plays: violin,clarinet (violin:2 for two parts).",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder to make.", readable=False, show_default=False)
    ],
    separator: Annotated[
        str | None, typer.Option(help="One of “ripieno separators”; the usual one if left out.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Where chance plays a part: the same seed, the same stems.")] = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take a recording apart: OUT/<instrument>.wav, OUT/residual.wav and OUT/separation.json."""
    from app.separate_folder import load_separator, separate_to_folder
    from separation.separator import SeparatorError, parse_parts

    try:
        chosen = load_separator(separator)
        parts = parse_parts(instruments, chosen.card)
    except SeparatorError as error:
        raise UsageError(str(error)) from error
    with _progress(quiet) as report:
        summary = separate_to_folder(
            mix,
            parts,
            out,
            separator=chosen,
            device=device,
            seed=seed,
            replace=force,
            report=report,
        )
    for text in summary["notices"]:
        _say(text)
    if as_json:
        _print_json(summary | {"folder": str(out)})
    else:
        _print(f"Separated into {', '.join(summary['stems'])} in {out}.")


@app.command()
@command
def remix(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of stems.", readable=False, show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The file: .wav, .flac, .mp3 or .ogg.", readable=False, show_default=False
        ),
    ],
    gain: Annotated[
        list[str] | None, typer.Option("--gain", "-g", help="STEM=dB, such as violin-1=+6; -inf is silence.")
    ] = None,
    mute: Annotated[list[str] | None, typer.Option(help="A stem to silence.")] = None,
    solo: Annotated[list[str] | None, typer.Option(help="A stem to hear alone (with other such).")] = None,
    pan: Annotated[list[str] | None, typer.Option(help="STEM=place, from -1 (left) to 1 (right).")] = None,
    master: Annotated[str, typer.Option(help="Gain of the whole mix in dB.")] = "0",
    format: Annotated[
        str | None, typer.Option(help="wav16, wav24, wav32f, flac16, flac, mp3 or ogg; else by OUT's ending.")
    ] = None,
    sample_rate: Annotated[int | None, typer.Option(help="In Hz; the stems' if left out.")] = None,
    channels: Annotated[int | None, typer.Option(help="1 or 2, to mix down; the stems' if left out.")] = None,
    clipping: Annotated[
        str, typer.Option(help="What happens above full scale: keep, lower or normalise.")
    ] = "lower",
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Mix the stems in a folder at other gains: the samples that the window would play."""
    from app.export import ExportRequest, check_request, export
    from app.remix_words import mix_of, offer_words, request_of
    from app.stem_folder import open_stem_folder

    with _progress(quiet) as report:
        recording, stems = open_stem_folder(folder, progress=lambda f: report(0.3 * f))
        session = mix_of(
            stems.parts, gain=gain or [], mute=mute or [], solo=solo or [], pan=pan or [], master=master
        )
        request: ExportRequest = request_of(
            out, recording, format=format, sample_rate=sample_rate, channels=channels, clipping=clipping
        )
        if out.exists() and not force and not out.is_dir():
            raise UserError(f"“{out}” is there already: choose another name, or add --force to replace it.")
        if limits := check_request(session, recording, stems, request):
            raise UserError(offer_words(limits[0]))
        done = export(session, recording, stems, request, progress=lambda f: report(0.3 + 0.7 * f))
    for text in recording.notices:
        _say(text)
    if as_json:
        found = asdict(done) | {"paths": [str(path) for path in done.paths], "notices": recording.notices}
        _print_json(found)
    else:
        _print(done.sentence)


@app.command()
@command
def haaqi(
    reference: Annotated[
        Path, typer.Argument(help="What it is compared with.", readable=False, show_default=False)
    ],
    processed: Annotated[Path, typer.Argument(help="What is scored.", readable=False, show_default=False)],
    audiogram: Annotated[
        str, typer.Option("--audiogram", "-a", help="normal, N1–N7, S1–S3, or a JSON or CSV file.")
    ] = "normal",
    amplification: Annotated[
        bool, typer.Option("--amplification/--no-amplification", help="Put NAL-R on PROCESSED, or not.")
    ] = True,
    start: Annotated[float, typer.Option(help="Second to begin at.")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds to compare; the whole, up to a minute, if left out.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score how clean PROCESSED is likely to sound to an ear, against REFERENCE, from 0 to 1 (HAAQI).

    A model of average judgements, not a medical measurement.
    """
    from app.hearing.audiogram_file import read_listener
    from app.score_files import score_files

    if start < 0 or (seconds is not None and seconds <= 0):
        raise UsageError("--start and --seconds take numbers of seconds above zero.")
    listener = read_listener(audiogram)
    with _progress(quiet) as report:
        score = score_files(
            reference,
            processed,
            listener,
            amplify=amplification,
            start=start,
            seconds=seconds,
            progress=report,
        )
    for text in score.notes:
        _say(text)
    if as_json:
        _print_json(asdict(score))
    else:
        heard = "with amplification" if score.amplified else "without amplification"
        _print(f"HAAQI {score.mean:.3f} (left {score.left:.3f}, right {score.right:.3f})")
        _print(f"{score.processed} against {score.reference}, listener {score.listener}, {heard}")


@app.command()
@command
def separators(as_json: Json = False) -> None:
    """List what recordings can be separated with."""
    from separation import catalogue

    cards = catalogue.cards()
    usual = catalogue.default_separator()
    if as_json:
        _print_json(
            [
                {k: v for k, v in asdict(card).items() if k not in ("folder", "factory", "options")}
                | {"usual": card.name == usual}
                for card in cards.values()
            ]
        )
        return
    for card in cards.values():
        _print(
            f"{card.name}{' (the usual one)' if card.name == usual else ''}: {card.title}. {card.sentence}"
        )
        parts = "one part each" if card.max_parts == 1 else f"up to {card.max_parts} parts each"
        _print(f"    instruments: {', '.join(card.instruments)}; {parts}")
        for what, text in (("quality", card.quality), ("speed", card.speed), ("paper", card.paper)):
            if text:
                _print(f"    {what}: {text}")


# -- talking ---------------------------------------------------------------------------------------------


def _print(text: str) -> None:
    typer.echo(text)


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _end(code: int, text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(code) from None


def _sentence_for(error: Exception) -> str:
    """The sentence of an error that the user can mend; any other goes into the log with its traceback."""
    from app.errors import sentence

    text = sentence(error)
    if text is not None:
        return text
    from app.log import log_path, start_log

    started = start_log()
    logging.getLogger(__name__).error("a command failed", exc_info=error)
    started.close()
    return f"Something went wrong inside Ripieno ({type(error).__name__}); the details are in {log_path()}."


@contextmanager
def _progress(quiet: bool) -> Iterator[Report]:
    """A progress bar on stderr, where someone looks at it."""
    if quiet or not sys.stderr.isatty():
        yield lambda progress, /: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    from app.progress import Progress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, left="")

        def report(progress: Progress | float, /) -> None:
            if not isinstance(progress, Progress):
                progress = Progress(float(progress))
            left = "" if progress.seconds_left is None else f"{progress.seconds_left:.0f} s left"
            speed = "" if progress.speed is None else f"{progress.speed:.1f}× real time, "
            bar.update(task, completed=progress.fraction or 0.0, description=progress.text, left=speed + left)

        yield report


@contextmanager
def _ending_on_request() -> Iterator[None]:
    """Let SIGTERM unwind the work as Ctrl-C does, so that nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
