"""The desk in the market: reviews, calls, talks and complaints wait for people, and waiting has its effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small import ROUGH, assert_equal_frames, lived, scenario

import sim
from sim.errors import ScenarioError
from sim.results.run import Run

WORK = {
    "call": {"minutes": 10},
    "negotiation": {"minutes": 240, "patience": 2880, "priority": 2},
    "complaint": {"minutes": 20, "patience": 1440},
    "review": {"minutes": 40},
}


def desk(staff: int = 2, **more: Any) -> dict[str, Any]:
    return {"teams": {"all": {"staff": staff, "works_on": "every_day"} | more}, "work": WORK}


PLAN: dict[str, Any] = ROUGH | {
    "lenders.ali.equity": "2 m yuan",
    "lenders.ali.negotiation": {"policy": "fast"},
    "lenders.ali.collection.steps.call": {"action": "call", "after": "3 days", "every": "7 days"},
    "lenders.ali.approval": {"policy": "desk", "people_from": "3000 yuan"},
}


def worked(changes: dict[str, Any]) -> Run:
    return sim.simulate(scenario(PLAN | changes), seed=4, threads=1)


@pytest.fixture(scope="module")
def staffed() -> Run:
    return worked({"lenders.ali.desk": desk(4)})


def test_small_loans_are_decided_at_once_and_large_ones_after_an_interview(staffed: Run) -> None:
    asked = staffed.applications
    days = (asked["date"] - asked["asked_on"]).dt.days
    b2b = staffed.merchants.set_index("merchant_id").loc[asked["merchant_id"], "platform"].to_numpy() == "b2b"
    large = ((asked["asked_fen"] >= 300_000) | b2b) & (asked["product"] != "order_loan")  # bounded by what it rests on
    assert (days[~large] == 0).all()
    assert (days[large] >= 1).all()
    assert large.sum() > 20
    assert days[large].mean() < 3


def test_an_interview_finds_some_who_fake_and_wrongs_few(staffed: Run) -> None:
    asked = staffed.applications
    seen = asked[asked["asked_on"] < asked["date"]]
    who = staffed.merchants.set_index("merchant_id").loc[seen["merchant_id"]]
    hides = ((who["wash"] > 0) | (who["integrity"] != "honest")).to_numpy()
    failed = (seen["reason_1"] == "failed_review").to_numpy()
    assert failed[hides].mean() > 0.3
    assert failed[~hides].mean() < 0.1


def test_few_people_make_everybody_wait(staffed: Run) -> None:
    short = worked({"lenders.ali.desk": desk(1)})
    waits = []
    for run in (staffed, short):
        asked = run.applications
        waits.append(float((asked["date"] - asked["asked_on"]).dt.days.mean()))
    assert waits[1] > waits[0]
    assert short.summary["people_cost"] < staffed.summary["people_cost"]
    assert short.summary["relief_given_up"] > staffed.summary["relief_given_up"]


def test_people_cost_what_their_shifts_cost(staffed: Run) -> None:
    days = len(staffed.daily)
    shifts, overtime = days * 4 * 9 * 50 * 100, int(staffed.daily["people_cost_fen"].sum()) - days * 4 * 9 * 50 * 100
    assert 0 <= overtime < 0.1 * shifts  # the case at hand is finished
    ops = staffed.daily["operating_cost_fen"] - staffed.daily["people_cost_fen"]
    assert (ops >= staffed.daily["collection_cost_fen"]).all()


def test_calls_reach_promise_and_are_judged(staffed: Run) -> None:
    n = staffed.frame("actions")["action"].value_counts()
    assert n["call"] >= n["reached"] > n["promises"] > 0
    assert n["keeps"] + n["breaks"] <= n["promises"]
    assert n["keeps"] > 0
    assert n["breaks"] > 0
    assert 0.3 < staffed.summary["right_party_rate"] < 0.5
    assert staffed.summary["promises_kept"] == n["keeps"] / (n["keeps"] + n["breaks"])


def test_a_desk_goes_on_after_a_checkpoint_as_if_nothing_were(tmp_path: Path) -> None:
    plan = scenario(PLAN | {"lenders.ali.desk": desk(1, overtime=1)})
    whole = sim.simulate(plan, seed=4, threads=1)
    calls = 0

    def stop(day: int, n_days: int, n: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 90:
            raise RuntimeError("the machine has stopped")

    with pytest.raises(RuntimeError):
        sim.simulate(plan, seed=4, threads=1, out=tmp_path / "run", checkpoint_every=40, progress=stop)
    resumed = sim.simulate(plan, seed=4, threads=1, out=tmp_path / "run")
    assert_equal_frames(whole, resumed)


def test_the_fast_rule_serves_about_the_same() -> None:
    queue, rule = (worked({"lenders.ali.desk": desk(2) | {"mode": mode}}) for mode in ("queue", "capacity"))
    served = [run.frame("actions")["action"].value_counts() for run in (queue, rule)]
    for name in ("reached", "asks"):
        assert abs(served[0][name] - served[1][name]) < 0.2 * served[0][name]
    costs = [int(run.daily["people_cost_fen"].sum()) for run in (queue, rule)]
    assert abs(costs[0] - costs[1]) < 0.02 * costs[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lenders.ali.approval.policy": "desk"}, "people decide, and the lender has no desk"),
        ({"lenders.ali.desk": desk(0)}, "is work that no team with staff has the skill for"),
        (
            {"lenders.ali.approval.policy": "desk", "lenders.ali.desk": {"teams": {"a": {}}, "work": {"call": {}}}},
            "work.review: is asked for and not described",
        ),
        ({"lenders.ali.desk": desk(1, begins=9, ends=8)}, "8 is not after its beginning at 9"),
    ],
)
def test_people_who_cannot_do_their_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said.replace("(", r"\(")):
        scenario(changes)


def test_people_who_are_there_in_vain_are_noted() -> None:
    plan = scenario({"lenders.ali.desk": {"teams": {"a": {}}, "work": {"call": {}}}})
    assert any("its desk does call, and nothing in its policies asks for it" in note for note in plan.notes)


def test_nobody_waits_for_people_twice() -> None:
    market = lived(scenario(PLAN | {"lenders.ali.desk": desk(1)}), 120, seed=4)
    reviews = market.cases[market.cases["kind"] == 3]
    assert len(set(reviews["row"].tolist())) == reviews.size
