"""What the words of ``ripieno remix`` mean: gains, mutes and pans as a session, and an export request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from app.errors import UsageError
from app.export_request import Clipping, ExportRequest, Limit, Material, format_of
from app.names import read_gain
from app.session import HIGHEST_GAIN_DB, Session
from app.sound_writer import FORMATS
from separation.separator import Part


def mix_of(
    parts: tuple[Part, ...],
    *,
    gain: Sequence[str] = (),
    mute: Sequence[str] = (),
    solo: Sequence[str] = (),
    pan: Sequence[str] = (),
    master: str = "0",
) -> Session:
    """The session that ``stem=value`` words make of these parts; raises :class:`UsageError`."""
    session = Session().with_stems(parts, "")
    names = session.stem_names
    for word in gain:
        stem, text = _pair(word, names, "--gain", "violin=+6")
        session = session.with_gain(stem, _gain(text, word))
    for word in pan:
        stem, text = _pair(word, names, "--pan", "violin=-0.5")
        session = session.with_pan(stem, _place(text, word))
    for word in _split(mute):
        session = session.with_mute(_known(word, names), True)
    for word in _split(solo):
        session = session.with_solo(_known(word, names), True)
    return session.with_master(_gain(master, f"--master {master}"))


def request_of(
    out: Path,
    recording: Material,
    *,
    format: str | None = None,
    sample_rate: int | None = None,
    channels: int | None = None,
    clipping: str = "lower",
) -> ExportRequest:
    """The request for one file with the mix; raises :class:`UsageError`."""
    if format is None:
        kind = format_of(out, recording)
        if kind is None:
            endings = ", ".join(dict.fromkeys(f.suffix for f in FORMATS.values()))
            raise UsageError(f"“{out.name}” has no ending that names a format: use one of {endings}.")
        format = kind.key
    elif format not in FORMATS:
        raise UsageError(f"“{format}” is not a format: use one of {', '.join(FORMATS)}.")
    if sample_rate is not None and not 4000 <= sample_rate <= 384_000:
        raise UsageError(f"A sample rate of {sample_rate} Hz is out of range: use 4000 to 384000.")
    if channels not in (None, 1, 2):
        raise UsageError(f"The mix can be brought to 1 or 2 channels, not to {channels}.")
    request = ExportRequest(mix=out, format=format, sample_rate=sample_rate, channels=channels)
    for choice in get_args(Clipping):
        if clipping == choice:
            return replace(request, clipping=choice)
    raise UsageError(f"“{clipping}” is no way to treat clipping: use keep, lower or normalise.")


def offer_words(limit: Limit) -> str:
    """A limit's sentence, with the options that accept its offer."""
    offer = limit.offer
    if offer is None:
        return limit.sentence
    words = [f"--sample-rate {offer.sample_rate}"] if offer.sample_rate else []
    words += [f"--channels {offer.channels}"] if offer.channels else []
    return f"{limit.sentence.rstrip('.')} (add {' '.join(words)})."


def _pair(word: str, names: Sequence[str], option: str, example: str) -> tuple[str, str]:
    stem, found, text = word.partition("=")
    if not found:
        raise UsageError(f"“{option} {word}” is not understood: write it as {option} {example}.")
    return _known(stem, names), text


def _known(stem: str, names: Sequence[str]) -> str:
    name = stem.strip().lower()
    if name not in names:
        raise UsageError(f"There is no stem “{stem.strip()}” in this folder; there is: {', '.join(names)}.")
    return name


def _gain(text: str, word: str) -> float:
    gain = read_gain(text)
    try:
        too_high = float(text.lower().removesuffix("db").replace(",", ".")) > HIGHEST_GAIN_DB
    except ValueError:  # words such as “silent”, which are never too high
        too_high = False
    if gain is None or too_high:
        raise UsageError(
            f"“{word}” has no gain in it: use −60 to +{HIGHEST_GAIN_DB:g} dB, or -inf for silence."
        )
    return gain


def _place(text: str, word: str) -> float:
    try:
        place = float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        place = 2.0
    if not -1.0 <= place <= 1.0:
        raise UsageError(f"“{word}” has no place in it: use −1 (left) to 1 (right).")
    return place


def _split(words: Sequence[str]) -> list[str]:
    return [part for word in words for part in word.split(",") if part.strip()]
