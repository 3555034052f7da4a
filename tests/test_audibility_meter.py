"""The bar beside each strip's level: share, words, and what is spoken."""

from __future__ import annotations

import pytest

from ui.audibility_meter import AudibilityMeter
from ui.theme import theme_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def meter(qtbot) -> AudibilityMeter:  # type: ignore[no-untyped-def]
    made = AudibilityMeter("Clarinet")
    qtbot.addWidget(made)
    made.resize(240, made.sizeHint().height())
    return made


def test_it_says_the_share_in_words(meter: AudibilityMeter) -> None:
    assert meter.words == "–"
    assert "not known" in meter.accessibleDescription()
    meter.set_share(0.624)
    assert meter.words == "62 % audible"
    assert meter.accessibleDescription() == "Clarinet, 62 percent audible"
    meter.set_share(None)
    assert meter.words == "–"


def test_more_share_is_a_longer_bar(meter: AudibilityMeter) -> None:
    def filled(share: float | None) -> int:
        meter.set_share(share)
        image = meter.grab().toImage()
        y = image.height() // 2
        accent = theme_of(meter.palette()).color("accent").rgb()
        return sum(image.pixelColor(x, y).rgb() == accent for x in range(image.width()))

    few, many = filled(0.1), filled(0.9)
    assert many > few + 30


def test_a_narrow_one_still_has_its_figure(meter: AudibilityMeter) -> None:
    meter.set_share(0.5)
    meter.resize(meter.minimumSizeHint())
    assert not meter.grab().isNull()
    assert meter.minimumSizeHint().width() < meter.sizeHint().width() + 20
