"""The command line: separate, remix, separators; the other commands are in modules of their own.

Heavy modules are loaded inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app import benchmark_command, haaqi_command, train_commands
from app.commands import Force, Json, Quiet, command, print_json, print_line, progress_bar, say
from app.errors import UsageError, UserError

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


app.command()(benchmark_command.benchmark)
app.command()(haaqi_command.haaqi)
app.add_typer(train_commands.train_app, name="train")


# Paths are readable=False: typer would check them itself, with another exit code and no sentence.


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
    with progress_bar(quiet) as report:
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
        say(text)
    if as_json:
        print_json(summary | {"folder": str(out)})
    else:
        print_line(f"Separated into {', '.join(summary['stems'])} in {out}.")


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

    with progress_bar(quiet) as report:
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
        say(text)
    if as_json:
        found = asdict(done) | {"paths": [str(path) for path in done.paths], "notices": recording.notices}
        print_json(found)
    else:
        print_line(done.sentence)


@app.command()
@command
def separators(as_json: Json = False) -> None:
    """List what recordings can be separated with."""
    from separation import catalogue

    cards = catalogue.cards()
    usual = catalogue.default_separator()
    if as_json:
        print_json(
            [
                {k: v for k, v in asdict(card).items() if k not in ("folder", "factory", "options")}
                | {"usual": card.name == usual}
                for card in cards.values()
            ]
        )
        return
    for card in cards.values():
        print_line(
            f"{card.name}{' (the usual one)' if card.name == usual else ''}: {card.title}. {card.sentence}"
        )
        parts = "one part each" if card.max_parts == 1 else f"up to {card.max_parts} parts each"
        print_line(f"    instruments: {', '.join(card.instruments)}; {parts}")
        for what, text in (("quality", card.quality), ("speed", card.speed), ("paper", card.paper)):
            if text:
                print_line(f"    {what}: {text}")
