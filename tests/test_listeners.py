"""Who listens, and who can be chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.errors import UserError
from app.hearing.audiogram import PRESETS
from app.hearing.typical import typical
from app.listeners import Listeners, preset_text
from app.profiles import new_id
from app.settings import Settings
from tests.listener_ears import LEFT, a_profile

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def listeners() -> Listeners:
    return Listeners(Settings())


def heard(listeners: Listeners) -> list[str]:
    """The signals as they come."""
    told: list[str] = []
    listeners.changed.connect(lambda: told.append("changed"))
    listeners.list_changed.connect(lambda: told.append("list"))
    listeners.forgotten.connect(lambda: told.append("forgotten"))
    return told


def test_it_begins_with_the_preference_and_normal_hearing_without_one() -> None:
    assert Listeners(Settings()).key == "normal"
    settings = Settings()
    settings.audiogram_name = "N4"
    assert Listeners(settings).listener.left == PRESETS["N4"]
    settings.audiogram_name = "nobody"
    assert Listeners(settings).key == "normal"


def test_presets_typical_ones_and_profiles_can_be_chosen(listeners: Listeners) -> None:
    profile = a_profile()
    listeners.add(profile)
    keys = [key for key, _ in listeners.choices()]
    assert keys[0] == profile.id
    assert keys[1:12] == list(PRESETS)
    assert dict(listeners.choices())["female-70"] == "Typical woman of 70"
    for key in keys:
        listeners.choose(key)
        assert listeners.key == key
    listeners.choose("male-60")
    assert listeners.listener.right == typical(60, "male")
    assert preset_text("N3") == "N3: Moderate loss"


def test_an_unknown_listener_is_a_sentence_and_changes_nothing(listeners: Listeners) -> None:
    listeners.choose("N2")
    with pytest.raises(UserError, match="not on this computer"):
        listeners.choose(new_id())
    for bad in ("nobody", "male-61", "male-x", "../N2"):
        with pytest.raises(UserError, match="no such listener"):
            listeners.choose(bad)
    assert listeners.key == "N2"


def test_a_profile_is_kept_and_found_again(listeners: Listeners) -> None:
    told = heard(listeners)
    profile = a_profile()
    listeners.add(profile)
    assert told == ["list", "changed"]
    assert listeners.profile == profile
    assert listeners.listener.id == profile.id
    again = Listeners(Settings())
    assert again.profile == profile  # the key is the preference: the random id
    assert "Anna" not in Settings().path.read_text()


def test_a_profile_of_another_window_is_found(listeners: Listeners) -> None:
    other = Listeners(Settings())
    profile = a_profile()
    other.add(profile)
    listeners.choose(profile.id)
    assert listeners.profile == profile


def test_editing_tells_only_what_changed(listeners: Listeners) -> None:
    profile = a_profile()
    listeners.add(profile)
    told = heard(listeners)
    listeners.replace(profile)
    assert told == []
    listeners.replace(replace(profile, trials=({"choice": "A"},)))
    assert told == []
    assert listeners.profile is not None
    assert listeners.profile.trials == ({"choice": "A"},)
    listeners.replace(replace(profile, right=LEFT))
    assert told == ["changed"]
    assert listeners.listener.right == LEFT
    listeners.replace(replace(profile, right=LEFT, name="B"))
    assert told == ["changed", "list", "changed"]


def test_removing_who_is_chosen_goes_back_to_normal_hearing(listeners: Listeners) -> None:
    profile = a_profile()
    listeners.add(profile)
    told = heard(listeners)
    listeners.remove(profile.id)
    assert listeners.key == "normal"
    assert told == ["list", "forgotten", "changed"]
    assert listeners.store.all() == []


def test_forgetting_keeps_the_profile_and_says_so_first(listeners: Listeners) -> None:
    profile = a_profile()
    listeners.add(profile)
    told = heard(listeners)
    listeners.forget()
    assert told == ["forgotten", "changed"]
    assert (listeners.key, listeners.profile) == ("normal", None)
    assert listeners.store.all() == [profile]
    listeners.forget()
    assert told == ["forgotten", "changed", "forgotten"]
