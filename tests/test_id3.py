from __future__ import annotations

import os
from pathlib import Path

import pytest

from app import id3


def test_a_tag_by_the_letter() -> None:
    made = id3.tag(title="木", comment="a", software="")
    assert made == (
        b"ID3\x04\x00\x00\x00\x00\x00\x1e"
        b"TIT2\x00\x00\x00\x04\x00\x00\x03\xe6\x9c\xa8"
        b"COMM\x00\x00\x00\x06\x00\x00\x03eng\x00a"
    )


def test_sizes_have_seven_bits_a_byte() -> None:
    made = id3.tag(title="x" * 300, comment="", software="")
    assert made[14:18] == bytes([0, 0, 2, 45])  # 301 = 2·128 + 45


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 35])
def test_content_is_moved_whole(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id3, "_SHIFT_BYTES", 10)
    content = bytes(range(length))
    path = tmp_path / "file"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDWR)
    id3.put_before(descriptor, b"TAG")
    os.close(descriptor)
    assert path.read_bytes() == b"TAG" + content
