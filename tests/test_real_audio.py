"""Real playback: PortAudio and ALSA to a private PulseAudio server's null sink, heard at its monitor."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from audio_signals import RATE, SMOOTH, noise_parts, roughness, tone_parts

from app.mixer import render_offline
from app.session import Session, Strip
from app.transport import FADE_SECONDS

PATIENCE_SECONDS = 30.0
WAV_ORDER = "front-left,front-right,front-center,lfe,rear-left,rear-right"
ALSA_CONFIGURATION = """\
pcm.pulse { type pulse }
ctl.pulse { type pulse }
pcm.!default { type pulse }
ctl.!default { type pulse }
"""


def missing() -> str | None:
    """Why real playback cannot be tested here, where that is so."""
    for program in ("pulseaudio", "pactl", "parec"):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt install pulseaudio pulseaudio-utils)"
    if not list(Path("/usr").glob("lib*/**/alsa-lib/libasound_module_pcm_pulse.so")):
        return "ALSA's PulseAudio plugin is not installed (apt install libasound2-plugins)"
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return "PortAudio is not installed (apt install libportaudio2)"
    return None


pytestmark = [pytest.mark.real_audio]


@dataclass
class Server:
    """A sound server of the test's own, with one null sink."""

    folder: Path
    environment: dict[str, str]
    daemon: subprocess.Popen
    rate: int
    channels: int

    def record(self) -> subprocess.Popen:
        """Start recording what the sink plays; returns once the first samples have come."""
        command = ["parec", "--device=ripieno.monitor", "--format=float32le", f"--rate={self.rate}"]
        command += [f"--channels={self.channels}", "--latency-msec=20"]
        if self.channels == 6:
            command.append(f"--channel-map={WAV_ORDER}")
        target = (self.folder / "heard.f32").open("wb")
        with target:
            recorder = subprocess.Popen(command, env=self.environment, stdout=target)
        wait_for(lambda: (self.folder / "heard.f32").stat().st_size > 0, "parec recorded nothing")
        return recorder

    def heard(self, recorder: subprocess.Popen) -> np.ndarray:
        """Stop recording when everything played has arrived: two tenths of silence at the end."""
        quiet = self.rate // 5 * self.channels
        wait_for(
            lambda: not np.fromfile(self.folder / "heard.f32", np.float32)[-quiet:].any(), "never silent"
        )
        recorder.terminate()
        recorder.wait(PATIENCE_SECONDS)
        samples = np.fromfile(self.folder / "heard.f32", np.float32)
        return samples[: len(samples) // self.channels * self.channels].reshape(-1, self.channels)

    def play(self, recording: np.ndarray, parts: dict, plan: dict) -> subprocess.Popen:
        """Start the process that plays."""
        np.save(self.folder / "recording.npy", recording)
        for name, stem in parts.items():
            np.save(self.folder / f"stem-{name}.npy", stem)
        (self.folder / "plan.json").write_text(json.dumps({"rate": self.rate, "gains": {}, **plan}))
        child = Path(__file__).with_name("real_audio_child.py")
        environment = {**self.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        errors = (self.folder / "child.log").open("wb")
        with errors:
            return subprocess.Popen(
                [sys.executable, str(child), str(self.folder)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def close(self) -> None:
        self.daemon.terminate()
        self.daemon.wait(PATIENCE_SECONDS)


def wait_for(condition, complaint: str) -> None:
    """Look again and again, within bounds, at something that another process does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


@contextlib.contextmanager
def running(folder: Path, rate: int = RATE, channels: int = 2) -> Iterator[Server]:
    if reason := missing():
        pytest.skip(reason)
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    (folder / "asound.conf").write_text(ALSA_CONFIGURATION)
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("PULSE_SINK", "DISPLAY")},
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(folder),
        "PULSE_RUNTIME_PATH": str(runtime),
        "PULSE_SERVER": f"unix:{runtime / 'native'}",
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
    }
    layout = f" channels=6 channel_map={WAV_ORDER}" if channels == 6 else " channels=2"
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    command += ["--disable-shm=yes", "--log-level=error"]
    command.append(f"--load=module-null-sink sink_name=ripieno format=float32le rate={rate}{layout}")
    command.append(f"--load=module-native-protocol-unix socket={runtime / 'native'} auth-anonymous=1")
    with (folder / "pulse.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    server = Server(folder, environment, daemon, rate, channels)

    def answers() -> bool:
        assert daemon.poll() is None, (folder / "pulse.log").read_text()
        return subprocess.run(["pactl", "info"], env=environment, capture_output=True).returncode == 0

    try:
        wait_for(answers, "the sound server does not answer")
        yield server
    finally:
        server.close()


def finish(player: subprocess.Popen, folder: Path) -> list[dict]:
    """What the player's process said, at its end."""
    out, _ = player.communicate(timeout=2 * PATIENCE_SECONDS)
    assert player.returncode == 0, (folder / "child.log").read_text()
    return [json.loads(line) for line in out.splitlines()]


def delay_of(heard: np.ndarray, played: np.ndarray) -> int:
    """Where ``played`` begins in ``heard``: the peak of their cross-correlation."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(played))))
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 2), (44100, 6)])
def test_what_is_heard_is_what_is_rendered(tmp_path: Path, rate: int, channels: int) -> None:
    recording, parts = noise_parts(rate * 3 // 2, channels, 2)
    gains = {"part-1": -9.0, "part-2": 3.0}
    with running(tmp_path, rate, channels) as server:
        recorder = server.record()
        said = finish(server.play(recording, parts, {"kind": "steady", "gains": gains}), tmp_path)
        heard = server.heard(recorder)
    assert any("pulse" in name for name in said[0]["devices"])
    assert said[-1]["underruns"] == 0
    session = Session(strips={name: Strip(gain_db=gain) for name, gain in gains.items()})
    played = np.concatenate(list(render_offline(session, recording, parts, sample_rate=rate)))
    fade = round(FADE_SECONDS * rate)
    begin = delay_of(heard[:, 0], played[:, 0])
    settled = slice(fade, len(played) - fade)
    limited = np.clip(played, -1.0, 1.0)[settled]  # as only the device's samples are
    error = np.abs(heard[begin : begin + len(played)][settled] - limited)
    assert error.max() < 1e-6
    assert not heard[:begin].any()  # nothing sounded before, nor after
    assert not heard[begin + len(played) :].any()
    assert said[-1]["position"] == len(recording)
    loudest = float(np.abs(played).max())
    assert said[-1]["clip"] == (pytest.approx(loudest) if loudest > 1.0 else 0.0)


def test_changes_while_it_plays_do_not_click(tmp_path: Path) -> None:
    recording, parts = tone_parts(5 * RATE)
    plan = {"kind": "changes", "gains": dict.fromkeys(parts, 0.0), "places": [3 * RATE + 7, 100_003]}
    # A busy machine may run dry once, which clicks too; what the player does wrong, it does every time.
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with running(folder) as server:
            recorder = server.record()
            said = finish(server.play(recording, parts, plan), folder)
            heard = server.heard(recorder)
        if said[-1]["underruns"] == 0 and roughness(heard) < SMOOTH:
            break
    assert said[-1]["underruns"] == 0
    assert np.abs(heard).max() > 0.4
    assert roughness(heard) < SMOOTH


@pytest.mark.parametrize("amplification", ["nal-r", "cad2"])
def test_what_is_amplified_stays_under_the_ceiling(tmp_path: Path, amplification: str) -> None:
    """N4, a loud mix, every gain up: at the device no sample is above −12 dBFS."""
    recording, parts = noise_parts(4 * RATE, 2, 2)
    recording, parts = 3 * recording, {name: 3 * part for name, part in parts.items()}
    plan = {"kind": "amplified", "gains": dict.fromkeys(parts, 10.0)}
    with running(tmp_path) as server:
        recorder = server.record()
        plan |= {"listener": "N4", "amplification": amplification}
        said = finish(server.play(recording, parts, plan), tmp_path)
        heard = server.heard(recorder)
    loudest = 20 * np.log10(np.abs(heard).max())
    sys.stdout.write(  # seen with -s: the figures
        f"{amplification}: loudest sample {loudest:.3f} dBFS, the limiter took "
        f"{said[-1]['reduction']:.1f} dB, {said[-1]['underruns']} underruns\n"
    )
    assert said[-1]["setting"] == amplification
    assert said[-1]["reduction"] > 10.0
    assert said[-1]["position"] == len(recording)
    assert np.abs(heard).max() <= 10 ** (-12 / 20)
    assert loudest > -13.0


def test_a_sound_server_that_goes_away_stops_playback_with_a_sentence(tmp_path: Path) -> None:
    recording, parts = noise_parts(60 * RATE, stems=1)
    with running(tmp_path) as server:
        player = server.play(recording, parts, {"kind": "lost"})
        assert player.stdout is not None
        said: list[dict] = []
        while not said or "kill" not in said[-1]:
            said.append(json.loads(player.stdout.readline()))
        server.close()
        said += finish(player, tmp_path)
    problems = [line["problem"] for line in said if "problem" in line]
    assert "is gone" in problems[0]
    assert said[-1]["done"]
