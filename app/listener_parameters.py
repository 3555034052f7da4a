"""Gives the chosen listener the ratios and gains of a CAD2 ``compressor_params`` file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.errors import UserError
from app.hearing.audiogram import Listener
from app.hearing.compressor import read_parameters
from app.listeners import Listeners
from app.profiles import profile_of


def give_parameters(listeners: Listeners, path: Path) -> str:
    """Keep the file's figures as the chosen listener's own; a notice where they are of another name.

    The file's only listener, or the one of the same name, is meant. A preset becomes a profile, because
    these are a person's. Raises UserError where the file cannot be used or has no such listener.
    """
    fits, listener = read_parameters(path), listeners.listener
    name = next(iter(fits)) if len(fits) == 1 else listener.name
    if name not in fits:
        names = ", ".join(list(fits)[:6]) + (" …" if len(fits) > 6 else "")
        raise UserError(
            _tr("“{0}” has no parameters for a listener of this name. It has: {1}.").format(path.name, names)
        )
    left, right = (
        replace(ear, compressor=(side.ratios, side.gains_db))
        for ear, side in zip((listener.left, listener.right), fits[name], strict=True)
    )
    profile = listeners.profile
    if profile is None:
        listeners.add(profile_of(Listener(left, right, listener.name)))
    else:
        listeners.replace(replace(profile, left=left, right=right))
    if name == listener.name:
        return ""
    return _tr(
        "These are the parameters of “{0}”, the only ones in “{1}”. They are the chosen listener’s now; load "
        "others if that is another person."
    ).format(name, path.name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Amplification", text)
