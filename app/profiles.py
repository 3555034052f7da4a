"""Private listener profiles: name, audiograms, votes and notes of one person, kept on this computer only.

One JSON file a profile in the user's data folder, called by the profile's random id, which says nothing
about the person: ids may stand in sessions and logs, names and levels never. Files have mode 0600 and the
folder 0700, so that other users of the computer cannot read them.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.atomic_file import write_atomically
from app.errors import UserError
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.listener_data import ear_from_data, ear_to_data
from app.paths import data_folder

log = logging.getLogger(__name__)

FORMAT = "ripieno-listener"
VERSION = 1
SUFFIX = ".json"
LARGEST_BYTES = 20_000_000
_ID = re.compile(r"[0-9a-f]{16}")


class ProfileError(UserError):
    """A profile that cannot be read or written; the message names no person."""


def new_id() -> str:
    """A random id for a profile: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether a text has the form of a profile's id."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Profile:
    """One person: ``id`` from :func:`new_id`, ears, ``trials`` (plain JSON objects) and a comment.

    Everything but the id stays out of ``repr``, and so out of logs and crash reports.
    """

    id: str
    name: str = field(repr=False)
    left: Audiogram = field(repr=False)
    right: Audiogram = field(repr=False)
    trials: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    comment: str = field(default="", repr=False)

    @property
    def listener(self) -> Listener:
        """The two ears with name and id."""
        return Listener(self.left, self.right, self.name, self.id)


def profile_of(listener: Listener, name: str = "") -> Profile:
    """A new profile with a new id of these ears."""
    return Profile(new_id(), name or listener.name, listener.left, listener.right)


class ProfileStore:
    """The profiles in a folder, the user's own one unless told."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder() / "listeners"

    def all(self) -> list[Profile]:
        """Every profile that can be read, by name; one that cannot is left alone and logged by its id."""
        found = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if not is_id(path.stem):
                continue
            try:
                found.append(self.load(path.stem))
            except ProfileError:
                log.warning("the listener profile %s cannot be read", path.stem)
        return sorted(found, key=lambda profile: (profile.name.casefold(), profile.id))

    def load(self, profile_id: str) -> Profile:
        """The profile of this id. Raises :class:`ProfileError` where there is none or it is damaged."""
        path = self._path(profile_id)
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise ValueError("too large")
            data = json.loads(path.read_bytes())
            return _from_data(data, profile_id)
        except FileNotFoundError as exc:
            raise ProfileError(f"There is no listener profile {profile_id} on this computer.") from exc
        except OSError as exc:
            raise ProfileError(f"The listener profile {profile_id} cannot be read ({exc.strerror}).") from exc
        except (ValueError, TypeError, RecursionError):
            # Without the reason behind it: that one may say a level, and this may be logged.
            raise ProfileError(f"The listener profile {profile_id} is damaged.") from None

    def save(self, profile: Profile) -> None:
        """Keep a profile, whole or not at all. Raises :class:`ProfileError`."""
        path = self._path(profile.id)
        text = json.dumps(_to_data(profile), indent=1, allow_nan=False)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            write_atomically(path, text.encode(), private=True)
        except OSError as exc:
            raise ProfileError(
                f"The listener profile could not be saved in “{self.folder}” ({exc.strerror}). "
                "Check that you may write there and that the disk is not full."
            ) from exc

    def delete(self, profile_id: str) -> None:
        """Remove a profile for good; does nothing where there is none. Raises :class:`ProfileError`."""
        try:
            self._path(profile_id).unlink(missing_ok=True)
        except OSError as exc:
            raise ProfileError(f"The listener profile could not be deleted ({exc.strerror}).") from exc

    def _path(self, profile_id: str) -> Path:
        if not is_id(profile_id):  # never a path that a session file made up
            raise ProfileError("This is not the id of a listener profile.")
        return self.folder / f"{profile_id}{SUFFIX}"


def _to_data(profile: Profile) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": profile.id,
        "name": profile.name,
        "left": ear_to_data(profile.left),
        "right": ear_to_data(profile.right),
        "trials": [dict(trial) for trial in profile.trials],
        "comment": profile.comment,
    }


def _from_data(data: object, profile_id: str) -> Profile:
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise ValueError("another format")
    name, trials, comment = data.get("name"), data.get("trials", []), data.get("comment", "")
    if not isinstance(name, str) or not isinstance(comment, str):
        raise ValueError("name or comment")
    if not isinstance(trials, list) or not all(isinstance(trial, dict) for trial in trials):
        raise ValueError("trials")
    return Profile(
        profile_id,
        name,
        ear_from_data(data.get("left")),
        ear_from_data(data.get("right")),
        tuple(trials),
        comment,
    )
