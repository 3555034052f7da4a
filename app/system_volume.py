"""The system's own volume and output, where they can be read: what was measured or told holds for these."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence

PATIENCE_SECONDS = 2.0

Run = Callable[[Sequence[str]], str]


def system_volume(run: Run | None = None, platform: str = sys.platform) -> str:
    """The volume of the system's present output, in words such as “alsa_output.usb 45%”; empty if unreadable.

    Asks PulseAudio or PipeWire (``pactl``) on Linux, ``osascript`` on macOS; other systems are not asked.
    Takes up to some seconds, so not on the main thread. ``run`` runs a command and returns what it printed,
    or raises OSError or a subprocess error.
    """
    run = run or _run
    try:
        if platform == "darwin":
            settings = run(["osascript", "-e", "get volume settings"])
            found = re.search(r"output volume:(\d+).*output muted:(\w+)", settings)
            return f"{found[1]}%{' muted' if found[2] == 'true' else ''}" if found else ""
        if platform.startswith("linux"):
            sink = run(["pactl", "get-default-sink"]).strip()
            volumes = re.findall(r"(\d+)%", run(["pactl", "get-sink-volume", "@DEFAULT_SINK@"]))
            muted = "yes" in run(["pactl", "get-sink-mute", "@DEFAULT_SINK@"])
            levels = "/".join(f"{volume}%" for volume in volumes)
            return f"{sink} {levels}{' muted' if muted else ''}" if sink and volumes else ""
    except (OSError, subprocess.SubprocessError):
        return ""
    return ""


def system_sink(run: Run | None = None, platform: str = sys.platform) -> str:
    """Where the sound server plays by default: its sink, and that sink's port (headphones, speaker).

    Asks PulseAudio or PipeWire (``pactl``) on Linux. Empty where nothing answers, and on other systems, which
    are not asked. Takes up to some seconds; ``run`` as for :func:`system_volume`.
    """
    run = run or _run
    if not platform.startswith("linux"):
        return ""
    try:
        sink = run(["pactl", "get-default-sink"]).strip()
        listed = run(["pactl", "list", "sinks"])
    except (OSError, subprocess.SubprocessError):
        return ""
    of_sink = re.search(
        rf"^\s*Name: {re.escape(sink)}$(.*?)(?=^\s*Name: |\Z)", listed, re.DOTALL | re.MULTILINE
    )
    port = re.search(r"^\s*Active Port: (\S+)$", of_sink[1], re.MULTILINE) if of_sink else None
    return f"{sink} {port[1]}" if sink and port else sink


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},  # in other languages it prints other words
    )
    return done.stdout
