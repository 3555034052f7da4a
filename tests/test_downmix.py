"""Which channels of a mix a device's channels play."""

from __future__ import annotations

import math

import pytest

from app.downmix import is_direct, routes

HALF_POWER = math.sqrt(0.5)


def gains(channels: int, device: int, **how: bool) -> list[list[float]]:
    """Rows: channels of the device; columns: channels of the mix."""
    table = [[0.0] * channels for _ in range(device)]
    for row, route in zip(table, routes(channels, device, **how), strict=True):
        for source, gain in route:
            row[source] += gain
    return table


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 12])
def test_a_device_with_enough_channels_gets_them_one_to_one(channels: int) -> None:
    assert is_direct(routes(channels, channels), channels)
    assert not is_direct(routes(channels, channels + 1), channels)  # the rest stays silent
    assert routes(channels, channels + 1)[-1] == () if channels > 1 else True


def test_5_1_is_folded_down_after_bs_775() -> None:
    left, right = gains(6, 2)
    #           L    R    C           LFE  Ls          Rs
    assert left == pytest.approx([1.0, 0.0, HALF_POWER, 0.0, HALF_POWER, 0.0])
    assert right == pytest.approx([0.0, 1.0, HALF_POWER, 0.0, 0.0, HALF_POWER])


def test_other_layouts_keep_their_sides() -> None:
    h = HALF_POWER
    assert gains(3, 2) == [pytest.approx([1, 0, h]), pytest.approx([0, 1, h])]
    assert gains(4, 2) == [pytest.approx([1, 0, h, 0]), pytest.approx([0, 1, 0, h])]
    assert gains(8, 2)[0] == pytest.approx([1, 0, h, 0, h, 0, h, 0])
    assert gains(10, 2)[1] == pytest.approx([0, 1] + [h] * 8)


def test_one_loudspeaker_plays_the_mean_of_both_sides() -> None:
    assert gains(2, 1) == [[0.5, 0.5]]
    assert gains(1, 1) == [[1.0]]
    assert gains(6, 1)[0] == pytest.approx([0.5, 0.5, HALF_POWER, 0.0, HALF_POWER / 2, HALF_POWER / 2])


def test_mono_plays_on_both_sides() -> None:
    assert gains(1, 2) == [[1.0], [1.0]]


def test_alsa_numbers_surround_channels_its_own_way() -> None:
    wav_of_alsa = [route[0][0] for route in routes(6, 6, alsa_order=True)]
    assert wav_of_alsa == [0, 1, 4, 5, 2, 3]  # front, rear, centre, LFE
    assert [route[0][0] for route in routes(8, 8, alsa_order=True)] == [0, 1, 4, 5, 2, 3, 6, 7]
    assert is_direct(routes(2, 2, alsa_order=True), 2)
