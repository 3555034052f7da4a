import json

import pytest

from separation.training import benchmark_table
from separation.training.benchmark import Found, Result

NAN, INF = float("nan"), float("inf")


def results() -> list[Result]:
    made = []
    for number, group in ((1, "real"), (2, "real"), (1, "unseen")):
        mixture = {"violin-1": -4.0, "violin-2": -6.0}
        oracle = {"violin-1": 9.0, "violin-2": 11.0}
        stems = {"violin-1": 2.0 + number, "violin-2": 1.0}
        found = {"net": Found(stems, {"violin-1": 5.0, "violin-2": 3.0}, 2.0)}
        made.append(Result(f"bach_{number:02d}", group, 10.0, mixture, oracle, found))
    solo = {"cello": -1.0}
    made.append(Result("duo", "real", 10.0, solo, {"cello": INF}, {"net": Found({"cello": NAN}, {}, 2.0)}))
    return made


def rows(page: str, first: str) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    return [row for row in cells if row[0] == first]


def test_the_page_has_a_table_for_each_group() -> None:
    page = benchmark_table.markdown(results(), title="Measured", notes=["Made by hand."])
    assert page.startswith("# Measured\n\nMade by hand.\n")
    assert "## real: 3 pieces, 30 s" in page
    assert "## unseen: 1 piece, 10 s" in page
    assert "Of these bach (2 pieces):" in page
    overview = rows(page, "net")
    # all three real pieces, the stem that is silent left out: stems 3, 1, 4, 1 over -4, -6, -4, -6
    assert overview[0] == ["net", "+2.2", "+7.2", "+7.0", "+7.2", "+9.0", "5.0×"]
    assert rows(page, "untouched mixture")[0][1] == "−4.2"
    assert rows(page, "oracle mask")[0][-1] == "–"
    assert rows(page, "duo") == [["duo", "cello", "−1.0", "–", "∞"]]
    assert rows(page, "bach_02")[0] == ["bach_02", "violin-1", "−4.0", "+4.0", "+9.0"]


def test_a_large_group_has_no_line_for_each_piece() -> None:
    page = benchmark_table.markdown(results()[:1] * 13, title="Measured")
    assert "every stem" not in page
    assert rows(page, "bach_01") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.44, "+3.4"), (-1.0, "−1.0"), (-0.01, "+0.0"), (NAN, "–"), (INF, "∞"), (-INF, "−∞")],
)
def test_figures_for_people(value: float, text: str) -> None:
    assert benchmark_table.decibels(value) == text


def test_json_has_the_same_figures() -> None:
    found = json.loads(json.dumps(benchmark_table.plain(results()), allow_nan=False))
    assert found["pieces"][3]["found"]["net"]["stems"] == {"cello": None}
    assert found["pieces"][3]["oracle"] == {"cello": "inf"}
    assert found["groups"]["real"]["net"]["mean"] == pytest.approx(2.25)
    assert found["groups"]["unseen"]["untouched mixture"]["mean"] == -5.0
    assert found["groups"]["unseen"]["net"]["speed"] == 5.0
