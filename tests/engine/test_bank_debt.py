"""When a lender draws and repays bank debt: the rule is a choice, the cap holds under each of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from small import ROUGH, scenario

import sim
from sim.errors import ScenarioError
from sim.results.run import Run

DEBT = "lenders.ali.bank_debt"
RULES: dict[str, dict[str, str]] = {
    "as needed": {},
    "kept": {"repay": "keep"},
    "at once": {"draw": "at_once", "repay": "keep"},
}
TIMES = ROUGH | {"calendar": {"start": "2012-02-15", "days": 120}, "lenders.ali.equity": "600000 yuan"}


@cache
def run_of(rule: str, freezes: bool = False, seed: int = 3) -> Run:
    freeze = {"events.freeze": {"date": "2012-02-20", "kind": "funding_freeze", "days": 60}} if freezes else {}
    equity = {"lenders.ali.equity": "150000 yuan"} if freezes else {}
    return sim.simulate(scenario(TIMES | {DEBT: RULES[rule]} | freeze | equity), seed=seed, threads=1)


@pytest.mark.parametrize("rule", RULES)
def test_the_cap_holds_and_the_result_is_what_equity_grew_by(rule: str) -> None:
    run = run_of(rule)
    days = run.daily
    assert (days["bank_debt_fen"] <= days["equity_fen"].clip(lower=0) * 0.5 + 1).all()
    assert days["cash_fen"].min() >= 0
    assert abs(round(100 * run.summary["profit"]) - int(days["equity_fen"].iloc[-1] - 60_000_000)) <= 3


def test_what_is_drawn_when() -> None:
    needed, kept, at_once = (run_of(rule).daily for rule in RULES)
    assert (needed["cash_fen"] * needed["bank_debt_fen"] == 0).all()  # it has one or the other
    assert (kept["bank_debt_fen"].diff().dropna() >= 0).all() or kept["equity_fen"].diff().min() < 0
    assert (kept["cash_fen"] * kept["bank_debt_fen"] > 0).any()
    assert at_once["bank_debt_fen"].iloc[0] == pytest.approx(0.49 * at_once["equity_fen"].iloc[0], abs=2)


def test_debt_that_is_kept_costs_more() -> None:
    """Nearly the same loans are made; what lies idle costs interest.

    In a world where money is hardly ever short: elsewhere one large loan more or less moves all others.
    """
    needed, kept, at_once = (run_of(rule, seed=5) for rule in RULES)
    assert needed.summary["rejected_for_funds"] < 0.05 * needed.summary["n_loans"]
    for run in (kept, at_once):
        assert run.summary["disbursed"] == pytest.approx(needed.summary["disbursed"], rel=0.03)
    costs = [int(run.daily["funding_cost_fen"].sum()) for run in (needed, kept, at_once)]
    assert costs[0] < costs[1] < costs[2]
    assert at_once.summary["roe"] < needed.summary["roe"]


def test_money_drawn_before_a_freeze_is_there_in_it() -> None:
    needed, at_once = run_of("as needed", freezes=True).daily, run_of("at once", freezes=True).daily
    assert at_once["disbursed_fen"][:60].sum() > 1.1 * needed["disbursed_fen"][:60].sum()


def test_the_rule_may_change_on_a_date() -> None:
    changes: dict[str, Any] = {"now": {"date": "2012-03-15", "set": {"bank_debt.draw": "at_once"}}}
    plan = scenario(TIMES | {DEBT: RULES["kept"], "lenders.ali.changes": changes})
    days = sim.simulate(plan, seed=3, threads=1).daily
    assert days["bank_debt_fen"][29] > 0.48 * days["equity_fen"][29] > days["bank_debt_fen"][28] * 1.0


def test_drawing_at_once_what_is_repaid_the_same_evening_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"bank_debt: draw: at_once would be repaid .*; write repay: keep"):
        scenario({DEBT: {"draw": "at_once"}})
