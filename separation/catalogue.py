"""The separators there are: cards read from ``resources/separators/<name>/card.toml``.

A card is TOML with the fields of :class:`~separation.separator.SeparatorCard`; ``factory`` names what
makes the separator, as ``module:callable`` inside the ``separation`` package, called with the card.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from separation.separator import RESIDUAL, Figure, Separator, SeparatorCard, SeparatorError

RESOURCES: Path = Path(__file__).resolve().parents[1] / "resources"
"""What ships with the program: beside the packages in a checkout, a wheel and a frozen program."""

_TEXT = (
    "name",
    "title",
    "kind",
    "sentence",
    "paper",
    "licence",
    "training_data",
    "factory",
    "speed",
    "quality",
)
_TEXT_LISTS = ("instruments", "known_failures")
_NUMBERS = ("chunk_seconds", "context_seconds")
_COUNTS = ("max_parts", "sample_rate")
_NAME = re.compile(r"[a-z0-9][a-z0-9_+-]*")


def cards(folders: Iterable[Path] | None = None) -> dict[str, SeparatorCard]:
    """Every separator's card by name, in alphabetical order.

    ``folders`` hold one folder a separator, with a ``card.toml`` in it (default: the program's own);
    where two have a separator of one name, the later one counts. Raises :class:`SeparatorError` naming
    the file when a card cannot be read.
    """
    found: dict[str, SeparatorCard] = {}
    for folder in folders if folders is not None else (RESOURCES / "separators",):
        for path in sorted(folder.glob("*/card.toml")):
            card = read_card(path)
            found[card.name] = card
    return dict(sorted(found.items()))


def default_separator() -> str:
    """The name of the separator that is used where none is chosen."""
    return "harmonic"


def load(name: str, folders: Iterable[Path] | None = None) -> Separator:
    """The separator of that name, on the CPU.

    Raises :class:`SeparatorError` with a sentence when there is no such separator (it lists those there
    are) or when its card is broken.
    """
    known = cards(folders)
    if name not in known:
        there = ", ".join(known) or "none is installed"
        raise SeparatorError(f"There is no separator called “{name}”; there is: {there}.")
    card = known[name]
    separator = _factory(card)(card)
    if not isinstance(separator, Separator):
        raise _broken(card.folder / "card.toml", f"“{card.factory}” does not make a separator")
    return separator


def read_card(path: Path) -> SeparatorCard:
    """The card in one ``card.toml``; raises :class:`SeparatorError` naming the file when it is broken."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _broken(path, f"it cannot be read ({error})") from error
    table.setdefault("name", path.parent.name)
    known = {f.name for f in fields(SeparatorCard)} - {"folder"}
    if unknown := sorted(table.keys() - known):
        raise _broken(path, f"“{unknown[0]}” is not a field of a card")
    required = {
        f.name for f in fields(SeparatorCard) if f.default is MISSING and f.default_factory is MISSING
    }
    if missing := sorted(required - table.keys()):
        raise _broken(path, f"“{missing[0]}” is missing")
    card = SeparatorCard(
        **{key: _value(path, key, value) for key, value in table.items()}, folder=path.parent
    )
    _check_meaning(path, card)
    return card


def _value(path: Path, key: str, value: Any) -> Any:
    """A card's field as the type the card wants, or a :class:`SeparatorError`."""
    if key in _TEXT and isinstance(value, str):
        return value
    if key in _TEXT_LISTS and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if key in _COUNTS and isinstance(value, int) and not isinstance(value, bool):
        return value
    if key in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if key == "options" and isinstance(value, dict):
        return value
    if key == "figures" and isinstance(value, list):
        return tuple(_figure(path, entry) for entry in value)
    raise _broken(path, f"“{key}” has the wrong kind of value")


def _figure(path: Path, entry: Any) -> Figure:
    names = {f.name for f in fields(Figure)}
    if (
        not isinstance(entry, dict)
        or entry.keys() != names
        or not all(isinstance(v, str) for v in entry.values())
    ):
        raise _broken(path, "each of “figures” needs the texts what, value and command")
    return Figure(**entry)


def _check_meaning(path: Path, card: SeparatorCard) -> None:
    """Refuse a card whose values are of the right type and still make no sense."""
    if card.name != path.parent.name:
        raise _broken(path, f"its name “{card.name}” is not that of its folder")
    if not card.instruments or len(set(card.instruments)) != len(card.instruments):
        raise _broken(path, "“instruments” must name at least one instrument, each once")
    for instrument in card.instruments:
        # such a name becomes a file name and a command-line word
        if not _NAME.fullmatch(instrument) or instrument == RESIDUAL or re.search(r"-[1-9]$", instrument):
            raise _broken(path, f"“{instrument}” cannot be the name of an instrument")
    if not 1 <= card.max_parts <= 9:
        raise _broken(path, "“max_parts” must lie between 1 and 9")
    if not 4000 <= card.sample_rate <= 192000:
        raise _broken(path, "“sample_rate” must lie between 4000 and 192000")
    if not 0.1 <= card.chunk_seconds <= 60 or not 0 <= card.context_seconds <= 60:
        raise _broken(
            path, "“chunk_seconds” must lie between 0.1 and 60 and “context_seconds” between 0 and 60"
        )
    if not re.fullmatch(r"separation(\.\w+)+:\w+", card.factory):
        raise _broken(path, "“factory” must be “separation.module:callable”")


def _factory(card: SeparatorCard) -> Callable[[SeparatorCard], Any]:
    """What the card's ``factory`` names."""
    module_name, _, attribute = card.factory.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # only where the named module itself is not there: what is missing inside it is another fault
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise _broken(card.folder / "card.toml", f"there is no module “{module_name}”") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise _broken(card.folder / "card.toml", f"“{module_name}” has no “{attribute}”")
    made: Callable[[SeparatorCard], Any] = factory
    return made


def _broken(path: Path, why: str) -> SeparatorError:
    return SeparatorError(f"The separator card {path} is broken: {why}. Installing Ripieno again mends it.")
