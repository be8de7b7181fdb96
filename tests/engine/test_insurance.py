"""Credit insurance in a market: premiums, claims, recoveries, and what the lender has still to set aside."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest
from small import ROUGH, lived, scenario

import sim
from sim.engine.market import Market
from sim.errors import ScenarioError
from sim.institutions.insurer import HOLDER, Insurer
from sim.results.run import Run

INSURED = "lenders.ali.insurance"
LINE = {"revolving_line": {"premium": "3 %/year", "cover": 0.75}}
ALONE = {"lenders.ali.products.order_loan": None}  # nothing but lines
TIMES = ROUGH | {"calendar": {"start": "2012-02-15", "days": 150}, "lenders.ali.equity": "1.5 m yuan"}


@cache
def run_of(is_insured: bool, alone: bool = True) -> Run:
    changes = TIMES | (ALONE if alone else {}) | ({INSURED: LINE} if is_insured else {})
    return sim.simulate(scenario(changes), seed=3, threads=1)


@pytest.mark.parametrize("joint", [{}, {"lenders.ali.joint_lending": {"share": 0.4}}], ids=["alone", "jointly"])
def test_the_books_close_every_day(joint: dict[str, Any]) -> None:
    market = lived(scenario(TIMES | {INSURED: LINE} | joint), 0)
    while market.running:
        market.step()
        market.count_books()
        assert sum(grains for (holder, _), grains in market.books.balances.items() if holder == HOLDER) == 0
    assert market.books.owed_fen("ali", "claims") > 0


def test_claims_are_the_cover_of_what_is_written_off_and_recoveries_go_back() -> None:
    days = run_of(is_insured=True).daily
    assert days["written_off_fen"].sum() > 10_000
    assert days["recovered_fen"].sum() > 0
    expected = 0.75 * (days["written_off_fen"].sum() - days["recovered_fen"].sum())
    assert days["claims_fen"].sum() == pytest.approx(expected, abs=2)


def test_the_premium_is_its_rate_on_the_insured_balance() -> None:
    days = run_of(is_insured=True).daily
    nights = days["balance_fen"].shift(fill_value=0)
    assert days["premium_fen"].sum() == pytest.approx(0.03 * nights.sum() / 365, abs=1)


def test_a_product_without_cover_pays_and_claims_nothing() -> None:
    both = run_of(is_insured=True, alone=False).daily
    lines = sim.simulate(scenario(TIMES | {INSURED: {"order_loan": {"cover": 0.5}}}), seed=3, threads=1).daily
    assert 0 < both["premium_fen"].sum() < 0.03 * both["balance_fen"].sum() / 365
    assert lines["claims_fen"].sum() != both["claims_fen"].sum()


def test_what_is_insured_needs_no_allowance() -> None:
    days = run_of(is_insured=True).daily
    assert days["allowance_fen"].to_numpy() == pytest.approx(0.25 * days["expected_loss_fen"].to_numpy(), abs=2)


def test_insurance_costs_in_good_times_and_pays_in_bad_ones() -> None:
    """The same loans with and without: the difference of results is claims and allowance less premiums."""
    plain, insured = run_of(is_insured=False), run_of(is_insured=True)
    assert (plain.daily["disbursed_fen"] == insured.daily["disbursed_fen"]).all()  # money enough for all either way
    gained = insured.summary["profit"] - plain.summary["profit"]
    days = insured.daily
    spared = plain.daily["allowance_fen"].iloc[-1] - days["allowance_fen"].iloc[-1]
    paid = days["claims_fen"].sum() - days["premium_fen"].sum()
    less_debt = plain.daily["funding_cost_fen"].sum() - days["funding_cost_fen"].sum()
    assert 100 * gained == pytest.approx(paid + spared + less_debt, abs=3)
    assert gained > 0
    grown = days["equity_fen"].iloc[-1] - 150_000_000
    assert abs(100 * insured.summary["profit"] - grown) <= 3


def test_cover_may_begin_on_a_date() -> None:
    begins = {"cover": {"date": "2012-06-01", "set": {"insurance": LINE}}}
    days = sim.simulate(scenario(TIMES | ALONE | {"lenders.ali.changes": begins}), seed=3, threads=1).daily
    is_before = pd.to_datetime(days["date"]) < pd.Timestamp("2012-06-01")
    assert days.loc[is_before, ["premium_fen", "claims_fen"]].to_numpy().sum() == 0
    assert days.loc[~is_before, "premium_fen"].min() > 0
    assert days.loc[~is_before, "claims_fen"].sum() > 0


def test_the_insurer_is_an_agent_only_where_somebody_insures() -> None:
    for changes, n in (({}, 0), ({INSURED: LINE}, 1)):
        market = Market(scenario(changes), rng=1)
        assert [type(agent) for agent in market.agents].count(Insurer) == n


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"revolving_lin": {}}, 'lenders.ali.insurance.revolving_lin: "revolving_lin" is not known'),
        ({"revolving_line": {"cover": 1.2}}, "lenders.ali.insurance.revolving_line.cover: 1.2 is out of bounds"),
        ({"revolving_line": {"premium": 0.02}}, "lenders.ali.insurance.revolving_line.premium: 0.02 is a bare number"),
    ],
)
def test_what_cannot_be_insured_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario({INSURED: given})
    assert said in str(caught.value)


def test_an_insurer_does_not_pay_for_what_the_lender_forgives() -> None:
    cover = {"revolving_line": {"premium": "2 %/year", "cover": 1.0}}
    talks = {"policy": "fast", "offer": "forgiveness", "forgiven": 0.5}
    plan = ROUGH | {"lenders.ali.insurance": cover, "lenders.ali.negotiation": talks, "lenders.ali.equity": "2 m yuan"}
    run = sim.simulate(scenario(plan), seed=5, threads=1)
    lines = run.loans[run.loans["product"] == "revolving_line"]
    lost = int((lines["written_off_fen"] - lines["forgiven_fen"]).sum())
    assert int(lines["forgiven_fen"].sum()) > 0
    assert int(run.daily["claims_fen"].sum()) == lost - int(lines["recovered_fen"].sum())
