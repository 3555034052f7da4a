from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.claims import claim, is_claimed


def test_a_claim_excludes_others_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not is_claimed(path)
    assert not path.exists()
    mine = claim(path)
    assert mine is not None
    assert is_claimed(path)
    assert claim(path) is None
    mine.release()
    mine.release()
    assert not is_claimed(path)
    assert not path.exists()
    again = claim(path)
    assert again is not None
    again.release()


def test_a_bad_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "no" / "a.lock")


HOLDS = """
import sys
from pathlib import Path
from app.claims import claim
held = claim(Path(sys.argv[1]))
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_claim_ends_with_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        assert is_claimed(path)
        assert claim(path) is None
        os.kill(other.pid, signal.SIGKILL)
        other.wait(30)
    assert path.exists()
    assert not is_claimed(path)
    mine = claim(path)
    assert mine is not None
    mine.release()
