"""The regulator: dated rules of facts C.13 and C.14, and what a breach of each does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import SCENARIOS, lived, scenario
from typer.testing import CliRunner

import sim
from sim.app.cli import app
from sim.engine.checkpoint import restore, save
from sim.engine.market import Market
from sim.errors import RuleError
from sim.institutions.dated_rules import LIFTED, ceiling, floor, rules_on
from sim.institutions.regulation import Regulation, RuleChange
from sim.results.run import Run

DEAR: dict[str, Any] = {
    "merchants.number": 800,
    "calendar": {"start": "2011-06-01", "days": 70},
    "lenders.ali.products.revolving_line.rate": "0.08 %/day",
    "merchants.borrowing.habit_mean": 0.2,
}


def ruled(breach: str, changes: dict[str, Any] | None = None, rules: str = "micro_loan_company") -> dict[str, Any]:
    return {"institutions.regulator": {"rules": rules, "breach": breach, "changes": changes or {}}}


def run_of(changes: dict[str, Any]) -> Run:
    return sim.simulate(scenario(changes), seed=3, threads=1)


# ------------------------------------------------------------------------------------------------------- the tables


@pytest.mark.parametrize(
    ("day", "months", "who", "percent"),
    [
        ("2011-07-06", 6, "micro_loan_company", None),
        ("2011-07-07", 6, "micro_loan_company", 24.4),
        ("2011-07-07", 7, "micro_loan_company", 26.24),
        ("2012-06-08", 1, "micro_loan_company", 23.4),
        ("2012-07-05", 12, "micro_loan_company", 25.24),
        ("2012-07-06", 6, "private_lender", 22.4),
        ("2012-07-06", 12, "private_lender", 24.0),
        ("2015-09-01", 3, "private_lender", 24.0),
        ("2020-08-19", 3, "micro_loan_company", 24.0),
        ("2020-08-20", 3, "private_lender", 15.4),
        ("2020-08-20", 3, "micro_loan_company", None),
        ("2012-07-06", 6, "none", None),
    ],
)
def test_ceilings_of_facts_c14(day: str, months: int, who: str, percent: float | None) -> None:
    expected = None if percent is None else round(percent * 10_000)
    assert ceiling(date.fromisoformat(day), months, who) == expected


@pytest.mark.parametrize(
    ("day", "months", "who", "percent"),
    [
        ("2011-07-06", 6, "micro_loan_company", None),
        ("2011-07-07", 6, "micro_loan_company", 0.9 * 6.10),
        ("2011-07-07", 12, "micro_loan_company", 0.9 * 6.56),
        ("2012-06-08", 6, "micro_loan_company", 0.9 * 5.85),
        ("2012-06-08", 12, "micro_loan_company", 0.9 * 6.31),
        ("2012-07-06", 6, "micro_loan_company", 0.9 * 5.60),
        ("2015-08-31", 12, "micro_loan_company", 0.9 * 6.00),
        ("2015-09-01", 12, "micro_loan_company", None),
        ("2012-07-06", 6, "private_lender", None),
        ("2012-07-06", 6, "none", None),
    ],
)
def test_floors_are_nine_tenths_of_the_benchmark(day: str, months: int, who: str, percent: float | None) -> None:
    expected = None if percent is None else round(percent * 10_000)
    assert floor(date.fromisoformat(day), months, who) == expected


def test_funding_rules_of_facts_c13() -> None:
    assert rules_on(date(2012, 1, 1), "micro_loan_company").leverage == 0.5
    assert rules_on(date(2012, 1, 1), "micro_loan_company").single_borrower == 0.05
    assert rules_on(date(2021, 1, 1), "micro_loan_company").leverage == 1.0
    assert rules_on(date(2025, 1, 1), "micro_loan_company").single_borrower == 0.10
    assert rules_on(date(2008, 1, 1), "micro_loan_company").leverage is None


def test_a_term_of_half_a_year_in_days_is_short() -> None:
    rules = rules_on(date(2012, 1, 1), "micro_loan_company")
    assert rules.ceiling_of(184, "days") == rules.ceiling_of(6, "months") == 244_000
    assert rules.ceiling_of(185, "days") == rules.ceiling_of(7, "months") == 262_400
    assert rules_on(date(2012, 1, 1), "none").ceiling_of(1, "days") == LIFTED


def test_changes_of_a_scenario_come_on_top() -> None:
    change = RuleChange(date=date(2012, 3, 1), rate_ceiling="20 %/year", leverage="1 of net capital")  # type: ignore[arg-type]
    before, after = (rules_on(day, "micro_loan_company", [change]) for day in (date(2012, 2, 29), date(2012, 3, 1)))
    assert (before.ceiling, before.leverage) == (244_000, 0.5)
    assert (after.ceiling, after.ceiling_long, after.leverage) == (200_000, 262_400, 1.0)


# --------------------------------------------------------------------------------------------------------- ceilings


def dearest(run: Run, since: str) -> int:
    loans = run.loans
    is_line = (loans["product"] == "revolving_line") & (pd.to_datetime(loans["opened"]) >= pd.Timestamp(since))
    return int(loans.loc[is_line, "rate_ppm_year"].max())


def test_without_rules_a_dear_line_is_lent() -> None:
    run = run_of(DEAR | ruled("clip", rules="none"))
    assert dearest(run, "2011-07-07") == 292_000
    assert not [note for note in run.manifest["notes"] if "regulator" in note]


PRICING = {"flat": {"policy": "flat"}, "risk": {"policy": "risk_based", "highest": "40 %/year", "lowest": "30 %/year"}}


@pytest.mark.parametrize("pricing", PRICING.values(), ids=PRICING)
def test_a_price_above_the_ceiling_is_cut_from_its_first_day_on(pricing: dict[str, str]) -> None:
    run = run_of(DEAR | ruled("clip") | {"lenders.ali.pricing": pricing})
    assert dearest(run, "2011-06-01") > 244_000
    assert dearest(run, "2011-07-07") == 244_000
    assert any("regulator: ali: the price of" in note for note in run.manifest["notes"])


def test_a_loan_above_the_ceiling_is_refused() -> None:
    run = run_of(DEAR | ruled("refuse"))
    lines = run.loans[run.loans["product"] == "revolving_line"]
    assert pd.to_datetime(lines["opened"]).max() == pd.Timestamp("2011-07-06")
    late = run.applications[pd.to_datetime(run.applications["date"]) >= pd.Timestamp("2011-07-07")]
    refused = late[late["reason_1"] == "rate_above_ceiling"]
    assert len(refused) > 0
    assert (refused["granted_fen"] == 0).all()
    assert set(refused["decision"]) == {"declined"}
    assert f"regulator: ali: {len(refused):,} loans were refused, as their price was above the ceiling" in (
        run.manifest["notes"]
    )


@pytest.mark.parametrize("breach", ["refuse", "stop", "clip"])
def test_a_price_below_the_ceiling_breaks_no_rule_whatever_the_list_says(breach: str) -> None:
    cheap = {"policy": "risk_based", "highest": "20 %/year", "lowest": "12 %/year"}
    run = run_of(DEAR | ruled(breach, rules="private_lender") | {"lenders.ali.pricing": cheap})
    assert dearest(run, "2011-07-07") <= 200_000
    assert not [note for note in run.manifest["notes"] if "price" in note]


def test_a_run_stops_at_a_price_above_the_ceiling() -> None:
    with pytest.raises(RuleError, match=r"^2011-07-\d\d: ali: a loan at 29\.2 % a year; the ceiling is 24\.4 %"):
        run_of(DEAR | ruled("stop", {"one": {"date": "2011-06-01", "single_borrower": 1.0}}))


def test_the_command_says_which_rule_stopped_the_run(tmp_path: Path) -> None:
    words = ["run", str(SCENARIOS / "tiny.yaml"), "--out", str(tmp_path / "r"), "--no-report"]
    for key, value in {
        "institutions.regulator.rules": "micro_loan_company", "institutions.regulator.breach": "stop",
        "lenders.ali.products.revolving_line.rate": "0.08 %/day", "merchants.number": "300", "calendar.days": "40",
    }.items():  # fmt: skip
        words += ["--set", f"{key}={value}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "the ceiling is 24.4 %, and institutions.regulator.breach is stop" in done.stderr


# ------------------------------------------------------------------------------------------------------------ floors

CHEAP = DEAR | {"lenders.ali.products.revolving_line.rate": "4 %/year", "lenders.ali.products.order_loan": None}


def lines(run: Run, since: str) -> Any:
    opened = pd.to_datetime(run.loans["opened"])
    return run.loans[(run.loans["product"] == "revolving_line") & (opened >= pd.Timestamp(since))]


def test_a_price_below_the_floor_is_raised_from_its_first_day_on() -> None:
    run = run_of(CHEAP | ruled("clip"))
    found = lines(run, "2011-06-01")
    assert set(found["rate_ppm_year"]) == {40_000, 54_900}
    assert set(lines(run, "2011-07-07")["rate_ppm_year"]) == {54_900}
    assert any(note.startswith("regulator: ali: the price of") and note.endswith("loans was raised to the floor")
               for note in run.manifest["notes"])  # fmt: skip


def test_tiers_below_the_floor_are_raised_too() -> None:
    """The list price is allowed, and four fifths of it are not."""
    tiers = {"policy": "tiers", "score_from": [0.0, 0.8], "factor": [1.0, 0.8]}
    listed = {"lenders.ali.products.revolving_line.rate": "6 %/year", "lenders.ali.pricing": tiers}
    plan, types = CHEAP | listed, ("private_lender", "micro_loan_company")
    free, bound = (run_of(plan | ruled("clip", rules=who)) for who in types)
    assert lines(free, "2011-07-07")["rate_ppm_year"].min() < 50_000
    assert lines(bound, "2011-07-07")["rate_ppm_year"].min() == 54_900


def test_a_loan_below_the_floor_is_refused() -> None:
    run = run_of(CHEAP | ruled("refuse"))
    assert pd.to_datetime(lines(run, "2011-06-01")["opened"]).max() == pd.Timestamp("2011-07-06")
    refused = run.applications[run.applications["reason_1"] == "rate_below_floor"]
    assert set(refused["decision"]) == {"declined"}
    assert f"regulator: ali: {len(refused):,} loans were refused, as their price was below the floor" in (
        run.manifest["notes"]
    )


def test_a_run_stops_at_a_price_below_the_floor() -> None:
    with pytest.raises(RuleError, match=r"^2011-07-\d\d: ali: a loan at 4 % a year; the floor is 5\.49 %"):
        run_of(CHEAP | ruled("stop", {"one": {"date": "2011-06-01", "single_borrower": 1.0}}))


def test_no_floor_but_that_of_a_change_where_there_are_no_rules() -> None:
    free = run_of(CHEAP | ruled("clip", rules="none"))
    assert set(lines(free, "2011-07-07")["rate_ppm_year"]) == {40_000}
    own = {"own": {"date": "2011-07-20", "rate_floor": "12 %/year"}}
    held = run_of(CHEAP | ruled("clip", own, rules="none"))
    assert set(lines(held, "2011-07-20")["rate_ppm_year"]) == {120_000}
    assert set(lines(held, "2011-06-01")["rate_ppm_year"]) == {40_000, 120_000}


def test_a_change_may_take_the_floor_away() -> None:
    change = RuleChange(date=date(2012, 3, 1), rate_floor="0 %/year", rate_floor_long="7 %/year")  # type: ignore[arg-type]
    rules = rules_on(date(2012, 3, 1), "micro_loan_company", [change])
    assert (rules.floor_of(6, "months"), rules.floor_of(7, "months")) == (0, 70_000)


def test_a_floor_above_the_ceiling_is_refused() -> None:
    change = {"date": date(2012, 3, 1), "rate_floor": "25 %/year"}
    with pytest.raises(ValueError, match=r"from 2012-03-01 on the floor of 25 %/year is above the ceiling of 24\.4 %"):
        Regulation.model_validate({"rules": "micro_loan_company", "changes": {"odd": change}})
    Regulation.model_validate({"rules": "none", "changes": {"odd": change}})


# ----------------------------------------------------------------------------------------------------- penalty rates


def told_of_penalties(run: Run) -> list[str]:
    return [note for note in run.manifest["notes"] if "penalty rate" in note]


def test_a_penalty_rate_above_the_ceiling_is_told_with_its_date() -> None:
    """Facts C.14: 21.9 % a year are allowed, one and a half times that are not."""
    usual = DEAR | {"lenders.ali.products.revolving_line.rate": "0.06 %/day"}
    bound = usual | ruled("refuse", rules="private_lender")
    run = run_of(bound)
    since = run.loans[run.loans["opened"].astype(str) >= "2011-07-07"]  # on which the ceiling came down to that

    def first(product: str) -> str:
        return str(since.loc[since["product"] == product, "opened"].astype(str).min())

    assert told_of_penalties(run) == [
        f"regulator: ali: {product}: from {first(product)} on loans at {rate} %/year are signed whose penalty rate of "
        f"{penalty} %/year is above the ceiling of 24.4 %/year; the ceiling binds contract rates alone"
        for product, rate, penalty in (("order_loan", 18.25, 27.375), ("revolving_line", 21.9, 32.85))
    ]
    free = run_of(usual | ruled("refuse", rules="none"))
    assert told_of_penalties(free) == []
    assert free.loans.equals(run.loans)
    assert told_of_penalties(run_of(bound | {"lenders.ali.penalty_multiple": 1.1})) == []  # 24.09 % and less


def test_the_date_is_that_on_which_the_ceiling_fell() -> None:
    falls = {"tight": {"date": "2011-07-25", "rate_ceiling": "20 %/year"}}
    cheap = DEAR | {"lenders.ali.products.revolving_line.rate": "0.04 %/day", "lenders.ali.products.order_loan": None}
    told = told_of_penalties(run_of(cheap | ruled("clip", falls)))
    assert len(told) == 1
    assert "revolving_line: from 2011-07-25 on loans at 14.6 %/year are signed whose penalty rate of 21.9 %/" in told[0]


# -------------------------------------------------------------------------------------------- bank debt, one borrower

THIN: dict[str, Any] = {
    "merchants.number": 1000,
    "merchants.borrowing.habit_mean": 0.3,
    "lenders.ali.equity": "300000 yuan",
    "lenders.ali.bank_debt.cap": "3 of net capital",
    "lenders.ali.eligibility.min_tenure": "0 days",
    "lenders.ali.scoring.cutoff": 0.0,
}


def debts(changes: dict[str, Any]) -> list[tuple[date, float]]:
    """Bank debt over net capital, day by day."""
    market, found = Market(scenario(THIN | changes), rng=3), []
    while market.running:
        market.step()
        lender = market.lenders[0]
        day = market.calendar[market.day_index - 1].date
        found.append((day, lender.bank_debt_fen / max(lender.equity_fen, 1)))
    return found


def test_bank_debt_stays_under_the_cap_of_its_day() -> None:
    free, bound = debts(ruled("clip", rules="none")), debts(ruled("clip"))
    assert max(debt for _, debt in free) > 0.7
    assert 0.3 < max(debt for _, debt in bound) <= 0.5


def test_a_cap_that_rises_is_used() -> None:
    rises = {"reform": {"date": "2012-03-15", "leverage": "1 of net capital"}}
    found = debts(ruled("clip", rises))
    assert max(debt for day, debt in found if day < date(2012, 3, 15)) <= 0.5
    assert 0.5 < max(debt for _, debt in found) <= 1.0


def test_a_cap_that_falls_stops_new_debt_and_is_told() -> None:
    falls = {"tight": {"date": "2012-04-01", "leverage": "0.1 of net capital"}}
    market = lived(scenario(THIN | ruled("clip", falls)), 10_000)
    assert any("bank debt was above the cap on" in note for note in market.notes())


def test_a_run_stops_at_a_lenders_own_cap_above_the_rules() -> None:
    with pytest.raises(RuleError, match=r"bank debt of 3 of net capital; the rules allow 0\.5"):
        lived(scenario(THIN | ruled("stop")), 1)


def largest(changes: dict[str, Any]) -> float:
    """Largest share of net capital that one borrower owed on the evening of a day on which it borrowed."""
    market, most = Market(scenario(THIN | changes), rng=3), 0.0
    while market.running:
        before = market.lenders[0].equity_fen
        market.step()
        today = market.calendar[market.day_index - 1].number
        borrowed = market.merchants.last_loan_day == today
        owed = market.merchants.lender["exposure_fen"][0][borrowed].max(initial=0)
        most = max(most, float(owed) / before)
    return most


@pytest.mark.parametrize("breach", ["clip", "refuse"])
def test_no_borrower_owes_more_than_its_share_of_net_capital(breach: str) -> None:
    own = {"one": {"date": "2012-01-01", "single_borrower": 0.02}}
    assert largest(ruled(breach, rules="none")) > 0.05
    assert 0.01 < largest(ruled(breach, own)) <= 0.02
    market = lived(scenario(THIN | ruled(breach, own)), 10_000)
    said = {"clip": "were cut to what one borrower may owe", "refuse": "as one borrower would have owed too much"}
    assert any(said[breach] in note for note in market.notes())


def test_a_run_stops_at_one_borrower_who_would_owe_too_much() -> None:
    own = {"one": {"date": "2012-01-01", "single_borrower": 0.005}}
    with pytest.raises(RuleError, match=r"one borrower would owe more than [\d,.]+ yuan, 0\.5 % of"):
        lived(scenario(THIN | ruled("stop", own, rules="none")), 10_000)


def test_what_was_answered_survives_a_checkpoint() -> None:
    plan = scenario(DEAR | ruled("clip"))
    market = lived(plan, 50)
    again = Market(plan, rng=3)
    tables, progress = save(market)
    restore(again, tables, progress)
    for one in (market, again):
        one.run_days(1000)
    assert market.notes() == again.notes() != []
    assert np.array_equal(market.merchants.wallet, again.merchants.wallet)


def test_rules_change_only_what_the_lender_does() -> None:
    free, ruled_ = (lived(scenario(DEAR | ruled("clip", rules=rules)), 60) for rules in ("none", "micro_loan_company"))
    for name in ("shock", "luck", "entry_day", "base_orders"):
        assert np.array_equal(getattr(free.merchants, name), getattr(ruled_.merchants, name))
