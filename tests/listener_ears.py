"""Made-up listeners for tests, and how hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from app.audiogram_document import EDIT_HZ
from app.hearing.audiogram import Audiogram, Listener
from app.profiles import Profile, new_id

LEFT = Audiogram(
    (250, 500, 1000, 2000, 4000, 8000),
    (20, 25, 35, 50, 70, 95),
    bone=((500, 20), (2000, 45)),
    no_response=(8000,),
)
RIGHT = Audiogram((250, 500, 1000, 2000, 4000), (10, 15, 25, 40, 55))


def a_profile(name: str = "Anna Beispiel") -> Profile:
    """Two different ears under a name."""
    return Profile(new_id(), name, LEFT, RIGHT)


levels = st.integers(-20, 240).map(lambda half: half / 2)


@st.composite
def ears(draw: st.DrawFn) -> Audiogram:
    """One ear with a choice of frequencies, bone conduction and tones not heard."""
    frequencies = sorted(draw(st.sets(st.sampled_from(EDIT_HZ), min_size=1)))
    bone = sorted(draw(st.sets(st.sampled_from(EDIT_HZ), max_size=4)))
    silent = draw(st.sets(st.sampled_from(frequencies), max_size=3))
    return Audiogram(
        tuple(frequencies),
        tuple(draw(levels) for _ in frequencies),
        bone=tuple((f, draw(levels)) for f in bone),
        no_response=tuple(silent),
    )


listeners = st.builds(Listener, ears(), ears())
