"""Policies that the engine reads and does not ask: the ladder, and the kinds of which there is only `none` so far."""

from __future__ import annotations

import pytest

from sim.lenders.policy import check_parameters, load_policy


def test_the_ladder_holds_what_the_engine_reads() -> None:
    ladder = load_policy("collection", "ladder")
    assert (ladder.remind_before, ladder.remind_from, ladder.sweep_from, ladder.sweep_share) == (3, 1, 3, 0.8)
    assert load_policy("collection", "ladder", {"sweep_from": "10 days", "sweep_share": 1}).sweep_from == 10


def test_steps_of_the_ladder_are_days_and_shares() -> None:
    problems = check_parameters("collection", "ladder", {"sweep_from": 3, "sweep_share": 1.2, "remind_from": "0 days"})
    assert [one.field for one in problems] == ["sweep_from", "sweep_share", "remind_from"]


@pytest.mark.parametrize("kind", ["monitoring", "negotiation"])
def test_none_takes_no_parameters(kind: str) -> None:
    assert load_policy(kind, "none").kind == kind
    (found,) = check_parameters(kind, "none", {"team": 3})
    assert found.allowed == "this policy has no parameters"
