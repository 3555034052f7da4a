"""What a listener's report says, in order, as plain blocks: :mod:`app.report` only paints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.hearing.aided import LOUD_DB_SPL, EarGain, ear_gains
from app.hearing.audiogram import Audiogram
from app.hearing.averages import in_words
from app.hearing.listener_chain import ears_of
from app.hearing.remix_window import PRESENTATION_DB
from app.hearing.trials import CONFIDENCE, TrialResult, TrialSetting, results
from app.intended_use import INTENDED_USE, SCORE_CAVEAT
from app.names import MINUS
from app.profiles import Profile

AMPLIFICATION_WORDS = {
    "off": "No amplification",
    "nal-r": "NAL-R (linear)",
    "cad2": "CAD2 six-band compressor",
}
"""The kinds of amplification in words."""
_NAL_R_LIMIT = (
    "NAL-R was made for mild to moderate losses; for severe and for steep ones it is a rough guess."
)
_LOUD = f" Computed for {PRESENTATION_DB:g} dB SPL; the thin line is for {LOUD_DB_SPL:g} dB SPL."
OWN_CURVES = "Each ear has a curve of its own, as it is amplified for headphones without hearing aids."
ONE_CURVE = (
    "One curve for both ears, as it is amplified from loudspeakers, which both ears hear: for the better ear "
    "at each frequency."
)
_DIFFERENCE = (
    "The target is the prescription’s formula; computed is what the filter that is really used does, "
    "measured with a probe. Where they differ, the computed gain is what is heard and scored."
)


@dataclass(frozen=True)
class Heading:
    """A heading; level 0 is the report's title."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Text that wraps."""

    text: str
    small: bool = False


@dataclass(frozen=True)
class Table:
    """Cells of text, a row of headings first."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class AudiogramChart:
    """Both ears' audiograms."""

    left: Audiogram
    right: Audiogram


@dataclass(frozen=True)
class GainCharts:
    """Both ears' gains, the right one on the left, as an audiologist sees a face."""

    left: EarGain
    right: EarGain


Block = Heading | Paragraph | Table | AudiogramChart | GainCharts


@dataclass(frozen=True)
class ScoreLine:
    """A score of the open remix: HAAQI of both ears, and the reference that it is against, by name."""

    left: float
    right: float
    reference: str
    what: str = "HAAQI"
    note: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything that a report is made of.

    ``settings`` are pairs of a name and its value in words; ``way`` is how one listens, one of
    :data:`~app.hearing.listener_chain.WAYS`, or None where that was not asked.
    """

    profile: Profile = field(repr=False)
    amplification: str = "nal-r"
    sample_rate: float = 44_100.0
    settings: tuple[tuple[str, str], ...] = ()
    scores: tuple[ScoreLine, ...] = ()
    version: str = ""
    date: datetime = field(default_factory=lambda: datetime.now().astimezone())
    way: str | None = None


def content(data: ReportData) -> list[Block]:
    """The report's blocks, in order."""
    profile = data.profile
    version = f"Ripieno {data.version}".strip()
    return [
        Heading("Listener report", 0),
        Paragraph(profile.name or "A listener without a name"),
        Paragraph(f"{version}, {data.date:%Y-%m-%d %H:%M}, profile {profile.id}", small=True),
        Paragraph(INTENDED_USE),
        *_audiograms(profile),
        *_settings(data),
        *_gains(data),
        *_scores(data),
        *_comparisons(results(profile.trials)),
        *_notes(profile.comment),
    ]


def _notes(comment: str) -> list[Block]:
    return [Heading("Notes"), *_lines(comment)] if comment.strip() else []


def _audiograms(profile: Profile) -> list[Block]:
    frequencies = sorted({*profile.left.frequencies, *profile.right.frequencies})
    rows = tuple((f"{f:g}", threshold(profile.right, f), threshold(profile.left, f)) for f in frequencies)
    blocks: list[Block] = [
        Heading("Audiograms"),
        AudiogramChart(profile.left, profile.right),
        Paragraph("Right ear: red O, full line. Left ear: blue X, dashed line.", small=True),
        Table(("Frequency (Hz)", "Right ear (dB HL)", "Left ear (dB HL)"), rows),
        *(Paragraph(line, small=True) for line in in_words(profile.listener)),
    ]
    ears = (profile.left, profile.right)
    if any(ear.no_response for ear in ears):
        blocks.append(Paragraph("An arrow (in the table: >) marks a level that was not heard.", small=True))
    if any(ear.extrapolated for ear in ears):
        blocks.append(
            Paragraph(
                "A dotted ring (in the table: *) marks a level carried on from the frequency below, "
                "not measured.",
                small=True,
            )
        )
    return blocks


def threshold(ear: Audiogram, frequency: float) -> str:
    """An ear's level at a frequency as a table shows it; a dash where it was not measured."""
    if frequency not in ear.frequencies:
        return "–"
    level = ear.levels[ear.frequencies.index(frequency)]
    before = "> " if frequency in ear.no_response else ""
    after = " *" if frequency in ear.extrapolated else ""
    return before + figure(level) + after


def _settings(data: ReportData) -> list[Block]:
    rows = (("Amplification", words_for(data.amplification)), *data.settings)
    return [Heading("Settings"), Table(("Setting", "Value"), rows)]


def _gains(data: ReportData) -> list[Block]:
    if data.amplification == "off":
        return [Heading("Prescription"), Paragraph("No amplification is chosen.")]
    ears = ears_of(data.profile.listener, data.way or "headphones")
    left, right = ear_gains(ears, data.amplification, data.sample_rate)
    rows = tuple(
        (
            f"{hz:g}",
            signed(target),
            signed(right.computed_at(hz)),
            signed(other),
            signed(left.computed_at(hz)),
        )
        for (hz, target), (_, other) in zip(right.target, left.target, strict=True)
    )
    header = ("Frequency (Hz)", "Right target (dB)", "Right computed", "Left target (dB)", "Left computed")
    return [
        Heading(f"Prescription: {words_for(data.amplification)}"),
        GainCharts(left, right),
        Paragraph(ONE_CURVE if data.way == "loudspeakers" else OWN_CURVES, small=True),
        Paragraph("Symbols: target. Line: computed." + (_LOUD if right.loud else ""), small=True),
        Table(header, rows),
        *([_ratios(left, right)] if right.ratios else []),
        Paragraph(_DIFFERENCE, small=True),
        *([Paragraph(_NAL_R_LIMIT, small=True)] if data.amplification == "nal-r" else []),
    ]


def _ratios(left: EarGain, right: EarGain) -> Table:
    rows = tuple(
        (f"{hz:g}", f"{a:.2f}", f"{b:.2f}")
        for (hz, _), a, b in zip(right.target, right.ratios, left.ratios, strict=True)
    )
    return Table(("Frequency (Hz)", "Right compression ratio", "Left compression ratio"), rows)


def _scores(data: ReportData) -> list[Block]:
    blocks: list[Block] = [Heading("Scores")]
    if not data.scores:
        return [
            *blocks,
            Paragraph("No remix was open when this report was made, so it holds no score of one."),
        ]
    rows = tuple(
        (s.what, s.reference, f"{s.right:.2f}", f"{s.left:.2f}", f"{(s.left + s.right) / 2:.2f}")
        for s in data.scores
    )
    blocks.append(Table(("Score", "Against", "Right ear", "Left ear", "Mean"), rows))
    blocks += [Paragraph(score.note, small=True) for score in data.scores if score.note]
    blocks.append(Paragraph(SCORE_CAVEAT, small=True))
    return blocks


def _comparisons(found: Sequence[TrialResult]) -> list[Block]:
    blocks: list[Block] = [Heading("Blind comparisons")]
    if not found:
        return [*blocks, Paragraph("None was made with this listener.")]
    for result in found:
        blocks += _comparison(result)
    return blocks


def _comparison(result: TrialResult) -> list[Block]:
    count = len(result.trials)
    settings = tuple(
        (s.label, s.mix, words_for(s.amplification), signed(s.gain_db), score_words(s))
        for s in result.settings
    )
    shares = tuple(
        (
            s.label,
            f"{s.votes} of {s.of}",
            f"{100 * s.value:.0f} %",
            f"{100 * s.low:.0f} to {100 * s.high:.0f} %",
        )
        for s in result.shares()
    )
    chance = f"chance {100 * result.chance:.0f} %"
    title = " · ".join(filter(None, (result.date[:16].replace("T", " "), result.recording)))
    blocks: list[Block] = [
        Heading(title or "A comparison", 2),
        Table(("Setting", "Mix", "Amplification", "Turned by (dB)", "HAAQI right, left"), settings),
        Paragraph(
            f"{count} trial{'s' if count != 1 else ''}, each in a hidden random order; no difference heard "
            f"in {result.no_difference}.",
        ),
        Table(("Setting", "Preferred", "Share", f"{100 * CONFIDENCE:.0f} % interval ({chance})"), shares),
        Paragraph(result.verdict()),
    ]
    if result.matching:
        blocks.append(Paragraph(result.matching, small=True))
    if result.comment:
        first, *rest = _lines(result.comment)
        blocks += [Paragraph(f"Comment: {first.text}"), *rest]
    return blocks


def _lines(text: str) -> list[Paragraph]:
    return [Paragraph(line.strip()) for line in text.splitlines() if line.strip()]


def words_for(kind: str) -> str:
    """A kind of amplification in words; a kind of a later version as it is written."""
    return AMPLIFICATION_WORDS.get(kind, kind)


def score_words(setting: TrialSetting) -> str:
    """A setting's scores with their reference, or a dash."""
    if setting.score is None:
        return "–"
    left, right = setting.score
    return f"{right:.2f}, {left:.2f} (against: {setting.reference})"


def figure(value: float) -> str:
    """A number with a real minus sign and no needless decimals."""
    return f"{MINUS if value < 0 else ''}{abs(value):g}"


def signed(value: float) -> str:
    """A number of decibels with its sign and one decimal."""
    rounded = round(value, 1)
    return f"{MINUS if rounded < 0 else '+' if rounded > 0 else ''}{abs(rounded):.1f}"
