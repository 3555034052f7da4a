"""The file formats that can be written, what each can hold, and the writing itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile

from app import id3
from app.decoding import Audio
from app.errors import UserError
from app.file_errors import space_sentence, writing_sentence
from app.new_file import NewFile
from app.paths import available_bytes

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""The sample rates of MPEG 1, 2 and 2.5 layer III (ISO/IEC 11172-3, 13818-3)."""
LARGEST_WAV = 4_000_000_000
"""Bytes; a WAV file counts them with 32 bits, so a larger one is written as RF64 (EBU Tech 3306)."""
_CHUNK_FRAMES = 4096
"""Frames handed to an encoder at once: libsndfile's Vorbis encoder keeps them all on its stack."""
_SPARE_BYTES = 10_000_000


@dataclass(frozen=True)
class Format:
    """A file format: ``bits`` is 16 or 24 for whole numbers, 32 for floats, 0 for a lossy code.

    ``rates`` are the sample rates it can hold (Hz), or empty for all up to ``highest_rate``.
    """

    key: str
    title: str
    suffix: str
    container: str
    subtype: str
    bits: int
    most_channels: int
    highest_rate: int
    rates: tuple[int, ...] = ()
    encoder: Mapping[str, Any] | None = None

    @property
    def lossy(self) -> bool:
        """Whether what is read back differs from what was written."""
        return self.bits == 0

    @property
    def clips(self) -> bool:
        """Whether samples above full scale are cut off."""
        return self.bits != 32

    def holds_rate(self, sample_rate: int) -> bool:
        """Whether it can hold this sample rate (Hz)."""
        return sample_rate in self.rates if self.rates else sample_rate <= self.highest_rate

    def nearest_rate(self, sample_rate: int) -> int:
        """The sample rate to offer instead: the highest that divides it evenly, or the next one above it."""
        rates = self.rates or (self.highest_rate,)
        even = [rate for rate in rates if sample_rate % rate == 0 and rate >= 32000]
        above = [rate for rate in rates if rate >= sample_rate]
        return max(even) if even else min(above) if above else max(rates)


FORMATS: dict[str, Format] = {
    f.key: f
    for f in (
        Format("wav16", "WAV, 16 bit", ".wav", "WAV", "PCM_16", 16, 1024, 1 << 30),
        Format("wav24", "WAV, 24 bit", ".wav", "WAV", "PCM_24", 24, 1024, 1 << 30),
        Format("wav32f", "WAV, 32 bit float", ".wav", "WAV", "FLOAT", 32, 1024, 1 << 30),
        Format("flac16", "FLAC, 16 bit", ".flac", "FLAC", "PCM_16", 16, 8, 655_350),
        Format("flac", "FLAC, 24 bit", ".flac", "FLAC", "PCM_24", 24, 8, 655_350),
        Format(
            *("mp3", "MP3", ".mp3", "MP3", "MPEG_LAYER_III", 0, 2, 48_000, MP3_RATES),
            encoder={"compression_level": 0.1, "bitrate_mode": "VARIABLE"},
        ),
        Format(
            # More than two channels have another order in Vorbis than in WAV, which libsndfile leaves as it
            # is: they would come from the wrong loudspeakers. libvorbis itself ends at 200 kHz.
            *("ogg", "OGG Vorbis", ".ogg", "OGG", "VORBIS", 0, 2, 192_000),
            encoder={"compression_level": 0.2},
        ),
    )
}
"""Every format that can be exported, by its key."""


class WritingError(UserError):
    """A sound file cannot be written; the message is one sentence for the user."""


class SoundWriter:
    """Writes one sound file that appears under its name when it is committed; use it in a ``with``.

    ``dither`` adds triangular noise of ±1 step (seeded, so that the same mix gives the same file) where
    samples are rounded to 16 bits; blocks that are whole 16-bit numbers already, silence among them,
    are left as they are. Raises :class:`WritingError` with a sentence, also for a full disk.
    """

    def __init__(
        self,
        path: Path,
        format: Format,
        sample_rate: int,
        channels: int,
        frames: int,
        *,
        title: str = "",
        comment: str = "",
        dither: bool = True,
    ) -> None:
        self.path = path
        self.format = format
        self.clipped = 0
        """Samples beyond full scale that were cut off."""
        self._frames = 0
        self._finished = False
        self._dither = dither and format.bits == 16
        self._noise = np.random.default_rng(20)
        size = file_bytes(format, sample_rate, channels, frames)
        try:
            free = available_bytes(path.parent)
            if size + _SPARE_BYTES > free:
                raise WritingError(space_sentence(f"“{path.name}”", size, free))
            self._new = NewFile(path)
        except (OSError, ValueError) as error:
            raise WritingError(writing_sentence(path, error)) from error
        texts = {"title": title, "comment": comment, "software": "Ripieno"}
        self._tag = id3.tag(**texts) if format.container == "MP3" else b""
        container = "RF64" if format.container == "WAV" and size > LARGEST_WAV else format.container
        try:
            self._file = soundfile.SoundFile(
                os.dup(self._new.descriptor),
                "w",
                sample_rate,
                channels,
                format.subtype,
                format=container,
                **dict(format.encoder or {}),
            )
            for key, text in texts.items() if format.container != "MP3" else ():
                if text:
                    setattr(self._file, key, text)
        except (soundfile.LibsndfileError, OSError) as error:
            self._new.discard()
            raise WritingError(
                f"“{path.name}” could not be written as {format.title}: choose another format."
            ) from error

    def write(self, block: Audio) -> None:
        """Append ``(n, channels)`` float32, full scale ±1."""
        try:
            for at in range(0, len(block), _CHUNK_FRAMES):
                self._file.write(self._encoded(block[at : at + _CHUNK_FRAMES]))
            self._frames += len(block)
        except (soundfile.LibsndfileError, OSError) as error:
            raise WritingError(self._sentence(error)) from error

    def finish(self) -> None:
        """Write what the encoder still holds and see that all is there; the file has no name yet."""
        if self._finished:
            return
        try:
            self._file.close()
            if self._tag:
                id3.put_before(self._new.descriptor, self._tag)
            os.lseek(self._new.descriptor, 0, os.SEEK_SET)
            with soundfile.SoundFile(os.dup(self._new.descriptor)) as written:
                # the last samples are written on closing, and libsndfile is silent where that fails
                whole = written.frames == self._frames
        except (soundfile.LibsndfileError, OSError) as error:
            raise WritingError(self._sentence(error)) from error
        if not whole:
            raise WritingError(self._sentence())
        self._finished = True

    def commit(self) -> None:
        """Finish the file and give it its name."""
        self.finish()
        try:
            self._new.commit()
        except OSError as error:
            raise WritingError(self._sentence(error)) from error

    def discard(self) -> None:
        """Leave nothing behind; does nothing after :meth:`commit`."""
        try:
            self._file.close()
        except (soundfile.LibsndfileError, OSError):  # it is thrown away, so what it lacks does not matter
            pass
        finally:
            self._new.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _encoded(self, block: Audio) -> np.ndarray[Any, Any]:
        """The block as it is handed to libsndfile: whole numbers are rounded here.

        libsndfile multiplies floats by 32767 and divides by 32768 when it reads them again; rounding to
        the same grid both ways keeps a 16-bit recording the same to the last bit.
        """
        bits = self.format.bits
        if bits == 32:
            return np.ascontiguousarray(block, np.float32)
        self.clipped += int(np.count_nonzero(np.abs(block) > 1.0))
        if bits == 0:
            return np.clip(block, np.float32(-1.0), np.float32(1.0))
        scale = 2.0 ** (bits - 1)
        steps = block.astype(np.float64) * scale
        if self._dither and not np.array_equal(steps, np.rint(steps)):
            steps += self._noise.random(block.shape) - self._noise.random(block.shape)
        steps = np.clip(np.rint(steps), -scale, scale - 1)
        return steps.astype(np.int16) if bits == 16 else steps.astype(np.int32) << 8

    def _sentence(self, error: Exception | None = None) -> str:
        # libsndfile does not pass on why the system refused; a full disk is the usual reason
        if isinstance(error, OSError):
            return writing_sentence(self.path, error)
        if available_bytes(self.path.parent) < _SPARE_BYTES:
            return f"The disk is full, so “{self.path.name}” could not be written: free some space."
        return f"“{self.path.name}” could not be written: choose another folder or format, and try again."


def file_bytes(format: Format, sample_rate: int, channels: int, frames: int) -> int:
    """About how large a file will be, in bytes; for lossy ones and FLAC a generous guess."""
    if format.lossy:
        return round(frames / max(1, sample_rate) * 40_000)
    return frames * channels * format.bits // 8
