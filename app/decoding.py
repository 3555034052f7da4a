"""Reading the samples out of an audio file, a block at a time: libsndfile first, ffmpeg for the rest."""

from __future__ import annotations

import abc
import io
import re
import shutil
import struct
import subprocess
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt
import soundfile

from app.errors import UserError
from app.file_errors import reading_sentence, shown_name

Audio = npt.NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
MOST_CHANNELS = 32
_PIECE_FRAMES = 4096
_PLAUSIBLE_FRAMES = 1 << 48
"""libsndfile gives a huge number where a file does not say how long it is."""


class RecordingError(UserError):
    """A file cannot be opened as a recording; the message is one sentence for the user."""


class Decoder(abc.ABC):
    """An audio file being read from its beginning. Close it, or use it in a ``with``.

    ``sample_rate`` is in Hz; ``expected_frames`` is the length in samples a channel as the file states
    it, None where it does not; ``exact`` says that the file's statement can be relied on. ``format`` and
    ``subtype`` are libsndfile's names (``WAV``, ``PCM_24``), or ffmpeg's.
    """

    sample_rate: int
    channels: int
    expected_frames: int | None
    exact: bool
    format: str
    subtype: str

    @abc.abstractmethod
    def read(self, frames: int) -> Audio:
        """The next ``frames`` frames as ``(n, channels)`` float32; fewer only at the end, then none.

        Raises :class:`DecodingError` where the rest of the file is damaged.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let the file go; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DecodingError(Exception):
    """The rest of the file cannot be decoded. Not shown to the user: the caller says how far it came."""


def open_decoder(path: Path) -> Decoder:
    """Start to read an audio file.

    Raises :class:`RecordingError` with a sentence for a folder, a missing, empty or unreadable file, and
    for what neither libsndfile nor ffmpeg (used where it is installed) can read.
    """
    try:
        if path.is_dir():
            raise RecordingError(f"{shown_name(path)} is a folder, not a recording: choose a file in it.")
        with path.open("rb") as file:
            if not file.read(1):
                raise RecordingError(f"{shown_name(path)} is empty (0 bytes): choose another recording.")
    except (OSError, ValueError) as error:
        raise RecordingError(reading_sentence(path, error)) from error
    decoder = _by_libsndfile(path) or _by_ffmpeg(path)
    try:
        _check_shape(path, decoder)
    except RecordingError:
        decoder.close()
        raise
    return decoder


def _check_shape(path: Path, decoder: Decoder) -> None:
    name = shown_name(path)
    if not LOWEST_RATE <= decoder.sample_rate <= HIGHEST_RATE:
        raise RecordingError(
            f"{name} has a sample rate of {decoder.sample_rate} Hz; Ripieno reads {LOWEST_RATE // 1000} to "
            f"{HIGHEST_RATE // 1000} kHz: convert it to 44.1 or 48 kHz."
        )
    if not 1 <= decoder.channels <= MOST_CHANNELS:
        raise RecordingError(
            f"{name} has {decoder.channels} channels; Ripieno reads up to {MOST_CHANNELS}: mix it down first."
        )


# -- libsndfile ---------------------------------------------------------------------------------------


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from front to back: soundfile then leaves out a seek after every read."""

    def seekable(self) -> bool:
        return False


class _LongFile(io.FileIO):
    """A file that says it is far longer than it is, to whoever looks for its end.

    libsndfile guesses the length of an MP3 without a length header from the file's size and its first
    bit rate, and stops reading there; in a file of variable bit rate that can be half way. A guess that is
    too long makes it read until there is nothing more.
    """

    _at_end = False

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at_end = whence == 2
        return super().seek(offset, whence)

    def tell(self) -> int:
        there = super().tell()
        return there * 64 if self._at_end else there


class _SndfileDecoder(Decoder):
    def __init__(self, path: Path) -> None:
        self._stream: IO[bytes] | None = None
        guessed = _is_mp3_of_unknown_length(path)
        if guessed:
            self._stream = _LongFile(path, "rb")
        try:
            self._file = _Forward(self._stream if self._stream is not None else str(path))
        except BaseException:
            self._close_stream()
            raise
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.format = str(self._file.format)
        self.subtype = str(self._file.subtype)
        stated = int(self._file.frames)
        self.expected_frames = None if guessed or stated > _PLAUSIBLE_FRAMES else stated
        self.exact = self.expected_frames is not None and self.format not in ("MP3", "OGG")

    def read(self, frames: int) -> Audio:
        block = np.empty((frames, self.channels), np.float32)
        done = 0
        # in small pieces, because soundfile drops all that it has read when the file is damaged further on
        while done < frames:
            try:
                got = len(self._file.read(out=block[done : done + _PIECE_FRAMES]))
            except (soundfile.LibsndfileError, OSError) as error:
                if not done:
                    raise DecodingError(str(error)) from error
                break
            if not got:
                break
            done += got
        return block[:done]

    def close(self) -> None:
        self._file.close()
        self._close_stream()

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()


def _by_libsndfile(path: Path) -> Decoder | None:
    """The decoder, or None where libsndfile does not know what this is."""
    try:
        return _SndfileDecoder(path)
    except (soundfile.LibsndfileError, TypeError):  # TypeError: named .raw, which needs to be told its rate
        return None
    except OSError as error:
        raise RecordingError(reading_sentence(path, error)) from error


def _is_mp3_of_unknown_length(path: Path) -> bool:
    """Whether this is an MP3 file whose first frame carries no length (Xing, Info or VBRI header)."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3" and len(head) == 10:
            # the tag's length has seven bits a byte: ID3v2.4 §3.1
            start = 10 + sum(
                (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
            )
        file.seek(start)
        frame = file.read(4096)
    # an MPEG audio frame begins with eleven bits set and layer III (01): ISO/IEC 11172-3 §2.4.1.3
    found = next(
        (i for i in range(len(frame) - 1) if frame[i] == 0xFF and frame[i + 1] & 0xE6 == 0xE2),
        None,
    )
    if found is None or (start == 0 and found != 0):
        return False
    return not any(mark in frame[found : found + 192] for mark in (b"Xing", b"Info", b"VBRI"))


# -- ffmpeg -------------------------------------------------------------------------------------------


class _FfmpegDecoder(Decoder):
    """ffmpeg's output as a stream in Sun's AU format, whose header is 24 bytes and sets no limit."""

    def __init__(self, ffmpeg: str, path: Path) -> None:
        # "file:" and the whitelist: a name or a play list must never make ffmpeg open anything but files
        self._process = subprocess.Popen(
            [ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file,pipe"]
            + ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "-"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._words: deque[str] = deque(maxlen=400)
        # stderr is read beside stdout: a full pipe would stop ffmpeg
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-words", daemon=True)
        self._listener.start()
        assert self._process.stdout is not None
        self._out = self._process.stdout
        try:
            self._read_header()
        except BaseException:
            self.close()
            raise

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._words.append(line.decode("utf-8", "replace"))

    def _read_header(self) -> None:
        head = self._out.read(24)
        if len(head) < 24 or head[:4] != b".snd":
            raise DecodingError("ffmpeg found no audio in it")
        offset, _size, encoding, rate, channels = struct.unpack(">5I", head[4:])
        if encoding != 6:
            raise DecodingError("ffmpeg gave something else than 32-bit floats")
        self._out.read(offset - 24)
        self.sample_rate, self.channels = int(rate), int(channels)
        said = "".join(self._words)
        kind = re.search(r"Input #0, ([^,\s]+)", said)
        codec = re.search(r"Stream #0:\d+.*?: Audio: (\w+)", said)
        length = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said)
        self.format = kind[1].upper() if kind else "FFMPEG"
        self.subtype = codec[1].upper() if codec else "UNKNOWN"
        self.exact = False
        self.expected_frames = None
        if length:
            seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3])
            self.expected_frames = round(seconds * self.sample_rate) or None

    def read(self, frames: int) -> Audio:
        width = 4 * self.channels
        data = self._out.read(frames * width)
        if len(data) < frames * width and self._process.wait() != 0 and not data:
            raise DecodingError(self._words[-1].strip() if self._words else "ffmpeg failed")
        whole = len(data) // width
        return (
            np.frombuffer(data, ">f4", whole * self.channels).reshape(whole, self.channels).astype(np.float32)
        )

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _by_ffmpeg(path: Path) -> Decoder:
    ffmpeg = shutil.which("ffmpeg")
    name = shown_name(path)
    if ffmpeg is None:
        raise RecordingError(
            f"Ripieno cannot read {name} on its own: install ffmpeg (on Debian and Ubuntu: sudo apt install "
            "ffmpeg), or convert the file to WAV or FLAC."
        )
    try:
        return _FfmpegDecoder(ffmpeg, path)
    except DecodingError as error:
        raise RecordingError(
            f"{name} is no recording that Ripieno or ffmpeg can read: choose an audio file, or convert it "
            "to WAV or FLAC."
        ) from error
    except OSError as error:
        raise RecordingError(
            f"ffmpeg, which is needed to read {name}, could not be started ({error.strerror}): install it "
            "again, or convert the file to WAV or FLAC."
        ) from error
