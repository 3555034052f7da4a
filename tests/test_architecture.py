"""The picture in docs/architecture.md is true to the imports."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest

PICTURE = Path(__file__).parents[1] / "docs" / "architecture.md"


def arrows() -> list[tuple[str, str]]:
    return re.findall(r"^\s*([\w.]+) --> ([\w.]+)\s*$", PICTURE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", "separation", "ui")


def test_the_picture_has_arrows():
    assert len(arrows()) > 20


@pytest.mark.parametrize(("known", "knower"), arrows())
def test_an_arrow_is_an_import(graph: grimp.ImportGraph, known: str, knower: str):
    assert {known, knower} <= graph.modules, "the picture names a module that is gone"
    assert graph.chain_exists(importer=knower, imported=known), f"{knower} no longer knows {known}"
    assert not graph.chain_exists(importer=known, imported=knower), f"{known} knows {knower} too: no way back"
