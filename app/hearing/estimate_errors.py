"""What separated stems say of their own errors: how large they are likely to be, where, and how they sound.

A mask separator takes each stem as a share m_i of the mixture X in every cell of the spectrogram. Were the
stems Gaussian with the variances that these shares stand for, then what is not known of them, once the
mixture is, would have the covariance (diag(m) − m·mᵀ)·|X|² (the posterior of the Wiener filter; Liutkus &
Badeau 2015, "Generalized Wiener filtering with fractional power spectrograms", ICASSP). The errors of all
stems add up to nothing, since the stems add up to the recording. So a remix with the gains g errs by
Σ g_i·e_i, whose expected power in a cell is |X|² times the variance of the gains under the shares::

    |X|² · ( Σ m_i·g_i² − (Σ m_i·g_i)² )

It vanishes where one stem is alone, and everywhere when all gains are equal. Errors of that size are drawn,
half of each with random phases, and half by turning the mixture's own cells up and down, which is what
sound does that went to the wrong stem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import istft, stft

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Spectra = NDArray[np.complex64]

WINDOW_SECONDS = 0.093
"""The spectrogram's window, as the separators' own; a quarter of it is the step."""
_SMOOTH_CELLS = (2.0, 6.0)
"""How far a coherent error reaches: about 25 Hz and 0.14 s (standard deviations), a partial of a note."""
_TINY = 1e-20


@dataclass(frozen=True, eq=False)
class ExpectedError:
    """The error that a remix of one ear is likely to have.

    ``signals`` (draws, samples) are draws of it, each to be added to the remix; ``level`` is its expected
    power over the remix's (≥ 0).
    """

    signals: Doubles
    level: float


class StemErrors:
    """The stems of one ear and one window as shares of their mixture; it draws the errors of remixes.

    ``stems`` is (stems, samples), the residual among them; ``sample_rate`` in Hz. The draws are the same
    for the same seed, so that a score follows the gains and nothing else. ``coherent`` (0…1) is the share of
    the error's power that turns the mixture's own cells up and down. ``draws`` is how many errors are drawn:
    the seed moves a score of about 0.5 by up to 0.03 (standard deviation), but means of two came no closer.
    """

    def __init__(
        self,
        stems: NDArray[np.floating],
        sample_rate: float,
        *,
        seed: int = 0,
        coherent: float = 0.5,
        draws: int = 1,
    ) -> None:
        self._samples = stems.shape[1]
        self._size = 4 * max(1, round(WINDOW_SECONDS * sample_rate / 4))
        self._rate = sample_rate
        self._coherent = coherent
        spectra = [self._forward(stem) for stem in stems]
        sizes = np.stack([np.abs(spectrum) for spectrum in spectra])
        self._shares: Floats = sizes / (sizes.sum(0) + _TINY)
        self._mixture: Spectra = np.sum(spectra, axis=0, dtype=np.complex64)
        rng = np.random.default_rng(seed)
        self._draws = [self._one_draw(rng) for _ in range(draws)]

    def _one_draw(self, rng: np.random.Generator) -> tuple[Spectra, Floats]:
        """White noise in the spectrogram, and a smooth field over it, both of mean power 1."""
        white = self._forward(np.asarray(rng.standard_normal(self._samples)))
        noise = white / np.sqrt(np.mean(np.square(np.abs(white))) + _TINY)
        field = gaussian_filter(rng.standard_normal(white.shape).astype(np.float32), _SMOOTH_CELLS)
        return np.asarray(noise, np.complex64), np.asarray(field / (field.std() + _TINY), np.float32)

    def draw(self, gains: Doubles) -> ExpectedError:
        """Errors of the remix with linear ``gains`` (stems,), ≥ 0: one of silence where all are equal."""
        weights = gains.astype(np.float32)
        if not np.ptp(weights):  # the errors of all stems add up to nothing
            return ExpectedError(np.zeros((1, self._samples)), 0.0)
        centre = np.tensordot(weights, self._shares, 1)
        spread = np.zeros_like(centre)
        for weight, share in zip(weights, self._shares, strict=True):
            spread += share * np.square(weight - centre)
        deviation = np.sqrt(spread)
        size = np.abs(self._mixture) * deviation
        remix = float(np.square(np.abs(self._mixture) * centre).sum())
        level = float(np.square(size).sum()) / remix if remix > 0 else 0.0
        random = np.float32(np.sqrt(1.0 - self._coherent)) * size
        turned = np.float32(np.sqrt(self._coherent)) * self._mixture * deviation
        signals = [self._backward(noise * random + field * turned) for noise, field in self._draws]
        return ExpectedError(np.stack(signals), level)

    def _forward(self, signal: NDArray[np.floating]) -> Spectra:
        padded = np.zeros(max(self._samples, self._size), np.float32)  # as long as one window at least
        padded[: self._samples] = signal
        spectrum = stft(padded, self._rate, "hann", self._size, self._size - self._size // 4)[2]
        return np.asarray(spectrum, np.complex64)

    def _backward(self, spectrum: Spectra) -> Doubles:
        signal = istft(spectrum, self._rate, "hann", self._size, self._size - self._size // 4)[1]
        return np.asarray(signal[: self._samples], np.float64)
