from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from app.file_errors import reading_sentence, shown_bytes, shown_name, space_sentence, writing_sentence


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "number",
    [errno.ENOENT, errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ENOSPC, errno.EROFS]
    + [errno.EISDIR, errno.EFBIG, errno.EDQUOT],
)
@pytest.mark.parametrize("make", [reading_sentence, writing_sentence])
def test_one_sentence_that_names_the_file(number: int, make) -> None:
    text = make(Path("/music/Säge.wav"), error(number))
    assert "“Säge.wav”" in text
    assert text.endswith(".")
    assert "\n" not in text
    assert "Errno" not in text


def test_what_to_do() -> None:
    assert "folder “music”" in writing_sentence(Path("/music/a.wav"), error(errno.ENOENT))
    assert "disk is full" in writing_sentence(Path("/music/a.wav"), error(errno.ENOSPC))
    assert "permission" in reading_sentence(Path("/music/a.wav"), error(errno.EACCES))
    assert "no name" in reading_sentence(Path("a\0b"), ValueError("embedded null byte"))


def test_long_and_broken_names() -> None:
    assert len(shown_name(Path("x" * 4000))) < 100
    assert shown_name(Path(os.fsdecode(b"a\xff.wav"))).isprintable()
    shown_name(Path(os.fsdecode(b"a\xff.wav"))).encode()
    assert shown_name(Path("/")) == "“/”"


def test_space() -> None:
    assert "1.3 GB" in space_sentence("decoding", 1_300_000_000, 12_400_000)
    assert "12 MB" in space_sentence("decoding", 1_300_000_000, 12_400_000)
    assert shown_bytes(0) == "1 kB"
    assert shown_bytes(999_999_999) == "1.0 GB"
