"""ID3v2.4 tags for MP3 files (id3.org: "ID3 tag version 2.4.0", main structure and native frames).

libsndfile writes only the old ID3v1 tag, which cuts texts off after 30 bytes and knows no Unicode.
"""

from __future__ import annotations

import os

_UTF8 = b"\x03"
_SHIFT_BYTES = 1 << 20


def tag(*, title: str, comment: str, software: str) -> bytes:
    """A tag with these texts (empty ones are left out), to be put before the first MPEG frame."""
    frames = b""
    for name, text in ((b"TIT2", title), (b"TSSE", software)):
        if text:
            frames += _frame(name, _UTF8 + text.encode())
    if comment:
        # language, then an empty short description
        frames += _frame(b"COMM", _UTF8 + b"eng\x00" + comment.encode())
    return b"ID3\x04\x00\x00" + _size(len(frames)) + frames


def put_before(descriptor: int, content: bytes) -> None:
    """Insert ``content`` at the beginning of an open file, moving what is there; from its end, in pieces."""
    at = os.lseek(descriptor, 0, os.SEEK_END)
    while at > 0:
        start = max(0, at - _SHIFT_BYTES)
        os.lseek(descriptor, start, os.SEEK_SET)
        piece = _read(descriptor, at - start)
        os.lseek(descriptor, start + len(content), os.SEEK_SET)
        _write(descriptor, piece)
        at = start
    os.lseek(descriptor, 0, os.SEEK_SET)
    _write(descriptor, content)


def _frame(name: bytes, body: bytes) -> bytes:
    return name + _size(len(body)) + b"\x00\x00" + body


def _size(count: int) -> bytes:
    """28 bits in four bytes of seven, so that a size never looks like the start of an MPEG frame."""
    return bytes((count >> shift) & 0x7F for shift in (21, 14, 7, 0))


def _read(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := os.read(descriptor, count - len(data))):
        data += more
    return data


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
