"""Stems on the disk: one file of 32-bit floats a stem, readable while it is still being written.

A :class:`StemStore` lies in the cache under a key that changes with everything that decides what the stems
sound like, so stems of another recording or of another version are never taken for these. What is read is
checked first (version, names, sizes); a folder that is not right counts as not there.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from app.atomic_file import write_atomically
from app.cache import WRITER, cache_sentence, has_room, mark_wanted
from app.claims import Claim, claim
from app.decoding import Audio
from app.errors import Cancelled, UserError
from app.file_errors import space_sentence
from app.paths import available_bytes, cache_folder
from separation.separator import RESIDUAL, Part, SeparatorCard

_VERSION = 1
_HEADER = "stems.json"
SYNC_SECONDS = 1.0
"""How often written blocks are pushed to the disk itself: what a power cut may cost."""
CLAIM_SECONDS = 3.0
"""How long to wait for another writer of the same stems that was just cancelled."""


class StemsError(UserError):
    """Stems cannot be kept or read; the message is one sentence for the user."""


class Described(Protocol):
    """What a recording must say of itself here: :class:`app.recording.Recording` does."""

    content_hash: str
    sample_rate: int
    channels: int
    frames: int


class Stems:
    """The stems of one recording.

    ``names`` has the parts' names and the residual last; ``arrays`` maps each to ``(frames, channels)``
    float32, full scale ±1, read-only memory maps; frames from ``frames_done`` on are zeros so far.
    """

    def __init__(
        self, folder: Path, parts: tuple[Part, ...], sample_rate: int, channels: int, frames: int
    ) -> None:
        self.folder = folder
        self.parts = parts
        self.names = (*(part.name for part in parts), RESIDUAL)
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = frames
        self.frames_done = 0
        self.complete = False
        self.arrays: dict[str, Audio] = {
            name: np.memmap(stem_path(folder, name), np.float32, "r", shape=(frames, channels))
            for name in self.names
        }

    def done(self) -> int:
        """How many frames are there, counted from the start: what the mixer calls in the audio thread."""
        return self.frames_done

    def close(self) -> None:
        """Stop writing. The arrays stay readable: a file is let go with the last array on it."""


class StemStore(Stems):
    """Stems that a separation writes, block by block. Made by the class methods, not by its constructor."""

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        super().__init__(
            folder,
            tuple(Part(p["instrument"], p["number"]) for p in header["parts"]),
            header["sample_rate"],
            header["channels"],
            header["frames"],
        )
        self._header = header
        self.separator: str = header["separator"]
        self.seed: int = header["seed"]
        self.frames_done = header["frames_done"]
        self.complete = header["complete"]
        self._files: list[io.FileIO] = []
        self._claim: Claim | None = None
        self._closed = False
        self._synced = -SYNC_SECONDS

    @classmethod
    def open_or_create(
        cls, recording: Described, card: SeparatorCard, parts: Sequence[Part], seed: int = 0
    ) -> Self:
        """The stems that this separator makes of these parts: whole, half done, or none yet.

        Raises :class:`StemsError` with a sentence when the disk has no room for them.
        """
        key = stem_key(recording.content_hash, card.name, fingerprint(card), parts, seed)
        return cls.create(key, recording, card.name, parts, seed)

    @classmethod
    def create(
        cls, key: str, recording: Described, separator: str, parts: Sequence[Part], seed: int = 0
    ) -> Self:
        """The store of that key: the one that is there where it fits the recording, otherwise a new one."""
        folder = stems_folder() / key
        found = cls.open(folder)
        if found is not None and found._fits(recording, parts):
            return found
        header = {
            "version": _VERSION,
            "content_hash": recording.content_hash,
            "separator": separator,
            "seed": seed,
            "parts": [{"instrument": p.instrument, "number": p.number} for p in parts],
            "sample_rate": recording.sample_rate,
            "channels": recording.channels,
            "frames": recording.frames,
            "frames_done": 0,
            "complete": False,
        }
        size = recording.frames * recording.channels * 4
        needed = size * (len(parts) + 1)
        if not has_room(needed, keep=(key, recording.content_hash)):
            free = available_bytes(cache_folder())
            raise StemsError(space_sentence("keeping the separated stems", needed, free))
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
            for name in (*(p.name for p in parts), RESIDUAL):
                with stem_path(folder, name).open("wb") as file:
                    file.truncate(size)
            _write_header(folder, header, durable=False)
        except OSError as error:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
            raise StemsError(cache_sentence("separated stems", error)) from error
        return cls(folder, header)

    @classmethod
    def find(cls, recording: Described, separator: str, parts: Sequence[Part], seed: int = 0) -> Self | None:
        """Finished or half-done stems of that recording and separator, or None."""
        from separation import catalogue  # here, so that stems can be read without the catalogue

        card = catalogue.cards().get(separator)
        if card is None:
            return None
        key = stem_key(recording.content_hash, card.name, fingerprint(card), parts, seed)
        found = cls.open(stems_folder() / key)
        return found if found is not None and found._fits(recording, parts) else None

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """The store in a folder, or None where there is none or it is not whole."""
        try:
            header = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
            if not _is_sound(header):
                return None
            size = header["frames"] * header["channels"] * 4
            names = [Part(p["instrument"], p["number"]).name for p in header["parts"]] + [RESIDUAL]
            if any(stem_path(folder, name).stat().st_size != size for name in names):
                return None
            mark_wanted(folder)
            return cls(folder, header)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_block(self, start: int, stems: Audio) -> None:
        """Keep ``stems`` ``(stems, channels, n)`` float32 from frame ``start``, the residual last.

        Blocks come in order: ``start`` is at most ``frames_done``. What is written can be read at once.
        Raises :class:`StemsError` for a full disk, :class:`~app.errors.Cancelled` after :meth:`close`.
        """
        if self._closed:
            raise Cancelled
        n = stems.shape[-1]
        if stems.shape != (len(self.names), self.channels, n) or not 0 <= start <= self.frames_done:
            raise ValueError(f"a block {stems.shape} at {start} does not continue {self.frames_done} frames")
        if start + n > self.frames:
            raise ValueError(f"a block ends at {start + n}, behind the last of {self.frames} frames")
        try:
            files = self._files or self._open_files()
            for file, stem in zip(files, stems, strict=True):
                _write_at(file, start * self.channels * 4, np.ascontiguousarray(stem.T, np.float32))
            done = max(self.frames_done, start + n)
            now = time.monotonic()
            if now - self._synced >= SYNC_SECONDS:
                self._sync()
                self._synced = now
            self._save(done, complete=False, durable=False)
        except OSError as error:
            raise StemsError(cache_sentence("separated stems", error)) from error
        self.frames_done = done

    def finish(self) -> None:
        """Mark the stems as complete, once every frame was written."""
        if self.frames_done < self.frames:
            raise ValueError(f"only {self.frames_done} of {self.frames} frames were written")
        try:
            self._sync()
            self._save(self.frames, complete=True, durable=True)
        except OSError as error:
            raise StemsError(cache_sentence("separated stems", error)) from error
        self.complete = True
        self._release()

    def close(self) -> None:
        """Stop writing; what was written is kept and can be gone on with later."""
        self._closed = True
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fits(self, recording: Described, parts: Sequence[Part]) -> bool:
        return (
            self._header["content_hash"] == recording.content_hash
            and self.parts == tuple(parts)
            and (self.sample_rate, self.channels, self.frames)
            == (recording.sample_rate, recording.channels, recording.frames)
        )

    def _open_files(self) -> list[io.FileIO]:
        patience = time.monotonic() + CLAIM_SECONDS
        while (held := claim(self.folder / WRITER)) is None:
            if time.monotonic() > patience:
                raise StemsError(
                    "Another Ripieno window is separating these parts of the same recording: wait until it "
                    "has finished, or stop it there."
                )
            time.sleep(0.02)
        self._claim = held
        # Plain writes and not the memory map: a full disk is then an error and not the program's end.
        self._files = [io.FileIO(stem_path(self.folder, name), "r+") for name in self.names]
        return self._files

    def _sync(self) -> None:
        for file in self._files:
            os.fsync(file.fileno())

    def _save(self, frames_done: int, *, complete: bool, durable: bool) -> None:
        header = {**self._header, "frames_done": frames_done, "complete": complete}
        _write_header(self.folder, header, durable=durable)
        self._header = header

    def _release(self) -> None:
        files, self._files = self._files, []
        for file in files:
            file.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None


def stem_path(folder: Path, name: str) -> Path:
    """The file of one stem."""
    return folder / f"{name}.f32"


def stems_folder() -> Path:
    """Where separated stems are kept."""
    return cache_folder() / "stems"


def stem_key(content_hash: str, separator: str, fingerprint: str, parts: Sequence[Part], seed: int) -> str:
    """The name of a store: another one for anything that makes the stems sound different."""
    names = [part.name for part in parts]
    text = json.dumps([_VERSION, content_hash, separator, fingerprint, names, seed])
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def fingerprint(card: SeparatorCard) -> str:
    """A hash of what makes the separator what it is: its card, its weights and, where there, its code."""
    files = sorted(path for path in card.folder.rglob("*") if path.is_file()) if card.folder.name else []
    module = card.factory.partition(":")[0]
    try:
        code = importlib.util.find_spec(module)
    except ImportError:
        code = None
    if code is not None and code.origin and Path(code.origin).is_file():
        files.append(Path(code.origin))
    stamps = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
    return _fingerprint(card.name, stamps)


@functools.lru_cache(maxsize=32)
def _fingerprint(name: str, stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256(name.encode())
    for path, _, _ in stamps:
        digest.update(Path(path).name.encode())
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _is_sound(header: Any) -> bool:
    """Whether a header is of this version and its numbers make sense."""
    counts = ("sample_rate", "channels", "frames")
    return (
        isinstance(header, dict)
        and header.get("version") == _VERSION
        and all(isinstance(header[key], int) and header[key] > 0 for key in counts)
        and isinstance(header["complete"], bool)
        and isinstance(header["frames_done"], int)
        and 0 <= header["frames_done"] <= header["frames"]
        and (not header["complete"] or header["frames_done"] == header["frames"])
        and len(header["parts"]) > 0
    )


def _write_header(folder: Path, header: dict[str, Any], *, durable: bool) -> None:
    write_atomically(folder / _HEADER, json.dumps(header).encode(), durable=durable)


def _write_at(file: io.FileIO, offset: int, samples: Audio) -> None:
    file.seek(offset)
    left = memoryview(samples.data).cast("B")
    while left:
        left = left[file.write(left) :]
