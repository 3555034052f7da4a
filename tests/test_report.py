"""The report: what it says, that all of it is on its pages, and that it asks before it replaces anything."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import UserError
from app.hearing.audiogram import PRESETS, Audiogram
from app.hearing.trials import Trial, TrialResult, TrialSetting
from app.intended_use import INTENDED_USE, SCORE_CAVEAT
from app.profiles import Profile
from app.report import ensure_gui, paint_report, write_report
from app.report_content import (
    ONE_CURVE,
    OWN_CURVES,
    AudiogramChart,
    GainCharts,
    Heading,
    Paragraph,
    ReportData,
    ScoreLine,
    Table,
    content,
)

pytestmark = pytest.mark.usefixtures("qapp")

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LEFT = Audiogram(
    (250, 500, 1000, 2000, 4000, 8000), (20, 35, 45, 60, 95, 110), extrapolated=(8000,),
    bone=((1000, 30),), no_response=(4000.0,),
)  # fmt: skip
COMPARED = TrialResult(
    (
        TrialSetting("A", "Violin +3.0 dB", "off", gain_db=-2.5, score=(0.5, 0.61), reference="true stems"),
        TrialSetting("B", "As recorded", "nal-r"),
    ),
    tuple(Trial(("B", "A"), vote) for vote in (*"AAAAAAA", "")),
    "Trio in a minor",
    "Matched to equal loudness before amplification.",
    "Clearer.\nA bit harsh.",
    "2026-02-28T10:00:00+00:00",
)
PROFILE = Profile(
    "0123456789abcdef", "Erika", LEFT, PRESETS["N3"], (COMPARED.to_plain(),), "Left ear itches."
)
DATA = ReportData(
    PROFILE, "nal-r", 44_100, (("Recording", "Trio"),), (ScoreLine(0.7, 0.8, "true stems"),), "1.2", NOW
)


def said(data: ReportData) -> str:
    """All text of a report, a block a line and table cells between bars."""
    lines = []
    for block in content(data):
        if isinstance(block, Heading | Paragraph):
            lines.append(block.text)
        elif isinstance(block, Table):
            lines += [" | ".join(row) for row in (block.header, *block.rows)]
    return "\n".join(lines)


def test_it_says_everything_that_was_asked_for() -> None:
    text = said(DATA)
    for words in (
        "Erika", "Ripieno 1.2, 2026-03-01 12:30, profile 0123456789abcdef", INTENDED_USE, SCORE_CAVEAT,
        "WHO: ", "BSA: ", "Amplification | NAL-R (linear)", "Recording | Trio",
        "HAAQI | true stems | 0.80 | 0.70 | 0.75", "2026-02-28 10:00 · Trio in a minor",
        "A | Violin +3.0 dB | No amplification | −2.5 | 0.61, 0.50 (against: true stems)",
        "A | 7 of 7 | 100 % | 59 to 100 %", "95 % interval (chance 50 %)", "no difference heard in 1",
        "more than chance", "Matched to equal loudness", "Comment: Clearer.", "A bit harsh.",
        "Left ear itches.",
    ):  # fmt: skip
        assert words in text, words


def test_levels_that_were_not_heard_or_not_measured_are_marked() -> None:
    text = said(DATA)
    assert "4000 | 60 | > 95" in text
    assert "8000 | 65 * | 110 *" in text
    assert "375 | 35 | –" in text
    assert "was not heard" in text
    assert "not measured" in text


def test_targets_stand_beside_computed_gains() -> None:
    table = next(b for b in content(DATA) if isinstance(b, Table) and "Right target (dB)" in b.header)
    assert table.rows[0][:3] == ("250", "+0.1", "+3.8")
    assert len(table.rows) == 6
    compressor = said(replace(DATA, amplification="cad2"))
    assert "CAD2 six-band compressor" in compressor
    assert "ratio" in compressor.lower()


def test_the_curve_that_is_drawn_is_the_one_that_is_heard() -> None:
    uneven = replace(PROFILE, left=PRESETS["N2"], right=PRESETS["N5"])
    own, common = (content(replace(DATA, profile=uneven, way=way)) for way in ("headphones", "loudspeakers"))
    ears, both = (next(b for b in blocks if isinstance(b, GainCharts)) for blocks in (own, common))
    assert ears.right.computed_at(2000) > ears.left.computed_at(2000) + 10
    assert both.right == both.left
    assert both.right.computed_at(2000) == pytest.approx(ears.left.computed_at(2000), abs=0.1)
    assert OWN_CURVES in said(replace(DATA, way=None))
    assert ONE_CURVE in said(replace(DATA, way="loudspeakers"))


def test_without_a_remix_and_votes_it_says_so() -> None:
    bare = replace(DATA, profile=replace(PROFILE, trials=(), comment=""), scores=(), amplification="off")
    text = said(bare)
    assert "No remix was open" in text
    assert "None was made with this listener" in text
    assert "No amplification is chosen" in text
    assert "Notes" not in text


def test_what_a_later_version_kept_is_left_out() -> None:
    odd = replace(PROFILE, trials=({"kind": "of the future"}, COMPARED.to_plain()))
    assert said(replace(DATA, profile=odd)) == said(DATA)


def test_the_charts_are_there() -> None:
    blocks = content(DATA)
    assert [b for b in blocks if isinstance(b, AudiogramChart)] == [AudiogramChart(LEFT, PRESETS["N3"])]
    assert sum(isinstance(b, GainCharts) for b in blocks) == 1


def test_the_pdf_holds_the_text(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    pages = write_report(DATA, path)
    pdf = path.read_bytes()
    assert pdf.startswith(b"%PDF-1.")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == pages == 3
    assert path.stat().st_mode & 0o077 == 0
    painted = pdf_text(pdf)
    for words in ("Listener report", "Erika", "Trio in a minor", "Comment: Clearer.", "Page 3"):
        assert words.replace(" ", "") in painted, words


def test_long_reports_go_on_on_further_pages() -> None:
    trials = (COMPARED.to_plain(),) * 12
    long = replace(DATA, profile=replace(PROFILE, trials=trials, comment="word " * 700))
    _, pages = paint_report(content(long))
    assert pages > 5


def test_it_asks_before_it_replaces(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_text("something else")
    with pytest.raises(UserError, match="is there already"):
        write_report(DATA, path)
    assert path.read_text() == "something else"
    write_report(DATA, path, replace=True)
    assert path.read_bytes().startswith(b"%PDF")


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not be written"):
        write_report(DATA, tmp_path / "nowhere" / "report.pdf")
    with pytest.raises(UserError, match="is a folder"):
        write_report(DATA, tmp_path)


def test_the_application_there_is_is_used(qapp: object) -> None:
    assert ensure_gui() is qapp


def test_no_name_is_in_what_a_log_would_show() -> None:
    assert "Erika" not in repr(DATA)


def pdf_text(pdf: bytes) -> str:
    """The text of a PDF of Qt's, without spaces: glyphs back to letters by each font's own map."""
    streams = {}
    for number, data in re.findall(rb"(\d+) 0 obj\s*<<[^>]*>>\s*stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            streams[number] = zlib.decompress(data)
        except zlib.error:
            streams[number] = data
    maps: dict[bytes, dict[int, str]] = {}
    for font, number in re.findall(rb"(\d+) 0 obj\s*<<[^>]*?/ToUnicode (\d+) 0 R", pdf, re.DOTALL):
        maps[font] = letters(streams[number])
    text = []
    for stream in streams.values():
        font = b""
        for name, shown in re.findall(rb"/F(\d+) [\d.]+ Tf|<([0-9a-fA-F]+)>", stream):
            if name:
                font = name
            elif font in maps:
                codes = [int(shown[i : i + 4], 16) for i in range(0, len(shown), 4)]
                text.append("".join(maps[font].get(code, "") for code in codes))
    return "".join("".join(text).split())


def letters(cmap: bytes) -> dict[int, str]:
    found = {}
    for first, last, rest in re.findall(
        rb"<([0-9a-f]+)> <([0-9a-f]+)> (\[.*?\]|<[0-9a-f]+>)", cmap, re.I | re.S
    ):
        codes = re.findall(rb"<([0-9a-f]+)>", rest, re.I)
        for offset in range(int(last, 16) - int(first, 16) + 1):
            code = int(codes[min(offset, len(codes) - 1)], 16) + (offset if len(codes) == 1 else 0)
            found[int(first, 16) + offset] = chr(code)
    return found
