"""Live input for real: a click goes through all of it and a sound server's loop, and its way is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_real_audio import PATIENCE_SECONDS, running

pytestmark = [pytest.mark.real_audio]
CLICKS = 3


def loop_back(folder: Path, clicks: int) -> dict:
    """What the child measured, with a private sound server in ``folder``."""
    child = Path(__file__).with_name("live_audio_child.py")
    with running(folder) as server:
        environment = {**server.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        environment["PULSE_SOURCE"] = "ripieno.monitor"  # what is played is what the microphone hears
        try:
            done = subprocess.run(
                [sys.executable, str(child), str(clicks)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=2 * PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("the machine is too busy for live sound: it was not even ready in time")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_how_late_live_sound_is(tmp_path: Path) -> None:
    said = loop_back(tmp_path, CLICKS)
    # 10 ms of buffering need a processor that is there in time. Where it is not, blocks are lost, the sound
    # server may play an old one again or end the stream, and nothing measured here says anything.
    if said["lost"] or not said["back"] or not said["active"]:
        lost, back = said["lost"], len(said["back"])
        pytest.skip(f"the machine is too busy for live sound: {lost} blocks lost, {back} clicks came back")
    assert said["inputs"]
    assert said["fault"] == "None"
    assert not said["howled"]
    assert said["others_running"] == 0
    # The processing is part of the way.
    assert max(said["back"]) >= said["processing"]
