"""Separating a recording into a folder of sound files: what ``ripieno separate`` does."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from app.file_errors import space_sentence, writing_sentence
from app.new_folder import FolderError, NewFolder
from app.paths import available_bytes
from app.progress import Pace, Progress
from app.recording import Recording, open_recording
from app.sound_writer import FORMATS, SoundWriter, file_bytes
from app.stem_folder import LAYOUT_FILE
from app.stems import fingerprint
from separation import catalogue, devices
from separation.engine import Block, separate
from separation.separator import RESIDUAL, Part, Separator

Report = Callable[[Progress], None]
Check = Callable[[], None]

_FORMAT_VERSION = 1
_SPARE_BYTES = 50_000_000


def separate_to_folder(
    mix: Path,
    parts: tuple[Part, ...],
    out: Path,
    *,
    separator: Separator,
    device: str = "auto",
    seed: int = 0,
    replace: bool = False,
    report: Report | None = None,
    check: Check | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Separate the file ``mix`` and write ``out/<part>.wav``, ``residual.wav`` and ``separation.json``.

    The stems are 32-bit float at the recording's rate, channels and length, and add up to it. The folder
    appears when everything is in it; see :class:`~app.new_folder.NewFolder` for one that exists.
    Returns what ``separation.json`` holds. Raises UserError and SeparatorError with a sentence.
    """
    tell = report or (lambda progress: None)
    devices.resolve(device)  # a device that is not there is told before an hour is decoded
    with NewFolder(out, mark=LAYOUT_FILE, replace=replace) as folder:
        recording = open_recording(mix, progress=lambda f: tell(Progress(f, text="Decoding")), check=check)
        names = [*(part.name for part in parts), RESIDUAL]
        kind = FORMATS["wav32f"]
        needed = len(names) * file_bytes(kind, recording.sample_rate, recording.channels, recording.frames)
        free = available_bytes(folder.path)
        if needed + _SPARE_BYTES > free:
            raise FolderError(space_sentence("writing the stems", needed, free))
        notices = list(recording.notices)
        used: list[str] = []
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    SoundWriter(
                        folder.path / f"{name}{kind.suffix}",
                        kind,
                        recording.sample_rate,
                        recording.channels,
                        recording.frames,
                        title=f"{recording.title}: {name}",
                        comment=f"Separated by Ripieno ({separator.card.name})",
                    )
                )
                for name in names
            ]
            blocks = separate(recording, separator, parts, device=device, seed=seed, check=check)
            pace, before = Pace(), clock()
            for block in blocks:
                for writer, stem in zip(writers, block.stems, strict=True):
                    writer.write(np.ascontiguousarray(stem.T))
                notices += [text for text in block.notices if text not in notices]
                used += [block.device] if block.device not in used else []
                now = clock()
                tell(_progress(block, recording, pace, now - before))
                before = now
            for writer in writers:
                writer.commit()
        summary = _summary(recording, parts, separator, used, seed, notices)
        folder.outdated = _files_of(folder.target)
        _write_json(folder.path / LAYOUT_FILE, summary)
        folder.commit()
    return summary


def _progress(block: Block, recording: Recording, pace: Pace, wall_seconds: float) -> Progress:
    rate = recording.sample_rate
    done = block.start + block.stems.shape[-1]
    pace.add(block.stems.shape[-1] / rate, wall_seconds)
    return Progress(
        done / recording.frames,
        done / rate,
        pace.speed,
        pace.seconds_left((recording.frames - done) / rate),
        "Separating",
    )


def _summary(
    recording: Recording,
    parts: tuple[Part, ...],
    separator: Separator,
    used: list[str],
    seed: int,
    notices: list[str],
) -> dict[str, Any]:
    card = separator.card
    names = [part.name for part in parts]
    return {
        "format": "ripieno-separation",
        "format_version": _FORMAT_VERSION,
        "recording": {
            "name": recording.path.name,
            "sha256": recording.content_hash,
            "sample_rate": recording.sample_rate,
            "channels": recording.channels,
            "frames": recording.frames,
        },
        "separator": {"name": card.name, "title": card.title, "fingerprint": fingerprint(card)},
        "parts": names,
        "stems": {name: f"{name}.wav" for name in [*names, RESIDUAL]},
        "device": ", ".join(used),
        "seed": seed,
        "notices": notices,
        "versions": {
            "ripieno": program_version(),
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "numpy", "soxr")},
        },
    }


def program_version() -> str:
    """The version of Ripieno that is installed, or “unknown” where it only lies there."""
    try:
        return metadata.version("ripieno")
    except metadata.PackageNotFoundError:
        return "unknown"


def load_separator(name: str | None) -> Separator:
    """The separator of that name, or the usual one; SeparatorError with a sentence otherwise."""
    return catalogue.load(name or catalogue.default_separator())


def _files_of(folder: Path) -> tuple[str, ...]:
    """The stems that an earlier separation has written into a folder, by its own list."""
    try:
        noted = json.loads((folder / LAYOUT_FILE).read_text(encoding="utf-8"))["stems"]
        # plain names only: a list that was tampered with must not lead out of the folder
        return tuple(str(name) for name in noted.values() if Path(str(name)).name == str(name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # there is none, or no longer one
        return ()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FolderError(writing_sentence(path, error)) from error
