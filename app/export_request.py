"""What can be asked of an export, and what a format cannot hold: said before, with what it can."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from app.decoding import Audio
from app.errors import UserError
from app.file_errors import shown_name
from app.mix_state import output_channels
from app.session import Session
from app.sound_writer import FORMATS, Format

Clipping = Literal["keep", "lower", "normalise"]


class ExportError(UserError):
    """An export cannot be made; the message is one sentence for the user."""


class Material(Protocol):
    """A recording, as far as exporting is concerned (:class:`app.recording.Recording` is one)."""

    path: Path
    title: str
    sample_rate: int
    channels: int
    frames: int
    format: str
    subtype: str
    audio: Audio


class StemArrays(Protocol):
    """Stems, as far as exporting is concerned (:class:`app.stems.Stems` are)."""

    complete: bool
    arrays: dict[str, Audio]

    def done(self) -> int:
        """How many frames are there."""
        ...


@dataclass(frozen=True)
class ExportRequest:
    """What to export, where and how.

    ``mix`` is the file for the mix, None for no mix. ``stems`` names the stems to write, each as
    ``<name><suffix>`` into ``stem_folder``: as they were separated, or with ``stems_as_mixed`` at their
    gain, pan and mute. ``format`` is a key of :data:`app.sound_writer.FORMATS`. ``sample_rate`` (Hz) and
    ``channels`` (1 or 2) are None for those of the recording. ``clipping`` says what happens to a peak
    above full scale: ``keep`` it (whole-number formats cut it off), ``lower`` everything by what is
    needed, or ``normalise`` the peak to just under full scale, up or down. One gain goes for all files
    of an export, so stems keep their balance.
    """

    mix: Path | None = None
    stems: tuple[str, ...] = ()
    stem_folder: Path | None = None
    format: str = "wav24"
    sample_rate: int | None = None
    channels: int | None = None
    clipping: Clipping = "lower"
    stems_as_mixed: bool = False


@dataclass(frozen=True)
class Limit:
    """Something that the format cannot hold, said in a sentence, and the request that it can.

    ``offer`` is None where nothing can be offered: then the export would be refused.
    """

    sentence: str
    offer: ExportRequest | None = None

    def __str__(self) -> str:
        return self.sentence


def default_format(recording: Material) -> str:
    """The format that holds what the recording holds: its depth for WAV and FLAC, FLAC for lossy ones."""
    bits = {"PCM_S8": 16, "PCM_U8": 16, "PCM_16": 16, "PCM_24": 24, "PCM_32": 24}
    if recording.subtype in ("FLOAT", "DOUBLE"):
        return "wav32f"
    depth = bits.get(recording.subtype, 0)
    if recording.format in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF") and depth:
        return f"wav{depth}"
    if recording.channels > FORMATS["flac"].most_channels:
        return "wav24"
    return "flac16" if depth == 16 else "flac"


def suggested_name(recording: Material, format: str) -> str:
    """The name to offer for the file of a mix."""
    return f"{recording.title} (Ripieno remix){FORMATS[format].suffix}"


def check_request(
    session: Session, recording: Material, stems: StemArrays | None, request: ExportRequest
) -> list[Limit]:
    """What stands in the way of a request, each with what can be offered; empty where it can be made."""
    kind = FORMATS[request.format]
    limits: list[Limit] = []
    rate = request.sample_rate or recording.sample_rate
    channels = export_channels(session, recording, request)
    if not kind.holds_rate(rate):
        offered = kind.nearest_rate(rate)
        limits.append(
            Limit(
                f"{kind.title} cannot hold {_khz(rate)}; the export can be resampled to {_khz(offered)}.",
                replace(request, sample_rate=offered),
            )
        )
    if channels > kind.most_channels:
        limits.append(
            Limit(
                f"{kind.title} cannot hold {channels} channels; the export can be mixed down to stereo.",
                replace(request, channels=2),
            )
        )
    if request.mix is None and not request.stems:
        limits.append(Limit("Nothing was chosen to export: choose the mix or some stems."))
    if request.stems:
        there = {} if stems is None else stems.arrays
        missing = [name for name in request.stems if name not in there]
        if missing:
            limits.append(Limit(f"There is no stem “{missing[0]}” to export: separate the recording first."))
        elif stems is not None and not stems.complete:
            limits.append(
                Limit("The stems are not separated to the end yet: wait for that, or export the mix alone.")
            )
        if request.stem_folder is None:
            limits.append(Limit("No folder was chosen for the stems: choose one."))
    if spoilt := next((path for path in targets(request) if _is_material(path, recording.path)), None):
        limits.append(
            Limit(f"{shown_name(spoilt)} would overwrite what is open: choose another name or folder.")
        )
    return limits


def format_of(path: Path, recording: Material | None = None) -> Format | None:
    """The format that a file name's ending means, in the recording's depth where it holds several."""
    found = [f for f in FORMATS.values() if f.suffix == path.suffix.lower()]
    if not found:
        return None
    wanted = default_format(recording) if recording is not None else ""
    return next((f for f in found if f.key == wanted), next((f for f in found if f.bits == 24), found[0]))


def export_channels(session: Session, recording: Material, request: ExportRequest) -> int:
    """How many channels the files of a request have."""
    return request.channels or output_channels(session, recording.channels)


def targets(request: ExportRequest) -> list[Path]:
    """The files of a request: the mix first, then the stems in their order."""
    suffix = FORMATS[request.format].suffix
    folder = request.stem_folder
    paths = [] if request.mix is None else [request.mix]
    return paths + ([] if folder is None else [folder / f"{name}{suffix}" for name in request.stems])


def _is_material(path: Path, recording: Path) -> bool:
    """Whether a file is the recording, or one of the files of the folder that was opened."""
    try:
        if not path.is_file():
            return False
        return path.samefile(recording) or (recording.is_dir() and path.parent.samefile(recording))
    except OSError:  # it cannot even be asked about: writing it will say why
        return False


def _khz(rate: int) -> str:
    return f"{rate / 1000:g} kHz"
