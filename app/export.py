"""Exporting the mix and stems to files: the samples that the player renders, in a format of choice.

What a format cannot hold is said before (:func:`check_request`), what would be cut off is measured before
(:func:`measure_peak`), and no file has its final name until all of them are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from app.decoding import Audio
from app.downmix import routes
from app.export_request import (
    Clipping,
    ExportError,
    ExportRequest,
    Limit,
    Material,
    StemArrays,
    check_request,
    default_format,
    export_channels,
    format_of,
    suggested_name,
    targets,
)
from app.file_errors import shown_name
from app.mix_state import mix_state, output_channels
from app.mixer import render_offline
from app.names import display_name, shown_gain, shown_pan, shown_time
from app.session import Session
from app.sound_writer import FORMATS, SoundWriter

__all__ = [
    "Clipping",
    "ExportError",
    "ExportReport",
    "ExportRequest",
    "Limit",
    "PeakReport",
    "check_request",
    "default_format",
    "export",
    "format_of",
    "measure_peak",
    "suggested_name",
    "targets",
]

Progress = Callable[[float], None]
Check = Callable[[], None]

BLOCK_FRAMES = 1 << 16
HEADROOM_DB = 0.1
LOSSY_HEADROOM_DB = 1.0
"""Lossy codes overshoot what they were given; with this much room they hardly ever clip."""
PEAK_SHARE = 0.35
"""How much of an export's progress is finding its peak, where that is needed."""


@dataclass(frozen=True)
class PeakReport:
    """The highest sample of an export, before any lowering.

    ``peak_db`` is in dBFS (−∞ for silence); ``clips`` says that the format would cut it off; ``gain_db``
    is the gain that the request's ``clipping`` leads to; ``sentence`` tells it to the user.
    """

    peak_db: float
    clips: bool
    gain_db: float
    sentence: str


@dataclass(frozen=True)
class ExportReport:
    """What was written: the mix first, then stems. ``clipped`` counts samples that were cut off."""

    paths: tuple[Path, ...]
    sample_rate: int
    channels: int
    frames: int
    gain_db: float
    clipped: int
    sentence: str


@dataclass(frozen=True)
class _Output:
    """One file to be: where, what it is called, and its samples at the recording's rate."""

    path: Path
    title: str
    blocks: Callable[[], Iterator[Audio]]


def measure_peak(
    session: Session,
    recording: Material,
    stems: StemArrays | None,
    request: ExportRequest,
    *,
    progress: Progress | None = None,
    check: Check | None = None,
) -> PeakReport:
    """Render what would be exported and find its highest sample (of all files together).

    Raises :class:`ExportError` for a request that cannot be made.
    """
    _refuse(session, recording, stems, request)
    tell = progress or (lambda fraction: None)
    outputs = _outputs(session, recording, stems, request)
    peak = 0.0
    for index, output in enumerate(outputs):
        done = 0
        for block in _converted(output, recording, request):
            if check:
                check()
            peak = max(peak, float(np.max(np.abs(block), initial=0.0)))
            done += len(block)
            tell((index + min(1.0, done / _frames(recording, request))) / len(outputs))
    return _peak_report(peak, request)


def export(
    session: Session,
    recording: Material,
    stems: StemArrays | None,
    request: ExportRequest,
    *,
    progress: Progress | None = None,
    check: Check | None = None,
) -> ExportReport:
    """Write the files of a request; memory is bounded whatever the length.

    What the player renders is what is written: sample for sample in 32-bit float at the recording's
    rate. Files appear when all of them are whole; when ``check`` raises, or anything fails, there are
    none. Raises :class:`ExportError` or :class:`~app.sound_writer.WritingError` with a sentence.
    """
    _refuse(session, recording, stems, request)
    tell = progress or (lambda fraction: None)
    kind = FORMATS[request.format]
    gain_db, share = 0.0, 0.0
    if request.clipping == "normalise" or (request.clipping == "lower" and kind.clips):
        share = PEAK_SHARE
        report = measure_peak(
            session, recording, stems, request, progress=lambda f: tell(PEAK_SHARE * f), check=check
        )
        gain_db = report.gain_db
    gain = np.float32(10.0 ** (gain_db / 20.0))
    rate = request.sample_rate or recording.sample_rate
    channels = export_channels(session, recording, request)
    frames = _frames(recording, request)
    outputs = _outputs(session, recording, stems, request)
    comment = _comment(session, stems, gain_db)
    written = 0
    with ExitStack() as stack:
        writers = []
        for index, output in enumerate(outputs):
            writer = SoundWriter(
                output.path, kind, rate, channels, frames, title=output.title, comment=comment
            )
            stack.enter_context(writer)
            writers.append(writer)
            written = 0
            for block in _converted(output, recording, request):
                if check:
                    check()
                writer.write(block if gain == 1.0 else block * gain)
                written += len(block)
                tell(share + (1 - share) * (index + min(1.0, written / frames)) / len(outputs))
            writer.finish()
        if check:
            check()
        for writer in writers:
            writer.commit()
    clipped = sum(writer.clipped for writer in writers)
    paths = tuple(output.path for output in outputs)
    tell(1.0)
    return ExportReport(
        paths,
        rate,
        channels,
        written,
        gain_db,
        clipped,
        _report_sentence(paths, gain_db, clipped) + _half_done(session, recording, stems, request),
    )


def _refuse(session: Session, recording: Material, stems: StemArrays | None, request: ExportRequest) -> None:
    if limits := check_request(session, recording, stems, request):
        raise ExportError(limits[0].sentence)


def _frames(recording: Material, request: ExportRequest) -> int:
    """About how many frames a file will have."""
    rate = request.sample_rate or recording.sample_rate
    return max(1, round(recording.frames * rate / recording.sample_rate))


def _outputs(
    session: Session, recording: Material, stems: StemArrays | None, request: ExportRequest
) -> list[_Output]:
    paths = targets(request)
    outputs = []
    if request.mix is not None:

        def mix() -> Iterator[Audio]:
            return render_offline(
                session,
                recording.audio,
                {} if stems is None else stems.arrays,
                sample_rate=recording.sample_rate,
                frames_done=None if stems is None else stems.done,
                block=BLOCK_FRAMES,
            )

        outputs.append(_Output(paths.pop(0), f"{recording.title} (Ripieno remix)", mix))
    if stems is not None:
        channels = output_channels(session, recording.channels)
        state = mix_state(session, tuple(stems.arrays), channels)
        for path, name in zip(paths, request.stems, strict=True):
            gains = state.meter[state.names.index(name)] if request.stems_as_mixed else None

            def stem(audio: Audio = stems.arrays[name], gains: Audio | None = gains) -> Iterator[Audio]:
                for start in range(0, len(audio), BLOCK_FRAMES):
                    block = audio[start : start + BLOCK_FRAMES]
                    block = np.broadcast_to(block, (len(block), channels))
                    yield block if gains is None else block * gains

            outputs.append(_Output(path, f"{recording.title}: {display_name(name)} (Ripieno)", stem))
    return outputs


def _converted(output: _Output, recording: Material, request: ExportRequest) -> Iterator[Audio]:
    """An output's samples in the channels and at the sample rate that were asked for."""
    rate = request.sample_rate or recording.sample_rate
    stream: soxr.ResampleStream | None = None
    matrix: Audio | None = None
    channels = 0
    for block in output.blocks():
        if not channels:
            channels = request.channels or block.shape[1]
            matrix = _downmix(block.shape[1], channels)
            if rate != recording.sample_rate:
                stream = soxr.ResampleStream(
                    recording.sample_rate, rate, channels, dtype="float32", quality="VHQ"
                )
        mixed = block if matrix is None else block @ matrix
        yield mixed if stream is None else stream.resample_chunk(np.ascontiguousarray(mixed))
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)


def _downmix(channels: int, wanted: int) -> Audio | None:
    """The gains ``(channels, wanted)``, or None where the channels stay as they are."""
    if channels == wanted:
        return None
    matrix = np.zeros((channels, wanted), np.float32)
    for column, route in enumerate(routes(channels, wanted)):
        for source, gain in route:
            matrix[source, column] += gain
    return matrix


def _peak_report(peak: float, request: ExportRequest) -> PeakReport:
    kind = FORMATS[request.format]
    peak_db = 20.0 * float(np.log10(peak)) if peak > 0 else -np.inf
    room = LOSSY_HEADROOM_DB if kind.lossy else HEADROOM_DB
    clips = kind.clips and peak > 1.0
    gain_db = 0.0
    if peak > 0 and (request.clipping == "normalise" or (request.clipping == "lower" and clips)):
        gain_db = -room - peak_db
    if peak == 0:
        sentence = "What is exported is silent."
    elif not clips:
        sentence = f"The peak is {shown_gain(peak_db)}FS, so nothing is cut off."
    elif gain_db:
        sentence = f"The peak is {shown_gain(peak_db)}FS, above full scale: everything is lowered."
    else:
        sentence = f"The peak is {shown_gain(peak_db)}FS: what lies above full scale will be cut off."
    if gain_db:
        sentence = f"{sentence[:-1]}; the gain of the export is {shown_gain(gain_db)}."
    return PeakReport(peak_db, clips, gain_db, sentence)


def _comment(session: Session, stems: StemArrays | None, gain_db: float) -> str:
    """The mix in words, for the file's metadata."""
    words = []
    for name in () if stems is None else stems.arrays:
        strip = session.strips.get(name)
        if strip is None:
            continue
        heard = "muted" if session.audible_gain(name) == 0.0 else shown_gain(strip.gain_db)
        pan = f", {shown_pan(strip.pan)}" if strip.pan else ""
        words.append(f"{display_name(name)} {heard}{pan}")
    words.append(f"master {shown_gain(session.master_db)}")
    if gain_db:
        words.append(f"export {shown_gain(gain_db)}")
    how = f", separated by {session.separator}" if session.separator else ""
    return f"Ripieno remix: {'; '.join(words)}{how}"


def _half_done(
    session: Session, recording: Material, stems: StemArrays | None, request: ExportRequest
) -> str:
    """A further sentence where the mix was exported before its separation had finished."""
    if request.mix is None or stems is None or stems.complete:
        return ""
    if mix_state(session, tuple(stems.arrays), output_channels(session, recording.channels)).flat:
        return ""
    since = shown_time(stems.done() / recording.sample_rate)
    return f" From {since} on it is the recording unchanged, because that is not separated yet."


def _report_sentence(paths: tuple[Path, ...], gain_db: float, clipped: int) -> str:
    first = shown_name(paths[0])
    more = "" if len(paths) == 1 else f" and {len(paths) - 1} more file{'s' if len(paths) > 2 else ''}"
    text = f"Exported {first}{more}"
    if gain_db:
        text += f", {'lowered' if gain_db < 0 else 'raised'} by {abs(gain_db):.1f} dB"
    if clipped:
        text += f"; {clipped} sample{'s were' if clipped > 1 else ' was'} cut off at full scale"
    return f"{text}."
