from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.errors import Cancelled, UserError
from app.export import (
    ExportError,
    ExportRequest,
    check_request,
    default_format,
    export,
    format_of,
    measure_peak,
    suggested_name,
)
from app.mixer import Mixer, mix_state, output_channels
from app.session import Session
from app.sound_writer import FORMATS
from separation.separator import Part

PARTS = (Part("violin"), Part("clarinet"))


@dataclass
class Material:
    """A recording and its stems in one."""

    audio: np.ndarray
    arrays: dict[str, np.ndarray]
    sample_rate: int = 44100
    path: Path = Path("/nowhere/mix.wav")
    title: str = "Trio"
    format: str = "WAV"
    subtype: str = "PCM_24"
    complete: bool = True
    frames_done: int | None = None
    channels: int = field(init=False)
    frames: int = field(init=False)

    def __post_init__(self) -> None:
        self.frames, self.channels = self.audio.shape

    def done(self) -> int:
        return self.frames if self.frames_done is None else self.frames_done


def material(frames: int = 30_000, channels: int = 2, level: float = 0.1, **more) -> Material:
    rng = np.random.default_rng(frames + channels)
    arrays = {
        name: (level * rng.uniform(-1, 1, (frames, channels))).astype(np.float32)
        for name in ("violin", "clarinet", "residual")
    }
    audio = sum(a.astype(np.float64) for a in arrays.values()).astype(np.float32)
    return Material(audio, arrays, **more)


@pytest.fixture
def session() -> Session:
    return Session().with_stems(PARTS, "nmf").with_gain("violin", 3.0).with_gain("clarinet", -6.0)


def played(session: Session, what: Material) -> np.ndarray:
    """What the player renders once it has reached its gains: in its own small and odd blocks."""
    channels = output_channels(session, what.channels)
    mixer = Mixer(
        what.audio, what.arrays, sample_rate=what.sample_rate, frames_done=what.done, channels=channels
    )
    mixer.state = mix_state(session, mixer.names, channels)
    out = np.empty((what.frames, channels), np.float32)
    for at in range(0, what.frames, 441):
        mixer.render(at, out[at : at + 441])
    return out


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "ripieno-home")


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
def test_float_export_is_what_the_player_renders(
    channels: int, rate: int, session: Session, tmp_path: Path
) -> None:
    what = material(channels=channels, sample_rate=rate)
    path = tmp_path / "mix.wav"
    report = export(session, what, what, ExportRequest(mix=path, format="wav32f"))
    written, written_rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert written_rate == rate == report.sample_rate
    np.testing.assert_array_equal(written, played(session, what))
    assert report.paths == (path,)
    assert (report.gain_db, report.clipped, report.frames) == (0.0, 0, what.frames)


def test_a_mono_recording_with_a_pan_becomes_stereo(session: Session, tmp_path: Path) -> None:
    what = material(channels=1)
    session = session.with_pan("violin", -0.5)
    export(session, what, what, ExportRequest(mix=tmp_path / "a.wav", format="wav32f"))
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert written.shape == (what.frames, 2)
    np.testing.assert_array_equal(written, played(session, what))


@pytest.mark.parametrize(("format", "bits"), [("wav16", 16), ("flac16", 16), ("wav24", 24), ("flac", 24)])
def test_a_flat_mix_of_a_16_or_24_bit_recording_is_it_to_the_last_bit(
    format: str, bits: int, tmp_path: Path
) -> None:
    what = material()
    scale = 2.0 ** (bits - 1)
    what.audio = (np.rint(what.audio * scale) / scale).astype(np.float32)
    path = tmp_path / f"mix{FORMATS[format].suffix}"
    export(Session().with_stems(PARTS, "nmf"), what, what, ExportRequest(mix=path, format=format))
    written, _ = soundfile.read(path, dtype="float64")
    np.testing.assert_array_equal(written, what.audio)
    assert soundfile.info(path).subtype == f"PCM_{bits}"


def test_16_bits_are_dithered_and_always_the_same(session: Session, tmp_path: Path) -> None:
    what = material(level=1e-4)
    for name in ("a.wav", "b.wav"):
        export(session, what, what, ExportRequest(mix=tmp_path / name, format="wav16"))
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    again, _ = soundfile.read(tmp_path / "b.wav", dtype="float64")
    np.testing.assert_array_equal(written, again)
    error = (written - played(session, what)) * 32768
    assert np.abs(error).max() <= 1.5 + 1e-6  # half a step of rounding and one of noise
    # TPDF dither makes the error's power (1/12 + 1/6) steps² whatever the signal
    assert np.mean(error**2) == pytest.approx(0.25, rel=0.05)


def test_silence_stays_silence(tmp_path: Path) -> None:
    session = Session().with_stems(PARTS, "nmf")
    for name in session.stem_names:
        session = session.with_mute(name, True)
    what = material()
    export(session, what, what, ExportRequest(mix=tmp_path / "a.wav", format="wav16"))
    assert not soundfile.read(tmp_path / "a.wav")[0].any()


@pytest.mark.parametrize("format", ["mp3", "ogg"])
def test_lossy_formats(format: str, session: Session, tmp_path: Path) -> None:
    t = np.arange(44100) / 44100
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[:, None]
    what = Material(tone, {"violin": tone, "clarinet": tone * 0, "residual": tone * 0})
    path = tmp_path / f"a.{format}"
    export(session, what, what, ExportRequest(mix=path, format=format))
    written, rate = soundfile.read(path)
    assert rate == 44100
    expected = played(session, what)[:, 0]
    assert len(written) == len(expected)
    assert np.sqrt(np.mean((written - expected) ** 2)) < 0.01


def test_stems_are_written_as_separated_or_as_mixed(session: Session, tmp_path: Path) -> None:
    what = material()
    session = session.with_pan("violin", 1.0).with_mute("residual", True).with_master(-3.0)
    request = ExportRequest(
        mix=tmp_path / "mix.wav", stems=tuple(what.arrays), stem_folder=tmp_path, format="wav32f"
    )
    report = export(session, what, what, request)
    assert [p.name for p in report.paths] == ["mix.wav", "violin.wav", "clarinet.wav", "residual.wav"]
    for name, array in what.arrays.items():
        np.testing.assert_array_equal(soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0], array)
    export(session, what, what, replace(request, stems_as_mixed=True))
    mixed = {n: soundfile.read(tmp_path / f"{n}.wav", dtype="float32")[0] for n in what.arrays}
    assert not mixed["violin"][:, 0].any()
    assert not mixed["residual"].any()
    np.testing.assert_allclose(sum(mixed.values()), played(session, what), atol=1e-6)


def test_stems_of_a_mono_recording_panned(session: Session, tmp_path: Path) -> None:
    what = material(channels=1)
    request = ExportRequest(stems=("violin",), stem_folder=tmp_path, format="wav32f", stems_as_mixed=True)
    export(session.with_pan("violin", -1.0), what, what, request)
    written = soundfile.read(tmp_path / "violin.wav", dtype="float32")[0]
    assert written.shape == (what.frames, 2)
    assert not written[:, 1].any()


# -- clipping -----------------------------------------------------------------------------------------


def loud() -> Material:
    t = np.arange(20_000) / 44100
    tone = (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[:, None]
    return Material(tone * 2, {"violin": tone, "clarinet": tone * 0, "residual": tone})


def test_the_peak_is_measured_before(tmp_path: Path) -> None:
    session = Session().with_stems(PARTS, "nmf").with_gain("violin", 6.0)
    request = ExportRequest(mix=tmp_path / "a.wav", format="wav24", clipping="keep")
    peak = np.abs(played(session, loud())).max()
    found = measure_peak(session, loud(), loud(), request)
    assert found.peak_db == pytest.approx(20 * math.log10(peak), abs=1e-4)
    assert found.clips
    assert found.gain_db == 0.0
    assert "cut off" in found.sentence
    assert not measure_peak(session, loud(), loud(), replace(request, format="wav32f")).clips
    lowered = measure_peak(session, loud(), loud(), replace(request, clipping="lower"))
    assert lowered.gain_db == pytest.approx(-0.1 - found.peak_db, abs=1e-6)
    assert files(tmp_path) == []


def test_lowered_kept_and_normalised(tmp_path: Path) -> None:
    session = Session().with_stems(PARTS, "nmf").with_gain("violin", 6.0)
    what = loud()
    path = tmp_path / "a.wav"
    request = ExportRequest(mix=path, format="wav24")

    report = export(session, what, what, request)
    written = soundfile.read(path, always_2d=True)[0]
    assert report.clipped == 0
    assert np.abs(written).max() == pytest.approx(10 ** (-0.1 / 20), abs=1e-4)
    np.testing.assert_allclose(written, played(session, what) * 10 ** (report.gain_db / 20), atol=1e-6)
    assert "lowered" in report.sentence

    report = export(session, what, what, replace(request, clipping="keep"))
    assert report.clipped > 0
    assert str(report.clipped) in report.sentence
    written = soundfile.read(path, always_2d=True)[0]
    np.testing.assert_allclose(written, np.clip(played(session, what), -1, 1), atol=2e-7)

    quiet = session.with_master(-30.0)
    report = export(quiet, what, what, replace(request, clipping="normalise"))
    assert report.gain_db > 0
    assert np.abs(soundfile.read(path)[0]).max() == pytest.approx(10 ** (-0.1 / 20), abs=1e-4)
    report = export(quiet, what, what, request)  # nothing to lower
    assert report.gain_db == 0.0


def test_stems_and_mix_share_one_gain(tmp_path: Path) -> None:
    session = Session().with_stems(PARTS, "nmf").with_gain("violin", 6.0)
    what = loud()
    request = ExportRequest(
        mix=tmp_path / "mix.wav", stems=("violin", "residual"), stem_folder=tmp_path, format="wav24"
    )
    report = export(session, what, what, request)
    violin = soundfile.read(tmp_path / "violin.wav", always_2d=True)[0]
    np.testing.assert_allclose(violin, what.arrays["violin"] * 10 ** (report.gain_db / 20), atol=1e-6)


# -- what formats can hold ----------------------------------------------------------------------------


def offers(what: Material, request: ExportRequest, session: Session | None = None) -> list[str]:
    """Take every offer until nothing is left to say."""
    said = []
    session = session or Session()
    while limits := check_request(session, what, what, request):
        said.append(str(limits[0]))
        assert limits[0].offer is not None
        request = limits[0].offer
    return said + [str(export(session, what, what, request).paths[0].name)]


def test_mp3_takes_neither_96_khz_nor_six_channels(session: Session, tmp_path: Path) -> None:
    what = material(channels=6, sample_rate=96000)
    request = ExportRequest(mix=tmp_path / "a.mp3", format="mp3")
    with pytest.raises(ExportError, match="96 kHz"):
        export(session, what, what, request)
    said = offers(what, request, session)
    assert said == [
        "MP3 cannot hold 96 kHz; the export can be resampled to 48 kHz.",
        "MP3 cannot hold 6 channels; the export can be mixed down to stereo.",
        "a.mp3",
    ]
    info = soundfile.info(tmp_path / "a.mp3")
    assert (info.samplerate, info.channels) == (48000, 2)
    assert abs(info.frames - what.frames // 2) <= 1


@pytest.mark.parametrize(
    ("rate", "offered"), [(88200, 44100), (176400, 44100), (192000, 48000), (37800, 44100), (4000, 8000)]
)
def test_the_rate_that_is_offered(rate: int, offered: int, tmp_path: Path) -> None:
    what = material(sample_rate=rate)
    limits = check_request(Session(), what, what, ExportRequest(mix=tmp_path / "a.mp3", format="mp3"))
    assert limits[0].offer is not None
    assert limits[0].offer.sample_rate == offered


def test_flac_and_ogg_limits(tmp_path: Path) -> None:
    nine = material(channels=9, frames=3000)
    assert "9 channels" in offers(nine, ExportRequest(mix=tmp_path / "a.flac", format="flac"))[0]
    assert offers(
        material(channels=8, frames=3000), ExportRequest(mix=tmp_path / "b.flac", format="flac")
    ) == ["b.flac"]
    fast = material(sample_rate=384_000, frames=3000)
    assert "384 kHz" in offers(fast, ExportRequest(mix=tmp_path / "a.ogg", format="ogg"))[0]


def test_resampling_keeps_pitch_and_length(tmp_path: Path) -> None:
    t = np.arange(96000) / 96000
    tone = (0.3 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[:, None]
    what = Material(tone, {}, sample_rate=96000)
    export(Session(), what, None, ExportRequest(mix=tmp_path / "a.wav", format="wav32f", sample_rate=48000))
    written, rate = soundfile.read(tmp_path / "a.wav")
    assert (rate, len(written)) == (48000, 48000)
    np.testing.assert_allclose(written[500:-500], tone[::2, 0][500:-500], atol=1e-4)


@pytest.mark.parametrize(
    ("format", "subtype", "channels", "expected"),
    [
        ("WAV", "PCM_16", 2, "wav16"),
        ("WAV", "PCM_24", 2, "wav24"),
        ("AIFF", "PCM_32", 2, "wav24"),
        ("WAV", "FLOAT", 2, "wav32f"),
        ("FLAC", "PCM_16", 2, "flac16"),
        ("FLAC", "PCM_24", 2, "flac"),
        ("FLAC", "PCM_24", 12, "wav24"),
        ("MP3", "MPEG_LAYER_III", 2, "flac"),
        ("MOV", "AAC", 2, "flac"),
    ],
)
def test_the_default_is_what_the_recording_is(
    format: str, subtype: str, channels: int, expected: str
) -> None:
    what = material(frames=10, channels=channels, format=format, subtype=subtype)
    assert default_format(what) == expected


def test_names() -> None:
    what = material(frames=10)
    assert suggested_name(what, "mp3") == "Trio (Ripieno remix).mp3"
    assert format_of(Path("a.WAV"), what) is FORMATS["wav24"]
    assert format_of(Path("a.wav"), replace_subtype(what, "PCM_16")) is FORMATS["wav16"]
    assert format_of(Path("a.flac"), what) is FORMATS["flac"]
    assert format_of(Path("a.mp3")) is FORMATS["mp3"]
    assert format_of(Path("a.docx")) is None


def replace_subtype(what: Material, subtype: str) -> Material:
    return Material(what.audio, what.arrays, subtype=subtype)


def test_what_cannot_be_exported(session: Session, tmp_path: Path) -> None:
    what = material(frames=100)

    def said(request: ExportRequest, stems: Material | None = what) -> str:
        with pytest.raises(ExportError) as caught:
            export(session, what, stems, request)
        return str(caught.value)

    assert "Nothing was chosen" in said(ExportRequest())
    assert "cello" in said(ExportRequest(stems=("cello",), stem_folder=tmp_path))
    assert "separate" in said(ExportRequest(stems=("violin",), stem_folder=tmp_path), None)
    assert "folder" in said(ExportRequest(stems=("violin",)))
    half = material(frames=100, complete=False, frames_done=50)
    assert "not separated to the end" in said(ExportRequest(stems=("violin",), stem_folder=tmp_path), half)
    what.path = tmp_path / "mix.wav"
    what.path.write_bytes(b"precious")
    assert "overwrite" in said(ExportRequest(mix=tmp_path / "mix.wav"))
    what.path = tmp_path
    (tmp_path / "violin.wav").write_bytes(b"precious")
    assert "overwrite" in said(ExportRequest(stems=("violin",), stem_folder=tmp_path))


def test_a_half_separated_mix_says_so(session: Session, tmp_path: Path) -> None:
    what = material(frames=88200, complete=False, frames_done=44100)
    report = export(session, what, what, ExportRequest(mix=tmp_path / "a.wav", format="wav32f"))
    assert "From 0:01 on it is the recording unchanged" in report.sentence
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    # in the fade to the recording the last bit depends on where blocks end
    np.testing.assert_allclose(written, played(session, what), atol=1e-7)


# -- metadata -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_metadata(format: str, session: Session, tmp_path: Path) -> None:
    what = material(frames=5000, title="Sérénade – 木管")
    path = tmp_path / f"ä–木{FORMATS[format].suffix}"
    export(
        session.with_pan("violin", -0.3).with_mute("residual", True),
        what,
        what,
        ExportRequest(mix=path, format=format),
    )
    with soundfile.SoundFile(path) as file:
        assert file.title == "Sérénade – 木管 (Ripieno remix)"
        assert file.comment == (
            "Ripieno remix: Violin +3.0 dB, 30 % left; Clarinet −6.0 dB; Everything else muted; "
            "master 0.0 dB, separated by nmf"
        )


# -- nothing half-written -----------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["wav24", "flac", "mp3", "ogg"])
def test_cancelling_leaves_nothing(format: str, session: Session, tmp_path: Path) -> None:
    what = material(frames=200_000)
    kept = tmp_path / f"violin{FORMATS[format].suffix}"
    kept.write_bytes(b"old")
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 14:
            raise Cancelled

    request = ExportRequest(
        mix=tmp_path / f"mix{FORMATS[format].suffix}", stems=("violin",), stem_folder=tmp_path, format=format
    )
    with pytest.raises(Cancelled):
        export(session, what, what, request, check=check)
    assert files(tmp_path) == [kept.name]
    assert kept.read_bytes() == b"old"


def test_cancelling_is_asked_about_often(session: Session, tmp_path: Path) -> None:
    what = material(frames=10 * 65536)
    calls = []
    export(
        *(session, what, what, ExportRequest(mix=tmp_path / "a.wav", format="wav32f")),
        check=lambda: calls.append(1),
    )
    assert len(calls) >= 10


def test_progress_rises_to_one(session: Session, tmp_path: Path) -> None:
    told: list[float] = []
    what = material(frames=300_000)
    request = ExportRequest(mix=tmp_path / "a.wav", stems=("violin",), stem_folder=tmp_path)
    export(session, what, what, request, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 5


@pytest.mark.skipif(sys.platform != "linux", reason="unnamed files are Linux's")
def test_a_crash_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_export import *
what = material(frames=300_000)
calls = 0
def check():
    global calls
    calls += 1
    if calls == 8:
        os.kill(os.getpid(), signal.SIGKILL)
request = ExportRequest(mix=Path({str(tmp_path / "out" / "a.flac")!r}), format="flac")
export(Session(), what, None, request, check=check)
"""
    (tmp_path / "out").mkdir()
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("unnamed", [True, False])
def test_with_and_without_unnamed_files(
    unnamed: bool, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not unnamed:
        monkeypatch.setattr(os, "O_TMPFILE", 0, raising=False)
    what = material()
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    path.chmod(0o640)
    export(session, what, what, ExportRequest(mix=path, format="wav32f"))
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0], played(session, what))
    assert files(tmp_path) == ["a.wav"]

    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        export(session, what, what, ExportRequest(mix=tmp_path / "b.wav"), check=check)
    assert files(tmp_path) == ["a.wav"]


def test_a_full_disk_is_a_sentence(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sound_writer.available_bytes", lambda path: 1000)
    what = material()
    with pytest.raises(UserError, match="too little space"):
        export(session, what, what, ExportRequest(mix=tmp_path / "a.wav"))
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
@pytest.mark.parametrize("format", ["wav32f", "flac", "mp3", "ogg"])
def test_a_disk_that_fills_up_meanwhile(format: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: libsndfile's writes come back short."""
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_export import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
what = material(frames=300_000)
try:
    export(Session(), what, None, ExportRequest(mix=Path({str(tmp_path / "out" / "a")!r}), format={format!r}))
except UserError as error:
    print(error)
"""
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        env={**os.environ, "RIPIENO_HOME": str(tmp_path / "home")},
    )
    assert "could not be written" in done.stdout.decode()
    assert files(tmp_path / "out") == []


def test_a_target_that_cannot_be_written(session: Session, tmp_path: Path) -> None:
    what = material(frames=100)
    (tmp_path / "folder.wav").mkdir()

    def said(path: Path) -> str:
        with pytest.raises(UserError) as caught:
            export(session, what, what, ExportRequest(mix=path))
        return str(caught.value)

    assert "is a folder" in said(tmp_path / "folder.wav")
    assert "no folder" in said(tmp_path / "nowhere" / "a.wav")
    assert "too long" in said(tmp_path / ("x" * 300 + ".wav"))
    assert "no folder" in said(tmp_path / "folder.wav" / "deep" / "a.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(session: Session, tmp_path: Path) -> None:
    what = material(frames=100)
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(UserError, match="no permission"):
        export(session, what, what, ExportRequest(mix=tmp_path / "locked" / "a.wav"))


def test_beyond_4_gb_a_wav_file_becomes_rf64(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sound_writer.LARGEST_WAV", 100_000)
    what = material()
    export(session, what, what, ExportRequest(mix=tmp_path / "a.wav", format="wav32f"))
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    np.testing.assert_array_equal(
        soundfile.read(tmp_path / "a.wav", dtype="float32")[0], played(session, what)
    )
