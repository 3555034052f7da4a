"""Runs every benchmark in its short form, one after another: `make bench`.

Each is a script of its own (``python -m tests.benchmarks.NAME --help``); those that need data beside the
project say so and are passed over where it is missing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REAL = HERE.parents[2] / "shared" / "data" / "real"
DEMO = HERE.parents[1] / "resources" / "demo"

BENCHMARKS: tuple[tuple[str, ...], ...] = (
    ("separation_quality", str(DEMO)),
    ("separation_quality", str(REAL)),
    ("separation_speed",),
    ("synthesis_speed",),
    ("haaqi_speed",),
    ("live_score", "--releases", "8"),
    ("estimate_quality",),
    ("loss_simulation",),
    ("live_latency",),
    ("callback_time",),
    ("event_latency",),
    ("launch_time",),
)


def main() -> int:
    """Run them all; the exit code counts those that failed."""
    failed = 0
    for name, *arguments in BENCHMARKS:
        missing = [a for a in arguments if a.startswith("/") and not Path(a).exists()]
        print(f"\n== {name} {' '.join(Path(a).name for a in arguments)}", flush=True)
        if missing:
            print(f"passed over: {', '.join(Path(m).name for m in missing)} is not here")
            continue
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
        failed += subprocess.run(command, cwd=HERE.parents[1], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
