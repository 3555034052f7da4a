"""Reading ahead of the play head, so that the audio thread finds its pages in memory.

The recording and its stems are memory-mapped files. A page that is not in memory stops whoever touches
it until the disk has answered, and inside a numpy call it would stop every other Python thread too. So
a thread of its own reads the files' bytes ahead of the play head with plain reads (which wait without
Python's lock) and throws them away: what stays is the system's page cache.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

import numpy as np

from app.mix_state import Audio
from app.transport import Transport

AHEAD_SECONDS = 3.0
"""How far ahead of the play head is read."""
INTERVAL_SECONDS = 0.2
CHUNK = 1 << 18
"""Bytes read at once; the thread can stop after each."""


class _MappedFile:
    """The file behind one mapped array, opened for plain reading."""

    def __init__(self, array: Audio, path: Path, offset: int) -> None:
        self._file = FileIO(str(path))
        self._offset = offset
        self._row = array.strides[0]
        self._size = array.shape[0] * self._row
        self._read_from = 0
        self._read_to = 0

    @classmethod
    def behind(cls, array: Audio) -> _MappedFile | None:
        """The file that ``array`` maps, or None for an array in memory."""
        mapped: object = array
        while isinstance(mapped, np.ndarray) and isinstance(mapped.base, np.ndarray):
            mapped = mapped.base
        if not isinstance(mapped, np.memmap) or mapped.filename is None or array.strides[0] <= 0:
            return None
        path = Path(mapped.filename)
        if not path.is_file():
            return None  # the file was unlinked while mapped: its pages cannot be reached by name
        start = int(array.__array_interface__["data"][0]) - int(mapped.__array_interface__["data"][0])
        return cls(array, path, int(mapped.offset) + start)

    def read_ahead(self, start: int, stop: int, buffer: memoryview, stopping: threading.Event) -> int:
        """Bring frames ``start`` to ``stop`` into memory; what the last call brought is not read again."""
        first = max(0, start * self._row // mmap.PAGESIZE * mmap.PAGESIZE)
        last = min(self._size, stop * self._row)
        if self._read_from <= first <= self._read_to:
            begin = self._read_to
        else:
            begin = self._read_from = first
        count = 0
        while begin < last and not stopping.is_set():
            self._file.seek(self._offset + begin)
            got = self._file.readinto(buffer[: min(len(buffer), last - begin)]) or 0
            if not got:
                break  # the file is shorter than its array: nothing to bring
            begin += got
            count += got
        self._read_to = max(begin, first)
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Prefetcher:
    """The thread that reads ahead for one transport; :meth:`close` ends and joins it.

    ``arrays`` are the recording and the stems. Nothing is started where none of them is memory-mapped.
    """

    def __init__(self, transport: Transport, arrays: Iterable[Audio]) -> None:
        self._transport = transport
        self._wake = threading.Event()
        self._stopping = threading.Event()
        arrays = tuple(arrays)
        self._files = [file for array in arrays if (file := _MappedFile.behind(array)) is not None]
        # the loop's start is read by files of their own, so that the two places do not undo each other
        self._loop_files = [file for array in arrays if (file := _MappedFile.behind(array)) is not None]
        self._buffer = memoryview(bytearray(CHUNK))
        self.bytes_read = 0
        self._thread: threading.Thread | None = None
        if self._files:
            self._thread = threading.Thread(target=self._run, name="ripieno-prefetch", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look again at once: the play head has jumped."""
        self._wake.set()

    def close(self) -> None:
        """End the thread, wait for it, and close the files."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        for file in self._files + self._loop_files:
            file.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.read_ahead()
            self._wake.wait(INTERVAL_SECONDS)
            self._wake.clear()

    def read_ahead(self) -> None:
        """Read what playback needs next; what the thread does over and over."""
        transport = self._transport
        ahead = round(AHEAD_SECONDS * transport.sample_rate)
        serial, frame = transport.jump
        start = frame if serial != transport.taken else transport.position
        self._read(self._files, start, start + ahead)
        loop = transport.loop
        if loop is not None:
            self._read(self._loop_files, loop[0], min(loop[1], loop[0] + ahead))

    def _read(self, files: list[_MappedFile], start: int, stop: int) -> None:
        for file in files:
            if self._stopping.is_set():
                return
            self.bytes_read += file.read_ahead(start, stop, self._buffer, self._stopping)
