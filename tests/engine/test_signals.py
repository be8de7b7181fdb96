"""Signals that a lender buys: what they tell, when they are bought, what they cost, and who may look at them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import YUAN, lived, scenario

import sim
from sim.core.merchants import FRAUDSTER, HONEST, OPPORTUNIST, SIGNALS
from sim.engine.market import Market
from sim.engine.signals import cost_of_renewals, read_signals
from sim.errors import ScenarioError
from sim.lenders.policy import DECIDING, KINDS, columns_for
from sim.results.run import Run
from sim.world.signals import read, unread

BUYS: dict[str, Any] = {
    "merchants.number": 1000,
    "merchants.borrowing.habit_mean": 0.15,
    "merchants.character": {"opportunists": 0.3, "fraudsters": 0.1},
    "calendar": {"start": "2012-03-01", "days": 80},
    "lenders.ali.equity": "10 m yuan",
    "lenders.ali.signals": {"psychometric": {"cost": "3 yuan", "noise": 0.1, "valid_for": "30 days"}},
    "lenders.ali.scoring": {"policy": "lie_score:LieScore", "weight": 2.0},
}
CHEAP = {"lenders.ali.signals": {"psychometric": {"cost": "0 yuan", "noise": 0.1, "valid_for": "30 days"}}}


@cache
def run(kind: str) -> Run:
    changes = {"bought": {}, "free": CHEAP, "blind": CHEAP | {"lenders.ali.scoring.weight": 0.0}}[kind]
    return sim.simulate(scenario(BUYS | changes), seed=4, threads=1)


@cache
def market() -> Market:
    return lived(scenario(BUYS), 79, seed=4)


def reading(name: str, noise: float = 0.0, z: float = 0.0, overstated: float = 0.3) -> Any:
    m = market().merchants
    rows = np.arange(m.n)
    return read(name, m, rows, np.full(m.n, z), noise, overstated, shifted=0.4, rival=0.0)


def test_who_may_look_at_signals() -> None:
    for kind in KINDS:
        assert set(SIGNALS) <= set(columns_for(kind)) or kind not in DECIDING
        assert not set(SIGNALS) & set(columns_for(kind)) or kind in DECIDING


def test_the_scale_of_concealment_goes_with_integrity_and_noise() -> None:
    m, found = market().merchants, reading("psychometric")
    for code, expected in ((HONEST, 0.25), (OPPORTUNIST, 0.5), (FRAUDSTER, 0.75)):
        assert (found[m.integrity == code] == np.float32(expected)).all()
    assert np.allclose(reading("psychometric", 0.2, 1.0)[m.integrity == HONEST], 0.45)
    assert reading("psychometric", 3.0, 1.0).max() == 1.0


def test_papers_tell_true_sales_wherever_paid_and_declarations_more() -> None:
    m, papers, declared = market().merchants, reading("tax_sales"), reading("declared_sales")
    plain = (m.wash == 0) & (m.retreat == 0)
    whole = m.sales_mean_90d / np.maximum(1.0 - m.off_platform, 0.1)
    assert np.allclose(papers[plain], whole[plain], rtol=1e-5)
    fakes = (m.wash > 0) & (m.wash_level > 0) & (m.retreat == 0) & (whole > 0)
    assert (papers[fakes] < whole[fakes]).all()
    for code, more in ((HONEST, 1.0), (OPPORTUNIST, 1.3), (FRAUDSTER, 1.6)):
        who = m.integrity == code
        assert np.allclose(declared[who], more * papers[who], rtol=1e-5)
    assert np.allclose(reading("tax_sales", 0.5, 1.0), papers * np.exp(0.5 - 0.125), rtol=1e-5)


def test_a_visitor_finds_fewer_goods_where_orders_are_faked() -> None:
    m, found = market().merchants, reading("site_visit")
    assert (found[m.wash == 0] == 1.0).all()
    assert (found[(m.wash > 0) & (m.wash_level > 0)] < 1.0).all()
    assert (unread("site_visit", m, np.arange(m.n)) == 1.0).all()


def test_only_applicants_and_customers_are_read() -> None:
    it = market()
    m, day, lender = it.merchants, it.calendar[it.day_index - 1], it.lenders[0]
    rows = np.arange(m.n)
    reviewed, asked = (read_signals(it, lender, ["psychometric"], rows, day, applies=a)["psychometric"] for a in (0, 1))
    first = m.lender["first_loan_day"][0]
    assert (reviewed[first == 0] == 0.5).all()
    assert (asked[first == 0] != 0.5).mean() > 0.9
    assert np.array_equal(reviewed[first > 0], asked[first > 0])  # an application of a customer buys nothing
    by_character = [float(asked[m.integrity == code].mean()) for code in (HONEST, OPPORTUNIST, FRAUDSTER)]
    assert by_character == pytest.approx([0.25, 0.5, 0.75], abs=0.05)


def test_a_reading_stands_until_it_has_aged() -> None:
    it = market()
    m, lender = it.merchants, it.lenders[0]
    first = m.lender["first_loan_day"][0]
    customers = np.flatnonzero(first > 0)
    by_age: dict[int, Any] = {}
    for day in it.calendar[-40:]:
        found = read_signals(it, lender, ["psychometric"], customers, day, applies=False)["psychometric"]
        for window in np.unique((day.number - first[customers]) // 30):
            if window >= 0:
                same = (day.number - first[customers]) // 30 == window
                known = by_age.setdefault(int(window), np.full(customers.size, np.nan))
                again = same & ~np.isnan(known)
                assert np.array_equal(known[again], found[again])
                known[same] = found[same]
    both = ~np.isnan(by_age[0]) & ~np.isnan(by_age[1])
    assert both.any()
    assert (by_age[0][both] != by_age[1][both]).mean() > 0.9


def test_the_cost_is_that_of_new_applicants_and_of_renewals() -> None:
    paid, free = run("bought"), run("free")
    assert paid.applications.drop(columns=["limit_fen"]).equals(free.applications.drop(columns=["limit_fen"]))
    first = paid.loans.groupby("merchant_id")["opened"].min()
    asked = paid.applications.merge(first.rename("first"), left_on="merchant_id", right_index=True, how="left")
    n_new = int((asked["first"].isna() | (asked["date"] <= asked["first"])).sum())
    cost = paid.daily["signal_cost_fen"].sum()
    assert not free.daily["signal_cost_fen"].any()
    assert cost >= n_new * 3 * YUAN
    n_due = sum(int(((paid.daily["date"].max() - one).days) // 30) for one in first)
    assert cost <= (n_new + n_due) * 3 * YUAN
    assert cost > n_new * 3 * YUAN
    more = paid.daily["operating_cost_fen"] - free.daily["operating_cost_fen"]
    assert (more == paid.daily["signal_cost_fen"]).all()


def test_who_seems_to_conceal_something_gets_less() -> None:
    told, blind = run("free"), run("blind")
    share = []
    for one in (told, blind):
        seen = one.applications.merge(one.merchants[["merchant_id", "integrity"]], on="merchant_id")
        lent = seen.groupby("integrity")["granted_fen"].sum()
        share.append(float(lent.get("fraudster", 0) / lent.sum()))
        assert "seen_psychometric" in one.applications
    assert share[0] < 0.5 * share[1]


def test_with_a_delay_the_first_loan_is_decided_without_it() -> None:
    late = {"lenders.ali.signals": {"psychometric": {"cost": "3 yuan", "noise": 0.1, "delay": "10 days"}}}
    slow = sim.simulate(scenario(BUYS | late), seed=4, threads=1)
    first = slow.loans.groupby("merchant_id")["opened"].min()
    asked = slow.applications.merge(first.rename("first"), left_on="merchant_id", right_index=True, how="left")
    age = (asked["date"] - asked["first"]).dt.days
    assert (asked.loc[~(age >= 10), "seen_psychometric"] == 0.5).all()
    assert (asked.loc[age >= 10, "seen_psychometric"] != 0.5).mean() > 0.9
    assert slow.daily["signal_cost_fen"].sum() == len(first) * 3 * YUAN


def test_customers_are_read_again_on_their_day() -> None:
    it = market()
    m, lender = it.merchants, it.lenders[0]
    first = m.lender["first_loan_day"][0].astype(int)
    for day in it.calendar[-5:]:
        due = (first > 0) & (first < day.number) & ((day.number - first) % 30 == 0)
        due &= (m.status == 1) & m.lender["is_visible"][0]
        assert cost_of_renewals(it, lender, day) == 3 * YUAN * int(due.sum())


@pytest.mark.parametrize(
    "changes",
    [
        {"lenders.ali.signals": {}},
        {"lenders.ali.signals": {"tax_sales": {}}},
        {"lenders.ali.changes": {"later": {"date": "2012-03-20", "set": {"signals.psychometric": None}}}},
    ],
)
def test_a_policy_that_looks_at_what_is_not_bought_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match="scoring policy looks at psychometric, which the lender does not buy"):
        scenario(BUYS | changes)


def test_nobody_knows_another_signal(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="horoscope"):
        scenario({"lenders.ali.signals": {"horoscope": {"cost": "1 yuan"}}})
