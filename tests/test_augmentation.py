import numpy as np
import pytest
import torch
from training_material import tone

from separation.training import augmentation
from separation.training.note_bank import SAMPLE_RATE


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_harmonic_gains_change_each_harmonic_by_its_gain() -> None:
    f0 = np.array([440.0, 220.0])
    sound = np.stack([tone(69, 1.0, [1, 1, 1]), tone(57, 1.0, [1, 1, 1])])
    gains = np.array([[0.0, -20.0, 6.0, 6.0], [3.0, 3.0, -9.0, -9.0]])
    out = augmentation.harmonic_gains(
        torch.from_numpy(sound), torch.from_numpy(f0), torch.from_numpy(gains).float(), SAMPLE_RATE
    )
    for row in (0, 1):
        before, after = np.abs(np.fft.rfft(sound[row])), np.abs(np.fft.rfft(out[row].numpy()))
        for number in (1, 2, 3):
            at = round(number * f0[row])
            assert 20 * np.log10(after[at] / before[at]) == pytest.approx(gains[row, number - 1], abs=0.3)


def test_lengths_are_quick_to_transform() -> None:
    for samples in (1, 64, 120, 1000, 22_050, 330_750):
        size = augmentation.fast_length(samples)
        assert samples <= size <= max(64, 1.34 * samples)
        assert size % 64 == 0


def test_a_room_answers_for_its_reverberation_time_at_its_level() -> None:
    white, soft = augmentation.noise_tape(torch.device("cpu"))
    assert float(white.square().mean()) == pytest.approx(1.0, abs=0.01)
    assert float(soft.square().mean()) < 0.5
    noise = white[: 3 * SAMPLE_RATE].reshape(3, -1)
    decay, level = torch.tensor([0.4, 0.8, 0.0]), torch.tensor([-6.0, -15.0, 0.0])
    tails = augmentation.room_tails(noise, decay, level, SAMPLE_RATE)
    assert tails[2, 0] == 1.0
    assert not tails[2, 1:].any()
    for tail, seconds, wanted in zip(tails[:2], decay, level, strict=False):
        assert 10 * np.log10(float(tail[1:].square().sum())) == pytest.approx(float(wanted), abs=0.5)
        end = round(float(seconds) * SAMPLE_RATE)
        assert not tail[end + 1 :].any()
        assert float(tail[1:500].square().mean()) > 1e4 * float(tail[end - 500 : end].square().mean())


def test_filtering_is_what_its_gains_and_rooms_say() -> None:
    sound = torch.from_numpy(np.stack([tone(60, 0.5, [1, 1]), tone(67, 0.5, [1, 1])]))
    flat = torch.zeros(2, augmentation.KNOTS)
    assert torch.allclose(augmentation.filtered(sound, flat, None, SAMPLE_RATE), sound, atol=1e-4)
    louder = augmentation.filtered(sound, flat + 6.0, None, SAMPLE_RATE)
    assert torch.allclose(louder, sound * 10 ** (6 / 20), atol=1e-3)
    tails = torch.zeros(2, 3000)
    tails[0, 0], tails[1, 1000] = 1.0, 0.5
    late = augmentation.filtered(sound, flat, tails, SAMPLE_RATE)
    assert torch.allclose(late[0], sound[0], atol=1e-4)
    assert torch.allclose(late[1, 1000:], 0.5 * sound[1, :-1000], atol=1e-4)
    curve = torch.from_numpy(np.random.default_rng(0).normal(0, 6, (1, augmentation.KNOTS))).float()
    together = augmentation.filtered(sound.sum(0, keepdim=True), curve, None, SAMPLE_RATE)
    apart = augmentation.filtered(sound, curve.expand(2, -1), None, SAMPLE_RATE)
    assert torch.allclose(apart.sum(0), together[0], atol=1e-4)
    assert float((apart - sound).abs().max()) > 0.02


def test_fresh_gains_are_smooth_and_positive() -> None:
    gains = augmentation.spectral_gains(rng(), np.linspace(0, 11025, 500), 3, 8.0)
    assert gains.shape == (3, 500)
    assert bool((gains > 0).all())
    assert float((gains[:, 21:] / gains[:, 20:-1]).log().abs().max()) < 0.5


def test_noise_has_unit_level() -> None:
    out = augmentation.noise(rng(), 5000)
    assert out.shape == (5000,)
    assert np.sqrt((out**2).mean()) == pytest.approx(1.0, rel=1e-3)


def test_rubato_wanders_about_the_written_time() -> None:
    written, played = augmentation.rubato(rng(), 10.0, 0.1)
    assert len(written) == len(played)
    assert (np.diff(played) > 0).all()
    assert played[-1] == pytest.approx(written[-1], rel=0.3)
    assert np.abs(played - written).max() > 0.05
    written, played = augmentation.rubato(rng(), 10.0, 0.0)
    np.testing.assert_allclose(written, played)


def test_a_coder_spoils_the_sum_and_the_parts_still_make_it_up() -> None:
    sound = torch.from_numpy(0.1 * rng().standard_normal((3, 30_000)).astype(np.float32))
    coded = augmentation.compressed(sound, 44_100, -3.0, 12_000.0)
    assert coded.shape == sound.shape
    alone = augmentation.compressed(sound.sum(0, keepdim=True), 44_100, -3.0, 12_000.0)
    assert torch.allclose(coded.sum(0), alone[0], atol=1e-4)
    before, after = sound.sum(0), coded.sum(0)
    whole, kept = np.abs(np.fft.rfft(before.numpy())), np.abs(np.fft.rfft(after.numpy()))
    top = round(len(whole) * 12_100 / 22_050)
    assert kept[top:].mean() < 0.05 * whole[top:].mean()
    assert np.corrcoef(whole[: top // 2], kept[: top // 2])[0, 1] > 0.8
    fine = augmentation.compressed(sound, 44_100, -60.0, 44_100.0)
    assert torch.allclose(fine, sound, atol=1e-3)


def test_a_coder_of_silence_is_silent() -> None:
    assert not augmentation.compressed(torch.zeros(2, 9000), 22_050, -3.0, 12_000.0).any()


def test_parts_have_their_places_before_two_microphones() -> None:
    sound = np.stack([tone(60, 0.3, [1, 1])] * 4)
    stereo = augmentation.placed(rng(), sound, SAMPLE_RATE)
    assert stereo.shape == (4, 2, sound.shape[1])
    left, right = np.sqrt((stereo**2).mean(2)).T
    assert np.abs(20 * np.log10(left / right)).max() > 1
    assert np.abs(20 * np.log10(left / right)).max() <= 8.1
    np.testing.assert_allclose(left * right, (sound**2).mean(1), rtol=0.05)
