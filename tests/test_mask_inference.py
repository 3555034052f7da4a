import pytest
import torch
from training_material import TINY, tone

from separation.models.harmonic_net import HarmonicNet
from separation.models.mask_inference import estimate, pitch_odds, voice_path, window


def net() -> HarmonicNet:
    torch.manual_seed(2)
    return HarmonicNet(TINY).eval()


def test_the_window_scales_with_the_sample_rate() -> None:
    assert (window(net(), 22050).size, window(net(), 22050).hop) == (4096, 1024)
    assert (window(net(), 44100).size, window(net(), 44100).hop) == (8192, 2048)
    for rate in (48000, 11025, 0):
        with pytest.raises(ValueError, match="no multiple"):
            window(net(), rate)


def test_masks_cover_all_bins_and_add_up_to_one() -> None:
    sound = torch.from_numpy(tone(60, 0.8, [1, 1], 44100))[None]
    found = estimate(net(), sound, [(7, 0), (2, 0), (8, 0)], 44100)
    assert found.masks.shape[1:] == found.spectrum.shape[1:] == (4097, found.spectrum.shape[-1])
    torch.testing.assert_close(found.masks.sum(0), torch.ones_like(found.masks[0]))
    assert found.pitches.shape[1:] == (TINY.pitches, found.spectrum.shape[-1])
    played = found.pitches.sum(1)  # the rest is silence
    assert bool((played > 0).all())
    assert bool((played < 1).all())


def test_both_sample_rates_give_about_the_same_masks() -> None:
    low = torch.from_numpy(tone(60, 1.0, [1, 0.5, 0.4], 22050))[None]
    high = torch.from_numpy(tone(60, 1.0, [1, 0.5, 0.4], 44100))[None]
    slots = [(7, 0), (2, 0)]
    a, b = estimate(net(), low, slots, 22050), estimate(net(), high, slots, 44100)
    frames = min(a.masks.shape[-1], b.masks.shape[-1])
    rows = slice(20, 400)
    torch.testing.assert_close(
        a.masks[:, rows, 4 : frames - 4], b.masks[:, rows, 4 : frames - 4], atol=0.02, rtol=0
    )


def test_opposite_channels_do_not_cancel() -> None:
    sound = torch.from_numpy(tone(60, 0.6, [1, 1], 22050))
    slots = [(7, 0), (2, 0)]
    one = estimate(net(), sound[None], slots, 22050)
    both = estimate(net(), torch.stack([sound, -sound]), slots, 22050)
    torch.testing.assert_close(one.masks, both.masks, atol=1e-4, rtol=1e-4)


def test_pitches_alone_are_those_of_the_whole_net() -> None:
    sound = torch.from_numpy(tone(60, 0.8, [1, 1], 44100))[None]
    whole = estimate(net(), sound, [(7, 0), (2, 0)], 44100)
    alone = pitch_odds(net(), sound, [(7, 0), (2, 0)], 44100)
    torch.testing.assert_close(alone[:, :-1], whole.pitches)
    torch.testing.assert_close(alone.sum(1), torch.ones_like(alone[:, 0]))


def test_a_path_holds_its_pitch_through_a_doubtful_frame() -> None:
    pitches = torch.full((1, 20, 30), 0.01)
    pitches[0, 5, 5:25] = 0.9
    pitches[0, 5, 14] = 0.3
    pitches[0, 9, 14] = 0.5
    path = voice_path(pitches, 30)
    assert (path[0, 6:24] == 35).all()
    assert (path[0, :4] == 0).all()
    assert (path[0, 26:] == 0).all()


def test_a_path_moves_when_the_notes_do() -> None:
    pitches = torch.full((1, 20, 30), 0.01)
    pitches[0, 5, :15] = 0.95
    pitches[0, 7, 15:] = 0.95
    path = voice_path(pitches, 60)
    assert (path[0, :15] == 65).all()
    assert (path[0, 15:] == 67).all()
