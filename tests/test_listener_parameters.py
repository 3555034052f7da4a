"""Parameters from a file become the chosen listener's own, and whose they are is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.errors import UserError
from app.hearing.compressor import CompressorFit, prescribed
from app.listener_parameters import give_parameters
from app.listeners import Listeners
from app.settings import Settings
from tests.listener_ears import a_profile

pytestmark = pytest.mark.usefixtures("qapp")

EAR = {"cr_l": [1.5] * 6, "gain_l": [12.0] * 6, "cr_r": [2.5] * 6, "gain_r": [22.0] * 6}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "compressor_params.json"


@pytest.fixture
def listeners() -> Listeners:
    return Listeners(Settings())


def test_a_preset_becomes_a_profile_and_another_name_is_said(listeners: Listeners, file: Path) -> None:
    listeners.choose("N3")
    file.write_text(json.dumps({"L0001": EAR}))
    said = give_parameters(listeners, file)
    assert "“L0001”" in said
    assert file.name in said
    assert listeners.profile is not None
    assert prescribed(listeners.listener.left) == CompressorFit((1.5,) * 6, (12.0,) * 6)
    assert prescribed(listeners.listener.right) == CompressorFit((2.5,) * 6, (22.0,) * 6)


def test_the_listener_of_the_same_name_is_found_without_a_word(listeners: Listeners, file: Path) -> None:
    profile = a_profile()
    listeners.add(profile)
    for others in ({}, {"somebody else": EAR}):
        file.write_text(json.dumps({profile.name: EAR, **others}))
        assert give_parameters(listeners, file) == ""
    assert listeners.profile is not None
    assert listeners.profile.id == profile.id
    assert listeners.listener.left.compressor == ((1.5,) * 6, (12.0,) * 6)


def test_several_others_are_refused_by_name(listeners: Listeners, file: Path) -> None:
    file.write_text(json.dumps({"L1": EAR, "L2": EAR}))
    with pytest.raises(UserError, match="L1, L2"):
        give_parameters(listeners, file)
    assert listeners.profile is None
