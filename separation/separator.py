"""What a separator is: the parts it is asked for, its card, and the protocol that the engine runs.

A *part* is one line of music played by one instrument: an instrument that plays alone is one part
("clarinet"), an instrument with two voices is two parts ("violin-1", "violin-2"). Everything else in
the recording is the *residual*, which the engine computes, so that stems and residual add up to the
recording whatever the separator returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    # Only for the signatures: whoever reads a card or names a part should not wait for torch to load.
    import torch

INSTRUMENTS: tuple[str, ...] = (
    "bassoon",
    "cello",
    "clarinet",
    "flute",
    "oboe",
    "saxophone",
    "viola",
    "violin",
)
"""The eight instruments that most cards name, in alphabetical order. A card may name others."""

RESIDUAL = "residual"
"""The name of the stem that holds whatever no part took."""


class SeparatorError(Exception):
    """Something about a separator or its input that the user can mend; the message is one sentence."""


class Cancelled(Exception):  # noqa: N818 - it is an answer, not an error
    """Raised by a ``check`` when the user no longer wants the result."""


Check = Callable[[], None]
"""Called now and then by long work; raises (:class:`Cancelled`) when the work should stop."""


@dataclass(frozen=True, order=True)
class Part:
    """One line of music: an instrument and, where it has two parts, which one.

    ``number`` is 0 for an instrument that plays alone, otherwise 1, 2, …
    """

    instrument: str
    number: int = 0

    @property
    def name(self) -> str:
        """The name in files and on the command line: ``clarinet``, ``violin-1``."""
        return f"{self.instrument}-{self.number}" if self.number else self.instrument

    @classmethod
    def from_name(cls, name: str) -> Part:
        """The part that :attr:`name` came from."""
        match = re.fullmatch(r"(.+?)-([1-9])", name)
        return cls(match[1], int(match[2])) if match else cls(name)


@dataclass(frozen=True)
class Figure:
    """One measured figure on a card, with the command that reproduces it."""

    what: str
    value: str
    command: str


@dataclass(frozen=True)
class SeparatorCard:
    """What a separator says of itself: read from ``card.toml`` by :mod:`separation.catalogue`.

    ``chunk_seconds`` is the length that one ``separate_block`` call is given between its edges, and
    ``context_seconds`` the least neighbouring audio that it is given on each side of that. Of each chunk
    the engine keeps all but its context, and cross-fades a short stretch with the next chunk.
    """

    name: str
    title: str
    kind: str
    sentence: str
    paper: str
    licence: str
    training_data: str
    instruments: tuple[str, ...]
    max_parts: int
    sample_rate: int
    chunk_seconds: float
    context_seconds: float
    factory: str
    speed: str = ""
    quality: str = ""
    known_failures: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()


@runtime_checkable
class Separator(Protocol):
    """A way of taking a mixture apart.

    A separator is stateless between calls, so one object may serve several recordings: what it
    learns about a recording travels in the ``state`` that :meth:`prepare` returns.
    """

    card: SeparatorCard

    def to(self, device: torch.device) -> Separator:
        """The same separator with its arrays on ``device``."""
        ...

    def prepare(
        self, overview: torch.Tensor, parts: Sequence[Part], *, seed: int = 0, check: Check | None = None
    ) -> Any:
        """What the separator wants to know of the whole recording before its first block, or None.

        ``overview`` is ``(channels, samples)`` at ``card.sample_rate``, on the separator's device: the
        whole recording where it is short, otherwise excerpts spread evenly over it (at most a minute in
        all, each faded in and out). ``check`` is called often enough that a user who cancels waits at
        most half a second; what it raises is passed on.
        """
        ...

    def separate_block(
        self,
        mixture: torch.Tensor,
        parts: Sequence[Part],
        *,
        state: Any = None,
        seed: int = 0,
        check: Check | None = None,
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of a mixture ``(channels, samples)``.

        Both are float32 at ``card.sample_rate``, full scale ±1, on the separator's device; any number of
        channels. The stems need not add up to the mixture: what is missing becomes the residual. The
        same input and seed give the same output. ``state`` is what :meth:`prepare` returned on the same
        device; ``check`` as in :meth:`prepare`.
        """
        ...


def parse_parts(text: str, card: SeparatorCard) -> tuple[Part, ...]:
    """The parts that a list such as ``violin:2,clarinet`` asks for, in its order.

    Raises :class:`SeparatorError` with a sentence for an instrument the card does not know, one that
    is named twice, more parts of an instrument than the separator can do, or an empty list.
    """
    known = ", ".join(card.instruments)
    parts: list[Part] = []
    seen: set[str] = set()
    for word in filter(None, (w.strip().lower() for w in text.split(","))):
        match = re.fullmatch(r"([^:]+)(?::(\d+))?", word)
        instrument = match[1].strip() if match else word
        count = int(match[2]) if match and match[2] else 1
        if instrument not in card.instruments:
            raise SeparatorError(
                f"“{instrument}” is not an instrument that {card.title} knows. It knows {known}."
            )
        if instrument in seen:
            raise SeparatorError(f"“{instrument}” is named twice; for two parts write {instrument}:2.")
        if not 1 <= count <= card.max_parts:
            most = "one part" if card.max_parts == 1 else f"up to {card.max_parts} parts"
            raise SeparatorError(
                f"{card.title} can do {most} of one instrument, not {count} of {instrument}."
            )
        seen.add(instrument)
        parts += [Part(instrument)] if count == 1 else [Part(instrument, i + 1) for i in range(count)]
    if not parts:
        raise SeparatorError(f"No instruments were named. Name some of {known}.")
    return tuple(parts)
