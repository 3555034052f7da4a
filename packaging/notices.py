"""Prints the licences of every package that Ripieno ships with: `make notices`.

The packages are those that the installed ``ripieno`` needs to run, followed through their own needs;
pip-licenses reads the licence texts out of them.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

from packaging.requirements import Requirement

HEADING = """\
Ripieno is MIT licensed (see LICENSE). It is shipped together with the packages below, each under its own
licence. Two of them are under the LGPL: PySide6 with Qt (LGPL-3.0), which is installed as replaceable
shared libraries, and the soxr resampler (LGPL-2.1-or-later), likewise. This file is written by
`make notices`; the sound and data in resources/ are listed in resources/LICENSES.md.
"""


def runtime_packages(name: str) -> set[str]:
    """Every installed distribution that ``name`` needs to run, itself left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for line in metadata.requires(waiting.pop()) or []:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            needed = requirement.name.lower().replace("_", "-")
            if needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found


def main() -> int:
    """Write the heading and every licence to standard output."""
    packages = sorted(runtime_packages("ripieno"))
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--from=mixed",
        "--format=plain-vertical",
        "--no-license-path",
    ]
    command += ["--with-urls", "--with-license-file", "--with-notice-file", "--packages", *packages]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(HEADING)
    print(listing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
