"""Sound from plans: many clips at once, on the processor or a graphics card.

Notes of about one length are made together: read from the bank at the speed that gives their pitch, their
harmonics weighed, shaped, and laid into their parts. Then every part goes through its spectral envelope, the
microphone's and the room in one filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from separation.training import augmentation
from separation.training.augmentation import TAPE
from separation.training.ensemble_plan import COLUMNS, SILENT_DB, ClipPlan
from separation.training.note_bank import MU_LAW, NoteBank

Samples = npt.NDArray[np.float32]
Columns = dict[str, torch.Tensor]

LEVEL = 0.05
"""The RMS of every part of a clip."""

CONTROL = 64
"""Samples between the points at which the speed of reading is worked out; straight in between."""

DRIFT = 0.035
"""How far the pitch of a note wanders in a second, in semitones (RMS)."""

_PROCESSOR_SAMPLES = 1 << 17
_CARD_SAMPLES = 1 << 26


class Renderer:
    """Makes the sound of plans, for clips of ``samples`` at ``sample_rate``, on ``device``.

    A graphics card gets the whole bank (float16 or bytes) once; the processor reads it where it lies.
    """

    def __init__(self, bank: NoteBank, sample_rate: int, samples: int, device: torch.device) -> None:
        self._sound = torch.from_numpy(bank.samples).to(device)
        self._bank_rate, self._rate, self._samples, self._device = (
            bank.sample_rate,
            sample_rate,
            samples,
            device,
        )
        self._white, self._soft = augmentation.noise_tape(device)
        self._mu_law = torch.from_numpy(MU_LAW).to(device)
        # small enough for the processor's cache, large enough to keep a card busy
        self._at_once = _PROCESSOR_SAMPLES if device.type == "cpu" else _CARD_SAMPLES

    @torch.inference_mode()
    def render(self, plans: Sequence[ClipPlan]) -> list[Samples]:
        """The clips' parts, ``(parts, samples)`` float32 each, every part at an RMS of :data:`LEVEL`."""
        if self._device.type != "cpu":
            return self._clips(plans) if plans else []
        # Nothing is won by making several together, and pieces this small are slower on two threads.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return [clip for plan in plans for clip in self._clips([plan])]
        finally:
            torch.set_num_threads(threads)

    def _clips(self, plans: Sequence[ClipPlan]) -> list[Samples]:
        parts = [part for plan in plans for part in plan.parts]
        played = torch.zeros(len(parts), self._samples, device=self._device)
        columns = {name: np.concatenate([part.notes[name] for part in parts]) for name in COLUMNS}
        owner = np.repeat(np.arange(len(parts)), [len(part.notes["at"]) for part in parts])
        harmonics = self._tensor(np.stack([part.harmonics_db for part in parts]))
        at, samples = columns["at"].astype(np.int64), columns["samples"].astype(np.int64)
        made = np.minimum(samples, self._samples - at)  # what comes after the clip's end is not made
        for rows, size in _together(made, self._at_once):
            picked = {
                name: torch.from_numpy(column[rows]).to(self._device) for name, column in columns.items()
            }
            weights = harmonics.index_select(0, torch.from_numpy(owner[rows]).to(self._device))
            tones = self._tones(picked, weights, size)
            for row, tone in zip(rows, tones, strict=True):
                begin, skipped = max(0, int(at[row])), max(0, -int(at[row]))
                count = int(made[row]) - skipped
                if count > 0:
                    played[owner[row], begin : begin + count] += tone[skipped : skipped + count]
        return self._recorded(plans, played)

    def _tones(self, notes: Columns, weights: torch.Tensor, size: int) -> torch.Tensor:
        """Notes ``(rows,)`` as sound ``(rows, size)``; ``weights`` ``(rows, harmonics)`` are gains in dB."""
        sound, lasting = self._read(notes, size)
        along = torch.arange(size, device=self._device, dtype=torch.float32)
        left = (lasting[:, None] - along).clamp_(min=0.0)
        sound *= (left / notes["release"].float()[:, None]).clamp_(max=1.0).square_()
        weighed = weights.any(1).nonzero()[:, 0]
        if len(weighed):
            hertz = notes["hertz"].index_select(0, weighed)
            tones = sound.index_select(0, weighed)
            changed = augmentation.harmonic_gains(tones, hertz, weights.index_select(0, weighed), self._rate)
            sound.index_copy_(0, weighed, changed)
        swell = (10 ** (notes["swell_db"] / 20) - 1).float() / lasting
        shape = (along / notes["attack"].float()[:, None]).clamp_(max=1.0)
        shape *= torch.addcmul(torch.ones_like(shape), swell[:, None], along)
        sound *= shape.mul_(left > 0)
        sound /= (sound.square().sum(1) / lasting.clamp(max=size)).sqrt_().add_(1e-6)[:, None]
        breathy = (notes["breath_db"] > SILENT_DB).nonzero()[:, 0]
        if len(breathy):
            places = notes["breath"].long().index_select(0, breathy)[:, None] + along.long()
            gain = 10 ** (notes["breath_db"].index_select(0, breathy) / 20)
            tones = sound.index_select(0, breathy)
            breath = self._soft[places % TAPE] * tones.abs() * gain.float()[:, None]
            sound.index_copy_(0, breathy, tones + breath)
        sound *= (10 ** (notes["level_db"] / 20)).float()[:, None]
        return sound

    def _read(self, notes: Columns, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Notes of the bank at their pitch ``(rows, size)``, and how many samples of each are sound.

        A note too short is played to and fro inside its sustained middle.
        """
        points = torch.arange(size // CONTROL + 1, device=self._device)
        seconds = points.double() * (CONTROL / self._rate)
        drift = self._white[(notes["drift"].long()[:, None] + points) % TAPE].double().cumsum(1)
        cents = drift * (DRIFT * (CONTROL / self._rate) ** 0.5)
        vibrato = torch.sin(2 * torch.pi * notes["rate"][:, None] * seconds + notes["phase"][:, None])
        cents += notes["depth"][:, None] * (seconds / 0.35).clamp(max=1.0) * vibrato
        speed = notes["step"][:, None] * torch.exp2(cents / 12)
        place = speed.cumsum(1).sub_(speed).mul_(CONTROL)  # the first point is at 0
        length = notes["length"][:, None]
        last = place.gather(1, (notes["samples"].clamp(max=size) / CONTROL).long()[:, None])
        begin, end = 0.3 * length, 0.75 * length
        span = 2 * (end - begin)
        turn = (place - end).clamp(min=0.0) % span
        folded = torch.where(place > end, end - torch.minimum(turn, span - turn), place)
        to_and_fro = (last > length - 2) & (length > 0.3 * self._bank_rate)
        place = torch.where(to_and_fro, folded, place)
        inside = (place < length - 1).sum(1)
        ended = (inside <= size // CONTROL) & (inside * CONTROL < notes["samples"])
        lasting = torch.where(ended, (inside - 1).clamp(min=1) * CONTROL, notes["samples"]).float()
        whole = place[:, :-1].floor()
        offset, slope = (place[:, :-1] - whole).float(), (place.diff(dim=1) / CONTROL).float()
        ramp = torch.arange(CONTROL, device=self._device, dtype=torch.float32)
        near = torch.addcmul(offset[:, :, None], slope[:, :, None], ramp)
        low = near.floor()
        index = (whole + notes["first"][:, None]).long()[:, :, None] + low.long()
        index = index.clamp_(0, len(self._sound) - 2).flatten()
        one, two = self._samples_at(index), self._samples_at(index + 1)
        return torch.lerp(one, two, near.sub_(low).flatten()).view(len(length), -1)[:, :size], lasting

    def _samples_at(self, index: torch.Tensor) -> torch.Tensor:
        kept = self._sound.index_select(0, index)
        return self._mu_law.index_select(0, kept.int()) if kept.dtype == torch.uint8 else kept.float()

    def _recorded(self, plans: Sequence[ClipPlan], played: torch.Tensor) -> list[Samples]:
        """Parts of several clips ``(parts, samples)`` in their rooms, before their microphones, one level."""
        parts = [(plan, part) for plan in plans for part in plan.parts]
        curves = self._tensor(np.stack([part.envelope_db + plan.microphone_db for plan, part in parts]))
        decay = np.array([plan.decay for plan, _ in parts])
        tails = None
        if decay.any():
            count = torch.arange(round(decay.max() * self._rate), device=self._device)
            begin = torch.tensor([part.tail for _, part in parts], device=self._device)
            level = self._tensor(np.array([part.reverberation_db for _, part in parts]))
            noise = self._white[(begin[:, None] + count) % TAPE]
            tails = augmentation.room_tails(noise, self._tensor(decay), level, self._rate)
        if decay.any() or curves.any():
            played = augmentation.filtered(played, curves, tails, self._rate)
        clips, first = [], 0
        for plan in plans:
            clip = played[first : first + len(plan.parts)]
            first += len(plan.parts)
            if plan.coder is not None:
                levels = self._tensor(np.array([10 ** (part.level_db / 20) for part in plan.parts]))
                clip = augmentation.compressed(_levelled(clip) * levels[:, None], self._rate, *plan.coder)
            clips.append(np.asarray(_levelled(clip).cpu().numpy()))
        return clips

    def _tensor(self, values: npt.NDArray[np.float64]) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self._device)


def _levelled(clip: torch.Tensor) -> torch.Tensor:
    """Parts ``(parts, samples)`` at the RMS that every part has."""
    return clip * (LEVEL / clip.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9))


def _together(samples: npt.NDArray[np.int64], at_once: int) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Groups of notes of nearly one length: which, and the length; at most ``at_once`` samples a group."""
    sizes = np.array([augmentation.fast_length(max(1, int(count))) for count in samples])
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        most = max(1, at_once // int(size))
        for first in range(0, len(rows), most):
            yield rows[first : first + most], int(size)
