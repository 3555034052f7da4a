"""What the commands of the command line share: exit codes, options, and how they speak.

Results go to stdout, progress and sentences to stderr. Exit codes: 0 done, 2 wrong usage, 130 stopped with
Ctrl-C, 1 everything else.
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
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, Protocol, TypeVar

import typer

from app.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from app.progress import Progress

P = ParamSpec("P")
R = TypeVar("R")

USAGE, FAILED, STOPPED = 2, 1, 130


class Terminated(BaseException):
    """The system asked the program to end: work is tidied up as for Ctrl-C."""


class Report(Protocol):
    """Shows how far the work is: a fraction 0…1, or a :class:`~app.progress.Progress`."""

    def __call__(self, progress: Progress | float, /) -> None:
        """Show it."""
        ...


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
            end(USAGE, str(error))
        except (KeyboardInterrupt, Cancelled):
            end(STOPPED, "Stopped; nothing was written.")
        except Terminated:
            end(128 + signal.SIGTERM, "Stopped; nothing was written.")
        except BrokenPipeError:  # whoever read the output has gone, as head does
            sys.stderr.close()
            raise typer.Exit(FAILED) from None
        except Exception as error:  # noqa: BLE001 - the last net: a sentence instead of a traceback
            end(FAILED, _sentence_for(error))

    return run


# -- talking ---------------------------------------------------------------------------------------------


def print_line(text: str) -> None:
    """A line of the result, on stdout."""
    typer.echo(text)


def print_json(content: Any) -> None:
    """The result as JSON, on stdout."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))


def say(text: str) -> None:
    """A sentence for who waits, on stderr."""
    typer.echo(text, err=True)


def end(code: int, text: str) -> NoReturn:
    """Say a sentence on stderr and end the command with an exit code."""
    say(text)
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
def progress_bar(quiet: bool) -> Iterator[Report]:
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
