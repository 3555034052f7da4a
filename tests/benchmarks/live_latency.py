"""How late live sound is: clicks through all of it and a sound server's loop, beside what the drivers tell.

    python -m tests.benchmarks.live_latency [--clicks 10]

The output of a private PulseAudio server's null sink is the microphone, so what is measured is the way from
the microphone to the ear: the buffers of PortAudio and the server, and the processing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_live_audio import loop_back
from test_real_audio import missing


def main() -> int:
    """Print the figures, or why there are none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=10)
    arguments = parser.parse_args()
    if reason := missing():
        print(f"passed over: {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        said = loop_back(Path(folder), arguments.clicks)
    if not said["back"]:
        print(f"no click came back: the machine is too busy for live sound ({said['lost']} blocks were lost)")
        return 0
    late = np.array(said["back"]) / said["rate"] * 1000
    processing = said["processing"] / said["rate"] * 1000
    shown = said["told"] * 1000 + processing
    print(
        f"{len(late)} clicks came back after {np.median(late):.0f} ms (median; {late.min():.0f} to "
        f"{late.max():.0f} ms), of which {processing:.1f} ms are processing; the window would show "
        f"{shown:.0f} ms; sound was lost {said['lost']} times"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
