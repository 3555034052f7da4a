"""A mix in words, for lists and reports: only what differs from the recording as it is."""

from __future__ import annotations

from app.names import Translate, display_name, shown_gain, shown_pan
from app.session import Session, Strip


def mix_words(session: Session, tr: Translate = str) -> str:
    """The strips that were changed, and the master: “Violin +3.0 dB, Cello muted”; “As recorded” for none.

    ``tr`` translates an English source text; see :mod:`app.names`.
    """
    words = [
        f"{display_name(name, tr)} {_strip_words(strip, tr)}"
        for name, strip in session.strips.items()
        if strip != Strip()
    ]
    if session.master_db:
        words.append(f"{tr('Master')} {shown_gain(session.master_db)}")
    return ", ".join(words) or tr("As recorded")


def _strip_words(strip: Strip, tr: Translate) -> str:
    words = []
    if strip.solo:
        words.append(tr("alone"))
    if strip.mute:
        words.append(tr("muted"))
    elif strip.gain_db or not (strip.solo or strip.pan):
        words.append(shown_gain(strip.gain_db))
    if strip.pan:
        words.append(shown_pan(strip.pan, tr))
    return " ".join(words)
