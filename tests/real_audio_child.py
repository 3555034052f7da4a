"""Plays through PortAudio in a process of its own, whose environment names a private sound server.

``python real_audio_child.py FOLDER`` reads ``recording.npy``, stems ``stem-*.npy`` and ``plan.json`` in
FOLDER, plays, and writes one line of JSON for each thing that happened. Used by ``test_real_audio.py``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from app.player import Player, PlayerError, live_mixer
from app.session import Session, Strip

PATIENCE_SECONDS = 20.0


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def until(condition: Callable[[], bool]) -> None:
    """Wait for the audio thread, within bounds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


def reached(player: Player, frame: int) -> bool:
    return player.position >= frame


def main(folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    recording = np.load(folder / "recording.npy", mmap_mode="r")
    stems = {file.stem[5:]: np.load(file, mmap_mode="r") for file in sorted(folder.glob("stem-*.npy"))}
    player = Player()
    player.load(live_mixer(recording, stems, sample_rate=plan["rate"]))
    strips = {name: Strip(gain_db=gain) for name, gain in plan["gains"].items()}
    player.set_session(Session(strips=strips))
    if plan["kind"] == "amplified":
        from app.hearing.audiogram import Listener, preset
        from app.hearing.listener_chain import ChainRequest, tap_setting

        until(lambda: player.poll_devices() or bool(player.output_name))
        ears = Listener(preset(plan["listener"]), preset(plan["listener"]))
        # the loudness is what a quiet recording's would be: everything is amplified by far too much
        request = ChainRequest(plan["amplification"], "headphones", ears, plan["rate"], 2, -40.0)
        player.set_tap(tap_setting(request))
    try:
        player.play()
    except PlayerError as exc:
        say(problem=str(exc))
        return
    say(playing=True, devices=player.devices(), direct=player._output._resampler is None)
    if plan["kind"] in ("steady", "amplified"):
        until(lambda: player.position == len(recording))  # heard to the end, not only rendered
    elif plan["kind"] == "changes":
        step = plan["rate"] // 3
        for turn, place in enumerate(plan["places"]):
            until(partial(reached, player, step))
            player.set_session(Session(strips={name: Strip(mute=turn % 2 == 0) for name in list(strips)[:1]}))
            until(partial(reached, player, 2 * step))
            player.listen_to("recording" if turn % 2 == 0 else "remix")
            player.seek(place)
            until(partial(reached, player, place + step))
            player.seek(0)
        player.pause()
    elif plan["kind"] == "lost":
        until(lambda: player.position > plan["rate"] // 4)
        say(kill=True)
        until(lambda: player.poll_devices() or player.problem is not None)
        say(problem=str(player.problem), playing=player.playing)
        try:
            player.play()
        except PlayerError as exc:
            say(problem=str(exc))
    end, clip = player.position, player.take_clip()
    reduction = 0.0 if player.tap is None else player.tap.take_reduction()
    setting = "" if player.tap is None else player.tap.setting.kind
    player.close()
    say(
        done=True,
        position=end,
        underruns=player.underruns,
        clip=clip,
        reduction=reduction,
        setting=setting,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
