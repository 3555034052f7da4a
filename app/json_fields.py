"""Taking typed fields out of JSON that anyone may have written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_WHOLE = 2**53
"""The largest whole number that every JSON reader keeps exactly."""


@dataclass(frozen=True)
class Fields:
    """The fields of one JSON object.

    Each method takes a field of the kind in its name, or raises what ``wrong(place, kind)`` makes, where
    ``place`` is the field's whole path (``mix.master_db``) and ``kind`` says what it should be.
    A missing field is null.
    """

    data: object
    wrong: Callable[[str, str], Exception]
    place: str = ""

    def get(self, field: str) -> object:
        """The field as it is, or None."""
        return self.data.get(field) if isinstance(self.data, dict) else None

    def has(self, field: str) -> bool:
        """Whether the field is there and not null."""
        return self.get(field) is not None

    def names(self) -> list[str]:
        """The names of all fields, in their order."""
        return list(self.data) if isinstance(self.data, dict) else []

    def part(self, field: str) -> Fields:
        """An object."""
        value = self.get(field)
        if not isinstance(value, dict):
            raise self._bad(field, "a group of fields")
        return Fields(value, self.wrong, f"{self.place}{field}.")

    def rows(self, field: str) -> list[Fields]:
        """A list of objects."""
        value = self.get(field)
        if not isinstance(value, list):
            raise self._bad(field, "a list")
        rows = []
        for number, row in enumerate(value, start=1):
            if not isinstance(row, dict):
                raise self._bad(f"{field} {number}", "a group of fields")
            rows.append(Fields(row, self.wrong, f"{self.place}{field} {number}."))
        return rows

    def text(self, field: str) -> str:
        """A text."""
        value = self.get(field)
        if not isinstance(value, str):
            raise self._bad(field, "a text")
        return value

    def truth(self, field: str) -> bool:
        """True or false."""
        value = self.get(field)
        if not isinstance(value, bool):
            raise self._bad(field, "true or false")
        return value

    def whole(self, field: str, lowest: int = 0) -> int:
        """A whole number from ``lowest`` to 2⁵³."""
        value = self.get(field)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= LARGEST_WHOLE:
            raise self._bad(field, f"a whole number from {lowest}")
        return value

    def number(self, field: str) -> float:
        """A finite number."""
        value = self.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._bad(field, "a number")
        # An integer may be too large for a float; JSON’s 1e999 is read as infinity.
        if abs(value) > LARGEST_WHOLE or not math.isfinite(value):
            raise self._bad(field, "a number")
        return float(value)

    def _bad(self, field: str, kind: str) -> Exception:
        return self.wrong(f"{self.place}{field}", kind)
