"""What is done about borrowers is done once, holds for as long as it is said to, and ends when it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small import ROUGH, lived, scenario

import sim
from sim.core.loanbook import ACTIVE, HELD
from sim.engine.after.cases import RESTS, SEEN
from sim.engine.after.collect import NEVER_AGAIN
from sim.engine.day.count import MONEY
from sim.errors import ScenarioError
from sim.results.run import Run

LOANS: dict[str, Any] = {
    "lenders.ali.products": {"order_loan": None, "annuity": {"term": "6 months", "minimum": "500 yuan"}},
    "lenders.ali.equity": "3 m yuan",
    "calendar": {"start": "2012-02-15", "days": 250},
    "merchants.number": 900,
}
STEPS = "lenders.ali.collection.steps."


def run(changes: dict[str, Any]) -> Run:
    return sim.simulate(scenario(ROUGH | LOANS | changes), seed=4, threads=1)


def test_what_is_done_once_is_done_once_however_much_is_paid_between() -> None:
    """Part payments move the days past due back, so that a day is passed more than once."""
    steps = {
        STEPS + "legal": {"action": "legal", "after": "10 days", "cost": "100 yuan"},
        STEPS + "suspend": {"action": "suspend", "after": "5 days"},
        STEPS + "blacklist": {"action": "blacklist", "after": "20 days"},
    }
    done = run(steps | {"merchants.repayment.hardship": 0.2})
    actions = done.frame("actions")
    for name in ("legal", "suspend", "blacklist"):
        mine = actions[actions["action"] == name]
        assert len(mine) > 20
        assert mine["loan_id"].is_unique
    assert done.daily["collection_cost_fen"].sum() >= 10_000 * (actions["action"] == "legal").sum()


def test_a_blacklisted_debtor_has_no_limit_left() -> None:
    market = lived(scenario(ROUGH | LOANS | {STEPS + "blacklist.after": "10 days"}), 250, seed=4)
    own = market.merchants.lender
    listed = own["refused_until"][0] == NEVER_AGAIN
    assert listed.sum() > 20
    assert (own["limit_fen"][0, listed] == 0).all()


def test_a_cut_limit_stays_cut_over_the_next_reviews() -> None:
    looks = {"policy": "signals", "deep_drop": 0.2, "limit_cut_for": "60 days"}
    kept, cut = (run({"lenders.ali.monitoring": looks | {"limit_cut": share}}) for share in (0.0, 1.0))
    assert cut.daily["limit_total_fen"].sum() < 0.98 * kept.daily["limit_total_fen"].sum()


def test_two_steps_to_call_on_one_day_are_one_call() -> None:
    desk = {"teams": {"all": {"staff": 3, "works_on": "every_day"}}, "work": {"call": {"minutes": 5}}}
    steps = {
        STEPS + "first": {"action": "call", "after": "5 days", "every": "5 days"},
        STEPS + "second": {"action": "call", "after": "10 days", "every": "10 days"},
    }
    actions = run(steps | {"lenders.ali.desk": desk}).frame("actions")
    rings = actions[actions["action"] == "rings"]
    assert len(rings) > 50
    assert not rings.duplicated(["date", "loan_id"]).any()


def test_when_a_lender_talks_no_more_nobody_rests_any_longer() -> None:
    none = {"negotiation.policy": "none", "negotiation.offer": None}
    plan = {
        "lenders.ali.negotiation": {"policy": "fast", "offer": "hold", "hold": "360 days"},
        "lenders.ali.changes": {"stop": {"date": "2012-06-15", "set": none}},
    }
    market = lived(scenario(ROUGH | LOANS | plan), 120, seed=4)
    assert ((market.book["pressure"] & HELD) != 0).sum() > 5
    market.run_days(10)
    resting = ((market.book["pressure"] & HELD) != 0) & (market.book["status"] == ACTIVE)
    assert not resting.any()
    assert not (market.cases["kind"] == RESTS).any()


def test_interest_of_a_loan_called_or_put_off_counts_its_nights() -> None:
    """A month that is cut short, or an extension of some days, costs its days and not a whole month."""
    days = 10
    plan = {"lenders.ali.negotiation": {"policy": "fast", "extension": f"{days} days"}}
    plan["lenders.ali.negotiation"]["offer"] = "extension"
    market = lived(scenario(ROUGH | LOANS | plan), 0, seed=4)
    seen: dict[int, tuple[int, int]] = {}
    checked = 0
    while market.running and checked < 10:
        market.step()
        today = market.calendar[market.day_index - 1].number
        book = market.book
        for k in np.flatnonzero(book["restructured_day"] == today).tolist():
            loan = book.records[k]
            if loan["balance"] > 0 and loan["units_per_fen"] == 360_000_000:
                seen[int(loan["loan_id"])] = (int(loan["accrued"] + loan["suspended"]), int(loan["balance"]))
        for k in np.flatnonzero((book["restructured_day"] == today - days + 1) & (book["status"] == ACTIVE)).tolist():
            loan = book.records[k]
            before, balance = seen.get(int(loan["loan_id"]), (0, -1))
            if balance == loan["balance"]:  # nothing was paid meanwhile
                nights = (int(loan["accrued"] + loan["suspended"]) - before) / (balance * int(loan["rate"]))
                assert nights == days - 1
                checked += 1
    assert checked >= 5


def test_balances_by_days_past_due_are_those_of_the_book_with_everything_on() -> None:
    plan = {
        "lenders.ali.products": {"order_loan": None, "annuity": None},
        "lenders.ali.products.joint_liability": {"term": "6 months", "minimum": "500 yuan"},
        "lenders.ali.negotiation": {"policy": "fast"},
        STEPS + "sale": {"action": "sell", "after": "50 days", "share": 0.1},
    }
    market = lived(scenario(ROUGH | LOANS | plan), 0, seed=4)
    restructured = 0
    while market.running:
        market.step()
        book, sums = market.book, market.room.sums.repay[0, 0].sum(axis=0)
        is_open = (book["status"] == ACTIVE) & (book["balance"] > 0)
        opened_today = book["opened"] == market.calendar[market.day_index - 1].number
        late = np.maximum(book["dpd"], book["inherited_dpd"])
        names = ("balance_current", "balance_1_30", "balance_31_60", "balance_61_90", "balance_90_plus")
        from sim.engine.day.loan import REPAY_TOTALS

        place = np.searchsorted([1, 31, 61, 90], late, side="right")
        for k, name in enumerate(names):
            mine = is_open & (place == k) & ~opened_today
            assert int(book["balance"][mine].sum()) == sums[REPAY_TOTALS.index(name)], (market.day_index, name)
        restructured += int((book["n_restructured"] > 0).sum())
    assert restructured > 100
    assert len(MONEY) == 3


def test_interviewed_applicants_are_decided_after_an_outage() -> None:
    desk = {"teams": {"all": {"staff": 4, "works_on": "every_day"}}, "work": {"review": {"minutes": 20}}}
    plan = {
        "lenders.ali.desk": desk,
        "lenders.ali.approval": {"policy": "desk", "people_from": "2000 yuan"},
        "events": {"dark": {"date": "2012-04-10", "kind": "outage", "size": 1.0, "days": 5, "lender": "ali"}},
    }
    market = lived(scenario(ROUGH | LOANS | plan), 58, seed=4)  # in the outage
    waits = market.cases[market.cases["kind"] == SEEN]
    assert waits.size > 3
    market.run_days(6)
    own = market.merchants.lender
    at_desk = set(market.cases["row"][market.cases["kind"] >= SEEN].tolist())
    assert set(np.flatnonzero(own["is_pending"][0]).tolist()) == at_desk
    assert not (market.cases["kind"] == SEEN).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"approval.policy": "desk"}, "people decide, and the lender has no desk"),
        (
            {"collection.steps.sale": {"action": "sell", "after": "400 days", "share": 0.1}},
            "step sale is never reached",
        ),
        ({"negotiation.least_dpd": 95}, "nobody may ask: from 95 to 90 days past due"),
    ],
)
def test_a_dated_change_is_held_to_the_same(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenario({"lenders.ali.changes": {"then": {"date": "2012-03-01", "set": change}}})
