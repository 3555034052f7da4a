from __future__ import annotations

import pytest
import torch

from separation.transforms import Stft


@pytest.mark.parametrize("stft", [Stft(), Stft(1024, 512), Stft(2048, 256), Stft(512, 200)])
@pytest.mark.parametrize("samples", [1, 2, 511, 512, 1023, 4096, 10001])
def test_inverse_gives_the_audio_back(stft: Stft, samples: int) -> None:
    audio = torch.rand(2, samples, generator=torch.Generator().manual_seed(samples)) * 2 - 1
    spectrum = stft.forward(audio)
    assert spectrum.shape == (2, stft.bins, stft.frames(samples))
    again = stft.inverse(spectrum, samples)
    assert again.shape == audio.shape
    assert again.dtype == torch.float32
    assert (again - audio).abs().max() < 1e-5


def test_any_leading_axes() -> None:
    audio = torch.randn(3, 2, 2000)
    stft = Stft(512, 128)
    spectrum = stft.forward(audio)
    assert spectrum.shape[:2] == (3, 2)
    assert torch.equal(spectrum[1, 1], stft.forward(audio[1, 1]))
    assert (stft.inverse(spectrum, 2000) - audio).abs().max() < 1e-5


def test_double_precision_stays_double() -> None:
    audio = torch.randn(1, 3000, dtype=torch.float64)
    stft = Stft(512, 128)
    again = stft.inverse(stft.forward(audio), 3000)
    assert again.dtype == torch.float64
    assert (again - audio).abs().max() < 1e-12


def test_a_tone_lies_in_its_bin_and_frame_times_are_centred() -> None:
    rate, stft = 16000, Stft(1024, 256)
    bin_width = rate / 1024
    assert stft.frequencies(rate)[40] == 40 * bin_width
    time = torch.arange(rate) / rate
    tone = torch.sin(2 * torch.pi * 40 * bin_width * time)[None]
    assert stft.forward(tone)[0, :, 20].abs().argmax() == 40
    click = torch.zeros(1, 4000)
    click[0, 1280] = 1.0  # frame 5 is centred there
    assert stft.forward(click)[0].abs().sum(0).argmax() == 5


def test_what_cannot_be_is_refused() -> None:
    for size, hop in ((1023, 256), (2, 1), (1024, 0), (1024, 513)):
        with pytest.raises(ValueError, match="must"):
            Stft(size, hop)
    with pytest.raises(ValueError, match="no samples"):
        Stft().forward(torch.zeros(2, 0))
    with pytest.raises(ValueError, match="5000 samples have"):
        Stft().inverse(torch.zeros(2, Stft().bins, 3, dtype=torch.complex64), 5000)
