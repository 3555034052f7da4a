"""``ripieno train``: make the material (bank, scores, clips), then teach a separator with it.

What makes material has many options, and they are its own module's: the words after ``train bank``,
``train scores`` and ``train clips`` are handed on as they are, ``--help`` included.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands import STOPPED, Quiet, Terminated, command, end, print_line, say
from app.errors import UsageError, UserError
from separation.training.recipes import RECIPES

train_app = typer.Typer(
    help="Teach a separator; the material for it is made by bank, scores and clips.",
    invoke_without_command=True,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_HANDED_ON: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}


@train_app.callback()
@command
def train(
    context: typer.Context,
    separator: Annotated[str, typer.Option(help=f"What to teach: {', '.join(RECIPES)}.")] = "harmonic",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder for weights and checkpoint; the same command again goes on from there.",
            readable=False,
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(help="The whole run's budget; 0 only validates.")] = 60.0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    pool: Annotated[
        Path, typer.Option(help="The folder of clips to learn from; it may still be growing.", readable=False)
    ] = Path("pool"),
    held: Annotated[
        Path | None,
        typer.Option(help="A folder with clips in seen/ and unseen/, to validate on.", readable=False),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(help="A folder of folders of stems of real pieces, to validate on.", readable=False),
    ] = None,
    real_pattern: Annotated[str, typer.Option(help="Which of those folders, such as bach10_*.")] = "*",
    continue_from: Annotated[
        Path | None, typer.Option(help="Weights to begin with, such as the shipped ones.", readable=False)
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One of the recipe's settings.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The recipe's own if left out.")] = None,
    validate_minutes: Annotated[float, typer.Option(help="Minutes between two validations.")] = 6.0,
    seed: Annotated[int, typer.Option(help="Where chance plays a part.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads for torch; 0 leaves it to torch.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Threads that make batches ahead; 4 on a graphics card, else none.")
    ] = None,
    mixed: Annotated[
        bool | None,
        typer.Option("--mixed/--exact", help="Compute in bfloat16, or not; on a graphics card, yes."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Teach a separator with made-up ensembles, within a budget of minutes.

    OUT gets weights.safetensors, the checkpoint, curve.csv and curve.png. Ctrl-C stops after the step with
    a checkpoint. Several graphics cards: torchrun --nproc-per-node 2 -m separation.training.train …
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise UsageError("Say where the weights are to go: --out FOLDER.")
    if minutes < 0:
        raise UsageError("--minutes takes a number of minutes, 0 or more.")
    from separation import devices
    from separation.separator import SeparatorError
    from separation.training.recipes import recipe
    from separation.training.train import Material, settings_of
    from separation.training.train import train as train_recipe
    from separation.training.trainer import TrainConfig

    try:
        chosen = devices.resolve(device)
        made = recipe(separator, **settings_of(set_ or []))
    except SeparatorError as error:
        raise UsageError(str(error)) from error
    fast = chosen.type == "cuda"
    config = TrainConfig(
        minutes=minutes,
        learning_rate=learning_rate,
        seed=seed,
        validate_minutes=validate_minutes,
        threads=threads,
        workers=4 * fast if workers is None else workers,
        device=str(chosen),
        mixed=fast if mixed is None else mixed,
    )
    for folder in (held, real):
        if folder is not None and not folder.is_dir():
            raise UserError(f"The folder {folder} is not there.")
    material = Material(pool, held, real, real_pattern, continue_from)
    done = train_recipe(config, made, material, out, log=_hush if quiet else say)
    if done.stopped:
        raise typer.Exit(STOPPED)
    print_line(
        f"{made.name}: {done.step} steps in {done.seconds / 60:.1f} minutes; "
        f"the weights are {out / 'weights.safetensors'}."
    )


@train_app.command(**_HANDED_ON)
@command
def bank(context: typer.Context) -> None:
    """Pack single notes into a note bank: --notes FOLDER --font FILE … --out BANK (see --help)."""
    _hand_on("separation.training.note_bank", "bank", context.args, "Stopped; no bank was written.")


@train_app.command(**_HANDED_ON)
@command
def scores(context: typer.Context) -> None:
    """Read the scores to play: --scores FOLDER --out FILE (see --help)."""
    _hand_on("separation.training.scores", "scores", context.args, "Stopped; no scores were written.")


@train_app.command(**_HANDED_ON)
@command
def clips(context: typer.Context) -> None:
    """Make clips of made-up ensembles: --bank BANK --scores FILE --out FOLDER --clips N (see --help)."""
    stopped = "Stopped; the same command goes on from there."
    _hand_on("separation.training.ensemble_synth", "clips", context.args, stopped)


def _hand_on(module: str, word: str, arguments: list[str], stopped: str) -> None:
    """Run a module's own command line under the name ``ripieno train <word>``."""
    before = sys.argv[0]
    sys.argv[0] = f"ripieno train {word}"  # what argparse calls the program in its help
    try:
        code: int = importlib.import_module(module).main(arguments)
    except (KeyboardInterrupt, Terminated):
        end(STOPPED, stopped)
    except OSError as error:
        if error.filename is None:
            raise
        raise UserError(f"“{error.filename}” cannot be read or written: {error.strerror}.") from error
    finally:
        sys.argv[0] = before
    if code:
        raise typer.Exit(code)


def _hush(_: str) -> None:
    """The log of a quiet run."""
