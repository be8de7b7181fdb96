"""Everything after the payout at once: the same bits on any number of threads, the same luck for every strategy."""

from __future__ import annotations

from typing import Any

import pytest
from small import ROUGH, assert_equal_frames, scenario

import sim
from sim.results.run import Run

ALL: dict[str, Any] = ROUGH | {
    "events": ROUGH["events"] | {"costs": {"date": "2012-05-01", "kind": "regime_shift", "size": 0.1}},
    "merchants.number": 800,
    "merchants.borrowing": {"habit_mean": 0.2, "diverters": 0.1},
    "merchants.washing.before_review": 0.5,
    "lenders.ali.equity": "2 m yuan",
    "lenders.ali.late_fee": "5 yuan",
    "lenders.ali.products": {
        "annuity": {"term": "6 months", "minimum": "500 yuan", "payout_fee": 0.01},
        "joint_liability": {"term": "6 months", "minimum": "500 yuan"},
        "sales_share": {"minimum_share": 0.2},
    },
    "lenders.ali.monitoring": {"policy": "signals", "every": "3 days"},
    "lenders.ali.negotiation": {"policy": "early"},
    "lenders.ali.approval": {"policy": "desk", "people_from": "4000 yuan"},
    "lenders.ali.special_need": {"multiple": 2.0},
    "lenders.ali.signals": {"psychometric": {"cost": "1 yuan", "valid_for": "30 days"}},
    "lenders.ali.scoring": {"policy": "lie_score:LieScore", "weight": 0.1, "cutoff": 0.0},
    "lenders.ali.eligibility": {
        "invited": 0.8, "min_tenure": "0 days", "channels": {"fair": {"reach": 1.0, "registers": 0.9}}
    },
    "lenders.ali.collection.identity": False,
    "lenders.ali.collection.steps": {
        "remind": {"action": "remind", "after": "1 day", "every": "7 days", "tone": "positive"},
        "call": {"action": "call", "after": "3 days", "every": "7 days"},
        "contacts": {"action": "tell_contacts", "after": "20 days"},
        "help": {"action": "help", "after": "10 days", "share": 0.1},
        "suspend": {"action": "suspend", "after": "15 days"},
        "legal": {"action": "legal", "after": "30 days", "cost": "20 yuan"},
        "sale": {"action": "sell", "after": "60 days", "share": 0.1, "most": "500 yuan"},
        "close_shop": {"action": "close_shop", "after": "40 days"},
        "blacklist": {"action": "blacklist", "after": "40 days"},
    },
    "lenders.ali.desk": {
        "teams": {
            "day": {"staff": 2, "overtime": 2},
            "late": {"staff": 1, "begins": 14, "ends": 22, "skills": ["call"]},
        },
        "work": {
            "call": {"minutes": 9, "spread": 0.7},
            "negotiation": {"minutes": 40, "patience": 2880, "priority": 0},
            "complaint": {"minutes": 20, "patience": 600},
            "review": {"minutes": 45, "patience": 4320},
            "site_visit": {"minutes": 200},
        },
        "bot": {"kinds": ["call", "complaint"], "settles": 0.2},
    },
}


def run(threads: int, changes: dict[str, Any] | None = None) -> Run:
    return sim.simulate(scenario(ALL | (changes or {})), seed=8, threads=threads)


@pytest.fixture(scope="module")
def alone() -> Run:
    """The books have closed on every one of its days."""
    return run(1)


def test_everything_happens(alone: Run) -> None:
    done = set(alone.frame("actions")["action"])
    assert {
        "advise", "cut", "misuse", "call", "reached", "promises", "keeps", "breaks", "help", "suspend", "legal", "sell",
        "close_shop", "blacklist", "asks", "extension", "re_amortisation", "rate_cut", "gives_up",
    } <= done  # fmt: skip
    counted = ("special_needs", "special_needs_met", "signal_cost_fen", "channel_cost_fen")
    assert (alone.daily[[*counted]].sum() > 0).all()


def test_two_threads_give_the_same_bits(alone: Run) -> None:
    both = run(2)
    assert_equal_frames(alone, both)
    assert alone.frame("actions").equals(both.frame("actions"))


def test_no_strategy_changes_anybodys_luck(alone: Run) -> None:
    none = run(1, {"lenders": {}})
    other = run(1, {"lenders.ali.negotiation.policy": "none", "lenders.ali.monitoring.policy": "none"})
    for one in (none, other):
        for column in ("luck", "quality", "integrity", "size_fen"):
            assert (one.merchants[column] == alone.merchants[column]).all()


def test_the_same_command_gives_the_same_run(alone: Run) -> None:
    again = run(1)
    assert_equal_frames(alone, again)
    assert alone.frame("actions").equals(again.frame("actions"))
