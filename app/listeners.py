"""Who listens: the chosen preset, typical audiogram or private profile, and the list to choose from."""

from __future__ import annotations

import logging

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.errors import UserError
from app.hearing.audiogram import NORMAL, PRESET_WORDS, PRESETS, Listener
from app.hearing.typical import SEXES, Sex, typical
from app.profiles import Profile, ProfileError, ProfileStore, is_id
from app.settings import Settings

log = logging.getLogger(__name__)

NORMAL_KEY = NORMAL.name
TYPICAL_AGES = (50, 60, 70, 80)
"""The ages that the list offers; the editor takes any from 18 to 80."""


class Listeners(QObject):
    """The chosen listener and everyone who can be chosen.

    A listener is named by a key: a preset's name (``N3``), a typical audiogram's (``female-70``) or a
    profile's random id. ``changed`` says that another was chosen or that their audiograms are others now,
    ``list_changed`` that :meth:`choices` are, and ``forgotten`` that what is on the screen of the earlier
    listener must go (history, votes). The key is a preference; a name or an audiogram never is.
    """

    changed = Signal()
    list_changed = Signal()
    forgotten = Signal()

    def __init__(
        self, settings: Settings, store: ProfileStore | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.store = store or ProfileStore()
        self._profiles = {profile.id: profile for profile in self.store.all()}
        self._key, self._listener = NORMAL_KEY, Listener(NORMAL, NORMAL, NORMAL.name)
        self._take(settings.audiogram_name)

    @property
    def listener(self) -> Listener:
        """Both ears of the chosen listener; normal hearing where none was chosen."""
        return self._listener

    @property
    def key(self) -> str:
        """The key of the chosen listener."""
        return self._key

    @property
    def profile(self) -> Profile | None:
        """The chosen private profile; None for a preset or a typical audiogram."""
        return self._profiles.get(self._key)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All private profiles, by name."""
        return tuple(self._profiles.values())

    def choices(self) -> list[tuple[str, str]]:
        """Keys and texts of all there are: the private profiles, the presets, the typical audiograms."""
        own = [(p.id, p.name or translate("Listener without a name")) for p in self._profiles.values()]
        presets = [(name, preset_text(name)) for name in PRESETS]
        usual = [(f"{sex}-{age}", typical_text(age, sex)) for sex in SEXES for age in TYPICAL_AGES]
        return own + presets + usual

    def choose(self, key: str) -> None:
        """Choose a listener. Raises :class:`~app.errors.UserError` for a key that nobody has."""
        if key == self._key:
            return
        if not self._take(key):
            raise UserError(
                translate(
                    "This session names a listener whose profile is not on this computer. Choose a listener "
                    "in the hearing panel."
                )
                if is_id(key)
                else translate("There is no such listener.")
            )
        self._settings.audiogram_name = key
        self.changed.emit()

    def add(self, profile: Profile) -> None:
        """Keep a new profile and choose it. Raises :class:`~app.profiles.ProfileError`."""
        self.store.save(profile)
        self._keep(profile)
        self.choose(profile.id)

    def replace(self, profile: Profile) -> None:
        """Keep a profile that was edited or has more votes. Raises :class:`~app.profiles.ProfileError`."""
        before = self._profiles.get(profile.id)
        if profile == before:
            return
        self.store.save(profile)
        same = before is not None and before.listener == profile.listener
        self._keep(profile, tell=before is None or before.name != profile.name)
        if profile.id == self._key:
            self._listener = profile.listener
            if not same:
                self.changed.emit()

    def remove(self, profile_id: str) -> None:
        """Delete a profile with its votes for good; who was chosen gives way to normal hearing."""
        self.store.delete(profile_id)
        if self._profiles.pop(profile_id, None) is not None:
            self.list_changed.emit()
        if profile_id == self._key:
            self.forget()

    def forget(self) -> None:
        """Back to normal hearing; everything on the screen that came from the earlier listener goes."""
        self.forgotten.emit()
        if self._key != NORMAL_KEY:
            self.choose(NORMAL_KEY)

    # -- inside ----------------------------------------------------------------------------------------

    def _take(self, key: str) -> bool:
        listener = self._find(key)
        if listener is None:
            return False
        self._key, self._listener = key, listener
        return True

    def _find(self, key: str) -> Listener | None:
        if key in PRESETS:
            return Listener(PRESETS[key], PRESETS[key], key)
        if key in self._profiles:
            return self._profiles[key].listener
        if is_id(key):
            try:  # made by another window of the program since
                self._keep(self.store.load(key))
            except ProfileError:
                return None
            return self._profiles[key].listener
        for sex in SEXES:
            age = key.removeprefix(f"{sex}-")
            if age != key and age.isdecimal() and int(age) in TYPICAL_AGES:
                ear = typical(int(age), sex)
                return Listener(ear, ear, ear.name)
        return None

    def _keep(self, profile: Profile, *, tell: bool = True) -> None:
        everyone = [p for p in self._profiles.values() if p.id != profile.id] + [profile]
        everyone.sort(key=lambda p: (p.name.casefold(), p.id))
        self._profiles = {p.id: p for p in everyone}
        if tell:
            self.list_changed.emit()


def preset_text(name: str) -> str:
    """A preset's name with what it is in words: “N3: Moderate loss”."""
    words = preset_words(name)
    return words if name == NORMAL_KEY else f"{name}: {words}" if words else name


def preset_words(name: str) -> str:
    """What a preset is, in words that begin a line: “Moderate loss”."""
    words = translate(PRESET_WORDS.get(name, ""))
    return words[:1].upper() + words[1:]


def typical_text(age: int, sex: Sex) -> str:
    """What a typical audiogram is called in the list: “Typical woman of 70”."""
    return translate("Typical woman of {0}" if sex == "female" else "Typical man of {0}").format(age)


def translate(text: str) -> str:
    """An English source text of this module in the user's language."""
    return QCoreApplication.translate("Listeners", text)
