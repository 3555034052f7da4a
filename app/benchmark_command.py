"""``ripieno benchmark``: separators side by side on pieces whose true stems are known."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from app.atomic_file import write_atomically
from app.commands import Json, Quiet, command, print_json, print_line, progress_bar, say
from app.errors import UsageError

TITLE = "Separators, measured"


@command
def benchmark(
    separator: Annotated[
        list[str] | None, typer.Option(help="One of “ripieno separators”; may be repeated. All if left out.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder of stems (violin.flac, violin-1.flac, …) or of made-up clips, or a folder of such "
            "folders; may be repeated. The shipped demo if left out.",
            readable=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the Markdown page here, not to stdout.", readable=False),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of each piece, from its beginning; 0: the whole.")] = 0.0,
    most: Annotated[int, typer.Option(help="Clips of each folder of made-up clips; 0: all.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads for torch; 0 leaves it to torch.")] = 0,
    seed: Annotated[
        int, typer.Option(help="Where chance plays a part: the same seed, the same figures.")
    ] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare separators on pieces with known stems: SI-SDR in dB by group and instrument, and speed.

    Folders of made-up clips called seen and unseen are groups of their own; other pieces count as real.
    """
    if seconds < 0 or most < 0 or threads < 0:
        raise UsageError("--seconds, --most and --threads take numbers of 0 or more.")
    import torch

    from app.progress import Progress
    from separation import catalogue, devices
    from separation.separator import SeparatorError
    from separation.training import benchmark as measuring
    from separation.training.benchmark_table import markdown, plain

    names = list(dict.fromkeys(separator or catalogue.cards()))
    try:
        label = devices.label(devices.resolve(device))
        separators = {name: catalogue.load(name) for name in names}
    except SeparatorError as error:
        raise UsageError(str(error)) from error
    if threads:
        torch.set_num_threads(threads)
    pieces = measuring.cases(data or [measuring.DEMO], seconds=seconds, most=most)
    with progress_bar(quiet) as bar:
        results, sentences = measuring.compare(
            pieces,
            separators,
            device=device,
            seed=seed,
            report=lambda fraction, text: bar(Progress(fraction, text=text)),
        )
    for sentence in sentences:
        say(sentence)
    if out is not None:
        options = {"--seconds": seconds, "--most": most, "--seed": seed}
        words = ["ripieno benchmark", *(f"--separator {name}" for name in separator or [])]
        words += [f"--data {shlex.quote(str(folder))}" for folder in data or []]
        words += [f"{name} {value:g}" for name, value in options.items() if value]
        threads = torch.get_num_threads()
        notes = [
            f"Made by `{' '.join(words)}` on {label}, torch {torch.__version__} with threads: {threads}.",
            "SI-SDR (Le Roux et al. 2019) in dB, means over all stems; the oracle is the ideal Wiener mask, "
            "the best that masks on a spectrum can do. Parts of one instrument are scored as they are named, "
            "and in a column of their own at the better of all orders. Speed is music over work; a short "
            "piece costs as much as a whole chunk, so long recordings go faster.",
        ]
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, markdown(results, title=TITLE, notes=notes).encode())
    if as_json:
        print_json(plain(results))
    elif out is not None:
        print_line(f"The figures of {', '.join(names)} on {len(results)} pieces are in {out}.")
    else:
        print_line(markdown(results, title=TITLE).rstrip())
