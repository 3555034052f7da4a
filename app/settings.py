"""The user's preferences: one typed class over an INI file in the settings folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar, overload

from PySide6.QtCore import QObject, QSettings, Signal

from app.paths import config_folder

T = TypeVar("T")

WAYS = ("aids", "headphones", "loudspeakers")
THEMES = ("system", "light", "dark", "high contrast")
LISTEN_TO = ("remix", "recording")
RECENT_FILES = 10
SMALLEST_TEXT, LARGEST_TEXT = 0.8, 2.5
FILE_NAME = "ripieno.ini"


class _Setting(Generic[T]):
    """One preference, kept as JSON under its attribute's name.

    ``sound`` turns what was read into a value of the right type and range, or raises ValueError or
    TypeError; a file that was edited by hand or by a later program then means the default.
    """

    def __init__(self, default: T, sound: Callable[[object], T]) -> None:
        self.default = default
        self._sound = sound

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, settings: None, owner: type) -> _Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> _Setting[T] | T:
        if settings is None:
            return self
        stored = settings.stored(self._name)
        if stored is None:
            return self.default
        try:
            return self._sound(json.loads(stored))
        except (ValueError, TypeError, RecursionError):
            return self.default

    def __set__(self, settings: Settings, value: T) -> None:
        value = self._sound(list(value) if isinstance(value, tuple) else value)
        if value != self.__get__(settings, type(settings)):
            settings.store(self._name, json.dumps(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is wanted")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list is wanted")
    return tuple(_text(item) for item in value)


def _one_of(*choices: str) -> Callable[[object], str]:
    def sound(value: object) -> str:
        if value not in choices:
            raise ValueError(f"one of {choices} is wanted")
        return str(value)

    return sound


def _ways(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("a way of listening for each output is wanted")
    return {_text(name): _one_of(*WAYS)(way) for name, way in value.items()}


def _sinks(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("a place for each output is wanted")
    return {_text(name): _text(sink) for name, sink in value.items()}


def _calibration(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("a calibration is wanted")
    if not value:
        return {}
    level = _number(0.0, 200.0)(value["level"]) if "level" in value else 0.0
    return {"output": _text(value.get("output")), "level": level, "volume": _text(value.get("volume"))}


def _number(lowest: float, highest: float) -> Callable[[object], float]:
    def sound(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise TypeError("a number is wanted")
        return min(highest, max(lowest, float(value)))

    return sound


class Settings(QObject):
    """The preferences. Reading an attribute gives its value or default; setting one stores it at once.

    ``changed`` carries the attribute's name, when its value really changed. A value of the wrong kind
    raises ValueError or TypeError when set, and means the default when it is found in the file.
    ``folder`` is where the INI file lies, the settings folder unless told.
    """

    changed = Signal(str)

    device = _Setting("auto", _text)
    """Where separation runs: a key of :func:`separation.devices.available`."""
    output_device = _Setting("", _text)
    """The audio output's name, or empty to follow the system's."""
    theme = _Setting("system", _one_of(*THEMES))
    text_scale = _Setting(1.0, _number(SMALLEST_TEXT, LARGEST_TEXT))
    """Text size as a factor of the system's."""
    language = _Setting("", _text)
    """A language code such as ``en``, or empty to follow the system's."""
    separator = _Setting("", _text)
    """A name in the catalogue, or empty for its default."""
    last_instruments: _Setting[tuple[str, ...]] = _Setting((), _texts)
    """The parts ticked last, by name (``violin-1``)."""
    recent_files: _Setting[tuple[str, ...]] = _Setting((), _texts)
    """Absolute paths, the newest first; add with :meth:`add_recent_file`."""
    last_folder = _Setting("", _text)
    """The folder that the last file dialog ended in."""
    audiogram_name = _Setting("normal", _text)
    """The key of the listener: a preset's name or a profile's random id, never a person's name or levels."""
    listening_ways: _Setting[dict[str, str]] = _Setting({}, _ways)
    """How one listens at each audio output, by the output's name: one of :data:`WAYS`."""
    listening_sinks: _Setting[dict[str, str]] = _Setting({}, _sinks)
    """Where the sound server played when that was told, by the output's name; only where it can be read."""
    calibration: _Setting[dict[str, object]] = _Setting({}, _calibration)
    """What was measured at one output: see :class:`app.exposure.Exposure`. Empty for nothing."""
    amplification = _Setting("nal-r", _one_of("off", "nal-r", "cad2"))
    """The amplification that the score models. Whether it is heard is never kept."""
    ceiling_db = _Setting(-12.0, _number(-40.0, -3.0))
    """The highest sample (dBFS) that amplification may make."""
    listen_to = _Setting("remix", _one_of(*LISTEN_TO))
    """The side of the comparison that was heard last."""
    match_loudness = _Setting(True, _truth)
    """Whether recording and remix are compared at equal loudness."""
    autosave = _Setting(True, _truth)
    window_geometry = _Setting("", _text)
    """What ``QWidget.saveGeometry()`` gave, as base 64."""
    window_state = _Setting("", _text)
    """What ``QMainWindow.saveState()`` gave, as base 64."""
    spectrogram_scale = _Setting("log", _one_of("log", "linear"))
    spectrogram_range_db = _Setting(70.0, _number(20.0, 120.0))
    """How far below the loudest the spectrograms reach (dB)."""

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = (folder or config_folder()) / FILE_NAME
        self._values = QSettings(str(self.path), QSettings.Format.IniFormat)

    def add_recent_file(self, path: Path) -> None:
        """Put a file on top of the recent ones; the list keeps ten and each only once."""
        newest = str(path.absolute())
        others = [name for name in self.recent_files if name != newest]
        self.recent_files = (newest, *others)[:RECENT_FILES]

    def remove_recent_file(self, path: Path) -> None:
        """Take a file that is gone off the list."""
        gone = str(path.absolute())
        self.recent_files = tuple(name for name in self.recent_files if name != gone)

    def reset(self) -> None:
        """Every preference back to its default; ``changed`` is emitted for each that differs."""
        names = [name for name, entry in vars(Settings).items() if isinstance(entry, _Setting)]
        before = {name: getattr(self, name) for name in names}
        self._values.clear()
        for name in names:
            if getattr(self, name) != before[name]:
                self.changed.emit(name)

    def write(self) -> str | None:
        """Bring the file up to date now (it also happens by itself); a sentence where that fails."""
        self._values.sync()
        if self._values.status() == QSettings.Status.NoError:
            return None
        return f"The preferences could not be saved in “{self.path}”. Check that you may write there."

    def stored(self, name: str) -> str | None:
        """The JSON kept under a name, or None. For the attributes of this class."""
        value = self._values.value(name)
        return value if isinstance(value, str) else None

    def store(self, name: str, text: str) -> None:
        """Keep JSON under a name and tell. For the attributes of this class."""
        self._values.setValue(name, text)
        self.changed.emit(name)
