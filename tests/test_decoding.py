from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.decoding import Decoder, DecodingError, RecordingError, open_decoder

RATE = 44100


def noise(frames: int, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


def read_all(decoder: Decoder, frames: int = 4096) -> np.ndarray:
    blocks = []
    while len(block := decoder.read(frames)):
        assert block.dtype == np.float32
        assert len(block) <= frames
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.zeros((0, decoder.channels), np.float32)


FORMATS = [
    ("WAV", "PCM_16", 4e-5),
    ("WAV", "PCM_24", 2e-7),
    ("WAV", "FLOAT", 0.0),
    ("WAV", "PCM_U8", 8e-3),
    ("W64", "FLOAT", 0.0),
    ("RF64", "FLOAT", 0.0),
    ("AIFF", "PCM_24", 2e-7),
    ("FLAC", "PCM_16", 4e-5),
    ("FLAC", "PCM_24", 2e-7),
    ("CAF", "FLOAT", 0.0),
    ("AU", "FLOAT", 0.0),
]


@pytest.mark.parametrize(("format", "subtype", "tolerance"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_was_written_is_read(
    format: str, subtype: str, tolerance: float, channels: int, tmp_path: Path
) -> None:
    audio = noise(10_001, channels)
    path = tmp_path / "file"
    soundfile.write(path, audio, RATE, subtype, format=format)
    with open_decoder(path) as decoder:
        assert (decoder.sample_rate, decoder.channels, decoder.expected_frames) == (RATE, channels, 10_001)
        assert (decoder.format, decoder.subtype, decoder.exact) == (format, subtype, True)
        np.testing.assert_allclose(read_all(decoder), audio, atol=tolerance or 1e-9)


@pytest.mark.parametrize(
    ("format", "subtype", "rate"),
    [("OGG", "VORBIS", 44100), ("OGG", "OPUS", 48000), ("MP3", "MPEG_LAYER_III", 44100)],
)
def test_lossy_files_are_read_whole_and_in_time(format: str, subtype: str, rate: int, tmp_path: Path) -> None:
    t = np.arange(3 * rate) / rate
    audio = (0.3 * np.sin(2 * np.pi * 330 * t) * (t % 1 < 0.5)).astype(np.float32)[:, None]
    path = tmp_path / "file"
    soundfile.write(path, audio, rate, subtype, format=format)
    with open_decoder(path) as decoder:
        read = read_all(decoder)
    assert len(read) == len(audio)
    assert np.sqrt(np.mean((read - audio) ** 2)) < 0.02


@pytest.mark.parametrize("rate", [8000, 11025, 96000, 192000])
def test_sample_rates(rate: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(100), rate)
    with open_decoder(tmp_path / "a.wav") as decoder:
        assert decoder.sample_rate == rate


def without_length(path: Path) -> None:
    """Take the first frame of an MP3, which states the length, out of it."""
    data = path.read_bytes()
    second = data.index(data[:2], 200)
    path.write_bytes(data[second:])


def test_an_mp3_that_does_not_say_how_long_it_is_is_read_to_its_end(tmp_path: Path) -> None:
    """Its first frames are silence of a low bit rate: whoever guesses from them guesses wrong."""
    audio = np.concatenate([noise(5 * RATE), np.zeros((20 * RATE, 2), np.float32)])
    path = tmp_path / "a.mp3"
    with soundfile.SoundFile(
        path, "w", RATE, 2, "MPEG_LAYER_III", format="MP3", compression_level=0.5, bitrate_mode="VARIABLE"
    ) as file:
        file.write(audio)
    without_length(path)
    assert soundfile.info(path).frames < 0.6 * len(audio)  # what libsndfile believes
    with open_decoder(path) as decoder:
        assert decoder.expected_frames is None
        assert not decoder.exact
        assert abs(len(read_all(decoder)) - len(audio)) < 3000
    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + path.read_bytes())
    with open_decoder(tagged) as decoder:
        assert abs(len(read_all(decoder)) - len(audio)) < 3000


def test_a_cut_off_file_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(10_000), RATE, "FLOAT")
    path.write_bytes(path.read_bytes()[:-40_000])
    with open_decoder(path) as decoder:
        assert 4900 < len(read_all(decoder)) < 5100


# -- what cannot be opened ----------------------------------------------------------------------------


def said(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        open_decoder(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing-here"))


def test_folder_missing_and_empty(tmp_path: Path) -> None:
    assert "is a folder" in said(tmp_path)
    assert "“gone.wav”" in said(tmp_path / "gone.wav")
    (tmp_path / "empty.wav").touch()
    assert "0 bytes" in said(tmp_path / "empty.wav")
    assert "too long" in said(tmp_path / ("x" * 300))
    assert "There is no file" in said(tmp_path / "empty.wav" / "inside.wav")
    assert "no name" in said(tmp_path / "a\0b.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(10), RATE)
    path.chmod(0)
    assert "no permission" in said(path)


def test_permission_is_told_by_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")

    def refuse(self: Path, mode: str = "r") -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert "no permission" in said(path)


@pytest.mark.parametrize("name", ["words.wav", "words.mp3", "words.raw", "words.txt", "words"])
def test_text_is_no_recording(name: str, tmp_path: Path, no_ffmpeg: None) -> None:
    (tmp_path / name).write_text("Seven words about music, and nothing more.\n" * 100)
    text = said(tmp_path / name)
    assert f"“{name}”" in text
    assert "install ffmpeg" in text


@pytest.mark.parametrize(("rate", "channels", "word"), [(2000, 1, "2000 Hz"), (44100, 40, "40 channels")])
def test_out_of_range(rate: int, channels: int, word: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(10, channels), rate)
    assert word in said(tmp_path / "a.wav")


# -- ffmpeg, played by a script -----------------------------------------------------------------------

FFMPEG = """#!{python}
import struct, sys, time
words = sys.argv
assert words[words.index("-i") + 1].startswith("file:/"), words
assert words[words.index("-protocol_whitelist") + 1] == "file,pipe", words
print("Input #0, matroska,webm, from 'x':\\n  Duration: 00:00:00.50, start: 0\\n"
      "  Stream #0:0(eng): Audio: alac, 8000 Hz, stereo", file=sys.stderr, flush=True)
{body}
"""
GOOD = """
print("x" * 200_000, file=sys.stderr)  # more than a pipe holds
out = sys.stdout.buffer
out.write(b".snd" + struct.pack(">5I", 28, 0xFFFFFFFF, 6, 8000, 2) + b"note")
for i in range(4000):
    out.write(struct.pack(">2f", i / 4000, -i / 4000))
"""


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if sys.platform == "win32":
        pytest.skip("needs scripts that can be run by their name")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(body: str) -> Path:
        script = folder / "ffmpeg"
        script.write_text(FFMPEG.format(python=sys.executable, body=body))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        path = tmp_path / "Tänze & Lieder.mka"
        path.write_bytes(b"\x1a\x45\xdf\xa3 something that libsndfile does not know")
        return path

    return install


def test_other_containers_through_ffmpeg(ffmpeg) -> None:
    with open_decoder(ffmpeg(GOOD)) as decoder:
        assert (decoder.sample_rate, decoder.channels, decoder.expected_frames) == (8000, 2, 4000)
        assert (decoder.format, decoder.subtype, decoder.exact) == ("MATROSKA", "ALAC", False)
        audio = read_all(decoder, 300)
    expected = np.arange(4000, dtype=np.float32) / 4000
    np.testing.assert_allclose(audio, np.stack([expected, -expected], axis=1), atol=1e-7)


def test_ffmpeg_that_knows_it_neither(ffmpeg) -> None:
    text = said(ffmpeg("print('Invalid data', file=sys.stderr)\nsys.exit(1)"))
    assert "“Tänze & Lieder.mka”" in text


def test_ffmpeg_that_fails_half_way(ffmpeg) -> None:
    with open_decoder(
        ffmpeg(GOOD.replace("4000):", "100):") + "\nsys.stdout.flush()\nsys.exit(1)")
    ) as decoder:
        assert len(decoder.read(4000)) == 100
        with pytest.raises(DecodingError):
            decoder.read(4000)


def test_ffmpeg_is_ended_when_the_file_is_closed(ffmpeg) -> None:
    decoder = open_decoder(ffmpeg(GOOD + "\nout.flush()\ntime.sleep(1000)"))
    assert len(decoder.read(10)) == 10
    decoder.close()
    assert decoder._process.returncode is not None
    decoder.close()


def test_ffmpeg_that_cannot_be_started(ffmpeg, tmp_path: Path) -> None:
    path = ffmpeg("")
    (tmp_path / "bin" / "ffmpeg").write_bytes(b"\x7fnot a program")
    assert "could not be started" in said(path)
