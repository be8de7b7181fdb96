"""The plausible sets of the reference scenario, as they are kept: all meet the hard targets, and all are different."""

from __future__ import annotations

import csv
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

import sim

FOLDER = Path(__file__).parents[2] / "experiments" / "ali_finance_2012h1"


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("search")


def test_twenty_sets_or_more_meet_all_hard_targets(search: ModuleType) -> None:
    with search.KEPT.open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    hard = {name for name, (_, _, is_hard) in search.bands().items() if is_hard}
    assert len(rows) >= 20
    assert search.RESPONSE in hard
    for row in rows:
        assert not hard & set(search.verdict(row)[2])
        assert row["seeds"] >= search.ENOUGH


def test_sets_are_plausible_differ_and_can_be_run(search: ModuleType) -> None:
    points = search.kept()
    for point in points:
        assert all(one.low <= point[name] <= one.high for name, one in search.RANGES.items())
    assert len({tuple(point.values()) for point in points}) == len(points)
    borrowing = sim.load(search.SCENARIO, search.settings(points[0])).merchants.borrowing
    assert borrowing.price_sensitivity == pytest.approx(points[0]["merchants.borrowing.price_sensitivity"])


def test_a_cheaper_loan_is_a_tenth_cheaper(search: ModuleType) -> None:
    usual, cheap = (sim.load(search.SCENARIO, over).lenders["ali"].products for over in ({}, search.cheaper()))
    for (name, before), (_, after) in zip(usual.offered(), cheap.offered(), strict=True):
        assert after.rate.ppm_year == pytest.approx(0.9 * before.rate.ppm_year, rel=1e-3), name
    assert search.response(100.0, 112.0) == pytest.approx(1.0757, rel=1e-3)  # log(1.12) / log(1 / 0.9)
