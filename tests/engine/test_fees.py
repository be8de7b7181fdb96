"""Fees in a market whose books close every day: late fees and fees at the payout, on the tape, by day, in the yield."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small import ROUGH, scenario

import sim
from sim.results.run import Run


@pytest.fixture(scope="module")
def with_fees() -> tuple[Any, Any]:
    """The same bad time with and without fees: of one per cent at the payout, and of 5 yuan for a missed due date."""
    fees = {
        "lenders.ali.late_fee": "5 yuan", "lenders.ali.products.revolving_line.payout_fee": 0.01,
        "lenders.ali.products.order_loan.payout_fee": 0.01,
    }  # fmt: skip
    many, none = (sim.simulate(scenario(ROUGH | changes), seed=3, threads=1) for changes in (fees, {}))
    return many, none


def test_fees_of_the_tape_are_the_fees_of_the_days(with_fees: tuple[Any, Any]) -> None:
    many, none = with_fees
    tape = many.loans
    assert int(many.daily["fee_paid_fen"].sum()) == int(tape["fee_paid_fen"].sum()) > 0
    assert int(none.daily["fee_paid_fen"].sum()) == int(none.loans["fee_paid_fen"].sum()) == 0
    at_once = np.floor(tape["principal_fen"] * 0.01 + 0.5).astype(np.int64)
    late = tape["fee_paid_fen"] - at_once
    assert set(late.unique().tolist()) > {0, 500}
    assert late.between(0, 500).mean() > 0.9  # a line has one due date; an order loan may have several
    line = tape["product"] == "revolving_line"
    assert (late[line & (tape["closed"] <= tape["due"])] == 0).all()
    assert (late[line & (tape["closed"] > tape["due"]) & (tape["status"] == "closed")] == 500).all()
    assert (line & (late == 500)).sum() > 20
    by_day = many.daily.set_index("date")["fee_paid_fen"]
    paid_out = at_once.groupby(tape["opened"]).sum()
    assert (by_day.reindex(paid_out.index) >= paid_out).all()


def test_yield_rises_by_the_fees(with_fees: tuple[Any, Any]) -> None:
    """The same run with its fees left out of the days: what is missing of the yield is the fees on the mean balance."""
    run = with_fees[0]
    daily = run.daily.copy()
    fees = int(daily["fee_paid_fen"].sum())
    daily["fee_paid_fen"] = 0
    tables = {name: getattr(run, name) for name in ("loans", "loan_months", "applications", "merchants")}
    bare = Run.from_tables(tables | {"daily": daily}, run.manifest, run.scenario)
    rise = run.summary["yield_gross"] - bare.summary["yield_gross"]
    assert rise == pytest.approx(fees / daily["balance_fen"].mean() * 365 / len(daily), rel=1e-9)
    assert rise > 0.005
