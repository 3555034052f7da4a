from __future__ import annotations

import errno

from app.errors import Cancelled, UserError, is_cancellation, sentence
from separation.separator import Cancelled as SeparatorCancelled
from separation.separator import SeparatorError


class OwnError(UserError):
    pass


def test_errors_for_users_are_their_own_sentence() -> None:
    assert sentence(OwnError("“a.wav” is empty. Choose another.")) == "“a.wav” is empty. Choose another."
    assert sentence(SeparatorError("No instruments were named.")) == "No instruments were named."


def test_a_full_disk_and_full_memory_have_a_sentence() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/music/x.wav")
    assert sentence(full) == "The disk is full while writing “/music/x.wav”. Free some space and try again."
    assert "memory" in (sentence(MemoryError()) or "")


def test_faults_of_the_program_have_none() -> None:
    assert sentence(KeyError("violin")) is None
    assert sentence(PermissionError(errno.EACCES, "denied")) is None


def test_both_kinds_of_cancellation_are_known() -> None:
    assert is_cancellation(Cancelled())
    assert is_cancellation(SeparatorCancelled())
    assert not is_cancellation(UserError("no"))
