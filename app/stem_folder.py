"""A folder of stems that belong together: recorded parts, or what ``ripieno separate`` wrote.

Every audio file in it is a stem, named by its instrument (``violin.flac``, ``violin-1.wav``), but for
``mix.*`` (or ``mixture.*``), which is the recording, and ``residual.*``. Without a mix the recording is
the sum of the stems. With one, what the stems leave of it is the residual: so stems and residual add up to
the recording here too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.decoding import Audio, Decoder, DecodingError, RecordingError, open_decoder
from app.file_errors import reading_sentence, shown_name
from app.recording import (
    Facts,
    Recording,
    cached_recording,
    hash_files,
    need_space,
    notices_of,
    read_facts,
    recordings_folder,
    writing,
)
from app.stems import StemStore, stem_key
from separation.separator import INSTRUMENTS, RESIDUAL, Part

AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".w64", ".rf64"),
    *(".caf", ".au", ".snd", ".m4a", ".aac", ".wma", ".mka", ".mp4", ".wv", ".ape"),
)
"""What counts as an audio file in a folder."""
MIX_NAMES = ("mix", "mixture")
LAYOUT_FILE = "separation.json"
"""What ``ripieno separate`` writes beside its stems."""
TOLERANCE_SECONDS = 1.0
"""Files of one piece may differ this much in length (encoders pad); more, and they are not one piece."""
BLOCK_SAMPLES = 1 << 17
TRUE = "true stems"
_VERSION = 1


class TrueStems(StemStore):
    """Stems that came with the recording, not from a separator."""


@dataclass(frozen=True)
class _Layout:
    """Which file is what; ``parts`` in the order shown."""

    parts: dict[Part, Path]
    mix: Path | None
    residual: Path | None

    @property
    def files(self) -> list[Path]:
        extra = [path for path in (self.mix, self.residual) if path is not None]
        return sorted([*self.parts.values(), *extra])


def open_stem_folder(
    path: Path | str,
    *,
    progress: Callable[[float], None] | None = None,
    check: Callable[[], None] | None = None,
) -> tuple[Recording, TrueStems]:
    """Open a folder of stems as a recording with its true stems, decoding them into the cache.

    All files must have one sample rate and, within a second, one length (shorter ones are filled up with
    silence, with a notice); mono stems go into every channel of a mix with more. The recording's
    ``content_hash`` is over the names and bytes of all these files. Raises :class:`RecordingError`.
    """
    folder = Path(path)
    tell = progress or (lambda fraction: None)
    layout = _read_layout(folder)
    content_hash = hash_files(layout.files, lambda f: tell(0.1 * f), check)
    # the roles of the files are part of what they are
    key = stem_key(content_hash, TRUE, f"{_VERSION}", tuple(layout.parts), 0)
    with ExitStack() as stack:
        readers = {file: stack.enter_context(open_decoder(file)) for file in layout.files}
        rate, channels = _common_shape(layout, readers)
        lengths = {
            file: _length(file, decoder, lambda f: tell(0.1 + 0.2 * f), check)
            for file, decoder in readers.items()
        }
        frames = _common_frames(layout, lengths, rate)
        uneven = len(set(lengths.values())) > 1
        facts = read_facts(recordings_folder() / content_hash)
        described = _Described(content_hash, rate, channels, frames)
        store = TrueStems.create(key, described, TRUE, tuple(layout.parts)) if facts is not None else None
        if facts is None or store is None or not store.complete:
            size = frames * channels * 4 * (len(layout.parts) + 2)
            need_space("decoding these stems", size, keep=(key, content_hash))
            store = store or TrueStems.create(key, described, TRUE, tuple(layout.parts))
            with store:
                facts = _decode(layout, readers, store, content_hash, lambda f: tell(0.3 + 0.7 * f), check)
    done = TrueStems.open(store.folder)
    if done is None:  # removed in this very moment
        raise RecordingError(f"The stems of {shown_name(folder)} could not be kept: open the folder again.")
    tell(1.0)
    notices = list(notices_of(folder, facts))
    if uneven:
        notices.append(
            f"The files in {shown_name(folder)} are not equally long: shorter ones were filled up with "
            "silence, and what lies beyond the mix was left out."
        )
    return cached_recording(folder, content_hash, facts, tuple(notices)), done


@dataclass
class _Described:
    """What :meth:`StemStore.create` wants to know of a recording."""

    content_hash: str
    sample_rate: int
    channels: int
    frames: int


def _read_layout(folder: Path) -> _Layout:
    try:
        files = sorted(
            file
            for file in folder.iterdir()
            if file.suffix.lower() in AUDIO_SUFFIXES and not file.name.startswith(".") and file.is_file()
        )
    except (OSError, ValueError) as error:
        raise RecordingError(reading_sentence(folder, error)) from error
    parts: dict[Part, Path] = {}
    special: dict[str, Path] = {}
    for file in files:
        word = re.sub(r"[\s_]+", "-", file.stem.strip().lower())
        if word in MIX_NAMES or word == RESIDUAL:
            role = RESIDUAL if word == RESIDUAL else "mix"
            if role in special:
                raise RecordingError(_twice(folder, special[role], file))
            special[role] = file
            continue
        part = Part.from_name(re.sub(r"(?<=[a-z])-*([1-9])$", r"-\1", word))
        if part in parts:
            raise RecordingError(_twice(folder, parts[part], file))
        parts[part] = file
    if not parts:
        raise RecordingError(
            f"There are no stems in {shown_name(folder)}: it needs audio files named by their instruments, "
            "such as violin.flac and cello.flac."
        )
    wanted = _written_order(folder)
    known = [*wanted, *sorted(parts, key=lambda p: (p.instrument not in INSTRUMENTS, p))]
    order = [part for part in dict.fromkeys(known) if part in parts]
    return _Layout({part: parts[part] for part in order}, special.get("mix"), special.get(RESIDUAL))


def _twice(folder: Path, first: Path, second: Path) -> str:
    return (
        f"{shown_name(first)} and {shown_name(second)} in {shown_name(folder)} are the same stem twice: "
        "move one of them elsewhere."
    )


def _written_order(folder: Path) -> list[Part]:
    """The order of the parts that ``ripieno separate`` noted, if it made this folder."""
    try:
        noted = json.loads((folder / LAYOUT_FILE).read_text(encoding="utf-8"))
        return [Part.from_name(str(name)) for name in noted["parts"]]
    except (OSError, ValueError, KeyError, TypeError):  # the order is all that is lost
        return []


def _common_shape(layout: _Layout, readers: dict[Path, Decoder]) -> tuple[int, int]:
    """The sample rate and channels of all; a sentence where they do not go together."""
    first = layout.mix or next(iter(layout.parts.values()))
    rate = readers[first].sample_rate
    channels = max(reader.channels for reader in readers.values())
    if layout.mix is not None:
        channels = readers[layout.mix].channels
    for file, reader in readers.items():
        if reader.sample_rate != rate:
            raise RecordingError(
                f"{shown_name(file)} has a sample rate of {reader.sample_rate} Hz and {shown_name(first)} "
                f"one of {rate} Hz: stems of one recording need the same."
            )
        if reader.channels not in (1, channels):
            raise RecordingError(
                f"{shown_name(file)} has {reader.channels} channels where {channels} are needed: stems need "
                "one channel, or as many as the mix."
            )
    return rate, channels


def _length(
    file: Path, decoder: Decoder, tell: Callable[[float], None], check: Callable[[], None] | None
) -> int:
    """How many frames a file has; where it cannot be trusted to know, they are counted."""
    if decoder.exact and decoder.expected_frames is not None:
        return decoder.expected_frames
    count = 0
    with open_decoder(file) as counter:
        while n := len(_read(counter, file, BLOCK_SAMPLES)):
            if check:
                check()
            count += n
            if decoder.expected_frames:
                tell(min(1.0, count / decoder.expected_frames))
    return count


def _common_frames(layout: _Layout, lengths: dict[Path, int], rate: int) -> int:
    frames = lengths[layout.mix] if layout.mix is not None else max(lengths.values())
    for file, length in lengths.items():
        if abs(length - frames) > TOLERANCE_SECONDS * rate:
            raise RecordingError(
                f"{shown_name(file)} is {length / rate:.1f} s long where the others are "
                f"{frames / rate:.1f} s: stems of one recording need the same length."
            )
    if frames < 1:
        raise RecordingError(f"The files in {shown_name(layout.files[0].parent)} have no sound in them.")
    return frames


def _read(decoder: Decoder, file: Path, frames: int) -> Audio:
    try:
        return decoder.read(frames)
    except DecodingError as error:
        raise RecordingError(
            f"{shown_name(file)} is damaged and could not be read to its end: copy it again from where it "
            "came from."
        ) from error


def _decode(
    layout: _Layout,
    readers: dict[Path, Decoder],
    store: TrueStems,
    content_hash: str,
    tell: Callable[[float], None],
    check: Callable[[], None] | None,
) -> Facts:
    """Read all files side by side, and write the recording and its stems."""
    rate, channels, frames = store.sample_rate, store.channels, store.frames
    step = max(1, BLOCK_SAMPLES // channels)
    first = readers[layout.mix or next(iter(layout.parts.values()))]
    store.frames_done = 0  # a half-done store is written again from its start: its files are read anyway
    with writing(recordings_folder() / content_hash, rate, channels) as writer:
        for start in range(0, frames, step):
            if check:
                check()
            n = min(step, frames - start)

            def block(file: Path, n: int = n) -> Audio:
                samples = _read(readers[file], file, n)
                whole = np.zeros((n, channels), np.float32)
                whole[: len(samples)] = np.where(np.isfinite(samples), samples, np.float32(0.0))
                return whole

            stems = np.zeros((len(store.names), channels, n), np.float32)
            for row, file in enumerate(layout.parts.values()):
                stems[row] = block(file).T
            # in 64 bits: many stems may cancel each other
            total = stems.astype(np.float64).sum(axis=0)
            if layout.mix is not None:
                mix = writer.write(_read_whole(readers[layout.mix], layout.mix, n, channels))
                stems[-1] = (mix.T - total).astype(np.float32)
            else:
                if layout.residual is not None:
                    stems[-1] = block(layout.residual).T
                    total = total + stems[-1]
                writer.write(total.T.astype(np.float32))
            store.write_block(start, stems)
            tell((start + n) / frames)
        facts = writer.finish(format=first.format, subtype=first.subtype)
    store.finish()
    return facts


def _read_whole(decoder: Decoder, file: Path, frames: int, channels: int) -> Audio:
    """The next ``frames`` frames, filled up with silence at the end; NaN is left for the writer to count."""
    samples = _read(decoder, file, frames)
    whole = np.zeros((frames, channels), np.float32)
    whole[: len(samples)] = samples
    return whole
