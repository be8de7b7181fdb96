"""Negotiation in small markets: who asks, how long it takes, what is agreed, and that nothing of it is hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small import ROUGH, lived, scenario

import sim
from sim.core.schedules import TREATMENTS
from sim.engine.after.cases import ASKS
from sim.results.run import Run

LOANS: dict[str, Any] = {
    "lenders.ali.products": {"order_loan": None, "annuity": {"term": "6 months", "minimum": "500 yuan"}},
    "lenders.ali.equity": "3 m yuan",
    "calendar": {"start": "2012-02-15", "days": 300},
    "merchants.number": 900,
}


def talks(policy: str | dict[str, Any], changes: dict[str, Any] | None = None) -> Run:
    block = {"policy": policy} if isinstance(policy, str) else policy
    plan = ROUGH | LOANS | {"lenders.ali.negotiation": block} | (changes or {})
    return sim.simulate(scenario(plan), seed=4, threads=1)


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {name: talks(name) for name in ("none", "slow", "fast", "personalised", "early")}


def counts(run: Run) -> dict[str, int]:
    return dict(run.frame("actions")["action"].value_counts())


def test_nobody_talks_where_there_is_no_policy(runs: dict[str, Run]) -> None:
    """Those in difficulty find nobody to ask, and are let down like those who wait in vain."""
    assert not set(counts(runs["none"])) & {"asks", *TREATMENTS[1:], "refused"}
    assert not runs["none"].loans["restructured"].any()
    assert counts(runs["none"])["finds_nobody"] > 20
    assert counts(runs["none"])["complains"] > 5
    assert "finds_nobody" in counts(runs["slow"])


def test_nobody_who_has_paid_meanwhile_gives_up_and_nobody_asks_twice_of_one_claim() -> None:
    market = lived(scenario(ROUGH | LOANS), 0, seed=4)  # nobody to ask
    waiting: set[int] = set()
    tired = 0
    while market.running:
        market.step()
        late = set(market.book["loan_id"][market.book["unpaid_since"] > 0].tolist())
        today = market.calendar[market.day_index - 1].number
        done = {act[1]: set(act[3].tolist()) for act in market.recorder._actions if act[0] == today}
        waiting &= late
        assert not done.get("finds_nobody", set()) & waiting
        waiting |= done.get("finds_nobody", set())
        assert done.get("gives_up", set()) <= late
        tired += len(done.get("gives_up", set()))
    assert tired > 20


def test_a_part_is_forgiven_only_when_the_rest_is_paid() -> None:
    run = talks({"policy": "fast", "offer": "forgiveness", "forgiven": 0.3, "extension": "30 days"})
    actions, tape = run.frame("actions"), run.loans.set_index("loan_id")
    settled = actions[actions["action"] == "settled"]
    assert len(settled) > 3
    assert "lapses" in counts(run)
    agreed = actions[actions["action"] == "forgiveness"].set_index("loan_id")["date"]
    assert (settled["date"].to_numpy() >= agreed.loc[settled["loan_id"]].to_numpy()).all()
    given = tape["forgiven_fen"] > 0
    assert set(tape.index[given]) == set(settled["loan_id"])
    closed = tape[given & (tape["status"] == "closed")]
    assert (closed["principal_paid_fen"] + closed["forgiven_fen"] == closed["principal_fen"]).all()
    assert (tape.loc[settled["loan_id"], "forgiven_fen"].to_numpy() <= settled["detail"].to_numpy()).all()


def test_the_books_of_loans_with_new_terms_add_up(runs: dict[str, Run]) -> None:
    """They have closed on every day of these runs; here the tape."""
    for name, run in runs.items():
        tape = run.loans
        parts = tape["principal_paid_fen"] + tape["balance_fen"] + tape["written_off_fen"]
        assert (parts == tape["principal_fen"]).all(), name
        assert int(run.daily["written_off_fen"].sum()) == int(tape["written_off_fen"].sum()), name
        assert (tape["forgiven_fen"] <= tape["written_off_fen"]).all()
        changed = tape["restructured"]
        assert (tape.loc[changed, "treatment"] != "").all()
        assert (tape.loc[~changed, "treatment"].fillna("") == "").all()
        assert int(changed.sum()) == (0 if name == "none" else int(tape["n_restructured"].sum()))


def test_every_agreement_stands_in_the_tape(runs: dict[str, Run]) -> None:
    for name in ("slow", "fast", "personalised", "early"):
        actions, tape = runs[name].frame("actions"), runs[name].loans.set_index("loan_id")
        agreed = actions[actions["action"].isin(TREATMENTS[1:-1])]
        assert len(agreed) > 15, name
        assert agreed["loan_id"].is_unique  # once a loan, as most_times says
        assert (tape.loc[agreed["loan_id"], "treatment"].to_numpy() == agreed["action"].to_numpy()).all()
        assert (tape.loc[agreed["loan_id"], "restructured_on"].to_numpy() == agreed["date"].to_numpy()).all()


def test_a_slow_answer_comes_late_and_loses_those_who_give_up(runs: dict[str, Run]) -> None:
    for name, days in (("slow", 10), ("fast", 1)):
        actions = runs[name].frame("actions")
        granted = actions[actions["action"] == {"slow": "extension", "fast": "re_amortisation"}[name]]
        assert (granted["detail"] == days).all()
        asks = set(actions.loc[actions["action"] == "asks", "loan_id"])
        tired = set(actions.loc[actions["action"] == "gives_up", "loan_id"]) & asks
        assert len(tired) / len(asks) > 0.2 if name == "slow" else len(tired) / len(asks) < 0.1
    assert counts(runs["slow"])["complains"] > 0


def test_few_find_whom_to_ask_where_the_lender_is_not_open() -> None:
    open_, shut = (counts(talks({"policy": "fast", "openness": share})) for share in (1.0, 0.05))
    assert shut["asks"] < 0.5 * open_["asks"]


def test_loans_with_new_terms_keep_their_lateness_in_sight(runs: dict[str, Run]) -> None:
    """They stay in the bucket they had, and what was past due before counts in every figure."""
    run = runs["fast"]
    market = lived(scenario(ROUGH | LOANS | {"lenders.ali.negotiation": {"policy": "fast"}}), 0, seed=4)
    seen = 0
    while market.running:
        market.step()
        book = market.book
        changed = (book["n_restructured"] > 0) & (book["status"] == 0) & (book["inherited_dpd"] > 0)
        days = np.maximum(book["dpd"], book["inherited_dpd"])
        assert (days[changed] >= 1).all()
        late = market.merchants.lender["dpd"][0, book["row"][changed]]
        is_old = book["restructured_day"][changed] < market.calendar[market.day_index - 1].number
        assert (late[is_old] >= days[changed][is_old]).all()  # and its borrower gets no other loan
        seen += int(changed.sum())
    assert seen > 100
    assert run.summary["restructured_share"] > 0.01
    last = run.daily.iloc[-1]
    assert last["balance_restructured_fen"] > 0


def test_kept_for_long_enough_they_are_current_again() -> None:
    short, long = (talks({"policy": "fast", "observed_for": days}) for days in ("30 days", "3650 days"))
    for run in (short, long):
        assert run.loans["restructured"].sum() > 15
    cured = [
        int(((run.loans["dpd"] == 0) & run.loans["restructured"] & (run.loans["status"] == "active")).sum())
        for run in (short, long)
    ]
    assert cured[0] > cured[1]


def test_the_terms_of_each_treatment() -> None:
    for offer in ("extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium", "hold"):
        run = talks({"policy": "fast", "offer": offer, "rate_cut": 0.5, "forgiven": 0.3})
        tape, actions = run.loans, run.frame("actions")
        mine = actions[actions["action"] == offer]
        assert len(mine) > 10, offer
        changed = tape[tape["restructured"]]
        assert len(changed) == (0 if offer == "hold" else len(mine))
        rates = {"annuity": 180_000, "revolving_line": 219_000}
        agreed = changed["product"].map(rates).astype(int) * (0.5 if offer == "rate_cut" else 1.0)
        assert (changed["rate_ppm_year"] == agreed).all()
        if offer == "forgiveness":
            assert (changed["forgiven_fen"] <= 0.3 * changed["principal_fen"]).all()
        else:
            assert (changed["forgiven_fen"] == 0).all()


def test_interest_given_up_leaves_income() -> None:
    kept, given = (talks({"policy": "fast", "waives_interest": waives}) for waives in (False, True))
    assert given.summary["interest_income"] < kept.summary["interest_income"]


def test_early_talks_come_before_the_due_date(runs: dict[str, Run]) -> None:
    actions, tape = runs["early"].frame("actions"), runs["early"].loans.set_index("loan_id")
    agreed = actions[actions["action"].isin(TREATMENTS[1:-1])]
    asked = set(actions[actions["action"] == "asks"]["loan_id"])
    before = agreed[~agreed["loan_id"].isin(asked)]
    assert len(before) > 15
    assert (tape.loc[before["loan_id"], "dpd_before"] == 0).all()


def test_relief_that_is_seen_is_asked_for_by_those_who_could_pay() -> None:
    """Design rule 13: the more copy, the more of those who would rather not pay come and ask."""
    asked = []
    for copies in (0.0, 1.0):
        run = talks("fast", {"merchants.repayment.copies": copies})
        who = run.frame("actions").query("action == 'asks'")["merchant_id"]
        kind = run.merchants.set_index("merchant_id").loc[who, "integrity"]
        asked.append(int((kind != "honest").sum()))
    assert asked[1] > asked[0]


def test_a_lender_of_whom_nobody_speaks_well_is_asked_for_less() -> None:
    """Those who are let down tell others: a loan is more bother, and fewer ask."""
    kind = {"policy": "slow", "response": "60 days", "openness": 1.0}
    few, many = (
        talks(kind, {"merchants.repayment.word_of_mouth": weight, "merchants.repayment.complains": 0.0})
        for weight in (20.0, 0.0)
    )
    assert few.daily["applications"].sum() < many.daily["applications"].sum()


def test_cases_are_of_loans_that_run() -> None:
    market = lived(scenario(ROUGH | LOANS | {"lenders.ali.negotiation": {"policy": "slow"}}), 150, seed=4)
    waits = market.cases[market.cases["kind"] == ASKS]
    assert waits.size > 3
    assert np.isin(waits["loan_id"], market.book["loan_id"]).all()
    assert np.unique(waits["loan_id"]).size == waits.size
