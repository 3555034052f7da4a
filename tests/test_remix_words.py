from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from test_export import Material

from app.errors import UsageError
from app.export_request import ExportRequest, Limit
from app.remix_words import mix_of, offer_words, request_of
from app.session import Strip
from separation.separator import Part

PARTS = (Part("violin", 1), Part("violin", 2), Part("clarinet"))


def recording() -> Material:
    return Material(np.zeros((10, 2), np.float32), {}, subtype="FLOAT")


def test_gains_mutes_solos_pans() -> None:
    session = mix_of(
        PARTS,
        gain=["violin-1=+6", "clarinet=-3,5 dB", "violin-2=-inf"],
        mute=["residual,clarinet"],
        solo=["Violin-1"],
        pan=["violin-1=-0.5", "violin-2=1"],
        master="−2",
    )
    assert session.strips == {
        "violin-1": Strip(6.0, solo=True, pan=-0.5),
        "violin-2": Strip(-math.inf, pan=1.0),
        "clarinet": Strip(-3.5, mute=True),
        "residual": Strip(0.0, mute=True),
    }
    assert session.master_db == -2.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"gain": ["violin=+6"]}, "violin-1, violin-2, clarinet, residual"),
        ({"gain": ["violin-1"]}, r"--gain violin=\+6"),
        ({"gain": ["violin-1=loud"]}, "violin-1=loud"),
        ({"gain": ["violin-1=+13"]}, r"\+12 dB"),
        ({"gain": ["violin-1=nan"]}, "violin-1=nan"),
        ({"gain": ["violin-1="]}, "violin-1="),
        ({"pan": ["clarinet=2"]}, "left"),
        ({"pan": ["clarinet=nan"]}, "left"),
        ({"pan": ["clarinet=L"]}, "left"),
        ({"mute": ["tuba"]}, "tuba"),
        ({"solo": ["tuba"]}, "tuba"),
        ({"master": "20"}, "--master 20"),
    ],
)
def test_words_that_mean_nothing(words: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        mix_of(PARTS, **words)


def test_the_format_follows_the_name() -> None:
    assert request_of(Path("a.wav"), recording()).format == "wav32f"
    assert request_of(Path("a.FLAC"), recording()).format == "flac"
    assert request_of(Path("a.wav"), recording(), format="wav16").format == "wav16"
    assert request_of(Path("a.mp3"), recording(), clipping="keep").clipping == "keep"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.doc", {}, r"\.wav, \.flac, \.mp3, \.ogg"),
        ("a.wav", {"format": "wma"}, "wma"),
        ("a.wav", {"sample_rate": 1}, "1 Hz"),
        ("a.wav", {"channels": 3}, "3"),
        ("a.wav", {"clipping": "louder"}, "louder"),
    ],
)
def test_requests_that_mean_nothing(name: str, options: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        request_of(Path(name), recording(), **options)


def test_an_offer_names_the_options_that_accept_it() -> None:
    assert offer_words(Limit("MP3 cannot.", ExportRequest(sample_rate=48000, channels=2))) == (
        "MP3 cannot (add --sample-rate 48000 --channels 2)."
    )
    assert offer_words(Limit("It cannot be.")) == "It cannot be."
