"""Special need: who reports one, whom the lender believes, and that the limit is raised for one evening only."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from small import YUAN, lived, scenario

import sim
from sim.core.loanbook import SECURED
from sim.engine.market import Market
from sim.engine.special_need import report_needs
from sim.lenders.special_need import SpecialNeed, is_convinced
from sim.results.run import Run
from sim.world.promotions import MEANS_TO

BUSY: dict[str, Any] = {
    "merchants.number": 1500,
    "merchants.borrowing.habit_mean": 0.3,
    "merchants.spells": {"hot": 0.01, "hot_days": "10 days"},
    "calendar": {"start": "2012-03-01", "days": 60},
    "lenders.ali.equity": "20 m yuan",
    "lenders.ali.products": {"order_loan": None},
    "lenders.ali.limit.multiple": 0.3,
}
RAISES = {"lenders.ali.special_need": {"multiple": 3.0, "evidence": 1.2}}
SALE = {"events": {"sale": {"date": "2012-04-20", "kind": "promotion", "lift": 3.0}}}


@cache
def run(kind: str) -> Run:
    changes = {"plain": {}, "hot": RAISES, "nothing more": {"lenders.ali.special_need": {"multiple": 1.0}}}[kind]
    return sim.simulate(scenario(BUSY | changes), seed=4, threads=1)


def evening(changes: dict[str, Any], days: int = 40) -> Market:
    return lived(scenario(BUSY | changes), days, seed=4)


def test_some_report_and_get_more() -> None:
    plain, hot = run("plain"), run("hot")
    asked, met = (int(hot.daily[name].sum()) for name in ("special_needs", "special_needs_met"))
    assert 0 < met <= asked
    assert not plain.daily[["special_needs", "special_needs_met"]].to_numpy().any()
    raised = hot.applications["limit_fen"] - hot.applications["granted_fen"]
    assert (raised >= 0).all()
    assert hot.loans["principal_fen"].sum() > plain.loans["principal_fen"].sum()


def test_a_limit_that_counts_once_changes_nothing() -> None:
    """Reports alone move nobody's luck, and nothing of them is kept."""
    plain, same = run("plain"), run("nothing more")
    assert same.daily["special_needs"].sum() > 0
    for table in ("loans", "applications"):
        assert getattr(plain, table).equals(getattr(same, table))


def test_it_is_raised_for_tonights_request_and_stands_as_before_tomorrow() -> None:
    market = evening(RAISES)
    m, terms, day = market.merchants, market.lenders[0], market.calendar[market.day_index - 1]
    rows = np.arange(m.n)
    reports = report_needs(market, terms, rows, np.full(m.n, 10**9), day)
    assert reports.is_met.any()
    assert (reports.is_made & ~reports.is_met).any()
    standing = m.lender["limit_fen"][0].copy()
    market.step()
    table = market.recorder.take()["applications"]
    last = {name: table.column(name).to_numpy(zero_copy_only=False) for name in ("merchant_id", "limit_fen", "date")}
    assert m.lender["limit_fen"][0].max() <= terms.spec.joint_cap
    kept = dict(zip(m.merchant_id.tolist(), m.lender["limit_fen"][0].tolist(), strict=True))
    seen = list(zip(last["merchant_id"].tolist(), last["limit_fen"].tolist(), strict=True))
    assert any(limit > kept[merchant] for merchant, limit in seen)
    assert standing.size == m.n


def test_who_has_neither_hot_product_nor_promotion_reports_nothing() -> None:
    market = evening(RAISES)
    m, day = market.merchants, market.calendar[market.day_index - 1]
    reports = report_needs(market, market.lenders[0], np.arange(m.n), np.full(m.n, 10**9), day)
    assert not reports.is_made[m.spell <= 0].any()
    content = report_needs(market, market.lenders[0], np.arange(m.n), np.zeros(m.n, np.int64), day)
    assert not content.is_made[m.lender["line_fen"][0] < m.lender["limit_fen"][0]].any()  # the limit is enough


def test_a_promotion_in_sight_is_reported_by_those_who_mean_to_join() -> None:
    market = evening(RAISES | SALE | {"merchants.spells": {"hot": 0.0}})
    m, day = market.merchants, market.calendar[market.day_index - 1]
    reports = report_needs(market, market.lenders[0], np.arange(m.n), np.full(m.n, 10**9), day)
    assert reports.is_met.any()
    assert not reports.is_made[(m.promotion & MEANS_TO) == 0].any()
    after = evening(RAISES | SALE | {"merchants.spells": {"hot": 0.0}}, days=58)  # it is over
    day = after.calendar[57]
    m = after.merchants
    assert not report_needs(after, after.lenders[0], np.arange(m.n), np.full(m.n, 10**9), day).is_made.any()


def convinced(more: float = 0.0, **columns: float) -> bool:
    usual = {"sales_mean_7d": 10_000.0, "sales_mean_30d": 10_000.0, "worst_dpd": 0, "is_flagged": 0}
    seen = {name: np.array([value]) for name, value in (usual | columns).items()}
    return bool(is_convinced(SpecialNeed(multiple=1.5, evidence=1.3), seen, np.array([more], np.float32))[0])


@pytest.mark.parametrize(
    ("columns", "more", "is_believed"),
    [
        ({}, 0.0, False),
        ({"sales_mean_7d": 13_000.0}, 0.0, True),
        ({"sales_mean_7d": 12_900.0}, 0.0, False),
        ({"sales_mean_7d": 13_000.0, "worst_dpd": 1}, 0.0, False),
        ({"sales_mean_7d": 13_000.0, "is_flagged": 1}, 0.0, False),
        ({"sales_mean_7d": 0.0, "sales_mean_30d": 0.0}, 0.0, False),
        ({}, 0.5, True),
        ({}, 0.2, False),
        ({"worst_dpd": 4}, 0.5, False),
    ],
)
def test_the_lender_looks_at_sales_calendar_and_record(
    columns: dict[str, float], more: float, is_believed: bool
) -> None:
    assert convinced(more, **columns) == is_believed


def test_a_raised_limit_is_whole_hundreds_within_the_joint_cap() -> None:
    changes = {"lenders.ali.special_need": {"multiple": 1.5}, "lenders.ali.joint_cap": "20000 yuan"}
    lender = lived(scenario(BUSY | changes), 0).lenders[0]
    limit = np.array([1_000, 1_300, 15_000, 20_000]) * YUAN
    raised = lender.raised(limit, np.array([True, True, True, False]))
    assert raised.tolist() == [1_500 * YUAN, 1_900 * YUAN, 20_000 * YUAN, 20_000 * YUAN]


def test_secured_loans_know_no_special_need() -> None:
    changes = {"lenders.ali.products": {"revolving_line": None}}
    run = sim.simulate(scenario(BUSY | RAISES | changes), seed=4, threads=1)
    assert len(SECURED) > 0
    plain = sim.simulate(scenario(BUSY | changes), seed=4, threads=1)
    assert run.applications["limit_fen"].equals(plain.applications["limit_fen"])
