"""Starts a frozen Ripieno, has its window separate two seconds, and checks that it ends well.

python packaging/smoke_test.py dist/ripieno/ripieno
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf

SAMPLE_RATE = 44100


def two_seconds(path: Path) -> None:
    """A violin-like and a bassoon-like tone together, as a file."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * f * k * time) / k**1.5 for f in (659.3, 130.8) for k in range(1, 9)]
    sf.write(path, 0.1 * np.sum(tones, axis=0), SAMPLE_RATE, subtype="PCM_16")


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command with a limit of three minutes; stop with its output if it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    print("$", " ".join(command), "→", done.returncode)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def main() -> None:
    """Command line, then window, each on two seconds."""
    program = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "RIPIENO_HOME": scratch, "QT_QPA_PLATFORM": "offscreen"}
        recording = Path(scratch) / "two seconds.wav"
        two_seconds(recording)
        run([program, "--help"], environment)
        run([program, "separators"], environment)
        out = Path(scratch) / "out"
        words = ["separate", str(recording), "--instruments", "violin,bassoon", "--out", str(out)]
        run([program, *words], environment)
        stems = sorted(p.name for p in out.glob("*.wav"))
        if stems != ["bassoon.wav", "residual.wav", "violin.wav"]:
            sys.exit(f"the command line wrote {stems}")
        run([program, "open", str(recording), "--smoke-test", "violin,bassoon"], environment)
    print("the frozen program works")


if __name__ == "__main__":
    main()
