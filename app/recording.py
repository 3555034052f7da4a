"""A recording, decoded once to 32-bit floats on the disk, and read from there as a memory map.

Decoded recordings are kept under the cache folder by the hash of the file's bytes, so opening one again is
instant, and an hour of music takes no memory to speak of. The folder appears whole (it is written beside
and renamed), so two programs that decode the same file at once do each other no harm.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from app.cache import cache_sentence, has_room, mark_wanted
from app.decoding import Audio, Decoder, DecodingError, RecordingError, open_decoder
from app.file_errors import reading_sentence, shown_name, space_sentence
from app.paths import available_bytes, cache_folder

__all__ = ["Recording", "RecordingError", "open_recording"]

Progress = Callable[[float], None]
"""Told how far the work has come, 0…1."""
Check = Callable[[], None]
"""Called every few hundredths of a second; what it raises stops the work, and nothing is left behind."""

BLOCK_SAMPLES = 1 << 18
"""Samples (of all channels together) decoded at once: 1 MB."""
HASH_BYTES = 1 << 20
HASH_SHARE = 0.15
"""How much of the progress is reading the file for its hash."""
LOUD = 8.0
"""A recording that peaks this far above full scale was not saved as it should have been."""
_VERSION = 1


@dataclass(frozen=True)
class Facts:
    """What is kept beside the decoded samples.

    ``not_numbers`` counts samples that were NaN or infinite and were replaced by zeros; ``missing`` is how
    many frames the file promised and did not hold; ``peak`` is the highest absolute sample.
    """

    sample_rate: int
    channels: int
    frames: int
    format: str
    subtype: str
    peak: float
    not_numbers: int = 0
    missing: int = 0
    version: int = _VERSION


@dataclass(eq=False)
class Recording:
    """A decoded recording; reading it is safe in any thread.

    ``audio`` is ``(frames, channels)`` float32, full scale ±1, a read-only memory map. ``content_hash`` is
    SHA-256 (hex) of the file's bytes. ``format`` and ``subtype`` are libsndfile's names for what the file
    holds (``FLAC``, ``PCM_24``). ``notices`` are sentences about the file that the user should see.
    """

    path: Path
    title: str
    sample_rate: int
    channels: int
    frames: int
    format: str
    subtype: str
    peak: float
    content_hash: str
    audio: Audio
    notices: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """The length in seconds."""
        return self.frames / self.sample_rate

    def read(self, start: int, stop: int) -> Audio:
        """Frames ``start`` to ``stop`` (inside the recording) as ``(channels, stop - start)``, a copy."""
        return np.ascontiguousarray(self.audio[start:stop].T)

    def close(self) -> None:
        """Give the memory back that the system has filled with the file's pages; reading stays possible.

        The file itself is let go with the last array on it, so a thread that still reads is not hurt.
        """
        mapped = getattr(self.audio, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def open_recording(
    path: Path | str, *, progress: Progress | None = None, check: Check | None = None
) -> Recording:
    """Open an audio file, decoding it into the cache unless it is there already.

    WAV, FLAC, OGG, Opus, MP3, AIFF and others are read by libsndfile, other containers by ffmpeg where it
    is installed. Memory is bounded whatever the length. NaN and infinite samples become zeros, with a
    notice. Raises :class:`RecordingError` with a sentence.
    """
    path = Path(path)
    tell = progress or (lambda fraction: None)
    with open_decoder(path) as decoder:
        content_hash = hash_files([path], lambda f: tell(f * HASH_SHARE), check)
        folder = recordings_folder() / content_hash
        facts = read_facts(folder)
        if facts is None:
            facts = _decode(path, decoder, folder, lambda f: tell(HASH_SHARE + f * (1 - HASH_SHARE)), check)
    tell(1.0)
    return cached_recording(path, content_hash, facts, notices_of(path, facts))


def cached_recording(path: Path, content_hash: str, facts: Facts, notices: tuple[str, ...]) -> Recording:
    """The recording whose samples lie in the cache under ``content_hash``."""
    folder = recordings_folder() / content_hash
    mark_wanted(folder)
    audio: Audio = np.memmap(
        folder / "audio.f32",
        np.float32,
        "r",
        shape=(facts.frames, facts.channels),
    )
    return Recording(
        path=path.absolute(),
        title=path.stem if path.is_file() else path.absolute().name,
        sample_rate=facts.sample_rate,
        channels=facts.channels,
        frames=facts.frames,
        format=facts.format,
        subtype=facts.subtype,
        peak=facts.peak,
        content_hash=content_hash,
        audio=audio,
        notices=notices,
    )


def recordings_folder() -> Path:
    """Where decoded recordings are kept."""
    return cache_folder() / "recordings"


def hash_files(paths: list[Path], progress: Progress, check: Check | None) -> str:
    """SHA-256 (hex) of one file's bytes; of several files, of their names and bytes one after the other."""
    digest = hashlib.sha256()
    read = 0
    path = paths[0]
    try:
        total = sum(path.stat().st_size for path in paths)
        for path in paths:
            if len(paths) > 1:
                digest.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
            with path.open("rb") as file:
                while piece := file.read(HASH_BYTES):
                    if check:
                        check()
                    digest.update(piece)
                    read += len(piece)
                    progress(min(1.0, read / max(1, total)))
    except OSError as error:
        raise RecordingError(reading_sentence(path, error)) from error
    return digest.hexdigest()


def read_facts(folder: Path) -> Facts | None:
    """What the cache knows of a recording, or None where it does not hold it whole."""
    try:
        kept = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
        facts = Facts(**kept)
        size = (folder / "audio.f32").stat().st_size
    except (OSError, ValueError, TypeError):  # not there, or not ours: it is made again
        return None
    sizes = (facts.sample_rate, facts.channels, facts.frames)
    if facts.version != _VERSION or not all(isinstance(n, int) and n > 0 for n in sizes):
        return None
    return facts if size == facts.frames * facts.channels * 4 else None


class RecordingWriter:
    """Takes decoded samples into a folder of the cache that appears when everything is there."""

    def __init__(self, folder: Path, sample_rate: int, channels: int) -> None:
        self._folder = folder
        self._rate, self._channels = sample_rate, channels
        self._frames = 0
        self._not_numbers = 0
        self._peak = 0.0
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        self._file = (self._temporary / "audio.f32").open("wb")

    def write(self, block: Audio) -> Audio:
        """Append ``(n, channels)``; returns it with zeros for what is no number."""
        finite = np.isfinite(block)
        if not finite.all():
            self._not_numbers += int(block.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0.0))
        self._peak = max(self._peak, float(np.max(np.abs(block), initial=0.0)))
        self._file.write(np.ascontiguousarray(block, np.float32).data)
        self._frames += len(block)
        return block

    @property
    def frames(self) -> int:
        """How many frames were written."""
        return self._frames

    def finish(self, *, format: str, subtype: str, missing: int = 0) -> Facts:
        """Put the folder in its place, or drop it where another program was faster."""
        facts = Facts(
            self._rate,
            self._channels,
            self._frames,
            format,
            subtype,
            self._peak,
            self._not_numbers,
            missing,
        )
        self._file.close()
        (self._temporary / "recording.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")
        for _ in range(3):
            try:
                self._temporary.rename(self._folder)
                return facts
            except OSError:
                theirs = read_facts(self._folder)
                if theirs is not None:
                    self.discard()
                    return theirs
                shutil.rmtree(self._folder, ignore_errors=True)  # something broken lies there
        self._temporary.rename(self._folder)
        return facts

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        shutil.rmtree(self._temporary, ignore_errors=True)


@contextlib.contextmanager
def writing(folder: Path, sample_rate: int, channels: int) -> Iterator[RecordingWriter]:
    """A writer that is discarded when anything goes wrong; errors of the disk become sentences."""
    writer = None
    try:
        writer = RecordingWriter(folder, sample_rate, channels)
        yield writer
    except OSError as error:
        if writer is not None:
            _discard(writer)
        raise RecordingError(cache_sentence("decoded recordings", error)) from error
    except BaseException:
        if writer is not None:
            _discard(writer)
        raise


def _discard(writer: RecordingWriter) -> None:
    with contextlib.suppress(OSError):  # a full disk: closing tries to write the rest once more
        writer.discard()
        return
    writer.discard()


def need_space(what: str, needed: int, *, keep: tuple[str, ...] = ()) -> None:
    """Make room for ``needed`` bytes in the cache, sparing the entries called ``keep``.

    Raises :class:`RecordingError` where its disk has too little space even so.
    """
    if not has_room(needed, keep=keep):
        raise RecordingError(space_sentence(what, needed, available_bytes(cache_folder())))


def _decode(path: Path, decoder: Decoder, folder: Path, tell: Progress, check: Check | None) -> Facts:
    expected = decoder.expected_frames
    need_space(f"decoding {shown_name(path)}", (expected or 0) * decoder.channels * 4)
    frames = max(1, BLOCK_SAMPLES // decoder.channels)
    with writing(folder, decoder.sample_rate, decoder.channels) as writer:
        damaged = False
        while True:
            if check:
                check()
            try:
                block = decoder.read(frames)
            except DecodingError:
                damaged = True
                break
            if not len(block):
                break
            writer.write(block)
            if expected:
                tell(min(1.0, writer.frames / expected))
        if not writer.frames:
            if damaged:
                raise RecordingError(f"{shown_name(path)} is damaged: no sound could be read from it.")
            raise RecordingError(f"{shown_name(path)} has no sound in it: choose another recording.")
        missing = max(0, (expected or 0) - writer.frames) if damaged or decoder.exact else 0
        return writer.finish(
            format=decoder.format, subtype=decoder.subtype, missing=max(missing, int(damaged))
        )


def notices_of(path: Path, facts: Facts) -> tuple[str, ...]:
    """Sentences about what was mended or is odd in a recording."""
    name = shown_name(path)
    notices = []
    if facts.missing:
        seconds = facts.frames / facts.sample_rate
        notices.append(
            f"{name} is damaged or was cut off: only its first {int(seconds // 60)}:{seconds % 60:04.1f} "
            "could be read."
        )
    if facts.not_numbers:
        samples = "One sample" if facts.not_numbers == 1 else f"{facts.not_numbers} samples"
        notices.append(f"{samples} of {name} held no number (NaN or infinity) and became silence.")
    if facts.peak > LOUD:
        notices.append(
            f"{name} is {20 * np.log10(facts.peak):.0f} dB louder than full scale: it was probably saved in "
            "a wrong format, and will be heard distorted."
        )
    elif facts.peak == 0.0:
        notices.append(f"{name} is silent from beginning to end.")
    return tuple(notices)
