import numpy as np
import torch
from training_material import tone

from separation.classical.templates import HARMONICS, HIGHEST, LOWEST
from separation.models.mask_inference import Estimate
from separation.models.note_refinement import refined_masks, voice_path
from separation.transforms import Stft

STFT = Stft(8192, 2048)


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


def test_known_pitches_part_what_the_net_could_not() -> None:
    sounds = torch.from_numpy(
        np.stack([tone(72, 1.0, [1, 0.5, 0.3], 44100), tone(50, 1.0, [1, 0.5, 0.3], 44100)])
    )
    mixture = sounds.sum(0, keepdim=True)
    spectrum = STFT.forward(mixture)
    frames = spectrum.shape[-1]
    undecided = torch.full((2, STFT.bins, frames), 0.5)
    pitches = torch.full((2, 72, frames), 0.001)
    pitches[0, 72 - 30], pitches[1, 50 - 30] = 0.99, 0.99
    tones = torch.zeros(2, HIGHEST - LOWEST + 1, HARMONICS)
    tones[:, :, :3] = torch.tensor([0.9, 0.4, 0.2])
    masks = refined_masks(Estimate(spectrum, undecided, pitches), tones, 30, 44100 / 8192)
    torch.testing.assert_close(masks.sum(0), torch.ones_like(masks[0]))
    for index in range(2):
        stem = STFT.inverse(masks[index] * spectrum, mixture.shape[1])[0]
        error = (stem - sounds[index]).square().sum() / sounds[index].square().sum()
        assert float(error) < 0.1


def test_the_share_of_everything_else_is_kept() -> None:
    spectrum = STFT.forward(torch.from_numpy(tone(60, 0.5, [1, 1], 44100))[None])
    frames = spectrum.shape[-1]
    masks = torch.rand(3, STFT.bins, frames)
    masks = masks / masks.sum(0)
    pitches = torch.rand(3, 72, frames)
    tones = torch.rand(2, HIGHEST - LOWEST + 1, HARMONICS) + 0.1
    out = refined_masks(Estimate(spectrum, masks, pitches), tones, 30, 44100 / 8192)
    torch.testing.assert_close(out[2], masks[2])
    torch.testing.assert_close(out.sum(0), torch.ones_like(out[0]))
