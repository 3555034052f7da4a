import numpy as np
import torch
from training_material import tone

from separation import wiener
from separation.classical import harmonic_fit
from separation.classical.harmonic_fit import FitSettings, HarmonicFit
from separation.classical.templates import HARMONICS, HIGHEST, LOWEST
from separation.metrics import si_sdr
from separation.models.partial_net import FEATURES, PartialConfig, PartialNet, features
from separation.transforms import Stft

STFT = Stft(4096, 1024)
SMALL = PartialConfig(harmonics=10, channels=8, blocks=2, messages=2)


def fifth(seconds: float = 1.5) -> tuple[torch.Tensor, torch.Tensor, HarmonicFit]:
    """Two voices a fifth apart, whose timbres the templates get wrong: sounds, spectrum, fit."""
    sounds = torch.from_numpy(
        np.stack([tone(57, seconds, [1, 0.2, 1.0, 0.1, 0.1, 0.8]), tone(64, seconds, [1, 0.1, 0.5, 0.1])])
    )
    spectrum = STFT.forward(sounds).sum(0)
    path = torch.tensor([57.0, 64.0])[:, None].expand(2, spectrum.shape[-1])
    tones = torch.zeros(2, HIGHEST - LOWEST + 1, HARMONICS)
    tones[:, :, :6] = 0.4
    fit = harmonic_fit.fit(spectrum.abs(), path, tones, 22050 / 4096, FitSettings("kl"))
    return sounds, spectrum, fit


def test_a_fresh_net_changes_nothing() -> None:
    _, _, fit = fifth()
    gains, skirt_gains, others = PartialNet(SMALL)(fit)
    assert gains.shape == skirt_gains.shape == fit.amplitudes.shape
    torch.testing.assert_close(gains, torch.ones_like(gains))
    assert others.shape == (len(fit.target),)
    assert bool(((others > 0) & (others < 0.2)).all())
    magnitudes = fit.magnitudes(gains) / fit.scale
    powers = PartialNet(SMALL).powers(fit)
    assert powers.shape == magnitudes.shape
    assert bool((powers[:2] >= magnitudes[:2].square()).all())


def test_features_are_finite_and_only_where_a_tooth_sounds() -> None:
    _, _, fit = fifth(0.3)
    seen, sounding = features(fit)
    assert seen.shape == (2, FEATURES, *sounding.shape[1:])
    assert bool(seen.isfinite().all())
    assert not bool(seen[:, :, sounding[0] == 0][0].any())
    assert 0 < float(sounding.mean()) < 1


def test_voices_hear_of_each_other() -> None:
    """What one voice's harmonics are told depends on the other voice that shares its bins."""
    _, _, fit = fifth(0.5)
    torch.manual_seed(1)
    net = PartialNet(SMALL)
    torch.nn.init.normal_(net.leave.weight)
    together = net(fit)[0].detach()
    weaker = HarmonicFit(
        fit.combs,
        fit.target,
        fit.noise,
        fit.amplitudes * torch.tensor([[[1.0]], [[0.1]]]),
        fit.expected,
        fit.scale,
    )
    assert float((net(weaker)[0][0].detach() - together[0]).abs().max()) > 1e-3


def test_it_learns_to_share_what_the_fit_cannot() -> None:
    sounds, spectrum, fit = fifth()
    torch.manual_seed(2)
    net = PartialNet(SMALL)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)

    def stems() -> torch.Tensor:
        masks = wiener.masks(net.powers(fit), SMALL.exponent)[:2]
        return STFT.inverse(masks * spectrum, sounds.shape[1])

    before = si_sdr(sounds, stems().detach()).mean()
    for _ in range(30):
        loss = (stems() - sounds).square().sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    after = si_sdr(sounds, stems().detach()).mean()
    assert float(after) > float(before) + 3.0
