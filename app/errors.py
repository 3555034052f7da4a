"""The exceptions whose message is meant for the user, and how any exception becomes a sentence."""

from __future__ import annotations

import errno


class UserError(Exception):
    """Something the user can mend. The message is one sentence that names the file and what to do."""


class UsageError(UserError):
    """The words of a command line mean nothing; the command line then ends with exit code 2."""


class Cancelled(Exception):  # noqa: N818 - it is an answer to a request, not an error
    """The user asked for a job to stop; raised by the ``check`` that the job gives its work."""


def sentence(exc: BaseException) -> str | None:
    """The sentence to show for an exception, or None where it is a fault of the program.

    Knows :class:`UserError`, the separators' own :class:`~separation.separator.SeparatorError` (which
    cannot derive from it, because ``separation`` never imports ``app``), a full disk and memory that ran out.
    """
    # Imported here, so that a module which only raises UserError does not wait for torch to load.
    from separation.separator import SeparatorError

    if isinstance(exc, UserError | SeparatorError):
        return str(exc)
    if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" while writing “{exc.filename}”" if exc.filename else ""
        return f"The disk is full{where}. Free some space and try again."
    if isinstance(exc, MemoryError):
        return "The computer has run out of memory. Close other programs and try again."
    return None


def is_cancellation(exc: BaseException) -> bool:
    """True for :class:`Cancelled` and for the separators' own exception of the same meaning."""
    from separation.separator import Cancelled as SeparatorCancelled  # late, for the reason above

    return isinstance(exc, Cancelled | SeparatorCancelled)
